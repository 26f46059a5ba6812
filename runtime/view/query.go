package view

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// forPeople are the forms of an answer that are laid out; the others are files of rows.
var forPeople = map[string]bool{"text": true, "markdown": true}

// mostRows is how many rows of an answer people are shown unless they say how many.
const mostRows = 100

// AnswerLimit is how many rows a form has where the command line does not say: 0 is all.
func AnswerLimit(form string) int64 {
	if forPeople[form] {
		return mostRows
	}
	return 0
}

// Answer writes the rows of a query.
func Answer(ctx context.Context, w io.Writer, answer *workspace.Answer, form string, o render.Options) error {
	if !forPeople[form] {
		return answer.Write(ctx, w, form)
	}
	g, err := answer.Grid(ctx, int(answer.Kept))
	if err != nil {
		return err
	}
	if form == "markdown" {
		return g.WriteMarkdown(w, o)
	}
	return g.WriteText(w, o)
}

// BesideAnswer tells on standard error what the rows do not have, and whose they are.
func (s *Screen) BesideAnswer(answer *workspace.Answer, form string) {
	if !forPeople[form] && answer.Kept < answer.Rows {
		fmt.Fprintf(s.Err, "%d of %d rows.\n", answer.Kept, answer.Rows)
	}
	if len(answer.Hidden) > 0 {
		fmt.Fprintf(s.Err, "Hidden, as they come of columns marked pii: %s.\n", render.Line(strings.Join(answer.Hidden, ", ")))
	}
	if len(answer.Looked) > 0 {
		fmt.Fprintf(s.Err, "Test rows were read, of %s: choices made by them are counted by no gate.\n", render.Line(strings.Join(answer.Looked, ", ")))
	}
}
