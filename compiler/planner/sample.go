package planner

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// How a plan of a sample samples. A share of the rows of every table would tear apart what belongs together: a join of 5 % with 5 % by row has a
// quarter of a hundredth of the pairs, and of a customer's payments a window would see one in twenty. So rows are sampled at the sources, before
// anything is made of them, and by what holds them together. Of each source the first that fits:
//
//	it says sample_by                                                        by those columns
//	what is made of it goes by an entity that it has as columns              by the entity: feature.card has entity = ["card"]
//	it meets others in a table, and one of those is sampled by columns       whole: a table of merchants beside payments sampled by card
//	nothing but its own rows go into what is made of it                      by row
//
// Sources meet where a stage makes one table of several that come from both: a dataset that joins, a training set. Through a model they do not:
// what is trained on one and measured on another joins no rows. Where sources meet and nothing says by what they are to be sampled, and where
// entities differ, nothing honest can be chosen, and the plan is refused with what to write.

// Sample asks for a plan of a share of the rows (plan.Sample).
type Sample struct {
	Share string       // as plan.ParseShare has it
	Type  *schema.Type // of the component that samples
}

// sampling is how the sources of a module are sampled, found out once, when the first source is planned.
type sampling struct {
	sources map[string]*plan.SampledSource
}

// sampled puts the stage that samples behind a source's own; false after a mistake. Nothing is done where the plan is of all rows.
func (p *planner) sampled(b *check.Block, n *plan.Node) {
	if p.o.Sample == nil || !begins(b) {
		return
	}
	if p.sampling == nil {
		p.sampling = &sampling{sources: map[string]*plan.SampledSource{}}
		p.chooseSampling()
	}
	s := p.sampling.sources[b.Address]
	if s == nil {
		return // what is wrong has been told
	}
	t := p.o.Sample.Type
	q := derivedNode(n, &schema.Derivation{Role: schema.SampleRole})
	q.Kind, q.Type, q.Version, q.Engine, q.Config = schema.SampleKind, t.Name, t.Version, t.Engine, s.Config(p.o.Sample.Share)
	limitsOf(n, q)
	out := n.Outputs[slices.IndexFunc(n.Outputs, func(o plan.Output) bool { return o.Type == schema.TablePort })]
	q.Inputs = []plan.Input{{Port: schema.SamplePort, From: n.Address, FromPort: out.Port, Shape: out.Shape}}
	q.Outputs = []plan.Output{{Port: out.Port, Type: out.Type, Shape: out.Shape}}
	p.decide(q)
	if a := p.actions[q.Address]; a != nil {
		var f struct{ Rows, Of int64 }
		if json.Unmarshal(a.Figures, &f) == nil {
			s.Rows, s.Of = f.Rows, f.Of
		}
	}
}

// begins reports whether rows begin in a block: it yields a table, and reads none.
func begins(b *check.Block) bool {
	reads := slices.ContainsFunc(b.Refs, func(r resolve.Reference) bool {
		return r.Edge == schema.InputEdge && b.In[r.Port].Type == schema.TablePort
	})
	for _, s := range b.Out {
		if s.Table != nil && !reads {
			return true
		}
	}
	return false
}

// sampledFrom is where what a block yields at a port comes from in the plan: the table of a source that is sampled, from the stage that samples it.
func (p *planner) sampledFrom(target, port string) string {
	if p.sampling == nil || p.sampling.sources[target] == nil || p.m.Blocks[target] == nil || p.m.Blocks[target].Out[port].Type != schema.TablePort {
		return target
	}
	return address.Derived(target, string(schema.SampleRole))
}

// shareOf is the share that a stage's inputs are of; "" where all are whole.
func (p *planner) shareOf(n *plan.Node) string {
	if n.Role == schema.SampleRole {
		return p.o.Sample.Share
	}
	for _, in := range n.Inputs {
		if up := p.nodes[in.From]; up != nil && up.Sample != "" {
			return up.Sample
		}
	}
	return ""
}

// sample is what the plan says of its sample; nil where it is of all rows.
func (p *planner) sample() *plan.Sample {
	if p.o.Sample == nil {
		return nil
	}
	out := &plan.Sample{Share: p.o.Sample.Share, Sources: []plan.SampledSource{}}
	if p.sampling != nil {
		for _, at := range sortedKeys(p.sampling.sources) {
			out.Sources = append(out.Sources, *p.sampling.sources[at])
		}
	}
	return out
}

// all is the whole module, also where a part of it is planned: a part samples as the whole does.
func (p *planner) all() *check.Module {
	if p.whole != nil {
		return p.whole
	}
	return p.m
}

// group is the sources that meet each other, with the entities that what is made of them goes by.
type group struct {
	sources  []string
	meet     string              // the first block in which two of them meet
	entities map[string][]string // by the columns as one text, those columns
	by       map[string]string   // by the same, a block that goes by them
}

// groups are the sources of a module, parted by whether they meet, in the module's order.
func (p *planner) groups() []*group {
	m := p.all()
	of := map[string]*group{}              // by source
	reach := map[string]map[string]bool{}  // by block, the sources whose rows are in its tables
	var sources []string                   // in order
	join := func(at string, a, b *group) { // b becomes part of a
		if a == b {
			return
		}
		a.meet = cmp.Or(a.meet, b.meet, at)
		a.sources = append(a.sources, b.sources...)
		maps.Copy(a.entities, b.entities)
		maps.Copy(a.by, b.by)
		for _, s := range b.sources {
			of[s] = a
		}
	}
	for _, at := range m.Order {
		b := m.Blocks[at]
		if begins(b) {
			of[at] = &group{sources: []string{at}, entities: map[string][]string{}, by: map[string]string{}}
			reach[at], sources = map[string]bool{at: true}, append(sources, at)
			continue
		}
		rows := map[string]bool{}
		for _, r := range b.Refs {
			if r.Edge == schema.InputEdge && b.In[r.Port].Type == schema.TablePort {
				maps.Copy(rows, reach[r.Target])
			}
		}
		reach[at] = map[string]bool{}
		for port := range b.Out {
			t := b.Out[port].Table
			if t == nil || len(rows) == 0 {
				continue
			}
			reach[at] = rows
			all := slices.Sorted(maps.Keys(rows))
			g := of[all[0]]
			for _, other := range all[1:] {
				join(at, g, of[other])
			}
			if len(t.Entity) > 0 {
				key := strings.ToLower(strings.Join(slices.Sorted(slices.Values(t.Entity)), ", "))
				g.entities[key] = slices.Sorted(slices.Values(t.Entity))
				g.by[key] = cmp.Or(g.by[key], at)
			}
		}
	}
	var out []*group
	for _, s := range sources {
		if g := of[s]; !slices.Contains(out, g) {
			slices.Sort(g.sources)
			out = append(out, g)
		}
	}
	return out
}

// chooseSampling finds how each source is sampled, and tells what cannot be chosen.
// Of a saved plan it is what the plan says: that may be of a part, and what the whole is like it does not say.
func (p *planner) chooseSampling() {
	if p.saved != nil {
		for _, s := range p.saved.plan.Sample.Sources {
			p.sampling.sources[s.Source] = &plan.SampledSource{Source: s.Source, How: s.How, By: s.By}
		}
		return
	}
	defer maps.DeleteFunc(p.sampling.sources, func(at string, _ *plan.SampledSource) bool { return p.m.Blocks[at] == nil })
	for _, g := range p.groups() {
		said := false
		for _, at := range g.sources {
			by := sampleBy(p.all().Blocks[at])
			p.sampling.sources[at] = &plan.SampledSource{Source: at, How: plan.SampleWhole}
			if len(by) > 0 {
				said = true
				p.sampling.sources[at] = &plan.SampledSource{Source: at, How: plan.SampleByColumns, By: by}
			}
		}
		switch {
		case said:
		case len(g.entities) > 0:
			p.byEntity(g)
		case len(g.sources) > 1:
			p.unsampled(g, fmt.Sprintf("%s meet in %s, and nothing says which of their rows belong together", strings.Join(g.sources, " and "), g.meet),
				"Rows sampled each for itself would lose most of the pairs that a join makes.")
		default:
			p.sampling.sources[g.sources[0]].How = plan.SampleByRow
		}
	}
}

// byEntity samples the sources of a group that have the entity's columns, by those; the others stay whole.
func (p *planner) byEntity(g *group) {
	keys := sortedKeys(g.entities)
	if len(keys) > 1 {
		p.unsampled(g, fmt.Sprintf("what is made of %s goes by several entities: %s by %s, %s by %s", strings.Join(g.sources, " and "), g.by[keys[0]], keys[0], g.by[keys[1]], keys[1]),
			"A sample by one of them has only some of the rows of the other.")
		return
	}
	found := false
	for _, at := range g.sources {
		var by []string
		for _, name := range g.entities[keys[0]] {
			if c := p.all().Blocks[at].Out["table"].Table.Column(name); c != nil {
				by = append(by, c.Name)
			}
		}
		if len(by) == len(g.entities[keys[0]]) {
			found = true
			p.sampling.sources[at] = &plan.SampledSource{Source: at, How: plan.SampleByColumns, By: by}
		}
	}
	if !found {
		p.unsampled(g, fmt.Sprintf("%s goes by %s, of which %s has no %s", g.by[keys[0]], keys[0], strings.Join(g.sources, " or "), render.Plural(len(g.entities[keys[0]]), "column", "columns")),
			"The rows of one entity would be in the sample in part.")
	}
}

// unsampled tells that nobody says how the sources of a group are to be sampled.
func (p *planner) unsampled(g *group, summary, detail string) {
	for _, at := range g.sources {
		delete(p.sampling.sources, at)
	}
	p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeSample, Subject: p.all().Blocks[g.sources[0]].Range, Summary: "a sample cannot be chosen: " + summary, Detail: detail,
		Hint: `Say in each source that is to be sampled by which columns, sample_by = ["customer"]; those that meet it and do not say so are kept whole.`})
}

// sampleBy are the columns that a source says it is sampled by.
func sampleBy(b *check.Block) []string {
	var said struct {
		By []string `json:"sample_by"`
	}
	if json.Unmarshal(orEmpty(b.Meta), &said) != nil {
		return nil
	}
	t := b.Out["table"].Table
	for i, name := range said.By {
		if c := t.Column(name); c != nil { // check has told of one that is none
			said.By[i] = c.Name
		}
	}
	slices.Sort(said.By)
	return slices.Compact(said.By)
}
