package suite

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/runtime/engine"
)

// sortedKeys are the keys of a map in order, for output and for errors that are the same at each run.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// valueBuilder puts together what assertions see, in the form that environment declares (env.go).
type valueBuilder struct {
	run    *run
	values *rule.Values
	read   map[string]bool // tables that are read, by "dataset.payments"
}

// values are those that the assertions of the test read. Tables are read from the store only where an assertion names
// them: a table of a million rows costs nothing to tests that do not speak of it.
func (r *run) values(ctx context.Context) (*rule.Values, error) {
	b := &valueBuilder{run: r, values: &rule.Values{Known: map[string]any{}, Undefined: map[string]string{}}, read: map[string]bool{}}
	for _, a := range r.test.asserts {
		for _, ref := range a.rule.Refs() {
			if len(ref.Path) > 2 && ref.Path[0] == "table" {
				b.read[ref.Path[1]+"."+ref.Path[2]] = true
			}
		}
	}
	variables := map[string]any{}
	for name, v := range r.test.module.VariablesJSON() {
		variables[name] = v
	}
	b.values.Known["variable"] = decoded(variables)
	b.warnings()
	for _, rb := range r.test.module.Module.Blocks {
		if block := r.test.module.Blocks[rb.Address]; block.Module == "" {
			if err := b.block(ctx, block); err != nil {
				return nil, err
			}
		}
	}
	return b.values, nil
}

// decoded is a value as rules read it: maps, lists, float64, string, bool, nil. nil where v is no JSON.
func decoded(v any) any {
	var out any
	data, err := json.Marshal(v)
	if err != nil || json.Unmarshal(data, &out) != nil {
		return nil
	}
	return out
}

// path of a block's values: before, then kind, name and key, which only instances of a repeated block have.
func path(b *check.Block, before ...string) []string {
	out := append(before, b.Kind, b.Name)
	if b.Key != "" {
		out = append(out, b.Key)
	}
	return out
}

// put sets a value at a path, making the objects above it.
func (b *valueBuilder) put(path []string, v any) {
	at := b.values.Known
	for _, p := range path[:len(path)-1] {
		next, ok := at[p].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[p] = next
		}
		at = next
	}
	at[path[len(path)-1]] = v
}

// unknown notes that what lies at a path, or below it, is not known, so that rules which need it are open.
func (b *valueBuilder) unknown(path []string) {
	b.values.Unknown = append(b.values.Unknown, strings.Join(path, "."))
}

// warnings puts the plan's diagnostics under plan.warnings: with an error among them there would be no plan.
func (b *valueBuilder) warnings() {
	list := []any{}
	for _, d := range b.run.plan.Diagnostics {
		list = append(list, map[string]any{"code": d.Code, "summary": d.Summary})
	}
	b.put([]string{"plan", "warnings"}, list)
}

// block puts what is known of one block under its kind and name.
func (b *valueBuilder) block(ctx context.Context, block *check.Block) error {
	if n := b.run.plan.Node(block.Address); n != nil {
		b.put(path(block, "plan"), planned(n))
	}
	switch {
	case block.TypeSpec.IsGate():
		b.gate(block)
	case block.TypeSpec.IsDeployment():
		b.deploy(block)
	case block.Figures != nil:
		b.figures(block)
	}
	if b.read[block.Kind+"."+block.Name] {
		return b.tables(ctx, block)
	}
	return nil
}

// planned is what the plan says of a stage: whether it runs and why, as plan.dataset.payments.verdict.
func planned(n *plan.Node) map[string]any {
	causes := []any{}
	for _, c := range n.Causes {
		causes = append(causes, map[string]any{"kind": string(c.Kind), "path": c.Path, "from": c.From})
	}
	return map[string]any{"verdict": string(n.Verdict), "causes": causes}
}

// rulesSeen is what assertions see of rules: gate.release.rules["good enough"].verdict. residual and reason are ""
// where a rule has none.
func rulesSeen(rules []plan.Rule) map[string]any {
	out := map[string]any{}
	for _, r := range rules {
		out[r.Name] = map[string]any{"verdict": string(r.Verdict), "residual": r.Residual, "reason": r.Reason}
	}
	return out
}

// verdictOf is the worst verdict of the rules that do not only warn; rules may be none.
func verdictOf(rules []plan.Rule) plan.RuleVerdict {
	out := plan.Pass
	for _, r := range rules {
		if r.Severity != "warn" {
			out = decide.Worse(out, r.Verdict)
		}
	}
	return out
}

// gate tells how a gate is decided: by the apply if it came to the gate, else by the plan. A gate that was held by a
// failed check counts as failed, and one that waits for an approval as open.
func (b *valueBuilder) gate(block *check.Block) {
	at := path(block)
	if b.run.ended != nil {
		for _, g := range b.run.ended.Gates {
			if g.Address == block.Address {
				verdict := verdictOf(g.Rules)
				if g.Status == engine.GateBlocked {
					verdict = plan.Fail
				}
				if g.Status == engine.GateNotReached || g.Status == engine.GateWaits {
					verdict = plan.Open
				}
				b.put(at, map[string]any{"verdict": string(verdict), "rules": rulesSeen(g.Rules), "approvals": approvalsSeen(g.Approvals), "blocked_by": decoded(orNone(g.BlockedBy))})
				return
			}
		}
	}
	for _, g := range b.run.plan.Gates {
		if g.Address == block.Address {
			b.put(at, map[string]any{"verdict": string(g.Verdict), "rules": rulesSeen(g.Rules.Rules), "approvals": approvalsSeen(g.Approvals), "blocked_by": decoded(orNone(g.BlockedBy))})
		}
	}
}

// orNone makes JSON of no names a list, [], and not null, which rules do not know.
func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// approvalsSeen says of each approval whether it is needed, or given where it is not known to be needless. One whose condition
// cannot be decided is needed.
func approvalsSeen(approvals []plan.Approval) map[string]any {
	out := map[string]any{}
	for _, a := range approvals {
		out[a.Name] = map[plan.RuleVerdict]string{plan.Pass: "needed", plan.Fail: "not_needed", plan.Open: "open", plan.RuleError: "needed"}[a.Needed]
		if a.GivenBy != "" && a.Needed != plan.Fail {
			out[a.Name] = "given"
		}
	}
	return out
}

// deploy tells what the plan means to do with a deployment, and whether the apply did it; in a plan the latter is open.
func (b *valueBuilder) deploy(block *check.Block) {
	at := path(block)
	for _, rel := range b.run.plan.Releases {
		if rel.Address == block.Address {
			b.put(at, map[string]any{"action": string(rel.Action)})
		}
	}
	if b.run.ended != nil {
		for _, rel := range b.run.ended.Releases {
			if rel.Address == block.Address {
				b.put(append(at, "released"), rel.Status == engine.Changed)
				return
			}
		}
		b.put(append(at, "released"), false)
		return
	}
	b.unknown(append(at, "released"))
}

// figures are those that rules see of a block; of a check besides whether it passed. delta, what differs from the model that
// is live, comes from the stage that compares the two, and is not known until that has run.
func (b *valueBuilder) figures(block *check.Block) {
	at := path(block)
	data := b.run.figures(block.Address)
	values, ok := decoded(data).(map[string]any)
	if !ok {
		b.unknown(at)
		return
	}
	if delta, ok := decoded(b.run.figures(champion(block.Address))).(map[string]any); ok && delta["delta"] != nil {
		values["delta"] = delta["delta"]
	} else if b.run.plan.Node(champion(block.Address)) != nil {
		b.unknown(append(at, "delta"))
	}
	if block.TypeSpec.IsCheck() {
		b.check(block, values)
	}
	b.put(at, values)
}

// check adds whether a check passed and its rules, by the apply where that came to the check.
func (b *valueBuilder) check(block *check.Block, values map[string]any) {
	n := b.run.plan.Node(block.Address)
	values["rules"], values["passed"] = map[string]any{}, !b.run.checkFailed(n)
	if n.Rules != nil {
		values["rules"] = rulesSeen(n.Rules.Rules)
	}
	if b.run.ended == nil {
		return
	}
	for _, done := range b.run.ended.Nodes {
		if done.Address == block.Address && done.Check != nil {
			values["rules"], values["passed"] = rulesSeen(done.Check.Rules), done.Check.Passed
		}
	}
}
