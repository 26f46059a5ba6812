package histogram

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// parallel calls f for 0 to tasks-1 on at most so many threads. Tasks must not see each other's results.
func parallel(threads, tasks int, f func(task int)) {
	if threads <= 1 || tasks <= 1 {
		for i := range tasks {
			f(i)
		}
		return
	}
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(tasks); i = next.Add(1) - 1 {
			f(int(i))
		}
	}
	var others sync.WaitGroup
	for range min(threads, tasks) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}

// sampleRows draws each row with probability share, by a hash of seed, round and row. Nil means all rows.
func sampleRows(rows int, share float64, seed int64, round int) []int32 {
	if share >= 1 {
		return nil
	}
	limit := uint64(share * (1 << 53))
	start := mix(mix(uint64(seed)) + uint64(round))
	out := make([]int32, 0, int(float64(rows)*share)+1)
	for r := range rows {
		if mix(start+uint64(r))>>11 < limit {
			out = append(out, int32(r))
		}
	}
	if len(out) == 0 {
		out = append(out, int32(start%uint64(rows)))
	}
	return out
}

// mix is the finaliser of splitmix64 (G. Steele et al., "Fast Splittable Pseudorandom Number Generators", 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// sampleFeatures draws the features for one tree, at least one, ascending.
func sampleFeatures(features int, share float64, seed int64, tree int) []int32 {
	all := make([]int32, features)
	for f := range all {
		all[f] = int32(f)
	}
	if share >= 1 {
		return all
	}
	random := rand.New(rand.NewPCG(uint64(seed), uint64(tree)))
	random.Shuffle(features, func(i, j int) { all[i], all[j] = all[j], all[i] })
	drawn := all[:max(1, int(math.Round(float64(features)*share)))]
	slices.Sort(drawn)
	return drawn
}
