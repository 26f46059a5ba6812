package diff

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/source"
)

// node makes a stage whose definition is its configuration's.
func node(address, kind, config string, from ...string) *plan.Node {
	n := &plan.Node{Address: address, Kind: kind, Config: json.RawMessage(config), Verdict: plan.Cached,
		Definition: digest.Of([]byte(kind + config))}
	for i, f := range from {
		n.Inputs = append(n.Inputs, plan.Input{Port: fmt.Sprint("in", i), From: f, FromPort: "table"})
	}
	return n
}

func gate(address string, verdict plan.RuleVerdict, rules ...plan.Rule) *plan.Gate {
	return &plan.Gate{Address: address, Verdict: verdict, Definition: digest.Of([]byte(address)), Rules: plan.Rules{Rules: rules}}
}

func TestCompareNothing(t *testing.T) {
	a := &plan.Plan{Nodes: []*plan.Node{node("dataset.a", "dataset", `{"sql":"select 1","n":1.0}`)}, Gates: []*plan.Gate{gate("gate.g", plan.Pass)}}
	b := &plan.Plan{Nodes: []*plan.Node{node("dataset.a", "dataset", `{"n":1.0, "sql":"select 1"}`)}, Gates: []*plan.Gate{gate("gate.g", plan.Pass)}}
	b.Nodes[0].Range = source.Range{File: "other.mlp"}
	if d := Compare(a, b, nil); !d.Empty() {
		t.Errorf("got %+v", d)
	}
}

func TestFields(t *testing.T) {
	for _, c := range []struct{ name, before, after, want string }{
		{"value", `{"trees":300}`, `{"trees":400}`, `trees 300 → 400`},
		{"nested", `{"params":{"a":1}}`, `{"params":{"a":1,"b":2}}`, `params.b  → 2`},
		{"named elements", `{"column":[{"name":"x","e":1}]}`, `{"column":[{"name":"w","e":0},{"name":"x","e":1}]}`, `column[w].e  → 0`},
		{"plain list", `{"f":["a"]}`, `{"f":["a","b"]}`, `f ["a"] → ["a","b"]`},
		{"emptied", `{"p":{"a":1}}`, `{"p":{}}`, `p  → {}; p.a 1 → `},
		{"names twice", `{"c":[{"name":"x"},{"name":"x"}]}`, `{"c":[]}`, `c [{"name":"x"},{"name":"x"}] → []`},
		{"spelling", `{"a": 1 ,"b":[ 2 ]}`, `{"b":[2],"a":1}`, ``},
		{"large numbers", `{"a":9007199254740993}`, `{"a":9007199254740992}`, `a 9007199254740993 → 9007199254740992`},
		{"no JSON", `{`, `{}`, ` { → `},
	} {
		got := ""
		for i, f := range Fields(json.RawMessage(c.before), json.RawMessage(c.after)) {
			if i > 0 {
				got += "; "
			}
			got += fmt.Sprintf("%s %s → %s", f.Path, f.Before, f.After)
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// A renamed block is one move, and what rests on it has not changed; a changed one that is renamed is another block.
func TestMoved(t *testing.T) {
	a := &plan.Plan{Nodes: []*plan.Node{
		node("dataset.a", "dataset", `{"sql":"1"}`), node("train.b", "train", `{"n":1}`, "dataset.a"), node("train.c", "train", `{"n":2}`, "dataset.a")}}
	b := &plan.Plan{Nodes: []*plan.Node{
		node("dataset.x", "dataset", `{"sql":"1"}`), node("train.y", "train", `{"n":1}`, "dataset.x"), node("train.z", "train", `{"n":3}`, "dataset.x")}}
	d := Compare(a, b, nil)
	if diff := cmp.Diff([]Move{{"dataset.a", "dataset.x"}, {"train.b", "train.y"}}, d.Moved); diff != "" {
		t.Error(diff)
	}
	if len(d.Added) != 1 || d.Added[0].Address != "train.z" || len(d.Removed) != 1 || d.Removed[0].Address != "train.c" || len(d.Changed) != 0 {
		t.Errorf("got %+v", d)
	}
}

// What differs only because of what flows in is counted to the cause; a known fingerprint that is the same stops it.
func TestReach(t *testing.T) {
	chain := func(sql string) *plan.Plan {
		p := &plan.Plan{Nodes: []*plan.Node{node("dataset.a", "dataset", sql), node("dataset.b", "dataset", `{}`, "dataset.a"),
			node("train.c", "train", `{}`, "dataset.b"), node("train.cut", "train", `{}`, "dataset.a"), node("train.d", "train", `{}`)},
			Gates: []*plan.Gate{gate("gate.g", plan.Open)}, Releases: []*plan.Release{{Address: "deploy.r", Model: plan.Input{From: "train.c"}}}}
		p.Gates[0].Rules.Figures = []plan.FigureSource{{Node: "train.c"}}
		p.Nodes[3].Fingerprint = "known"
		return p
	}
	d := Compare(chain(`{"sql":"1"}`), chain(`{"sql":"2"}`), nil)
	if len(d.Changed) != 1 {
		t.Fatalf("got %+v", d.Changed)
	}
	if diff := cmp.Diff([]string{"dataset.b", "deploy.r", "gate.g", "train.c"}, d.Changed[0].Reaches); diff != "" {
		t.Error(diff)
	}
}

func TestGatesAndReleases(t *testing.T) {
	a := &plan.Plan{Gates: []*plan.Gate{gate("gate.g", plan.Pass, plan.Rule{Name: "r", Assert: "a  >  1", Verdict: plan.Pass}, plan.Rule{Name: "old", Assert: "b"})},
		Releases: []*plan.Release{{Address: "deploy.d", Type: "http", Action: plan.NoRelease, Model: plan.Input{From: "train.a"}}}}
	b := &plan.Plan{Gates: []*plan.Gate{gate("gate.g", plan.Fail, plan.Rule{Name: "r", Assert: "a > 1", Verdict: plan.Fail}, plan.Rule{Name: "new", Assert: "c", Severity: "warn"})},
		Releases: []*plan.Release{{Address: "deploy.d", Type: "http", Action: plan.ChangeRelease, Model: plan.Input{From: "train.b"}}}}
	d := Compare(a, b, nil)
	want := []Gate{{Address: "gate.g", Before: plan.Pass, After: plan.Fail, Verdicts: []Verdict{{"r", plan.Pass, plan.Fail}}, Fields: []Field{
		{Path: "rule[new]", After: json.RawMessage(`"c"`), Category: plan.PolicyChange},
		{Path: "rule[new].severity", After: json.RawMessage(`"warn"`), Category: plan.PolicyChange},
		{Path: "rule[old]", Before: json.RawMessage(`"b"`), Category: plan.PolicyChange, Weaker: "the rule is gone"}}}}
	if diff := cmp.Diff(want, d.Gates); diff != "" {
		t.Error(diff)
	}
	if len(d.Releases) != 1 || d.Releases[0].Fields[0].Path != "model" {
		t.Errorf("got %+v", d.Releases)
	}
}

func TestRunsApartFromWhatRunsAnyway(t *testing.T) {
	side := func(a, b, c plan.Verdict) *plan.Plan {
		p := &plan.Plan{Nodes: []*plan.Node{node("dataset.a", "dataset", `{}`), node("dataset.b", "dataset", `{}`), node("dataset.c", "dataset", `{}`)}}
		p.Nodes[0].Verdict, p.Nodes[1].Verdict, p.Nodes[2].Verdict = a, b, c
		return p
	}
	got := Compare(side(plan.Run, plan.Cached, plan.MayRun), side(plan.MayRun, plan.Run, plan.Cached), nil).Runs
	want := Runs{After: []string{"dataset.b"}, Before: []string{"dataset.c"}, Both: []string{"dataset.a"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Ten thousand stages, all changed or all renamed, in seconds.
func TestLarge(t *testing.T) {
	chain := func(prefix, config string) *plan.Plan {
		p := &plan.Plan{}
		for i := range 10_000 {
			n := node(fmt.Sprintf("dataset.%s%05d", prefix, i), "dataset", fmt.Sprintf(config, i))
			if i > 0 {
				n.Inputs = []plan.Input{{Port: "p", From: fmt.Sprintf("dataset.%s%05d", prefix, i-1)}}
			}
			p.Nodes = append(p.Nodes, n)
		}
		return p
	}
	if d := Compare(chain("a", `{"n":%d}`), chain("a", `{"n":1%d}`), nil); len(d.Changed) != 10_000 || !d.Changed[9_000].Unfollowed {
		t.Errorf("got %d changed", len(d.Changed))
	}
	if d := Compare(chain("a", `{"n":%d}`), chain("b", `{"n":%d}`), nil); len(d.Moved) != 10_000 {
		t.Errorf("got %d moved", len(d.Moved))
	}
}

// An image is told by what its name means, and another name of the same image changes nothing.
func TestImages(t *testing.T) {
	one, two := plan.ImageVersion("sha256:1", "linux/amd64"), plan.ImageVersion("sha256:2", "linux/amd64")
	made := func(name, version string) *plan.Plan {
		n := node("train.m", "train", `{"image":"`+name+`"}`)
		n.Container, n.Inputs = &plan.Container{}, []plan.Input{plan.Outside(plan.ImagePort, name, version)}
		return &plan.Plan{Nodes: []*plan.Node{n}}
	}
	for name, tt := range map[string]struct {
		after *plan.Plan
		want  []string
	}{
		"the same":         {made("i:1", one), nil},
		"another":          {made("i:1", two), []string{`rebuild image i:1 "` + one + `" → "` + two + `"`}},
		"not known yet":    {made("i:1", ""), []string{`rebuild image i:1 "` + one + `" → "not known yet"`}},
		"another name":     {made("i:2", one), []string{`metadata image "i:1" → "i:2"`}},
		"another by name":  {made("i:2", two), []string{`rebuild image "i:1" → "i:2"`}},
		"unknown, by name": {made("i:2", ""), []string{`rebuild image "i:1" → "i:2"`}},
	} {
		var got []string
		for _, c := range Compare(made("i:1", one), tt.after, nil).Changed {
			for _, f := range c.Fields {
				got = append(got, fmt.Sprintf("%s %s %s → %s", f.Category, f.Path, f.Before, f.After))
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
