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
	// Command writes a command line that works on the same as the one that prints, "show deploy.scorer"; nil: one of the workspace
	// that is written about (Command).
	Command func(rest string) string
}

// Command is a command line of mlp, "logs train.model", for a workspace, as far as text that is read elsewhere can say what it
// works on: the folder and the store are the reader's. Addresses in rest are words for a shell already (ShellWord).
func Command(workspace, rest string) string {
	name, arguments, _ := strings.Cut(rest, " ")
	if workspace != "default" && workspace != "" {
		name += " --workspace " + ShellWord(workspace)
	}
	return strings.TrimSpace("mlp " + name + " " + arguments)
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
