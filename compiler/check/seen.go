package check

import (
	"cmp"
	"slices"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
)

// seen sets Model.Seen of the models that a block yields, by the schema of its references and without asking its component:
//
//	the rows that it fits, chooses or        data = split.s.train, validation = split.s.validation,
//	calibrates by                            calibration = split.t.validation
//	the rows that its models have seen       of the models that it takes in
//	the rows that its figures come from      of the evaluations that it takes in, which count as chosen by
//	that nobody knows which                  what its component says of a model that was trained elsewhere
//
// So a model that was picked among several by an evaluation has seen the rows of that evaluation, too.
func (c *checker) seen(b *Block) {
	for port, s := range b.Out {
		if s.Model == nil {
			continue
		}
		m := *s.Model
		m.Seen = append(c.seenBy(b), m.Seen...)
		s.Model = &m
		b.Out[port] = s
	}
}

// seenBy is what the models that a block yields have seen, fitted rows first: what is told of a model is told by the worst
// use.
func (c *checker) seenBy(b *Block) []schema.Seen {
	var out []schema.Seen
	for i := range b.Refs {
		r := &b.Refs[i]
		if r.Edge != schema.InputEdge || r.Along {
			continue
		}
		target := c.m.Blocks[r.Target]
		switch {
		case r.Spec.Rows == schema.FittedRows || r.Spec.Rows == schema.ChosenRows || r.Spec.Rows == schema.CalibratedRows:
			out = append(out, schema.Seen{Use: r.Spec.Rows, By: b.Address, Port: r.Port})
		case r.Spec.Takes(schema.ModelPort):
			if m := target.Out[r.TargetPort].Model; m != nil {
				out = append(out, m.Seen...)
			}
		case r.Spec.Takes(schema.FiguresPort):
			out = append(out, c.chosenBy(target)...)
		}
	}
	slices.SortStableFunc(out, func(x, y schema.Seen) int { // the worst first
		return cmp.Compare(x.Use, y.Use) * -1
	})
	return slices.Compact(out)
}

// chosenBy are the rows that the figures of a block come from, its own or those of the evaluations that it sums up.
func (c *checker) chosenBy(b *Block) []schema.Seen {
	var out []schema.Seen
	for _, at := range inputs(b.Block, schema.MeasuredRows) {
		out = append(out, schema.Seen{Use: schema.ChosenRows, By: b.Address, Port: at.Port})
	}
	if len(out) > 0 {
		return out
	}
	for i := range b.Refs {
		if r := &b.Refs[i]; r.Edge == schema.InputEdge && !r.Along && r.Spec.Takes(schema.FiguresPort) {
			out = append(out, c.chosenBy(c.m.Blocks[r.Target])...)
		}
	}
	return out
}

// inputs are the references of a block to tables whose rows it uses in one of these ways, in their order.
func inputs(b *resolve.Block, uses ...schema.RowUse) []*resolve.Reference {
	var out []*resolve.Reference
	for i := range b.Refs {
		if r := &b.Refs[i]; r.Edge == schema.InputEdge && !r.Along && slices.Contains(uses, r.Spec.Rows) {
			out = append(out, r)
		}
	}
	return out
}

// ModelInput is the reference at which a model flows in; nil if none does.
func (b *Block) ModelInput() *resolve.Reference {
	if of := models(b.Block); len(of) > 0 {
		return of[0]
	}
	return nil
}

// models are the references of a block to models that flow into it.
func models(b *resolve.Block) []*resolve.Reference {
	var out []*resolve.Reference
	for i := range b.Refs {
		if r := &b.Refs[i]; r.Edge == schema.InputEdge && r.Spec.Takes(schema.ModelPort) {
			out = append(out, r)
		}
	}
	return out
}

// scored finds which models a block measures on the rows of a reference, and where these rows come in to be scored: at the block
// itself if models flow into it, else at the one whose predictions they are. Nil if nothing is known of either.
func (c *checker) scored(b *resolve.Block, at *resolve.Reference) (scorer *resolve.Block, of []*resolve.Reference, rows *resolve.Reference) {
	if of := models(b); len(of) > 0 {
		return b, of, at
	}
	target := c.m.Blocks[at.Target]
	if given := inputs(target.Block, schema.ScoredRows, schema.MeasuredRows); len(given) > 0 {
		return target.Block, models(target.Block), given[0]
	}
	return nil, nil, nil
}
