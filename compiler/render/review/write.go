package review

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/schema"
)

// writes says where predictions go, and how many rows those are as far as that is known: "writes every row of deploy.scores to
// postgres://mlp@db.example.com:5432/crm table scores (overwrite); it has 1200 rows of revision 12".
func writes(r *plan.Release) (out []string) {
	if r.Action == plan.RemoveRelease {
		return nil
	}
	for _, w := range r.Writes {
		to := Destination(w.To)
		last := ""
		if w.Last != nil && w.Last.To.Place() == w.To.Place() {
			last = fmt.Sprintf("; it has %s of revision %d", rows(w.Last.Rows), w.Last.Revision)
			if w.To.Mode == schema.Append || w.To.Mode == schema.Upsert {
				last = fmt.Sprintf("; last were %s, in revision %d", rows(w.Last.Rows), w.Last.Revision)
			}
		}
		switch {
		case w.Action == plan.DoWrite:
			out = append(out, "writes every row once to "+to+last)
		case w.Action == plan.MayWrite:
			out = append(out, "if the predictions are others, writes every row once to "+to+last)
		case w.Why != "":
			out = append(out, "writes nothing to "+to+": "+render.Line(w.Why))
		default:
			out = append(out, to+" has what is predicted: "+rows(w.Last.Rows))
		}
	}
	return out
}

func rows(n int64) string { return render.Counted(int(n), "row") }

// Destination is where predictions are written, and what becomes of what is there: "out/scores by day (overwrite)".
func Destination(d schema.Destination) string {
	text := render.Line(d.Place())
	if len(d.PartitionBy) > 0 {
		text += " by " + render.Line(strings.Join(d.PartitionBy, ", "))
	}
	mode := d.Mode
	if mode == "" {
		mode = schema.Overwrite
	}
	return text + " (" + render.Line(string(mode)) + ")"
}

// WrittenText is what a destination has: "1,200 rows in out/scores (overwrite), revision 12".
func WrittenText(w plan.Written) string {
	return fmt.Sprintf("%s to %s, revision %d", rows(w.Rows), Destination(w.To), w.Revision)
}
