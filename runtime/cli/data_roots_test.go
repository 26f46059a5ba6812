package cli

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/workspace"
)

// outsideText is what files outside hold in these tests; nothing of it may be told.
const outsideText = "Zq7CanaryHead"

// outsideFiles are files as somebody may have them beside a pipeline, and what makes a module read them wrongly.
var outsideFiles = []struct {
	name, content, source string
}{
	{"two values in one of the lines", "Zq7CanaryHead\nline,Zq7CanaryRow\nmore\n", `source "csv" "p" { path = "PATH" }`},
	{"a quote without an end", "a,b\n1,\"Zq7CanaryRow\nmore\n", `source "csv" "p" { path = "PATH" }`},
	{"no text", "Zq7CanaryHead\n\xff\xfeZq7CanaryRow\n", `source "csv" "p" { path = "PATH" }`},
	{"a header that names a column twice", "Zq7CanaryHead,Zq7CanaryHead\n1,2\n", `source "csv" "p" { path = "PATH" }`},
	{"one line", "Zq7CanaryHead", `source "csv" "p" { path = "PATH" }`},
	{"a password file", "Zq7CanaryHead:x:0:0\nZq7CanaryRow:x:1:1\n", "source \"csv\" \"p\" {\n path = \"PATH\"\n delimiter = \":\"\n}\ndataset \"d\" {\n from = [source.p]\n sql = \"select nosuch from p\"\n}"},
	{"a column that is not there", "Zq7CanaryHead,Zq7CanaryCols\n1,2\n", "source \"csv\" \"p\" { path = \"PATH\" }\ndataset \"d\" {\n from = [source.p]\n sql = \"select Zq7Canary from p\"\n}"},
	{"a column of another block", "Zq7CanaryHead,Zq7CanaryCols\n1,2\n", "source \"csv\" \"p\" { path = \"PATH\" }\ndataset \"d\" {\n from = [source.p]\n sql = \"select * from p\"\n}\ncheck \"c\" {\n on = dataset.d\n expect \"not_null\" { columns = [\"nosuch\"] }\n}"},
	{"two columns alike after all", "Zq7CanaryHead,Zq7CanaryCols\n1,2\n", "source \"csv\" \"p\" { path = \"PATH\" }\ndataset \"d\" {\n from = [source.p]\n sql = \"select *, * from p\"\n}"},
	{"an unknown target", "Zq7CanaryHead,Zq7CanaryCols\n1,2\n", "source \"csv\" \"p\" { path = \"PATH\" }\nsplit \"random\" \"s\" {\n data = source.p\n shares = { train = 0.5, test = 0.5 }\n}\ntrain \"linear\" \"m\" {\n data = split.s.train\n target = \"nosuch\"\n}"},
	{"no Parquet", "Zq7CanaryHead and Zq7CanaryRow", `source "parquet" "p" { path = "PATH" }`},
	{"declared, of another type", "a\nZq7CanaryRow\n", "source \"csv\" \"p\" {\n path = \"PATH\"\n column \"a\" { type = \"double\" }\n}"},
	{"declared, not there", "Zq7CanaryHead\n1\n", "source \"csv\" \"p\" {\n path = \"PATH\"\n column \"Zq7Canary\" { type = \"double\" }\n}"},
	{"declared, too many values", "a\n1\n2,Zq7CanaryRow\n", "source \"csv\" \"p\" {\n path = \"PATH\"\n column \"a\" { type = \"double\" }\n}"},
	{"figures that are none", `{"auc": "Zq7CanaryRow", "Zq7CanaryHead": 1}`, "evaluate \"file\" \"e\" {\n path = \"PATH\"\n metrics = [\"auc\", \"Zq7Canary\"]\n}"},
	{"figures that are no JSON", `{"auc": Zq7CanaryRow`, "evaluate \"file\" \"e\" {\n path = \"PATH\"\n metrics = [\"auc\"]\n}"},
}

// reading are the commands that tell what is wrong with a module.
var reading = [][]string{
	{"validate"}, {"validate", "--format", "json"}, {"validate", "--format", "sarif"}, {"plan"}, {"graph"}, {"test"},
	{"apply", "--auto-approve", "--executor", "process"}, {"logs"}, {"show"},
}

// TestNoEcho: nothing of a file that lies outside of the pipeline's folder, however it comes to be read there, is told.
func TestNoEcho(t *testing.T) {
	for _, where := range []string{"../beside", "absolute", "link", ".git/config", "../packed.gz"} {
		for i, f := range outsideFiles {
			if where != "../beside" && i%3 != 0 { // what is wrong with a file is told alike, wherever it lies
				continue
			}
			if where == "../packed.gz" && !strings.HasPrefix(f.source, `source "csv"`) {
				continue
			}
			t.Run(where+", "+f.name, func(t *testing.T) {
				t.Parallel()
				dir, out := outsideModule(t, where, f.content, f.source), ""
				for _, args := range reading {
					out += anyRun(dir, nil, args...)
				}
				at := strings.Index(out, "Zq7CanaryHead") + strings.Index(out, "Zq7CanaryRow") + strings.Index(out, "Zq7CanaryCols")
				if at != -3 {
					t.Errorf("it is told:\n%s", out)
				}
				if !strings.Contains(out, "rror") && !strings.Contains(out, "warning:") {
					t.Errorf("nothing is told to be wrong:\n%s", out)
				}
			})
		}
	}
}

// outsideModule is a module that reads a file which lies elsewhere.
func outsideModule(t *testing.T, where, content, text string) (dir string) {
	t.Helper()
	top := t.TempDir()
	dir = filepath.Join(top, "module")
	file, path := filepath.Join(top, "beside"), where
	switch where {
	case "absolute":
		path = file
	case "link":
		path = "link.csv"
	case ".git/config":
		file = filepath.Join(dir, ".git", "config")
	case "../packed.gz":
		file = filepath.Join(top, "packed.gz")
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		w.Write([]byte(content))
		w.Close()
		content = packed.String()
	}
	for name, text := range map[string]string{file: content, filepath.Join(dir, "main.mlp"): "pipeline \"p\" {}\n\n" + strings.ReplaceAll(text, "PATH", path) + "\n",
		filepath.Join(dir, "t.mlptest"): "test \"t\" {\n  assert \"a\" { that = \"1 > 0\" }\n}\n"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if where == "link" {
		if err := os.Symlink(file, filepath.Join(dir, path)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// anyRun is all that a command prints, whatever it comes to.
func anyRun(dir string, env []string, args ...string) string {
	cmd := exec.Command(mlp, append([]string{"-C", dir}, args...)...)
	cmd.Env = append(append(os.Environ(), "GITHUB_ACTIONS=true"), env...)
	out, _ := cmd.CombinedOutput() // how it ended is not asked
	return string(out)
}

// TestDataRoots: where data may lie is quoted, and nothing else is read.
func TestDataRoots(t *testing.T) {
	content, text := "Zq7CanaryHead\nline,Zq7CanaryRow\nmore\n", `source "csv" "p" { path = "PATH" }`
	for name, c := range map[string]struct {
		where      string
		root       string // relative to the module
		env        bool
		want, lack string
	}{
		"outside, none given":            {where: "../beside", want: "line 2", lack: "Zq7CanaryRow"},
		"outside, allowed":               {where: "../beside", root: "..", want: "Zq7CanaryRow"},
		"outside, allowed by variable":   {where: "../beside", root: "..", env: true, want: "Zq7CanaryRow"},
		"absolute, allowed":              {where: "absolute", root: "..", want: "Zq7CanaryRow"},
		"link, allowed":                  {where: "link", root: "..", want: "Zq7CanaryRow"},
		"outside, elsewhere is allowed":  {where: "../beside", root: ".", want: "lies outside of the pipeline's folder and of the data roots", lack: "Zq7CanaryRow"},
		"link, elsewhere is allowed":     {where: "link", root: ".", want: "lies outside", lack: "Zq7CanaryRow"},
		"a root that is not there":       {where: "../beside", root: "nowhere", want: "cannot be found", lack: "Zq7CanaryRow"},
		"absolute, elsewhere is allowed": {where: "absolute", root: ".", want: "lies outside", lack: "Zq7CanaryRow"},
	} {
		dir := outsideModule(t, c.where, content, text)
		args, env := []string{"validate"}, []string(nil)
		if c.root != "" && c.env {
			env = []string{workspace.DataRootVariable + "=" + filepath.Join(dir, c.root)}
		} else if c.root != "" {
			args = append(args, "--data-root", filepath.Join(dir, c.root))
		}
		out := anyRun(dir, env, args...)
		if !strings.Contains(out, c.want) || c.lack != "" && strings.Contains(out, c.lack) {
			t.Errorf("%s: want %q and not %q:\n%s", name, c.want, c.lack, out)
		}
	}
}

// TestLinkedModule: a file of the module that leads to something else is not read, let alone shown with the line that is wrong.
func TestLinkedModule(t *testing.T) {
	for _, name := range []string{"more.mlp", "default.mlpvars", "more.mlptest"} {
		dir := outsideModule(t, "../beside", "Zq7CanaryRow {\n", `locals { a = 1 }`)
		if err := os.Symlink("../beside", filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		command := "validate"
		if filepath.Ext(name) == ".mlptest" {
			command = "test"
		}
		if out := anyRun(dir, nil, command); strings.Contains(out, "Zq7CanaryRow") || !strings.Contains(out, "it is a link to a file that is no") && !strings.Contains(out, "It is a link to a file that is no") {
			t.Errorf("%s: %s", name, out)
		}
	}
	dir := outsideModule(t, "../beside", "", `locals { a = 1 }`)
	if err := os.Rename(filepath.Join(dir, "main.mlp"), filepath.Join(dir, "..", "shared.mlp")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../shared.mlp", filepath.Join(dir, "main.mlp")); err != nil {
		t.Fatal(err)
	}
	if out := anyRun(dir, nil, "validate"); strings.Contains(out, "rror") {
		t.Errorf("a link to a module's file: %s", out)
	}
}
