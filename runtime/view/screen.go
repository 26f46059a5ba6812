// Package view writes for people, in a terminal or a log, what use cases of package workspace return and what events of the engine tell: a
// run as it goes on, and what came of it. Views decide nothing, and read nothing but what they are given.
//
// Results go to Screen.Out and all else, such as failures, to Screen.Err, so that standard output can be piped. Text that users or
// their stages wrote is made harmless (render.Line) before it is written.
package view

import (
	"io"
	"os"
)

// Screen is where views write.
type Screen struct {
	Out, Err io.Writer
	Terminal bool                // Out is a terminal, on which a line may be rewritten in place
	Colors   bool                // Out takes colours
	Warns    bool                // Err does
	Command  func(string) string // a command line that works on the same as this one: workspace.Workspace.Command
}

// Tint colours a word of Out: "31" red, "32" green, "33" yellow (ECMA-48, SGR). Where Out takes no colours, text is returned as it is.
func (s *Screen) Tint(code, text string) string {
	if s.Colors {
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	return text
}

// Paint makes a word of Err bold and red, where Err takes colours.
func (s *Screen) Paint(text string) string {
	if s.Warns {
		return "\x1b[1;31m" + text + "\x1b[0m"
	}
	return text
}

// Output is standard output that remembers its first failure: a command whose output is lost has failed, whatever else
// it did. `mlp plan > /dev/full` exits with 1, although no printing function of this package looks at errors of
// Fprintf.
type Output struct {
	File *os.File
	Err  error // the first
}

// Write writes to the file and keeps the first error: cobra and the views that print through it look at none, and a full
// disk must not end in exit code 0.
func (o *Output) Write(p []byte) (int, error) {
	n, err := o.File.Write(p)
	if o.Err == nil {
		o.Err = err
	}
	return n, err
}
