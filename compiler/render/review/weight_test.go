package review

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// TestCutByWeight: what is cut from a long plan or comparison is what weighs least, and no more than has to be.
func TestCutByWeight(t *testing.T) {
	gates := &plan.Plan{Pipeline: "p", Workspace: "default"}
	for i := range 400 {
		g := &plan.Gate{Address: fmt.Sprintf("gate.g%03d", i), Verdict: plan.Pass}
		g.Rules.Rules = []plan.Rule{{Name: strings.Repeat("a long name of a rule ", 4), Assert: fmt.Sprintf("evaluate.e.metrics.m%d >= 0.5", i), Severity: "fail", Verdict: plan.Pass}}
		if i == 399 {
			g.Verdict, g.Rules.Rules[0].Verdict = plan.Fail, plan.Fail
		}
		gates.Gates = append(gates.Gates, g)
	}
	deploys := &plan.Plan{Pipeline: "p", Workspace: "default"}
	for i := range 501 {
		r := &plan.Release{Address: fmt.Sprintf("deploy.d%03d_%s", i, strings.Repeat("x", 40)), Type: "http", Action: plan.MayRelease, Current: &plan.ReleaseState{From: "train.m"}, Model: plan.Input{From: "train.m"}}
		if i == 500 {
			r.Address, r.Action = "deploy.zz_credit_card_fraud", plan.RemoveRelease
		}
		deploys.Releases = append(deploys.Releases, r)
	}
	failing := &plan.Plan{Pipeline: "p", Workspace: "default"} // more of what weighs most than there is room for
	for i := range 2000 {
		failing.Gates = append(failing.Gates, &plan.Gate{Address: fmt.Sprintf("gate.%04d_%s", i, strings.Repeat("y", 60)), Verdict: plan.Fail})
	}
	stages := func(n int, value string) *plan.Plan {
		p := &plan.Plan{Pipeline: "p", Workspace: "default"}
		for i := range n {
			p.Nodes = append(p.Nodes, &plan.Node{Address: fmt.Sprintf("dataset.d%04d", i), Kind: "dataset", Type: "sql", Verdict: plan.Run, Config: []byte(`{"sql":"` + value + `"}`)})
		}
		return p
	}
	before, after := stages(3000, "select 1"), stages(2999, "select 2")
	before.Releases = append(before.Releases, &plan.Release{Address: "deploy.zz", Type: "http", Action: plan.CreateRelease, Model: plan.Input{From: "dataset.d0001"}})
	for name, c := range map[string]struct {
		write func(*bytes.Buffer) error
		want  []string // in this order
		full  bool
	}{
		"400 gates, the last fails": {func(b *bytes.Buffer) error { return Markdown(b, gates, render.Options{}) }, []string{"❌ FAIL** `gate.g399`", "✅ pass** `gate.g000`", "more gates: ", " pass", "_Cut to"}, true},
		"501 deployments, the last is removed": {func(b *bytes.Buffer) error { return Markdown(b, deploys, render.Options{}) },
			[]string{"`deploy.zz_credit_card_fraud`", "`deploy.d000", "_Cut to"}, true},
		"nothing but failing gates": {func(b *bytes.Buffer) error { return Markdown(b, failing, render.Options{}) }, []string{"`gate.0000", "more gates: ", " FAIL"}, true},
		"3000 changed stages, a deployment removed": {func(b *bytes.Buffer) error { return DiffMarkdown(b, diff.Compare(before, after, nil)) },
			[]string{"#### Removed", "`deploy.zz`", "`dataset.d2999`", "#### Changed", "`dataset.d0000`", "more", "_Cut to"}, true},
		"the text of the plan": {func(b *bytes.Buffer) error { return Text(b, deploys, render.Options{}) }, []string{"deploy.zz_credit_card_fraud", "deploy.d000"}, false},
		"the text of gates":    {func(b *bytes.Buffer) error { return Text(b, gates, render.Options{}) }, []string{"gate.g399", "gate.g000"}, false},
		"the page of the plan": {func(b *bytes.Buffer) error { return HTML(b, deploys, render.Options{}) }, []string{"deploy.zz_credit_card_fraud", "deploy.d000"}, false},
		"the text of a comparison": {func(b *bytes.Buffer) error { return Diff(b, diff.Compare(before, after, nil), render.Options{}) },
			[]string{"deploy.zz", "dataset.d0000"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := c.write(&b); err != nil {
				t.Fatal(err)
			}
			text := b.String()
			if c.full && (len(text) > MostMarkdown || len(text) < MostMarkdown*95/100) {
				t.Errorf("got %d bytes of %d", len(text), MostMarkdown)
			}
			rest := text
			for _, want := range c.want {
				i := strings.Index(rest, want)
				if i < 0 {
					t.Fatalf("%q is not there, or too early, in:\n%s", want, text[:min(len(text), 3000)])
				}
				rest = rest[i+len(want):]
			}
		})
	}
}
