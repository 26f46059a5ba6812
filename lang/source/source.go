// Package source holds the text of a module, positions in it, and diagnostics about it.
// It is the leaf of the language packages: everything that can be wrong with a file is said with its types.
package source

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// Pos is a place in a file. Line and Column count from 1, Column in Unicode code points; Byte counts from 0. The zero
// Pos is no place.
type Pos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// Range is a half-open stretch of a file: End is behind its last byte. File is relative to the module's folder, with
// forward slashes; of a called module it leads there, "../shared/features.mlp".
type Range struct {
	File  string `json:"file"`
	Start Pos    `json:"start"`
	End   Pos    `json:"end"`
}

// IsZero reports whether r points nowhere, as for values that come from the command line.
func (r Range) IsZero() bool { return r.File == "" }

// Severity of a diagnostic. The zero value is invalid, so that a forgotten one is seen.
type Severity int

const (
	Error Severity = iota + 1
	Warning
)

// Diagnostic says one thing about the module: what is wrong, where, and what to do.
type Diagnostic struct {
	Severity Severity
	Code     string // stable, "MLP1203"; listed in spec/errors.md
	Summary  string // what is wrong, one line without full stop
	Detail   string // what was expected, in whole sentences; may be empty
	Hint     string // what to do: `did you mean "auc"?`; may be empty
	Subject  Range  // what the caret points at; zero if it is about no place in a file
	Context  Range  // a wider range to show around Subject; zero if none
	Related  []Related
}

// Related is a second place that a diagnostic speaks of, such as the hops of a cycle, or the other one of two alike.
type Related struct {
	Message string
	Range   Range
}

// Diagnostics is a list of them; nil is a clean bill.
type Diagnostics []Diagnostic

// HasErrors reports whether any of them is an error.
func (ds Diagnostics) HasErrors() bool {
	for _, d := range ds {
		if d.Severity == Error {
			return true
		}
	}
	return false
}

// Sort orders them by file, place, severity and text, and removes repetitions. Those without a place come first.
func (ds Diagnostics) Sort() Diagnostics {
	sort.SliceStable(ds, func(i, j int) bool { return ds[i].before(ds[j]) })
	out := ds[:0]
	for i, d := range ds {
		if i > 0 && !ds[i-1].before(d) && !d.before(ds[i-1]) {
			continue
		}
		out = append(out, d)
	}
	return out
}

func (d Diagnostic) before(e Diagnostic) bool {
	if c := strings.Compare(d.Subject.File, e.Subject.File); c != 0 {
		return c < 0
	}
	if d.Subject.Start.Byte != e.Subject.Start.Byte {
		return d.Subject.Start.Byte < e.Subject.Start.Byte
	}
	if d.Severity != e.Severity {
		return d.Severity < e.Severity
	}
	if d.Summary != e.Summary {
		return d.Summary < e.Summary
	}
	return d.Detail < e.Detail
}

// Text is a string value of a file, such as a query or a rule, that remembers where each byte of it was written.
// The value differs from the file's text where the file has escapes or an indented heredoc.
type Text struct {
	Value string
	Range Range // the whole expression in the file, quotes included

	pieces []Piece
}

// Piece maps a run of a Text's value to where it stands in the file: byte for byte from Start on.
type Piece struct {
	Offset int // in the value
	Start  Pos // in the file
}

// NewText returns a text whose runs begin at the given pieces, sorted by offset. Without pieces every position is
// the start of r.
func NewText(value string, r Range, pieces []Piece) Text {
	return Text{Value: value, Range: r, pieces: pieces}
}

// At returns where the byte at offset of the value stands in the file.
func (t Text) At(offset int) Pos {
	offset = max(0, min(offset, len(t.Value)))
	i := sort.Search(len(t.pieces), func(i int) bool { return t.pieces[i].Offset > offset }) - 1
	if i < 0 {
		return t.Range.Start
	}
	p := t.pieces[i]
	run := t.Value[p.Offset:offset]
	return Pos{Line: p.Start.Line, Column: p.Start.Column + utf8.RuneCountInString(run), Byte: p.Start.Byte + len(run)}
}

// Sub returns the range in the file of the value's bytes from start to end.
func (t Text) Sub(start, end int) Range {
	return Range{File: t.Range.File, Start: t.At(start), End: t.At(end)}
}
