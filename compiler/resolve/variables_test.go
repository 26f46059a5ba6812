package resolve

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/syntax"
)

// fromFile gives the values of a file, as --var-file does.
func fromFile(t *testing.T, text string) map[string]Given {
	t.Helper()
	attrs, ds := syntax.ParseValues("prod.mlpvars", []byte(text))
	if ds.HasErrors() {
		t.Fatal(brief(ds))
	}
	out := map[string]Given{}
	for _, a := range attrs {
		out[a.Name] = Given{From: "prod.mlpvars", Attr: a}
	}
	return out
}

func TestGivenVariables(t *testing.T) {
	const rate = `variable "x" {
  type    = number
  default = 0.5
  validation {
    condition = variable.x >= 0 && variable.x <= 1
    message   = "a rate lies between 0 and 1, not at ${variable.x}."
  }
}
`
	text := func(s string) map[string]Given { return map[string]Given{"x": {From: "--var x", Text: s}} }
	cases := []struct {
		name, module string
		given        map[string]Given
		want         string   // JSON of variable.x
		problems     []string // else
	}{
		{"good", rate, text("0.25"), "0.25", nil},
		{"not valid", rate, text("7"), "", []string{
			`MLP1227 2:1 a rate lies between 0 and 1, not at 7 | Variable "x" is 7. The value comes from --var x.`}},
		{"not valid in a file", rate, fromFile(t, "\nx = 2\n"), "", []string{
			`MLP1227 2:5 a rate lies between 0 and 1, not at 2 | Variable "x" is 2. The value comes from prod.mlpvars.`}},
		{"default not valid", strings.Replace(rate, "0.5", "5", 1), nil, "", []string{
			`MLP1227 4:13 a rate lies between 0 and 1, not at 5 | Variable "x" is 5. The value comes from its default.`}},
		{"file of the wrong type", rate, fromFile(t, `x = "a"`), "", []string{
			`MLP1218 1:5 variable "x" is a number | The value given is a string. The value comes from prod.mlpvars.`}},
		{"file that refers", rate, fromFile(t, `x = variable.y`), "", []string{
			`MLP1225 1:5 the value of variable "x" refers to something | A file of values holds constants. | if a string is meant, quote it`}},
		{"condition is no bool", strings.Replace(rate, "variable.x >= 0 && variable.x <= 1", `"yes"`, 1), nil, "", []string{
			`MLP1207 6:17 condition takes a bool | This is the string "yes".`}},
		{"condition sees others", strings.Replace(rate, "variable.x <= 1", `local.y`, 1), nil, "", []string{
			`MLP1225 6:36 the validation of variable "x" refers to something else | It sees variables alone.`}},
		{"condition sees another variable", strings.Replace(rate, "variable.x <= 1", `variable.x <= variable.most`, 1) + "variable \"most\" {\n  default = 0.2\n}\n", text("0.5"), "", []string{
			`MLP1227 2:1 a rate lies between 0 and 1, not at 0.5 | Variable "x" is 0.5. The value comes from --var x.`}},
		{"null by default", `variable "x" {
  type    = number
  default = null
}
`, nil, "null", nil},
		{"null given", rate, text("null"), "", []string{
			`MLP1206 6:17 operation failed | Error during operation: argument must not be null.`,
			`MLP1206 6:36 operation failed | Error during operation: argument must not be null.`}},
		{"null not wanted", `variable "x" {
  default  = 3
  nullable = false
}
`, text("null"), "3", nil},
		{"null not wanted, no default", `variable "x" {
  type     = number
  nullable = false
}
`, text("null"), "", []string{
			`MLP1218 2:1 variable "x" cannot be null | It has no default that could stand in. The value comes from --var x.`}},
		{"strange of the environment", `variable "x" { default = 1 }
`, map[string]Given{"y": {Text: "2", Stray: true}}, "1", nil},
		{"unknown of a file", `variable "rows" { default = 1 }
`, fromFile(t, "row = 2"), "", []string{`MLP1219 1:1 there is no variable "row" to set | The module declares rows. | did you mean "rows"?`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, ds := syntax.Parse(map[string][]byte{"main.mlp": []byte("pipeline \"p\" {}\n" + c.module)}, catalog())
			out, more := Resolve(m, Options{Variables: c.given})
			if diff := cmp.Diff(append([]string{}, c.problems...), brief(append(ds, more...))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got := string(out.VariablesJSON()["x"]); c.problems == nil && got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestSensitive holds that a sensitive value is written nowhere, whatever goes wrong with it.
func TestSensitive(t *testing.T) {
	const canary = "canary-7f3a"
	const declared = `pipeline "p" {}
variable "token" {
  type      = string
  sensitive = true
  validation {
    condition = variable.token != "canary-7f3a!"
    message   = "${variable.token} is wrong"
  }
}
locals {
  twice  = "${variable.token}${variable.token}"
  length = strlen(variable.token)
}
`
	given := func(s string) Options {
		return Options{Variables: map[string]Given{"token": {From: "--var token", Text: s}}}
	}
	for name, c := range map[string]struct {
		text string
		opts Options
		want []string // codes
	}{
		"alone":       {"", given(canary), nil},
		"config":      {"source \"s\" { path = variable.token }\n", given(canary), []string{"MLP1228"}},
		"computed":    {"source \"s\" { path = \"a/${local.twice}\" }\n", given(canary), []string{"MLP1228"}},
		"list":        {"dataset \"d\" {\n  from = []\n  key = [variable.token]\n  sql = \"select 1\"\n}\n", given(canary), []string{"MLP1228"}},
		"metadata":    {"metric \"m\" { description = variable.token }\n", given(canary), []string{"MLP1228"}},
		"output":      {"output \"o\" { value = [variable.token] }\n", given(canary), []string{"MLP1228"}},
		"validation":  {"", given(canary + "!"), []string{"MLP1227"}},
		"function":    {"locals { n = parseint(variable.token, 10) }\n", given(canary), []string{"MLP1226"}},
		"other value": {"variable \"n\" {\n  type = number\n  sensitive = true\n}\n", Options{Variables: map[string]Given{"token": {Text: canary}, "n": {Text: canary + "("}}}, []string{"MLP1218"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, ds := syntax.Parse(map[string][]byte{"main.mlp": []byte(declared + c.text)}, catalog())
			out, more := Resolve(m, c.opts)
			ds = append(ds, more...)
			var codes []string
			for _, d := range ds {
				codes = append(codes, d.Code)
			}
			if diff := cmp.Diff(c.want, codes); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			written := fmt.Sprintf("%s %s %+v", out.VariablesJSON(), out.LocalsJSON(), ds)
			for _, b := range out.Blocks {
				written += fmt.Sprintf("%s %s %s %s", b.Config, b.Policy, b.Meta, b.Description)
			}
			if strings.Contains(written, canary) {
				t.Errorf("%s is written down: %s", canary, written)
			}
		})
	}
}

func TestFileFunctions(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"note.txt": "hello\n", "sub/raw.bin": "\xff\xfe"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ expr, want string }{
		{`file("note.txt")`, `"hello\n"`},
		{`filehash("note.txt")`, `"blake3:8e4c7c1b99dbfd50e7a95185fead5ee1448fa904a2fdd778eaf5f2dbfd629a99"`},
		{`filehash("sub/raw.bin")`, `"blake3:`},
		{`file("sub/raw.bin")`, `is not valid UTF-8`},
		{`file("../x")`, `leads out of the module's folder`},
		{`file("/etc/hostname")`, `leads out of the module's folder`},
		{`file("link")`, `cannot be read`},
		{`file("sub")`, `is no regular file`},
		{`file("none.txt")`, `there is no file "none.txt"`},
		{`env("HOME")`, `the function "env" is refused`},
		{`log(2, 10)`, `Its last bits differ`},
		{`can(regex("^a", "b"))`, `false`},
		{`try(tonumber("x"), 3)`, `3`},
	}
	for _, c := range cases {
		m, ds := syntax.Parse(map[string][]byte{"main.mlp": []byte("pipeline \"p\" {}\nlocals { x = " + c.expr + " }\n")}, catalog())
		out, more := Resolve(m, Options{Dir: dir})
		got := string(out.LocalsJSON()["x"]) + strings.Join(brief(append(ds, more...)), "\n")
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: got %s, want %s", c.expr, got, c.want)
		}
	}
}
