package review

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/schema"
)

// TestTreats: a release of a model that decides by group says so, unless it goes away.
func TestTreats(t *testing.T) {
	m := schema.Model{Task: schema.Binary, Decides: &schema.Decides{By: []string{"sex", "race"}, Equalize: "selection_rate"}, CalibratedBy: []string{"sex"}}
	r := &plan.Release{Address: "deploy.scorer", Action: plan.CreateRelease, Model: plan.Input{From: "train.model", Shape: &schema.Shape{Type: schema.ModelPort, Model: &m}}}
	want := []string{"decides by group: sex, race, with selection_rate alike", "probabilities by group: sex"}
	if got := release(nil, r).Notes; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for name, write := range map[string]func(*bytes.Buffer, *plan.Plan) error{
		"text":     func(w *bytes.Buffer, p *plan.Plan) error { return Text(w, p, render.Options{}) },
		"markdown": func(w *bytes.Buffer, p *plan.Plan) error { return Markdown(w, p, render.Options{}) },
		"html":     func(w *bytes.Buffer, p *plan.Plan) error { return HTML(w, p, render.Options{}) },
	} {
		var b bytes.Buffer
		if err := write(&b, &plan.Plan{Pipeline: "p", Releases: []*plan.Release{r}}); err != nil || !strings.Contains(b.String(), "decides by group: sex, race") {
			t.Errorf("%s: %v\n%s", name, err, b.String())
		}
	}
	r.Action = plan.RemoveRelease
	if got := release(nil, r).Notes; got != nil {
		t.Errorf("of one that goes: %q", got)
	}
}

// TestLiveModel: what is live is told with its revision; of a release that only the plan beneath would make there is none, and no digest of a model.
func TestLiveModel(t *testing.T) {
	live := plan.ReleaseState{From: "train.model", Model: "blake3:6dfc7d0000000000000000000000000000000000000000000000000000000000", Revision: 8}
	if got, want := liveModel(&plan.Release{Current: &live}), "train.model 6dfc7d (live since revision 8)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	live.Revision = 0
	if got := liveModel(&plan.Release{Current: &live}); strings.Contains(got, "revision") || strings.Contains(got, "6dfc7d") {
		t.Errorf("got %q, want no revision and no digest", got)
	}
	if got, want := liveModel(&plan.Release{}), "nothing live"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
