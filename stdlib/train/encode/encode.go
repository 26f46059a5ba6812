// Package encode makes numbers of categories by the target of the rows that have them.
//
// A category of one row would tell the model that row's target. So the training rows are parted into folds, and a row's category is encoded by the rows
// of the other folds; the model keeps the encoding by all rows (cross-fitting, as in scikit-learn's TargetEncoder). With n rows of a category, their mean m
// and their variance v, the mean of all M and their variance V, it is
//
//	λ·m + (1-λ)·M   with λ = n/(n + smoothing), or left out, λ = V·n/(V·n + v)   (Micci-Barreca 2001)
//
// so that categories of few rows, or with targets far apart, are near M. Of the categories a, a, b, b with targets 1, 1, 0, 1 and smoothing 2,
// M is 0.75, a is (2 + 2·0.75)/4 = 0.875, b (1 + 2·0.75)/4 = 0.625. A category that no row had, and a missing one, is M. The folds are by the place of a row in the table's order, which is that of its key.
package encode

// Folds is how many folds the training rows are parted into where nobody says.
const Folds = 5

// Target encodes the categories of rows by their targets.
type Target struct {
	Codes, Target []float64 // by row: the index of a category or NaN, and the amount, or 1 of a class and 0 of others
	Weight        func(row int) float64
	Levels        int
	Smoothing     *float64 // nil: by the variances
}

// fold is the fold of a row: by chance, and always the same.
func fold(row, folds int) int {
	return int(uint64(row+1) * 0x9e3779b97f4a7c15 >> 33 % uint64(folds))
}

// Cross encodes each row by those of the other folds.
func (e *Target) Cross(folds int) []float64 {
	out := make([]float64, len(e.Codes))
	for f := range folds {
		values, otherwise := e.Fit(func(r int) bool { return fold(r, folds) != f })
		for r, code := range e.Codes {
			if fold(r, folds) != f {
				continue
			}
			if out[r] = otherwise; code == code {
				out[r] = values[int(code)]
			}
		}
	}
	return out
}

// Fit encodes each category by some rows; otherwise is the mean of their targets.
func (e *Target) Fit(some func(row int) bool) (values []float64, otherwise float64) {
	values = make([]float64, e.Levels)
	rows, sums, squares := make([]float64, e.Levels), make([]float64, e.Levels), make([]float64, e.Levels)
	var weight, total, variance float64
	for r, code := range e.Codes {
		if w := e.Weight(r); some(r) {
			weight, total = weight+w, total+float64(w*e.Target[r])
			if code == code {
				rows[int(code)] += w
				sums[int(code)] += float64(w * e.Target[r])
			}
		}
	}
	if weight == 0 {
		return values, 0
	}
	otherwise = total / weight
	for r, code := range e.Codes {
		if some(r) {
			d := e.Target[r] - otherwise
			variance += float64(e.Weight(r) * float64(d*d))
			if code == code && rows[int(code)] > 0 {
				d = e.Target[r] - sums[int(code)]/rows[int(code)]
				squares[int(code)] += float64(e.Weight(r) * float64(d*d))
			}
		}
	}
	variance /= weight
	for k := range values {
		share := float64(variance*rows[k]) / (float64(variance*rows[k]) + squares[k]/rows[k])
		if e.Smoothing != nil {
			share = rows[k] / (rows[k] + *e.Smoothing)
		}
		if values[k] = otherwise; rows[k] > 0 && share == share {
			values[k] = float64(share*(sums[k]/rows[k])) + float64((1-share)*otherwise)
		}
	}
	return values, otherwise
}
