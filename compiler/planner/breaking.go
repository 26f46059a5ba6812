package planner

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// breaking finds what others rely on and would be otherwise: a table that lost a column or has it as another type, and
// a released model that asks its callers for more. It is told once, at the first stage whose output differs: a column
// that is gone from a source is gone from all that select it, and only the source is named.
func (p *planner) breaking() []plan.Change {
	differs := map[string][]plan.Cause{}
	for address, n := range p.nodes {
		if before, ok := p.o.State.Nodes[address]; ok && n.Verdict != plan.Remove && n.Replaces != "" {
			if c := p.tableCauses(n, &before); len(c) > 0 {
				differs[address] = c
			}
		}
	}
	var out []plan.Change
	for address, causes := range differs {
		if slices.ContainsFunc(p.nodes[address].Inputs, func(in plan.Input) bool { return differs[in.From] != nil }) {
			continue
		}
		for _, c := range causes {
			out = append(out, plan.Change{Cause: c, Address: address, Category: plan.Breaking, Range: p.rangeOf(address, c)})
		}
	}
	for _, r := range p.releases {
		for _, c := range signatureCauses(r) {
			out = append(out, plan.Change{Cause: c, Address: r.Address, Category: plan.Breaking, Range: r.Range})
		}
	}
	return out
}

// tableCauses compares the tables of a stage that others read with those it yielded before. New columns break nobody.
// Where it is known which columns others touch, the loss of one that nobody touches is no breaking change. A type that
// changes is one for whoever reads the table, since the engine may find another meaning for the same query; so is a key
// that changes, since joins rest on it.
func (p *planner) tableCauses(n *plan.Node, before *plan.NodeState) []plan.Cause {
	var out []plan.Cause
	for _, o := range n.Outputs {
		was := before.Shapes[o.Port]
		if was == nil || was.Table == nil || o.Shape == nil || o.Shape.Table == nil {
			continue
		}
		var differs []plan.Cause
		for _, c := range was.Table.Columns {
			now := o.Shape.Table.Column(c.Name)
			switch {
			case now == nil:
				differs = append(differs, plan.Cause{Kind: plan.OutputCause, Path: o.Port + "." + c.Name, Before: text(c.Type)})
			case now.Type != c.Type:
				differs = append(differs, plan.Cause{Kind: plan.OutputCause, Path: o.Port + "." + c.Name, Before: text(c.Type), After: text(now.Type)})
			}
		}
		if !slices.Equal(was.Table.Key, o.Shape.Table.Key) {
			differs = append(differs, plan.Cause{Kind: plan.OutputCause, Path: o.Port + " key", Before: encode(was.Table.Key), After: encode(o.Shape.Table.Key)})
		}
		if len(differs) == 0 {
			continue // as of nearly all stages: looking at the readers takes longer
		}
		switch read, touched := p.readers(n.Address, o.Port); {
		case read && touched:
			out = append(out, differs...)
		case read:
			out = append(out, slices.DeleteFunc(differs, func(c plan.Cause) bool { return c.After == nil })...) // of a column that is gone
		}
	}
	return out
}

// readers looks at the stages that read a port both in the state and in the module: only those can break by a column that is gone.
// any reports whether there is one; touched whether one of them may have used the column. A reader with the same configuration and the
// same output shapes cannot have: if it named the column, it could not be planned any more. A reader that runs in a container counts as
// touched, because its code cannot be looked into.
func (p *planner) readers(address, port string) (any, touched bool) {
	p.index()
	for _, a := range p.consumers[address] {
		n, before := p.nodes[a], p.o.State.Nodes[a]
		for _, in := range n.Inputs {
			if in.From != address || in.FromPort != port || before.Wiring[in.Port] != address+":"+port {
				continue
			}
			any = true
			touched = touched || n.Container != nil || !bytes.Equal(canonical(before.Config), canonical(n.Config)) ||
				!bytes.Equal(encode(before.Shapes), encode(plan.Shapes(n.Outputs)))
		}
	}
	return any, touched
}

// signatureCauses compare what callers must send to the model that is live with what they would have to, once a release
// happens. A feature that
// the next model lacks is among them: a row that still has it is refused as one with a misspelt name is, unless it is part
// of the deployment's key, which callers may send in any case.
func signatureCauses(r *plan.Release) []plan.Cause {
	if r.Node != "" { // nobody calls a batch deployment; what it reads is checked against the model
		return nil
	}
	if r.Action == plan.NoRelease { // as of a model that is held since it was rolled back: callers go on with the live one
		return nil
	}
	if r.Current == nil || r.Current.Signature == nil || r.Model.Shape == nil || r.Model.Shape.Model == nil || r.Action == plan.RemoveRelease {
		return nil
	}
	was, now := r.Current.Signature, r.Model.Shape.Model
	var out []plan.Cause
	add := func(path, before, after string) {
		if before != after {
			out = append(out, plan.Cause{Kind: plan.OutputCause, Path: path, Before: optional(before), After: optional(after)})
		}
	}
	add("task", string(was.Task), string(now.Task))
	add("target", was.Target, now.Target)
	add("positive class", was.Positive, now.Positive)
	types := map[string]string{}
	for _, f := range was.Features {
		types[f.Name] = f.Type
	}
	for _, f := range now.Features {
		add("feature "+f.Name, types[f.Name], f.Type)
		delete(types, f.Name)
	}
	for _, f := range was.Features {
		if types[f.Name] != "" && !named(r.Config, "key", f.Name) {
			add("feature "+f.Name, f.Type, "")
		}
	}
	return out
}

// named reports whether a list of a configuration has a name.
func named(config json.RawMessage, list, name string) bool {
	var all map[string]json.RawMessage
	var names []string
	return json.Unmarshal(config, &all) == nil && json.Unmarshal(all[list], &names) == nil && slices.Contains(names, name)
}
