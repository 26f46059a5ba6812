package planner

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
)

// scope gives a module the variables and locals that rules of a block know, and the block what its instance is for (each.key). Of these only the
// types count, since values are taken from the plan.
func (s *saved) scope(m *resolve.Module, b *resolve.Block) {
	for _, r := range s.rulesOf(b.Address) {
		if r.Env != nil {
			scopeOf(m, b, r)
		}
	}
}

// scopeOf is scope for one set of rules.
func scopeOf(m *resolve.Module, b *resolve.Block, r *plan.Rules) {
	in, ok := m.Scopes[b.Module]
	if !ok {
		in = resolve.Values{Variables: map[string]cty.Value{}, Locals: map[string]cty.Value{}}
		m.Scopes[b.Module] = in
	}
	for namespace, into := range map[string]map[string]cty.Value{"variable": in.Variables, "local": in.Locals} {
		if t := r.Env.Fields[namespace]; t != nil {
			for name, t := range t.Fields {
				into[name] = cty.UnknownVal(valueOf(t))
			}
		}
	}
	if t := r.Env.Fields["each"]; t != nil {
		b.Each = map[string]cty.Value{}
		for name, t := range t.Fields {
			b.Each[name] = cty.UnknownVal(valueOf(t))
		}
	}
}

// valueOf is the type of values that rules see so.
// nil is a figure of which nothing is known; rules may do with it what they like, and fail at it.
func valueOf(t *schema.FigureType) cty.Type {
	switch {
	case t == nil:
		return cty.DynamicPseudoType
	case t.Kind == schema.DoubleFigure:
		return cty.Number
	case t.Kind == schema.StringFigure:
		return cty.String
	case t.Kind == schema.BoolFigure:
		return cty.Bool
	case t.Kind == schema.ListFigure:
		return cty.List(valueOf(t.Elem))
	case t.Kind == schema.MapFigure:
		return cty.Map(valueOf(t.Elem))
	}
	fields := make(map[string]cty.Type, len(t.Fields))
	for name, f := range t.Fields {
		fields[name] = valueOf(f)
	}
	return cty.Object(fields)
}

// values notes what rules read of variables, locals and instances. Within a module a name has one value, which has the
// type that rules see. A plan that says otherwise is refused: a forger could lower a limit for one gate alone.
func (s *saved) values() error {
	// one has the value of each name, and any other value of the same name is a contradiction: no module could give both.
	one := map[string]string{}
	for name, v := range s.plan.Variables {
		one["variable."+name] = string(canonical(v))
	}
	note := func(at string, r *plan.Rules) error {
		if len(r.Known) == 0 {
			return nil
		}
		var known map[string]map[string]json.RawMessage
		if err := json.Unmarshal(r.Known, &known); err != nil {
			return fmt.Errorf("what the rules of %s know cannot be read: %w", at, err)
		}
		if s.known[at] == nil {
			s.known[at] = map[string]map[string]json.RawMessage{}
		}
		for namespace, values := range known {
			if s.known[at][namespace] == nil {
				s.known[at][namespace] = map[string]json.RawMessage{}
			}
			maps.Copy(s.known[at][namespace], values)
		}
		for namespace, values := range known {
			if namespace == "champion" {
				continue
			}
			for name, v := range values {
				key := address.Module(at) + namespace + "." + name
				if namespace == "each" {
					key = at + " " + namespace + "." + name
				}
				text := string(canonical(v))
				if _, ok := one[key]; !ok && namespace == "variable" && address.Module(at) == "" {
					return fmt.Errorf("the rules of %s read %s, and it is not among the variables", at, key)
				}
				if was, ok := one[key]; ok && was != text {
					return fmt.Errorf("%s is %s to the rules of %s, and %s elsewhere", key, text, at, was)
				}
				one[key] = text
				if !typed(v, field(r.Env, namespace, name)) {
					return fmt.Errorf("%s is %s, which has not the type that the rules of %s see", key, text, at)
				}
			}
		}
		return nil
	}
	for _, n := range s.plan.Nodes {
		if n.Rules != nil {
			if err := note(n.Address, n.Rules); err != nil {
				return err
			}
		}
	}
	for _, g := range s.plan.Gates {
		if err := note(g.Address, &g.Rules); err != nil {
			return err
		}
	}
	for _, h := range s.plan.Hypotheses {
		if err := note(h.Problem, &h.Rules); err != nil {
			return err
		}
	}
	for _, r := range s.plan.Releases {
		if r.Rules == nil {
			continue
		}
		if err := note(r.Address, r.Rules); err != nil {
			return err
		}
	}
	return nil
}

// field is the type at a path through objects; nil if there is none.
func field(t *schema.FigureType, names ...string) *schema.FigureType {
	for _, name := range names {
		if t == nil {
			return nil
		}
		t = t.Fields[name]
	}
	return t
}

// typed reports whether a value is of a type that rules see. An object may have more than they do.
// null fits everywhere, since any figure may be undefined. Fields of an object that rules do not know are let pass: a
// newer component may write more than an older plan's types say.
func typed(v json.RawMessage, t *schema.FigureType) bool {
	if string(v) == "null" {
		return true
	}
	into := func(x any) bool { return json.Unmarshal(v, x) == nil }
	var list []json.RawMessage
	var object map[string]json.RawMessage
	switch {
	case t == nil:
		return false
	case t.Kind == schema.DoubleFigure:
		return into(new(float64))
	case t.Kind == schema.StringFigure:
		return into(new(string))
	case t.Kind == schema.BoolFigure:
		return into(new(bool))
	case t.Kind == schema.ListFigure:
		if !into(&list) {
			return false
		}
		for _, x := range list {
			if !typed(x, t.Elem) {
				return false
			}
		}
		return true
	}
	if !into(&object) {
		return false
	}
	for name, x := range object {
		elem := t.Elem
		if t.Kind == schema.ObjectFigure {
			if elem = t.Fields[name]; elem == nil {
				continue
			}
		}
		if !typed(x, elem) {
			return false
		}
	}
	return true
}
