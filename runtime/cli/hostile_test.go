package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/render/diagnostics"
	"github.com/mlp-lang/mlp/compiler/render/diagnostics/sariftest"
)

// hostiles are strings that would act on a terminal, a build or a page if they were taken for more than text.
var hostiles = map[string]string{
	"terminal": "a\x1b[2J\x1b[1A\x1b[32m✓ passes\x1b[0m\u009b2J\a\rPlan: nothing to do",
	"unseen":   "a\u202Egpj\u2066\u200B\uFEFF\u00AD b",
	"lines":    "a\n  ✓ gate.release   passes\nPlan: nothing to do, 9 cached.\nApplied: all\n::error::forged",
	"build":    "::error file=a.mlp::forged ##[stop-commands]x ##vso[task.complete] '; rm -rf / $(reboot) ${variable.x} %{ if true } {{.}} %s",
	"page":     "</code></td></table><img src=x onerror=alert(1)><script>alert(1)</script>\"' onclick=\"alert(1)",
	"markdown": "`` ` **b** | c \\| [x](javascript:alert(1)) </details> @octocat #1 <!-- --> ```mermaid",
}

// written is a string in HCL.
func written(s string) string {
	s = strings.NewReplacer("${", "$${", "%{", "%%{").Replace(s)
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString("\\" + string(r))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return `"` + b.String() + `"`
}

// hostileModule is a pipeline in which the string stands wherever a user may write one: in descriptions, messages, names,
// values, SQL, file names, columns and rows.
func hostileModule(t *testing.T, s, sql string) string {
	t.Helper()
	dir := t.TempDir()
	q := written(s)
	module := `pipeline "hostile" {
  description = ` + q + `
  owner       = ` + q + `
}
problem "p" {
  statement = ` + q + `
  requirement ` + q + ` {
    text        = ` + q + `
    verified_by = [gate.release]
  }
}
variable "note" {
  type        = string
  default     = ` + q + `
  description = ` + q + `
}
source "csv" "rows" { path = "data/*.csv" }
dataset "rows" {
  description = ` + q + `
  from        = [source.rows]
  key         = ["id"]
  sql         = ` + written(sql) + `
}
check "rows" {
  on = dataset.rows
  rule ` + q + ` {
    assert  = "table.rows < 2.0 || variable.note == 'x'"
    message = ` + q + `
  }
}
split "hash" "s" {
  from = dataset.rows
  test = 0.4
}
train "baseline" "model" {
  description = ` + q + `
  data        = split.s.train
  target      = "y"
  task        = "binary_classification"
}
metric "auc" { type = "accuracy" }
evaluate "e" {
  model   = train.model
  data    = split.s.test
  metrics = [metric.auc]
  slice ` + q + ` { where = ` + written(`x <> '`+strings.ReplaceAll(s, "'", "''")+`'`) + ` }
}
gate "release" {
  champion = deploy.d
  rule ` + q + ` {
    assert  = "evaluate.e.metrics.auc > 0.9999 && variable.note != 'x'"
    message = ` + q + `
  }
  approval ` + q + ` { from = ["risk"] }
}
deploy "http" "d" {
  model = train.model
  gate  = gate.release
}
`
	if err := os.WriteFile(filepath.Join(dir, "m.mlp"), []byte(module), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	// A file whose name has a control character, or is not UTF-8, is refused (stdlib/source/local).
	file, err := os.Create(filepath.Join(dir, "data", strings.Map(func(r rune) rune {
		return map[bool]rune{true: '_', false: r}[r == '/' || unicode.IsControl(r)]
	}, strings.ToValidUTF8(s, "_"))+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := csv.NewWriter(file)
	if err := w.Write([]string{"id", "y", "x", strings.ReplaceAll(s, "\r", " ")}); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		if err := w.Write([]string{fmt.Sprint(i), fmt.Sprint(i%3 == 0), s, s}); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	return dir
}

// told is what each command says of a hostile module, by its name.
func told(t *testing.T, s string) map[string]string {
	t.Helper()
	out := map[string]string{}
	say := func(name, dir string, args ...string) {
		stdout, stderr, _ := run(t, dir, args...)
		out[name] = strings.ReplaceAll(stdout+"\n"+stderr, dir, "DIR")
	}
	dir := hostileModule(t, s, "select * from rows")
	say("validate", dir, "validate")
	for _, form := range []string{"text", "markdown", "html"} {
		say("first plan, "+form, dir, "plan", "--format", form)
	}
	say("apply", dir, "apply", "--auto-approve", "--executor", "process")
	say("show", dir, "show", "evaluate.e")
	say("show gate", dir, "show", "gate.release")
	say("requirements", dir, "show", "requirements")
	say("explain gate", dir, "explain", "gate.release")
	say("approve", dir, "approve", "gate.release", s)
	for _, form := range []string{"text", "markdown", "html"} {
		say("plan, "+form, dir, "plan", "--format", form, "--all", "--var", "note=y"+s)
	}
	for _, form := range []string{"text", "dot", "mermaid", "svg"} {
		say("graph, "+form, dir, "graph", "--format", form)
	}
	broken := hostileModule(t, s, `select id, y, x, "no such `+strings.ReplaceAll(s, `"`, `""`)+`" from rows`)
	say("a column that is not there", broken, "validate")
	for name, text := range scanned(t, mistaken(t, broken, s)) {
		out[name] = text
	}
	failing := hostileModule(t, s, `select id, y, error('`+strings.ReplaceAll(s, "'", "''")+`') as x from rows`)
	say("a stage fails", failing, "apply", "--auto-approve", "--executor", "process")
	say("its log", failing, "logs", "dataset.rows")
	return out
}

// mistaken adds mistakes to a module in which the string is quoted, and gives its folder: in a file of its own whose name
// is the string too.
func mistaken(t *testing.T, dir, s string) string {
	t.Helper()
	q := written(s)
	module := `metric "a" { type = ` + q + ` }
check "b" {
  on = dataset.rows
  expect ` + q + ` { not_null = true }
  rule ` + q + ` { assert = "table.nothing > 1" }
  rule ` + q + ` { assert = "table.rows > 1" }
}
dataset "c" {
  from = [source[` + q + `]]
  sql  = ` + written("select 1 as \""+s+"\" from \""+s) + `
}
dataset "d" {
  from = [dataset.rows]
  key  = [` + q + `]
  sql  = "select id, x from rows"
  column ` + q + ` { type = ` + q + ` }
}
`
	name := strings.ReplaceAll(s, "/", "_") + ".mlp"
	if err := os.WriteFile(filepath.Join(dir, name), []byte(module), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// scanned is what a scanner of code reads of a module: what is told where, and the messages, one by one.
func scanned(t *testing.T, dir string) map[string]string {
	t.Helper()
	t.Setenv("GITHUB_WORKSPACE", dir)
	stdout, _, _ := run(t, dir, "validate", "--format", "sarif")
	var whole map[string]any
	var log diagnostics.SARIFLog
	for _, v := range []any{&whole, &log} {
		if err := json.Unmarshal([]byte(stdout), v); err != nil {
			t.Fatalf("%v: %s", err, stdout)
		}
	}
	sariftest.Check(t, whole, len(log.Runs[0].Results))
	out := map[string]string{"sarif": stdout}
	for _, r := range log.Runs[0].Results {
		at := r.Locations[0].Physical
		file, err := url.PathUnescape(at.Artifact.URI)
		if err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file))); err != nil {
			t.Errorf("%q is not the file: %v", at.Artifact.URI, err)
		}
		// The file's name sorts as it is written; without it the places are in one order.
		place := fmt.Sprintf("sarif, %s %s %t:%d", r.Level, r.RuleID, file == "m.mlp", at.Region.StartLine)
		out[place] += r.Message.Text + "\n"
		for _, l := range r.Related {
			out[place] += l.Message.Text + "\n"
		}
	}
	return out
}

// TestHostileModule plants hostile strings in a module and its data, and runs every command that speaks of them, as GitHub
// Actions would. Nothing acts, nothing is hidden, and no line of ours is forged.
func TestHostileModule(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "true")
	t.Setenv("GITHUB_STEP_SUMMARY", filepath.Join(t.TempDir(), "summary.md"))
	mustRun(t, hostileModule(t, "harmless", "select * from rows"), "validate")
	want := told(t, "harmless")
	for name, text := range want {
		if !strings.Contains(text, "harmless") && !strings.Contains(name, "graph") && !strings.Contains(name, "show") && name != "approve" && name != "first plan, text" && name != "validate" && !strings.HasPrefix(name, "sarif, ") && !strings.HasPrefix(name, "first plan") {
			t.Errorf("%s says nothing of what was planted: %s", name, text)
		}
	}
	for name, s := range hostiles {
		t.Run(name, func(t *testing.T) {
			got := told(t, s)
			for command := range want {
				if _, ok := got[command]; !ok {
					t.Errorf("%s is told of a harmless string only", command)
				}
			}
			for command, text := range got {
				invisible(t, command, text)
				if strings.HasPrefix(command, "sarif") && strings.Contains(text, "](") {
					t.Errorf("%s holds a link: %s", command, text)
				}
				if _, ok := want[command]; !ok {
					t.Errorf("%s is told of no harmless string: %s", command, text)
				}
				if (strings.Contains(command, "html") || strings.Contains(command, "svg")) && strings.Contains(markupOf(text), "<img") {
					t.Errorf("%s holds a tag that is not ours", command)
				}
				if command == "its log" {
					continue // what the stage said is all that stands in it
				}
				if diff := cmp.Diff(marks(want[command]), marks(text)); diff != "" {
					t.Errorf("%s: lines of ours, harmless and hostile:\n%s\n%s", command, diff, text)
				}
			}
		})
	}
}

// markupOf is what a command wrote to standard output, if that is a page or a picture.
func markupOf(text string) string {
	for _, end := range []string{"</html>", "</svg>"} {
		if whole, _, ok := strings.Cut(text, end); ok {
			return whole
		}
	}
	return text
}

// invisible fails on characters that cannot be seen or that steer what shows them.
func invisible(t *testing.T, command, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && r != '\t' && r != '\uFE0F' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf)) {
			t.Errorf("%s: got the character %U:\n%q", command, r, text)
			return
		}
	}
}

// marks counts what begins lines that readers and builds act on.
func marks(text string) map[string]int {
	out := map[string]int{}
	for line := range strings.Lines(text) {
		words := strings.TrimSpace(line)
		if strings.Contains(text, "<svg") {
			return nil // in a picture a description stands line by line, as text; its tags are looked at elsewhere
		}
		for _, mark := range []string{"Plan:", "Applied:", "Error:", "Warning:", "Failed:", "Gate failed:", "Approval missing:", "✓", "✗", "::", "## ", "<details>", "|---"} {
			if strings.HasPrefix(words, mark) {
				out[mark]++
			}
		}
		for _, command := range []string{"##[", "##vso["} {
			out[command] += strings.Count(line, command)
		}
	}
	return out
}

// Names of branches may hold what is markup elsewhere.
func TestHostileBranch(t *testing.T) {
	dir := exampleCopy(t, "fraud")
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	const branch = "`<img/src=x>`|@octocat-'$(reboot)'\"</details>"
	git("init", "-q")
	git("add", "-A")
	git("commit", "-qm", "a")
	git("branch", branch)
	edit(t, filepath.Join(dir, "fraud.mlp"), "trees         = 300", "trees         = 200")
	markdown := mustRun(t, dir, "diff", branch, "--format", "markdown")
	if !strings.Contains(markdown, "`` `<img/src=x>`|@octocat-'$(reboot)'\"</details> ``") {
		t.Errorf("the branch stands not in a code span:\n%s", markdown)
	}
	var d struct{ Before struct{ Name string } }
	if err := json.Unmarshal([]byte(mustRun(t, dir, "diff", branch, "--format", "json")), &d); err != nil || d.Before.Name != branch {
		t.Errorf("got %q, %v; want the branch as it is", d.Before.Name, err)
	}
}
