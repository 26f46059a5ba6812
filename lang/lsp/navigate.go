package lsp

import (
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// target is the address that the position is about: of the block whose name it is, or that it refers to; "" if it is
// about none. The word is the name there; empty where the name cannot be renamed from that place.
func (r *request) target(p *place) (string, word) {
	switch p.what {
	case atLabel:
		if w, ok := p.block.label(); ok && w == p.word && p.block.parent == nil {
			return p.block.address(), w
		}
	case atItem:
		if p.attr != nil && p.block.kind.text == "locals" {
			return "local." + p.attr.name.text, p.attr.name
		}
	case atValue, atString:
		if u := r.useAt(p); u != nil {
			return u.address, u.name
		}
		if p.what == atString {
			return r.targetInText(p)
		}
	}
	return "", word{}
}

// targetInText finds the block behind a table's name in a query, or behind a metric's in a path of figures:
// evaluate.holdout.metrics.auc leads to the metric block auc.
func (r *request) targetInText(p *place) (string, word) {
	if p.string.lang == sqlText {
		from := "from"
		if p.attr.spec.Tables != "" {
			from = p.attr.spec.Tables
		}
		a := p.block.top().attr(from)
		if a == nil {
			return "", word{}
		}
		for _, u := range p.tree.references(a, r.module.cat) {
			if u.key.text == p.word.text || u.key.text == "" && u.name.text == p.word.text {
				return u.address, word{}
			}
		}
		return "", word{}
	}
	for address, d := range r.module.definitions() {
		if !isMetric(d) || d.name.text != p.word.text {
			continue
		}
		for _, w := range r.module.metricWords(p.tree, p.attr, d.name.text) {
			if w == p.word {
				return address, w
			}
		}
	}
	return "", word{}
}

// definition leads to the label that declares what stands at the position. An empty list if there is none.
func (r *request) definition() []location {
	address, _ := r.target(r.place())
	d := r.module.definitions()[address]
	if d == nil {
		return []location{}
	}
	return []location{{URI: r.module.uri(d.tree.name), Range: d.tree.text.span(d.name.start, d.name.end)}}
}

// references are all places that speak of what stands at the position, in all files of the module.
func (r *request) references() []location {
	out := []location{}
	address, _ := r.target(r.place())
	d := r.module.definitions()[address]
	if d == nil {
		return out
	}
	if r.params.Context.IncludeDeclaration {
		out = append(out, location{URI: r.module.uri(d.tree.name), Range: d.tree.text.span(d.name.start, d.name.end)})
	}
	for _, m := range r.module.mentions(address, d) {
		out = append(out, location{URI: r.module.uri(m.tree.name), Range: m.tree.text.span(m.whole.start, m.whole.end)})
	}
	return out
}

// mention is a place that speaks of an address.
type mention struct {
	tree  *tree
	name  word
	whole word // with its kind
	use   *use // nil for a metric in a path of figures
}

// mentions of an address in all files, in their order.
func (m *module) mentions(address string, d *definition) []mention {
	var out []mention
	for _, t := range m.trees() {
		for _, u := range t.uses(m.cat) {
			if u.address != address {
				continue
			}
			whole := u.name
			if u.kind.end > 0 {
				whole.start = u.kind.start
			}
			out = append(out, mention{tree: t, name: u.name, whole: whole, use: u})
		}
		if isMetric(d) {
			t.walk(func(b *block) {
				for _, a := range b.attrs {
					for _, w := range m.metricWords(t, a, d.name.text) {
						out = append(out, mention{tree: t, name: w, whole: w})
					}
				}
			})
		}
	}
	slices.SortStableFunc(out, func(a, b mention) int {
		if c := strings.Compare(a.tree.name, b.tree.name); c != 0 {
			return c
		}
		return a.name.start - b.name.start
	})
	return out
}

// isMetric reports whether a definition is a metric: rules name it without its kind, as evaluate.e.metrics.auc.
func isMetric(d *definition) bool {
	if d.local != nil || d.block.typeSpec == nil {
		return false
	}
	own := schema.OwnPort(d.block.typeSpec.Out)
	return own != nil && own.Type == schema.MetricPort
}

// metricWords are the places where a rule reads the figure of a metric: under metrics, intervals, delta, or of a slice.
// The type of what stands before must have that metric, so that a figure that happens to have its name is none of them.
func (m *module) metricWords(t *tree, a *attr, metric string) []word {
	if a.spec == nil || a.spec.Type != schema.CEL {
		return nil
	}
	env := m.env(a.block)
	if env == nil {
		return nil
	}
	var out []word
	for _, e := range t.texts(a) {
		for _, ch := range chains(e.lexemes) {
			// A metric stands fourth in a path at the earliest: evaluate, e, metrics, auc.
			for n := 3; n < len(ch.steps); n++ {
				parent := figureAt(env, e.lexemes, ch, n)
				if ch.steps[n].name == metric && !ch.steps[n].index && parent != nil && parent.Fields[metric] != nil && holdsMetrics(ch.steps[:n]) {
					out = append(out, e.word(ch.steps[n].at))
				}
			}
		}
	}
	return out
}

// holdsMetrics reports whether the last step of a path in a rule may be a metric: behind metrics, intervals, delta, or a
// slice.
func holdsMetrics(path []step) bool {
	n := len(path)
	switch path[n-1].name {
	case "metrics", "intervals", "delta", "performance":
		return !path[n-1].index
	}
	return path[n-2].name == "slices"
}
