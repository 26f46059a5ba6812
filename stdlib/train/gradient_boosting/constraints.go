package gradient_boosting

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// monotone are the constraints by feature, as they are written.
func (p *params) monotone() (map[string]float64, *schema.Problem) {
	if p.MonotoneConstraints == nil {
		return nil, nil
	}
	var out map[string]float64
	if err := json.Unmarshal(p.MonotoneConstraints, &out); err != nil {
		return nil, &schema.Problem{Path: "params.monotone_constraints", Summary: "monotone_constraints is no object of features", Detail: "Write { income = 1, age = -1 }."}
	}
	return out, nil
}

// interactions are the groups of features, as they are written.
func (p *params) interactions() ([][]string, *schema.Problem) {
	if p.InteractionConstraints == nil {
		return nil, nil
	}
	var out [][]string
	if err := json.Unmarshal(p.InteractionConstraints, &out); err != nil || len(out) == 0 {
		return nil, &schema.Problem{Path: "params.interaction_constraints", Summary: "interaction_constraints is no list of groups of features", Detail: "Write [[\"age\", \"sex\"], [\"income\"]]."}
	}
	return out, nil
}

// sorted are the names of features that are constrained.
func sorted(of map[string]float64) []string { return slices.Sorted(maps.Keys(of)) }

// feature is the name of a feature as the configuration lists it, whatever case it is written in; "" if it is none.
func (c *config) feature(name string) string {
	for _, f := range c.Features {
		if strings.EqualFold(f, name) {
			return f
		}
	}
	return ""
}

// categorical reports whether a feature of numbers is taken as categories.
func (c *config) categorical(name string) bool {
	return slices.ContainsFunc(c.CategoricalFeatures, func(f string) bool { return strings.EqualFold(f, name) })
}

// constraints are those of the fit, by the places of inputs. They were checked before (about): none that is monotone is on a category, which is encoded perhaps.
func (p *params) constraints(t *train.Training) (monotone []int8, groups [][]int32) {
	inputs := func(name string) []int32 {
		return t.InputsOf(slices.IndexFunc(t.Signature.Features, func(f model.Feature) bool { return strings.EqualFold(f.Name, name) }))
	}
	ways, _ := p.monotone()
	for _, name := range sorted(ways) {
		if monotone == nil {
			monotone = make([]int8, len(t.Inputs()))
		}
		for _, i := range inputs(name) {
			monotone[i] = int8(ways[name])
		}
	}
	named, _ := p.interactions()
	for _, names := range named {
		var group []int32
		for _, name := range names {
			group = append(group, inputs(name)...)
		}
		groups = append(groups, group)
	}
	return monotone, groups
}
