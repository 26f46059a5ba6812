package tune

import "math"

// Rung is one round of successive halving (Jamieson and Talwalkar: Non-stochastic Best Arm Identification and Hyperparameter Optimization, AISTATS
// 2016): so many trials, each with so much work.
type Rung struct {
	First  int // number of its first trial
	Trials int
	Work   int // rounds of a fit
}

// Rungs are those of a number of trials of which one in by goes on, to the whole work at the last: of 27 trials, by 3, with 300 rounds
//
//	trials 1 to 27    11 rounds
//	trials 28 to 36   33 rounds
//	trials 37 to 39   100 rounds
//	trial 40          300 rounds
//
// No trial has less work than least; there are fewer rungs then.
func Rungs(trials, by, work, least int) []Rung {
	var counts []int
	for n := trials; ; n /= by {
		counts = append(counts, n)
		if n < by || int(float64(work)/math.Pow(float64(by), float64(len(counts)))) < least {
			break
		}
	}
	out, first := make([]Rung, len(counts)), 1
	for i, n := range counts {
		out[i] = Rung{First: first, Trials: n, Work: max(int(float64(work)/math.Pow(float64(by), float64(len(counts)-1-i))), 1)}
		first += n
	}
	return out
}
