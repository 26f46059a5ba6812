package resolve

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// limits reads limits on metrics, with the definitions of the metrics in their place. `fpr <= 0.01` becomes
//
//	{"metric": {"name": "fpr", …}, "op": "<=", "limit": 0.01}
//
// All limits are looked at, also behind one that is wrong, so that each mistake is told at once.
func (w *walker) limits(a *syntax.Attr, spec *schema.Attr, path string) (any, outcome) {
	t, ds := expr.Text(a)
	var limits []rule.Limit
	if !ds.HasErrors() {
		w.out.Texts = append(w.out.Texts, Text{Path: path, Spec: spec, Text: t})
		limits, ds = rule.ParseLimits(t)
	}
	w.r.ds = append(w.r.ds, ds...)
	if ds.HasErrors() {
		return nil, wrong
	}
	out, result := []any{}, present
	for _, l := range limits {
		// The definition stands in the configuration: a change of the metric is a change of what it limits.
		address := w.r.metric(l)
		value, err := number(big.NewFloat(l.Value))
		if address == "" || err != nil {
			result = wrong
			continue
		}
		def := w.r.definition(address, l.Range)
		if def == nil {
			result = wrong
			continue
		}
		w.out.Refs = append(w.out.Refs, Reference{
			Path: path, Target: address, TargetPort: string(schema.MetricPort), Edge: schema.DefinitionEdge, Range: l.Range, Spec: spec,
		})
		out = append(out, map[string]any{"metric": def, "op": l.Op, "limit": value})
	}
	return out, result
}

// metric finds the block that a limit's name means, "" after telling that there is none.
// A metric whose own block has a mistake is not missing: nothing is said then.
func (r *resolver) metric(l rule.Limit) string {
	if address := r.metrics[l.Metric]; address != "" {
		return address
	}
	if r.in.Incomplete || r.in.Invalid["metric."+l.Metric] {
		return ""
	}
	all := slices.Sorted(maps.Keys(r.metrics))
	detail := "The module declares no metric."
	if len(all) > 0 {
		detail = "The module's metrics are " + strings.Join(all, ", ") + "."
	}
	r.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeUnknownMetric, Subject: l.Range,
		Summary: fmt.Sprintf("there is no metric %q", l.Metric),
		Detail:  detail,
		Hint:    suggest.DidYouMean(l.Metric, all),
	})
	return ""
}
