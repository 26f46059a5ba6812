package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/graph"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// plansPath holds plans as each minor version of the format wrote them, one folder for each.
const plansPath = "../../spec/plans"

// corpus are the plans of the present version, by file: each a shape of its own. A file that is missing is written with
// -update; one that is there never is, since other programs and later versions must go on reading it.
var corpus = map[string]reviewed{
	"first":         {edit: func(t *testing.T, dir string) { remove(t, filepath.Join(dir, workspace.StoreName)) }},
	"nothing_to_do": {edit: moduleEdit()},
	"one_attribute": reviews["train_params"],
	"data":          reviews["data_changed"],
	"breaking":      reviews["training_set_features"],
	"wiring":        reviews["feature_renamed"],
	"metadata":      reviews["train_timeout"],
	"known_result":  reviews["feature_renamed"], // a new stage that yields what another one did
	"forced":        reviews["train_forced"],
	"gate_fails":    reviews["gate_rule_stricter"],
	"gate_passes":   reviews["gate_approval"],
	"gate_in_error": {edit: func(t *testing.T, dir string) {
		edit(t, filepath.Join(dir, "fraud.mlp"), "min_positives = 50", "min_positives = 5000")
		run(t, dir, "apply", "--auto-approve", "--executor", "process") // fails, for so few positives leave the figures undefined
	}},
	"gate_other_after": {edit: moduleEdit("  after    = [check.payments]\n", "")},
	"check_fails":      reviews["check_rule_fails"],
	"part":             {edit: reviews["train_params"].edit, args: []string{"--target", "train.model"}},
	"hypotheses": {edit: func(t *testing.T, dir string) {
		edit(t, filepath.Join(dir, "fraud.mlp"), "  requirement ", `  hypothesis "good" {
    statement = "Frauds are told from honest payments."
    assert    = "evaluate.holdout.metrics.auc > variable.min_recall"
  }
  hypothesis "better" {
    statement = "The model is better than the one before."
    assert    = "evaluate.holdout.delta.auc.low > 0.0"
  }
  requirement `)
	}},
	"sample": {edit: func(t *testing.T, dir string) {
		edit(t, filepath.Join(dir, "fraud.mlp"), `source "csv" "payments" {`, `source "csv" "payments" {`+"\n  sample_by = [\"card\"]")
	}, args: []string{"--sample", "0.25"}},
	"release_new":      reviews["deploy_added"],
	"release_changes":  reviews["deploy_key"],
	"release_removed":  reviews["deploy_removed"],
	"release_by_steps": {edit: byCanary},
	"rollout": {edit: func(t *testing.T, dir string) {
		byCanary(t, dir)
		run(t, dir, "apply", "--auto-approve", "--executor", "process") // the gate asks for an approval
		mustRun(t, dir, "approve", "gate.release", "risk", "--as", "risk-officers", "--reason", "seen")
		mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	}},
	"removed":     reviews["monitor_removed"],
	"result_lost": {edit: loseResult},
	"fetch":       {edit: fetched("one")},
	"fetch_version": {edit: func(t *testing.T, dir string) {
		fetched("one")(t, dir)
		mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
		answers(t, dir, "two")
	}},
	"fetch_unknown": {edit: fetched("one"), args: []string{"--offline"}},
	"moved":         {edit: moduleEdit(`feature "merchant" {`, "moved {\n  from = feature.merchant\n  to   = feature.shop\n}\n\nfeature \"shop\" {", "feature.merchant]", "feature.shop]")},
	"accepted":      {edit: accept},
	"taken_back": {edit: func(t *testing.T, dir string) {
		reviews["metric_sql"].edit(t, dir)
		mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
		edit(t, filepath.Join(dir, "fraud.mlp"), "amount - 5 end", "amount end")
	}},
}

// byCanary has another model follow the live one by a canary.
func byCanary(t *testing.T, dir string) {
	t.Helper()
	moduleEdit("learning_rate = 0.1", "learning_rate = 0.08")(t, dir)
	edit(t, filepath.Join(dir, "fraud.mlp"), "  key   = [\"card\"]\n", "  key   = [\"card\"]\n\n  canary { steps = [5, 25] }\n")
}

// loseResult takes the record of what training yielded out of the store.
func loseResult(t *testing.T, dir string) {
	t.Helper()
	fingerprint := results(t, dir)["train.model"].Fingerprint
	name := strings.TrimPrefix(fingerprint, "blake3:")
	found := false
	err := filepath.WalkDir(filepath.Join(dir, workspace.StoreName), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(strings.ReplaceAll(path, string(filepath.Separator), ""), name) {
			found = true
			return os.Remove(path)
		}
		return err
	})
	if err != nil || !found {
		t.Fatalf("no record of %s in the store: %v", fingerprint, err)
	}
}

// accept takes another spelling of a query as good.
func accept(t *testing.T, dir string) {
	t.Helper()
	edit(t, filepath.Join(dir, "fraud.mlp"), "where amount > 0", "where 0 < amount")
	n := planOf(t, dir).Node("dataset.payments")
	edit(t, filepath.Join(dir, "fraud.mlp"), "check \"payments\" {", fmt.Sprintf("accept {\n  block      = dataset.payments\n  definition = %q\n  reason     = \"The same in another order.\"\n}\n\ncheck \"payments\" {", n.Definition))
}

// fetched has the payments lie elsewhere, at an address that answers with this version of them.
func fetched(version string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		answers(t, dir, version)
		edit(t, filepath.Join(dir, "fraud.mlp"), `"data/payments/*.csv"`, `"http://data.example.com/payments.csv"`)
	}
}

// answers has a proxy answer for every address, so that plans have one that is the same in every run.
func answers(t *testing.T, dir, version string) {
	t.Helper()
	var text []byte
	files, err := filepath.Glob(filepath.Join(dir, "data", "payments", "*.csv"))
	for i, file := range files {
		part, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			part = part[bytes.IndexByte(part, '\n')+1:] // without its header
		}
		text = append(text, part...)
	}
	if err != nil || len(text) == 0 {
		t.Fatalf("no payments: %v", err)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", strconv.Quote(version))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	}))
	t.Cleanup(proxy.Close)
	t.Setenv("HTTP_PROXY", proxy.URL)
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// TestCorpusIsWhole makes each shape of plan, which an apply of its file would take; what there is no file of yet is written with -update.
func TestCorpusIsWhole(t *testing.T) {
	folder := filepath.Join(plansPath, plan.FormatVersion)
	for name, r := range corpus {
		t.Run(name, func(t *testing.T) {
			dir := appliedFraud(t)
			r.edit(t, dir)
			p := planOf(t, dir, r.args...)
			path := filepath.Join(folder, name+".json")
			if _, err := os.Stat(path); err == nil {
				return
			}
			if !*update {
				t.Fatalf("there is no %s; run with -update", path)
			}
			p.Envelope = &plan.Envelope{CreatedAt: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC), ToolVersion: "v1.0.0", Durations: durations}
			var text bytes.Buffer
			if err := writeJSON(&text, p); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// corpusFiles are the plans of all versions.
func corpusFiles(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(plansPath, "*", "*.json"))
	if err != nil || len(paths) < len(corpus) {
		t.Fatalf("got %d plans, %v", len(paths), err)
	}
	out := map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(plansPath, path)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.ToSlash(rel)] = text
	}
	return out
}

// TestCorpusIsRead reads the plans that this and earlier minor versions wrote, and shows them in all forms. Those of this
// version fit its schema.
func TestCorpusIsRead(t *testing.T) {
	s := planSchema(t)
	forms := map[string]func(io.Writer, *plan.Plan, render.Options) error{"text": review.Text, "markdown": review.Markdown, "html": review.HTML,
		"svg": func(w io.Writer, p *plan.Plan, _ render.Options) error { return graph.SVG(w, graph.OfPlan(p)) }}
	for name, text := range corpusFiles(t) {
		t.Run(name, func(t *testing.T) {
			p, err := plan.Read(text)
			if err != nil {
				t.Fatal(err)
			}
			if p.FormatVersion == plan.FormatVersion {
				if err := s.Validate(jsonTree(t, string(text))); err != nil {
					t.Errorf("it does not fit the schema: %v", err)
				}
			}
			for form, write := range forms {
				var out bytes.Buffer
				if err := write(&out, p, render.Options{All: true}); err != nil || out.Len() == 0 {
					t.Errorf("%s: %d bytes, %v", form, out.Len(), err)
				}
			}
		})
	}
	dir, err := filepath.Abs(filepath.Join(plansPath, "1.0"))
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, t.TempDir(), "show", filepath.Join(dir, "breaking.json"))
	mustRun(t, t.TempDir(), "diff", filepath.Join(dir, "nothing_to_do.json"), filepath.Join(dir, "breaking.json"))
	mustRun(t, t.TempDir(), "graph", "--plan="+filepath.Join(dir, "breaking.json"), "--format", "dot")
}

// notInCorpus are values of the schema that examples/fraud cannot have: they take an image, another version of a
// component, or are reserved.
var notInCorpus = []string{"image", "component", "code", "accepted"}

// TestCorpusHasAll looks that every verdict, kind of cause, category, action and state of a rule stands in some plan, so that
// a new one comes with a file.
func TestCorpusHasAll(t *testing.T) {
	schemaText, err := os.ReadFile(planSchemaPath)
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs map[string]struct {
			Enum       []string
			Properties map[string]struct{ Enum []string }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(schemaText, &schema); err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, text := range corpusFiles(t) {
		all += string(text)
	}
	for _, of := range [][2]string{{"node", "verdict"}, {"cause", "kind"}, {"change", "category"}, {"release", "action"}, {"rule_verdict", "verdict"}} {
		values := schema.Defs[of[0]].Enum
		if len(values) == 0 {
			values = schema.Defs[of[0]].Properties[of[1]].Enum
		}
		if len(values) < 3 {
			t.Fatalf("the schema lists no values of %s %s", of[0], of[1])
		}
		for _, v := range values {
			stands := strings.Contains(all, fmt.Sprintf("%q: %q", of[1], v))
			if exempt := of[1] == "kind" && slices.Contains(notInCorpus, v); stands == exempt {
				t.Errorf("%s %s %q: stands in the corpus: %v, should not: %v", of[0], of[1], v, stands, exempt)
			}
		}
	}
}

// TestLaterMinorVersion adds fields that a later version may have, to every object but those whose keys are names: they are ignored, kept in the file's own
// JSON, and covered by its plan_id. Another major version is refused.
func TestLaterMinorVersion(t *testing.T) {
	text := corpusFiles(t)[plan.FormatVersion+"/one_attribute.json"]
	tree := jsonTree(t, string(text))
	tree["format_version"] = "1.9"
	enrich(tree)
	delete(tree, "envelope")
	later := signedAs(t, tree)
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	bare := jsonTree(t, string(text))
	delete(bare, "envelope")
	path, now := write("later.json", later), write("now.json", signedAs(t, bare))
	for _, form := range []string{"text", "markdown", "html"} {
		if got, want := mustRun(t, dir, "show", path, "--format", form), mustRun(t, dir, "show", now, "--format", form); got != want {
			t.Errorf("%s: a plan with fields of a later version reads otherwise", form)
		}
	}
	if got := mustRun(t, dir, "show", path, "--format", "json"); got != string(later)+"\n" && got != string(later) {
		t.Error("show --format json leaves out what it does not know")
	}
	mustRun(t, dir, "diff", now, path)
	tree["format_version"] = "2.0"
	_, stderr, code := run(t, dir, "show", write("major.json", signedAs(t, tree)))
	if code != 1 || !strings.Contains(stderr, "the plan has format 2.0, and this mlp reads 1.x") {
		t.Errorf("another major version: got exit code %d, %s", code, stderr)
	}
}

// enrich adds a field to every object whose fields the format names; others are users' data.
func enrich(v any) {
	users := map[string]bool{"config": true, "variables": true, "known": true, "before": true, "after": true, "value": true, "live": true, "next": true, "figures": true, "outputs": true, "fields": true, "env": true, "meta": true, "described": true, "policies": true}
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if !users[k] {
				enrich(x)
			}
		}
		v["of_a_later_version"] = map[string]any{"weather": "fine"}
	case []any:
		for _, x := range v {
			enrich(x)
		}
	}
}

// signedAs is a plan as a file, with the id that fits its body.
func signedAs(t *testing.T, tree map[string]any) []byte {
	t.Helper()
	tree["plan_id"] = ""
	id, err := plan.Sum("plan", tree)
	if err != nil {
		t.Fatal(err)
	}
	tree["plan_id"] = id
	data, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
