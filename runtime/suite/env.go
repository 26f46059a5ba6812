package suite

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// assertion is a condition of a test.
type assertion struct {
	name, message string // message is what the author wants told where the condition does not hold; may be empty
	at            source.Range
	text          source.Text
	rule          *rule.Rule // nil after a mistake in the text
}

// asserts compiles what a test asserts. The environment is that of the test's own module, so that a rule that an
// override adds can be asserted.
func (k *checker) asserts() error {
	if len(k.test.asserts) == 0 {
		return nil
	}
	env, err := rule.NewEnv(environment(k.test.module))
	if err != nil {
		return err
	}
	for _, a := range k.test.asserts {
		compiled, diags := env.Compile(a.text)
		k.diags = append(k.diags, diags...)
		a.rule = compiled
	}
	return nil
}

// Types of what a plan tells of a block. They list the words that may be compared with, so that `verdict == "runs"` is
// a mistake when the test is read and not a condition that never holds.
var (
	stagePlan = schema.Object(map[string]*schema.FigureType{
		"verdict": schema.OneOf(words(plan.Run, plan.MayRun, plan.Cached, plan.Metadata, plan.Moved, plan.Accepted, plan.Blocked)...),
		"causes": schema.ListOf(schema.Object(map[string]*schema.FigureType{
			"kind": schema.OneOf(words(plan.ConfigCause, plan.DataCause, plan.ImageCause, plan.CodeCause, plan.ComponentCause, plan.WiringCause,
				plan.NeverRanCause, plan.ForcedCause, plan.LostCause, plan.InputCause, plan.SchemaCause, plan.MetadataCause, plan.MovedCause, plan.AcceptedCause)...),
			"path": schema.Word, "from": schema.Word,
		})),
	})
	ruleVerdict = schema.OneOf(words(plan.Pass, plan.Fail, plan.Open, plan.RuleError)...)
	ruleSeen    = schema.Object(map[string]*schema.FigureType{
		"verdict": ruleVerdict, "residual": schema.Word, "reason": schema.Word,
	})
	warnings = schema.ListOf(schema.Object(map[string]*schema.FigureType{"code": schema.Word, "summary": schema.Word}))
)

// words are typed constants as texts.
func words[T ~string](list ...T) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}

// environment is the type of what assertions see, as rules of gates see figures: an object with the members
//
//	plan.train.model.verdict, .causes      what the plan says of a stage
//	plan.warnings
//	table.dataset.orders.count, .rows      what its tables hold
//	variable.region
//	gate.release.verdict, .rules, .approvals, .blocked_by
//	deploy.scorer.action, .released
//	evaluate.holdout.metrics.recall        figures, as rules see them
//	check.orders.passed, .rules
//
// Keys of repeated blocks come behind the name: train.model.eu. Blocks of called modules are not among them: a module
// is tested where it stands. values.go puts together the values in the same form; what is added here must be added
// there.
func environment(m *check.Module) *schema.FigureType {
	e := &envBuilder{root: map[string]*schema.FigureType{}}
	variables := map[string]*schema.FigureType{}
	for name, v := range m.Variables {
		if t := check.ValueType(v.Type()); t != nil {
			variables[name] = t
		}
	}
	e.root["variable"] = schema.Object(variables)
	e.root["variable"].Withheld = m.SensitiveVariables
	e.root["table"], e.root["plan"] = schema.Object(map[string]*schema.FigureType{}), schema.Object(map[string]*schema.FigureType{"warnings": warnings})
	for _, rb := range m.Module.Blocks {
		b := m.Blocks[rb.Address]
		if b.Module != "" {
			continue
		}
		e.block(b)
	}
	return schema.Object(e.root)
}

// envBuilder puts the types of blocks into the root object.
type envBuilder struct{ root map[string]*schema.FigureType }

// block adds what asserts of a test see of a block: of a gate its verdict, rules and approvals; of a deployment what would
// happen; of others their figures; and besides, under plan and table, the stage's verdict and the columns of its tables.
func (e *envBuilder) block(b *check.Block) {
	switch {
	case b.TypeSpec.IsGate():
		rules, approvals := ruleNames(b)
		e.add(e.root, b, schema.Object(map[string]*schema.FigureType{
			"verdict": ruleVerdict, "rules": schema.KeyedMap(ruleSeen, rules...),
			"approvals":  schema.KeyedMap(schema.OneOf("needed", "not_needed", "open", "given"), approvals...),
			"blocked_by": schema.ListOf(schema.Word),
		}))
	case b.TypeSpec.IsDeployment():
		e.add(e.root, b, schema.Object(map[string]*schema.FigureType{"action": schema.OneOf(words(plan.NoRelease, plan.CreateRelease, plan.ChangeRelease, plan.MayRelease)...), "released": schema.Flag}))
	case b.Figures != nil:
		fields := maps.Clone(b.Figures.Fields)
		if b.TypeSpec.IsCheck() {
			rules, _ := ruleNames(b)
			fields["passed"], fields["rules"] = schema.Flag, schema.KeyedMap(ruleSeen, rules...)
		}
		e.add(e.root, b, schema.Object(fields))
	}
	if b.TypeSpec.Version > 0 {
		e.add(e.root["plan"].Fields, b, stagePlan)
	}
	ports := map[string]*schema.FigureType{}
	for port, s := range b.Out {
		if s.Table != nil {
			ports[port] = tableType(s.Table)
		}
	}
	// The table of a block's own port stands for the block: table.dataset.orders.rows, and not
	// table.dataset.orders.table.rows.
	if own := schema.OwnPort(b.TypeSpec.Out); own != nil && ports[own.Name] != nil {
		for name, t := range ports[own.Name].Fields {
			ports[name] = t
		}
		delete(ports, own.Name)
	}
	if len(ports) > 0 {
		e.add(e.root["table"].Fields, b, schema.Object(ports))
	}
}

// add puts the type of a block below its kind and name, of an instance below its key as well. Instances of a block have
// one type, that of the last: their figures differ in values alone.
func (e *envBuilder) add(to map[string]*schema.FigureType, b *check.Block, t *schema.FigureType) {
	if to[b.Kind] == nil {
		to[b.Kind] = schema.Object(map[string]*schema.FigureType{})
	}
	kind := to[b.Kind].Fields
	if b.Key == "" {
		kind[b.Name] = t
		return
	}
	if kind[b.Name] == nil {
		kind[b.Name] = schema.KeyedMap(t)
	}
	kind[b.Name] = schema.KeyedMap(t, append(slices.Clone(kind[b.Name].Keys), b.Key)...)
}

// tableType is a table as assertions see it: how many rows, and the rows.
func tableType(t *schema.Table) *schema.FigureType {
	fields := map[string]*schema.FigureType{}
	for _, c := range t.Columns {
		switch cellKind(c.Type) {
		case "a number":
			fields[c.Name] = schema.Double
		case "true or false":
			fields[c.Name] = schema.Flag
		default:
			fields[c.Name] = schema.Word
		}
	}
	return schema.Object(map[string]*schema.FigureType{"count": schema.Double, "rows": schema.ListOf(schema.Object(fields))})
}

// ruleNames are those of a block's rules and approvals, sorted. They are read from its policy, as the planner reads them.
func ruleNames(b *check.Block) (rules, approvals []string) {
	var policy struct{ Rule, Approval []struct{ Name string } }
	_ = json.Unmarshal(b.Policy, &policy) // without a policy there are none
	for _, r := range policy.Rule {
		rules = append(rules, r.Name)
	}
	for _, a := range policy.Approval {
		approvals = append(approvals, a.Name)
	}
	slices.Sort(rules)
	slices.Sort(approvals)
	return rules, approvals
}
