package planner

import (
	"maps"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
)

// TestWhoIsToldOfAPart: of a part is told who is told of all, by the same secrets; what else is no part of it stays out.
func TestWhoIsToldOfAPart(t *testing.T) {
	m := &check.Module{Order: []string{"source.a", "source.b", "dataset.a", "secret.page", "secret.other", "notify.page"}, Blocks: map[string]*check.Block{}}
	for _, at := range m.Order {
		m.Blocks[at] = &check.Block{Block: &resolve.Block{Address: at, KindSpec: &schema.Kind{}}}
	}
	m.Blocks["dataset.a"].Needs = []string{"source.a"}
	m.Blocks["notify.page"].KindSpec = &schema.Kind{Tells: true}
	m.Blocks["notify.page"].Refs = []resolve.Reference{{Path: "key", Target: "secret.page"}}
	got := slices.Sorted(maps.Keys(partOf(m, []string{"dataset.a"}).Blocks))
	if want := []string{"dataset.a", "notify.page", "secret.page", "source.a"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
