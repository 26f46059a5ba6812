package decide

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/canary"
	"github.com/mlp-lang/mlp/lang/schema"
)

// tenth is a canary of 10 % of the rows.
func tenth(rules schema.StepRules) schema.Strategy {
	if rules.Alpha == 0 {
		rules.Alpha = 0.05
	}
	if rules.Otherwise == "" {
		rules.Otherwise = schema.HoldStep
	}
	return schema.Strategy{Role: schema.CanaryRoute, Steps: []float64{10, 50}, Rules: &rules}
}

func canaryOf(t *testing.T, s schema.Strategy) *Canary {
	t.Helper()
	c, err := NewCanary(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// counted is evidence of a step of 10 %.
func counted(rows, errors, beside, errorsBeside int64) canary.Evidence {
	return canary.Evidence{Steps: []canary.Step{{Share: 100_000, Canary: canary.Arm{Requests: rows, Errors: errors}, Control: canary.Arm{Requests: beside, Errors: errorsBeside}}}}
}

func TestCanaryDecisions(t *testing.T) {
	const both, worse = "errors.ratio < 1.5", "errors.ratio > 1"
	alike, twice, few := counted(10_000, 200, 90_000, 1800), counted(10_000, 400, 90_000, 1800), counted(20, 0, 180, 4)
	for name, tc := range map[string]struct {
		rules  schema.StepRules
		seen   canary.Evidence
		stayed time.Duration
		want   StepMove
		why    string
	}{
		"as good":               {schema.StepRules{Promote: both, Rollback: worse}, alike, time.Hour, PromoteCanary, "promote_when holds: errors.ratio < 1.5; errors.ratio 1 ("},
		"twice as bad":          {schema.StepRules{Promote: both, Rollback: worse}, twice, 0, AbortCanary, "rollback_when holds: errors.ratio > 1; errors.ratio 2 ("},
		"few rows":              {schema.StepRules{Promote: both, Rollback: worse}, few, time.Hour, HoldCanary, "promote_when is open"},
		"nothing seen":          {schema.StepRules{Promote: both, Rollback: worse}, canary.Evidence{}, time.Hour, HoldCanary, "promote_when is open: errors.ratio < 1.5; errors.ratio ? (0 to any)"},
		"too early":             {schema.StepRules{Promote: both, Every: 3600}, alike, 59 * time.Minute, HoldCanary, "the step lasts 1h0m0s, and has lasted 59m0s"},
		"too few of its own":    {schema.StepRules{Promote: both, MinSamples: 10_001}, alike, time.Hour, HoldCanary, "10000 of 10001 rows"},
		"by hand":               {schema.StepRules{Rollback: worse}, alike, time.Hour, HoldCanary, "there is no promote_when"},
		"no rules":              {schema.StepRules{}, twice, time.Hour, HoldCanary, "by hand"},
		"missing":               {schema.StepRules{Promote: "scores.distance < 0.1"}, alike, time.Hour, HoldCanary, "promote_when cannot be decided: scores.distance is undefined: none of 10000 rows"},
		"missing, to abort":     {schema.StepRules{Promote: "scores.distance < 0.1", Otherwise: schema.AbortStep}, alike, time.Hour, AbortCanary, "and otherwise is abort"},
		"missing beside worse":  {schema.StepRules{Promote: "scores.distance < 0.1", Rollback: worse}, twice, time.Hour, AbortCanary, "rollback_when holds"},
		"late, not missing":     {schema.StepRules{Promote: "scores.distance < 0.1", Otherwise: schema.AbortStep}, few, time.Hour, HoldCanary, "promote_when is open"},
		"known not to hold":     {schema.StepRules{Promote: both}, counted(10_000, 600, 90_000, 1800), time.Hour, HoldCanary, "promote_when does not hold"},
		"so it is taken away":   {schema.StepRules{Promote: both, Otherwise: schema.AbortStep}, counted(10_000, 600, 90_000, 1800), time.Hour, AbortCanary, "promote_when does not hold"},
		"rows not by the share": {schema.StepRules{Promote: "errors.ratio < 3"}, counted(20_000, 400, 90_000, 1800), time.Hour, HoldCanary, "requests.ratio is not 1"},
		"worse and early":       {schema.StepRules{Promote: both, Rollback: worse, Every: 3600, MinSamples: 100_000}, twice, 0, AbortCanary, "rollback_when holds"},
	} {
		s := tenth(tc.rules)
		if tc.rules.Promote+tc.rules.Rollback == "" {
			s.Rules = nil
		}
		c := canaryOf(t, s)
		got, err := c.Decide(CanaryLook{Stayed: tc.stayed, Evidence: tc.seen})
		if err != nil || got.Move != tc.want || !strings.Contains(got.Why, tc.why) {
			t.Errorf("%s: got %s, %s (%v), want %s, %s", name, got.Move, got.Why, err, tc.want, tc.why)
		}
		if again, _ := c.Decide(CanaryLook{Stayed: tc.stayed, Evidence: tc.seen}); again.Why != got.Why {
			t.Errorf("%s: the same look is told otherwise: %s", name, again.Why)
		}
	}
	turned := counted(10_000, 0, 90_000, 0)
	turned.Steps[0].Canary.Labelled, turned.Steps[0].Canary.Actual, turned.Steps[0].Canary.Found = 4000, 800, 320
	turned.Steps[0].Control.Labelled, turned.Steps[0].Control.Actual, turned.Steps[0].Control.Found, turned.Steps[0].Control.Alarms = 36_000, 7200, 5040, 360
	for rule, want := range map[string]StepMove{"recall.ratio < 0.9": AbortCanary, "recall.difference < -0.2": AbortCanary, "canary.recall.rate < 0.5": AbortCanary, "recall.ratio < 0.5": HoldCanary, "false_positives.ratio > 1": HoldCanary} {
		c := canaryOf(t, tenth(schema.StepRules{Rollback: rule, Otherwise: schema.AbortStep}))
		if got, err := c.Decide(CanaryLook{Evidence: turned}); err != nil || got.Move != want || c.ReadsLabels() == "" {
			t.Errorf("%s: got %s, %s (%v), want %s", rule, got.Move, got.Why, err, want)
		}
		if got, err := c.Decide(CanaryLook{Evidence: alike}); err != nil || got.Move != HoldCanary { // no label has come yet
			t.Errorf("%s, without labels: got %s, %s (%v)", rule, got.Move, got.Why, err)
		}
	}
	if _, err := NewCanary(tenth(schema.StepRules{Promote: "errors.rati < 1"})); err == nil || !strings.Contains(err.Error(), `"rati"`) {
		t.Errorf("got %v of a figure that there is not", err)
	}
	if _, err := canaryOf(t, tenth(schema.StepRules{Promote: both})).Decide(CanaryLook{Step: 2}); err == nil {
		t.Error("a step that there is not is decided")
	}
}

// TestCanaryFigures: rules read each figure that is counted by its name, those of two classes where the model has them, and what labels tell.
func TestCanaryFigures(t *testing.T) {
	for _, name := range canary.Names() {
		parts, at := strings.Split(name, "."), CanaryFigures(true)
		for _, part := range parts {
			if at = at.Fields[part]; at == nil {
				break
			}
		}
		if at == nil {
			t.Errorf("%s is no figure", name)
		}
	}
	if f := CanaryFigures(false).Fields; f["positives"] != nil || f["scores"] != nil || f["errors"] == nil || f["recall"] != nil || f["mistakes"] != nil || f["canary"].Fields["positives"] != nil {
		t.Errorf("of a regression there are %v", f)
	}
}

// TestCanaryAlphaIsShared: each of two figures has half of alpha, so that its interval is wider.
func TestCanaryAlphaIsShared(t *testing.T) {
	look := CanaryLook{Evidence: counted(1000, 20, 9000, 180)}
	width := func(promote string) float64 {
		d, err := canaryOf(t, tenth(schema.StepRules{Promote: promote, Rollback: "errors.ratio > 1"})).Decide(look)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(d.Figures, func(f CanaryFigure) bool { return f.Name == "errors.ratio" })
		return d.Figures[i].High - d.Figures[i].Low
	}
	if one, two := width("errors.ratio < 1.5"), width("canary.errors.rate < 0.05"); two <= one {
		t.Errorf("the interval is %g wide alone, and %g beside another figure", one, two)
	}
}

// release simulates one: each look sees so many rows of the canary, which fails at a rate ratio times that of what is live. It tells the last look, of 50,
// and what became of it: what is decided at the first step.
func release(t *testing.T, c *Canary, r *rand.Rand, rows int64, ratio float64) (look int, move StepMove) {
	e := counted(0, 0, 0, 0)
	for look = 1; look <= 50; look++ {
		n := drawn(r, 10*rows, 0.1)
		s := &e.Steps[0]
		s.Canary.Requests, s.Control.Requests = s.Canary.Requests+n, s.Control.Requests+10*rows-n
		s.Canary.Errors += drawn(r, n, 0.02*ratio)
		s.Control.Errors += drawn(r, 10*rows-n, 0.02)
		d, err := c.Decide(CanaryLook{Stayed: time.Hour, Evidence: e})
		if err != nil {
			t.Fatal(err)
		}
		if d.Move != HoldCanary {
			return look, d.Move
		}
	}
	return look, HoldCanary
}

// gap is how many do not happen before one does.
func gap(r *rand.Rand, p float64) int64 {
	return int64(min(1e15, math.Floor(math.Log(1-r.Float64())/math.Log1p(-p))))
}

// TestCanarySimulated: a canary that is as good is taken away in at most alpha of releases, and one that fails twice as often is found within 8 looks of
// 100 rows in the median; neither goes on where it should not.
func TestCanarySimulated(t *testing.T) {
	releases := 200
	if os.Getenv("MLP_SOAK") != "" {
		releases = 10_000
	}
	rollback := canaryOf(t, tenth(schema.StepRules{Rollback: "errors.ratio > 1"}))
	both := canaryOf(t, tenth(schema.StepRules{Promote: "errors.ratio < 2", Rollback: "errors.ratio > 1"}))
	r := rand.New(rand.NewPCG(7, 7))
	for _, tc := range []struct {
		name  string
		rules *Canary
		rows  int64
		ratio float64
		wrong StepMove // in at most alpha of releases
		least float64  // share that is decided rightly in 50 looks
		most  int      // the median look of what is decided rightly
	}{
		{"as good, 100 rows a look", rollback, 100, 1, AbortCanary, 0, 0},
		{"as good, 1,000 rows a look", both, 1000, 1, AbortCanary, 0.95, 8},
		{"twice the errors, 100 rows a look", rollback, 100, 2, PromoteCanary, 0.95, 8},
		{"twice the errors, with both rules", both, 100, 2, PromoteCanary, 0.95, 8},
	} {
		wrong, right := 0, []int{}
		for range releases {
			switch look, move := release(t, tc.rules, r, tc.rows, tc.ratio); move {
			case tc.wrong:
				wrong++
			case PromoteCanary, AbortCanary:
				right = append(right, look)
			}
		}
		slices.Sort(right)
		median := 0
		if len(right) > 0 {
			median = right[len(right)/2]
		}
		n := float64(releases)
		t.Logf("%-36s wrong %.2f %%, right %.1f %%, median look %d", tc.name, 100*float64(wrong)/n, 100*float64(len(right))/n, median)
		if allowed := 0.05*n + 4*math.Sqrt(0.05*0.95*n); float64(wrong) > allowed {
			t.Errorf("%s: %s in %d of %d releases", tc.name, tc.wrong, wrong, releases)
		}
		if float64(len(right)) < tc.least*n || median > tc.most {
			t.Errorf("%s: decided in %d of %d releases, at look %d", tc.name, len(right), releases, median)
		}
	}
}
