package view

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// Workspaces lists workspaces, with what each has live that the one it goes by has not:
//
//	pr-42   revision 3, 2026-11-29 09:12
//	  goes by default, revision 12, which is 2 revisions further now
//	  live here: deploy.scorer
func (s *Screen) Workspaces(all []workspace.Listed) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(s.Out, "Nothing is recorded of this pipeline.")
		return err
	}
	t := render.Printer{}
	for _, w := range all {
		t.Line("%s   revision %d, %s", render.Line(w.Name), w.Revision, w.At.Format("2006-01-02 15:04"))
		if w.Sample != "" {
			t.Line("  %s; nothing of it is released", render.Line(plan.SampleName(w.Sample)))
		}
		if w.Damaged != "" {
			t.Line("  %s", render.Line(w.Damaged))
		}
		if o := w.Upstream; o != nil {
			behind := ""
			if w.Behind > 0 {
				behind = fmt.Sprintf(", which is %d %s further now", w.Behind, render.Plural(int(w.Behind), "revision", "revisions"))
			}
			t.Line("  goes by %s, revision %d%s", render.Line(o.Workspace), o.Revision, behind)
		}
		if len(w.Releases) > 0 {
			t.Line("  live here: %s", render.Line(strings.Join(w.Releases, ", ")))
		}
	}
	_, err := fmt.Fprint(s.Out, t.String())
	return err
}
