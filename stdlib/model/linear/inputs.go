package linear

import "math"

// NumberInputs are those of a column of numbers, by its place: one that is centred and scaled to a weighted deviation of 1, and where values are missing one
// that says so. A constant column has none: the intercept has it.
func NumberInputs(feature int, column []float64, weight func(row int) float64) (out []Input) {
	var total, squares, whole, missing float64
	for r, x := range column {
		w := weight(r)
		if x != x {
			missing += w
			continue
		}
		whole += w
		total += float64(w * x)
	}
	mean := 0.0
	if whole > 0 {
		mean = total / whole
	}
	for r, x := range column {
		if x == x {
			squares += float64(weight(r) * float64((x-mean)*(x-mean)))
		}
	}
	// A spread that is rounding only is none.
	if scale := math.Sqrt(squares / whole); whole > 0 && scale > 1e-12*math.Abs(mean) {
		out = append(out, Input{Feature: feature, Kind: Value, Mean: mean, Scale: scale})
	}
	if missing > 0 && whole > 0 {
		out = append(out, Input{Feature: feature, Kind: Missing})
	}
	return out
}

// LevelInputs are those of a column of categories, by its place: one for each level that has rows, but for the most frequent one where there is a reference (with an
// intercept all of them would be dependent), and where some are missing one that says so.
func LevelInputs(feature int, column []float64, levels int, weight func(row int) float64, reference bool) (out []Input) {
	counts, missing := make([]float64, levels), 0.0
	for r, code := range column {
		if code != code {
			missing += weight(r)
		} else {
			counts[int(code)] += weight(r)
		}
	}
	most, groups := 0, 0
	for level, n := range counts {
		if n > counts[most] {
			most = level
		}
		if n > 0 {
			groups++
		}
	}
	if groups == 0 || groups == 1 && missing == 0 {
		return nil
	}
	for level, n := range counts {
		if n > 0 && !(reference && level == most) {
			out = append(out, Input{Feature: feature, Kind: Level, Level: level})
		}
	}
	if missing > 0 {
		out = append(out, Input{Feature: feature, Kind: Missing})
	}
	return out
}
