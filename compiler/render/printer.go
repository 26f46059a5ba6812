// Package render has what all that is written for people shares: what users wrote is made harmless first (clean.go), values and
// what differs between two are short (value.go, change.go, cause.go), lines are put together for a terminal (printer.go), and
// Markdown takes nothing of it for markup (escape.go).
//
// The rooms below it write by subject: review plans and their comparison, graph pictures, reference the pages of components.
package render

import (
	"fmt"
	"strings"
)

// Options of the text.
type Options struct {
	Color bool
	All   bool // list cached stages and decided gates too
}

// Printer collects the lines of a text. The zero value writes without colours.
type Printer struct {
	Options
	b strings.Builder
}

// String is what was written.
func (p *Printer) String() string { return p.b.String() }

// Line adds a line, without blanks at its end.
func (p *Printer) Line(format string, args ...any) {
	p.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// Title adds an empty line and a heading.
func (p *Printer) Title(s string) { p.Line("\n%s", p.Paint(Bold, s)) }

// Style of a piece of text on a terminal.
type Style string

// Styles, as numbers of the terminal's escape sequence.
const (
	Bold   Style = "1"
	Green  Style = "32"
	Red    Style = "31"
	Yellow Style = "33"
	Dim    Style = "2"
)

// Paint colours text, if colours are asked for. What is painted has no other width, but other bytes: pad before
// painting.
func (p *Printer) Paint(s Style, text string) string {
	if !p.Color || text == "" || s == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}
