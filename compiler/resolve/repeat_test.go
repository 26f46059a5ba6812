package resolve

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// wiring is "port=address:port" of each reference of a block, in order.
func wiring(b *Block) string {
	var out []string
	for _, r := range b.Refs {
		out = append(out, fmt.Sprintf("%s=%s:%s", r.Port, r.Target, r.TargetPort))
	}
	return strings.Join(out, " ")
}

const repeated = `
pipeline "p" {}
locals {
  regions = { eu = "data/eu.csv", us = "data/us.csv" }
  models  = [for k in keys(local.regions) : train.m[k]]
  first   = train.m["eu"]
}
source "raw" {
  for_each = local.regions
  path     = each.value
}
split "hash" "s" {
  for_each = source.raw
  from     = each.value
}
train "trees" "m" {
  for_each = toset(keys(local.regions))
  data     = split.s[each.key].train
  extra    = [split.s["us"].test]
  target   = each.key
}
dataset "union_" {
  from = values(source.raw)
  sql  = "select 1"
}
dataset "named" {
  from = source.raw
  sql  = "select 1"
}
evaluate "e" {
  model = local.first
  data  = split.s["eu"].test
}
metric "auc" {
  for_each = toset(["a", "b"])
  type     = "roc_auc"
}
train "trees" "n" {
  data    = source.raw["eu"]
  metrics = values(metric.auc)
  target  = "y"
  decision { where = "auc_a <= 0.1" }
}
`

func TestForEach(t *testing.T) {
	m, ds := load(t, repeated, nil)
	if len(ds) > 0 {
		t.Fatal(strings.Join(brief(ds), "\n"))
	}
	want := map[string]string{
		`source.raw["eu"]`: "", `source.raw["us"]`: "",
		`split.s["eu"]`:  `from=source.raw["eu"]:table`,
		`split.s["us"]`:  `from=source.raw["us"]:table`,
		`train.m["eu"]`:  `data=split.s["eu"]:train extra.s_us=split.s["us"]:test`,
		`dataset.union_`: `from.raw_eu=source.raw["eu"]:table from.raw_us=source.raw["us"]:table`,
		`dataset.named`:  `from.eu=source.raw["eu"]:table from.us=source.raw["us"]:table`,
		`evaluate.e`:     `model=train.m["eu"]:model data=split.s["eu"]:test`,
	}
	for address, refs := range want {
		b := m.ByAddress[address]
		if b == nil {
			t.Errorf("there is no %s", address)
			continue
		}
		if got := wiring(b); got != refs {
			t.Errorf("%s: got %s, want %s", address, got, refs)
		}
	}
	if got, want := string(m.ByAddress[`source.raw["us"]`].Config), `{"delimiter":",","path":"data/us.csv"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	n := string(m.ByAddress["train.n"].Config)
	if want := `"metrics":[{"name":"auc_a","type":"roc_auc"},{"name":"auc_b","type":"roc_auc"}]`; !strings.Contains(n, want) {
		t.Errorf("got %s, want %s in it", n, want)
	}
	if b := m.ByAddress["source.raw"]; b != nil {
		t.Error("source.raw is there beside its instances")
	}
}

func TestForEachErrors(t *testing.T) {
	const raw = "source \"r\" {\n  for_each = { eu = 1, us = 2 }\n  path     = each.key\n}\n"
	cases := []struct {
		name, text string
		want       []string
	}{
		{"list", "source \"r\" {\n  for_each = [\"a\"]\n  path = \"x\"\n}\n", []string{
			"MLP1229 7:14 for_each takes a map, or a set of strings | This is a list. | write toset([ … ]): the instances of a list would move when an element goes"}},
		{"number", "source \"r\" {\n  for_each = 3\n  path = \"x\"\n}\n", []string{
			`MLP1229 7:14 for_each takes a map, or a set of strings | This is the number 3. | blocks are repeated by key, not by number: toset(["a", "b"])`}},
		{"one block", "source \"r\" {\n  for_each = source.raw\n  path = \"x\"\n}\n", []string{
			"MLP1229 7:14 for_each takes a map, or a set of strings | This is a reference to one block."}},
		{"key", "source \"r\" {\n  for_each = toset([\"EU-west\"])\n  path = \"x\"\n}\n", []string{
			`MLP1229 7:14 "EU-west" cannot be a key | A key is part of an address and of names of tables: small letters, digits and underscores. | write { eu_west = "EU-west" } and read each.value`}},
		{"count", "source \"r\" {\n  count = 3\n  path = \"x\"\n}\n", []string{
			`MLP1106 7:3 source.r has no argument "count" | A block is repeated with for_each, by key: an instance keeps its address when another one goes, which a number would not. | write for_each = toset(["a", "b"]), or a map`}},
		{"dynamic", "source \"r\" {\n  path = \"x\"\n  dynamic \"column\" {}\n}\n", []string{
			"MLP1107 8:3 there are no dynamic blocks | Nested blocks are written out, so that what a block holds can be read where it stands. | repeat the whole block with for_each"}},
		{"nested", "source \"r\" {\n  path = \"x\"\n  column \"a\" { for_each = {} }\n}\n", []string{
			`MLP1106 8:16 column "a" has no argument "for_each" | Whole blocks are repeated, and not the blocks in them. | repeat the block around it`}},
		{"pipeline", "pipeline \"q\" { for_each = {} }\n", []string{
			"MLP1115 6:1 the module has more than one pipeline block | A folder is one module, and a module one pipeline.",
			`MLP1106 6:16 pipeline.q has no argument "for_each" | A pipeline cannot be repeated.`}},
		{"no instance", raw + "split \"hash\" \"t\" { from = source.r }\n", []string{
			`MLP1230 10:27 from takes a reference to a table, and source.r is repeated | Its keys are eu, us. | write source.r["eu"]`}},
		{"unknown instance", raw + "split \"hash\" \"t\" { from = source.r[\"eo\"] }\n", []string{
			`MLP1230 10:35 there is no source.r["eo"] | source.r is repeated; its keys are eu, us.`}},
		{"dot", raw + "split \"hash\" \"t\" { from = source.r.eu }\n", []string{
			`MLP1230 10:35 source.r does not say which instance is meant | source.r is repeated; its keys are eu, us. | write source.r["eu"]`}},
		{"port of an instance", raw + "split \"hash\" \"t\" { from = source.r[\"eu\"].tabel }\n", []string{
			`MLP1202 10:41 source.r["eu"] has no port "tabel" | source.r["eu"] has table. | did you mean "table"?`}},
		{"each outside", "split \"hash\" \"t\" { from = source.raw[each.key] }\n", []string{
			"MLP1205 6:38 each means nothing here | A block that has a for_each sees each.key and each.value; this one has none."}},
		{"each.kay", "source \"r\" {\n  for_each = toset([\"a\"])\n  path = each.kay\n}\n", []string{
			`MLP1205 8:14 each has no "kay" | There is each.key and each.value. | did you mean "key"?`}},
		{"circle", "source \"r\" {\n  for_each = local.x\n  path = \"x\"\n}\nlocals { x = source.r }\n", []string{
			"MLP1221 10:14 what is evaluated first depends on itself | local.x → source.r → local.x."}},
		{"told once", "source \"r\" {\n  for_each = local.gone\n  path = \"x\"\n}\nsplit \"hash\" \"t\" { from = source.r[\"a\"] }\n", []string{
			`MLP1204 7:14 there is no local "gone" | Add it to a locals block.`}},
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

// loadModules resolves a module with those that it calls, given by folder.
func loadModules(t *testing.T, folders map[string]string) (*Module, source.Diagnostics) {
	t.Helper()
	parse := func(dir string) (*syntax.Module, source.Diagnostics) {
		text, ok := folders[dir]
		if !ok {
			return nil, source.Diagnostics{{Severity: source.Error, Code: source.CodeUnreadable, Summary: "no such folder"}}
		}
		name := "main.mlp"
		if dir != "" {
			name = dir + "/main.mlp"
		}
		return syntax.Parse(map[string][]byte{name: []byte(text)}, catalog())
	}
	m, ds := parse("")
	out, more := Resolve(m, Options{Modules: parse})
	return out, append(ds, more...).Sort()
}

func TestModules(t *testing.T) {
	m, ds := loadModules(t, map[string]string{
		"": `pipeline "p" {}
source "raw" { path = "data/x.csv" }
module "features" {
  source = "./mods/features"
  rows_in = source.raw
  rows   = 3
}
module "per" {
  for_each = { eu = 1, us = 2 }
  source   = "./mods/features"
  rows_in  = module.features.clean
  rows     = each.value
}
dataset "union_" {
  from = [module.features.clean, module.per["eu"].clean]
  sql  = "select 1"
}
dataset "two" {
  from = { for k, m in module.per : k => m.clean }
  sql  = "select 1"
}
output "rows" { value = [module.features.rows, module.per["us"].rows] }
`,
		"mods/features": `
variable "rows_in" { type = any }
variable "rows" { type = number }
locals { twice = variable.rows * 2 }
source "own" { path = "own.csv" }
dataset "clean" {
  from = [variable.rows_in, source.own]
  sql  = "select 1"
}
module "deep" {
  source = "../deep"
  from_  = dataset.clean
}
output "clean" { value = module.deep.out }
output "rows" { value = local.twice }
`,
		"mods/deep": `
variable "from_" {}
split "hash" "s" { from = variable.from_ }
output "out" { value = split.s.test }
`})
	if len(ds) > 0 {
		t.Fatal(strings.Join(brief(ds), "\n"))
	}
	want := map[string]string{
		"module.features.dataset.clean":        "from.raw=source.raw:table from.own=module.features.source.own:table",
		"module.features.module.deep.split.s":  "from=module.features.dataset.clean:table",
		`module.per["eu"].dataset.clean`:       `from.clean=module.features.module.deep.split.s:test from.own=module.per["eu"].source.own:table`,
		`module.per["us"].module.deep.split.s`: `from=module.per["us"].dataset.clean:table`,
		"dataset.two":                          `from.eu=module.per["eu"].module.deep.split.s:test from.us=module.per["us"].module.deep.split.s:test`,
	}
	for address, refs := range want {
		b := m.ByAddress[address]
		if b == nil {
			t.Errorf("there is no %s", address)
			continue
		}
		if got := wiring(b); got != refs {
			t.Errorf("%s: got %s, want %s", address, got, refs)
		}
	}
	if b := m.ByAddress["module.features.source.own"]; b.Dir != "mods/features" || b.Module != "module.features." {
		t.Errorf("got folder %q and module %q", b.Dir, b.Module)
	}
	if got, want := string(m.Outputs[0].Value), "[6,4]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := m.Scopes["module.features."].Variables["rows"]; got.AsBigFloat().String() != "3" {
		t.Errorf("got %#v, want 3", got)
	}
}

func TestModuleErrors(t *testing.T) {
	const child = "variable \"t\" {}\nvariable \"n\" { default = 1 }\noutput \"out\" { value = variable.t }\n"
	call := func(lines string) string {
		return "pipeline \"p\" {}\nsource \"raw\" { path = \"x\" }\nmodule \"m\" {\n" + lines + "}\n"
	}
	cases := []struct {
		name, root, child string
		want              []string
	}{
		{"missing input", call("  source = \"./c\"\n"), child, []string{
			`MLP1218 3:1 module.m lacks its input "t" | The variable of the module has no default. | add t = …`}},
		{"unknown input", call("  source = \"./c\"\n  t = source.raw\n  nn = 2\n"), child, []string{
			`MLP1219 6:3 there is no variable "nn" to set | The module declares n, t.`}},
		{"no source", call("  t = 1\n"), child, []string{`MLP1108 3:1 module.m lacks its argument "source" | The folder, relative to this one: ` + "`./features`; or one of a git repository, which `mlp init` fetches and pins: " +
			"`git::https://example.com/team/modules.git//churn?ref=v1.2.0`, `github.com/org/repo//churn?ref=v1`. | add source = …"}},
		{"no folder", call("  source = \"./gone\"\n"), child, []string{"MLP1231 4:12 module.m cannot be read | no such folder."}},
		{"bare name", call("  source = \"c\"\n"), child, []string{
			`MLP1231 4:12 "c" is no folder | A module is a folder of .mlp files, named relative to this one: "./features", "../shared"; or one of a git repository: "git::https://example.com/team/modules.git//features?ref=v1.2.0". | write "./c"`}},
		{"git", call("  source = \"git::https://x/y.git\"\n"), child, []string{
			`MLP1231 4:12 "git::https://x/y.git" is no folder | A module is a folder of .mlp files, named relative to this one: "./features", "../shared"; or one of a git repository: "git::https://example.com/team/modules.git//features?ref=v1.2.0".`}},
		{"itself", call("  source = \"./.\"\n"), child, []string{
			"MLP1231 4:12 module.m calls the module that it stands in | A module cannot be a part of itself."}},
		{"unknown output", call("  source = \"./c\"\n  t = source.raw\n") + "split \"hash\" \"s\" { from = module.m.uot }\n", child, []string{
			`MLP1202 7:35 module.m has no output "uot" | module.m has out. From outside, a module is its outputs. | did you mean "out"?`}},
		{"unknown module", call("  source = \"./c\"\n  t = source.raw\n") + "split \"hash\" \"s\" { from = module.n.out }\n", child, []string{
			`MLP1201 7:27 there is no module.n | Call it: module "n" { source = "./folder" }.`}},
		{"mistake inside", call("  source = \"./c\"\n  t = source.raw\n"), child + "split \"hash\" \"s\" { from = source.raw }\n", []string{
			"MLP1201 4:27 there is no source.raw | The module has no source block."}},
		{"pipeline inside", call("  source = \"./c\"\n  t = source.raw\n"), child + "pipeline \"q\" {}\n", []string{
			"MLP1115 4:1 a module that is called has no pipeline block | The pipeline is that of the folder where mlp runs; this module is a part of it. | remove the block"}},
		{"inner circle", call("  source = \"./c\"\n  t = source.raw\n"), child + "module \"back\" {\n  source = \"../\"\n}\n", []string{
			"MLP1231 5:12 module.back calls the module that it stands in | A module cannot be a part of itself."}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, ds := loadModules(t, map[string]string{"": c.root, "c": c.child})
			if diff := cmp.Diff(c.want, brief(ds)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
