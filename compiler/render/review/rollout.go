package review

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/schema"
)

// rollout says by which steps the model takes over from the live one, what becomes of a rollout that there is, and how far one is that goes on.
func rollout(r *plan.Release) (out []string) {
	if r.Current == nil {
		return nil
	}
	was := r.Current.Rollout
	switch {
	case r.Action == plan.NoRelease && was == nil:
		return nil
	case r.Action == plan.NoRelease:
		return []string{Rollout(was)}
	case was != nil:
		out = append(out, fmt.Sprintf("ends the %s of %s %s, %s", render.Line(string(was.Strategy.Role)), render.Line(was.Next.From), render.Line(was.Next.Model.Short()), share(was)))
	}
	if r.Strategy != nil && r.Action != plan.RemoveRelease && !sameModel(r) {
		out = append(append(out, strategy(r.Strategy)...), outlooks(r)...)
	}
	return out
}

// strategy is a strategy in words: "canary: 5 % → 25 % → 100 % of the rows, a step at each 'mlp release promote'", and below it what moves a canary.
func strategy(s *schema.Strategy) []string {
	switch s.Role {
	case schema.CanaryRoute:
		steps := ""
		for _, share := range s.Steps {
			steps += percent(share) + " → "
		}
		steps = "canary: " + steps + "100 % of the rows"
		if s.Rules == nil {
			return []string{steps + ", a step at each 'mlp release promote'"}
		}
		return append([]string{steps + ", moved by 'mlp watch'"}, stepRules(s.Rules)...)
	case schema.ShadowRoute:
		return []string{"shadow: scores " + percent(s.Steps[0]) + " of the rows and answers nobody, until 'mlp release promote'"}
	}
	return []string{"green: answers who asks for its version, until 'mlp release promote'"}
}

// stepRules say when a canary goes on, when it is taken away, and how sure that is.
func stepRules(r *schema.StepRules) (out []string) {
	if r.Rollback != "" {
		out = append(out, "taken away when "+render.Line(r.Rollback))
	}
	switch {
	case r.Promote == "":
		out = append(out, "goes on at each 'mlp release promote'")
	default:
		var waits []string
		if r.Every > 0 {
			waits = append(waits, lasting(r.Every))
		}
		if r.MinSamples > 0 {
			waits = append(waits, fmt.Sprintf("%d rows of its own", r.MinSamples))
		}
		text := "goes on when " + render.Line(r.Promote)
		if len(waits) > 0 {
			text += ", after " + strings.Join(waits, " and ") + " at each step"
		}
		out = append(out, text)
	}
	return append(out, fmt.Sprintf("one of these is wrong in %s of releases at most; where it cannot be decided: %s", percent(100*r.Alpha), r.Otherwise))
}

// outlooks tell how long each step takes: "at 5 % of 40 rows a minute: goes on after about 9 h (errors.ratio is 1); …".
func outlooks(r *plan.Release) (out []string) {
	traffic := r.Strategy.Rules.TrafficOr(r.Current.Traffic)
	for _, step := range r.Outlook {
		var parts []string
		for _, x := range []struct {
			what string
			of   *plan.Outlook
		}{{"goes on", step.Promote}, {"is taken away", step.Rollback}} {
			if text := outlook(x.what, x.of); text != "" {
				parts = append(parts, text)
			}
		}
		if len(parts) > 0 && traffic != nil {
			out = append(out, fmt.Sprintf("at %s of %g rows a minute it %s", percent(step.Share), traffic.PerMinute, strings.Join(parts, ", and ")))
		}
	}
	return out
}

// outlook is how long a rule takes, in words; empty where nothing can be told.
func outlook(what string, o *plan.Outlook) string {
	switch {
	case o == nil || len(o.If) == 0:
		return ""
	case o.Never:
		return "never " + what + " though " + render.Line(strings.Join(o.If, ", "))
	}
	text := fmt.Sprintf("%s after about %s if %s", what, lasting(60*o.Median), render.Line(strings.Join(o.If, ", ")))
	if early := lasting(60 * o.Early); early != lasting(60*o.Median) {
		text += fmt.Sprintf(" (one of ten within %s)", early)
	}
	if len(o.Untold) > 0 {
		text += ", as far as not for " + render.Line(strings.Join(o.Untold, ", "))
	}
	return text
}

// lasting is a time in words: "45 s", "18 minutes", "2 h 20 m", "9 days".
func lasting(seconds float64) string {
	minutes := int(math.Round(seconds / 60))
	switch {
	case seconds < 90:
		return fmt.Sprintf("%.0f s", seconds)
	case minutes < 60:
		return fmt.Sprintf("%d minutes", minutes)
	case minutes >= 48*60:
		return fmt.Sprintf("%.0f days", seconds/86400)
	case minutes%60 == 0:
		return fmt.Sprintf("%d h", minutes/60)
	}
	return fmt.Sprintf("%d h %d m", minutes/60, minutes%60)
}

// Rollout is how far a rollout is, in words: "canary at 5 %, step 1 of 2, since revision 12".
func Rollout(r *plan.Rollout) string {
	text := fmt.Sprintf("%s %s", render.Line(string(r.Strategy.Role)), share(r))
	if n := len(r.Strategy.Steps); n > 1 {
		text += fmt.Sprintf(", step %d of %d", r.Step+1, n)
	}
	text += fmt.Sprintf(", since revision %d", r.Revision)
	if r.Paused != nil {
		text += ", paused by " + GivenText(*r.Paused)
	}
	return text
}

// percent is a share, "2.5 %".
func percent(share float64) string { return strconv.FormatFloat(share, 'f', -1, 64) + " %" }

// share is how much of the rows a candidate has.
func share(r *plan.Rollout) string {
	switch r.Strategy.Role {
	case schema.CanaryRoute:
		return "at " + percent(r.Share()) + " of the rows"
	case schema.ShadowRoute:
		return "of " + percent(r.Share()) + " of the rows"
	}
	return "for who asks for its version"
}
