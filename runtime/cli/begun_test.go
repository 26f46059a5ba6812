package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBegunOverData: every file of real data goes from 'mlp init --from' to an apply whose gate decides, without a line by hand; and what is
// guessed of each is what a person would take.
func TestBegunOverData(t *testing.T) {
	t.Parallel()
	data, err := filepath.Abs("../../../shared/data")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(data); err != nil {
		t.Skip("needs ../shared/data, which is not here")
	}
	tests := map[string]string{
		"adult": "It predicts Salary, taken as the last column: binary classification", "compas": "It predicts label_value, ",
		"credit_data": "It predicts target, taken by its name: binary classification", "diamonds": "It predicts target, taken by its name: regression",
		"elec": "It predicts class, taken by its name: binary classification", "hmda": "It predicts target, taken by its name: binary classification",
		"wa_churn": "It predicts target, taken by its name: binary classification", "wine": "It predicts target, taken by its name: multiclass classification",
	}
	for name, want := range tests {
		dir := t.TempDir()
		if out := mustRun(t, dir, "init", "--from", filepath.Join(data, name+".csv")); !strings.Contains(out, want) {
			t.Errorf("%s: got %q, want %q in it", name, out, want)
		}
		if out, stderr, code := run(t, dir, "fmt", "--check"); code != exitOK {
			t.Errorf("%s: not laid out: %s%s", name, out, stderr)
		}
		out, stderr, code := run(t, dir, "apply", "--auto-approve", "--executor", "process")
		if code != exitOK && code != exitGate || !strings.Contains(out, "gate.release") || strings.Contains(out, "in error") {
			t.Errorf("%s: exit code %d\n%s%s", name, code, out, stderr)
		}
	}
}
