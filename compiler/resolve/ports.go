package resolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// reference checks a reference against what its argument takes: the target's kind, then the type of the port. Nil if it
// does not fit, which has been told.
func (r *resolver) reference(ref expr.Ref, u use) *Reference {
	target := r.blocks[ref.Address]
	out := &Reference{Path: u.path, Target: ref.Address, Edge: u.spec.Edge, Range: u.at, Spec: u.spec}
	if len(u.spec.Kinds) > 0 && !slices.Contains(u.spec.Kinds, target.Kind) {
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTargetKind, Subject: u.at,
			Summary: fmt.Sprintf("%s is a %s; %s takes %s", ref, target.Kind, u.path, wanted(&schema.Attr{Kinds: u.spec.Kinds})),
		})
		return nil
	}
	ports := target.TypeSpec.Out
	if ref.Port != "" {
		port := findPort(ports, ref.Port)
		out.TargetPort = port.Name
		return r.fits(out, ref, port, ports, u)
	}
	return r.bare(out, ref, ports, u)
}

// findPort is the port of that name. The scope that the reference was evaluated in offers no others, so it is there.
func findPort(ports []schema.Port, name string) schema.Port {
	i := slices.IndexFunc(ports, func(p schema.Port) bool { return p.Name == name })
	return ports[i]
}

// bare settles which port a reference without one means, as source.payments: the block's own port. Of a reference by which nothing
// flows (requires = [check.payments]) it is the first port of a type that the argument takes, or none where it takes any block.
func (r *resolver) bare(out *Reference, ref expr.Ref, ports []schema.Port, u use) *Reference {
	loose := u.spec.Edge == schema.OrderEdge || u.spec.Edge == schema.StateEdge
	if loose && len(u.spec.Ports) == 0 {
		if own := schema.OwnPort(ports); own != nil {
			out.TargetPort = own.Name
		}
		return out
	}
	if loose {
		for _, p := range ports {
			if slices.Contains(u.spec.Ports, p.Type) {
				out.TargetPort = p.Name
				return out
			}
		}
	}
	own := schema.OwnPort(ports)
	if own == nil {
		r.noOwnPort(ref, ports, u)
		return nil
	}
	out.TargetPort = own.Name
	return r.fits(out, ref, *own, ports, u)
}

// noOwnPort tells of a reference to a block where only one of its ports can be meant: split.s where split.s.train is.
// A block with one port of its own needs no port's name; of a split train and test are equally its own, and guessing one
// would train on the test rows without a word.
func (r *resolver) noOwnPort(ref expr.Ref, ports []schema.Port, u use) {
	if len(ports) == 0 {
		kind := r.blocks[ref.Address].Kind
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodePortType, Subject: u.at,
			Summary: fmt.Sprintf("%s yields nothing; %s takes %s", ref, u.path, wanted(u.spec)),
			Detail:  fmt.Sprintf("A %s block has no ports.", kind),
		})
		return
	}
	var names []string // those that every such block has
	for _, p := range ports {
		if !p.Asked {
			names = append(names, p.Name)
		}
	}
	hint := ""
	for _, p := range ports {
		if hint == "" && (len(u.spec.Ports) == 0 || slices.Contains(u.spec.Ports, p.Type)) {
			hint = fmt.Sprintf("write %s.%s, for example", ref, p.Name)
		}
	}
	r.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeNoOwnPort, Subject: u.at,
		Summary: fmt.Sprintf("%s does not say which of its ports is meant", ref),
		Detail:  fmt.Sprintf("%s has ports %s.", ref, strings.Join(names, ", ")),
		Hint:    hint,
	})
}

// fits checks the type of the port.
// Where it does not fit, the other ports of the same block are looked at first: train.m for a table is most often its
// predictions.
func (r *resolver) fits(out *Reference, ref expr.Ref, port schema.Port, ports []schema.Port, u use) *Reference {
	if len(u.spec.Ports) == 0 || slices.Contains(u.spec.Ports, port.Type) {
		return out
	}
	var others []string
	for _, p := range ports {
		if slices.Contains(u.spec.Ports, p.Type) {
			others = append(others, ref.Address+"."+p.Name)
		}
	}
	hint := ""
	if len(others) > 0 {
		hint = fmt.Sprintf("did you mean %s?", strings.Join(others, " or "))
	} else if near := r.suggestPort(u.spec); near != "" {
		hint = near
	}
	verb := portNoun(port.Type)
	r.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodePortType, Subject: u.at,
		Summary: fmt.Sprintf("%s is %s; %s takes %s", ref, verb, u.path, wanted(u.spec)),
		Hint:    hint,
	})
	return nil
}

// fitting are the ports that suggestPort found, by the module and what is asked for.
type fitting struct {
	mu    sync.Mutex
	hints map[string]string
}

// suggestPort names what would fit, where there is little of it, else "". It is looked up once for all mistakes alike:
// one renamed block can break a hundred references. It is safe for concurrent use, as tries run side by side.
func (r *resolver) suggestPort(spec *schema.Attr) string {
	question := fmt.Sprintf("%s %q %q %d", r.prefix, spec.Kinds, spec.Ports, len(r.blocks))
	r.fitting.mu.Lock()
	defer r.fitting.mu.Unlock()
	hint, ok := r.fitting.hints[question]
	if !ok {
		if found := r.fittingPorts(spec); 0 < len(found) && len(found) <= 4 {
			hint = fmt.Sprintf("of that type: %s", strings.Join(found, ", "))
		}
		r.fitting.hints[question] = hint
	}
	return hint
}

// fittingPorts are the references of the module that an argument takes, sorted.
// Only those of the same module: what another has inside cannot be referred to.
func (r *resolver) fittingPorts(spec *schema.Attr) []string {
	var found []string
	for _, address := range slices.Sorted(maps.Keys(r.blocks)) {
		b := r.blocks[address]
		if b.owner.prefix != r.prefix {
			continue
		}
		if len(spec.Kinds) > 0 && !slices.Contains(spec.Kinds, b.Kind) {
			continue
		}
		own := schema.OwnPort(b.TypeSpec.Out)
		for i, p := range b.TypeSpec.Out {
			if !slices.Contains(spec.Ports, p.Type) {
				continue
			}
			if own == &b.TypeSpec.Out[i] {
				found = append(found, address)
			} else {
				found = append(found, address+"."+p.Name)
			}
		}
	}
	return found
}

// wanted says what an argument's references may point at: "a table", "a train or model block".
func wanted(spec *schema.Attr) string {
	if len(spec.Ports) == 0 {
		if len(spec.Kinds) == 0 {
			return "a block"
		}
		return "a " + strings.Join(spec.Kinds, " or ") + " block"
	}
	names := make([]string, len(spec.Ports))
	for i, p := range spec.Ports {
		names[i] = portNoun(p)
	}
	return strings.Join(names, " or ")
}

// portNoun is a type of port as a noun in a message, with its article where there is one.
func portNoun(p schema.PortType) string {
	return article(string(p))
}
