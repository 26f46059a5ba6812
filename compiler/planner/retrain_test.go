package planner

import (
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// TestNotData: other data are no reason to hold a retraining, whatever stages they reach; anything else that a plan would change is one, and named.
func TestNotData(t *testing.T) {
	tests := map[string]struct {
		change func(*world) string // the text that is planned
		want   string              // in what is not data; "": all is
	}{
		"nothing":         {func(*world) string { return fraud }, ""},
		"other rows":      {func(w *world) string { w.data["raw.csv"] = "3,4,true"; return fraud }, ""},
		"lost":            {func(w *world) string { delete(w.actions, w.state.Nodes["train.m"].Fingerprint); return fraud }, ""},
		"a parameter":     {func(*world) string { return edit("300", "400") }, "train.m trees (config)"},
		"and other rows":  {func(w *world) string { w.data["raw.csv"] = "3,4,true"; return edit("300", "400") }, "train.m trees (config)"},
		"a rule":          {func(*world) string { return edit("> -0.05", "> -0.06") }, "gate.g"},
		"a variable":      {func(*world) string { return edit("default = 0.7", "default = 0.6") }, "gate.g variable.least"},
		"the deployment":  {func(*world) string { return edit("port  = 1", "port  = 2") }, "deploy.d port"},
		"another block":   {func(*world) string { return fraud + "dataset \"more\" { from = source.raw }\n" }, "dataset.more"},
		"a check is gone": {func(*world) string { return edit("  requires = [check.enough]\n", "") }, "requires"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := applied(t)
			got := NotData(w.plan(tt.change(w)))
			if tt.want == "" && len(got) > 0 || tt.want != "" && !strings.Contains(strings.Join(got, "; "), tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	// Once checks have run on other data, only what flows in differs further on.
	w := applied(t)
	w.data["raw.csv"] = "3,4,true"
	o := w.options()
	o.Targets = []string{"check.enough"}
	part, diags := Make(t.Context(), w.module(fraud), o)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	gates, releases := w.state.Gates, w.state.Releases
	w.apply(part)
	w.state.Gates, w.state.Releases = gates, releases
	if p := w.plan(fraud); len(NotData(p)) > 0 || p.Node("train.m").Verdict != plan.Run {
		t.Errorf("after a check: got %q, and train.m is to %s", NotData(p), p.Node("train.m").Verdict)
	}
}

// TestWhen: a condition is decided on the results that are recorded, whatever the data are by now, with these as its evidence.
func TestWhen(t *testing.T) {
	for name, tt := range map[string]struct {
		when string
		want plan.RuleVerdict
	}{
		"holds":        {"evaluate.e.metrics.auc > 0.8", plan.Pass},
		"does not":     {"evaluate.e.metrics.auc > variable.least + 0.3", plan.Fail},
		"of a check":   {"check.enough.rows >= 100.0 && evaluate.e.metrics.auc < 1.0", plan.Pass},
		"never ran":    {"check.other.rows > 1.0", plan.Open},
		"of no figure": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := applied(t)
			w.data["raw.csv"] = "3,4,true"
			block := "retrain \"r\" {\n  deploy = deploy.d\n  schedule = \"@daily\"\n}\n"
			if tt.when != "" {
				block = "retrain \"r\" {\n  deploy = deploy.d\n  when = \"" + tt.when + "\"\n}\ncheck \"other\" {\n  on = dataset.clean\n  rule \"rows\" { assert = \"rows > 10.0\" }\n}\n"
			}
			m := w.module(fraud + block)
			got, evidence, err := When(m, &w.state, "retrain.r", nil, w)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if got != nil {
					t.Errorf("got %+v of no condition", got)
				}
				return
			}
			if got.Verdict != tt.want || strings.Contains(tt.when, "evaluate") && evidence["evaluate.e"] != w.state.Nodes["evaluate.e"].Fingerprint {
				t.Errorf("got %s by %v, want %s", got.Verdict, evidence, tt.want)
			}
			if deploys := BehindGate(m, "deploy.d"); !slices.Equal(deploys, []string{"deploy.d"}) {
				t.Errorf("behind the gate: %v", deploys)
			}
		})
	}
	w := applied(t)
	m := w.module(fraud + "deploy \"second\" {\n  model = train.m\n  gate = gate.g\n}\n")
	if deploys := BehindGate(m, "deploy.second"); !slices.Equal(deploys, []string{"deploy.d", "deploy.second"}) {
		t.Errorf("behind a gate of two: %v", deploys)
	}
}
