package view

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// BegunElsewhere tells what was made of a pipeline of another tool, and what to do next.
func (s *Screen) BegunElsewhere(from string, b *workspace.BegunElsewhere) {
	fmt.Fprintf(s.Out, "Read %s: %s, %s.\n", render.Line(from), render.Counted(b.Stages, "stage"), render.Counted(b.Figures, "figure"))
	for _, note := range b.Notes {
		fmt.Fprintf(s.Out, "Note: %s.\n", render.Line(note))
	}
	next := fmt.Sprintf("'%s'", s.Command("apply"))
	if b.Image != "" {
		next = fmt.Sprintf("'docker build -t %s .', the image that the stages run in, then %s", b.Image, next)
	}
	fmt.Fprintf(s.Out, "Wrote %s. Next: %s.\n", strings.Join(b.Wrote, ", "), next)
}
