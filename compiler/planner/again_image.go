package planner

import (
	"context"
	"fmt"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Version is that which the plan says of what a fetch gets, or of an image. The stage holds to it.
func (s *saved) Version(_ context.Context, n *plan.Node, location string) (string, error) {
	if n := s.nodes[n.Address]; n != nil {
		for _, in := range n.Remotes() {
			if in.External.Root == location || !n.Builds() {
				return in.External.Version, nil
			}
		}
	}
	return "", fmt.Errorf("nothing is said of what lies elsewhere")
}

// Bases are the images that the plan says a stage builds upon, by their names.
func (s *saved) Bases(_ context.Context, at string, _ *schema.Build, _ []string) ([]string, error) {
	var names []string
	if n := s.nodes[at]; n != nil {
		for i := 0; n.Input(plan.BasePort(i)) != nil; i++ {
			if e := n.Input(plan.BasePort(i)).External; e != nil {
				names = append(names, e.Root)
			}
		}
	}
	return names, nil
}

// imageOf is the image that a block refers to, at the attribute that does so, of the image that its stage runs in: that one, or the one that it was made upon. Without a
// source where it refers to none.
func (s *saved) imageOf(in plan.Input, t *schema.Type) plan.Input {
	if maker := s.nodes[in.From]; maker != nil && maker.Role == schema.ImageRole {
		if in.From = ""; maker.Container != nil && maker.Input(plan.ImagePort) != nil {
			in = *maker.Input(plan.ImagePort)
		}
	}
	if in.External != nil || address.IsDerived(in.From) {
		in.From = ""
	}
	for i := range t.Body.Attrs {
		if t.Body.Attrs[i].OrText {
			in.Port = t.Body.Attrs[i].Name
		}
	}
	return in
}
