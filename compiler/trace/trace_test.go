package trace

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
)

func object(name string, of *schema.FigureType) *schema.FigureType {
	return &schema.FigureType{Kind: schema.ObjectFigure, Fields: map[string]*schema.FigureType{name: of}}
}

// module has a problem with requirement R1, verified by gate.release, check.orders and evaluate.test, and R2, verified by nothing.
func module() *check.Module {
	m := &check.Module{Module: &resolve.Module{}, Blocks: map[string]*check.Block{}}
	types := map[string]*schema.Type{"check": {Version: 1, Out: []schema.Port{{Name: "verdict", Type: schema.VerdictPort}}}}
	add := func(kind, address, policy string) *check.Block {
		b := &check.Block{Block: &resolve.Block{Address: address, Kind: kind, KindSpec: &schema.Kind{Name: kind, Poses: kind == "problem"}, TypeSpec: types[kind], Policy: json.RawMessage(policy)}}
		m.Module.Blocks = append(m.Module.Blocks, b.Block)
		m.Blocks[address] = b
		return b
	}
	problem := add("problem", "problem.shop", "{}")
	problem.Meta = json.RawMessage(`{"requirement":[{"name":"R1","text":"Enough orders."},{"name":"R2","text":"Happy customers."}]}`)
	for i, to := range []string{"gate.release", "check.orders", "evaluate.test"} {
		problem.Refs = append(problem.Refs, resolve.Reference{Path: fmt.Sprintf("requirement[R1].verified_by[%d]", i), Target: to})
	}
	add("gate", "gate.release", `{"rule":[{"name":"enough","assert":"1 <\n  2","severity":"fail"}]}`)
	add("check", "check.orders", `{"rule":[{"name":"rows","assert":"table.rows > 2.0","severity":"fail"}]}`).Env =
		object("table", object("rows", &schema.FigureType{Kind: schema.DoubleFigure}))
	add("evaluate", "evaluate.test", "{}")
	return m
}

func TestRequirements(t *testing.T) {
	passed := plan.GateState{Verdict: plan.Pass, Rules: []plan.Rule{{Name: "enough", Assert: "1 < 2", Verdict: plan.Pass}}}
	other := plan.GateState{Verdict: plan.Pass, Rules: []plan.Rule{{Name: "enough", Assert: "1 < 3", Verdict: plan.Pass}}}
	failed := plan.GateState{Verdict: plan.Fail, Rules: []plan.Rule{{Name: "enough", Assert: "1 < 2", Verdict: plan.Fail}}}
	rows := func(n string) map[string]string {
		return map[string]string{"check.orders": `{"failed":0,"table":{"rows":` + n + `}}`, "evaluate.test": `{"metrics":{}}`}
	}
	for name, c := range map[string]struct {
		gate    *plan.GateState
		figures map[string]string
		want    string // verdict of R1, and of what verifies it
	}{
		"all hold":                    {&passed, rows("3"), "pass: pass pass measured"},
		"nothing is recorded":         {nil, nil, "not recorded: not recorded not recorded not recorded"},
		"a check's rule fails":        {&passed, rows("2"), "fail: pass fail measured"},
		"a check's expectation fails": {&passed, map[string]string{"check.orders": `{"failed":1,"table":{"rows":3}}`}, "fail: pass fail not recorded"},
		"a gate failed":               {&failed, rows("3"), "fail: fail pass measured"},
		"passed by another rule":      {&other, rows("3"), "not recorded: not recorded pass measured"},
	} {
		state := &plan.State{Gates: map[string]plan.GateState{}}
		if c.gate != nil {
			state.Gates["gate.release"] = *c.gate
		}
		all, err := Requirements(module(), state, func(address string) (json.RawMessage, bool, error) {
			f, ok := c.figures[address]
			return json.RawMessage(f), ok, nil
		})
		if err != nil || len(all) != 2 {
			t.Fatalf("%s: %v %v", name, all, err)
		}
		got := all[0].Verdict + ":"
		for _, v := range all[0].Verifies {
			got += " " + v.Verdict
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if all[1].Verdict != Unverified {
			t.Errorf("%s: R2, which nothing verifies, is %q", name, all[1].Verdict)
		}
	}
}

// A store that cannot be read is an error, not a requirement without figures.
func TestRequirementsWithoutFigures(t *testing.T) {
	gone := errors.New("gone")
	_, err := Requirements(module(), &plan.State{}, func(string) (json.RawMessage, bool, error) { return nil, false, gone })
	if !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}
