package schema

import (
	"math"
	"slices"
	"strings"
)

// Strategy is how a deployment goes from the release that is live to the next one, where that is not at once.
type Strategy struct {
	Role  RouteRole `json:"role" is:"word"`
	Steps []float64 `json:"steps"` // shares of the rows in percent: of a canary rising, each under 100
	// Rules say when a canary goes on and when it is taken away, without a hand. Nil: it is moved by hand alone.
	Rules *StepRules `json:"rules,omitempty"`
}

// StepRules are the conditions by which a canary is moved. They are CEL over what servers count of it and of the live model, and hold all that is to be known
// to decide them but those counts: variables are folded in.
type StepRules struct {
	Promote  string `json:"promote_when,omitempty" is:"text"`  // it goes to its next step when this holds
	Rollback string `json:"rollback_when,omitempty" is:"text"` // it is taken away when this holds
	// Alpha is in how many releases one of their decisions may be wrong, all looks at all steps together.
	Alpha      float64       `json:"alpha"`
	Every      float64       `json:"every_seconds,omitempty"` // a step lasts as long at least
	MinSamples int64         `json:"min_samples,omitempty"`   // and until so many rows of the canary are counted at it
	Otherwise  StepOtherwise `json:"otherwise" is:"word"`
	// JudgedBy is the monitor whose labels tell how the canary's decisions turned out; empty: nothing does.
	JudgedBy string `json:"judged_by,omitempty" is:"address"`
	// Traffic is what is expected of the deployment, for how long steps take. Nil: nothing is said.
	Traffic *Traffic `json:"traffic,omitempty"`
}

// StepOtherwise is what is done where a rule cannot be decided however many rows there are: a figure is missing, or promote_when is known not to hold.
type StepOtherwise string

const (
	HoldStep  StepOtherwise = "hold"  // the canary stays as it is, for somebody to look at
	AbortStep StepOtherwise = "abort" // it is taken away
)

// TrafficOr is the traffic that is declared, or else another.
func (r *StepRules) TrafficOr(seen *Traffic) *Traffic {
	if r != nil && r.Traffic != nil {
		return r.Traffic
	}
	return seen
}

// Traffic is what a deployment is asked, and what comes of it with the model that is live.
type Traffic struct {
	PerMinute    float64 `json:"per_minute"`              // rows that count
	ErrorRate    float64 `json:"error_rate"`              // of rows that are not scored
	PositiveRate float64 `json:"positive_rate,omitempty"` // of answers of the positive class
	// Labels is what is expected of what rows turn out to be. Nil: nothing.
	Labels *LabelTraffic `json:"labels,omitempty"`
}

// LabelTraffic is what is expected of labels, with the model that is live. A rate that is 0 is not known.
type LabelTraffic struct {
	After             float64 `json:"after_seconds,omitempty"` // a row was answered, until its label counts
	Share             float64 `json:"share"`                   // of rows that get a label that counts
	PositiveRate      float64 `json:"positive_rate,omitempty"` // of these, that turn out positive
	MistakeRate       float64 `json:"mistake_rate,omitempty"`  // of these, that were decided wrongly
	Recall            float64 `json:"recall,omitempty"`        // of those that turn out positive, that were decided so
	FalsePositiveRate float64 `json:"false_positive_rate,omitempty"`
}

// Of is the rate that a figure of labels is about with the live model, and how many rows a minute count for it, of so many in all.
func (l *LabelTraffic) Of(figure string, perMinute float64) (rate, counted float64) {
	counted = perMinute * l.Share
	switch {
	case strings.Contains(figure, "recall"):
		return l.Recall, counted * l.PositiveRate
	case strings.Contains(figure, "false_positives"):
		return l.FalsePositiveRate, counted * (1 - l.PositiveRate)
	}
	return l.MistakeRate, counted
}

// valid reports whether all of it are shares.
func (l *LabelTraffic) valid() bool {
	if l == nil {
		return true
	}
	for _, x := range []float64{l.Share, l.PositiveRate, l.MistakeRate, l.Recall, l.FalsePositiveRate} {
		if !(x >= 0 && x <= 1) {
			return false
		}
	}
	return l.After >= 0 && !math.IsInf(l.After, 0)
}

// DefaultAlpha is the alpha of rules that say nothing of it.
const DefaultAlpha = 0.05

// RouteRole is what a candidate is for while another release is live.
type RouteRole string

const (
	CanaryRoute RouteRole = "canary" // answers a share of the rows
	GreenRoute  RouteRole = "green"  // answers who asks for its version, until all rows are turned to it at once
	ShadowRoute RouteRole = "shadow" // scores a share of the rows that the live model answers, and answers nobody
)

// Valid reports whether it is a strategy: of a role that there is, with steps that are shares, and rules that are a canary's.
func (s *Strategy) Valid() bool {
	wrong := func(share float64) bool { return !(share >= 0 && share <= 100) }
	return len(s.Steps) > 0 && !slices.ContainsFunc(s.Steps, wrong) && slices.Contains([]RouteRole{CanaryRoute, GreenRoute, ShadowRoute}, s.Role) &&
		(s.Rules == nil || s.Role == CanaryRoute && s.Rules.Valid())
}

// Valid reports whether decisions can be made by the rules.
func (r *StepRules) Valid() bool {
	share := func(x float64) bool { return x >= 0 && x <= 1 }
	t := r.Traffic
	return r.Promote+r.Rollback != "" && r.Alpha > 0 && r.Alpha < 1 && r.Every >= 0 && !math.IsInf(r.Every, 0) && r.MinSamples >= 0 &&
		(r.Otherwise == HoldStep || r.Otherwise == AbortStep) &&
		(t == nil || t.PerMinute > 0 && !math.IsInf(t.PerMinute, 0) && share(t.ErrorRate) && share(t.PositiveRate) && t.Labels.valid())
}
