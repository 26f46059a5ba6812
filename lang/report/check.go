package report

import (
	"fmt"
	"math"
)

// Check says what is wrong with a report, and where: "sections[0].items[2].plot.series[1] has 3 of x and 2 of y". The first mistake in the order
// of the report is told. What passes can be drawn in any form: no number is infinite, no row is short, no plot is without a series, and
// there is no more of anything than a page can show.
func (r *Report) Check() error {
	switch {
	case r.Version != Version:
		return fmt.Errorf(`"report" is %d; the form that is known here is %d`, r.Version, Version)
	case r.Title == "":
		return fmt.Errorf("title is missing")
	}
	items := 0
	for i, s := range r.Sections {
		at := fmt.Sprintf("sections[%d]", i)
		if s.Title == "" {
			return fmt.Errorf("%s has no title", at)
		}
		if items += len(s.Items); items > maxItems {
			return fmt.Errorf("more than %d items", maxItems)
		}
		for k, item := range s.Items {
			if err := item.check(fmt.Sprintf("%s.items[%d]", at, k)); err != nil {
				return err
			}
		}
	}
	return nil
}

// check holds an item to be one of three things.
func (i Item) check(at string) error {
	set := 0
	for _, is := range []bool{i.Note != "", i.Table != nil, i.Plot != nil} {
		if is {
			set++
		}
	}
	switch {
	case set != 1:
		return fmt.Errorf("%s has %d of note, table and plot; expected one", at, set)
	case i.Table != nil:
		return i.Table.check(at + ".table")
	case i.Plot != nil:
		return i.Plot.check(at + ".plot")
	}
	return nil
}

// check holds rows to the columns, one cell each, also where there is nothing to say: an empty cell is a cell.
func (t *Table) check(at string) error {
	if len(t.Columns) == 0 {
		return fmt.Errorf("%s has no columns", at)
	}
	if len(t.Rows) > maxRows {
		return fmt.Errorf("%s has %d rows, more than %d", at, len(t.Rows), maxRows)
	}
	for i, c := range t.Columns {
		switch c.Kind {
		case "", Text, Number, Count, Share:
		default:
			return fmt.Errorf("%s.columns[%d].kind is %q; expected text, number, count or share", at, i, c.Kind)
		}
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("%s.rows[%d] has %d cells for %d columns", at, i, len(row), len(t.Columns))
		}
		for k, c := range row {
			for _, x := range []*float64{c.Value, c.Low, c.High} {
				if x != nil && !finite(*x) {
					return fmt.Errorf("%s.rows[%d][%d] is not finite, or beyond 1e300; leave the value out, and say why", at, i, k)
				}
			}
		}
	}
	return nil
}

// check holds axes to ends that span something, and counts the points of all series together.
func (p *Plot) check(at string) error {
	switch {
	case p.Title == "":
		return fmt.Errorf("%s has no title", at)
	case len(p.Series) == 0:
		return fmt.Errorf("%s has no series", at)
	}
	for _, axis := range []struct {
		name string
		Axis
	}{{"x", p.X}, {"y", p.Y}} {
		low, high := axis.Min, axis.Max
		if low != nil && !finite(*low) || high != nil && !finite(*high) || low != nil && high != nil && *low >= *high {
			return fmt.Errorf("%s.%s: min must be less than max, both finite", at, axis.name)
		}
	}
	points := 0
	for i, s := range p.Series {
		if err := s.check(fmt.Sprintf("%s.series[%d]", at, i)); err != nil {
			return err
		}
		if points += len(s.X); points > maxPoints {
			return fmt.Errorf("%s has more than %d points", at, maxPoints)
		}
	}
	return nil
}

// check holds the lists of a series to one length. Of a band y is not drawn and may be left out; whiskers and bands have both ends.
func (s *Series) check(at string) error {
	switch s.Mark {
	case Line, Step, Points, Bars:
		if len(s.Y) != len(s.X) {
			return fmt.Errorf("%s has %d of x and %d of y", at, len(s.X), len(s.Y))
		}
	case Band:
		if len(s.Low) != len(s.X) || len(s.High) != len(s.X) {
			return fmt.Errorf("%s is a band of %d points with %d of low and %d of high", at, len(s.X), len(s.Low), len(s.High))
		}
	default:
		return fmt.Errorf("%s.mark is %q; expected line, step, points, bars or band", at, s.Mark)
	}
	for _, list := range []struct {
		name   string
		values []float64
	}{{"low", s.Low}, {"high", s.High}} {
		if n := len(list.values); n != 0 && n != len(s.X) {
			return fmt.Errorf("%s has %d of x and %d of %s", at, len(s.X), n, list.name)
		}
	}
	if (len(s.Low) == 0) != (len(s.High) == 0) {
		return fmt.Errorf("%s has one of low and high; expected both or none", at)
	}
	for _, list := range [][]float64{s.X, s.Y, s.Low, s.High} {
		for i, x := range list {
			if !finite(x) {
				return fmt.Errorf("%s: point %d is not finite, or beyond 1e300", at, i)
			}
		}
	}
	return nil
}

// finite leaves room to span an axis: the distance of any two numbers is a number.
func finite(x float64) bool { return math.Abs(x) <= 1e300 }
