package view

import (
	"fmt"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/eject"
)

// EjectHelp is the help of the command.
const EjectHelp = `Writes the pipeline as a folder that make runs without module, store and state: a Makefile with a target for each stage in
the order of their dependencies, the description of each stage, the files that stages read, docker run for programs in images,
and the SHA-256 of every file that is recorded. 'make check' makes everything there and compares it.

Built-in components are run by 'mlp stage'; secrets come from variables of the environment. Rules of checks and gates are
decided as an apply does. The README in the folder says what make does not do: releases, approvals, retries and time-outs.`

// Ejected tells what was written, and what to do next.
func (s *Screen) Ejected(dir string, w *eject.Written) error {
	t := render.Printer{}
	t.Line("Wrote %s: %s, of them %s, and %s; %s with %s to read.", render.ShellWord(dir), render.Counted(w.Stages, "stage"), render.Counted(w.Programs, "program"), render.Counted(w.Gates, "gate"),
		render.Counted(w.Files, "file"), render.Bytes(w.Bytes))
	if w.Sums > 0 {
		t.Line("SHA256SUMS has %s of recorded results.", render.Counted(w.Sums, "file"))
	}
	if len(w.Unrecorded) > 0 {
		t.Line("Nothing to compare with is recorded of %s: see README.md there.", render.Counted(len(w.Unrecorded), "stage"))
	}
	t.Line("Next: 'make -C %s -j2 check'.", render.ShellWord(dir))
	_, err := fmt.Fprint(s.Out, t.String())
	return err
}
