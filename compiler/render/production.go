package render

import (
	"fmt"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// production says what would leave or change what is live.
func (t *text) production(p *plan.Plan) {
	var rows []*plan.Release
	width := 0
	for _, r := range p.Releases {
		if r.Action != plan.NoRelease {
			rows = append(rows, r)
			width = max(width, columns(r.Address))
		}
	}
	if len(rows) == 0 {
		return
	}
	t.title("Production")
	for _, r := range rows {
		mark, s := releaseMark(r.Action)
		t.line("  %s %s   %s → %s", t.paint(s, mark), pad(r.Address, width), liveModel(r), nextModel(p, r))
		if r.Gate != "" && r.Action != plan.RemoveRelease {
			t.line("    %s   held by %s", pad("", width), r.Gate)
		}
	}
}

func releaseMark(a plan.ReleaseAction) (string, style) {
	switch a {
	case plan.CreateRelease:
		return "+", green
	case plan.RemoveRelease:
		return "-", red
	case plan.MayRelease:
		return "?", yellow
	}
	return "~", yellow
}

func liveModel(r *plan.Release) string {
	if r.Current == nil {
		return "nothing live"
	}
	return fmt.Sprintf("%s %s (live since revision %d)", r.Current.From, r.Current.Model.Short(), r.Current.Revision)
}

func nextModel(p *plan.Plan, r *plan.Release) string {
	switch {
	case r.Action == plan.RemoveRelease:
		return "removed"
	case r.Model.Digest != "":
		return r.Model.From + " " + r.Model.Digest.Short()
	}
	if n := p.Node(r.Model.From); n != nil && n.Verdict == plan.MayRun {
		return r.Model.From + ", may be trained anew"
	}
	return r.Model.From + ", to be trained"
}
