package metric

// Counts returns how often each row is drawn in a resample, by row: 0, 1, 2, … The draws are those of Each with the same seed
// and clusters, so that an SQL metric, which is computed elsewhere, sees the resamples that the others see. Where rows
// have clusters, all rows of a cluster have the same count.
func (b Bootstrap) Counts(resample, rows int, clusters []int32, count int) []float64 {
	if clusters == nil {
		count = rows
	}
	ones := make([]float64, rows)
	for i := range ones {
		ones[i] = 1
	}
	drawn := make([]float64, count)
	b.draw(resample, drawn, make([]uint16, count))
	out := make([]float64, rows)
	spread(out, ones, drawn, clusters)
	return out
}
