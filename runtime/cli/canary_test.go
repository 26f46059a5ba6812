package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zeebo/blake3"

	"github.com/mlp-lang/mlp/runtime/workspace"
)

// canaryText is what sensitive variables hold in these tests: with characters that JSON, HTML, HCL and URLs escape.
const canaryText = `cnry7f3a"<'\é%$ 91d2`

// canaryForms are the canary as it may have been written, its digests among them.
func canaryForms() map[string]string {
	quoted, _ := json.Marshal(canaryText) // a string can be
	short := "cnry7f3a"
	out := map[string]string{"as it is": short, "its end": "91d2", "in JSON": strings.Trim(string(quoted), `"`), "in a URL": url.QueryEscape(canaryText)}
	for _, text := range []string{canaryText, short} {
		sha, blake := sha256.Sum256([]byte(text)), blake3.Sum256([]byte(text))
		out["in hexadecimal "+text] = hex.EncodeToString([]byte(text))
		out["its SHA-256 "+text] = hex.EncodeToString(sha[:])
		out["its BLAKE3 "+text] = hex.EncodeToString(blake[:])
		for shift := range 3 {
			coded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + text))
			out[fmt.Sprintf("in base64 %s %d", text, shift)] = coded[(8*shift+5)/6 : (shift+len(text))*8/6]
		}
	}
	delete(out, "its end") // four digits are anywhere
	return out
}

// planted is a way for a sensitive value to come in.
type planted struct {
	name   string
	module string // CANARY in it is the value as HCL writes it
	files  map[string]string
	args   []string // of all commands that read the module
	env    []string
	wrong  string // what validate says; "" where the module is valid
}

const sensitiveToken = "variable \"token\" {\n  type = string\n  sensitive = true\n}\n"

const canaryBase = `pipeline "p" {}

source "csv" "x" {
  path = "x.csv"
  column "a" { type = "double" }
  column "y" { type = "boolean" }
}
`

// attribute is a module in which a value stands in an attribute of a dataset, a check and so on.
func attribute(text string) string { return sensitiveToken + text }

func plantings() []planted {
	given := []string{"--var", "token=" + canaryText}
	bad := func(name, wrong, text string) planted {
		return planted{name: name, module: attribute(text), args: given, wrong: wrong}
	}
	number := "variable \"token\" {\n  type = number\n  sensitive = true\n}\n"
	vars := map[string]string{"default.mlpvars": "token = CANARY\n"}
	out := []planted{
		// Where it comes from, and what may be wrong with it there.
		{name: "--var", module: sensitiveToken + "locals {\n  all = [variable.token, { k = upper(variable.token) }]\n}\n", args: given},
		{name: "environment", module: sensitiveToken, env: []string{"MLP_VAR_token=" + canaryText}},
		{name: "default.mlpvars", module: sensitiveToken, files: vars},
		{name: "--var-file", module: sensitiveToken, files: map[string]string{"prod.mlpvars": "token = CANARY\n"}, args: []string{"--var-file", "prod.mlpvars"}},
		{name: "default", module: "variable \"token\" {\n  default = CANARY\n  sensitive = true\n}\n"},
		{name: "default, in a called module", module: "module \"m\" { source = \"./m\" }\n", files: map[string]string{
			"m/main.mlp": "variable \"token\" {\n  default = CANARY\n  sensitive = true\n}\n"}},
		{name: "validated", module: "variable \"token\" {\n  type = string\n  sensitive = true\n  validation {\n    condition = strlen(variable.token) > 3\n    message   = variable.token\n  }\n}\n", args: given},
		{name: "handed on", module: sensitiveToken + "module \"m\" {\n  source = \"./m\"\n  token  = variable.token\n  open   = variable.token\n}\n", args: given, files: map[string]string{
			"m/main.mlp": sensitiveToken + "variable \"open\" {}\nlocals { more = \"${variable.open}-\" }\noutput \"token\" { value = local.more }\n"}},
		{name: "a test", module: sensitiveToken, args: given, files: map[string]string{
			"t.mlptest": "variables {\n  token = CANARY\n}\ntest \"t\" {\n  assert \"a\" { that = \"1 > 2\" }\n}\n"}},
		{name: "a test that is wrong", module: number, args: []string{"--var", "token=1"}, files: map[string]string{
			"t.mlptest": "variables {\n  token = CANARY\n}\ntest \"t\" {\n  assert \"a\" { that = \"variable.token == 'x'\" }\n}\n"}},
		{name: "--var, no number", module: number, args: given, wrong: "cannot be read"},
		{name: "environment, no number", module: number, env: []string{"MLP_VAR_token=" + canaryText}, wrong: "cannot be read"},
		{name: "default.mlpvars, no number", module: number, files: vars, wrong: "is a number"},
		{name: "default, no number", module: "variable \"token\" {\n  type = number\n  default = CANARY\n  sensitive = true\n}\n", wrong: "is a number"},
		{name: "default, sensitive misspelt", module: "variable \"token\" {\n  type = number\n  default = CANARY\n  sensitive = \"yes\"\n}\n", wrong: "sensitive takes a bool"},
		{name: "--var, broken", module: "variable \"token\" {\n  type = list(string)\n  sensitive = true\n}\n", args: []string{"--var", "token=[" + canaryText}, wrong: "cannot be read"},
		{name: "--var, no name", module: sensitiveToken, args: []string{"--var", canaryText}, wrong: "no name and value"},
		{name: "values, broken", module: sensitiveToken, files: map[string]string{"default.mlpvars": "token = CANARY CANARY\n"}, wrong: "default.mlpvars:1"},
		{name: "values, not closed", module: sensitiveToken, files: map[string]string{"default.mlpvars": "token = [\n  CANARY\n\n"}, wrong: "default.mlpvars"},
		{name: "values, with a colon", module: sensitiveToken + "variable \"rate\" { default = 1 }\n", files: map[string]string{"default.mlpvars": "rate = 2\ntoken: CANARY\n"}, wrong: "default.mlpvars:2"},
		{name: "values, misspelt", module: sensitiveToken, files: map[string]string{"default.mlpvars": "tokne = CANARY\ntoken = CANARY\n"}, wrong: "tokne"},
		{name: "values, a function refuses it", module: sensitiveToken, files: map[string]string{"default.mlpvars": "token = parseint(CANARY, 10)\n"}, wrong: "default.mlpvars:1"},
		{name: "default, a function refuses it", module: "variable \"token\" {\n  default = tostring(parseint(CANARY, 10))\n  sensitive = true\n}\n", wrong: "main.mlp"},
		{name: "stray key", module: "variable \"token\" {\n  type = object({ a = string })\n  sensitive = true\n}\n", args: []string{"--var", `token={ a = "b", cnry7f3a = "x" }`}, wrong: "does not have"},
		{name: "element of another type", module: "variable \"token\" {\n  type = map(number)\n  sensitive = true\n}\n", files: map[string]string{"default.mlpvars": "token = { cnry7f3a = CANARY }\n"}, wrong: "MLP1218"},
		{name: "not valid", module: "variable \"token\" {\n  type = string\n  sensitive = true\n  validation {\n    condition = strlen(variable.token) > 300\n    message   = \"bad: ${variable.token}\"\n  }\n}\n", args: given, wrong: "is not valid"},
		{name: "condition is no bool", module: "variable \"token\" {\n  type = string\n  sensitive = true\n  validation {\n    condition = variable.token\n    message   = \"bad\"\n  }\n}\n", args: given, wrong: "condition takes a bool"},
		{name: "condition fails", module: "variable \"token\" {\n  type = string\n  sensitive = true\n  validation {\n    condition = jsondecode(variable.token) == 1\n    message   = file(variable.token)\n  }\n}\n", args: given, wrong: "MLP1226"},
		{name: "not valid in a called module", module: sensitiveToken + "module \"m\" {\n  source = \"./m\"\n  open   = variable.token\n}\n", args: given, wrong: "is not valid", files: map[string]string{
			"m/main.mlp": "variable \"open\" {\n  validation {\n    condition = strlen(variable.open) > 300\n    message   = \"bad: ${variable.open}\"\n  }\n}\n"}},
		{name: "of another type in a called module", module: sensitiveToken + "module \"m\" {\n  source = \"./m\"\n  open   = variable.token\n}\n", args: given, wrong: "is a number", files: map[string]string{
			"m/main.mlp": "variable \"open\" { type = number }\n"}},
		{name: "stray key in a called module", module: sensitiveToken + "module \"m\" {\n  source = \"./m\"\n  open   = { (variable.token) = 1 }\n}\n", args: given, wrong: "does not have", files: map[string]string{
			"m/main.mlp": "variable \"open\" { type = object({ a = number }) }\n"}},
		{name: "literal for a sensitive variable of a called module", module: "module \"m\" {\n  source = \"./m\"\n  token  = [CANARY]\n}\n", wrong: "MLP1218", files: map[string]string{
			"m/main.mlp": sensitiveToken}},
		// Where it would get out.
		bad("path", "MLP1228", `source "csv" "z" { path = variable.token }`),
		bad("in a string", "MLP1228", `source "csv" "z" { path = "data/${variable.token}.csv" }`),
		bad("in a directive", "MLP1228", `source "csv" "z" { path = "%{if variable.token == "x"}a%{else}b%{endif}.csv" }`),
		bad("condition", "MLP1228", `source "csv" "z" { path = variable.token == "x" ? "a" : "b" }`),
		bad("computed by a local", "MLP1228", "locals { t = jsonencode({ a = split(\"-\", variable.token) }) }\nsource \"csv\" \"z\" { path = local.t }"),
		bad("length", "MLP1228", `output "n" { value = strlen(variable.token) }`),
		bad("can", "MLP1228", `output "n" { value = can(regex("^c", variable.token)) }`),
		bad("try", "MLP1228", `output "n" { value = try(parseint(variable.token, 10), "no") }`),
		bad("for", "MLP1228", `output "n" { value = [for c in ["a", "c"] : c if c == substr(variable.token, 0, 1)] }`),
		bad("parameter of SQL", "MLP1228", "dataset \"d\" {\n  from = [source.x]\n  sql  = \"select a, $p as p from x\"\n  params { p = variable.token }\n}"),
		bad("rule", "rules do not see it", "check \"c\" {\n  on = source.x\n  rule \"r\" { assert = \"variable.token == 'cnry'\" }\n}"),
		bad("rule of a gate, by a local", "rules do not see it", "locals { t = [variable.token] }\ngate \"g\" {\n  rule \"r\" { assert = \"local.t[0] == 'x' || has(local.t)\" }\n}"),
		bad("message of a rule", "MLP1228", "check \"c\" {\n  on = source.x\n  rule \"r\" {\n    assert  = \"table.rows > 0\"\n    message = \"x ${variable.token}\"\n  }\n}"),
		bad("description", "MLP1228", "dataset \"d\" {\n  description = variable.token\n  from = [source.x]\n  sql  = \"select a from x\"\n}"),
		bad("for_each, key", "MLP1229", "dataset \"d\" {\n  for_each = { (variable.token) = 1 }\n  from = [source.x]\n  sql  = \"select a from x\"\n}"),
		bad("for_each, set", "MLP1229", "dataset \"d\" {\n  for_each = toset([variable.token])\n  from = [source.x]\n  sql  = \"select a from x\"\n}"),
		bad("for_each, value", "MLP1229", "dataset \"d\" {\n  for_each = { a = variable.token }\n  from = [source.x]\n  sql  = \"select a from x\"\n}"),
		bad("for_each of a module", "MLP1229", "module \"m\" {\n  for_each = toset([variable.token])\n  source = \"./m\"\n}"),
		bad("reference", "MLP1228", "dataset \"d\" {\n  from = variable.token\n  sql  = \"select a from x\"\n}"),
		bad("list of references", "MLP1228", "dataset \"d\" {\n  from = [source.x, variable.token]\n  sql  = \"select a from x\"\n}"),
		bad("name of a reference", "MLP1228", "dataset \"d\" {\n  from = { (variable.token) = source.x }\n  sql  = \"select a from x\"\n}"),
		bad("choice of a reference", "MLP1228", "dataset \"d\" {\n  from = [variable.token == \"x\" ? source.x : source.x]\n  sql  = \"select a from x\"\n}"),
		bad("output", "MLP1228", `output "o" { value = { a = [variable.token] } }`),
		bad("key of an output", "MLP1228", `output "o" { value = { (variable.token) = 1 } }`),
		bad("output of a module", "MLP1228", "module \"m\" {\n  source = \"./m\"\n  open   = variable.token\n}\noutput \"o\" { value = module.m.open }"),
		bad("attribute in a module", "MLP1228", "module \"m\" {\n  source = \"./m\"\n  open   = variable.token\n}\n"),
		bad("index", "MLP1206", "locals {\n  m = { a = 1 }\n  v = local.m[variable.token]\n}"),
		bad("conversion", "MLP1226", "locals { n = tonumber(variable.token) }"),
		bad("operator", "MLP1206", "locals { n = variable.token + 1 }"),
		bad("expression of a function", "MLP1226", "locals { n = regex(variable.token, \"x\") }"),
		bad("file", "MLP1226", "locals { n = file(variable.token) }"),
		bad("filehash", "MLP1226", "locals { n = filehash(\"${variable.token}/x\") }"),
		bad("env of a container", "MLP1228", canaryContainer("env = { T = variable.token }")),
		bad("command of a container", "MLP1228", canaryContainer("")+"\n# see command\n"),
		bad("parameter of a trainer", "MLP1228", "train \"gradient_boosting\" \"m\" {\n  data     = source.x\n  target   = \"y\"\n  task     = \"binary_classification\"\n  features = [variable.token]\n}"),
		bad("where a secret is", "MLP1228", `secret "s" { env = variable.token }`),
		bad("source of a module", "MLP1225", `module "m" { source = "./${variable.token}" }`),
		{name: "for no variable", module: sensitiveToken, args: append([]string{"--var", "other=" + canaryText}, given...), wrong: `no variable "other"`},
	}
	for i := range out {
		if out[i].name == "output of a module" {
			out[i].files = map[string]string{"m/main.mlp": "variable \"open\" {}\noutput \"open\" { value = \"${variable.open}!\" }\n"}
		}
		if out[i].name == "attribute in a module" {
			out[i].files = map[string]string{"m/main.mlp": "variable \"open\" {}\nsource \"csv\" \"z\" { path = variable.open }\n"}
		}
	}
	return out
}

func canaryContainer(more string) string {
	command := `["run"]`
	if more == "" {
		command = `["run", variable.token]`
	}
	return fmt.Sprintf("train \"container\" \"m\" {\n  data     = source.x\n  target   = \"y\"\n  features = [\"a\"]\n  task     = \"binary_classification\"\n  image    = \"none\"\n  command  = %s\n  %s\n}", command, more)
}

// canaryRun is one planting in a folder of its own.
type canaryRun struct {
	t       *testing.T
	p       planted
	dir     string
	home    string // TMPDIR and the like
	printed bytes.Buffer
}

// TestSensitiveIsWrittenNowhere plants a sensitive value in every way that it can come in, and looks for it, and for
// digests of it, in every byte that any command prints or leaves.
func TestSensitiveIsWrittenNowhere(t *testing.T) {
	for _, p := range plantings() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			r := &canaryRun{t: t, p: p, dir: t.TempDir(), home: t.TempDir()}
			r.plant()
			r.commands()
			r.edit()
			r.search()
		})
	}
}

// quotedHCL is a string as HCL writes it.
func quotedHCL(s string) string {
	text := strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `"`, `\"`)
	return `"` + strings.ReplaceAll(text, "${", "$${") + `"`
}

func (r *canaryRun) plant() {
	files := map[string]string{"main.mlp": canaryBase + r.p.module, "x.csv": "a,y\n1.0,true\n2.0,false\n"}
	for name, text := range r.p.files {
		files[name] = text
	}
	for name, text := range files {
		path := filepath.Join(r.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "CANARY", quotedHCL(canaryText))), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
}

// run runs a command and returns what it printed.
func (r *canaryRun) run(args ...string) string {
	cmd := exec.Command(mlp, args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), append(r.p.env, "TMPDIR="+r.home, "GITHUB_ACTIONS=true", "GITHUB_STEP_SUMMARY="+filepath.Join(r.home, "summary.md"))...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		r.t.Fatal(err)
	}
	fmt.Fprintf(&r.printed, "$ mlp %s\n%s\n", args[0], out)
	return string(out)
}

func (r *canaryRun) commands() {
	vars := r.p.args
	said := r.run(append([]string{"validate"}, vars...)...)
	if r.p.wrong == "" && !strings.Contains(said, "is valid") || !strings.Contains(said, r.p.wrong) {
		r.t.Errorf("validate said, want %q:\n%s", r.p.wrong, said)
	}
	all := [][]string{{"validate", "--format", "json"}, {"validate", "--format", "sarif"}, {"plan"}, {"fmt", "--check"}}
	if r.p.wrong == "" {
		all = append(all, []string{"init"}, []string{"plan", "--format", "markdown", "--out", "plan.json"}, []string{"plan", "--format", "json"}, []string{"plan", "--format", "html"},
			[]string{"apply", "--auto-approve", "--executor", "process"}, []string{"show"}, []string{"show", "source.x", "--format", "json"},
			[]string{"explain", "source.x"}, []string{"logs", "source.x"}, []string{"plan", "--all"}, []string{"show", "requirements"})
		for _, form := range []string{"text", "dot", "mermaid", "svg"} {
			all = append(all, []string{"graph", "--format", form}, []string{"graph", "--format", form, "--plan"})
		}
	}
	all = append(all, []string{"graph", "--format", "dot"}, []string{"docs"})
	if r.p.name == "default" { // docs tell of components, whatever the module is
		all = append(all, []string{"docs", "source"}, []string{"docs", "--format", "html"})
	}
	if r.p.files["t.mlptest"] != "" {
		all = append(all, []string{"test", "--executor", "process"}, []string{"test", "--executor", "process", "--format", "json"}, []string{"test", "--executor", "process", "--format", "junit"})
	}
	for _, args := range all {
		if args[0] != "fmt" && args[0] != "docs" {
			args = append(args, vars...)
		}
		r.run(args...)
	}
	if r.p.wrong == "" {
		r.run("show", "plan.json")
		r.run("diff", "plan.json", "plan.json", "--format", "json")
	}
	r.revisions(vars)
}

// revisions compares what is committed with what is in the folder, and the other way round.
func (r *canaryRun) revisions(vars []string) {
	git := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-C", r.dir, "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			r.t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	put(r.t, filepath.Join(r.dir, ".git", "info", "exclude"), workspace.StoreName+"/\n")
	git("add", "-A")
	git("commit", "-qm", "with the value")
	edit(r.t, filepath.Join(r.dir, "main.mlp"), `type = "boolean"`, `type = "varchar"`)
	git("commit", "-qam", "with another type")
	edit(r.t, filepath.Join(r.dir, "main.mlp"), `type = "varchar"`, `type = "boolean"`)
	forms := []string{"text", "json"}
	if r.p.wrong == "" {
		forms = append(forms, "markdown")
	}
	for _, form := range forms {
		said := r.run(append([]string{"diff", "HEAD", "--format", form}, vars...)...)
		r.run(append([]string{"diff", "HEAD~1..HEAD", "--format", form}, vars...)...)
		if r.p.wrong == "" && !strings.Contains(said, "source.x") {
			r.t.Errorf("diff HEAD says nothing of what differs:\n%s", said)
		}
	}
}

// edit opens the module in the language server and points at every line of it.
func (r *canaryRun) edit() {
	main := filepath.Join(r.dir, "main.mlp")
	text, err := os.ReadFile(main)
	if err != nil {
		r.t.Fatal(err)
	}
	var in bytes.Buffer
	id := 0
	send := func(method string, params any) {
		id++
		m := map[string]any{"jsonrpc": "2.0", "method": method, "params": params}
		if !strings.HasPrefix(method, "textDocument/did") && method != "initialized" && method != "exit" {
			m["id"] = id
		}
		body, err := json.Marshal(m)
		if err != nil {
			r.t.Fatal(err)
		}
		fmt.Fprintf(&in, "Content-Length: %d\r\n\r\n%s", len(body), body)
	}
	doc := map[string]any{"uri": "file://" + main}
	send("initialize", map[string]any{"rootUri": "file://" + r.dir, "capabilities": map[string]any{}})
	send("initialized", map[string]any{})
	send("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": doc["uri"], "languageId": "mlp", "version": 1, "text": string(text)}})
	for i, line := range strings.Split(string(text), "\n") {
		for at := 0; at < len(line); at += 3 {
			where := map[string]any{"textDocument": doc, "position": map[string]any{"line": i, "character": at}}
			send("textDocument/hover", where)
			if at%9 == 0 {
				send("textDocument/completion", where)
			}
		}
	}
	send("textDocument/documentSymbol", map[string]any{"textDocument": doc})
	send("textDocument/foldingRange", map[string]any{"textDocument": doc})
	send("shutdown", nil)
	send("exit", nil)
	cmd := exec.Command(mlp, "lsp", "--stdio")
	cmd.Dir, cmd.Stdin, cmd.Env = r.dir, &in, append(os.Environ(), append(r.p.env, "TMPDIR="+r.home)...)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("publishDiagnostics")) {
		r.t.Errorf("the language server: %v\n%s", err, out)
	}
	fmt.Fprintf(&r.printed, "$ mlp lsp\n%s\n", out)
}

// search looks through all that was printed and all that lies there now, but what was planted.
func (r *canaryRun) search() {
	found := map[string][]byte{"what was printed": r.printed.Bytes()}
	for _, dir := range []string{r.dir, r.home} {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			rel, relErr := filepath.Rel(dir, path)
			if e != nil && e.IsDir() && e.Name() == ".git" { // what was planted is committed there
				return fs.SkipDir
			}
			if _, own := r.p.files[filepath.ToSlash(rel)]; err != nil || relErr != nil || e.IsDir() || own || rel == "main.mlp" {
				return err
			}
			text, err := os.ReadFile(path)
			found[rel] = append([]byte(rel+"\n"), text...)
			return err
		})
		if err != nil {
			r.t.Fatal(err)
		}
	}
	if r.p.wrong == "" && len(found) < 12 {
		r.t.Errorf("only %d files were looked at", len(found))
	}
	for where, text := range found {
		for how, form := range canaryForms() {
			if i := bytes.Index(text, []byte(form)); i >= 0 {
				r.t.Errorf("%s holds the value %s:\n…%s…", where, how, text[max(0, i-300):min(len(text), i+100)])
			}
		}
	}
}
