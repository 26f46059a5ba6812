package evaluation

import "math"

// keepScored leaves the rows out that a model has no prediction for.
// Everything of the counted rows shrinks with them. Groups keep their numbers, of which some may have no row left; entities are
// numbered anew, since resamples draw among all numbers. A second call, for a second model, leaves out further rows.
func (r *rows) keepScored(predicted []float64) {
	var at []int // of counted, those that stay
	for k, i := range r.counted {
		if !math.IsNaN(predicted[i]) {
			at = append(at, k)
		}
	}
	if len(at) == len(r.counted) {
		return
	}
	r.counted = choose(r.counted, at)
	if r.weight != nil {
		r.weight = choose(r.weight, at)
	}
	if r.clusters != nil {
		r.clusters, r.clusterN = renumber(choose(r.clusters, at))
	}
	masks, all := make([][]bool, len(r.masks)), make([]groups, len(r.groups))
	for i, mask := range r.masks {
		masks[i] = choose(mask, at)
	}
	for i, g := range r.groups {
		all[i] = groups{of: choose(g.of, at), names: g.names}
	}
	r.masks, r.groups = masks, all
}

// choose copies the elements at some places.
func choose[T any](from []T, at []int) []T {
	out := make([]T, len(at))
	for i, k := range at {
		out[i] = from[k]
	}
	return out
}

// renumber gives the clusters that still have rows the numbers from 0 on, without gaps.
func renumber(clusters []int32) ([]int32, int) {
	to := map[int32]int32{}
	for i, c := range clusters {
		id, known := to[c]
		if !known {
			id = int32(len(to))
			to[c] = id
		}
		clusters[i] = id
	}
	return clusters, len(to)
}
