package http

import (
	"cmp"
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
)

// canary is a release by steps. The conditions are as they stand in the block: who plans compiles them, and folds in what they know.
type canary struct {
	Steps      []float64            `json:"steps"`
	Promote    string               `json:"promote_when"`
	Rollback   string               `json:"rollback_when"`
	Alpha      *float64             `json:"alpha"`
	Every      string               `json:"every"`
	MinSamples int64                `json:"min_samples"`
	Otherwise  schema.StepOtherwise `json:"otherwise"`
	Traffic    *traffic             `json:"traffic"`
}

// traffic is what is expected of the deployment.
type traffic struct {
	PerMinute    float64 `json:"per_minute"`
	ErrorRate    float64 `json:"error_rate"`
	PositiveRate float64 `json:"positive_rate"`
	Labels       *labels `json:"labels"`
}

// labels is what is expected of what rows turn out to be.
type labels struct {
	After             string  `json:"after"`
	Share             float64 `json:"share"`
	PositiveRate      float64 `json:"positive_rate"`
	MistakeRate       float64 `json:"mistake_rate"`
	Recall            float64 `json:"recall"`
	FalsePositiveRate float64 `json:"false_positive_rate"`
}

// traffic as strategies have it.
func (l *labels) traffic() *schema.LabelTraffic {
	if l == nil {
		return nil
	}
	out := &schema.LabelTraffic{Share: l.Share, PositiveRate: l.PositiveRate, MistakeRate: l.MistakeRate, Recall: l.Recall, FalsePositiveRate: l.FalsePositiveRate}
	if after, err := schema.ParseDuration(l.After); err == nil {
		out.After = after.Seconds()
	}
	return out
}

// strategy is how a release follows another; nil: at once.
func (c *config) strategy() *schema.Strategy {
	switch {
	case c.Canary != nil:
		steps := c.Canary.Steps
		if n := len(steps); n > 1 && steps[n-1] == 100 { // the end, which may be written down
			steps = steps[:n-1]
		}
		rules := c.Canary.rules()
		if rules != nil {
			rules.JudgedBy = c.JudgedBy
		}
		return &schema.Strategy{Role: schema.CanaryRoute, Steps: steps, Rules: rules}
	case c.Shadow != nil:
		return &schema.Strategy{Role: schema.ShadowRoute, Steps: []float64{c.Shadow.Share}}
	case c.BlueGreen:
		return &schema.Strategy{Role: schema.GreenRoute, Steps: []float64{0}}
	}
	return nil
}

// rules are what moves a canary without a hand; nil: nothing does.
func (c *canary) rules() *schema.StepRules {
	if c.Promote+c.Rollback == "" {
		return nil
	}
	r := &schema.StepRules{Promote: c.Promote, Rollback: c.Rollback, Alpha: schema.DefaultAlpha, MinSamples: c.MinSamples, Otherwise: cmp.Or(c.Otherwise, schema.HoldStep)}
	if c.Alpha != nil {
		r.Alpha = *c.Alpha
	}
	if t := c.Traffic; t != nil {
		r.Traffic = &schema.Traffic{PerMinute: t.PerMinute, ErrorRate: t.ErrorRate, PositiveRate: t.PositiveRate, Labels: t.Labels.traffic()}
	}
	if every, err := schema.ParseDuration(c.Every); err == nil {
		r.Every = every.Seconds()
	}
	return r
}

// problems are those of the strategy.
func (c *config) problems() (out []schema.Problem) {
	n := 0
	for _, given := range []bool{c.Canary != nil, c.Shadow != nil, c.BlueGreen} {
		if given {
			n++
		}
	}
	if n > 1 {
		out = append(out, schema.Problem{Summary: "A release follows another in one way: as a canary, as a shadow, or by blue_green", Hint: "Leave one of them."})
	}
	if c.Canary != nil {
		out = append(append(out, c.Canary.stepProblems()...), c.Canary.ruleProblems()...)
	}
	if c.Shadow != nil && !(c.Shadow.Share > 0 && c.Shadow.Share <= 100) {
		out = append(out, schema.Problem{Path: "shadow.share", Summary: "A shadow has more than 0 and at most 100 percent of the rows"})
	}
	return out
}

func (c *canary) stepProblems() (out []schema.Problem) {
	last := 0.0
	for i, share := range c.Steps {
		end := share == 100 && i > 0 && i == len(c.Steps)-1
		if !(share > last && share < 100) && !end {
			out = append(out, schema.Problem{Path: fmt.Sprintf("canary.steps[%d]", i), Summary: "Steps rise, from more than 0 to less than 100 percent of the rows", Hint: "For example steps = [5, 25, 100]."})
			break
		}
		last = share
	}
	if len(c.Steps) == 0 {
		out = append(out, schema.Problem{Path: "canary.steps", Summary: "A canary needs a step", Hint: "For example steps = [5, 25, 100]."})
	}
	return out
}

// ruleProblems are settings that no rule goes by, and those that decide nothing.
func (c *canary) ruleProblems() (out []schema.Problem) {
	problem := func(path, summary, hint string) {
		out = append(out, schema.Problem{Path: "canary." + path, Summary: summary, Hint: hint})
	}
	const rules = `For example promote_when = "errors.ratio < 1.5" and rollback_when = "errors.ratio > 1".`
	unread := func(given bool, path string) {
		if given && c.Promote+c.Rollback == "" {
			problem(path, "No rule goes by "+path+": the canary has neither promote_when nor rollback_when", rules)
		}
	}
	unread(c.Alpha != nil, "alpha")
	unread(c.Otherwise != "", "otherwise")
	unread(c.Traffic != nil, "traffic")
	waits := func(given bool, path string) {
		if given && c.Promote == "" {
			problem(path, "Nothing waits for "+path+": the canary has no promote_when, so its steps are taken by hand", rules)
		}
	}
	waits(c.Every != "", "every")
	waits(c.MinSamples != 0, "min_samples")
	if c.Alpha != nil && !(*c.Alpha > 0 && *c.Alpha <= 0.5) {
		problem("alpha", fmt.Sprintf("alpha is %v: it is the share of releases in which a decision may be wrong, more than 0 and at most 0.5", *c.Alpha), "0.05 is one release of twenty.")
	}
	t := c.Traffic
	if t == nil {
		return out
	}
	if !(t.PerMinute > 0 && t.PerMinute <= 1e12) {
		problem("traffic.per_minute", "Rows a minute are a number greater than 0", "")
	}
	share := func(rate float64, path string) {
		if !(rate >= 0 && rate <= 1) {
			problem("traffic."+path, path+" is a share, from 0 to 1", "0.02 is 2 %.")
		}
	}
	share(t.ErrorRate, "error_rate")
	share(t.PositiveRate, "positive_rate")
	if l := t.Labels; l != nil {
		share(l.Share, "labels.share")
		share(l.PositiveRate, "labels.positive_rate")
		share(l.MistakeRate, "labels.mistake_rate")
		share(l.Recall, "labels.recall")
		share(l.FalsePositiveRate, "labels.false_positive_rate")
	}
	return out
}
