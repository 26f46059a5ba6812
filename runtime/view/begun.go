package view

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// BegunDVC tells what was made of a pipeline of DVC, and what to do next.
func (s *Screen) BegunDVC(from string, b *workspace.BegunDVC) {
	fmt.Fprintf(s.Out, "Read %s: %s, %s.\n", render.Line(from), render.Counted(b.Stages, "stage"), render.Counted(b.Figures, "figure"))
	for _, note := range b.Notes {
		fmt.Fprintf(s.Out, "Note: %s.\n", render.Line(note))
	}
	fmt.Fprintf(s.Out, "Wrote %s. Next: 'docker build -t %s .', the image that the stages run in, then '%s'.\n", strings.Join(b.Wrote, ", "), b.Image, s.Command("apply"))
}
