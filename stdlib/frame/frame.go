// Package frame holds a table in memory, column by column, for trainers, metrics and scoring.
package frame

import (
	"fmt"
	"slices"
)

// Frame is a table of Rows rows. All columns have that length, in the order of rows in the file. It is safe for concurrent
// reading.
type Frame struct {
	Rows    int
	Columns []Column
}

// Column is either numeric (Num set: numbers, booleans as 0 and 1, times as seconds since 1970 in UTC; NaN is null)
// or text (Codes and Levels set). The texts b, null, a, b have the Levels {a, b} and the Codes {1, -1, 0, 1}.
type Column struct {
	Name string
	Type string    // as in the table's schema: "double", "varchar", …
	Num  []float64 // numeric columns
	// Exact has the numbers of a column that a float64 does not hold, as text by row, "" where it does; nil if it holds all.
	Exact []string
	// Codes index Levels; -1 is null. Levels are distinct and sorted bytewise.
	Codes  []int32
	Levels []string
}

// Text reports whether the column holds strings.
func (c *Column) Text() bool { return c.Codes != nil }

// Column returns the column of that name, nil if there is none.
func (f *Frame) Column(name string) *Column {
	for i := range f.Columns {
		if f.Columns[i].Name == name {
			return &f.Columns[i]
		}
	}
	return nil
}

// Select returns a frame of these columns in this order; the data is shared. A name that the frame does not have is an error.
func (f *Frame) Select(names []string) (*Frame, error) {
	out := &Frame{Rows: f.Rows, Columns: make([]Column, 0, len(names))}
	for _, n := range names {
		c := f.Column(n)
		if c == nil {
			return nil, fmt.Errorf("the table has no column %q", n)
		}
		out.Columns = append(out.Columns, *c)
	}
	return out, nil
}

// Take returns a frame of the given rows, from 0, in that order; a row may be taken several times. Values are copied. Levels
// are shared, and may have some that none of the rows has.
func (f *Frame) Take(rows []int) *Frame {
	out := &Frame{Rows: len(rows), Columns: make([]Column, len(f.Columns))}
	for i := range f.Columns {
		c := &f.Columns[i]
		d := Column{Name: c.Name, Type: c.Type, Levels: c.Levels}
		if c.Text() {
			d.Codes = make([]int32, len(rows))
			for j, r := range rows {
				d.Codes[j] = c.Codes[r]
			}
		} else {
			d.Num = make([]float64, len(rows))
			for j, r := range rows {
				d.Num[j] = c.Num[r]
			}
			if c.Exact != nil {
				d.Exact = make([]string, len(rows))
				for j, r := range rows {
					d.Exact[j] = c.Exact[r]
				}
			}
		}
		out.Columns[i] = d
	}
	return out
}

// Append puts the rows of another frame with the same columns, without exact numbers, behind those of this one. Texts get codes among the levels
// of both.
func (f *Frame) Append(other *Frame) {
	for i := range f.Columns {
		c, d := &f.Columns[i], &other.Columns[i]
		if !c.Text() {
			c.Num = append(c.Num, d.Num...)
			continue
		}
		levels := slices.Concat(c.Levels, d.Levels)
		slices.Sort(levels)
		levels = slices.Compact(levels)
		own, others := placesOf(c.Levels, levels), placesOf(d.Levels, levels)
		codes := make([]int32, 0, len(c.Codes)+len(d.Codes))
		for _, code := range c.Codes {
			codes = append(codes, own[code+1])
		}
		for _, code := range d.Codes {
			codes = append(codes, others[code+1])
		}
		c.Codes, c.Levels = codes, levels
	}
	f.Rows += other.Rows
}

// placesOf are the codes that the codes of some levels have among others, by 1 + the code: null stays null.
func placesOf(levels, among []string) []int32 {
	out := []int32{-1}
	for _, level := range levels {
		at, _ := slices.BinarySearch(among, level)
		out = append(out, int32(at))
	}
	return out
}
