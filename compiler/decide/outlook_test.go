package decide

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/canary"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

func TestOutlook(t *testing.T) {
	traffic := schema.Traffic{PerMinute: 40, ErrorRate: 0.02, PositiveRate: 0.3}
	of := func(promote, rollback string, traffic schema.Traffic) (first plan.StepOutlook) {
		return canaryOf(t, tenth(schema.StepRules{Promote: promote, Rollback: rollback})).Outlook(traffic)[0]
	}
	both := of("errors.ratio < 1.5", "errors.ratio > 1", traffic)
	if d, _ := (canary.Sequence{Alpha: 0.05, Figures: 1}).Detection(canary.Traffic{Share: 100_000, PerMinute: 40, Rate: 0.02}, "errors.ratio", 2, 1); math.Abs(both.Rollback.Median/d.Median.Minutes-1) > 0.01 {
		t.Errorf("a doubling is seen after %v minutes, want %v", both.Rollback.Median, d.Median.Minutes)
	}
	if !slices.Equal(both.Rollback.If, []string{"errors.ratio is 2"}) || !slices.Equal(both.Promote.If, []string{"errors.ratio is 1"}) {
		t.Errorf("got %+v and %+v", both.Promote, both.Rollback)
	}
	if steps := canaryOf(t, tenth(schema.StepRules{Rollback: "errors.ratio > 1"})).Outlook(traffic); len(steps) != 2 || steps[1].Rollback.Median >= steps[0].Rollback.Median {
		t.Errorf("half of the rows take no less than a tenth: %+v", steps)
	}
	one, other := of("errors.difference < 0.01", "", traffic).Promote.Median, of("positives.difference < 0.05", "", traffic).Promote.Median
	all, either := of("errors.difference < 0.01 && positives.difference < 0.05", "", traffic).Promote, of("errors.difference < 0.01 || positives.difference < 0.05", "", traffic).Promote
	if all.Median < max(one, other) || either.Median < min(one, other) || either.Median >= all.Median {
		t.Errorf("alone %v and %v; both of them %v, one of them %v", one, other, all.Median, either.Median)
	}
	labelled := traffic
	labelled.Labels = &schema.LabelTraffic{After: 86400, Share: 0.5, PositiveRate: 0.1, MistakeRate: 0.05, Recall: 0.7, FalsePositiveRate: 0.02}
	late := of("", "recall.ratio < 0.9", labelled).Rollback // asked of half of the recall
	d, err := (canary.Sequence{Alpha: 0.05, Figures: 1}).Detection(canary.Traffic{Share: 100_000, PerMinute: 40 * 0.5 * 0.1, Rate: 0.7}, "recall.ratio", 0.45, 0.9)
	if err != nil || math.Abs(late.Median/(1440+d.Median.Minutes)-1) > 0.01 {
		t.Errorf("a fall of recall is seen after %v minutes, want a day and %v (%v)", late.Median, d.Median.Minutes, err)
	}
	for name, c := range map[string]struct {
		got  *plan.Outlook
		want string
	}{
		"no room":          {of("errors.ratio <= 1", "", traffic).Promote, "never"},
		"as good is wrong": {of("errors.ratio < 0.9", "", traffic).Promote, "never"},
		"no errors":        {of("errors.ratio < 1.5", "", schema.Traffic{PerMinute: 40}).Promote, "never"},
		"none, difference": {of("errors.difference < 0.01", "", schema.Traffic{PerMinute: 40}).Promote, "minutes"},
		"latency":          {of("canary.latency.p99_ms < 50", "", traffic).Promote, "untold"},
		"two figures":      {of("canary.errors.rate < control.errors.rate + 0.01", "", traffic).Promote, "untold"},
		"not below":        {of("", "!(errors.difference <= 0)", traffic).Rollback, "minutes"},
		"fewer positives":  {of("", "positives.ratio < 0.8", traffic).Rollback, "minutes"},
		"mistakes":         {of("mistakes.ratio < 1.2", "mistakes.ratio > 1", labelled).Rollback, "minutes"},
		"false positives":  {of("false_positives.difference < 0.01", "", labelled).Promote, "minutes"},
		"no labels":        {of("", "mistakes.ratio > 1", traffic).Rollback, "untold"},
		"other scores":     {of("scores.distance < 0.1", "scores.distance > 0.2", traffic).Rollback, "minutes"},
		"a rate":           {of("canary.errors.rate < 0.05", "canary.errors.rate > 0.03", traffic).Rollback, "minutes"},
	} {
		got := "untold"
		switch {
		case c.got.Never:
			got = "never"
		case len(c.got.If) > 0:
			got = "minutes"
		}
		if got != c.want || (c.got.Median > 0) != (got == "minutes") || c.got.Early > c.got.Median {
			t.Errorf("%s: got %+v, want %s", name, c.got, c.want)
		}
	}
}

// TestOutlookSimulated: what is told of a rule is about the median of simulated releases that are decided by that rule.
func TestOutlookSimulated(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	for _, tc := range []struct {
		rules schema.StepRules
		ratio float64
	}{{schema.StepRules{Rollback: "errors.ratio > 1"}, 2}, {schema.StepRules{Promote: "errors.ratio < 1.5"}, 1}} {
		c := canaryOf(t, tenth(tc.rules))
		o := c.Outlook(schema.Traffic{PerMinute: 100, ErrorRate: 0.02})[0]
		told := o.Promote
		if told == nil {
			told = o.Rollback
		}
		var took []float64
		for range 200 {
			e, rows := counted(0, 0, 0, 0), int64(told.Median*100/20)
			for look := 1; look < 400; look++ {
				s := &e.Steps[0]
				n := rows / 10
				s.Canary.Requests, s.Control.Requests = s.Canary.Requests+n, s.Control.Requests+rows-n
				s.Canary.Errors, s.Control.Errors = s.Canary.Errors+drawn(r, n, 0.02*tc.ratio), s.Control.Errors+drawn(r, rows-n, 0.02)
				d, err := c.Decide(CanaryLook{Stayed: time.Hour, Evidence: e})
				if err != nil {
					t.Fatal(err)
				}
				if d.Move != HoldCanary {
					took = append(took, float64(look)*float64(rows)/100)
					break
				}
			}
		}
		slices.Sort(took)
		if len(took) < 190 {
			t.Fatalf("%+v: %d of 200 are decided", tc.rules, len(took))
		}
		median := took[len(took)/2]
		t.Logf("%s: told %.0f minutes, simulated %.0f", strings.Join(told.If, ""), told.Median, median)
		if math.Abs(told.Median/median-1) > 0.3 { // a fifth, and the chance of 200 releases
			t.Errorf("%+v: told %v minutes, simulated %v", tc.rules, told.Median, median)
		}
	}
}

func drawn(r *rand.Rand, n int64, p float64) (k int64) {
	for i := gap(r, p); i < n; i += 1 + gap(r, p) {
		k++
	}
	return k
}
