package canary

import (
	"slices"
	"strings"
)

// Counted is how many counts of both arms a figure rests on: rows, answers, answers whose truth is known, latencies, or scores. A figure of none is missing,
// however many rows there are.
func (e Evidence) Counted(name string) (n float64) {
	parts := strings.Split(name, ".")
	for _, s := range observed(e) {
		for _, a := range []counted{s.canary, s.control} {
			switch {
			case name == "requests.ratio":
				n += a.requests
			case name == "scores.distance":
				n += float64(a.scores.Total())
			case slices.ContainsFunc(quantiles, func(q string) bool { return q+"_ms" == parts[len(parts)-1] }):
				n += float64(a.latency.Total())
			default:
				n += trialsOf(parts[len(parts)-2])(a)
			}
		}
	}
	return n
}

// Rows is how many rows of the canary were counted, at all steps with a control, and at the step of one share in millionths.
func (e Evidence) Rows(share int64) (all, there int64) {
	for _, s := range e.Steps {
		if s.Share == share {
			there = s.Canary.Requests
		}
		if s.Share < Whole {
			all += s.Canary.Requests
		}
	}
	return all, there
}

// Millionths is a share in percent as evidence has it.
func Millionths(percent float64) int64 { return int64(percent*(Whole/100) + 0.5) }
