package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// chain is a pipeline whose datasets each read the one before.
func chain(stages int, where string) string {
	var b strings.Builder
	b.WriteString("pipeline \"chain\" {}\nsource \"raw\" {\n  path  = \"raw.csv\"\n  names = [\"id:bigint\"]\n}\n")
	from := "source.raw"
	for i := range stages {
		fmt.Fprintf(&b, "dataset \"d%04d\" {\n  from  = %s\n  where = %q\n}\n", i, from, where)
		from = fmt.Sprintf("dataset.d%04d", i)
	}
	return b.String()
}

// Where every stage of a chain is changed, each lists those behind it; of a long chain each stands under its own change, and
// under the first that reaches it.
func TestChangesBehindEachOther(t *testing.T) {
	for _, stages := range []int{20, 1_000} {
		w := newWorld(t)
		w.data["raw.csv"] = "1"
		w.apply(w.plan(chain(stages, "id > 0")))
		p := w.plan(chain(stages, "id > 1"))
		if len(p.Changes) != stages {
			t.Fatalf("got %d changes, want %d", len(p.Changes), stages)
		}
		listed, seen := 0, map[string]bool{}
		for i, c := range p.Changes {
			all := append(slices.Clone(c.Runs), c.MayRun...)
			slices.Sort(all)
			switch {
			case !slices.Contains(all, c.Address):
				t.Errorf("%s does not list its own stage", c.Address)
			case len(slices.Compact(slices.Clone(all))) != len(all):
				t.Errorf("%s lists a stage twice", c.Address)
			case i == 0 && len(all) != stages:
				t.Errorf("the first lists %d of %d stages", len(all), stages)
			case stages == 20 && len(all) != stages-i:
				t.Errorf("%s lists %d stages, want %d", c.Address, len(all), stages-i)
			}
			listed += len(all)
			for _, a := range all {
				seen[a] = true
				if n := p.Node(a); n.Verdict != plan.Run && n.Verdict != plan.MayRun {
					t.Errorf("%s is listed, and is %s", a, n.Verdict)
				}
			}
		}
		if len(seen) != stages || listed > listedPerStage*(stages+1)+listedAnyway {
			t.Errorf("%d stages: %d are listed, %d times in all", stages, len(seen), listed)
		}
	}
}
