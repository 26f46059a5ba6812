package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// truthModule is a scorer whose answers flow back: as a table, joined with what became true later, and looked at by monitors.
const truthModule = `pipeline "loans" {}

source "csv" "loans" {
  path = "loans.csv"
  column "id"      { type = "varchar" }
  column "amount"  { type = "double" }
  column "income"  { type = "double" }
  column "defaulted" { type = "boolean" }
}

train "logistic_regression" "risk" {
  data     = source.loans
  target   = "defaulted"
  features = ["amount", "income"]
}

deploy "http" "scorer" {
  model = train.risk
  key   = ["loan_id"]
}
`

const truthLoop = `
source "predictions" "answers" {
  of = deploy.scorer
  column "request_id"   { type = "varchar" }
  column "requested_at" { type = "timestamp" }
  column "loan_id"      { type = "varchar" }
  column "amount"       { type = "double" }
  column "income"       { type = "double" }
  column "predicted"    { type = "boolean" }
  column "score"        { type = "double" }
}

monitor "drift" "inputs" {
  reference = source.loans
  current   = source.answers
  columns   = ["amount", "income"]
}

source "csv" "outcomes" {
  path = "outcomes.csv"
  column "loan_id"    { type = "varchar" }
  column "defaulted"  { type = "boolean" }
  column "known_at"   { type = "timestamp" }
}

dataset "outcomes" {
  from = [source.outcomes]
  key  = ["loan_id"]
  sql  = "select * from outcomes"
}

dataset "joined" {
  from = { a = source.answers, o = dataset.outcomes }
  key  = ["loan_id"]
  sql  = "select a.loan_id, a.requested_at, a.amount, a.income, o.defaulted, o.known_at from a left join o using (loan_id)"
}

label "outcome" {
  on            = dataset.joined
  column        = "defaulted"
  known_at      = "known_at"
  event_time    = "requested_at"
  matures_after = "30d"
  as_of         = "2099-01-01"
  absent        = "false"
}

metric "auc"    { type = "roc_auc" }
metric "recall" { type = "recall" }

monitor "performance" "live" {
  predictions = source.answers
  labels      = label.outcome
  on          = ["loan_id"]
  metrics     = [metric.auc, metric.recall]
  positive    = "true"
}

train "logistic_regression" "challenger" {
  data     = source.loans
  target   = "defaulted"
  features = ["income"]
}

# The champion and the challenger on the rows that were answered since, and whose outcome is known.
evaluate "fresh" {
  model   = train.challenger
  data    = label.outcome
  metrics = [metric.auc]
}

gate "swap" {
  champion = deploy.scorer
  rule "better on what came since" { assert = "champion.comparable && evaluate.fresh.delta.auc.low > 0.0" }
}

secret "hook" { file = "hook.key" }

notify "webhook" "oncall" {
  url = "HOOK"
  key = secret.hook
  on  = ["alarm"]
}
`

// TestAnswersFlowBack: what a server answers is a table of the pipeline, with the rows that came since in the plan; what became true later joins by key, what never came is told
// by the block; a monitor of answers alarms when what is asked has moved, and somebody is told of it once.
func TestAnswersFlowBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hook := &hooked{}
	server := httptest.NewServer(hook)
	defer server.Close()
	chance := rand.New(rand.NewPCG(1, 2))
	var loans strings.Builder
	loans.WriteString("id,amount,income,defaulted\n")
	for i := range 600 {
		amount, income := 100+50*chance.NormFloat64(), 50+10*chance.NormFloat64()
		fmt.Fprintf(&loans, "l%d,%.3f,%.3f,%v\n", i, amount, income, amount/50-income/10+chance.NormFloat64() > -3)
	}
	writeAll(t, dir, map[string]string{"loans.csv": loans.String(), "loans.mlp": truthModule, "hook.key": "a key of the test\n"})
	apply := func() string {
		t.Helper()
		out, err := exec.Command(mlp, "-C", dir, "apply", "--auto-approve", "--executor", "process").CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 3 && strings.Contains(string(out), "better on what came since")) { // the challenger is worse, and the gate says so
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	apply()
	outcomes := "loan_id,defaulted,known_at\n"
	n := 0
	serve := func(rows int, shift float64) {
		t.Helper()
		r := startLogging(t, dir, "waiting", "--predictions-to-store")
		var all []string
		for range rows {
			amount, income := 100+shift+50*chance.NormFloat64(), 50+10*chance.NormFloat64()
			all = append(all, fmt.Sprintf(`{"loan_id":"n%d","amount":%.3f,"income":%.3f}`, n, amount, income))
			if amount/50-income/10+chance.NormFloat64() > -3 { // of the others nothing is ever heard
				outcomes += fmt.Sprintf("n%d,true,2026-06-01\n", n)
			}
			n++
		}
		if status, body, err := r.ask(http.DefaultClient, "", strings.Join(all, ",")); status != http.StatusOK {
			t.Fatalf("got %d %s %v", status, body, err)
		}
		r.stop(t)
	}
	loop := strings.Replace(truthLoop, "HOOK", server.URL, 1)
	serve(400, 0)
	challenged := strings.Replace(truthModule, "model = train.risk", "model = train.challenger\n  gate  = gate.swap", 1)
	writeAll(t, dir, map[string]string{"loop.mlp": loop, "loans.mlp": challenged, "outcomes.csv": outcomes})
	if out := apply(); !strings.Contains(out, "better on what came since") {
		t.Errorf("the challenger, which is worse, is not held back:\n%s", out)
	}
	if len(hook.all()) != 0 {
		t.Errorf("nothing moved, and %v was told", hook.all())
	}
	query := func(sql string) string {
		t.Helper()
		out, err := exec.Command(mlp, "-C", dir, "query", sql, "--format", "csv").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		_, rows, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return rows
	}
	positives := strings.Count(outcomes, "true")
	if got, want := query(`select count(*), count_if(defaulted), count_if(defaulted is null), count_if(outcome_mature) from "label.outcome"`), fmt.Sprintf("400,%d,0,400", positives); got != want {
		t.Errorf("of labels got %s, want %s: a label that never came is one that did not default", got, want)
	}

	fresh, err := exec.Command(mlp, "-C", dir, "show", "evaluate.fresh").CombinedOutput()
	if gate, e := exec.Command(mlp, "-C", dir, "report", "gate.swap").CombinedOutput(); err != nil || e != nil || !strings.Contains(string(gate), "evaluate.fresh.delta.auc.low") {
		t.Errorf("champion and challenger: %v %v\n%s\n%s", err, e, fresh, gate)
	}

	// Rows that are asked for are larger now.
	serve(300, 60)
	writeAll(t, dir, map[string]string{"outcomes.csv": outcomes})
	out, err := exec.Command(mlp, "-C", dir, "plan").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "data of source.answers  +300 rows since ") || !strings.Contains(string(out), ": 400 → 700 rows") {
		t.Errorf("the plan does not say what came: %v\n%s", err, out)
	}
	apply()
	apply()
	told := hook.all()
	if len(told) != 1 || told[0]["type"] != "alarm" || told[0]["address"] != "monitor.inputs" || !strings.Contains(fmt.Sprint(told[0]["why"]), "amount drifted") {
		t.Errorf("got %v, want one alarm of monitor.inputs", told)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "waiting", "*", "*")); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
	shown, err := exec.Command(mlp, "-C", dir, "show", "source.answers").CombinedOutput()
	if err != nil || !strings.Contains(string(shown), "700") {
		t.Errorf("show: %v\n%s", err, shown)
	}
}

// hooked keeps what a webhook is sent.
type hooked struct {
	mu   sync.Mutex
	sent []map[string]any
}

func (h *hooked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var e map[string]any
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(body)).Decode(&e)
	}
	if err != nil || r.Header.Get("Webhook-Signature") == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, e)
}

func (h *hooked) all() []map[string]any {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sent
}

func writeAll(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
