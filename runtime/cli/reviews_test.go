package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
)

// reviewed is one edit of examples/fraud as people make them, and what kind of block it is about.
type reviewed struct {
	kind string
	args []string                       // further arguments of plan
	edit func(t *testing.T, dir string) // of the folder
}

// module edits fraud.mlp by pairs of texts.
func moduleEdit(oldNew ...string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		edit(t, filepath.Join(dir, "fraud.mlp"), oldNew...)
	}
}

// dropped takes a whole block out of fraud.mlp, and whatever else has to be replaced then.
func dropped(header string, oldNew ...string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		path := filepath.Join(dir, "fraud.mlp")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		block := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(header) + ` \{\n(?:[ \t].*\n|\n)*\}\n`)
		if !block.Match(text) {
			t.Fatalf("%s has no block %s", path, header)
		}
		if err := os.WriteFile(path, block.ReplaceAll(text, nil), 0o644); err != nil {
			t.Fatal(err)
		}
		edit(t, path, oldNew...)
	}
}

var reviews = map[string]reviewed{
	"comment":                {"", nil, moduleEdit("# Of the label, because", "# Of the label,  because", "trees         = 300", "trees = 300 # as ever")},
	"pipeline_owner":         {"pipeline", nil, moduleEdit(`"risk-team"`, `"fraud-team"`)},
	"problem_text":           {"problem", nil, moduleEdit("blocking at most 1 %", "blocking at most 1.2 %")},
	"variable_default":       {"variable", nil, moduleEdit("default     = 0.70", "default     = 0.95")},
	"variable_given":         {"variable", []string{"--var", "min_recall=0.8"}, moduleEdit()},
	"source_column":          {"source", nil, moduleEdit(`column "amount"        { type = "double" }`, `column "amount"        { type = "decimal(12,2)" }`)},
	"source_path":            {"source", nil, moduleEdit("data/payments/*.csv", "data/payments/2026-*.csv")},
	"data_changed":           {"source", nil, fileEdit("data/payments/2026-03.csv", "p02822,2026-03-", "p02822,2026-02-")},
	"data_added":             {"source", nil, addMonth},
	"dataset_sql":            {"dataset", nil, moduleEdit("where amount > 0", "where amount >= 1")},
	"dataset_column_gone":    {"dataset", nil, moduleEdit("select * from payments", "select * exclude (chargeback_at), chargeback_at::date as chargeback_at from payments")},
	"dataset_description":    {"dataset", nil, moduleEdit(`  from = [source.payments]`, "  description = \"Payments, each once.\"\n  from = [source.payments]")},
	"check_expectation":      {"check", nil, moduleEdit("between = [0, 50000]", "between = [0, 10000]")},
	"check_rule_fails":       {"check", nil, moduleEdit("table.rows >= 10000.0", "table.rows >= 100000.0")},
	"label_matures_after":    {"label", nil, moduleEdit(`matures_after = "45d"`, `matures_after = "60d"`)},
	"feature_window":         {"feature", nil, moduleEdit("over = \"24h\"", "over = \"48h\"")},
	"feature_added":          {"feature", nil, moduleEdit(`  column "hour" `, "  column \"weekend\"    { expr = \"dayofweek(paid_at) in (0, 6)\" }\n  column \"hour\" ")},
	"feature_renamed":        {"feature", nil, moduleEdit(`feature "merchant" {`, `feature "shop" {`, "feature.merchant", "feature.shop")},
	"training_set_features":  {"training_set", nil, moduleEdit("features = [feature.card, feature.merchant]", "features = [feature.card]", `, "fraud_rate_90d"]`, "]")},
	"split_share":            {"split", nil, moduleEdit("test       = 0.25", "test       = 0.3")},
	"metric_sql":             {"metric", nil, moduleEdit("sum(case when actual and predicted then amount end) /", "sum(case when actual and predicted then amount - 5 end) /")},
	"train_params":           {"train", nil, moduleEdit("trees         = 300", "trees         = 400")},
	"train_many":             {"train", nil, moduleEdit("trees         = 300", "trees         = 400", "learning_rate = 0.1", "learning_rate = 0.05", "seed       = 7", "seed       = 8")},
	"train_features":         {"train", nil, moduleEdit(`["log_amount", "hour", `, `["log_amount", `)},
	"train_decision":         {"train", nil, moduleEdit("fpr <= 0.01\"", "fpr <= 0.02\"")},
	"train_type":             {"train", nil, moduleEdit(`train "gradient_boosting" "model"`, `train "logistic_regression" "model"`, "  params {\n    trees         = 300\n    learning_rate = 0.1\n    max_depth     = 6\n  }\n", "", "  seed       = 7\n", "")},
	"train_timeout":          {"train", nil, moduleEdit("  seed       = 7", "  seed       = 7\n  timeout    = \"2h\"")},
	"train_forced":           {"train", []string{"--force", "train.model"}, moduleEdit()},
	"evaluate_slice":         {"evaluate", nil, moduleEdit(`where = "amount > 250"`, `where = "amount > 500"`)},
	"evaluate_min_positives": {"evaluate", nil, moduleEdit("min_positives = 50", "min_positives = 100")},
	"gate_rule_stricter":     {"gate", nil, moduleEdit("metrics.fpr <= 0.012", "metrics.fpr <= 0.001")},
	"gate_rule_looser":       {"gate", nil, moduleEdit("metrics.fpr <= 0.012", "metrics.fpr <= 0.02")},
	"gate_rule_added":        {"gate", nil, moduleEdit("  rule \"no weak slice\" {", "  rule \"saves money\" { assert = \"evaluate.holdout.metrics.loss_avoided > 0.9\" }\n  rule \"no weak slice\" {")},
	"gate_rule_removed":      {"gate", nil, moduleEdit("  rule \"spares the honest\" { assert = \"evaluate.holdout.metrics.fpr <= 0.012\" }\n", "")},
	"gate_approval":          {"gate", nil, moduleEdit("    when = \"champion.exists && evaluate.holdout.delta.auc.value < 0.0\"\n", "")},
	"gate_removed":           {"gate", nil, dropped(`gate "release"`, "[gate.release, monitor.live]", "[monitor.live]", "  gate  = gate.release\n", "", "  gate  = gate.release\n", "")},
	"gate_and_train":         {"gate", nil, moduleEdit("metrics.fpr <= 0.012", "metrics.fpr <= 0.02", "trees         = 300", "trees         = 400")},
	"deploy_key":             {"deploy", nil, moduleEdit("  gate  = gate.release\n  key   = [\"card\"]", "  gate  = gate.release\n  key   = [\"merchant\"]")},
	"deploy_added":           {"deploy", nil, moduleEdit("# What `mlp serve` answers with.", "deploy \"http\" \"trial\" {\n  model = train.model\n  gate  = gate.release\n}\n\n# What `mlp serve` answers with.")},
	"fairness_renamed":       {"evaluate", nil, moduleEdit(`fairness "age_band"`, `fairness "merchant"`, "fairness.age_band", "fairness.merchant")},
	"deploy_removed":         {"deploy", nil, dropped(`deploy "batch" "review"`)},
	"monitor_rows":           {"monitor", nil, moduleEdit("min_rows = 1000", "min_rows = 5000")},
	"monitor_removed":        {"monitor", nil, dropped(`monitor "live"`, "[gate.release, monitor.live]", "[gate.release]")},
}

func fileEdit(name string, oldNew ...string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		edit(t, filepath.Join(dir, filepath.FromSlash(name)), oldNew...)
	}
}

// addMonth puts the first payments of another year beside those of the year before.
func addMonth(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "data/payments/2026-01.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfterN(text, []byte("\n"), 12)
	next := bytes.ReplaceAll(bytes.Join(lines[:11], nil), []byte("2026-"), []byte("2027-"))
	next = bytes.ReplaceAll(next, []byte("\np0"), []byte("\nq0"))
	if err := os.WriteFile(filepath.Join(dir, "data/payments/2027-01.csv"), next, 0o644); err != nil {
		t.Fatal(err)
	}
}

// durations stand in for those of past runs, which are never the same twice.
var durations = map[string]int64{
	"source.payments": 12_000, "dataset.payments": 9_000, "check.payments": 4_000, "label.fraud": 6_000, "feature.card": 41_000, "feature.merchant": 38_000,
	"training_set.payments": 15_000, "split.holdout": 8_000, "train.model": 230_000, "evaluate.holdout": 22_000, "monitor.live": 11_000, "deploy.review": 5_000,
}

// planOf is the plan of what stands in a folder, without what differs between machines. Its file is held to be what would be planned of what
// it says, as those are that are applied.
func planOf(t *testing.T, dir string, args ...string) *plan.Plan {
	t.Helper()
	file := filepath.Join(t.TempDir(), "plan.json")
	mustRun(t, dir, append([]string{"plan", "--out", file}, args...)...)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := run(t, dir, "show", file); code != 0 || stderr != "" {
		t.Errorf("mlp show of its file: exit code %d\n%s", code, stderr)
	}
	p.Envelope.Durations = durations
	return p
}

// TestReviews holds what reviewers are shown of one change to each kind of block of examples/fraud: a file of text and one
// of Markdown for each. Who reads one without knowing mlp can say what will run and why, what reaches production, which
// rule decides that, and how long it takes.
func TestReviews(t *testing.T) {
	for name, r := range reviews {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := appliedFraud(t)
			r.edit(t, dir)
			p := planOf(t, dir, r.args...)
			for form, write := range map[string]func(io.Writer, *plan.Plan, render.Options) error{".txt": review.Text, ".md": review.Markdown} {
				var got bytes.Buffer
				if err := write(&got, p, render.Options{}); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join("testdata", "reviews", name+form)
				if *update {
					if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got.String()); diff != "" {
					t.Errorf("%s differs; look at the change, then run with -update:\n%s", path, diff)
				}
			}
		})
	}
}

// TestGateRemoved applies what takes the gate away from what is live: it is told once, and then recorded.
func TestGateRemoved(t *testing.T) {
	dir := appliedFraud(t)
	reviews["gate_removed"].edit(t, dir)
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	if got := mustRun(t, dir, "plan"); !strings.Contains(got, "Plan: nothing to do") {
		t.Errorf("after the apply: got %s", got)
	}
	edit(t, filepath.Join(dir, "fraud.mlp"), "  model = train.model\n  key   = [\"card\"]", "  model = train.model\n  gate  = gate.again\n  key   = [\"card\"]",
		"deploy \"http\" \"scorer\" {", "gate \"again\" {\n  rule \"r\" { assert = \"evaluate.holdout.metrics.auc > 0.5\" }\n}\n\ndeploy \"http\" \"scorer\" {")
	if got := mustRun(t, dir, "plan"); !strings.Contains(got, "gate of deploy.scorer  absent → gate.again") || !strings.Contains(got, "held by gate.again") {
		t.Errorf("another gate: got %s", got)
	}
}

// TestReviewsOfEveryKind looks that no kind of block of the example is left out.
func TestReviewsOfEveryKind(t *testing.T) {
	text, err := os.ReadFile("../../examples/fraud/fraud.mlp")
	if err != nil {
		t.Fatal(err)
	}
	var held []string
	for _, r := range reviews {
		held = append(held, r.kind)
	}
	for _, m := range regexp.MustCompile(`(?m)^([a-z_]+) (".*)?\{`).FindAllStringSubmatch(string(text), -1) {
		if !slices.Contains(held, m[1]) {
			t.Errorf("examples/fraud has a block %s, and no review of a change to one", strings.TrimSpace(m[1]))
		}
	}
}
