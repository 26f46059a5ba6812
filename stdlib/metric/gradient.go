package metric

import "math"

// gradient is what a metric of a confusion matrix changes by with the weight of a cell; nil where it is undefined.
func (m *Metric) gradient(c matrix) []float64 {
	x, undefined := m.def.counts(m, c)
	if undefined != "" {
		return nil
	}
	step := float64(1e-7 * c.total())
	out := make([]float64, len(c.cells))
	for i, before := range c.cells {
		c.cells[i] = before + step
		y, undefined := m.def.counts(m, c)
		c.cells[i] = before
		if undefined != "" {
			return nil
		}
		out[i] = (y - x) / step
	}
	return out
}

// expansion of a metric of decisions: the influence of each row, and jump, the most that it changes by when one row is
// decided otherwise.
func (m *Metric) expansion(s *Sample) (influence []float64, jump float64) {
	c := s.confusion(s.weights)
	g := m.gradient(c)
	if g == nil {
		return nil, 0
	}
	influence = make([]float64, s.rows)
	// By first order: the metric moves by w·g(cell) with the row. jump is the greatest move between two decisions on one
	// row, times the effective weight of a row, Σw²/Σw.
	var total, squares float64
	for i, cell := range s.cells {
		w := s.weights[i]
		influence[i] = float64(w * g[cell])
		total, squares = total+w, squares+float64(w*w)
	}
	for a := range c.k {
		if c.support(a) == 0 {
			continue
		}
		for b := range c.k {
			jump = max(jump, math.Abs(g[a*c.k+a]-g[a*c.k+b]))
		}
	}
	return influence, jump * squares / total
}

// countsInterval is that of a metric of decisions that is no share, such as a mean of recalls. Where a class has no
// wrong row, or none that is right, its rows do not vary, which is no sign that they never will: so one row more is
// taken to be decided otherwise, where that tells most (as Agresti and Coull 1998 add rows to a share).
func (m *Metric) countsInterval(s *Sample, u units, confidence float64) Interval {
	x, undefined := m.On(s, s.weights)
	influence, jump := m.expansion(s)
	if undefined != "" || influence == nil {
		return Interval{Undefined: undefined}
	}
	v := u.variance(influence, s.weights)
	scale, shift := 1.0, 0.0
	if m.def.signed { // from -1..1 to 0..1
		scale, shift = 0.5, 0.5
	}
	jump = float64(jump * v.design * scale)
	x = float64(x*scale) + shift
	x = min(max(x, min(jump, 0.5)), max(1-jump, 0.5))
	i := bounded(x, float64(v.value*scale*scale)+float64(jump*jump), confidence, v.units, u.of != nil)
	i.Low, i.High = (i.Low-shift)/scale, (i.High-shift)/scale
	return i
}

// countsDelta is the interval of a difference of a metric of decisions on the same rows: Student's, with two rows more
// that only one of the models decides right, one for either (Bonett and Price 2012 of shares).
func (m *Metric) countsDelta(before, after *Sample, u units, confidence float64) Interval {
	was, undefined := m.On(before, before.weights)
	if undefined != "" {
		return Interval{Undefined: "champion: " + undefined}
	}
	is, undefined := m.On(after, after.weights)
	if undefined != "" {
		return Interval{Undefined: "challenger: " + undefined}
	}
	a, jumpA := m.expansion(before)
	b, jumpB := m.expansion(after)
	if a == nil || b == nil {
		return Interval{Undefined: "it has no derivative here"}
	}
	counted := after.weights
	if h := m.asShare(); h != nil {
		counted = h.either(before, after)
	}
	v := u.variance(minus(b, a), counted)
	jump := max(jumpA, jumpB) * v.design
	limit := 1.0
	if m.def.signed {
		limit = 2
	}
	return around(is-was, float64(v.value)+2*float64(jump*jump), v.units-1, confidence, limit)
}

// either are the weights of the rows that the share of one of two models is of.
func (h *share) either(a, b *Sample) []float64 {
	out := make([]float64, a.rows)
	for i := range out {
		was, is := int(a.cells[i]), int(b.cells[i])
		if h.whole(was/a.Classes, was%a.Classes) || h.whole(is/b.Classes, is%b.Classes) {
			out[i] = a.weights[i]
		}
	}
	return out
}

// around is Student's interval of a difference, kept between -limit and limit.
func around(x, variance float64, dof int, confidence, limit float64) Interval {
	if math.IsNaN(variance) || dof < 1 {
		return Interval{Undefined: "all rows that it rests on are of one entity"}
	}
	half := float64(student(confidence, float64(dof)) * math.Sqrt(variance))
	return Interval{Low: max(x-half, -limit), High: min(x+half, limit)}
}
