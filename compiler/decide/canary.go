package decide

// Whether a canary goes on, stays, or is taken away.
//
// Rules read figures by their names alone, and mean what is true: errors.ratio is how much oftener the canary fails, and not how much oftener it has failed so
// far. What was counted gives an interval for each figure (package canary), and a rule is decided where the intervals leave it no choice (rule.Span). Of
//
//	promote_when  = "errors.ratio < 1.5"      errors.ratio between 0.6 and 1.3: pass      between 0.6 and 1.9: open
//	rollback_when = "errors.ratio > 1"        between 1.1 and 1.9: pass
//
// All intervals hold what is true, at all looks together, in 1 - alpha of releases; so in at most alpha of releases a canary is taken away that should not
// be, or goes on that should not. Few rows give wide intervals: open, and never a pass. Nobody can write a rule that forgets it.

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/canary"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// CanaryFigures are the types of the figures that rules of a canary read. Positives, scores and what labels tell are counted of models of two classes.
func CanaryFigures(classes bool) *schema.FigureType {
	root := schema.Object(map[string]*schema.FigureType{})
	for _, name := range canary.Names() {
		parts := strings.Split(name, ".")
		if !classes && (canary.Labelled(name) || slices.Contains(parts, "positives") || slices.Contains(parts, "scores")) {
			continue
		}
		at := root
		for _, part := range parts[:len(parts)-1] {
			if at.Fields[part] == nil {
				at.Fields[part] = schema.Object(map[string]*schema.FigureType{})
			}
			at = at.Fields[part]
		}
		at.Fields[parts[len(parts)-1]] = canaryFigure(parts)
	}
	return root
}

// canaryFigure is the type of one figure: what it can be at all.
func canaryFigure(parts []string) *schema.FigureType {
	switch last := parts[len(parts)-1]; {
	case last == "rate" || last == "distance":
		return schema.Share
	case last == "difference":
		return schema.Between(-1, 1)
	case last == "ratio" || len(parts) == 3:
		return schema.Count
	}
	return schema.Double // how many milliseconds slower
}

// StepMove is what becomes of a canary at a look.
type StepMove string

const (
	HoldCanary    StepMove = "hold"
	PromoteCanary StepMove = "promote"
	AbortCanary   StepMove = "abort"
)

// CanaryLook is what is known of a canary at a look.
type CanaryLook struct {
	Step     int           // of the strategy's, from 0
	Stayed   time.Duration // at that step
	Evidence canary.Evidence
}

// CanaryDecision is what is decided at a look.
type CanaryDecision struct {
	Move    StepMove
	Why     string // in words, with the figures
	Rules   []CanaryRule
	Figures []CanaryFigure // that the rules read, by name
}

// CanaryRule is what a rule came to.
type CanaryRule struct {
	Name    string           `json:"name"` // promote_when or rollback_when
	Assert  string           `json:"assert"`
	Verdict plan.RuleVerdict `json:"verdict"`
	Reason  string           `json:"reason,omitempty"` // of an error: what is missing
}

// CanaryFigure is a figure with its interval.
type CanaryFigure struct {
	Name string
	canary.Figure
}

// String has the value, and the interval that it is in: "errors.ratio 2.1 (1.3 to 3.4)".
func (f CanaryFigure) String() string {
	return fmt.Sprintf("%s %s (%s to %s)", f.Name, number(f.Value), number(f.Low), number(f.High))
}

// number is a value or an end of an interval in words: "?" of what is not known, "any" of an end that is open.
func number(x float64) string {
	switch {
	case math.IsNaN(x):
		return "?"
	case math.IsInf(x, 0):
		return "any"
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// LeastRows is how many rows of a canary must have been counted before a figure that none of them gave is missing, rather than late.
const LeastRows = 100

// assignmentAlpha is in how many releases rows that are assigned as they should be are said not to be.
const assignmentAlpha = 0.001

// Canary is the strategy of a release, made ready to decide. It is immutable and safe for concurrent use.
type Canary struct {
	strategy          schema.Strategy
	sequence          canary.Sequence
	figures           []string // that the rules read, sorted
	promote, rollback *rule.Rule
}

// NewCanary compiles the rules of a strategy. A strategy without rules holds at all looks.
func NewCanary(s schema.Strategy) (*Canary, error) {
	c := &Canary{strategy: s}
	if !s.Valid() {
		return nil, fmt.Errorf("the strategy is none: %q by %v", s.Role, s.Steps)
	}
	if s.Rules == nil {
		return c, nil
	}
	env, err := rule.NewEnv(CanaryFigures(true))
	if err != nil {
		return nil, err
	}
	for _, x := range []struct {
		name, text string
		into       **rule.Rule
	}{{"promote_when", s.Rules.Promote, &c.promote}, {"rollback_when", s.Rules.Rollback, &c.rollback}} {
		if x.text == "" {
			continue
		}
		r, diags := env.Compile(source.NewText(x.text, source.Range{}, nil))
		if diags.HasErrors() {
			return nil, fmt.Errorf("%s %q: %s", x.name, x.text, diags[0].Summary)
		}
		*x.into = r
		for _, ref := range r.Refs() {
			if name := strings.Join(ref.Path, "."); !slices.Contains(c.figures, name) {
				c.figures = append(c.figures, name)
			}
		}
	}
	slices.Sort(c.figures)
	c.sequence = canary.Sequence{Alpha: s.Rules.Alpha, Figures: max(1, len(c.figures))}
	return c, nil
}

// ReadsLabels is the first figure of labels that the rules read; empty if they read none.
func (c *Canary) ReadsLabels() string {
	if at := slices.IndexFunc(c.figures, canary.Labelled); at >= 0 {
		return c.figures[at]
	}
	return ""
}

// Decide says what becomes of the canary by what was seen of it so far. The same look gives the same decision, to the letter.
func (c *Canary) Decide(look CanaryLook) (CanaryDecision, error) {
	r := c.strategy.Rules
	if r == nil {
		return CanaryDecision{Move: HoldCanary, Why: "it has no rules: it is moved by hand"}, nil
	}
	if look.Step < 0 || look.Step >= len(c.strategy.Steps) {
		return CanaryDecision{}, fmt.Errorf("step %d of %d", look.Step+1, len(c.strategy.Steps))
	}
	d, values, err := c.look(look.Evidence)
	if err != nil {
		return CanaryDecision{}, err
	}
	rollback := d.rule("rollback_when", r.Rollback, c.rollback, values)
	promote := d.rule("promote_when", r.Promote, c.promote, values)
	_, there := look.Evidence.Rows(canary.Millionths(c.strategy.Steps[look.Step]))
	every := time.Duration(r.Every * float64(time.Second))
	missing, otherwise := d.missing(), HoldCanary
	if r.Otherwise == schema.AbortStep {
		otherwise = AbortCanary
	}
	switch {
	case rollback == plan.Pass:
		d.Move, d.Why = AbortCanary, "rollback_when holds: "+r.Rollback+d.figures(c.rollback)
	case missing != "":
		d.Move, d.Why = otherwise, missing+", and otherwise is "+string(r.Otherwise)
	case c.promote == nil:
		d.Why = "rollback_when is " + said(rollback) + d.figures(c.rollback) + "; there is no promote_when, so it is promoted by hand"
	case promote == plan.Fail:
		d.Move, d.Why = otherwise, "promote_when does not hold: "+r.Promote+d.figures(c.promote)+", and otherwise is "+string(r.Otherwise)
	case there < r.MinSamples:
		d.Why = fmt.Sprintf("%d of %d rows of the canary are counted at this step", there, r.MinSamples)
	case look.Stayed < every:
		d.Why = fmt.Sprintf("the step lasts %v, and has lasted %v", every, look.Stayed.Truncate(time.Second))
	case promote == plan.Pass && !c.assigned(look.Evidence):
		d.Why = "promote_when holds, and rows are not assigned as they should be: requests.ratio is not 1"
	case promote == plan.Pass:
		d.Move, d.Why = PromoteCanary, "promote_when holds: "+r.Promote+d.figures(c.promote)
	default:
		d.Why = "promote_when is open: " + r.Promote + d.figures(c.promote)
	}
	return d, nil
}

// said is an undecided verdict in words.
func said(v plan.RuleVerdict) string {
	if v == plan.Fail {
		return "known not to hold"
	}
	return "open"
}

// look finds the figures that rules read. One that none of enough rows gave is missing, and of fewer it is open, as its interval says.
func (c *Canary) look(e canary.Evidence) (CanaryDecision, rule.Values, error) {
	d := CanaryDecision{Move: HoldCanary}
	v := rule.Values{Between: map[string]rule.Span{}, Undefined: map[string]string{}}
	rows, _ := e.Rows(0)
	for _, name := range c.figures {
		f, err := c.sequence.Of(e, name)
		if err != nil {
			return d, v, err
		}
		d.Figures = append(d.Figures, CanaryFigure{name, f})
		if rows >= max(LeastRows, c.strategy.Rules.MinSamples) && e.Counted(name) == 0 && !canary.Labelled(name) {
			v.Undefined[name] = fmt.Sprintf("none of %d rows of the canary, nor of those beside them, gave it", rows)
			continue
		}
		v.Between[name] = rule.Span{Low: f.Low, High: f.High}
	}
	return d, v, nil
}

// rule decides one rule and notes what it came to; a rule that there is not is open.
func (d *CanaryDecision) rule(name, text string, r *rule.Rule, v rule.Values) plan.RuleVerdict {
	if r == nil {
		return plan.Open
	}
	decision := r.Decide(v)
	verdict := plan.RuleVerdict(decision.Verdict)
	d.Rules = append(d.Rules, CanaryRule{Name: name, Assert: text, Verdict: verdict, Reason: decision.Reason})
	return verdict
}

// missing says which figure is; empty if none is.
func (d *CanaryDecision) missing() string {
	for _, r := range d.Rules {
		if r.Verdict == plan.RuleError {
			return r.Name + " cannot be decided: " + r.Reason
		}
	}
	return ""
}

// figures are those of a rule in words: "; errors.ratio 2.1 (1.3 to 3.4)".
func (d *CanaryDecision) figures(r *rule.Rule) string {
	text := ""
	for _, f := range d.Figures {
		if slices.ContainsFunc(r.Refs(), func(ref rule.Ref) bool { return strings.Join(ref.Path, ".") == f.Name }) {
			text += "; " + f.String()
		}
	}
	return text
}

// assigned reports whether the canary has as many rows as its shares say, as far as can be told.
func (c *Canary) assigned(e canary.Evidence) bool {
	f, err := canary.Sequence{Alpha: assignmentAlpha, Figures: 1}.Of(e, "requests.ratio")
	return err == nil && f.Low <= 1 && f.High >= 1
}
