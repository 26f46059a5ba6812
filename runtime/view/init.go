package view

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// Fetched tells which commit a module was pinned at, and where the version was a guess: a source without ?ref= has no version that its
// author chose.
func (s *Screen) Fetched(p workspace.Pinned) {
	if p.Before == "" {
		fmt.Fprintf(s.Out, "%s is commit %s.\n", render.Line(p.Repository), p.Commit)
	} else {
		fmt.Fprintf(s.Out, "%s moved from commit %s to %s.\n", render.Line(p.Repository), p.Before, p.Commit)
	}
	if p.Guessed {
		fmt.Fprintln(s.Out, "  Its source names no version: the default branch was taken. Add ?ref= with a tag, so that --upgrade cannot take more than you mean.")
	}
}

// Pinned tells what `mlp init` wrote to mlp.lock, and of which sources it left the pins as they were.
func (s *Screen) Pinned(found *workspace.Found) error {
	t := render.Printer{}
	switch {
	case found.Changed:
		t.Line("Wrote %s: %s. Commit it.", workspace.LockName, found.Lock.Pinned())
		for _, guess := range render.Clean(found.Guessed) {
			t.Line("%s", guess)
		}
	case len(found.Other) == 0:
		t.Line("%s is up to date.", workspace.LockName)
	}
	if len(found.Other) > 0 {
		t.Line("The files of %s are not those that %s pins: 'mlp init --upgrade' pins those that are here.", strings.Join(render.Clean(found.Other), ", "), workspace.LockName)
	}
	_, err := fmt.Fprint(s.Out, t.String())
	return err
}
