package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/table"
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

// TestBegunTuned: with --tune the same files go to a model that was chosen among 30 trials, is explained and passes its gate, without a line by hand. Those of fewer rows are tried.
func TestBegunTuned(t *testing.T) {
	t.Parallel()
	data, err := filepath.Abs("../../../shared/data")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(data); err != nil {
		t.Skip("needs ../shared/data, which is not here")
	}
	for _, name := range []string{"wine", "compas", "hmda"} {
		dir := t.TempDir()
		mustRun(t, dir, "init", "--from", filepath.Join(data, name+".csv"), "--tune")
		out, stderr, code := run(t, dir, "apply", "--auto-approve", "--executor", "process")
		if code != exitOK || !strings.Contains(out, "gate.release  passed") || !strings.Contains(out, "30 of 30 trials done") || strings.Contains(out, "@trial") {
			t.Errorf("%s: exit code %d\n%s%s", name, code, out, stderr)
		}
		if told := mustRun(t, dir, "report", "evaluate.model", "train.model"); !strings.Contains(told, "What the scores come from") || !strings.Contains(told, "Tuning") {
			t.Errorf("%s: the report is without explanation or trials:\n%s", name, told)
		}
		if out := mustRun(t, dir, "runs", "train.model@*", "--sort", "value"); !strings.HasPrefix(out, "30 runs") {
			t.Errorf("%s: got %s", name, out)
		}
	}
}

// TestBegunIsShorter: what is written over each file has fewer lines than the script testdata/peers/adult.py, which does the same by hand over one of them,
// and over that one at most two thirds of those. Blank lines and comments are not counted. Where the packages of Debian are, the script runs on some of the
// rows, and has what an apply has.
func TestBegunIsShorter(t *testing.T) {
	t.Parallel()
	data, err := filepath.Abs("../../../shared/data")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(data); err != nil {
		t.Skip("needs ../shared/data, which is not here")
	}
	script, err := filepath.Abs("testdata/peers/adult.py")
	if err != nil {
		t.Fatal(err)
	}
	lines := func(path string) (n int) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split(string(text), `"""`) {
			for line := range strings.Lines(part) {
				if line = strings.TrimSpace(line); i != 1 && line != "" && !strings.HasPrefix(line, "#") { // the second part of the script is what it says of itself
					n++
				}
			}
		}
		return n
	}
	hand := lines(script)
	for _, name := range []string{"adult", "compas", "credit_data", "diamonds", "elec", "hmda", "wa_churn", "wine"} {
		dir := t.TempDir()
		mustRun(t, dir, "init", "--from", filepath.Join(data, name+".csv"), "--tune")
		got := lines(filepath.Join(dir, "pipeline.mlp"))
		t.Logf("%s: %d lines, by hand %d", name, got, hand)
		if most := map[bool]int{true: hand * 2 / 3, false: hand - 1}[name == "adult"]; got > most {
			t.Errorf("%s: %d lines, want at most %d; by hand there are %d", name, got, most, hand)
		}
	}
	python := "/usr/bin/python3"
	if exec.Command(python, "-c", "import sklearn, optuna, pandas, matplotlib").Run() != nil {
		t.Log("the script does not run: python3 with scikit-learn, Optuna, pandas and matplotlib is not here")
		return
	}
	text, err := os.ReadFile(filepath.Join(data, "adult.csv"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	some := strings.Join(strings.SplitAfter(string(text), "\n")[:3001], "")
	if err := os.WriteFile(filepath.Join(dir, "adult.csv"), []byte(some), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, script, filepath.Join(dir, "adult.csv"), dir, "2")
	cmd.Env = append(os.Environ(), "OMP_WAIT_POLICY=passive", "OMP_NUM_THREADS=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var record struct {
		Figures struct {
			AUC                  struct{ Low, Value, High float64 }
			Fairness, Importance map[string]any
			Trials               []any
		}
		Gate map[string]bool
	}
	told, err := os.ReadFile(filepath.Join(dir, "record.json"))
	if err == nil {
		err = json.Unmarshal(told, &record)
	}
	f := record.Figures
	if err != nil || !(0.7 < f.AUC.Low && f.AUC.Low < f.AUC.Value && f.AUC.Value < f.AUC.High) || len(f.Fairness) != 3 || len(f.Importance) != 10 || len(f.Trials) != 2 || len(record.Gate) != 2 {
		t.Errorf("%v: %s", err, told)
	}
	for _, file := range []string{"report.html", "model.joblib"} {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Error(err)
		}
	}
}

// TestBegunOverText: of columns of text categories of few values and of many go to trees, free text to a line that reads it, and names of rows to neither, with the reason; what is written runs to a gate
// that passes by what the text says. Where there is nothing but text, the line is the model.
func TestBegunOverText(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tables := map[string]string{
		"tickets": `select 'T' || i as ref, ['mail', 'phone'][1 + (hash(i) % 2)::int] as channel, 'shop ' || (hash(i + 1) % 300) as shop,
			'The ' || ['parcel', 'letter', 'box'][1 + (hash(i + 2) % 3)::int] || [' is late', ' was lost', ' came, many thanks', ' fits well'][1 + i % 4] || ', no ' || (hash(i + 3) % 9999) as message,
			(i % 4 < 2) <> (hash(i + 4) % 10 = 0) as angry from range(700) t(i)`,
		"words": `select ['red box ', 'blue box ', 'green box '][1 + i % 3] || 'no ' || i as note, [1.0, 5.0, 9.0][1 + i % 3] + (hash(i) % 100) / 100.0 as y from range(200) t(i)`,
	}
	for name, sql := range tables {
		if _, err := table.Run(t.Context(), table.Query{SQL: sql, Out: filepath.Join(dir, name+".parquet")}); err != nil {
			t.Fatal(err)
		}
		own := filepath.Join(dir, name)
		if err := os.Mkdir(own, 0o755); err != nil {
			t.Fatal(err)
		}
		mustRun(t, own, "init", "--from", filepath.Join(dir, name+".parquet"))
		if out, stderr, code := run(t, own, "fmt", "--check"); code != exitOK {
			t.Errorf("%s: not laid out: %s%s", name, out, stderr)
		}
		out, stderr, code := run(t, own, "apply", "--auto-approve", "--executor", "process")
		if code != exitOK || !strings.Contains(out, "gate.release  passed") {
			t.Errorf("%s: exit code %d\n%s%s", name, code, out, stderr)
		}
		text, err := os.ReadFile(filepath.Join(own, "pipeline.mlp"))
		if err != nil {
			t.Fatal(err)
		}
		wants := []string{`features   = ["channel", "shop"]`, `features   = ["channel", "message"]`, "Without shop: a linear model keeps 255", "No feature: ref is text of 700 values in 700 rows", `"stacking"`}
		if name == "words" {
			wants = []string{`train "linear_regression" "model"`, `features   = ["note"]`}
		}
		for _, want := range wants {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: no %s in\n%s", name, want, text)
			}
		}
		if boosted := strings.Contains(string(text), "gradient_boosting"); boosted != (name == "tickets") {
			t.Errorf("%s: trees %v", name, boosted)
		}
	}
}
