package metric

// Counts is how often each row is drawn in a resample; the same draws as Each makes. clusters and count are as there.
func (b Bootstrap) Counts(resample, rows int, clusters []int32, count int) []float64 {
	if clusters == nil {
		count = rows
	}
	ones := make([]float64, rows)
	for i := range ones {
		ones[i] = 1
	}
	drawn := make([]float64, count)
	b.draw(resample, drawn)
	out := make([]float64, rows)
	spread(out, ones, drawn, clusters)
	return out
}
