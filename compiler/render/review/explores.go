package review

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/schema"
)

// explores says which rows a release decides otherwise than its model: "explores: 3 % of the rows that are decided positive are decided otherwise, by chance; never amount above 10000".
func explores(r *plan.Release) []string {
	e, err := schema.ExplorationOf(r.Config)
	if e == nil || err != nil || r.Action == plan.NoRelease || r.Action == plan.RemoveRelease {
		return nil
	}
	of := "positive"
	if e.Of != "" {
		of = render.Line(strconv.Quote(e.Of))
	}
	text := fmt.Sprintf("explores: %.6g %% of the rows that are decided %s are decided otherwise, by chance", 100*e.Share, of)
	if e.By == schema.ByRequest {
		text += ", each row of a request by itself"
	}
	for i, l := range e.Never {
		var parts []string
		if l.Above != nil {
			parts = append(parts, fmt.Sprintf("above %v", *l.Above))
		}
		if l.Below != nil {
			parts = append(parts, fmt.Sprintf("below %v", *l.Below))
		}
		if len(l.Among) > 0 {
			parts = append(parts, "among "+strings.Join(l.Among, ", "))
		}
		between := "; never "
		if i > 0 {
			between = ", nor "
		}
		text += between + render.Line(l.Name+" "+strings.Join(parts, " or "))
	}
	return []string{text}
}
