package resolve

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/source"
)

// brief is "code line:column summary | detail | hint" of each diagnostic; what is empty at the end is left out.
func brief(ds source.Diagnostics) []string {
	out := []string{}
	for _, d := range ds {
		s := fmt.Sprintf("%s %d:%d %s | %s | %s", d.Code, d.Subject.Start.Line, d.Subject.Start.Column, d.Summary, d.Detail, d.Hint)
		out = append(out, strings.TrimRight(s, " |"))
	}
	return out
}

// base is what the cases add a line to; they begin at line 6.
const base = `pipeline "p" {}
source "raw" { path = "x" }
metric "auc" { type = "roc_auc" }
split "hash" "s" { from = source.raw }
variable "n" { default = 1 }
`

func train(lines string) string {
	return "train \"trees\" \"m\" {\n  data   = source.raw\n  target = \"y\"\n" + lines + "\n}\n"
}

func TestErrors(t *testing.T) {
	cases := []struct {
		name, text string
		want       []string
	}{
		{"unknown address", `split "hash" "t" { from = source.rwa }`, []string{
			"MLP1201 6:27 there is no source.rwa | There is source.raw. | did you mean source.raw?"}},
		{"same name, other kind", `split "hash" "t" { from = dataset.raw }`, []string{
			"MLP1201 6:27 there is no dataset.raw | The module has no dataset block. | did you mean source.raw?"}},
		{"unknown kind", `split "hash" "t" { from = dataste.raw }`, []string{
			"MLP1205 6:27 \"dataste\" means nothing here | A reference begins with variable, local, or the kind of a block. | did you mean \"dataset\"?"}},
		{"unquoted string", train("  weights = uniform"), []string{
			"MLP1205 9:13 \"uniform\" means nothing here | A reference begins with variable, local, or the kind of a block. | if a string is meant, quote it: \"uniform\""}},
		{"var", train("  weights = [var.n]"), []string{
			"MLP1205 9:14 \"var\" means nothing here | A reference begins with variable, local, or the kind of a block. | write variable.n"}},
		{"kind alone", `split "hash" "t" { from = source }`, []string{
			"MLP1205 6:27 source stands without a name | A reference is of the form source.<name>. There is source.raw."}},
		{"unknown port", `split "hash" "t" { from = split.s.trian }`, []string{
			"MLP1202 6:34 split.s has no port \"trian\" | split.s has train, validation, test. | did you mean \"train\"?"}},
		{"inside of a port", `split "hash" "t" { from = split.s.train.x }`, []string{
			"MLP1202 6:40 split.s.train has nothing inside | A port can be passed on as a whole; figures are read in rules."}},
		{"port by number", `split "hash" "t" { from = split.s[0] }`, []string{
			"MLP1202 6:34 a port of split.s is selected by its name | split.s has train, validation, test."}},
		{"no own port", `split "hash" "t" { from = split.s }`, []string{
			"MLP1215 6:27 split.s does not say which of its ports is meant | split.s has ports train, validation, test. | write split.s.train, for example"}},
		{"wrong type of port", train("") + "evaluate \"e\" {\n  model = source.raw\n  data  = train.m\n}", []string{
			"MLP1213 12:11 source.raw is a table; model takes a model |  | of that type: train.m",
			"MLP1213 13:11 train.m is a model; data takes a table"}},
		{"another port fits", train("") + "evaluate \"e\" {\n  model = train.m\n  data  = source.raw\n}\nsplit \"hash\" \"t\" { from = evaluate.e }", []string{
			"MLP1213 15:27 evaluate.e is figures; from takes a table |  | did you mean evaluate.e.predictions?"}},
		{"block without ports", `split "hash" "t" { from = pipeline.p }`, []string{
			"MLP1213 6:27 pipeline.p yields nothing; from takes a table | A pipeline block has no ports."}},
		{"wrong kind", train("  metrics = [source.raw]"), []string{"MLP1214 9:14 source.raw is a source; metrics[0] takes a metric block"}},
		{"string for a reference", `split "hash" "t" { from = "source.raw" }`, []string{
			"MLP1212 6:27 from takes a reference to a table | This is the string \"source.raw\". | leave the quotes out: source.raw"}},
		{"single for a list", train("  extra = source.raw"), []string{
			"MLP1212 9:11 extra takes a list of references | This is a single one. | write [source.raw]"}},
		{"number in a list of references", train("  extra = [source.raw, 7]"), []string{
			"MLP1212 9:24 extra[1] takes a reference to a table | This is the number 7."}},
		{"same names in a list", "dataset \"raw\" {\n  from = [source.raw]\n  sql = \"x\"\n}\ndataset \"b\" {\n  from = [source.raw, dataset.raw]\n  sql = \"x\"\n}", []string{
			"MLP1216 11:23 from has two references with the name \"raw\" |  | name them: { a = source.raw, b = dataset.raw }"}},
		{"two sides of a split", "dataset \"b\" {\n  from = [split.s.train, split.s.test]\n  sql = \"x\"\n}", []string{
			"MLP1216 7:26 from has two references with the name \"s\" |  | name them: { train = split.s.train, test = split.s.test }"}},
		{"same reference twice", train("  extra = [source.raw, source.raw]"), []string{
			"MLP1216 9:24 extra has two references with the name \"raw\" |  | remove one"}},
		{"reserved name for a table", "dataset \"b\" {\n  from = { select = source.raw }\n  sql = \"x\"\n}", []string{
			"MLP1104 7:12 \"select\" is no valid name | A name begins with a small letter, goes on with small letters, digits and underscores, and is no reserved word of SQL or CEL."}},
		{"reference as a value", train("  weights = source.raw"), []string{
			"MLP1217 9:13 weights takes a list of numbers, not a reference | A reference to a block can be passed on, and not computed with. | if a string is meant, quote it: \"source.raw\""}},
		{"computed with a reference", train("  params {\n    a = length(source.raw)\n    b = source.raw == source.raw ? 1 : 2\n    c = jsonencode([for k, v in source.raw : k])\n  }"), []string{
			"MLP1226 10:9 error in function call | Call to function \"length\" failed: collection must be a list, a map or a tuple.",
			"MLP1217 11:9 params.b takes any value, not a reference | A reference to a block can be passed on, and not computed with.",
			"MLP1217 12:9 params.c takes any value, not a reference | A reference to a block can be passed on, and not computed with."}},
		{"unknown variable", train("  weights = [variable.m]"), []string{
			"MLP1203 9:14 there is no variable \"m\" | Declare it: variable \"m\" { … }."}},
		{"unknown local", "locals { number = 1 }\n" + train("  weights = [local.nubmer, local.n]"), []string{
			"MLP1204 10:14 there is no local \"nubmer\" | Add it to a locals block. | did you mean local.number?",
			"MLP1204 10:28 there is no local \"n\" | Add it to a locals block. | did you mean variable.n?"}},
		{"wrong operand", train("  weights = [1 + \"a\"]"), []string{"MLP1206 9:18 invalid operand | Unsuitable value for right operand: a number is required."}},
		{"unknown function", train("  weights = [mx(1, 2)]"), []string{"MLP1226 9:14 there is no function \"mx\" |  | did you mean \"max\"?"}},
		{"wrong arguments of a function", train("  weights = [max(\"a\")]"), []string{
			"MLP1226 9:19 invalid function argument | Invalid value for \"numbers\" parameter: a number is required."}},
		{"division by zero", train("  weights = [1 / 0]"), []string{"MLP1224 9:14 weights[0] takes a number | Infinity is no value."}},
		{"string for a number", "split \"hash\" \"t\" {\n  from = source.raw\n  test = \"0.3\"\n}", []string{
			"MLP1207 8:10 test takes a number | This is the string \"0.3\". | leave the quotes out"}},
		{"number for a string", train("  tune { over = 5 }\n  timeout = true"), []string{
			"MLP1207 9:17 tune.over takes a duration | This is the number 5. | write it with a unit: \"45d\", \"1h30m\"",
			"MLP1207 10:13 timeout takes a duration | This is the bool true. | write it with a unit: \"45d\", \"1h30m\""}},
		{"string for a bool", train("  cache = \"true\""), []string{"MLP1207 9:11 cache takes a bool | This is the string \"true\". | leave the quotes out"}},
		{"broken number", train("  retries = 1.5"), []string{"MLP1224 9:13 retries takes a whole number | This is the number 1.5."}},
		{"huge number", train("  retries = 1e30\n  weights = [1e999]"), []string{
			"MLP1224 9:13 retries takes a whole number | This is the number 1e+30.",
			"MLP1224 10:14 weights[0] takes a number | 1e+999 is out of range."}},
		{"no duration", train("  timeout = \"5 minutes\""), []string{
			"MLP1209 9:13 timeout takes a duration | \"5 minutes\" is no duration: write a number and a unit of ms, s, m, h, d, w, such as \"45d\" or \"1h30m\"."}},
		{"not one of", `metric "m" { type = "recal" }`, []string{
			"MLP1208 6:21 type cannot be \"recal\" | It is one of roc_auc, recall, false_positive_rate. | did you mean \"recall\"?"}},
		{"elements of a list", train("  features = [\"a\", 2, null, true]"), []string{
			"MLP1207 9:20 features[1] takes a string | This is the number 2. | put it in quotes",
			"MLP1207 9:23 features[2] takes a string | This is null.",
			"MLP1207 9:29 features[3] takes a string | This is the bool true. | put it in quotes"}},
		{"scalar for a list", train("  features = \"a\""), []string{"MLP1207 9:14 features takes a list of strings | This is the string \"a\". | put it in brackets: [ … ]"}},
		{"required and null", `split "hash" "t" { from = null }`, []string{"MLP1108 6:27 from is null | It is required."}},
		{"empty SQL", "dataset \"b\" {\n  from = [source.raw]\n  sql = \" \"\n}", []string{"MLP1207 8:9 sql is empty | It takes a SQL query."}},
		{"SQL from a local", "locals { q = \"select 1\" }\ndataset \"b\" {\n  from = [source.raw]\n  sql = local.q\n}", []string{
			"MLP1210 9:9 sql is not written as a string | The SQL query stands where it is used, in quotes or as a heredoc, so that nothing can be put into it unseen."}},
		{"interpolated SQL", "dataset \"b\" {\n  from = [source.raw]\n  sql = \"a ${variable.n}\"\n}", []string{
			"MLP1211 8:14 sql has an interpolation | Nothing is put into the SQL query. | write $n, and give it to the query: params { n = variable.n }"}},
		{"locals in a circle", "locals {\n  a = local.b\n  b = 1 + local.c\n  c = local.a\n  d = local.d\n}", []string{
			"MLP1221 7:7 locals depend on each other in a circle | local.a → local.b → local.c → local.a.",
			"MLP1221 10:7 locals depend on each other in a circle | local.d → local.d."}},
		{"local twice", "locals { a = 1 }\nlocals { a = 2 }", []string{"MLP1105 7:10 there are two locals \"a\""}},
		{"variable without value", "variable \"x\" { type = string }\n" + train("  features = [variable.x]\n  weights = [variable.x]"), []string{
			"MLP1218 6:1 variable \"x\" has no value | It has no default, so it must be given. | add --var x=…, or x = … to default.mlpvars"}},
		{"default of the wrong type", "variable \"x\" {\n  type = number\n  default = \"a\"\n}", []string{
			"MLP1218 8:13 variable \"x\" is a number | The value given is a string. The value comes from its default."}},
		{"default that refers", "variable \"x\" { default = variable.n }", []string{
			"MLP1225 6:26 the default of variable \"x\" refers to something | A default is a constant. | compute values in a locals block"}},
		{"type that is none", "variable \"x\" {\n  type = strng\n  default = \"a\"\n}", []string{
			"MLP1220 7:10 the type of variable \"x\" is not one | The keyword \"strng\" is not a valid type specification. | did you mean string?"}},
		{"unknown metric in limits", train("  decision {\n    maximize = metric.auc\n    where = \"aux <= 0.01 && auc > 0.5\"\n  }"), []string{
			"MLP1223 11:14 there is no metric \"aux\" | The module's metrics are auc. | did you mean \"auc\"?"}},
		{"definitions in a circle", "metric \"a\" { like = metric.b }\nmetric \"b\" { like = metric.a }", []string{
			"MLP1222 7:21 metric.a is defined by itself | A definition cannot lead back to its own block."}},
		{"two pipelines", "pipeline \"q\" {}", []string{"MLP1115 6:1 the module has more than one pipeline block | A folder is one module, and a module one pipeline."}},
		{"output of mixed values", "output \"x\" { value = [source.raw] }\noutput \"y\" { value = local.x }", []string{
			"MLP1217 6:22 an output is a value, or one reference | References cannot be computed with, nor put into lists.",
			"MLP1204 7:22 there is no local \"x\" | Add it to a locals block."}},
		{"what rests on a broken block is not told", "dataset \"b\" {\n  frm = [source.raw]\n  sql = \"x\"\n}\nsplit \"hsh\" \"x\" {}\nsplit \"hash\" \"t\" { from = dataset.b }\nsplit \"hash\" \"u\" { from = split.x.train }", []string{
			"MLP1106 7:3 dataset.b has no argument \"frm\" | It takes from, key, sql, for_each, description, requires, timeout, retries, memory_mb, max_memory_mb, disk_mb, cpus, node_selector, tolerations, service_account, cache. | did you mean \"from\"?",
			"MLP1102 10:7 split has no type \"hsh\" | Types of split are hash. | did you mean \"hash\"?"}},
		{"after a syntax error nothing is missing", "dataset \"b\" {\n  from = \n}\nsplit \"hash\" \"t\" { from = dataset.c }\nmetric \"m\" { type = \"x\" }", []string{
			"MLP1004 7:10 invalid expression | Expected the start of an expression, but found an invalid expression token.",
			"MLP1208 10:21 type cannot be \"x\" | It is one of roc_auc, recall, false_positive_rate."}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, ds := load(t, base+c.text, nil)
			if diff := cmp.Diff(c.want, brief(ds)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestNoPipeline(t *testing.T) {
	for text, want := range map[string][]string{
		`metric "a" {}`:     {"MLP1115 0:0 the module has no pipeline block | Its name tells the module's history from that of others. | add pipeline \"name\" { }"},
		`pipeline "Bad" {}`: {"MLP1104 1:10 \"Bad\" is no valid name | A name begins with a small letter and goes on with small letters, digits and underscores. | \"bad\" would do"},
	} {
		_, ds := load(t, text, nil)
		if diff := cmp.Diff(want, brief(ds)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", text, diff)
		}
	}
}

func TestVariables(t *testing.T) {
	cases := []struct {
		declared, given string
		want            string // JSON, or the code of an error
	}{
		{`type = string`, `7`, `"7"`},
		{`type = number`, `7`, `7`},
		{`type = number`, `-0.5`, `-0.5`},
		{`type = number`, `seven`, source.CodeVariableValue},
		{`type = number`, `"7"`, source.CodeVariableValue},
		{`type = bool`, `true`, `true`},
		{`type = bool`, `yes`, source.CodeVariableValue},
		{`type = list(string)`, `["a", "b"]`, `["a","b"]`},
		{`type = list(number)`, `["a"]`, source.CodeVariableValue},
		{`type = object({ a = number })`, `{ a = 1 }`, `{"a":1}`},
		{`type = any`, `{ a = 1 }`, `{"a":1}`},
		{`type = any`, `word`, `"word"`},
		{`default = 3`, `4`, `4`},
		{`default = 3`, `x`, source.CodeVariableValue},
		{`default = "a"`, `4`, `"4"`},
		{`default = [1]`, `[2, 3]`, `[2,3]`},
		{`type = number`, `file("/etc/passwd")`, source.CodeVariableValue},
		{`type = number`, `variable.x`, source.CodeVariableValue},
		{`type = string`, "${1}\n\"", `"${1}\n\""`},
	}
	for _, c := range cases {
		m, ds := load(t, fmt.Sprintf("pipeline \"p\" {}\nvariable \"x\" { %s }\n", c.declared), map[string]string{"x": c.given})
		got := string(m.VariablesJSON()["x"])
		if len(ds) > 0 {
			got = ds[0].Code
		}
		if got != c.want || len(ds) > 1 {
			t.Errorf("%s, --var x=%s: got %s, want %s", c.declared, c.given, got, c.want)
		}
	}
	_, ds := load(t, "pipeline \"p\" {}\nvariable \"rows\" { default = 1 }\n", map[string]string{"row": "1"})
	if diff := cmp.Diff([]string{`MLP1219 0:0 there is no variable "row" to set | It is given by --var row. The module declares rows. | did you mean "rows"?`}, brief(ds)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
