// Package check gives every block its types: what flows into it, what it yields, which figures rules may read. It finds
// what is wrong across blocks before anything runs.
//
// Check goes in four steps, each in a file of its own: order (order.go) puts blocks behind what they refer to; shape
// (shape.go) asks each component what its block yields; rules (rules.go) compiles conditions on the figures found;
// last, the references inside rules join the graph and the whole is ordered once more.
package check

// Order. Blocks are ordered by their references, so that each is typed after what it reads. A gate also stands behind the model
// that it would let pass. What rules read is known only once they are compiled, and they cannot be compiled before figures have
// types; so the graph is ordered once for shapes, and once more when the references of rules have been added.
//
// Shapes. Of
//
//	source "csv" "payments"          { path = "payments.csv" }
//	split "time" "s"                 { from = source.payments … }
//	train "logistic_regression" "m"  { data = split.s.train … }
//
// the source is first given the columns it does not declare, as pinned or as found in its file. The split's In is then
// {"from": the table with these columns}, and its component answers with Out: the same table at train, validation and test. The
// trainer gets the table at split.s.train and answers with a model and the type of its figures. Blocks on one level of the graph
// are asked side by side; diagnostics are kept in the order of blocks.
//
// Filled in. Block.Config is resolve's configuration with what its component must know and the file does not say: the columns of
// a source (`column`), the name of a block whose result holds it (schema.Type.Named, key `name`), and what a block leaves to the
// module's only problem (schema.Attr.Posed: a trainer's task). What is filled in is fingerprinted as if
// somebody had written it.
//
// Rules. In a gate the rules see variable, local, each, champion, and the figures of every block of the same module by address:
// evaluate.holdout.metrics.auc, or evaluate.holdout["eu"].metrics.auc of a repeated one. In a check they see the check's own
// figures. A figure that a gate's rule reads becomes an edge: the gate waits for evaluate.holdout.
//
// Mistakes. A block whose shape cannot be worked out is untyped. Blocks that read it and rules that name it are skipped without a
// word, since the mistake was reported at its root. With a cycle, its blocks and all behind them are untyped.
//
// Last come the rules about data, which need all shapes: rows that a model was fitted on and is measured on (leakage.go,
// samerows.go), requirements, what a gate has measured of what it releases (unmeasured.go), protected
// columns in decisions (protected.go), approvers.

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/mlp-lang/mlp/compiler/graph"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// Library is what the compiler needs of the components: their shapes, and the columns of sources that declare none.
type Library interface {
	// Shape asks the component of that kind and type. False if nothing computes there. It is called for several blocks at
	// the same time.
	Shape(ctx context.Context, kind, typ string, req schema.ShapeRequest) (schema.ShapeResult, bool)
	// Columns returns those of a source that declares none, as pinned or as found by looking at its files.
	Columns(ctx context.Context, kind, typ, address string, config json.RawMessage) ([]schema.Column, error)
}

// Deriver is an optional interface of a Library. It is asked of blocks whose shape has no errors: which further stages are to be
// planned for the block (evaluate.holdout@champion), and whether its stage runs a command in a user's image.
type Deriver interface {
	// Derive asks what is derived of a block; nil if nothing is.
	Derive(kind, typ string, req schema.DeriveRequest) ([]schema.Derivation, error)
	// Program asks what the block's stage runs in an image of somebody's; nil if it is the component that runs.
	Program(kind, typ string, config json.RawMessage) (*schema.Program, error)
}

// Module is a module that can be planned, if Check found no errors. Blocks has all blocks of the module and of those it calls, by
// address; with a cycle, Order lacks those on it and behind it.
type Module struct {
	*resolve.Module
	Blocks   map[string]*Block
	Order    []string // all addresses, each behind what it needs
	NeededBy map[string][]string
	Twins    []Twins // of whose files only a plan knows whether they are the same

	instances map[string][]*resolve.Block // of repeated blocks, by what they are called without key
}

// Block is a block with its types. In and Out lack a port whose shape could not be worked out; without errors they are complete.
type Block struct {
	*resolve.Block
	Config  json.RawMessage         // with what the compiler filled in
	In      map[string]schema.Shape // by port
	Out     map[string]schema.Shape // by port
	Figures *schema.FigureType      // of metrics.json; nil if it has none
	Rules   []Rule                  // in file order
	Env     *schema.FigureType      // what the rules see; nil without rules
	Needs   []string                // addresses, sorted

	Derived []schema.Derivation // stages that are planned because of it, where they are needed
	Program *schema.Program     // what its stage runs where that is an image of somebody's; nil: its component
}

// Rule is a compiled condition of a block.
type Rule struct {
	Path string // "rule[fair].assert"
	Text source.Text
	Rule *rule.Rule
}

// Check types a module. It is never nil; with errors the module is partial and good for editors only. Diagnostics are
// sorted by place. m is not changed. lib is called from several goroutines at a time where its methods say so.
func Check(ctx context.Context, m *resolve.Module, lib Library) (*Module, source.Diagnostics) {
	c := &checker{lib: lib, untyped: map[string]bool{}, envs: map[string]*environment{}, values: map[string]moduleValues{}, cache: cacheOf(lib),
		m: &Module{Module: m, Blocks: make(map[string]*Block, len(m.Blocks)), instances: instancesOf(m)}}
	for _, b := range m.Blocks {
		if b.KindSpec.Poses {
			c.problems = append(c.problems, b)
		}
		c.m.Blocks[b.Address] = &Block{Block: b, Config: b.Config, In: map[string]schema.Shape{}, Out: map[string]schema.Shape{}}
	}
	g := c.references()
	order := c.order(g)
	c.shapes(ctx, order)
	c.rules(g)
	if !c.cyclic {
		order = c.order(g)
	}
	c.finish(g, order)
	c.leakage()
	c.compared()
	c.requirements()
	c.emptyGates()
	c.unmeasured()
	c.protected()
	c.approvers()
	c.notifications()
	c.destinations()
	c.scheduled()
	c.addresses()
	return c.m, c.diags.Sort()
}

// checker is the module while it is typed. Only questions to components and the compiling of rules run side by side;
// all else is done in the order of blocks, so that diagnostics come in one order.
type checker struct {
	lib    Library
	m      *Module
	diags  source.Diagnostics
	cyclic bool
	// untyped are the blocks whose shape could not be worked out.
	untyped map[string]bool
	envs    map[string]*environment // by what tells them apart
	values  map[string]moduleValues // by prefix of the module
	// problems are the module's blocks that say what is to be solved.
	problems []*resolve.Block
	cache    *rule.Cache
}

func (c *checker) add(d source.Diagnostic) { c.diags = append(c.diags, d) }

// finish keeps the graph's order with the module.
func (c *checker) finish(g *graph.Graph, order []string) {
	c.m.Order = order
	needs := g.Needs()
	c.m.NeededBy = g.NeededBy()
	for address, b := range c.m.Blocks {
		b.Needs = needs[address]
	}
}

// emptyGates warns of gates that let everything pass.
// It is a warning and no error: a gate may be written before its rules are.
func (c *checker) emptyGates() {
	for _, b := range c.m.Module.Blocks {
		if !b.TypeSpec.IsGate() || len(b.Texts) > 0 {
			continue
		}
		asks := false
		for path := range b.Ranges {
			asks = asks || strings.HasPrefix(path, "approval[") || strings.HasPrefix(path, "after")
		}
		if !asks {
			c.add(source.Diagnostic{
				Severity: source.Warning, Code: source.CodeEmptyGate, Subject: b.Range, Summary: b.Address + " lets everything pass",
				Detail: "It has no rule, asks for no approval and comes after no check.",
				Hint:   `Add what must hold: rule "good enough" { assert = "evaluate.test.metrics.auc >= 0.8" }`,
			})
		}
	}
}
