package python_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// scriptsModule is a pipeline whose trainer is two scripts of the module.
const scriptsModule = `pipeline "scripts" {}

source "csv" "rows" {
  path = "rows.csv"
  column "id"   { type = "bigint" }
  column "x"    { type = "double" }
  column "y"    { type = "boolean" }
  column "seen" { type = "timestamp" }
}

split "hash" "parts" {
  from = source.rows
  test = 0.5
}

metric "auc" { type = "roc_auc" }

train "python" "model" {
  data         = split.parts.train
  target       = "y"
  task         = "binary_classification"
  features     = ["x"]
  script       = "code/train.py"
  predict      = "code/predict.py"
  files        = ["code/features.py"]
  base         = "mlp-example-python:1"
  python       = "3"
  requirements = "requirements.txt"
  index        = "wheels"
  format       = "ndjson"
  params { weight = 2 }
}

evaluate "test" {
  model   = train.model
  data    = split.parts.test
  metrics = [metric.auc]
}

deploy "batch" "scores" {
  model = train.model
  data  = split.parts.test
}
`

// scriptsFiles are the module's other files but for the wheels.
func scriptsFiles() map[string]string {
	rows := "id,x,y,seen\n"
	for i := range 200 {
		rows += fmt.Sprintf("%d,%d.5,%t,2026-01-01T00:00:0%d\n", i, i*37%100, i*37%100 > 50, i%10)
	}
	return map[string]string{
		"p.mlp": scriptsModule, "rows.csv": rows,
		"code/features.py": "import tinyscale\n\n\ndef score(row, weight):\n    return min(1, weight * tinyscale.scale(row[\"x\"]) / 1000)\n",
		"code/train.py": "import json\n\nimport features\nimport mlp_stage as stage\n\nrows = stage.table(\"data\", as_=\"rows\")\nassert rows[0][\"seen\"].year == 2026 and rows[0][\"y\"] in (True, False)\n" +
			"(stage.out(\"model\") / \"model.json\").write_text(json.dumps({\"weight\": stage.params[\"weight\"]}))\n" +
			"stage.progress(1, 1)\nstage.figures({\"rows\": len(rows), \"mean\": float(stage.table(\"data\")[\"x\"].mean())})\n",
		"code/predict.py": "import json\n\nimport features\nimport mlp_stage as stage\n\nweight = json.loads((stage.path(\"model\") / \"model.json\").read_text())[\"weight\"]\n" +
			"stage.write(\"predictions\", [{\"score\": features.score(row, weight)} for row in stage.table(\"data\", as_=\"rows\")])\n",
		"code/beside.py": "raise RuntimeError('nobody lists this file')\n",
	}
}

// wheel packs a module of Python as a wheel, the same bytes each time, and returns the requirement with its hash.
func wheel(t *testing.T, dir, name, version, text string) string {
	t.Helper()
	info := name + "-" + version + ".dist-info/"
	files := [][2]string{{name + "/__init__.py", text}, {info + "METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n"},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}}
	record := ""
	for _, f := range files {
		sum := sha256.Sum256([]byte(f[1]))
		record += fmt.Sprintf("%s,sha256=%s,%d\n", f[0], base64.RawURLEncoding.EncodeToString(sum[:]), len(f[1]))
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for _, f := range append(files, [2]string{info + "RECORD", record + info + "RECORD,,\n"}) {
		w, err := z.Create(f[0])
		if err == nil {
			_, err = w.Write([]byte(f[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, name+"-"+version+"-py3-none-any.whl"), packed.String())
	sum := sha256.Sum256(packed.Bytes())
	return fmt.Sprintf("%s==%s --hash=sha256:%s\n", name, version, hex.EncodeToString(sum[:]))
}

// pipWheel copies the wheel of pip that Debian's python3-pip-whl has, which the base image lacks, and returns its requirement.
func pipWheel(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob("/usr/share/python-wheels/pip-*.whl")
	if err != nil || len(found) == 0 {
		if os.Getenv("MLP_REQUIRE_PYTHON_IMAGE") == "1" {
			t.Fatal("MLP_REQUIRE_PYTHON_IMAGE=1: no wheel of pip; apt-get install python3-pip-whl")
		}
		t.Skip("no wheel of pip: apt-get install python3-pip-whl")
	}
	data, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, filepath.Base(found[0])), string(data))
	sum := sha256.Sum256(data)
	return fmt.Sprintf("pip==%s \\\n    --hash=sha256:%s\n", strings.Split(filepath.Base(found[0]), "-")[1], hex.EncodeToString(sum[:]))
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// newScripts is the pipeline of scripts in a folder of its own.
func newScripts(t *testing.T) example {
	t.Helper()
	e := newExample(t)
	e.dir = t.TempDir()
	for name, text := range scriptsFiles() {
		write(t, filepath.Join(e.dir, name), text)
	}
	wheels := filepath.Join(e.dir, "wheels")
	write(t, filepath.Join(e.dir, "requirements.txt"), pipWheel(t, wheels)+"# what the features need\n"+
		wheel(t, wheels, "tinyscale", "1.2", "def scale(x):\n    return 2 * x\n"))
	return e
}

// replace edits a file of the module.
func (e example) replace(t *testing.T, name, old, new string) {
	t.Helper()
	file := filepath.Join(e.dir, name)
	data, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(data), old) {
		t.Fatalf("%s has no %q (%v)", name, old, err)
	}
	write(t, file, strings.Replace(string(data), old, new, 1))
}

// outputs are the digests of what a stage yields.
func (e example) outputs(t *testing.T, address string) map[string]string {
	t.Helper()
	out, code := e.run(t, "show", address, "--format", "json")
	var shown struct{ Outputs map[string]string }
	if err := json.Unmarshal([]byte(out), &shown); err != nil || code != 0 || len(shown.Outputs) == 0 {
		t.Fatalf("show %s: %v, %s", address, err, out)
	}
	return shown.Outputs
}

// TestScripts applies a pipeline of scripts: what they require is installed once, from wheels beside the module and without a network; an edit is told with its
// file and line, and runs what it concerns; the image comes out the same elsewhere, and is loaded again where it was removed.
func TestScripts(t *testing.T) {
	requireImage(t)
	e := newScripts(t)
	e.want(t, 0, "released train.model", "apply", "--auto-approve")
	e.want(t, 0, "nothing to do", "plan")
	e.want(t, 0, "Successfully installed", "logs", "train.model@image")
	e.ejected(t)

	e.replace(t, "code/predict.py", "score(row, weight)", "score(row, weight + 1)")
	e.want(t, 0, "code of train.model  code/predict.py line 7: ", "plan")
	e.want(t, 0, "   code/predict.py:7\n     runs      deploy.scores@predict, evaluate.test@predict\n", "plan")
	e.replace(t, "code/train.py", "assert rows", "assert  rows")
	e.want(t, 0, " → the same with other white space   code/train.py:7", "plan")
	e.replace(t, "code/train.py", "assert  rows", "assert rows")
	e.replace(t, "code/predict.py", "score(row, weight + 1)", "score(row, weight)")
	e.replace(t, "code/beside.py", "nobody", "no block")
	e.want(t, 0, "nothing to do", "plan")

	requirement := wheel(t, filepath.Join(e.dir, "wheels"), "tinyscale", "1.3", "def scale(x):\n    return 3 * x\n")
	was, err := os.ReadFile(filepath.Join(e.dir, "requirements.txt"))
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(was), "tinyscale")
	write(t, filepath.Join(e.dir, "requirements.txt"), string(was[:at])+requirement)
	e.want(t, 0, "   requirements.txt:4\n     code of train.model  wheels/tinyscale-1.3-py3-none-any.whl was added   p.mlp:18\n     runs      train.model@image\n     may run   ", "plan")
	write(t, filepath.Join(e.dir, "requirements.txt"), string(was))
	if err := os.Remove(filepath.Join(e.dir, "wheels", "tinyscale-1.3-py3-none-any.whl")); err != nil {
		t.Fatal(err)
	}

	e.replace(t, "p.mlp", `["code/features.py"]`, `["rows.csv"]`)
	e.want(t, 1, "No module named 'features'", "apply", "--auto-approve")

	other := newScripts(t)
	docker(t, "rmi", "-f", docker(t, "images", "--quiet", "--filter", "label=mlp.image="+e.outputs(t, "train.model@image")["image"]))
	other.replace(t, "code/train.py", "import json\n", "import json  # elsewhere\n")
	other.want(t, 0, "released train.model", "apply", "--auto-approve", "--executor", "process")
	if got, want := other.outputs(t, "train.model@image"), e.outputs(t, "train.model@image"); got["image"] != want["image"] {
		t.Errorf("the image made again is %s, want %s", got, want)
	}
	opened := exec.Command("python3", "-c", "import sys, mlp_stage; print((mlp_stage.open(sys.argv[1], 'train.model') / 'model.json').read_text())", filepath.Join(e.dir, ".mlp"))
	opened.Env = append(os.Environ(), "PYTHONPATH=../../runtime/component/python", "PYTHONDONTWRITEBYTECODE=1")
	if out, err := opened.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != `{"weight": 2}` {
		t.Errorf("the model read by mlp_stage.open is %s (%v)", out, err)
	}
	log := filepath.Join(e.dir, ".mlp", "log")
	if err := os.CopyFS(filepath.Join(log, "other"), os.DirFS(filepath.Join(log, "scripts"))); err != nil {
		t.Fatal(err)
	}
	for call, want := range map[string]string{
		"'train.model'": "train.model is of several pipelines, say which: ['other', 'scripts']", "'split.parts', pipeline='scripts'": "say which port of split.parts: ['test', 'train', 'validation']",
		"'train.model', 'table', pipeline='scripts'": "say which port of train.model: ['model']", "'train.none'": "has nothing of train.none in the workspace default",
	} {
		c := exec.Command("python3", "-c", "import sys, mlp_stage; mlp_stage.open(sys.argv[1], "+call+")", filepath.Join(e.dir, ".mlp"))
		c.Env = opened.Env
		if out, err := c.CombinedOutput(); err == nil || !strings.Contains(string(out), "LookupError: ") || !strings.Contains(string(out), want) {
			t.Errorf("open(%s): got %s, want %s", call, out, want)
		}
	}
}

// TestLockFile: what a lock file locks makes the same image as the same wheels in a requirements file, and an edit of it is told with its line.
func TestLockFile(t *testing.T) {
	requireImage(t)
	e := newScripts(t)
	e.want(t, 0, "released train.model", "apply", "--auto-approve")
	listed := e.outputs(t, "train.model@image")["image"]
	required, err := os.ReadFile(filepath.Join(e.dir, "requirements.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lock, depends := "version = 1\n", ""
	for _, m := range regexp.MustCompile(`(?s)(\w+)==(\S+).*?sha256:([0-9a-f]{64})`).FindAllStringSubmatch(string(required), -1) {
		lock += fmt.Sprintf("\n[[package]]\nname = %q\nversion = %q\nsource = { registry = \"https://pypi.org/simple\" }\nwheels = [{ url = \"https://x/%s.whl\", hash = \"sha256:%s\" }]\n", m[1], m[2], m[1], m[3])
		depends += fmt.Sprintf("{ name = %q }, ", m[1])
	}
	lock += "\n[[package]]\nname = \"scripts\"\nversion = \"0\"\nsource = { virtual = \".\" }\ndependencies = [" + depends + "{ name = \"nothere\", marker = \"sys_platform == 'win32'\" }]\n"
	write(t, filepath.Join(e.dir, "uv.lock"), lock)
	e.replace(t, "p.mlp", `requirements = "requirements.txt"`, `lock         = "uv.lock"`)
	e.want(t, 0, "Applied: 1 ran, 7 cached.", "apply", "--auto-approve")
	if got := e.outputs(t, "train.model@image")["image"]; got != listed {
		t.Errorf("the image of the lock file is %s, want %s", got, listed)
	}
	e.want(t, 0, "nothing to do", "plan")
	e.replace(t, "uv.lock", "sys_platform == 'win32'", "sys_platform == 'linux'")
	e.want(t, 0, "code of train.model  uv.lock line 19: ", "plan")
	e.want(t, 1, "uv.lock: nothere is locked in 0 versions for this Python", "apply", "--auto-approve")
}

// TestScriptMistakes: what is wrong with code and requirements is told with its place, before anything runs where that can be seen.
func TestScriptMistakes(t *testing.T) {
	requireImage(t)
	tests := []struct{ name, file, old, new, want, command string }{
		{"no hash", "requirements.txt", "tinyscale==1.2 --hash=sha256:", "tinyscale==1.2 # --hash=sha256:", "requirements.txt:4: tinyscale==1.2 has no --hash", "plan"},
		{"no version", "requirements.txt", "tinyscale==1.2", "tinyscale>=1.2", "requirements.txt:4: tinyscale>=1.2 has no single version", "plan"},
		{"another index", "requirements.txt", "# what the features need", "--index-url https://example.com", "requirements.txt:3: the option --index-url is not for this place", "plan"},
		{"another lock file", "p.mlp", `requirements = "requirements.txt"`, `lock = "Pipfile.lock"`, `"Pipfile.lock" is no lock file that is read`, "plan"},
		{"two lists", "p.mlp", `requirements = "requirements.txt"`, "requirements = \"requirements.txt\"\n  lock = \"uv.lock\"", "names requirements and a lock file", "plan"},
		{"no script", "p.mlp", `"code/predict.py"`, `"code/predit.py"`, `no file matches "code/predit.py"; did you mean "predict.py"?`, "plan"},
		{"code elsewhere", "p.mlp", `"code/features.py"`, `"../features.py"`, `"../features.py" leads out of the folder of the module`, "plan"},
		{"another hash", "requirements.txt", "tinyscale==1.2 --hash=sha256:", "tinyscale==1.2 --hash=sha256:" + strings.Repeat("0", 64) + " #", "pip could not install requirements.txt", "apply"},
		{"another Python", "p.mlp", `"3"`, `"3.99"`, "and the block asks for 3.99", "apply"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newScripts(t)
			e.replace(t, tt.file, tt.old, tt.new)
			args := []string{tt.command}
			if tt.command == "apply" {
				args = append(args, "--auto-approve")
			}
			if out, code := e.run(t, args...); code == 0 || !strings.Contains(out, tt.want) {
				t.Errorf("got exit code %d, want %q in\n%s", code, tt.want, out)
			}
		})
	}
}
