package plan

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/digest"
)

// TestRollbackHolds: whatever was live before a chain of rollbacks is held, what is live is not, and nothing is after a lift.
func TestRollbackHolds(t *testing.T) {
	of := func(s string) Digest { return digest.Of([]byte(s)) }
	release := func(model, config string, revision int64) ReleaseState {
		return ReleaseState{Model: of(model), From: "train." + model, Config: json.RawMessage(config), Revision: revision}
	}
	a, b, c := release("a", `{}`, 1), release("b", `{}`, 2), release("c", `{"x":1}`, 3)
	by := Given{By: "ann", User: "root", Host: "vm", At: time.Unix(0, 0).UTC()}
	once := c.RollBack(b, by)
	once.Revision = 4
	twice := once.RollBack(a, by)
	if once.Rollback.To != 2 || twice.Rollback.To != 1 || twice.Revision != 0 || twice.By != "root" || len(twice.Rollback.Held) != 2 || twice.Rollback.Held[1].Revision != 4 {
		t.Errorf("got %+v, then %+v", once.Rollback, twice.Rollback)
	}
	back := c.RollBack(once, by) // to what had come back before
	if back.Rollback.To != 2 {
		t.Errorf("got revision %d, want that of the first release", back.Rollback.To)
	}
	lifted := twice
	lifted.Rollback = &Rollback{Held: twice.Rollback.Held, Lifted: &by}
	settings := release("c", `{"x":2}`, 5)
	config := c.RollBack(settings, by)
	for name, x := range map[string]struct {
		live   *ReleaseState
		model  string
		config string
		held   bool
	}{
		"never rolled back":              {&a, "b", `{}`, false},
		"nothing live":                   {nil, "b", `{}`, false},
		"rolled back":                    {&once, "c", `{"x":1}`, true},
		"with other settings":            {&once, "c", `{"x":7}`, true},
		"live":                           {&once, "b", `{}`, false},
		"another":                        {&once, "d", `{}`, false},
		"the first of two":               {&twice, "c", `{}`, true},
		"the second of two":              {&twice, "b", `{}`, true},
		"lifted":                         {&lifted, "b", `{}`, false},
		"settings alone, those":          {&config, "c", `{ "x": 1 }`, true},
		"settings alone, those live now": {&config, "c", `{"x":2}`, false},
		"settings alone, others":         {&config, "c", `{"x":3}`, false},
		"settings alone, of another":     {&config, "d", `{"x":1}`, false},
	} {
		r := &Release{Model: Input{Digest: of(x.model)}, Config: json.RawMessage(x.config), Current: x.live}
		if got := r.Holds() != nil; got != x.held {
			t.Errorf("%s: held is %v", name, got)
		}
		if action := r.Decide(false); x.held && action != NoRelease {
			t.Errorf("%s: action is %s", name, action)
		}
	}
	unknown := &Release{Current: &once, Config: b.Config}
	if unknown.Holds() != nil || unknown.Decide(false) != MayRelease {
		t.Errorf("a model that is not known is held, or its release is decided: %s", unknown.Decide(false))
	}
}

func TestRollbackPolicy(t *testing.T) {
	g := &Gate{Rules: Rules{Known: json.RawMessage("{}")}, Rollback: &RollbackPolicy{From: []string{"b", "a"}, Rules: []string{"r"}}}
	p, err := g.Policy()
	if err != nil {
		t.Fatal(err)
	}
	if string(p["rollback.from"]) != `["a","b"]` || string(p["rollback.rules"]) != `["r"]` {
		t.Errorf("got %s", p)
	}
	if r, err := p.Rollback(); err != nil || len(r.From) != 2 || r.Rules[0] != "r" {
		t.Errorf("got %v, %v", r, err)
	}
	with, _ := g.Define()
	g.Rollback = nil
	without, _ := g.Define()
	if with == without {
		t.Error("a gate that asks something of rollbacks is defined as one that does not")
	}
	if r, err := (Policy{}).Rollback(); err != nil || len(r.From)+len(r.Rules) != 0 {
		t.Errorf("got %v, %v of a policy that asks nothing", r, err)
	}
	if _, err := (Policy{"rollback.from": json.RawMessage(`"a"`)}).Rollback(); err == nil {
		t.Error("a text is taken for a list")
	}
}
