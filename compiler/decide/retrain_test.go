package decide

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// sunday is the 4th of January 2026, at noon.
var sunday = time.Date(2026, 1, 4, 12, 0, 0, 0, time.UTC)

func retrained(outcome plan.RetrainOutcome, ago time.Duration, took time.Duration) plan.Retraining {
	return plan.Retraining{At: sunday.Add(-ago), By: "mlp watch", Outcome: outcome, TookMS: took.Milliseconds()}
}

func holding(verdict plan.RuleVerdict, reason string) *plan.Rule {
	return &plan.Rule{Assert: "monitor.m.drift.share > 0.3", Verdict: verdict, Reason: reason, Values: []plan.FigureSeen{{Path: "drift.share", Value: json.RawMessage("0.4")}}}
}

func TestRetrain(t *testing.T) {
	live := &plan.ReleaseState{Model: "blake3:aa"}
	weekly := schema.Retrain{Schedule: "0 3 * * 1", Timezone: "Europe/Berlin"}
	drifted := schema.Retrain{When: "monitor.m.drift.share > 0.3"}
	evidence := map[string]plan.Digest{"monitor.m": "blake3:01"}
	const day = 24 * time.Hour
	watched := func(w plan.WatchState) plan.WatchState {
		w.Since = sunday.Add(-30 * day)
		return w
	}
	tests := map[string]struct {
		look RetrainLook
		want RetrainVerdict
		why  string // in Why, or in Holds where it is held
	}{
		"never seen before":        {RetrainLook{Block: weekly, Now: sunday, Release: live}, RetrainNotDue, "next at 2026-01-05 03:00 CET"},
		"the day came":             {RetrainLook{Block: weekly, Now: sunday.Add(day), Watched: watched(plan.WatchState{Slot: sunday.Add(-7 * day)}), Release: live}, RetrainNow, "scheduled for 2026-01-05 03:00 CET"},
		"five days were missed":    {RetrainLook{Block: weekly, Now: sunday.Add(day), Watched: watched(plan.WatchState{}), Release: live}, RetrainNow, "for 4 missed before"},
		"seen to":                  {RetrainLook{Block: weekly, Now: sunday.Add(day), Watched: watched(plan.WatchState{Slot: sunday.Add(14 * time.Hour)}), Release: live}, RetrainNotDue, "next at 2026-01-12"},
		"nothing is live":          {RetrainLook{Block: weekly, Now: sunday, Watched: watched(plan.WatchState{})}, RetrainHeld, "nothing is live"},
		"a canary is on its way":   {RetrainLook{Block: weekly, Now: sunday, Watched: watched(plan.WatchState{}), Release: &plan.ReleaseState{Rollout: &plan.Rollout{}}}, RetrainHeld, "on its way"},
		"somebody rolled back":     {RetrainLook{Block: weekly, Now: sunday, Watched: watched(plan.WatchState{}), Release: &plan.ReleaseState{Rollback: &plan.Rollback{Given: plan.Given{By: "ann", Reason: "refunds"}}}}, RetrainHeld, "ann rolled back: refunds"},
		"the rollback was lifted":  {RetrainLook{Block: weekly, Now: sunday, Watched: watched(plan.WatchState{}), Release: &plan.ReleaseState{Rollback: &plan.Rollback{Lifted: &plan.Given{By: "ann"}}}}, RetrainNow, "scheduled"},
		"the condition holds":      {RetrainLook{Block: drifted, Now: sunday, When: holding(plan.Pass, ""), Evidence: evidence, Release: live}, RetrainNow, "(drift.share = 0.4) holds"},
		"it does not hold":         {RetrainLook{Block: drifted, Now: sunday, When: holding(plan.Fail, ""), Evidence: evidence, Release: live}, RetrainNotDue, "does not hold"},
		"nobody measured":          {RetrainLook{Block: drifted, Now: sunday, When: holding(plan.Open, ""), Release: live}, RetrainNotDue, "is not recorded yet"},
		"a figure is undefined":    {RetrainLook{Block: drifted, Now: sunday, When: holding(plan.RuleError, "7 rows"), Evidence: evidence, Release: live}, RetrainNotDue, "is not known: 7 rows"},
		"by the same results":      {RetrainLook{Block: drifted, Now: sunday, When: holding(plan.Pass, ""), Evidence: evidence, Watched: plan.WatchState{Asked: evidence}, Release: live}, RetrainNotDue, "caused the last one"},
		"it cools down":            {RetrainLook{Block: drifted, Now: sunday, When: holding(plan.Pass, ""), Evidence: evidence, Watched: plan.WatchState{Retrainings: []plan.Retraining{retrained(plan.RetrainRefused, 23*time.Hour, 0)}}, Release: live}, RetrainNotDue, "cools down until 2026-01-04T13:00:00Z"},
		"it has cooled down":       {RetrainLook{Block: drifted, Now: sunday, When: holding(plan.Pass, ""), Evidence: evidence, Watched: plan.WatchState{Retrainings: []plan.Retraining{retrained(plan.RetrainRefused, 24*time.Hour, 0)}}, Release: live}, RetrainNow, "holds"},
		"either is enough":         {RetrainLook{Block: schema.Retrain{Schedule: "0 3 * * 1", When: "x"}, Now: sunday, When: holding(plan.Pass, ""), Evidence: evidence, Watched: plan.WatchState{Since: sunday}, Release: live}, RetrainNow, "holds"},
		"a check fails":            {RetrainLook{Block: weekly, Now: sunday, Watched: watched(plan.WatchState{}), Release: live, Failing: []string{"check.c: 3 rows"}}, RetrainHeld, "fail a check: check.c: 3 rows"},
		"the files differ":         {RetrainLook{Block: weekly, Now: sunday, Watched: watched(plan.WatchState{}), Release: live, Differs: []string{"train.m params.trees"}}, RetrainHeld, "review and apply: train.m params.trees"},
		"one a week, and one was":  {RetrainLook{Block: schema.Retrain{Schedule: "@daily", AtMost: "1 per 7d"}, Now: sunday, Watched: watched(plan.WatchState{Retrainings: []plan.Retraining{retrained(plan.RetrainReleased, 3*day, 0)}}), Release: live}, RetrainHeld, "may begin at 2026-01-08T12:00:00Z"},
		"one a week, and it is":    {RetrainLook{Block: schema.Retrain{Schedule: "@daily", AtMost: "1 per 7d"}, Now: sunday, Watched: watched(plan.WatchState{Retrainings: []plan.Retraining{retrained(plan.RetrainReleased, 7*day, 0)}}), Release: live}, RetrainNow, "scheduled"},
		"nothing ran counts not":   {RetrainLook{Block: schema.Retrain{Schedule: "@daily", AtMost: "1 per 7d"}, Now: sunday, Watched: watched(plan.WatchState{Retrainings: []plan.Retraining{retrained(plan.RetrainNothing, 3*day, 0)}}), Release: live}, RetrainNow, "scheduled"},
		"the budget is used up":    {RetrainLook{Block: schema.Retrain{Schedule: "@daily", Budget: "2h per 30d"}, Now: sunday, Expected: 61 * time.Minute, Watched: watched(plan.WatchState{Retrainings: []plan.Retraining{retrained(plan.RetrainReleased, 3*day, time.Hour)}}), Release: live}, RetrainHeld, "1h0m0s are used"},
		"the budget suffices":      {RetrainLook{Block: schema.Retrain{Schedule: "@daily", Budget: "2h per 30d"}, Now: sunday, Expected: time.Hour, Watched: watched(plan.WatchState{Retrainings: []plan.Retraining{retrained(plan.RetrainReleased, 3*day, time.Hour)}}), Release: live}, RetrainNow, "scheduled"},
		"approved, past the limit": {RetrainLook{Block: schema.Retrain{Schedule: "@daily", AtMost: "1 per 7d"}, Now: sunday, Approved: true, Watched: plan.WatchState{Since: sunday, Retrainings: []plan.Retraining{retrained(plan.RetrainWaits, 3*day, 0)}}, Release: live}, RetrainNow, "approved by now"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Retrain(tt.look)
			if err != nil {
				t.Fatal(err)
			}
			why := got.Why
			if tt.want == RetrainHeld {
				why = got.Holds
			}
			if got.Verdict != tt.want || !strings.Contains(strings.Join(why, "; "), tt.why) {
				t.Errorf("got %+v; want %s, and %q", got, tt.want, tt.why)
			}
		})
	}
}

func TestRemembered(t *testing.T) {
	const day = 24 * time.Hour
	all := []plan.Retraining{retrained(plan.RetrainReleased, 40*day, 0), retrained(plan.RetrainReleased, 20*day, 0), retrained(plan.RetrainReleased, 10*day, 0)}
	for name, tt := range map[string]struct {
		block schema.Retrain
		want  int
	}{
		"no limit":    {schema.Retrain{}, 1},
		"a week":      {schema.Retrain{AtMost: "1 per 7d"}, 1},
		"thirty":      {schema.Retrain{AtMost: "1 per 7d", Budget: "1h per 30d"}, 2},
		"all of them": {schema.Retrain{Budget: "1h per 60d"}, 3},
	} {
		if got := Remembered(tt.block, all, sunday); len(got) != tt.want || !got[len(got)-1].At.Equal(all[2].At) {
			t.Errorf("%s: got %d, want %d", name, len(got), tt.want)
		}
	}
}
