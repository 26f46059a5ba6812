package cli

import (
	"path/filepath"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// TestForgedTargets edits the targets of a saved plan and signs it anew: what is in it is then not what would be planned for them.
func TestForgedTargets(t *testing.T) {
	dir := appliedFraud(t)
	reviews["train_params"].edit(t, dir)
	path := filepath.Join(dir, "plan.json")
	mustRun(t, dir, "plan", "--target", "train.model", "--target", "evaluate.holdout", "--out", path)
	for name, edit := range map[string]func(p *plan.Plan){
		"none":  func(p *plan.Plan) { p.Targets = nil },
		"fewer": func(p *plan.Plan) { p.Targets = []string{"train.model"} },
	} {
		t.Run(name, func(t *testing.T) {
			p, err := workspace.ReadPlan(path)
			if err != nil {
				t.Fatal(err)
			}
			edit(p)
			if err := p.Sign(); err != nil {
				t.Fatal(err)
			}
			forged := filepath.Join(t.TempDir(), "forged.json")
			if err := workspace.SavePlan(forged, p); err != nil {
				t.Fatal(err)
			}
			_, stderr, code := run(t, dir, "apply", forged, "--auto-approve", "--executor", "process")
			if code != exitStale {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
	}
	if _, stderr, code := run(t, dir, "apply", path, "--auto-approve", "--executor", "process"); code != exitOK {
		t.Errorf("as it was saved: exit code %d: %s", code, stderr)
	}
}
