package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

const planSchemaPath = "../../spec/plan.schema.json"

// planSchema compiles the schema; it is itself held to draft 2020-12.
func planSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(planSchemaPath)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// jsonTree reads JSON as the validator wants it.
func jsonTree(t *testing.T, text string) map[string]any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

// edit rewrites the module of an example by replacing texts, each of which must be there.
func edit(t *testing.T, path string, oldNew ...string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(oldNew); i += 2 {
		if !bytes.Contains(text, []byte(oldNew[i])) {
			t.Fatalf("%s has no %q", path, oldNew[i])
		}
		text = bytes.Replace(text, []byte(oldNew[i]), []byte(oldNew[i+1]), 1)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// monitorBlock is the last block of the example, which nothing but a requirement refers to.
const monitorBlock = `monitor "live" {
  reference = split.holdout.train
  current   = split.holdout.test
  drift { min_rows = 1000 }
}
`

// TestPlanSchema holds real plans to spec/plan.schema.json, and that to refusing what is none.
func TestPlanSchema(t *testing.T) {
	s := planSchema(t)
	dir := exampleCopy(t, "fraud")
	module := filepath.Join(dir, "fraud.mlp")
	plans := map[string]string{}
	valid := func(name string, marks ...string) {
		t.Helper()
		plans[name] = mustRun(t, dir, "plan", "--format", "json")
		if err := s.Validate(jsonTree(t, plans[name])); err != nil {
			t.Errorf("%s: the plan does not fit the schema: %v", name, err)
		}
		for _, mark := range marks { // so that it is the plan that is meant
			if !strings.Contains(plans[name], mark) {
				t.Errorf("%s: the plan has no %s", name, mark)
			}
		}
	}
	valid("first", `"verdict": "run"`, `"kind": "never_ran"`, `"action": "create"`, `"revision": 0`)
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	valid("nothing to do", `"verdict": "cached"`, `"action": "none"`, `"candidate": true`)
	edit(t, module, "trees         = 300", "trees         = 200")
	valid("one line changed", `"verdict": "may_run"`, `"params.trees"`, `"action": "may_change"`, `"residual"`, `evaluate.holdout@champion`)
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	edit(t, module, "trees         = 200", "trees         = 300")
	valid("a change taken back", `"kind": "config"`, `"verdict": "cached"`, `"figures"`)
	edit(t, module, "  seed       = 7", "  seed       = 7\n  timeout    = \"2h\"")
	valid("metadata", `"verdict": "metadata"`, `"category": "metadata"`)
	edit(t, module, `column "hour"       { expr = "hour(paid_at)" }`, `column "hour"       { expr = "hour(paid_at)::double" }`)
	valid("another type", `"category": "breaking"`)
	edit(t, module, "hour(paid_at)::double", "hour(paid_at)", "[gate.release, monitor.live]", "[gate.release]", monitorBlock, "")
	valid("a block removed", `"verdict": "remove"`)
	edit(t, module, `split "time" "holdout"`, "moved {\n  from = split.holdout\n  to   = split.sides\n}\nsplit \"time\" \"sides\"")
	moved, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	moved = bytes.ReplaceAll(moved, []byte("split.holdout."), []byte("split.sides."))
	if err := os.WriteFile(module, moved, 0o644); err != nil {
		t.Fatal(err)
	}
	valid("a block moved", `"verdict": "moved"`, `"pending": true`, `"category": "moved"`)
	edit(t, module, "trees         = 300", "trees         = 250")
	for _, n := range jsonTree(t, mustRun(t, dir, "plan", "--format", "json"))["nodes"].([]any) {
		if n := n.(map[string]any); n["address"] == "train.model" {
			edit(t, module, "moved {", fmt.Sprintf("accept {\n  block = train.model\n  definition = %q\n  reason = \"as good\"\n}\nmoved {", n["definition"].(string)[:23]))
		}
	}
	valid("a result accepted", `"verdict": "accepted"`, `"was": "blake3:`, `"category": "accepted"`)
	edit(t, module, "table.rows >= 10000.0", "table.rows >= 1000000.0")
	valid("a check fails", `"verdict": "blocked"`, `"blocked_by"`)
	edit(t, module, "table.rows >= 1000000.0", "table.rows >= 10000.0", "metrics.recall >= variable.min_recall", "metrics.recall >= 0.999")
	valid("a rule fails", `"verdict": "fail"`, `"category": "policy"`, `"rule[catches fraud]"`)
	t.Run("mutilated", func(t *testing.T) { refuses(t, s, plans) })
}

// refuses damages plans in ways that a schema which has rotted would let pass.
func refuses(t *testing.T, s *jsonschema.Schema, plans map[string]string) {
	cases := []struct {
		name, plan string
		damage     func(p map[string]any)
	}{
		{"another major version", "first", func(p map[string]any) { p["format_version"] = "2.0" }},
		{"no identity", "first", func(p map[string]any) { delete(p, "plan_id") }},
		{"an unknown field", "first", func(p map[string]any) { p["stages"] = []any{} }},
		{"a short digest", "first", func(p map[string]any) { p["config_digest"] = "blake3:12ab" }},
		{"an unknown field of a node", "first", func(p map[string]any) { first(p, "nodes")["hash"] = "x" }},
		{"a node without definition", "first", func(p map[string]any) { delete(first(p, "nodes"), "definition") }},
		{"a verdict that is none", "first", func(p map[string]any) { first(p, "nodes")["verdict"] = "skip" }},
		{"a stage that runs for no reason", "first", func(p map[string]any) { delete(first(p, "nodes"), "causes") }},
		{"an address that is none", "first", func(p map[string]any) { first(p, "nodes")["address"] = "train model" }},
		{"a cached stage without fingerprint", "nothing to do", func(p map[string]any) { delete(first(p, "nodes"), "fingerprint") }},
		{"metadata that nothing changes", "metadata", func(p map[string]any) { delete(node(p, "metadata"), "causes") }},
		{"a result that is not known", "nothing to do", func(p map[string]any) { first(p, "nodes")["verdict"] = "run" }},
		{"a revision without digest", "nothing to do", func(p map[string]any) { delete(p["base"].(map[string]any), "digest") }},
		{"a comparable champion with a reason why not", "one line changed", func(p map[string]any) {
			first(p, "gates")["champion"].(map[string]any)["why"] = "it is the candidate itself"
		}},
		{"a passed rule with something left", "one line changed", func(p map[string]any) {
			first(first(p, "gates")["rules"].(map[string]any), "rules")["verdict"] = "pass"
		}},
		{"a change of what is not live", "one line changed", func(p map[string]any) { delete(first(p, "releases"), "current") }},
		{"a gate that is open though blocked", "a check fails", func(p map[string]any) { first(p, "gates")["verdict"] = "open" }},
		{"an accepted result without a reason", "a result accepted", func(p map[string]any) { delete(node(p, "accepted")["accepted"].(map[string]any), "reason") }},
		{"an accepted result that nobody accepted", "a result accepted", func(p map[string]any) { delete(node(p, "accepted"), "accepted") }},
		{"a move from nowhere", "a block moved", func(p map[string]any) { delete(first(p, "moves"), "from") }},
		{"a time that is none", "first", func(p map[string]any) { p["envelope"].(map[string]any)["created_at"] = "yesterday" }},
	}
	for _, c := range cases {
		p := jsonTree(t, plans[c.plan])
		c.damage(p)
		if s.Validate(p) == nil {
			t.Errorf("%s: the schema lets it pass", c.name)
		}
	}
}

// node is the first one with that verdict.
func node(p map[string]any, verdict string) map[string]any {
	for _, n := range p["nodes"].([]any) {
		if n := n.(map[string]any); n["verdict"] == verdict {
			return n
		}
	}
	return nil
}

func first(p map[string]any, list string) map[string]any { return p[list].([]any)[0].(map[string]any) }

// TestPlanSchemaFields compares the fields of the schema with those of the types, also of those that no plan above has.
func TestPlanSchemaFields(t *testing.T) {
	text, err := os.ReadFile(planSchemaPath)
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Description string
		Properties  map[string]json.RawMessage
	}
	var root struct {
		object
		Defs map[string]object `json:"$defs"`
	}
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	root.Defs["plan"] = root.object
	types := map[string]any{
		"plan": plan.Plan{}, "envelope": plan.Envelope{}, "change": plan.Change{}, "cause": plan.Cause{}, "node": plan.Node{},
		"input": plan.Input{}, "output": plan.Output{}, "external": plan.External{}, "container": plan.Container{}, "scoring": plan.Scoring{},
		"rules": plan.Rules{}, "rule": plan.Rule{}, "figure_source": plan.FigureSource{}, "figure_seen": plan.FigureSeen{},
		"gate": plan.Gate{}, "approval": plan.Approval{}, "champion": plan.Champion{}, "release": plan.Release{},
		"release_state": plan.ReleaseState{}, "diagnostic": plan.Diagnostic{}, "shape": schema.Shape{}, "table": schema.Table{},
		"column": schema.Column{}, "label": schema.Label{}, "model": schema.Model{}, "figure_type": schema.FigureType{},
		"range": source.Range{}, "position": source.Pos{}, "compared": plan.Compared{},
		"rollback": plan.Rollback{}, "rollout": plan.Rollout{}, "strategy": schema.Strategy{}, "step_rules": schema.StepRules{}, "traffic": schema.Traffic{}, "label_traffic": schema.LabelTraffic{}, "step_outlook": plan.StepOutlook{}, "outlook": plan.Outlook{}, "held": plan.Held{}, "rollback_policy": plan.RollbackPolicy{},
		"move": plan.Move{}, "looked": plan.Looked{}, "hypothesis": plan.Hypothesis{}, "acceptance": plan.Acceptance{}, "window": schema.Window{}, "finding": plan.Finding{}, "given": plan.Given{}, "write": plan.Write{}, "written": plan.Written{}, "destination": schema.Destination{},
	}
	for name, def := range root.Defs {
		if types[name] == nil {
			if len(def.Properties) > 0 {
				t.Errorf("%s is in the schema, and no type is known that it describes", name)
			}
			continue
		}
		want := fields(reflect.TypeOf(types[name]))
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(def.Properties))); diff != "" {
			t.Errorf("%s: fields of the type and of the schema:\n%s", name, diff)
		}
	}
	for name := range types {
		if _, ok := root.Defs[name]; !ok {
			t.Errorf("the schema has no %s", name)
		}
	}
}

// fields are the names in JSON of a type's fields, sorted.
func fields(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if t.Field(i).Anonymous {
			out = append(out, fields(t.Field(i).Type)...)
			continue
		}
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "-" { // not in plans
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
