package view

import (
	"cmp"
	"fmt"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// Verified lists what is damaged or gone in a store, by the block that it is of if that is known, else by the pipeline or the digest, with what heals it; then
// how much was looked at. how is "read", where contents were, or another word where only their sizes. A workspace is named where it is not the
// one that the command is for.
func (s *Screen) Verified(f *workspace.Verified, own, how string) error {
	t := render.Printer{}
	for _, d := range f.Damaged {
		name := cmp.Or(d.Address, d.Pipeline, string(d.Digest))
		if d.Workspace != "" && d.Workspace != own {
			name += " in workspace " + d.Workspace
		}
		t.Line("%s: %s\n  %s", render.Lines(name), render.Lines(d.Why), render.Lines(d.Heal))
	}
	if len(f.Damaged) > 0 {
		t.Line("")
	}
	found := fmt.Sprintf("%d damaged or gone.", len(f.Damaged))
	switch {
	case len(f.Damaged) > 0:
	case how == "read":
		found = "all is as it was written."
	default:
		found = "all that is recorded is there."
	}
	t.Line("%s (%s), %d %s of results, %s of %s %s: %s", render.Counted(f.Objects, "object"), render.Bytes(f.Bytes),
		f.Records, render.Plural(f.Records, "record", "records"), render.Counted(f.Revisions, "revision"), render.Counted(f.States, "state"), how, found)
	_, err := fmt.Fprint(s.Out, t.String())
	return err
}
