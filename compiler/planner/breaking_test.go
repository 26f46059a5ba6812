package planner

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// TestCallersBreak: callers of a model that is live must change what they send where the next one asks for more, for the same otherwise, or
// lacks what they send.
func TestCallersBreak(t *testing.T) {
	amount, country := schema.Column{Name: "amount", Type: "double"}, schema.Column{Name: "country", Type: "varchar"}
	model := func(features ...schema.Column) *schema.Model {
		return &schema.Model{Target: "fraud", Task: schema.Binary, Features: features}
	}
	whole := schema.Column{Name: "amount", Type: "bigint"}
	for _, tt := range []struct {
		name     string
		was, now *schema.Model
		config   string
		node     string
		action   plan.ReleaseAction
		want     []string
	}{
		{name: "the same in another order", was: model(amount, country), now: model(country, amount)},
		{name: "one more", was: model(amount), now: model(amount, country), want: []string{`feature country →"varchar"`}},
		{name: "another type", was: model(amount), now: model(whole), want: []string{`feature amount "double"→"bigint"`}},
		{name: "one that is gone", was: model(amount, country), now: model(amount), want: []string{`feature country "varchar"→`}},
		{name: "one that is gone and is the key", was: model(amount, country), now: model(amount), config: `{"key":["country"]}`},
		{name: "a key of another name", was: model(amount, country), now: model(amount), config: `{"key":["id"]}`, want: []string{`feature country "varchar"→`}},
		{name: "one that is held", was: model(amount, country), now: model(amount), action: plan.NoRelease},
		{name: "a batch, which nobody calls", was: model(amount, country), now: model(amount), node: "deploy.d"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &plan.Release{Address: "deploy.d", Node: tt.node, Action: cmp.Or(tt.action, plan.ChangeRelease), Config: json.RawMessage(tt.config),
				Current: &plan.ReleaseState{Signature: tt.was}, Model: plan.Input{Shape: &schema.Shape{Type: schema.ModelPort, Model: tt.now}}}
			var got []string
			for _, c := range signatureCauses(r) {
				got = append(got, fmt.Sprintf("%s %s→%s", c.Path, c.Before, c.After))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
