package python_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// kindsModule has a program of each kind: scripts, and commands of an image.
const kindsModule = `pipeline "kinds" {}

source "python" "raw" {
  script  = "raw.py"
  files   = ["raw.txt"]
  base    = "mlp-example-python:1"
  format  = "ndjson"
  key     = ["id"]
  version = "1"
  column "id"   { type = "bigint" }
  column "card" { type = "varchar" }
  column "at"   { type = "timestamp" }
  column "x"    { type = "double" }
}

dataset "python" "clean" {
  from   = [source.raw]
  script = "clean.py"
  base   = "mlp-example-python:1"
  format = "ndjson"
  key    = ["id"]
  column "id"   { type = "bigint" }
  column "card" { type = "varchar" }
  column "at"   { type = "timestamp" }
  column "x"    { type = "double" }
  params { factor = 3 }
}

feature "python" "card" {
  from   = dataset.clean
  entity = ["card"]
  time   = "at"
  script = "feature.py"
  base   = "mlp-example-python:1"
  format = "ndjson"
  column "twice" { type = "double" }
}

evaluate "container" "audit" {
  data    = dataset.clean
  metrics = ["mean", "deep.max"]
  image   = "mlp-example-python:1"
  command = ["python3", "-c", "import json,os; rows=[json.loads(l) for l in open(os.environ['MLP_IN_DATA']+'/table.ndjson')]; json.dump({'metrics': {'mean': sum(r['x'] for r in rows)/len(rows), 'deep': {'max': max(r['x'] for r in rows)}}}, open('/mlp/out/metrics.json','w'))"]
  format  = "ndjson"
}

stage "python" "graph" {
  from   = { f = feature.card, c = dataset.clean }
  script = "graph.py"
  base   = "mlp-example-python:1"
  format = "ndjson"
  key    = ["card"]
  column "card"   { type = "varchar" }
  column "degree" { type = "bigint" }
}

stage "container" "uses" {
  from    = { g = stage.graph, t = stage.graph.table }
  image   = "mlp-example-python:1"
  command = ["sh", "-c", "cat $MLP_IN_FROM_G/graph.txt $MLP_IN_FROM_T/table.csv > $MLP_OUT_FILES/all.txt"]
  format  = "csv"
}

gate "release" {
  rule "mean" { assert = "evaluate.audit.metrics.mean > 8.6 && evaluate.audit.metrics.deep.max == 21.0" }
}
`

// kindsFiles are the scripts.
var kindsFiles = map[string]string{
	"p.mlp":   kindsModule,
	"raw.txt": "1 2.5 3 7 1\n",
	"raw.py": `import pathlib

import mlp_stage as stage

values = (pathlib.Path(__file__).parent / "raw.txt").read_text().split()
stage.write("table", [{"id": i, "card": f"c{i % 3}", "at": f"2026-01-0{1 + i}T00:00:00", "x": float(v)} for i, v in reversed(list(enumerate(values)))])
`,
	"clean.py": `import mlp_stage as stage

assert stage.inputs == ["from.raw"], stage.inputs
rows = stage.table("from.raw")
rows["x"] = rows["x"] * stage.params["factor"]
stage.write("table", rows.sort_values("x"))
`,
	"feature.py": `import mlp_stage as stage

stage.write("table", [dict(row, twice=2 * row["x"]) for row in stage.table("from", as_="rows")])
`,
	"graph.py": `import collections

import mlp_stage as stage

degrees = collections.Counter(row["card"] for row in stage.table("from.f", as_="rows"))
(stage.out("files") / "graph.txt").write_text("a graph\n")
stage.write("table", [{"card": card, "degree": degree} for card, degree in degrees.items()])
`,
}

func newKinds(t *testing.T) example {
	t.Helper()
	e := newExample(t)
	e.dir = t.TempDir()
	for name, text := range kindsFiles {
		write(t, filepath.Join(e.dir, name), text)
	}
	return e
}

// TestProgramsOfAllKinds: each kind has programs; what they write is in the order of its key and of the declared types, whatever they write it in; and a shell has
// what a stage has.
func TestProgramsOfAllKinds(t *testing.T) {
	requireImage(t)
	e := newKinds(t)
	e.want(t, 0, "gate.release  passed", "apply", "--auto-approve", "--executor", "process")
	e.want(t, 0, "nothing to do", "plan")
	e.want(t, 0, "50 % sample: source.raw by card", "plan", "--sample", "0.5")
	saved := filepath.Join(t.TempDir(), "files")
	e.want(t, 0, "", "show", "stage.uses", "--save", saved)
	if out, err := exec.Command("cat", filepath.Join(saved, "all.txt")).CombinedOutput(); err != nil || string(out) != "a graph\ncard,degree\nc0,2\nc1,2\nc2,1\n" {
		t.Errorf("the stage's file has %q (%v)", out, err)
	}

	for _, tt := range []struct{ address, typed, want string }{
		{"dataset.clean", "ls /mlp/in /mlp/lib; id -u; python3 -c 'import mlp_stage; print(mlp_stage.params)'; touch /x; exit 3\n", "from.raw\n\n/mlp/lib:\nmlp_stage.py\n"},
		{"feature.card", "cat /mlp/in/code/feature.py; env | grep PYTHONPATH; ls /sys/class/net\n", "PYTHONPATH=/mlp/in/code:/mlp/lib:/opt/mlp/python\nlo\n"},
		{"dataset.clean", "echo in $MLP_IN_FROM_RAW; touch /x || echo read-only\n", "in /mlp/in/from.raw\nread-only\n"},
	} {
		cmd := exec.Command(e.mlp, "-C", e.dir, "run", tt.address, "--shell")
		cmd.Stdin = strings.NewReader(tt.typed)
		if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), tt.want) {
			t.Errorf("the shell of %s: %v, want %q in\n%s", tt.address, err, tt.want, out)
		}
	}
	e.want(t, 0, "nothing to do", "plan")
	e.ejected(t)
	e.want(t, 1, "--shell takes one address", "run", "source.raw", "evaluate.audit", "--shell")
}

// TestProgramMistakes: what a program writes otherwise than its block declares fails the stage, with what was expected.
func TestProgramMistakes(t *testing.T) {
	requireImage(t)
	tests := []struct{ name, file, old, new, want string }{
		{"another type", "raw.py", `"x": float(v)`, `"x": v + "!"`, `column "x" holds "1!", which is no double`},
		{"a key that is not unique", "raw.py", `"id": i,`, `"id": 1,`, "the key (id) is not unique"},
		{"no table", "raw.py", "stage.write", "print", "must write exactly one regular file out/table/table.ndjson; found: nothing"},
		{"an image that is not there", "p.mlp", `"mlp-example-python:1"`, `"nope:1"`, "no such image"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newKinds(t)
			e.replace(t, tt.file, tt.old, tt.new)
			out, code := e.run(t, "apply", "--auto-approve", "--executor", "process")
			at := strings.Index(out, "Failed: source.raw")
			if code != 1 || at < 0 || !strings.Contains(out[at:], tt.want) {
				t.Errorf("got exit code %d, want %q in\n%s", code, tt.want, out)
			}
		})
	}
}
