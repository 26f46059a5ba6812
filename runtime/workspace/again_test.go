package workspace

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
)

// again makes a plan once more, as an apply of its file would.
func (e *editing) again(p *plan.Plan) error {
	w := e.workspace(p.Workspace)
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

// TestWarningsAreNotTakenOut: a plan without a warning that follows from what it says of blocks is refused.
func TestWarningsAreNotTakenOut(t *testing.T) {
	e := editingOf(t, "../../examples/fraud")
	const more = `
gate "loose" {
  rule "all" { assert = "true" }
  rule "some" { assert = "champion.exists || !champion.exists" }
}

problem "more" {
  statement = "S"
  requirement "R7" { text = "Nobody looks." }
  requirement "R8" {
    text        = "A check looks, and nothing waits for it."
    verified_by = [check.more]
  }
  requirement "R9" {
    text        = "Held."
    verified_by = [gate.loose]
  }
}

check "more" {
  on = source.payments
  rule "some" { assert = "table.rows > 1" }
}
`
	if err := os.WriteFile(filepath.Join(e.dir, "loose.mlp"), []byte(more), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := e.plan(); err != nil {
		t.Fatal(err)
	}
	e.apply()
	w := e.workspace("default")
	opened, err := w.OpenToPlan(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	made, err := opened.Plan(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.again(made); err != nil {
		t.Errorf("as it was made: %v", err)
	}
	told := 0
	for i, d := range made.Diagnostics {
		if d.Code != source.CodeRuleAlways && d.Code != source.CodeUnverified {
			continue
		}
		told++
		p := *made
		p.Diagnostics = slices.Delete(slices.Clone(made.Diagnostics), i, i+1)
		if err := p.Sign(); err != nil {
			t.Fatal(err)
		}
		var refused *Failure
		if err := e.again(&p); !errors.As(err, &refused) {
			t.Errorf("without %q: got %v", d.Summary, err)
		}
	}
	if told != 4 {
		t.Errorf("%d warnings were tried, want 4", told)
	}
}

// TestForgedPlansAreNotShown: neither is a comparison of one.
func TestForgedPlansAreNotShown(t *testing.T) {
	e := editingOf(t, "../../examples/churn")
	p, err := e.plan()
	if err != nil {
		t.Fatal(err)
	}
	w := e.workspace("default")
	path := filepath.Join(e.dir, "p.json")
	save := func() {
		t.Helper()
		if err := p.Sign(); err != nil {
			t.Fatal(err)
		}
		data, err := plan.Canonical(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e.apply() // so that there is a store
	save()
	if _, unchecked, err := w.SavedPlan(t.Context(), path, nil); unchecked != "" || err != nil {
		t.Errorf("as it was made: got %q, %v", unchecked, err)
	}
	if _, err := w.Diff(t.Context(), []string{path, path}, nil); err != nil {
		t.Errorf("as it was made, compared: got %v", err)
	}
	p.Changes = []plan.Change{}
	save()
	var refused *Failure
	if _, _, err := w.SavedPlan(t.Context(), path, nil); !errors.As(err, &refused) {
		t.Errorf("without changes: got %v", err)
	}
	if _, err := w.Diff(t.Context(), []string{path, path}, nil); !errors.As(err, &refused) {
		t.Errorf("without changes, compared: got %v", err)
	}
}

// TestWithheldNamesAreNoForgery: a warning without the names of columns of a file outside is the one that it would be.
func TestWithheldNamesAreNoForgery(t *testing.T) {
	dir := t.TempDir()
	e := &editing{t: t, dir: filepath.Join(dir, "p")}
	if err := os.Mkdir(e.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	e.write("../out.csv", "id,x,verifies\na,1,2\n")
	e.write("p.mlp", "pipeline \"p\" {}\nsource \"csv\" \"t\" { path = \"../out.csv\" }\nproblem \"p\" {\n  statement = \"S\"\n  requirement \"R1\" { text = \"T\" }\n}\n")
	w := e.workspace("default")
	opened, err := w.OpenToPlan(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	p, err := opened.Plan(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(p.Diagnostics, func(d plan.Diagnostic) bool { return d.Summary == "nothing … requirement R1" }) {
		t.Fatalf("got %+v", p.Diagnostics)
	}
	e.apply() // so that there is a store
	if err := e.again(p); err != nil {
		t.Error(err)
	}
}
