package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/parallel"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// How blocks are typed. A block's component is a function from its configuration and the shapes of its inputs to the shapes of its outputs, its
// figures and what is wrong. So the blocks are asked in layers: first those that refer to nothing, such as sources and metrics, then those
// that refer to these alone. Within a layer they are asked side by side, as each answer changes its own block only.
//
// A block with a mistake has no shapes, and what reads it is not asked: one mistake is told once, and not again by everything behind it.

// shapes gives all blocks their types, each after those that it reads. Blocks that do not need each other are asked side
// by side.
func (c *checker) shapes(ctx context.Context, order []string) {
	same := c.sameFiles()
	for _, layer := range c.layers(order) {
		asked := make([]*question, 0, len(layer))
		for _, b := range layer {
			if c.prepare(ctx, b) {
				asked = append(asked, &question{block: b, others: same[b.Address]})
			} else {
				c.untyped[b.Address] = true
			}
		}
		parallel.Each(asked, few, func(q *question) { q.ask(ctx, c.lib) })
		for _, q := range asked {
			c.diags = append(c.diags, q.diags...)
			if q.untyped {
				c.untyped[q.block.Address] = true
			}
			c.seen(q.block)
		}
	}
}

// few blocks or rules are no more work than handing them to another processor.
const few = 16

// layers are the blocks by how many others stand between them and what refers to none, in the order given.
// Blocks of one layer do not refer to each other, so they can be typed side by side.
func (c *checker) layers(order []string) [][]*Block {
	var out [][]*Block
	depth := make(map[string]int, len(order))
	for _, address := range order {
		b, at := c.m.Blocks[address], 0
		for _, r := range b.Refs {
			if d, ok := depth[r.Target]; ok {
				at = max(at, d+1)
			}
		}
		depth[address] = at
		if at == len(out) {
			out = append(out, nil)
		}
		out[at] = append(out[at], b)
	}
	return out
}

// prepare completes what a block's component is asked with; false if something is missing. A block whose input has no
// types is left alone: the mistake that took it has been told.
func (c *checker) prepare(ctx context.Context, b *Block) bool {
	if !c.inputs(b) || !c.columns(ctx, b) {
		return false
	}
	c.fillName(b)
	c.fillPosed(b)
	return true
}

// question is what a component is asked of one block. Asking it changes that block and nothing else.
type question struct {
	block   *Block
	others  []string // sources that read the same files
	diags   source.Diagnostics
	untyped bool
}

// ask keeps what the component answers with the block. Of a block with a mistake no stages are derived: they would be made
// of a configuration that means nothing. A block with a warning is whole.
func (q *question) ask(ctx context.Context, lib Library) {
	b := q.block
	res, ok := lib.Shape(ctx, b.Kind, b.Type, schema.ShapeRequest{Address: b.Address, Config: b.Config, In: b.In})
	if !ok {
		return
	}
	if res.In != nil {
		b.In = res.In
	}
	lacking, diags := columnNames(b)
	q.diags = diags
	for _, p := range res.Problems {
		if !lacking[p.Path] {
			q.diags = append(q.diags, place(b.Block, p))
		}
	}
	for port, s := range res.Out {
		if own := schema.OwnPort(b.TypeSpec.Out); port == "" && own != nil {
			port = own.Name
		}
		b.Out[port] = s
	}
	q.diags = append(q.diags, sampleColumns(b)...)
	lineage(b, q.others)
	b.Figures = res.Figures
	if slices.ContainsFunc(res.Problems, func(p schema.Problem) bool { return !p.Warning }) {
		q.untyped = res.Figures == nil
		return
	}
	q.derive(lib)
}

// derive asks what is planned because of the block, and what its stage runs.
func (q *question) derive(lib Library) {
	d, ok := lib.(Deriver)
	if !ok {
		return
	}
	b := q.block
	var err, other error
	b.Derived, err = d.Derive(b.Kind, b.Type, schema.DeriveRequest{Config: b.Config, In: b.In, Out: b.Out})
	b.Program, other = d.Program(b.Kind, b.Type, b.Config)
	if err = errors.Join(err, other); err != nil {
		q.diags = append(q.diags, place(b.Block, schema.Problem{Summary: "The configuration cannot be read: " + err.Error()}))
	}
}

// inputs collects the shapes of what flows in; false if one is not known, since the block that yields it has a mistake.
// What came with a table from further up, such as its label, goes along only where the input says so (Along).
func (c *checker) inputs(b *Block) bool {
	complete := true
	for _, r := range b.Refs {
		if r.Edge != schema.InputEdge {
			continue
		}
		target := c.m.Blocks[r.Target]
		s, ok := target.Out[r.TargetPort]
		if !ok && r.Along && len(target.Out) > 0 {
			continue // what the block was not asked for does not come along
		}
		if !ok {
			c.notAsked(target, &r)
			complete = false
			continue
		}
		if s.Table != nil && r.Spec.Along == "" {
			s.Table = s.Table.Plain()
		}
		b.In[r.Port] = s
	}
	return complete
}

// notAsked adds the diagnostic for a reference to a port that the block would have if its configuration asked for it: split.s.selection
// of a split without a share for it. Of a block that has no port at all the mistake is its own, and has been told.
func (c *checker) notAsked(target *Block, r *resolve.Reference) {
	for _, p := range target.TypeSpec.Out {
		if p.Name != r.TargetPort || !p.Asked || len(target.Out) == 0 {
			continue
		}
		d := source.Diagnostic{
			Severity: source.Error, Code: source.CodeUnknownPort, Subject: r.Range,
			Summary: fmt.Sprintf("%s has no %s side", target.Address, p.Name),
			Detail:  fmt.Sprintf("A split has it only where it is given rows. It has %s.", strings.Join(slices.Sorted(maps.Keys(target.Out)), ", ")),
			Hint:    c.askFor(target),
			Related: []source.Related{{Message: "the split stands here", Range: target.Range}},
		}
		if p.Side == "" { // it is asked for by a block of its name
			d.Summary = fmt.Sprintf("%s has no %s", target.Address, p.Name)
			d.Detail = "It has that only where it is asked for it."
			d.Hint = fmt.Sprintf("add %s {} to %s", p.Name, target.Address)
			d.Related[0].Message = "the block stands here"
		}
		c.add(d)
	}
}

// noColumns adds the diagnostic for a source whose columns could not be found in its files. The first line of err is why, the rest what to
// do about it.
func (c *checker) noColumns(b *Block, err error) {
	var own schema.Problems
	if errors.As(err, &own) {
		for _, p := range own {
			c.add(place(b.Block, p))
		}
		return
	}
	why, detail, _ := strings.Cut(err.Error(), "\n")
	d := source.Diagnostic{
		Severity: source.Error, Code: source.CodeUntyped, Subject: firstRange(b.Block, "path", "url", ""),
		Summary: "the columns of " + b.Address + " cannot be found out: " + why, Detail: detail,
	}
	switch {
	case detail != "":
	case errors.Is(err, fs.ErrNotExist) && b.TypeSpec.Grows:
		d.Hint = "declare those that are wanted, or leave the block out until something was logged"
	case errors.Is(err, fs.ErrNotExist):
		d.Hint = "path is relative to the folder of the module; where the files come later, declare their columns"
	default:
		d.Hint = "declare them: column \"name\" { type = \"double\" }"
	}
	c.add(d)
}

// columns writes the columns of a source that declares none into its configuration, so that the stage reads with the
// schema the plan was made with.
func (c *checker) columns(ctx context.Context, b *Block) bool {
	if !b.TypeSpec.IsSource() {
		return true
	}
	var config map[string]any
	if err := json.Unmarshal(b.Config, &config); err != nil {
		c.must(err)
		return false
	}
	if config["column"] != nil {
		return true
	}
	columns, err := c.lib.Columns(ctx, b.Kind, b.Type, b.Address, b.Config)
	if err != nil {
		c.noColumns(b, err)
		return false
	}
	config["column"] = columns
	b.Config, err = json.Marshal(config)
	c.must(err)
	return err == nil
}

// fillName writes the block's name into the configuration where what it yields has it in: then the name decides the
// result, as any attribute does.
func (c *checker) fillName(b *Block) {
	if !b.TypeSpec.Named {
		return
	}
	var config map[string]any
	c.must(json.Unmarshal(b.Config, &config))
	config["name"] = b.Name
	filled, err := json.Marshal(config)
	c.must(err)
	b.Config = filled
}

// fillPosed gives a block what it leaves to the module's only problem, such as a trainer its task.
// Of two problems neither is meant more than the other, and each trainer says its task itself.
func (c *checker) fillPosed(b *Block) {
	if len(c.problems) != 1 {
		return
	}
	var config, problem map[string]any
	for _, a := range b.TypeSpec.Body.Attrs {
		if !a.Posed {
			continue
		}
		if config == nil {
			c.must(json.Unmarshal(b.Config, &config))
			c.must(json.Unmarshal(c.problems[0].Config, &problem))
		}
		if problem[a.Name] == nil || config[a.Name] != nil {
			continue
		}
		config[a.Name] = problem[a.Name]
		filled, err := json.Marshal(config)
		c.must(err)
		b.Config = filled
	}
}

// place turns what a component found into a diagnostic at its place in the file.
// Only of a text that is SQL is there a place within: of another attribute it is the whole value.
func place(b *resolve.Block, p schema.Problem) source.Diagnostic {
	d := source.Diagnostic{
		Severity: source.Error, Code: source.CodeUnfit, Summary: lowerFirst(p.Summary), Detail: p.Detail, Hint: lowerFirst(p.Hint),
		Subject: rangeOf(b, p.Path),
	}
	if p.Warning {
		d.Severity = source.Warning
	}
	for _, t := range b.Texts {
		if t.Path != p.Path {
			continue
		}
		d.Code = source.CodeSQL
		d.Subject = t.Text.Range
		if p.Length > 0 {
			d.Subject = t.Text.Sub(p.Offset, p.Offset+p.Length)
		}
	}
	return d
}

// lowerFirst begins a message with a small letter, as all of them do. Names such as DuckDB stay as they are.
func lowerFirst(s string) string {
	word, _, _ := strings.Cut(s, " ")
	if len(word) == 0 || word[0] < 'A' || 'Z' < word[0] || strings.ToLower(word[1:]) != word[1:] {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// rangeOf finds where a path stands, or else the nearest thing around it.
func rangeOf(b *resolve.Block, path string) source.Range {
	for path != "" {
		if r, ok := b.Ranges[path]; ok {
			return r
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			break
		}
		path = path[:cut]
	}
	return b.Range
}

// firstRange is the place of the first of some arguments that is written, else that of the block.
func firstRange(b *resolve.Block, paths ...string) source.Range {
	for _, p := range paths {
		if r, ok := b.Ranges[p]; ok {
			return r
		}
	}
	return b.Range
}
