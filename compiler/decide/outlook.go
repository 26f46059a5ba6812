package decide

// How long the steps of a canary take, before it is released.
//
// What a rule waits for follows from its comparisons of a figure with a number. promote_when is asked of a canary that is as the live model is: errors.ratio is 1 then,
// and `errors.ratio < 1.5` takes as many rows as rule 1.5 out. rollback_when is asked of one that is twice as far off as is allowed: of `errors.ratio > 1`, one that
// fails twice as often. Of a && b the later one counts, of a || b the earlier one. Each step is told as if the canary had its share from the beginning.

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/compiler/canary"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Outlook tells of each step how long its rules take with some traffic.
func (c *Canary) Outlook(traffic schema.Traffic) []plan.StepOutlook {
	var out []plan.StepOutlook
	for _, share := range c.strategy.Steps {
		step := plan.StepOutlook{Share: share}
		t := asked{c.sequence, traffic, canary.Millionths(share)}
		if c.promote != nil {
			step.Promote = t.outlook(c.promote.Claim(), asLive)
		}
		if c.rollback != nil {
			step.Rollback = t.outlook(c.rollback.Claim(), twiceOff)
		}
		out = append(out, step)
	}
	return out
}

// asked is how long something takes with a share of the rows.
type asked struct {
	sequence canary.Sequence
	traffic  schema.Traffic
	share    int64
}

// A supposition is what a figure is supposed to be, where it is compared with a number; base is the live model's rate of its event.
type supposition func(name, op string, limit, base float64) float64

// asLive: the canary is as the live model.
func asLive(name, _ string, _, base float64) float64 {
	switch {
	case strings.HasSuffix(name, ".ratio"):
		return 1
	case strings.HasSuffix(name, ".rate"):
		return base
	}
	return 0
}

// twiceOff: a figure is twice as far on the wrong side of what is allowed as the live model is from nothing, or as the limit is.
func twiceOff(name, op string, limit, base float64) float64 {
	more := strings.HasPrefix(op, ">")
	switch {
	case strings.HasSuffix(name, ".ratio") && more:
		return 2 * max(1, limit)
	case strings.HasSuffix(name, ".ratio"):
		return min(1, limit) / 2
	case strings.HasSuffix(name, ".rate") && more:
		return min(1, 2*max(limit, base))
	case strings.HasSuffix(name, ".rate"):
		return min(limit, base) / 2
	case name == "scores.distance":
		return min(1, max(0.1, 2*limit))
	case more:
		return min(1-base, max(2*limit, base))
	}
	return -min(base, max(-2*limit, base/2))
}

// outlook is that of a rule under a supposition.
func (a asked) outlook(c rule.Claim, suppose supposition) *plan.Outlook {
	o := &plan.Outlook{}
	wait := a.wait(c, suppose, o)
	slices.Sort(o.If)
	o.If = slices.Compact(o.If)
	switch {
	case len(o.If) == 0: // nothing can be told
	case math.IsInf(wait.Median, 1):
		o.Never = true
	default:
		o.Early, o.Median = rounded(wait.Early), rounded(wait.Median)
	}
	return o
}

// rounded has three digits, so that it is the same number on all machines.
func rounded(x float64) float64 {
	out, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	return out
}

// minutes are the times before which one of ten is decided, and half of them.
type minutes struct{ Early, Median float64 }

// wait is how long a part of a rule takes. Of what cannot be told (a latency, two figures) it is nothing, and the part stands with the others that wait for it.
func (a asked) wait(c rule.Claim, suppose supposition, o *plan.Outlook) minutes {
	switch {
	case c.All != nil:
		x, y := a.wait(c.All[0], suppose, o), a.wait(c.All[1], suppose, o)
		return minutes{max(x.Early, y.Early), max(x.Median, y.Median)}
	case c.Any != nil:
		x, y := a.wait(c.Any[0], suppose, o), a.wait(c.Any[1], suppose, o)
		return minutes{min(x.Early, y.Early), min(x.Median, y.Median)}
	}
	name := strings.Join(c.Path, ".")
	base, perMinute, late := a.traffic.ErrorRate, a.traffic.PerMinute, 0.0
	switch l := a.traffic.Labels; {
	case canary.Labelled(name):
		if l == nil {
			l = &schema.LabelTraffic{}
		}
		base, perMinute = l.Of(name, perMinute)
		late = l.After / 60
	case strings.Contains(name, "positives"):
		base = a.traffic.PositiveRate
	}
	effect := 0.0
	if c.Path != nil {
		effect = suppose(name, c.Op, c.Value, base)
	}
	d, err := a.sequence.Detection(canary.Traffic{Share: a.share, PerMinute: perMinute, Rate: base}, name, effect, c.Value)
	if err != nil || base == 0 && (strings.Contains(name, "positives") || canary.Labelled(name)) {
		o.Untold = append(o.Untold, c.Text)
		return minutes{}
	}
	o.If = append(o.If, fmt.Sprintf("%s is %s", name, strconv.FormatFloat(effect, 'g', 3, 64)))
	if !holdsOf(effect, c.Op, c.Value) {
		return minutes{math.Inf(1), math.Inf(1)}
	}
	return minutes{late + d.Early.Minutes, late + d.Median.Minutes}
}

// holdsOf reports whether a comparison holds of a number.
func holdsOf(x float64, op string, limit float64) bool {
	switch op {
	case "<":
		return x < limit
	case "<=":
		return x <= limit
	case ">":
		return x > limit
	}
	return x >= limit
}
