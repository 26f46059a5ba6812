package c99

import (
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/stdlib/model"
)

// calibration writes the curves, and returns the call that makes probabilities of scores; "" without.
func (w *writer) calibration() string {
	c := w.b.Calibration()
	if c == nil {
		return ""
	}
	all := slices.Clone(c.Curves)
	for _, curves := range c.GroupCurves {
		all = append(all, curves...)
	}
	var curves []string
	var x, y []float64
	for i := range all {
		curves = append(curves, fmt.Sprintf("{%s, %s, %d, %d}", number(all[i].Slope), number(all[i].Intercept), len(x), len(all[i].X)))
		x, y = append(x, all[i].X...), append(y, all[i].Y...)
	}
	outputs := len(c.Curves)
	fmt.Fprintf(&w.data, "struct %s_curve { double slope, intercept; int first, count; };\n", w.p)
	w.data.WriteString(array("static const struct "+w.p+"_curve", w.p+"_curves", curves, "by output: of all rows, then of each group"))
	w.line("static double %P_curve(const struct %P_curve *c, double x)\n{")
	if c.Method == model.Isotonic {
		w.data.WriteString(array("static const double", w.p+"_curves_x", numbers(x), ""))
		w.data.WriteString(array("static const double", w.p+"_curves_y", numbers(y), ""))
		w.line("\tconst double *xs = %P_curves_x + c->first, *ys = %P_curves_y + c->first;\n\tint low = 0, high = c->count; /* the first point that is not before x */\n")
		w.line("\twhile (low < high) {\n\t\tint middle = low + (high - low) / 2;\n\n\t\tif (xs[middle] < x)\n\t\t\tlow = middle + 1;\n\t\telse\n\t\t\thigh = middle;\n\t}")
		w.line("\tif (low == 0)\n\t\treturn ys[0];\n\tif (low == c->count)\n\t\treturn ys[c->count - 1];")
		w.line("\treturn ys[low - 1] + (ys[low] - ys[low - 1]) * ((x - xs[low - 1]) / (xs[low] - xs[low - 1]));\n}\n")
	} else {
		w.line("\treturn 1.0 / (1.0 + exp(-(c->slope * x + c->intercept)));\n}\n")
	}
	w.line("/* curves are those of the row's group, one an output. */\nstatic void %P_calibrate(const struct %P_curve *curves, double *out)\n{\n\tint o;\n")
	w.line("\tfor (o = 0; o < %d; o++) {\n\t\tdouble x = out[o];\n\n\t\tif (x != x)\n\t\t\tcontinue;", outputs)
	if c.Scale == model.Margin {
		w.line("\t\tx = x < 1e-16 ? 1e-16 : x > 1.0 - DBL_EPSILON / 2 ? 1.0 - DBL_EPSILON / 2 : x;\n\t\tx = log(x) - log1p(-x);")
	}
	w.line("\t\tout[o] = %P_curve(&curves[o], x);\n\t}")
	if outputs > 1 {
		w.line("\t{\n\t\tdouble total = 0.0;\n\n\t\tfor (o = 0; o < %d; o++)\n\t\t\ttotal += out[o];\n\t\tfor (o = 0; o < %d; o++)\n\t\t\tif (total > 0.0)\n\t\t\t\tout[o] /= total;\n\t\t\telse if (total == 0.0)\n\t\t\t\tout[o] = 1.0 / %d;\n\t}", outputs, outputs, outputs)
	}
	w.line("}\n")
	if c.Groups == nil {
		return w.p + "_calibrate(" + w.p + "_curves, scores);"
	}
	return fmt.Sprintf("%s_calibrate(&%s_curves[(calibrated + 1) * %d], scores);", w.p, w.p, outputs)
}

// grouped is how the groups of a row are found, and the threshold that comes of them.
type grouped struct {
	find      []string
	threshold string
}

// groups writes the groups of decisions and calibrations.
func (w *writer) groups() (out grouped, err error) {
	out.threshold = number(w.b.Threshold())
	c, d := w.b.Calibration(), w.b.Decision()
	if (c == nil || c.Groups == nil) && d == nil {
		return out, nil
	}
	w.line(findGroup)
	add := func(name string, g *model.Groups) error {
		at, codes, err := w.b.Placed(g)
		if err != nil {
			return err
		}
		var flat []float64
		for _, row := range codes {
			flat = append(flat, row...)
		}
		places := make([]string, len(at))
		for i, p := range at {
			places[i] = fmt.Sprint(p)
		}
		w.data.WriteString(array("static const int", w.p+"_"+name+"_by", places, "features that make groups"))
		w.data.WriteString(array("static const double", w.p+"_"+name+"_groups", numbers(flat), "what they are, by group"))
		out.find = append(out.find, fmt.Sprintf("int %[2]s = %[1]s_group(%[1]s_%[2]s_by, %[3]d, %[1]s_%[2]s_groups, %[4]d, all);", w.p, name, len(at), len(codes)))
		if !g.Otherwise {
			out.find = append(out.find, fmt.Sprintf("wrong |= %s < 0;", name))
		}
		return nil
	}
	if c != nil && c.Groups != nil {
		if err := add("calibrated", c.Groups); err != nil {
			return out, err
		}
	}
	if d != nil {
		if err := add("decided", &d.Groups); err != nil {
			return out, err
		}
		w.data.WriteString(array("static const double", w.p+"_thresholds", numbers(append([]float64{w.b.Threshold()}, d.Thresholds...)), "of rows of no group, then by group"))
		out.threshold = w.p + "_thresholds[decided + 1]"
	}
	return out, nil
}

const findGroup = `/* The group that a row is of, -1 of none: where a value is missing, or is none that groups have. */
static int %P_group(const int *by, int columns, const double *groups, int count, const double *all)
{
	int g, i;

	for (g = 0; g < count; g++) {
		for (i = 0; i < columns && all[by[i]] == groups[g * columns + i]; i++)
			;
		if (i == columns)
			return g;
	}
	return -1;
}
`
