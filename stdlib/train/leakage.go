package train

// What a feature may know.
//
// A model is asked before its target is known. A feature that is made of the target, or of what comes with it, gives figures that
// are too good, and nothing once the model is in use. So each feature is held, by its name and by where its values come from
// (schema.Lineage), against the columns that tell the target: the target itself, the label, when that became known, and whether it
// can be trusted. Of the target refunded
//
//	the feature                                     is
//	refunded                                        refused, by its name
//	refunded * 2                                    refused: computed from the target in the same row
//	avg(refunded) over (partition by shop)          refused: the row itself is among those averaged
//	count(*) of the rows where refunded             refused: the target decides which rows are counted
//	avg(refunded) over the shop's earlier rows      taken; with a warning where labels become known late
//	paid / due, where the target is due - paid > 0  refused: all that the target is made of enters it
//
// known_before vouches for a feature: it is then held to its name alone. What the lineage cannot follow counts as everything, so that
// a feature may be refused without need, and then can be vouched for.

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// leaks reports whether a feature gives the target away, with a problem that says how: the feature is the target, is computed
// from it in the same row (refunded * 2 of the target refunded), or comes with the label, such as the time at which it became
// known. Labels of earlier rows do not give it away; where the label has known_at, a feature made of them gets a warning, since
// they may not have been known yet at the time of the row.
func (s *shaper) leaks(path string, c *schema.Column) bool {
	why, hint := s.leak(c.Name), "Take it out of features."
	if why == "" {
		if c.Lineage == nil || listed(s.config.KnownBefore, c.Name) {
			return false
		}
		trace := c.Lineage.Trace(s.times()...)
		if why, hint = s.leakByLineage(c, trace); why == "" {
			s.unknownThen(path, c, trace)
			return false
		}
	}
	s.report(schema.Problem{Path: path, Summary: fmt.Sprintf("The feature %q gives the target away", c.Name), Detail: why, Hint: hint})
	return true
}

// leak goes by name: the target, and the columns that come with the label.
func (s *shaper) leak(name string) string {
	if same(name, s.config.Target) {
		return "It is the target."
	}
	l := s.data.Label
	switch {
	case l == nil:
		return ""
	case same(name, l.Column):
		return "It is the label."
	case same(name, l.KnownAt):
		return "It is when the label became known."
	case same(name, l.Mature):
		return "It is whether the label can be trusted yet."
	}
	return ""
}

// leakByLineage goes by where a feature's values come from.
func (s *shaper) leakByLineage(c *schema.Column, trace *schema.Trace) (why, hint string) {
	if s.telling == nil {
		s.telling = s.tellingColumns()
	}
	for _, origin := range slices.Sorted(maps.Keys(s.telling)) {
		what := s.telling[origin]
		if slices.Contains(c.Lineage.Names(), origin) {
			return fmt.Sprintf("It is %s, %s, under another name.", what, origin), "Take it out of features."
		}
		if why, hint = leakBy(c.Name, what, origin, trace); why != "" {
			return why, hint
		}
	}
	return s.sameRoots(c, trace)
}

// leakBy says how the column origin, which gives the target away, enters a feature: by its values, or by deciding which rows a
// value of the feature is made of. why is empty if it does not.
func leakBy(feature, what, origin string, trace *schema.Trace) (why, hint string) {
	vouch := fmt.Sprintf("Compute it in a feature's window with known_at; or, if it holds only what was known before, say known_before = [%q].", feature)
	if way := trace.Way(schema.SameRow, origin); way != "" {
		return fmt.Sprintf("It is computed from %s: %s.", what, way), "Take it out of features."
	}
	if way := trace.Way(schema.OtherRows, origin); way != "" {
		return fmt.Sprintf("It is computed from %s over rows that may be the row itself, or come after it: %s.", what, way),
			"A window sees earlier rows alone if its first order is the table's time, ascending and as it stands, and its frame ends before the row. " + vouch
	}
	if way := trace.Way(schema.ByRows, origin); way != "" && what != mature {
		return fmt.Sprintf("Which rows it is computed from depends on %s, by a condition, a join, a group or an order: %s.", what, way),
			"Choose them by what is known when a row is decided upon. " + vouch
	}
	return "", ""
}

const mature = "whether the label can be trusted yet"

// tellingColumns are those that nothing may be computed from, and what they are.
func (s *shaper) tellingColumns() map[string]string {
	out := map[string]string{}
	add := func(name, what string) *schema.Lineage {
		c := s.data.Column(name)
		if c == nil || c.Lineage == nil {
			return nil
		}
		for _, origin := range c.Lineage.Names() {
			if out[origin] == "" {
				out[origin] = what
			}
		}
		return c.Lineage
	}
	add(s.config.Target, "the target")
	if l := s.data.Label; l != nil {
		add(l.Column, "the label")
		if known := add(l.KnownAt, "when the label became known"); known != nil {
			for _, origin := range known.Trace().Origins(schema.SameRow) {
				out[origin] = "when the label became known"
			}
		}
		add(l.Mature, mature)
	}
	return out
}

// sameRoots finds a feature from which the target itself may be computed: all columns of sources that the target is made of enter
// the feature too. If the target is due - paid > 0, a feature paid / due has the same roots, and one of paid alone
// has not. Where the target asks only whether a column is null (cancelled_at is not null), a feature that asks the same has its root.
func (s *shaper) sameRoots(c *schema.Column, trace *schema.Trace) (why, hint string) {
	if s.goal == nil {
		s.goal = s.traceOf(s.config.Target)
	}
	if len(s.goal.Origins(schema.OtherRows))+len(s.goal.Origins(schema.PastRows)) > 0 {
		return "", ""
	}
	// The ways in which a root may enter the feature. That it is only asked whether a root is null tells the target if that
	// is all the target asks.
	enters := []schema.Use{schema.SameRow, schema.OtherRows, schema.ByRows}
	var roots []string
	for _, of := range []schema.Use{schema.SameRow, schema.Nullness} {
		for _, origin := range s.goal.Origins(of) {
			if !strings.HasPrefix(origin, "source.") && !strings.Contains(origin, ".source.") || of == schema.Nullness && s.goal.Has(schema.SameRow, origin) {
				continue
			}
			if of == schema.Nullness {
				enters = append(enters, schema.Nullness)
			}
			if !slices.ContainsFunc(enters, func(use schema.Use) bool { return trace.Has(use, origin) }) && c.Lineage.Origin != origin {
				return "", ""
			}
			roots = append(roots, s.goal.Way(of, origin))
		}
	}
	if len(roots) == 0 {
		return "", ""
	}
	return fmt.Sprintf("The target is computed from the same: %s.", strings.Join(roots, ", ")), "Take it out of features."
}

// times are the origins of the columns that say when a row of the data happened: its time, and what a split by time goes by.
func (s *shaper) times() []string {
	var out []string
	for _, name := range []string{s.data.Time, s.data.Clock} {
		if c := s.data.Column(name); c != nil {
			out = append(out, c.Lineage.Names()...)
		}
	}
	return out
}

// traceOf is where the values of a column of the data come from; of nothing, if there is no such column.
func (s *shaper) traceOf(name string) *schema.Trace {
	if c := s.data.Column(name); c != nil {
		return c.Lineage.Trace(s.times()...)
	}
	return (*schema.Lineage)(nil).Trace()
}

// unknownThen warns of labels of earlier rows that may have become known later than the row.
func (s *shaper) unknownThen(path string, c *schema.Column, trace *schema.Trace) {
	l := s.data.Label
	if l == nil {
		return
	}
	label, known := s.data.Column(l.Column), s.data.Column(l.KnownAt)
	if label == nil || label.Lineage == nil || known == nil {
		return
	}
	way := trace.Way(schema.PastRows, label.Lineage.Origin)
	if way == "" {
		return
	}
	s.problems = append(s.problems, schema.Problem{Path: path, Warning: true,
		Summary: fmt.Sprintf("The feature %q sees the labels of earlier rows, known by then or not", c.Name),
		Detail:  fmt.Sprintf("Its values come by %s. Labels become known late: a model that learns from them early will miss them when it is used.", way),
		Hint:    fmt.Sprintf("Let the feature read the label's table, with known_at = %q in its window.", l.KnownAt)})
}
