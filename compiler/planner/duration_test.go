package planner

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
)

// A run of more trees over more data is counted longer than the recorded one, and the plan says by what.
func TestDurations(t *testing.T) {
	files := func(size int64) *plan.External {
		return &plan.External{Files: []plan.ExternalFile{{Name: "a.csv", Size: size}}}
	}
	spec := &schema.Type{Body: schema.Body{Blocks: []schema.Block{{Name: "params", Body: schema.Body{Attrs: []schema.Attr{
		{Name: "trees", Default: 100.0, Scales: true}, {Name: "depth", Default: 6.0}}}}}}}
	for name, c := range map[string]struct {
		was, is string // configuration of train.model
		size    int64  // of the files, of 1000 bytes before
		want    map[string]int64
		why     map[string]string
	}{
		"as recorded":        {`{"params":{"trees":100}}`, `{"params":{"trees":100}}`, 1000, map[string]int64{"source.s": 2000, "train.model": 3000}, map[string]string{}},
		"more trees":         {`{"params":{"trees":100}}`, `{"params":{"trees":5000}}`, 1000, map[string]int64{"source.s": 2000, "train.model": 150_000}, map[string]string{"train.model": "trees 100 → 5000"}},
		"the default before": {`{"params":{}}`, `{"params":{"trees":50}}`, 1000, map[string]int64{"source.s": 2000, "train.model": 1500}, map[string]string{"train.model": "trees 100 → 50"}},
		"another depth":      {`{"params":{"depth":6}}`, `{"params":{"depth":12}}`, 1000, map[string]int64{"source.s": 2000, "train.model": 3000}, map[string]string{}},
		"more rows": {`{"params":{"trees":100}}`, `{"params":{"trees":200}}`, 4000, map[string]int64{"source.s": 8000, "train.model": 24_000},
			map[string]string{"source.s": "4 × the data", "train.model": "trees 100 → 200, 4 × the data"}},
		"no trees": {`{"params":{"trees":0}}`, `{"params":{"trees":200}}`, 1000, map[string]int64{"source.s": 2000, "train.model": 3000}, map[string]string{}},
	} {
		m := &check.Module{Module: &resolve.Module{}, Blocks: map[string]*check.Block{"train.model": {Block: &resolve.Block{TypeSpec: spec}}}}
		recorded := &plan.State{Nodes: map[string]plan.NodeState{
			"source.s":    {Fingerprint: "s", External: map[string]*plan.External{"files": files(1000)}},
			"train.model": {Fingerprint: "m", Config: json.RawMessage(c.was)},
		}}
		p := &plan.Plan{Nodes: []*plan.Node{
			{Address: "source.s", Verdict: plan.Run, Inputs: []plan.Input{{Port: "files", External: files(c.size)}}},
			{Address: "train.model", Verdict: plan.Run, Config: json.RawMessage(c.is), Inputs: []plan.Input{{Port: "data", From: "source.s"}}},
			{Address: "train.other", Verdict: plan.Run},
		}}
		got, why := Durations(m, recorded, p, func(d plan.Digest) (int64, bool) {
			return map[plan.Digest]int64{"s": 2000, "m": 3000}[d], true
		})
		if d := cmp.Diff(c.want, got) + cmp.Diff(c.why, why); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}
