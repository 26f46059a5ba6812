package serve

import (
	"context"
	"errors"
	"fmt"

	"github.com/mlp-lang/mlp/runtime/component"
)

// mostExplained is how many rows of a request are explained: each takes as long as hundreds that are scored.
const mostExplained = 1000

// explanation says which features a row's margin comes from: base and all contributions add up to margin.
type explanation struct {
	Method        string             `json:"method"`
	Base          float64            `json:"base"`
	Margin        float64            `json:"margin"`
	Contributions map[string]float64 `json:"contributions"` // by feature
}

// readExplain reads the value of "explain".
func (b *batch) readExplain(r *reader) error {
	text, err := r.raw()
	if err != nil {
		return err
	}
	if text != "true" && text != "false" {
		return badRequest(`"explain" must be true or false, not %s`, shorten(text))
	}
	b.explain = text == "true"
	return nil
}

// explain finds what the scores of a batch come from. That a model cannot say is a 400, and so are more rows than are explained at once.
func (s *server) explain(ctx context.Context, b *batch) error {
	m, ok := b.model.model.(component.Explainer)
	if !ok {
		return badRequest("model %q: %v", b.model.name, component.ErrUnexplained)
	}
	outputs := max(len(b.model.model.Classes()), 1)
	if b.rows > mostExplained || b.rows*len(b.features)*outputs > s.MaxValues {
		return badRequest("%d rows of %d features are more than are explained at once; send %d at a time", b.rows, len(b.features),
			max(1, min(mostExplained, s.MaxValues/max(1, len(b.features)*outputs))))
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	var err error
	b.explained, err = m.Explain(ctx, b.values, b.part(0, b.values))
	switch {
	case errors.Is(err, component.ErrUnexplained):
		return badRequest("model %q: %v", b.model.name, err)
	case err != nil:
		return fmt.Errorf("explaining with %s %s: %w", b.model.name, b.model.version, err)
	case len(b.explained) != b.values:
		return fmt.Errorf("explaining with %s %s: %d explanations for %d rows", b.model.name, b.model.version, len(b.explained), b.values)
	}
	return nil
}

// addExplanation puts a row's explanation into its answer: of several classes one for each.
func (b *batch) addExplanation(row int, p *prediction) {
	if b.explained == nil || b.held[row] < 0 {
		return
	}
	x := &b.explained[b.held[row]]
	if len(x.Margin) == 1 {
		p.Explanation = b.explanation(x, 0)
		return
	}
	p.Explanations = map[string]*explanation{}
	for o, class := range b.model.model.Classes() {
		p.Explanations[class] = b.explanation(x, o)
	}
}

// explanation is that of one output.
func (b *batch) explanation(x *component.Explanation, output int) *explanation {
	out := &explanation{Method: x.Method, Base: x.Base[output], Margin: x.Margin[output], Contributions: map[string]float64{}}
	for i := range b.features {
		out.Contributions[b.features[i].Name] = x.Contributions[output][i]
	}
	return out
}
