package check

import (
	"fmt"
	"maps"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/graph"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/parallel"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// condition is one of a block, to be compiled in what the block's rules see.
type condition struct {
	block *Block
	text  resolve.Text
	env   *environment
	rule  *rule.Rule
	diags source.Diagnostics
}

// rules compiles the conditions of all blocks, side by side, and adds what they read to the graph, in the order of
// blocks.
func (c *checker) rules(g *graph.Graph) {
	var all []*condition
	for _, b := range c.m.Module.Blocks {
		all = append(all, c.conditions(c.m.Blocks[b.Address])...)
	}
	parallel.Each(all, few, func(x *condition) { x.rule, x.diags = c.cache.Compile(x.env.env, x.text.Text) })
	for _, x := range all {
		c.rule(x, g)
	}
}

// conditions are those of a block; none where it is not known what they see.
func (c *checker) conditions(b *Block) []*condition {
	var out []*condition
	for _, t := range b.Texts {
		if t.Spec.Type != schema.CEL {
			continue
		}
		e := c.environment(b)
		if e.root == nil && e.err == nil {
			return nil // its own figures are not known: told already
		}
		b.Env = e.root
		if e.err != nil {
			c.must(fmt.Errorf("rules of %s: %w", b.Address, e.err))
			return nil
		}
		out = append(out, &condition{block: b, text: t, env: e})
	}
	return out
}

// rule keeps a compiled condition and connects what it reads, or adds its diagnostics, unless they follow from a block without types.
// A path into a block whose shape is not known cannot be judged, and the mistake is told at that block.
func (c *checker) rule(x *condition, g *graph.Graph) {
	text := x.text.Text.Value
	if x.diags.HasErrors() && c.readsUntyped(text) {
		return
	}
	c.diags = append(c.diags, x.diags...)
	if x.diags.HasErrors() {
		return
	}
	x.block.Rules = append(x.block.Rules, Rule{Path: x.text.Path, Text: x.text.Text, Rule: x.rule})
	for _, ref := range x.rule.Refs() {
		c.connect(x.block, text, ref, g)
	}
}

// readsUntyped reports whether a rule names a block that has no types because of a mistake told already. The text is
// searched, since a rule with errors has no references; a name that is part of another only keeps a message back.
func (c *checker) readsUntyped(text string) bool {
	for address := range c.untyped {
		if b := c.m.Blocks[address]; strings.Contains(text, b.Kind+"."+b.Name) {
			return true
		}
	}
	return false
}

// connect makes a figure that a rule reads a dependency.
func (c *checker) connect(b *Block, text string, ref rule.Ref, g *graph.Graph) {
	if !b.TypeSpec.IsGate() {
		return
	}
	for _, f := range c.m.FiguresAt(b, text, ref.Path) {
		c.must(g.Connect(f.Block.Address, b.Address, ref.Range))
	}
}

// root is the type of what the rules of a block see: in a check its own figures, in a deployment those of its canary, elsewhere those of all blocks.
// Of a repeated block the figures are a map by key, evaluate.e["eu"].metrics.auc; its instances have one type as a rule,
// and where they differ it has what all have (merge). Blocks of other modules are not seen.
func (c *checker) root(b *Block) *schema.FigureType {
	fields := map[string]*schema.FigureType{
		"variable": c.valuesOf(b.Module).variables,
		"local":    c.valuesOf(b.Module).locals,
	}
	if b.Each != nil {
		fields["each"] = valuesType(b.Each, nil)
	}
	if b.TypeSpec.IsCheck() {
		if b.Figures == nil {
			return nil
		}
		for name, t := range b.Figures.Fields {
			fields[name] = t
		}
		return schema.Object(fields)
	}
	if b.TypeSpec.IsDeployment() { // whose conditions are about what servers count
		maps.Copy(fields, decide.CanaryFigures(b.classifies()).Fields)
		return schema.Object(fields)
	}
	if b.KindSpec.Poses || b.KindSpec.Retrains { // which have no champion: they read a difference where a gate has one made
		c.figuresOfAll(b, fields)
		return schema.Object(fields)
	}
	fields["champion"] = schema.Object(map[string]*schema.FigureType{"exists": schema.Flag, "comparable": schema.Flag})
	c.figuresOfAll(b, fields)
	return schema.Object(fields)
}

// classifies reports whether the model that comes into a block answers with one of two classes, by a score.
func (b *Block) classifies() bool {
	ref := b.ModelInput()
	if ref == nil {
		return false
	}
	m := b.In[ref.Port].Model
	return m != nil && m.Task == schema.Binary
}

// figuresOfAll adds the figures of all blocks of a block's module.
func (c *checker) figuresOfAll(b *Block, fields map[string]*schema.FigureType) {
	for _, other := range c.m.Module.Blocks {
		other := c.m.Blocks[other.Address]
		if other.Figures == nil || other.Module != b.Module {
			continue
		}
		if fields[other.Kind] == nil {
			fields[other.Kind] = schema.Object(map[string]*schema.FigureType{})
		}
		kind := fields[other.Kind].Fields
		if other.Key == "" {
			kind[other.Name] = other.Figures
			continue
		}
		if kind[other.Name] == nil {
			kind[other.Name] = schema.KeyedMap(other.Figures)
		}
		kind[other.Name] = schema.KeyedMap(merge(kind[other.Name].Elem, other.Figures), append(kind[other.Name].Keys, other.Key)...)
	}
}

// valuesType is the type of `variable` or `local` in rules. Values of a type that rules do not have, such as a list of mixed
// types, are left out. sensitive has the names of withheld values, so that a rule that reads one gets a message saying so.
func valuesType(values map[string]cty.Value, sensitive []string) *schema.FigureType {
	fields := map[string]*schema.FigureType{}
	for name, v := range values {
		if t := ValueType(v.Type()); t != nil {
			fields[name] = t
		}
	}
	t := schema.Object(fields)
	t.Withheld = sensitive
	return t
}

// ValueType is the type of a value as rules see it; nil if they have none for it.
// A part of an object that rules have no type for is left out of it, and the rest can be read.
func ValueType(t cty.Type) *schema.FigureType {
	switch {
	case t == cty.Number:
		return schema.Double
	case t == cty.String:
		return schema.Word
	case t == cty.Bool:
		return schema.Flag
	case t.IsListType(), t.IsSetType():
		if elem := ValueType(t.ElementType()); elem != nil {
			return schema.ListOf(elem)
		}
	case t.IsMapType():
		if elem := ValueType(t.ElementType()); elem != nil {
			return schema.MapOf(elem)
		}
	case t.IsObjectType():
		fields := map[string]*schema.FigureType{}
		for name, ft := range t.AttributeTypes() {
			if f := ValueType(ft); f != nil {
				fields[name] = f
			}
		}
		return schema.Object(fields)
	case t.IsTupleType():
		return tupleType(t.TupleElementTypes())
	}
	return nil
}

// tupleType is a list's where all elements are of one type; nil of an empty one, of which no type is known.
// HCL calls a list that is written out a tuple, whatever is in it.
func tupleType(types []cty.Type) *schema.FigureType {
	for _, t := range types {
		if !t.Equals(types[0]) {
			return nil
		}
	}
	if len(types) == 0 {
		return nil
	}
	if elem := ValueType(types[0]); elem != nil {
		return schema.ListOf(elem)
	}
	return nil
}
