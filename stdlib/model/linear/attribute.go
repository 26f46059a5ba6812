package linear

// Attribute attributes weighed sums to features: a feature has, of a row, what its inputs add to the sum, less the mean of that over background rows.
// These are the interventional Shapley values of a sum. base is [output], the mean sum over the background; values are [output][feature][row], with the
// rows in the order given. Features and outputs are those of the model; background has a row at least.
func (m *Model) Attribute(columns [][]float64, rows, background []int, base []float64, values [][][]float64) {
	copy(base, m.Intercepts)
	for i := range m.Inputs {
		in := &m.Inputs[i]
		mean := 0.0
		for _, r := range background {
			mean += in.At(columns[in.Feature][r])
		}
		mean /= float64(len(background))
		for o := range base {
			base[o] += float64(m.Coefficients[o][i] * mean)
		}
		for k, r := range rows {
			x := in.At(columns[in.Feature][r]) - mean
			for o := range base {
				values[o][in.Feature][k] += float64(m.Coefficients[o][i] * x)
			}
		}
	}
}

// Terms adds to out, [output][feature], what each feature of a row adds to the intercepts. Together they are the Sum.
func (m *Model) Terms(columns [][]float64, row int, out [][]float64) {
	for i := range m.Inputs {
		in := &m.Inputs[i]
		x := in.At(columns[in.Feature][row])
		for o := range out {
			out[o][in.Feature] += float64(m.Coefficients[o][i] * x)
		}
	}
}

// Sum puts the weighed sums of a row, before the link, into out, one element an output, as they are scored.
func (m *Model) Sum(columns [][]float64, row int, out []float64) {
	copy(out, m.Intercepts)
	for i := range m.Inputs {
		in := &m.Inputs[i]
		x := in.At(columns[in.Feature][row])
		for o := range out {
			out[o] += float64(m.Coefficients[o][i] * x)
		}
	}
}
