package c99

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/constant"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
)

// estimator writes the function that makes scores of inputs, and returns the call of it.
func (w *writer) estimator() (call string, err error) {
	switch p := w.parts; {
	case p.Trees != nil:
		w.trees(p.Trees)
	case p.DecisionTrees != nil:
		err = w.decisionTrees(p.DecisionTrees)
	case p.Linear != nil:
		w.linear(p.Linear)
	case p.Constant != nil:
		w.constant(p.Constant)
	}
	return w.p + "_estimate(in, scores);", err
}

// link writes how sums in out become predictions, in place.
func (w *writer) link(link string, outputs int) {
	switch link {
	case "logit", "logistic":
		w.line("\tout[0] = 1.0 / (1.0 + exp(-out[0]));")
	case "exponential":
		w.line("\tout[0] = exp(out[0]);")
	case "square":
		w.line("\tout[0] *= fabs(out[0]);")
	case "softmax":
		w.line("\t{\n\t\tdouble top = out[0], sum = 0.0;\n")
		w.line("\t\tfor (o = 1; o < %d; o++)\n\t\t\tif (out[o] > top)\n\t\t\t\ttop = out[o];", outputs)
		w.line("\t\tfor (o = 0; o < %d; o++) {\n\t\t\tout[o] = exp(out[o] - top);\n\t\t\tsum += out[o];\n\t\t}", outputs)
		w.line("\t\tfor (o = 0; o < %d; o++)\n\t\t\tout[o] /= sum;\n\t}", outputs)
	}
}

// bound takes from shares what their sums were off.
func (w *writer) bound(outputs int) {
	w.line("\t{\n\t\tdouble total = 0.0;\n")
	w.line("\t\tfor (o = 0; o < %d; o++) {\n\t\t\tout[o] = out[o] < 0.0 ? 0.0 : out[o] > 1.0 ? 1.0 : out[o];\n\t\t\ttotal += out[o];\n\t\t}", outputs)
	if outputs > 1 {
		w.line("\t\tfor (o = 0; o < %d && total > 0.0; o++)\n\t\t\tout[o] /= total;", outputs)
	} else {
		w.line("\t\t(void)total;")
	}
	w.line("\t}")
}

// linear writes a linear model: an array of inputs, and a matrix of coefficients.
func (w *writer) linear(m *linear.Model) {
	kinds := map[linear.InputKind]int{linear.Value: 0, linear.Missing: 1, linear.Level: 2, linear.Quantile: 3, linear.Encoded: 4, linear.Clipped: 5}
	used := map[linear.InputKind]bool{}
	var inputs, coefficients []string
	var points []float64
	for i := range m.Inputs {
		in := &m.Inputs[i]
		used[in.Kind] = true
		list := in.Points
		if in.Kind == linear.Encoded {
			list = in.Values
		}
		inputs = append(inputs, fmt.Sprintf("{%d, %d, %d, %d, %d, %s, %s, %s, %s, %s}", in.Feature, kinds[in.Kind], in.Level, len(points), len(list),
			number(in.Mean), number(in.Scale), number(in.Low), number(in.High), number(in.Otherwise)))
		points = append(points, list...)
		for o := range m.Coefficients {
			coefficients = append(coefficients, number(m.Coefficients[o][i]))
		}
	}
	outputs := len(m.Intercepts)
	fmt.Fprintf(&w.data, "struct %s_input { int feature, kind, level, first, count; double mean, scale, low, high, otherwise; };\n", w.p)
	if inputs != nil {
		w.data.WriteString(array("static const struct "+w.p+"_input", w.p+"_inputs", inputs, "kind: 0 a value, 1 missing, 2 a level, 3 a quantile, 4 encoded, 5 clipped"))
		w.data.WriteString(array("static const double", w.p+"_coefficients", coefficients, "by input, then by output"))
	}
	if used[linear.Quantile] || used[linear.Encoded] {
		w.data.WriteString(array("static const double", w.p+"_points", numbers(points), "of quantiles, and values of encoded levels"))
	}
	w.data.WriteString(array("static const double", w.p+"_intercepts", numbers(m.Intercepts), ""))
	if inputs != nil {
		w.linearInput(used)
	}
	w.line("static void %P_estimate(const double *in, double *out)\n{\n\tint o;\n")
	w.line("\tfor (o = 0; o < %d; o++)\n\t\tout[o] = %P_intercepts[o];", outputs)
	if inputs == nil {
		w.line("\t(void)in;")
	} else {
		w.line("\t{\n\t\tint i;\n\n\t\tfor (i = 0; i < %d; i++) {\n\t\t\tdouble x = %P_input(&%P_inputs[i], in[%P_inputs[i].feature]);\n", len(inputs))
		w.line("\t\t\tfor (o = 0; o < %d && x != 0.0; o++)\n\t\t\t\tout[o] += %P_coefficients[i * %d + o] * x;\n\t\t}\n\t}", outputs, outputs)
	}
	w.link(string(m.Link), outputs)
	w.line("}\n")
}

// linearInput writes how an input is made of its feature, of the kinds that are used.
func (w *writer) linearInput(used map[linear.InputKind]bool) {
	if used[linear.Quantile] {
		w.line(quantile)
	}
	w.line("static double %P_input(const struct %P_input *in, double x)\n{\n\tint missing = x != x;\n\n\tswitch (in->kind) {")
	w.line("\tcase 1:\n\t\treturn missing;")
	w.line("\tcase 2:\n\t\treturn !missing && x > -1.0 && x < 2147483647.0 && (int)x == in->level;")
	if used[linear.Quantile] {
		w.line("\tcase 3:\n\t\treturn %P_quantile(%P_points + in->first, in->count, x);")
	}
	if used[linear.Encoded] {
		w.line("\tcase 4:\n\t\tx = !missing && x >= 0.0 && x < in->count ? %P_points[in->first + (int)x] : in->otherwise;\n\t\treturn (x - in->mean) / in->scale;")
	}
	if used[linear.Clipped] {
		w.line("\tcase 5:\n\t\tx = x < in->low ? in->low : x > in->high ? in->high : x;\n\t\tbreak;")
	}
	w.line("\t}\n\treturn missing ? 0.0 : (x - in->mean) / in->scale;\n}\n")
}

const quantile = `/* The share of points below x, by straight lines between them; points of one value count half. */
static double %P_quantile(const double *points, int n, double x)
{
	int first = 0, last;

	if (x != x)
		return 0.5;
	if (x <= points[0])
		return 0.0;
	if (x >= points[n - 1])
		return 1.0;
	while (points[first] < x)
		first++;
	for (last = first; last < n && points[last] == x; last++)
		;
	if (last > first)
		return (first + last - 1) / 2.0 / (n - 1);
	return (first - 1 + (x - points[first - 1]) / (points[first] - points[first - 1])) / (n - 1);
}
`

// constant writes a model that says the same of every row, or what one column says.
func (w *writer) constant(m *constant.Model) {
	w.data.WriteString(array("static const double", w.p+"_constant", numbers(m.Scores), ""))
	outputs := len(m.Scores)
	w.line("static void %P_estimate(const double *in, double *out)\n{\n\tint o;\n")
	w.line("\tfor (o = 0; o < %d; o++)\n\t\tout[o] = %P_constant[o];", outputs)
	switch c := m.Column; {
	case c == nil:
		w.line("\t(void)in;")
	case c.Table == nil:
		w.line("\tif (in[%d] == in[%d])\n\t\tout[0] = in[%d];", c.Feature, c.Feature, c.Feature)
	case len(c.Table) > 0:
		var table []float64
		for _, row := range c.Table {
			table = append(table, row...)
		}
		w.data.WriteString(array("static const double", w.p+"_table", numbers(table), "by the column's value, then by output"))
		w.line("\tfor (o = 0; o < %d && in[%d] >= 0.0 && in[%d] < %d.0; o++)\n\t\tout[o] = %P_table[(int)in[%d] * %d + o];", outputs, c.Feature, c.Feature, len(c.Table), c.Feature, outputs)
	default:
		w.line("\t(void)in;")
	}
	w.line("}\n")
}

// inputs writes how features become what the estimator takes, and returns how many inputs there are. A feature that is encoded by the target is an input for each output.
func (w *writer) inputs() (lines []string, count int) {
	p := w.parts.Preparation
	encoded := map[int]*model.TargetEncoding{}
	if p != nil {
		for i := range p.TargetEncodings {
			encoded[p.TargetEncodings[i].Feature] = &p.TargetEncodings[i]
		}
	}
	for i, place := range w.parts.Reads {
		e := encoded[i]
		if e == nil {
			lines, count = append(lines, fmt.Sprintf("in[%d] = all[%d];", count, place)), count+1
			continue
		}
		for o := range e.Outputs {
			name := fmt.Sprintf("%s_encoded_%d_%d", w.p, i, o)
			w.data.WriteString(array("static const double", name, numbers(e.Outputs[o].Values), "by level of "+comment(w.s.Features[place].Name)))
			lines = append(lines, fmt.Sprintf("in[%[1]d] = all[%[2]d] >= 0.0 && all[%[2]d] < %[3]d.0 ? %[4]s[(int)all[%[2]d]] : %[5]s;", count, place, len(e.Outputs[o].Values), name, number(e.Outputs[o].Otherwise)))
			count++
		}
	}
	return lines, count
}

// score writes the function that is called.
func (w *writer) score(estimate, calibrate string, groups grouped) {
	inputs, count := w.inputs()
	features, outputs := len(w.s.Features), w.s.Outputs()
	w.line("int %P_score(const %P_row *row, double *scores)\n{")
	w.line("\tdouble all[%d] = {0.0}, in[%d] = {0.0}; /* features and what is made of them */\n\tint o, decision = 0, wrong = 0;\n", max(features, 1), max(count, 1))
	if features == 0 {
		w.line("\t(void)row;\n\t(void)all;")
	}
	for i, member := range w.members {
		names, values := w.s.Features[i].Codes()
		switch {
		case names != nil:
			w.line("\tall[%d] = %P_find_name(%P_names_%d, %d, row->%s);", i, i, len(names), member)
		case values != nil:
			w.line("\tall[%d] = %P_find_number(%P_numbers_%d, %d, row->%s);", i, i, numbersOf(values), member)
		default:
			w.line("\tall[%d] = row->%s;", i, member)
		}
	}
	for _, l := range groups.find {
		w.line("\t%s", l)
	}
	for _, place := range w.parts.Reads {
		if !w.s.Features[place].Categorical() {
			w.line("\twrong |= fabs(all[%d]) > FLT_MAX;", place)
		}
	}
	for _, l := range inputs {
		w.line("\t%s", l)
	}
	w.line("\tif (!wrong)\n\t\t%s", estimate)
	if calibrate != "" {
		w.line("\tif (!wrong)\n\t\t%s", calibrate)
	}
	w.line("\tfor (o = 0; o < %d && !wrong; o++)\n\t\twrong = !(fabs(scores[o]) <= DBL_MAX);", outputs)
	w.line("\tif (wrong) {\n\t\tfor (o = 0; o < %d; o++)\n\t\t\tscores[o] = NAN;\n\t\treturn -1;\n\t}", outputs)
	switch {
	case w.binary():
		w.line("\tdecision = scores[0] >= %s;", groups.threshold)
	case w.s.Classes != nil:
		w.line("\tfor (o = 1; o < %d; o++)\n\t\tif (scores[o] > scores[decision])\n\t\t\tdecision = o;", outputs)
	}
	w.line("\treturn decision;\n}\n")
}

// numbersOf is how many elements numberTable has.
func numbersOf(values map[float64]float64) int {
	return max(1, strings.Count(numberTable(values), "{"))
}
