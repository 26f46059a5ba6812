package planner

import (
	"encoding/json"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// weakerExploration says in which way more is decided otherwise than the model does by another setting of a deployment's exploration; empty where it is not. Before and after are the deployment's configurations.
func weakerExploration(before, after json.RawMessage, c plan.Cause) string {
	setting, ours := strings.CutPrefix(c.Path, "exploration.")
	had, errHad := schema.ExplorationOf(before)
	has, errHas := schema.ExplorationOf(after)
	if !ours || has == nil || errHad != nil || errHas != nil {
		return ""
	}
	if had == nil {
		if setting == "share" {
			return "some rows are decided otherwise than the model does"
		}
		return ""
	}
	was, is := numberOr(c.Before, 0), numberOr(c.After, 0)
	limit, isLimit := strings.CutPrefix(setting, "never")
	above, below := strings.HasSuffix(limit, ".above"), strings.HasSuffix(limit, ".below")
	switch {
	case setting == "share" && is > was:
		return "more rows are decided otherwise than the model does"
	case setting == "of":
		return "other rows are decided otherwise than the model does"
	case isLimit && c.Before != nil && (c.After == nil || above && is > was || below && is < was || !above && !below):
		return "rows that were decided as the model does may be decided otherwise"
	}
	return ""
}
