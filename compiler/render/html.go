package render

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
)

//go:embed plan.html
var pageText string

// HTML writes the plan as one file that needs nothing else: no script, no request. It has the parts of the text, and the
// picture of what is touched, or of all stages with All.
func HTML(w io.Writer, p *plan.Plan, o Options) error {
	page, err := template.New("plan").Funcs(template.FuncMap{
		"sign":       func(v plan.RuleVerdict) string { s, _ := ruleMark(v); return s },
		"word":       func(v plan.RuleVerdict) string { return strings.ToUpper(string(v)) },
		"action":     func(a plan.ReleaseAction) string { s, _ := releaseMark(a); return s },
		"unopened":   func(sum string) string { return strings.TrimPrefix(sum, "open: ") }, // the verdict stands before it
		"actionWord": releaseWord,
		"stage":      verdictMark,
		"verdict":    verdictText,
		"join":       func(list []string) string { return strings.Join(list, ", ") },
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("the page of a plan: %w", err)
	}
	g := PlanGraph(p)
	if !o.All {
		g = g.Touched()
	}
	var picture strings.Builder
	if len(g.Nodes) > 0 {
		if err := SVG(&picture, g); err != nil {
			return err
		}
	}
	data := struct {
		*document
		Picture template.HTML // of SVG, which escapes what it is given
		Quiet   bool
	}{read(p, true), template.HTML(picture.String()), Count(p).Nothing()}
	return page.Execute(w, data)
}
