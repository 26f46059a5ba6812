package review

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/graph"
)

//go:embed plan.html
var pageText string

// HTML writes the plan as one file that needs nothing else: no script, no request, so that it can be attached and kept.
// It has the parts of the text, and the picture of what is touched, or of all stages with All. html/template escapes
// all that users wrote; the picture escapes for itself.
func HTML(w io.Writer, p *plan.Plan, o render.Options) error {
	page, err := template.New("plan").Funcs(template.FuncMap{
		"sign":       func(v plan.RuleVerdict) string { s, _ := ruleMark(v); return s },
		"word":       func(v plan.RuleVerdict) string { return strings.ToUpper(string(v)) },
		"action":     func(a plan.ReleaseAction) string { s, _ := releaseMark(a); return s },
		"unopened":   func(sum string) string { return strings.TrimPrefix(sum, "open: ") }, // the verdict stands before it
		"actionWord": releaseWord,
		"stage":      verdictMark,
		"verdict":    verdictText,
		"line":       func(sign string) string { return lineClass[sign] },
		"join":       func(list []string) string { return joined(list, o.All) },
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("the page of a plan: %w", err)
	}
	g := graph.OfPlan(p)
	if !o.All {
		g = g.Touched()
	}
	var picture strings.Builder
	if len(g.Nodes) > 0 {
		if err := graph.SVG(&picture, g); err != nil {
			return err
		}
	}
	d, left := read(p, true, o), 0
	if !o.All {
		left = d.cutStages(mostStages)
	}
	data := struct {
		*document
		Picture template.HTML // of SVG, which escapes what it is given
		Quiet   bool
		Left    int // stages that are not listed
	}{d, template.HTML(picture.String()), Count(p).Nothing(), left}
	return page.Execute(w, data)
}

// lineClass is the class of a line in a text that was edited, by its sign.
var lineClass = map[string]string{"-": "gone", "+": "new", " ": "same", "…": "left"}

// What a page lists at most unless all are asked for, so that browsers show it at once.
const (
	mostStages = 2000
	mostJoined = 500
)

// joined lists names, the first ones and a count unless all are wanted: "…, train.y, train.z and 1200 more".
func joined(list []string, all bool) string {
	if all || len(list) <= mostJoined {
		return strings.Join(list, ", ")
	}
	shown, more := some(list, mostJoined)
	return fmt.Sprintf("%s and %d more", strings.Join(shown, ", "), more)
}

// cutStages leaves at most so many stages, cached ones only where there is room, and returns how many it left out.
// Their order stays, so that phases stay together. Where more than most of them act, the last ones are cut as well.
func (d *document) cutStages(most int) int {
	left := len(d.Stages) - most
	if left <= 0 {
		return 0
	}
	acted := 0
	for _, s := range d.Stages {
		if s.Verdict != plan.Cached {
			acted++
		}
	}
	room := max(most-acted, 0)
	kept := d.Stages[:0:0]
	for _, s := range d.Stages {
		if s.Verdict == plan.Cached {
			room--
		}
		if len(kept) < most && (s.Verdict != plan.Cached || room >= 0) {
			kept = append(kept, s)
		}
	}
	d.Stages = kept
	return left
}
