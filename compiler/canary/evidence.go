package canary

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
)

// Evidence is what was seen of a release so far: counts that only grow. The counts of several servers add up (Merge).
//
//	{"steps":[{"share":50000,"canary":{"requests":510,"errors":9,"latency":[[98,300],[99,210]]},"control":{"requests":9488,"errors":190}}]}
type Evidence struct {
	Steps []Step `json:"steps,omitempty"` // one for each share, ascending
}

// Whole is the share of all traffic.
const Whole = 1_000_000

// Step is what was seen while the canary had one share of the traffic. A share that comes back goes on where it was left.
type Step struct {
	Share   int64 `json:"share"` // by which requests were assigned to the canary, in millionths
	Canary  Arm   `json:"canary"`
	Control Arm   `json:"control"`
}

// Arm counts what one of the two models answered.
type Arm struct {
	Requests  int64     `json:"requests"`
	Errors    int64     `json:"errors,omitempty"`    // requests that failed
	Positives int64     `json:"positives,omitempty"` // answers of the positive class
	Labelled  int64     `json:"labelled,omitempty"`  // answers whose truth is known by now
	Mistakes  int64     `json:"mistakes,omitempty"`  // of those, the wrong ones
	Actual    int64     `json:"actual,omitempty"`    // of those labelled, the ones that turned out positive
	Found     int64     `json:"found,omitempty"`     // of these, the ones that were decided so
	Alarms    int64     `json:"alarms,omitempty"`    // of those labelled that turned out otherwise, the ones that were decided positive
	Latency   Histogram `json:"latency,omitzero"`    // of requests, by LatencyBin
	Scores    Histogram `json:"scores,omitzero"`     // of answers, by ScoreBin
}

// Histogram has the count of each bin. Its JSON is the pairs of bin and count that are not 0, by bin: [[98,300],[99,210]].
type Histogram []int64

// Latencies have eight bins for each doubling, from a sixteenth of a millisecond to 65.536 s; what is faster or slower is in the first
// and the last bin. Scores have fifty bins of the same width from 0 to 1. Bins contain their upper edge.
const (
	LatencyBins   = 20*perDoubling + 2
	ScoreBins     = 50
	perDoubling   = 8
	firstDoubling = -4 // the first edge is 2 to this power, in milliseconds
)

// LatencyBin is the bin of a latency in milliseconds. One that is no number is in the last.
func LatencyBin(ms float64) int {
	return sort.Search(LatencyBins-1, func(b int) bool { return ms <= latencyEdge(b) })
}

// latencyEdge is the upper edge of a bin, in milliseconds; of the last there is none.
func latencyEdge(bin int) float64 {
	roots := [perDoubling]float64{1, 1.0905077326652577, 1.189207115002721, 1.2968395546510096, math.Sqrt2, 1.5422108254079407, 1.681792830507429, 1.8340080864093424}
	return math.Ldexp(roots[bin%perDoubling], firstDoubling+bin/perDoubling)
}

// ScoreBin is the bin of a score from 0 to 1; those outside are in the first or last. It is an error for what is no number.
func ScoreBin(score float64) (int, error) {
	if math.IsNaN(score) {
		return 0, fmt.Errorf("a score that is not a number has no bin")
	}
	bin := math.Ceil(score*ScoreBins) - 1
	return int(min(max(bin, 0), ScoreBins-1)), nil
}

// Add counts one more in a bin.
func (h *Histogram) Add(bin int) {
	if bin >= len(*h) {
		*h = append(*h, make(Histogram, bin+1-len(*h))...)
	}
	(*h)[bin]++
}

// Total is the sum of all bins.
func (h Histogram) Total() (n int64) {
	for _, c := range h {
		n += c
	}
	return n
}

// IsZero reports whether nothing was counted.
func (h Histogram) IsZero() bool { return h.Total() == 0 }

// above is the sum of the bins after a bin.
func (h Histogram) above(bin int) int64 { return h[min(bin+1, len(h)):].Total() }

// At is the step of a share in millionths, from 1 to Whole; it is made if there is none.
func (e *Evidence) At(share int64) *Step {
	i, found := slices.BinarySearchFunc(e.Steps, share, func(s Step, share int64) int { return int(s.Share - share) })
	if !found {
		e.Steps = slices.Insert(e.Steps, i, Step{Share: share})
	}
	return &e.Steps[i]
}

// Merge adds up what two servers saw, or one before and after it was started again. Neither is changed.
func Merge(a, b Evidence) Evidence {
	var out Evidence
	for _, s := range slices.Concat(a.Steps, b.Steps) {
		to := out.At(s.Share)
		to.Canary, to.Control = sum(to.Canary, s.Canary), sum(to.Control, s.Control)
	}
	return out
}

func sum(a, b Arm) Arm {
	counts, more := a.counts(), b.counts()
	for i := range counts {
		*counts[i] += *more[i]
	}
	a.Latency, a.Scores = add(a.Latency, b.Latency), add(a.Scores, b.Scores)
	return a
}

func (a *Arm) counts() []*int64 {
	return []*int64{&a.Requests, &a.Errors, &a.Positives, &a.Labelled, &a.Mistakes, &a.Actual, &a.Found, &a.Alarms}
}

func add(a, b Histogram) Histogram {
	if len(a) < len(b) {
		a, b = b, a
	}
	a = slices.Clone(a)
	for i, n := range b {
		a[i] += n
	}
	return a
}

// Follows tells whether e can have come of before: nil if no count is smaller. What was forgotten, by a server that lost its
// counts, would make figures wrong, since what is forgotten is not chosen by chance.
func (e Evidence) Follows(before Evidence) error {
	for _, was := range before.Steps {
		is := Step{Share: was.Share}
		if i := slices.IndexFunc(e.Steps, func(s Step) bool { return s.Share == was.Share }); i >= 0 {
			is = e.Steps[i]
		}
		if !is.Canary.follows(was.Canary) || !is.Control.follows(was.Control) {
			return fmt.Errorf("counts at a share of %g %% are smaller than they were: some were lost", float64(was.Share)/(Whole/100))
		}
	}
	return nil
}

func (a Arm) follows(before Arm) bool {
	counts, were := a.counts(), before.counts()
	for i := range counts {
		if *counts[i] < *were[i] {
			return false
		}
	}
	return a.Latency.follows(before.Latency) && a.Scores.follows(before.Scores)
}

func (h Histogram) follows(before Histogram) bool {
	for i, n := range before {
		if n > 0 && (i >= len(h) || h[i] < n) {
			return false
		}
	}
	return true
}

// Decode reads evidence from JSON, and refuses what cannot have been counted.
func Decode(text []byte) (Evidence, error) {
	var e Evidence
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return Evidence{}, fmt.Errorf("reading the counts of a release: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Evidence{}, fmt.Errorf("reading the counts of a release: something follows them")
	}
	if err := e.Check(); err != nil {
		return Evidence{}, fmt.Errorf("reading the counts of a release: %w", err)
	}
	return e, nil
}

// Check tells what cannot have been counted: shares out of order or range, more errors than requests.
func (e Evidence) Check() error {
	before := int64(0)
	for _, s := range e.Steps {
		if s.Share <= before || s.Share > Whole {
			return fmt.Errorf("a step has a share of %d millionths after %d: shares ascend, from 1 to %d", s.Share, before, Whole)
		}
		before = s.Share
		if err := s.Canary.check(); err != nil {
			return fmt.Errorf("the canary at a share of %d millionths: %w", s.Share, err)
		}
		if err := s.Control.check(); err != nil {
			return fmt.Errorf("the control at a share of %d millionths: %w", s.Share, err)
		}
	}
	return nil
}

// most is the greatest count: sums of a thousand such are exact.
const most = 1 << 53

func (a Arm) check() error {
	for _, part := range []struct {
		name  string
		n, of int64
	}{
		{"requests", a.Requests, most}, {"errors", a.Errors, a.Requests}, {"positives", a.Positives, a.Requests - a.Errors},
		// Labels come by the log of predictions, which has the rows of a server that was killed before it had kept its counts.
		{"labelled", a.Labelled, most}, {"mistakes", a.Mistakes, a.Labelled}, {"actual", a.Actual, a.Labelled}, {"found", a.Found, a.Actual}, {"alarms", a.Alarms, a.Labelled - a.Actual},
	} {
		if part.n < 0 || part.n > part.of {
			return fmt.Errorf("%d %s: there can be 0 to %d", part.n, part.name, part.of)
		}
	}
	if err := a.Latency.check("latency", LatencyBins, a.Requests); err != nil {
		return err
	}
	return a.Scores.check("scores", ScoreBins, a.Requests-a.Errors)
}

func (h Histogram) check(name string, bins int, of int64) error {
	if len(h) > bins {
		return fmt.Errorf("%s has a bin %d: there are %d", name, len(h)-1, bins)
	}
	rest := of
	for _, n := range h {
		if n < 0 || n > rest {
			return fmt.Errorf("%s counts more than %d, or less than nothing", name, of)
		}
		rest -= n
	}
	return nil
}

// MarshalJSON writes the bins that are not empty.
func (h Histogram) MarshalJSON() ([]byte, error) {
	pairs := [][2]int64{}
	for bin, n := range h {
		if n != 0 {
			pairs = append(pairs, [2]int64{int64(bin), n})
		}
	}
	return json.Marshal(pairs)
}

// UnmarshalJSON reads pairs of bin and count, by ascending bin.
func (h *Histogram) UnmarshalJSON(text []byte) error {
	var pairs [][]int64
	if err := json.Unmarshal(text, &pairs); err != nil {
		return err
	}
	*h = nil
	for _, p := range pairs {
		if len(p) != 2 || p[0] < int64(len(*h)) || p[0] >= LatencyBins || p[1] <= 0 {
			return fmt.Errorf("bins are pairs of bin and count, by ascending bin below %d, without empty ones", LatencyBins)
		}
		*h = append(*h, make(Histogram, p[0]+1-int64(len(*h)))...)
		(*h)[p[0]] = p[1]
	}
	return nil
}
