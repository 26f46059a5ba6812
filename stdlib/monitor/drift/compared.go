package drift

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	method "github.com/mlp-lang/mlp/stdlib/drift"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// compared are the rows of both tables that are compared. Of a current table with the days 1 to 30, a window of 1d, a baseline of 14d and a season of 1w these are the rows of day 30, and
// those of days 16 and 23.
type compared struct {
	reference, current *frame.Frame
	rows               [2][]int     // of the tables, ascending
	at                 [2][]float64 // their times, in seconds since 1970; nil: the table has none
	masks              [2][][]bool  // by slice, then by row of the frames
	season             float64      // in seconds; 0: none
	seed               int64
	strata             []int32 // their phases, as method.Options has them; nil without a season
	unmatched          int     // current rows that no row of the reference is of the phase of
}

// span is one of the block's durations, in seconds; 0 where it is not written.
func span(text string) float64 {
	d, _ := schema.ParseDuration(cmp.Or(text, "0s"))
	return d.Seconds()
}

// checkTimes holds window, baseline and season to the tables and to each other.
func (c *config) checkTimes(reference, current *schema.Table) []schema.Problem {
	var out []schema.Problem
	add := func(path, summary, hint string) {
		out = append(out, schema.Problem{Path: path, Summary: summary, Hint: hint})
	}
	asks := ""
	for _, d := range []struct{ path, text string }{{"window", c.Window}, {"baseline", c.Baseline}, {"season", c.Season}} {
		if d.text == "" {
			continue
		}
		asks = d.path
		if x, err := schema.ParseDuration(d.text); err != nil {
			add(d.path, err.Error(), "")
		} else if x <= 0 {
			add(d.path, fmt.Sprintf("A %s of %s has no rows", d.path, d.text), "")
		} else if d.path == "season" && x < 2*time.Hour {
			add(d.path, fmt.Sprintf("A season of %s has less than two phases: the shortest is an hour", d.text), "For example 1d, 1w, or 52w.")
		}
	}
	if c.Season != "" && c.Baseline != "" && span(c.Baseline) < span(c.Season) {
		add("baseline", fmt.Sprintf("Within %s before the current rows no row lies a season of %s before one of them", c.Baseline, c.Season), "Let it reach one season back, better several.")
	}
	for i, t := range []*schema.Table{reference, current} {
		side := []string{"reference", "current table"}[i]
		name := cmp.Or(c.Time, t.Time)
		switch col := t.Column(name); {
		case name == "" && asks != "":
			add(asks, fmt.Sprintf("The %s has no time", side), "Say which column it is: time.")
		case c.Time != "" && col == nil:
			add("time", fmt.Sprintf("The %s has no column %q", side, c.Time), "")
		case c.Time != "" && !table.Temporal(col.Type):
			add("time", fmt.Sprintf("Column %q of the %s is of type %s, not a date or timestamp", c.Time, side, col.Type), "")
		}
	}
	return out
}

// read reads the columns of both tables, and takes the rows that are compared.
func (c *config) read(ctx context.Context, s *component.Stage, columns []string) (*compared, error) {
	t := &compared{season: span(c.Season), seed: c.Seed}
	var frames [2]*frame.Frame
	var masks [2][][]bool
	for side, port := range []string{"reference", "current"} {
		of, path := []string{"the reference", "the current table"}[side], s.InputTable(port)
		f, err := table.ReadFrame(ctx, path, columns)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", of, err)
		}
		frames[side] = f
		if name := cmp.Or(c.Time, s.In[port].Table.Time); name != "" {
			at, err := table.ReadFrame(ctx, path, []string{name})
			if err != nil {
				return nil, fmt.Errorf("reading the time of %s: %w", of, err)
			}
			t.at[side] = at.Columns[0].Num
		}
		if masks[side], err = table.Masks(ctx, path, c.conditions(), nil); err != nil {
			return nil, fmt.Errorf("slicing %s: %w", of, err)
		}
		t.rows[side] = countTo(f.Rows)
	}
	if c.Window != "" || c.Baseline != "" || c.Season != "" {
		c.cut(t)
		c.tellTimeless(s, t)
	}
	for side, into := range []**frame.Frame{&t.reference, &t.current} {
		*into = frames[side]
		if len(t.rows[side]) < frames[side].Rows {
			*into = frames[side].Take(t.rows[side])
		}
		if t.at[side] != nil {
			t.at[side] = taken(t.at[side], t.rows[side])
		}
		for _, m := range masks[side] {
			t.masks[side] = append(t.masks[side], taken(m, t.rows[side]))
		}
	}
	// Names are compared without regard to case; the frames take the reference's.
	for i := range t.current.Columns {
		t.current.Columns[i].Name = t.reference.Columns[i].Name
	}
	return t, nil
}

// taken are the elements at some places.
func taken[T any](all []T, rows []int) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = all[r]
	}
	return out
}

// cut takes the rows of the window, and of the reference those before it.
func (c *config) cut(t *compared) {
	newest := math.Inf(-1)
	for _, x := range t.at[1] {
		if !math.IsNaN(x) {
			newest = max(newest, x)
		}
	}
	start := newest - span(c.Window)
	if c.Window == "" {
		start = math.Inf(-1)
	}
	t.rows[1] = slices.DeleteFunc(t.rows[1], func(r int) bool { return !(t.at[1][r] > start) })
	if c.Window == "" {
		start = math.Inf(1)
		for _, r := range t.rows[1] {
			start = min(start, t.at[1][r])
		}
	}
	from := start - span(c.Baseline)
	if c.Baseline == "" {
		from = math.Inf(-1)
	}
	t.rows[0] = slices.DeleteFunc(t.rows[0], func(r int) bool {
		x := t.at[0][r]
		if c.Window == "" {
			return !(x >= from && x < start)
		}
		return !(x > from && x <= start) // a window has its end, and not its beginning
	})
	if t.season > 0 {
		m := method.MatchPhases(taken(t.at[0], t.rows[0]), taken(t.at[1], t.rows[1]), t.season, t.seed)
		t.rows[0], t.rows[1] = taken(t.rows[0], m.Reference), taken(t.rows[1], m.Current)
		t.strata, t.unmatched = m.Strata, m.Unmatched
	}
}

// tellTimeless tells of rows that no window has.
func (c *config) tellTimeless(s *component.Stage, t *compared) {
	for side, of := range []string{"the reference", "the current table"} {
		n := 0
		for _, x := range t.at[side] {
			if math.IsNaN(x) {
				n++
			}
		}
		if n > 0 {
			s.Warnf("%d rows of %s have no time, and are not compared", n, of)
		}
	}
	if t.unmatched > 0 {
		s.Logf("%d current rows are of phases that the reference has too few rows of, and are not compared", t.unmatched)
	}
}

// ofPhases are some current rows, and those of the reference of the same phases.
func (t *compared) ofPhases(reference, current *frame.Frame, rows []int) (a, b *frame.Frame, strata []int32) {
	m := method.MatchPhases(t.at[0], taken(t.at[1], rows), t.season, t.seed)
	return reference.Take(m.Reference), current.Take(taken(rows, m.Current)), m.Strata
}
