package review

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// sample says what a plan of a sample is of, and what never comes of it; nil of a plan of all rows:
//
//	5 % sample: source.payments by card (2,511 of 50,000 rows), source.merchants whole (300 rows).
//	Nothing of a sample is released, and no approval is asked for.
func sample(s *plan.Sample) []string {
	if s == nil {
		return nil
	}
	all := make([]string, 0, mostListed+1)
	for i, x := range s.Sources {
		if i == mostListed {
			all = append(all, fmt.Sprintf("and %d more", len(s.Sources)-i))
			break
		}
		all = append(all, render.Line(x.Source)+" "+sampledBy(&x))
	}
	if len(all) == 0 {
		all = []string{"of no source"}
	}
	return []string{fmt.Sprintf("%s: %s.", render.Line(plan.SampleName(s.Share)), strings.Join(all, ", ")), "Nothing of a sample is released, and no approval is asked for."}
}

// sampledBy says by what a source is sampled, and how many rows that came to, where the rows are known.
func sampledBy(x *plan.SampledSource) string {
	how, rows := "by row", ""
	switch x.How {
	case plan.SampleByColumns:
		how = "by " + strings.Join(render.Clean(x.By), ", ")
	case plan.SampleWhole:
		how = "whole"
	}
	if x.Of > 0 {
		rows = fmt.Sprintf(" (%s of %s rows)", humanize.Comma(x.Rows), humanize.Comma(x.Of))
	}
	if x.How == plan.SampleWhole && x.Of > 0 {
		rows = fmt.Sprintf(" (%s rows)", humanize.Comma(x.Of))
	}
	return how + rows
}
