package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// release says what would leave or change what is live. Figures are those of the live model and of the next one.
// A release of the model that is live, with other settings of the block alone, has no figures: they would be the same
// twice.
func release(nodes map[string]*plan.Node, r *plan.Release) releaseRow {
	row := releaseRow{Action: oneOf(r.Action, plan.CreateRelease, plan.ChangeRelease, plan.MayRelease, plan.RemoveRelease, plan.NoRelease), Address: render.Line(r.Address), From: liveModel(r), To: nextModel(nodes, r)}
	if r.Action != plan.RemoveRelease {
		row.Gate = render.Line(r.Gate)
	}
	if r.Gate == "" && r.Action != plan.RemoveRelease {
		row.Gate = "no gate"
		if r.Current != nil && r.Current.Gate != "" {
			row.Gate += " any more"
		}
	}
	row.Notes = slices.Concat(rollout(r), explores(r), treats(r), writes(r))
	switch {
	case r.Action == plan.NoRelease: // a rollout goes on, or predictions are written
		next := r.Current.Newest()
		row.To = fmt.Sprintf("%s %s", render.Line(next.From), render.Line(next.Model.Short()))
		return row
	case r.Current != nil && r.Current.Rollout != nil && sameModel(r):
		row.To = "the same model alone"
		return row
	case sameModel(r) && r.Current.Scoring.Digest() != r.Scoring.Digest():
		row.To += ", scored otherwise"
	case sameModel(r):
		row.To = "the same model, with other settings"
		return row
	}
	for _, f := range r.Figures {
		live := known(f.Live)
		if r.Current == nil {
			live = "–" // nothing is live that could have a figure
		}
		row.Figures = append(row.Figures, figureRow{render.Line(strings.Replace(f.Path, ".metrics.", " ", 1)), live, known(f.Next)})
	}
	return row
}

// treats says how the model that would be live treats groups. It is told of every release of such a model, since whoever approves one approves that.
func treats(r *plan.Release) (out []string) {
	if r.Action == plan.RemoveRelease || r.Model.Shape == nil || r.Model.Shape.Model == nil {
		return nil
	}
	m := r.Model.Shape.Model
	if d := m.Decides; d != nil {
		out = append(out, fmt.Sprintf("decides by group: %s, with %s alike", render.Line(strings.Join(d.By, ", ")), render.Line(d.Equalize)))
	}
	if len(m.CalibratedBy) > 0 {
		out = append(out, "probabilities by group: "+render.Line(strings.Join(m.CalibratedBy, ", ")))
	}
	return out
}

// sameModel reports whether a release changes the block's attributes alone, and not the model.
func sameModel(r *plan.Release) bool {
	return r.Action == plan.ChangeRelease && r.Current != nil && r.Model.Digest != "" && r.Model.Digest == r.Current.Model
}

// told leaves figures out that stand with an earlier release of the same model already: a model behind three
// deployments has its figures once.
func told(before map[string][][]figureRow, row releaseRow) releaseRow {
	if slices.ContainsFunc(before[row.To], func(f []figureRow) bool { return slices.Equal(f, row.Figures) }) {
		row.Figures = nil
	} else {
		before[row.To] = append(before[row.To], row.Figures)
	}
	return row
}

// known is a figure, or ? for one that is not known before the stage ran.
func known(v []byte) string {
	if len(v) == 0 {
		return "?"
	}
	return render.Value(v)
}

// liveModel names the model that is live.
func liveModel(r *plan.Release) string {
	if r.Current == nil {
		return "nothing live"
	}
	if r.Current.Revision == 0 { // of a plan on top of another, which releases it
		return fmt.Sprintf("%s (live by the plan that would be applied before)", render.Line(r.Current.From))
	}
	return fmt.Sprintf("%s %s (live since revision %d)", render.Line(r.Current.From), render.Line(r.Current.Model.Short()), r.Current.Revision)
}

// nextModel names the model that would be live: by its digest where it is known, else by whether it will or may be trained.
// "to be trained" promises nothing of which model it will be: a release of it waits for its gate.
func nextModel(nodes map[string]*plan.Node, r *plan.Release) string {
	from := render.Line(r.Model.From)
	n := nodes[r.Model.From]
	switch {
	case r.Action == plan.RemoveRelease:
		return "removed"
	case r.Model.Digest != "":
		if n != nil && n.Accepted != nil {
			return from + " " + render.Line(r.Model.Digest.Short()) + ", an accepted result"
		}
		return from + " " + render.Line(r.Model.Digest.Short())
	case n != nil && n.Verdict == plan.MayRun:
		return from + ", may be trained anew"
	}
	return from + ", to be trained"
}

// figureWidths are those of the columns of figures.
func figureWidths(rows []figureRow) (name, live int) {
	for _, f := range rows {
		name, live = max(name, render.Columns(f.Name)), max(live, render.Columns(f.Live))
	}
	return name, live
}

// releaseWord says in words what a release does.
func releaseWord(a plan.ReleaseAction) string {
	switch a {
	case plan.CreateRelease:
		return "new"
	case plan.RemoveRelease:
		return "removed"
	case plan.MayRelease:
		return "may change"
	case plan.NoRelease:
		return "stays"
	}
	return "changes"
}
