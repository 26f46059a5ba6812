package view

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/initfrom"
)

// BegunElsewhere tells what was made of a pipeline of another tool, and what to do next.
func (s *Screen) BegunElsewhere(from string, b *initfrom.BegunElsewhere) {
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

// BegunTable tells what was guessed of a table: it decides what the model is for.
func (s *Screen) BegunTable(from string, b *initfrom.BegunTable) {
	fmt.Fprintf(s.Out, "Read %s: %s, %s.\nIt predicts %s, taken %s: %s from %s.\n", render.Line(from), render.Counted(int(b.Rows), "row"), render.Counted(b.Columns, "column"),
		render.Line(b.Target), render.Line(b.Why), strings.ReplaceAll(b.Task, "_", " "), render.Counted(len(b.Features), "feature"))
	if len(b.PII) > 0 {
		fmt.Fprintf(s.Out, "Marked pii: %s.\n", render.Line(strings.Join(b.PII, ", ")))
	}
	fmt.Fprintf(s.Out, "Wrote %s. Next: read it, then '%s'.\n", strings.Join(b.Wrote, " and "), s.Command("apply"))
}
