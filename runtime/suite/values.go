package suite

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/engine"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// maxRows is how many rows of a table assertions can go over.
const maxRows = 10_000

// asserts decides what the test asserts.
func (r *run) asserts(ctx context.Context) error {
	if len(r.test.asserts) == 0 {
		return nil
	}
	v, err := r.values(ctx)
	if err != nil {
		return err
	}
	for _, a := range r.test.asserts {
		d := a.rule.Decide(*v)
		if d.Verdict == rule.Pass {
			continue
		}
		detail := assertDetail(a, d, r.ended == nil)
		if more := r.gatesRead(a); more != "" {
			detail += "\n" + more
		}
		r.fail("assert", assertSummary(a, d), detail, a.text.Range)
	}
	return nil
}

// gatesRead shows the rules that do not hold of the gates that an assertion speaks of.
func (r *run) gatesRead(a *assertion) string {
	var lines []string
	seen := map[string]bool{}
	for _, ref := range a.rule.Refs() {
		if len(ref.Path) < 2 || ref.Path[0] != "gate" || seen[ref.Path[1]] {
			continue
		}
		seen[ref.Path[1]] = true
		for _, g := range r.gates() {
			if schema.NameOf(g.Address) != ref.Path[1] {
				continue
			}
			text := ruleTexts(g.Rules, g.BlockedBy)
			for _, ap := range g.Approvals {
				if ap.Needed != plan.Fail && ap.GivenBy == "" {
					text = strings.TrimPrefix(text+"\nwaits for the approval "+ap.Name, "\n")
				}
			}
			if text != "" {
				lines = append(lines, g.Address+":", "  "+strings.ReplaceAll(text, "\n", "\n  "))
			}
		}
	}
	return strings.Join(lines, "\n")
}

// gates as they are decided at the end: by the apply, or else by the plan.
func (r *run) gates() []engine.GateResult {
	if r.ended != nil {
		return r.ended.Gates
	}
	var out []engine.GateResult
	for _, g := range r.plan.Gates {
		out = append(out, engine.GateResult{Address: g.Address, Rules: g.Rules.Rules, Approvals: g.Approvals, BlockedBy: g.BlockedBy})
	}
	return out
}

func assertSummary(a *assertion, d rule.Decision) string {
	switch d.Verdict {
	case rule.Error:
		return fmt.Sprintf("assert %q cannot be decided", a.name)
	case rule.Open:
		return fmt.Sprintf("assert %q is not known", a.name)
	}
	return fmt.Sprintf("assert %q does not hold", a.name)
}

// assertDetail shows the condition with the values that it read.
func assertDetail(a *assertion, d rule.Decision, planned bool) string {
	lines := []string{strings.Join(strings.Fields(a.text.Value), " ")}
	if a.message != "" {
		lines = []string{a.message, lines[0]}
	}
	for _, v := range d.Values {
		value, err := plan.Canonical(v.Value)
		if err != nil {
			continue
		}
		lines = append(lines, fmt.Sprintf("  %s = %s", v.Path, value))
	}
	switch {
	case d.Verdict == rule.Error:
		lines = append(lines, "  "+d.Reason)
	case d.Verdict == rule.Open && planned:
		lines = append(lines, "  left: "+d.Residual, "  A plan runs no stage: give what is missing, or write run = \"apply\".")
	case d.Verdict == rule.Open:
		lines = append(lines, "  left: "+d.Residual, "  What it reads did not come to be.")
	}
	return strings.Join(lines, "\n")
}

// valueBuilder puts together what assertions see.
type valueBuilder struct {
	run    *run
	values *rule.Values
	read   map[string]bool // tables that are read, by "dataset.payments"
}

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

// decoded is a value as rules read it.
func decoded(v any) any {
	var out any
	data, err := json.Marshal(v)
	if err != nil || json.Unmarshal(data, &out) != nil {
		return nil
	}
	return out
}

// path of a block's values: kind, name and key.
func path(b *check.Block, before ...string) []string {
	out := append(before, b.Kind, b.Name)
	if b.Key != "" {
		out = append(out, b.Key)
	}
	return out
}

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

func (b *valueBuilder) unknown(path []string) {
	b.values.Unknown = append(b.values.Unknown, strings.Join(path, "."))
}

func (b *valueBuilder) warnings() {
	list := []any{}
	for _, d := range b.run.plan.Diagnostics {
		list = append(list, map[string]any{"code": d.Code, "summary": d.Summary})
	}
	b.put([]string{"plan", "warnings"}, list)
}

func (b *valueBuilder) block(ctx context.Context, block *check.Block) error {
	if n := b.run.plan.Node(block.Address); n != nil {
		b.put(path(block, "plan"), planned(n))
	}
	switch {
	case block.Kind == "gate":
		b.gate(block)
	case block.Kind == "deploy":
		b.deploy(block)
	case block.Figures != nil:
		b.figures(block)
	}
	if b.read[block.Kind+"."+block.Name] {
		return b.tables(ctx, block)
	}
	return nil
}

// planned is what the plan says of a stage.
func planned(n *plan.Node) map[string]any {
	causes := []any{}
	for _, c := range n.Causes {
		causes = append(causes, map[string]any{"kind": string(c.Kind), "path": c.Path, "from": c.From})
	}
	return map[string]any{"verdict": string(n.Verdict), "causes": causes}
}

func rulesSeen(rules []plan.Rule) map[string]any {
	out := map[string]any{}
	for _, r := range rules {
		out[r.Name] = map[string]any{"verdict": string(r.Verdict), "residual": r.Residual, "reason": r.Reason}
	}
	return out
}

func verdictOf(rules []plan.Rule) plan.RuleVerdict {
	out := plan.Pass
	for _, r := range rules {
		if r.Severity != "warn" {
			out = decide.Worse(out, r.Verdict)
		}
	}
	return out
}

// gate tells how a gate is decided: by the plan, or by the apply.
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

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// approvalsSeen says of each approval whether it is needed.
func approvalsSeen(approvals []plan.Approval) map[string]any {
	out := map[string]any{}
	for _, a := range approvals {
		out[a.Name] = map[plan.RuleVerdict]string{plan.Pass: "needed", plan.Fail: "not_needed", plan.Open: "open", plan.RuleError: "needed"}[a.Needed]
		if a.GivenBy != "" {
			out[a.Name] = "given"
		}
	}
	return out
}

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

// figures are those that rules see of a block; of a check besides whether it passed.
func (b *valueBuilder) figures(block *check.Block) {
	at := path(block)
	data := b.run.figures(block.Address)
	values, ok := decoded(data).(map[string]any)
	if !ok {
		b.unknown(at)
		return
	}
	if delta, ok := decoded(b.run.figures(block.Address + "@champion")).(map[string]any); ok && delta["delta"] != nil {
		values["delta"] = delta["delta"]
	} else if b.run.plan.Node(block.Address+"@champion") != nil {
		b.unknown(append(at, "delta"))
	}
	if block.Kind == "check" {
		b.check(block, values)
	}
	b.put(at, values)
}

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

// tables are the rows of a block's tables.
func (b *valueBuilder) tables(ctx context.Context, block *check.Block) error {
	own := schema.OwnPort(block.TypeSpec.Out)
	for _, port := range sortedKeys(block.Out) {
		t := block.Out[port].Table
		if t == nil {
			continue
		}
		at := path(block, "table")
		if own == nil || own.Name != port {
			at = append(at, port)
		}
		digest := b.run.output(block.Address, port)
		if digest == "" {
			b.unknown(append(at, "count"))
			b.unknown(append(at, "rows"))
			continue
		}
		rows, count, err := b.run.suite.rows(ctx, digest, t)
		if err != nil {
			return err
		}
		b.put(append(slices.Clone(at), "count"), float64(count))
		if count > maxRows {
			b.values.Undefined[strings.Join(at, ".")+".rows"] = fmt.Sprintf("the table has %d rows, and assertions go over %d at most", count, maxRows)
			continue
		}
		b.put(append(slices.Clone(at), "rows"), rows)
	}
	return nil
}

// rows reads a table as assertions see it, and how many rows it has; of more than maxRows only those are read.
func (s *Suite) rows(ctx context.Context, table plan.Digest, t *schema.Table) ([]any, int, error) {
	dir, err := s.store.Temp("read-")
	if err != nil {
		return nil, 0, err
	}
	dest := filepath.Join(dir, "table")
	if err := s.store.Materialize(ctx, table, dest); err != nil {
		return nil, 0, err
	}
	files := map[string]string{"t": filepath.Join(dest, component.TableFile)}
	count := 0
	err = s.o.Tables.Each(ctx, "select count(*)::double from t", files, func(row []any) error {
		n, _ := row[0].(float64)
		count = int(n)
		return nil
	})
	if err != nil || count > maxRows {
		return nil, count, err
	}
	terms := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		as := map[string]string{"a number": "double", "true or false": "boolean", "a string": "varchar"}[cellKind(c.Type)]
		terms[i] = quoted(c.Name) + "::" + as
	}
	out := []any{}
	err = s.o.Tables.Each(ctx, "select "+strings.Join(terms, ", ")+" from t", files, func(row []any) error {
		object := map[string]any{}
		for i, c := range t.Columns {
			object[c.Name] = row[i]
		}
		out = append(out, object)
		return nil
	})
	return out, count, err
}
