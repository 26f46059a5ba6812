package attempt

import (
	"cmp"
	"encoding/json"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Describe is what a stage is told.
// It is written as stage.json. It holds nothing that differs between two machines or runs, so that a stage has nothing to differ by. unquoted reports whether
// messages must not quote files outside; nil: they may.
func Describe(n *plan.Node, unquoted func(*plan.External) bool) component.Spec {
	s := component.Spec{
		Protocol: component.Protocol, Address: n.Address, Component: componentName(n), Version: n.Version,
		Config: n.Config, Seed: seed(n.Config), In: map[string]schema.Shape{}, Out: map[string]schema.Shape{},
	}
	for _, in := range n.Inputs {
		if isImage(n, in) {
			if n.Role == schema.ImageRole {
				version := in.From // of one that a stage made
				if in.External != nil {
					version = in.External.Version
				}
				s.Versions = map[string]string{in.Port: version} // which its layers lie on
			}
			continue
		}
		s.In[in.Port] = shape(in.Shape, "")
		if in.External != nil && in.External.Remote {
			s.Versions = map[string]string{in.Port: in.External.Version}
			continue
		}
		if in.External != nil {
			if s.Files == nil {
				s.Files = map[string][]string{}
			}
			s.Files[in.Port] = in.External.Names()
			s.Unquoted = s.Unquoted || n.Container == nil && unquoted != nil && unquoted(in.External)
		}
	}
	for _, out := range n.Outputs {
		s.Out[out.Port] = shape(out.Shape, out.Type)
	}
	return s
}

// isImage reports whether an input is an image that a stage made or that the engine has, which the stage runs in or builds upon. No folder of the stage has it.
func isImage(n *plan.Node, in plan.Input) bool {
	return n.Container != nil && in.Port == plan.ImagePort || n.Builds() && in.Port != schema.CodePort
}

// shape is what is known of a port, at least its type.
func shape(s *schema.Shape, t schema.PortType) schema.Shape {
	if s == nil {
		return schema.Shape{Type: t}
	}
	out := *s
	out.Type = cmp.Or(out.Type, t)
	return out
}

// componentName is the name that components are found by, "train.gradient_boosting".
func componentName(n *plan.Node) string {
	if n.Type == "" {
		return n.Kind
	}
	return n.Kind + "." + n.Type
}

// seed is the configuration's, 0 where it has none.
// Numbers of a configuration may be written 7.0 as well as 7, and a Go integer takes only the latter.
func seed(config json.RawMessage) int64 {
	var c struct {
		Seed float64 `json:"seed"`
	}
	if json.Unmarshal(config, &c) != nil {
		return 0
	}
	return int64(c.Seed)
}
