package plan

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
)

func TestRenamed(t *testing.T) {
	before := &State{
		Nodes: map[string]NodeState{
			"train.a": {}, "train.ab": {}, "evaluate.x": {Wiring: map[string]string{"model": "train.a:model", "data": `split.s["k"]:test`}}, "evaluate.x@champion": {},
			"train.both": {}, "train.here": {},
		},
		Gates:     map[string]GateState{"gate.g": {}},
		Releases:  map[string]ReleaseState{"deploy.d": {From: "train.a", Gate: "gate.g", Revision: 3, Figures: map[string]json.RawMessage{"evaluate.x": nil}}},
		Approvals: map[string]ApprovalState{"gate.g/risk": {Gate: "gate.g"}},
	}
	after := before.Renamed([]Move{
		{From: "train.a", To: "train.b", Pending: true}, {From: "evaluate.x", To: "evaluate.y", Pending: true}, {From: "gate.g", To: "gate.h", Pending: true},
		{From: "deploy.d", To: "deploy.e", Pending: true}, {From: "train.both", To: "train.here", Pending: true}, {From: "train.ab", To: "train.c"},
	})
	want := []string{"evaluate.y", "evaluate.y@champion", "train.ab", "train.b", "train.both", "train.here"}
	if got := slices.Sorted(maps.Keys(after.Nodes)); !slices.Equal(got, want) {
		t.Errorf("nodes: got %q, want %q", got, want)
	}
	if got := after.Nodes["evaluate.y"].Wiring; got["model"] != "train.b:model" || got["data"] != `split.s["k"]:test` {
		t.Errorf("wiring: got %q", got)
	}
	r := after.Releases["deploy.e"]
	if _, ok := r.Figures["evaluate.y"]; !ok || r.From != "train.b" || r.Gate != "gate.h" || r.Revision != 3 {
		t.Errorf("release: got %+v", r)
	}
	if after.Approvals["gate.h/risk"].Gate != "gate.h" {
		t.Errorf("approvals: got %+v", after.Approvals)
	}
	if before.Nodes["evaluate.x"].Wiring["model"] != "train.a:model" || len(before.Releases["deploy.d"].Figures) != 1 {
		t.Error("the state itself was changed")
	}
	if after.Renamed([]Move{{From: "train.a", To: "train.b", Pending: true}}) != after {
		t.Error("a move that is made is made again")
	}
}

func TestSameInputs(t *testing.T) {
	before := map[string]Digest{"a": "1", "b": "2"}
	for _, c := range []struct {
		name string
		now  map[string]Digest
		want bool
	}{
		{"the same", map[string]Digest{"a": "1", "b": "2"}, true},
		{"one is gone", map[string]Digest{"a": "1"}, true},
		{"one has another name", map[string]Digest{"a": "1", "c": "2"}, true},
		{"other content", map[string]Digest{"a": "1", "b": "3"}, false},
		{"content of another port", map[string]Digest{"a": "2", "b": "2"}, false},
		{"a new one", map[string]Digest{"a": "1", "b": "2", "c": "3"}, false},
	} {
		if got := SameInputs(before, c.now); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}
