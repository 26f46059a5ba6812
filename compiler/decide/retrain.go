package decide

// Whether a model is trained again.
//
// What asks for it is a time of the schedule that came, or a condition that holds of figures: cause. What keeps it back, in this order, is hold: nothing is live, a
// candidate is on its way, a person rolled back, the limits, checks that fail, files that say otherwise than what was applied. A cause that is held
// stays one: it is done once what holds it is over. It is used up by the retraining alone, so that what is done does not depend on how often somebody looks.
//
//	schedule     all times of it up to now, by one retraining
//	when         the results whose figures it read: the same ones do not cause another
//
// All that is known of the world comes in by RetrainLook, the time included. A plan, `mlp watch --dry-run` and `mlp watch` decide by the same function.

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schedule"
	"github.com/mlp-lang/mlp/lang/schema"
)

// RetrainVerdict is what is decided of a retraining at a look.
type RetrainVerdict string

const (
	RetrainNotDue RetrainVerdict = "not_due" // nothing asks for it
	RetrainHeld   RetrainVerdict = "held"    // it is due, and something keeps it back
	RetrainNow    RetrainVerdict = "now"
)

// RetrainLook is what is known of a retraining at a look.
type RetrainLook struct {
	Block   schema.Retrain
	Now     time.Time
	Watched plan.WatchState
	// When is its condition, decided on what is recorded, with the results of the figures that it reads; nil: it has none.
	When     *plan.Rule
	Evidence map[string]plan.Digest
	Release  *plan.ReleaseState // what the deployment has live; nil: nothing
	// Interrupted: one was begun, and whoever did it was killed.
	Interrupted bool
	// Approved: what a retraining made waited for approvals, and they have been given.
	Approved bool
	// Expected is how long one is expected to take.
	Expected time.Duration
	// Failing are checks that fail on the new data, and Differs what the files say otherwise than what was applied; both in words. They are known once a plan
	// was made.
	Failing, Differs []string
}

// RetrainDecision is what is decided, and why.
type RetrainDecision struct {
	Verdict RetrainVerdict
	Why     []string  // what asks for it; where it is not due, what it waits for
	Holds   []string  // what keeps it back
	Slot    time.Time // the time of the schedule that it is for; zero: none
	Missed  int       // times before that one that were missed
	Fired   bool      // the condition asks for it
}

// Retrain decides. An error is of a schedule or a limit that cannot be read, as of a log that was written by hand.
func Retrain(l RetrainLook) (RetrainDecision, error) {
	d := RetrainDecision{Verdict: RetrainNotDue}
	var waits []string
	if l.Block.Schedule != "" {
		s, err := schedule.Parse(l.Block.Schedule, l.Block.Timezone)
		if err != nil {
			return d, fmt.Errorf("its schedule: %w", err)
		}
		since := l.Watched.Since
		if l.Watched.Slot.After(since) {
			since = l.Watched.Slot
		}
		if since.IsZero() {
			since = l.Now
		}
		if d.Slot, d.Missed = s.Due(since, l.Now); d.Slot.IsZero() {
			waits = append(waits, "next at "+clock(s.Next(l.Now), l.Block.Timezone))
		} else {
			why := fmt.Sprintf("scheduled for %s (%s)", clock(d.Slot, l.Block.Timezone), l.Block.Schedule)
			if d.Missed > 0 {
				why += fmt.Sprintf(", and for %d missed before", d.Missed)
			}
			d.Why = append(d.Why, why)
		}
	}
	if l.When != nil {
		text := "when " + l.When.Assert
		for _, v := range l.When.Values {
			text += fmt.Sprintf(" (%s = %s)", v.Path, shortened(v.Value))
		}
		switch rest := l.cools(); {
		case l.When.Verdict == plan.RuleError || l.When.Verdict == plan.Open:
			reason := l.When.Reason
			if reason == "" {
				reason = "what it reads is not recorded yet"
			}
			waits = append(waits, text+" is not known: "+reason)
		case l.When.Verdict != plan.Pass:
			waits = append(waits, text+" does not hold")
		case len(l.Evidence) > 0 && maps.Equal(l.Evidence, l.Watched.Asked):
			waits = append(waits, text+" holds of results that caused the last one")
		case rest.After(l.Now):
			waits = append(waits, text+" holds, and it cools down until "+rest.Format(time.RFC3339))
		default:
			d.Fired = true
			d.Why = append(d.Why, text+" holds")
		}
	}
	if l.Approved {
		d.Why = append(d.Why, "what the last one made is approved by now")
	}
	if l.Interrupted {
		d.Why = append(d.Why, "the last one was interrupted")
	}
	if len(d.Why) == 0 {
		d.Why = waits
		return d, nil
	}
	holds, err := l.holds()
	if err != nil {
		return d, err
	}
	d.Verdict, d.Holds = RetrainNow, holds
	if len(holds) > 0 {
		d.Verdict = RetrainHeld
	}
	return d, nil
}

// shortened is a value with four significant digits, if it is a number.
func shortened(value json.RawMessage) string {
	if x, err := strconv.ParseFloat(string(value), 64); err == nil {
		return strconv.FormatFloat(x, 'g', 4, 64)
	}
	return string(value)
}

// clock is a time in a zone, with that.
func clock(t time.Time, zone string) string {
	location, err := schedule.Zone(zone)
	if err != nil || t.IsZero() {
		return t.Format(time.RFC3339)
	}
	return t.In(location).Format("2006-01-02 15:04 MST")
}

// cools is until when figures cause no retraining.
func (l *RetrainLook) cools() time.Time {
	for _, r := range slices.Backward(l.Watched.Retrainings) {
		if r.Outcome != plan.RetrainNothing {
			return r.At.Add(l.Block.Rest())
		}
	}
	return time.Time{}
}

// holds are all that keep it back: of the limits and the state those that hold, and what a plan found.
func (l *RetrainLook) holds() ([]string, error) {
	var out []string
	switch r := l.Release; {
	case r == nil:
		out = append(out, "nothing is live: a person applies the first release")
	case r.Rollout != nil:
		out = append(out, fmt.Sprintf("%s %s is on its way to be live: another candidate would take its place", r.Rollout.Next.From, r.Rollout.Next.Model.Short()))
	case r.Rollback != nil && r.Rollback.Lifted == nil:
		out = append(out, fmt.Sprintf("%s rolled back: %s; a person applies what follows, or lifts it", r.Rollback.By, r.Rollback.Reason))
	}
	if !l.Approved && !l.Interrupted { // which begin nothing
		limits, err := l.limits()
		if err != nil {
			return nil, err
		}
		out = append(out, limits...)
	}
	for _, f := range l.Failing {
		out = append(out, "it is not trained on data that fail a check: "+f)
	}
	if len(l.Differs) > 0 {
		out = append(out, "the files say otherwise than what was applied, which somebody has to review and apply: "+strings.Join(l.Differs, ", "))
	}
	return out, nil
}

// limits are those of number and budget that are used up.
func (l *RetrainLook) limits() ([]string, error) {
	var out []string
	most, per, err := l.Block.Most()
	if err != nil {
		return nil, err
	}
	if most > 0 {
		began := l.since(per)
		if len(began) >= most {
			free := began[len(began)-most].At.Add(per)
			out = append(out, fmt.Sprintf("at_most = %q, and there %s; the next may begin at %s", l.Block.AtMost, thereWere(len(began)), free.Format(time.RFC3339)))
		}
	}
	budget, per, err := l.Block.Hours()
	if err != nil {
		return nil, err
	}
	if budget > 0 {
		used := time.Duration(0)
		for _, r := range l.since(per) {
			used += time.Duration(r.TookMS) * time.Millisecond
		}
		if used+l.Expected > budget {
			out = append(out, fmt.Sprintf("budget = %q, of which %s are used, and this one is expected to take %s", l.Block.Budget, used.Round(time.Second), l.Expected.Round(time.Second)))
		}
	}
	return out, nil
}

func thereWere(n int) string {
	if n == 1 {
		return "was one"
	}
	return fmt.Sprintf("were %d", n)
}

// since are the retrainings of a stretch of time up to now that ran something, the oldest first.
func (l *RetrainLook) since(per time.Duration) []plan.Retraining {
	var out []plan.Retraining
	for _, r := range l.Watched.Retrainings {
		if r.Outcome != plan.RetrainNothing && r.At.Add(per).After(l.Now) {
			out = append(out, r)
		}
	}
	return out
}

// mostKept bounds how many retrainings the state keeps; limits that allow more than so many hold back at so many.
const mostKept = 500

// Remembered are the retrainings that the state keeps: those that limits count, and the last.
func Remembered(b schema.Retrain, all []plan.Retraining, now time.Time) []plan.Retraining {
	longest := time.Duration(0)
	if _, per, err := b.Most(); err == nil {
		longest = max(longest, per)
	}
	if _, per, err := b.Hours(); err == nil {
		longest = max(longest, per)
	}
	kept := slices.Clone(all)
	for len(kept) > 1 && (!kept[0].At.Add(longest).After(now) || len(kept) > mostKept) {
		kept = kept[1:]
	}
	return kept
}
