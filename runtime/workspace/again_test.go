package workspace

import (
	"context"
	"errors"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// again makes a plan once more, as an apply of its file would.
func (e *editing) again(p *plan.Plan) error {
	w := &Workspace{Dir: e.dir, Name: p.Workspace}
	why, err := w.CheckPlan(context.Background(), p)
	if why != "" {
		err = errors.New(why)
	}
	return err
}

func TestHonestPlansAreTaken(t *testing.T) {
	for _, name := range []string{"brownfield", "python", "fraud", "churn"} {
		t.Run(name, func(t *testing.T) {
			e := editingOf(t, "../../examples/"+name)
			for range 3 {
				p, err := e.plan()
				if err != nil {
					t.Fatal(err)
				}
				data, err := plan.Canonical(p)
				if err != nil {
					t.Fatal(err)
				}
				if p, err = plan.Read(data); err != nil {
					t.Fatal(err)
				}
				if err := e.again(p); err != nil {
					t.Error(err)
				}
				e.apply()
			}
		})
	}
}
