package syntax

// What an override changes.
//
// Tests try a module with other data or settings (spec/testing.md). An override is a block that names another by its
// address and has what should be otherwise:
//
//	override "train.churn" {
//	  seed = 2
//	  params { trees = 5 }
//	}
//
// seed takes the place of the block's own, as params.trees does within params; all else stays. Lists and objects are
// values and are replaced whole, since merging them would leave no way to take an element out. What is required may be
// missing in an override: it is looked for only after merging.

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// Override returns the module with blocks changed by others that are read by their schema: arguments take the place of
// theirs, nested blocks are merged with those of the same kind and label, or added. The name of each override is the
// address of the block that it changes; several of one block count one after another. The module given is left as it
// is.
func Override(m *Module, overrides []*Block) (*Module, source.Diagnostics) {
	out := *m
	out.Blocks = slices.Clone(m.Blocks)
	out.Files = maps.Clone(m.Files)
	var ds source.Diagnostics
	for _, o := range overrides {
		i := slices.IndexFunc(out.Blocks, func(b *Block) bool { return b.Address == o.Name && o.Name != "" })
		if i < 0 {
			ds = append(ds, noBlock(m, o))
			continue
		}
		d := &decoder{file: o.Raw.file, lenient: true}
		change := *out.Blocks[i]
		change.Attrs, change.Blocks = map[string]*Attr{}, nil
		d.content(&change, o.Raw.body, change.KindSpec.FreeAttrs || change.KindSpec.Unlabelled)
		out.Blocks[i] = merged(out.Blocks[i], &change)
		d.required(out.Blocks[i])
		ds = append(ds, d.ds...)
		out.Files[o.Raw.file.Name] = o.Raw.file.Bytes
	}
	return &out, ds.Sort()
}

// noBlock words an override of a block that there is not.
func noBlock(m *Module, o *Block) source.Diagnostic {
	var names []string
	for _, b := range m.Blocks {
		if b.Address != "" {
			names = append(names, b.Address)
		}
	}
	return source.Diagnostic{
		Severity: source.Error, Code: source.CodeUnknownAddress, Subject: o.NameRange,
		Summary: fmt.Sprintf("there is no block %s to override", o.Name),
		Detail:  "An override names a block of the module's own files, repeated ones as a whole.", Hint: suggest.DidYouMean(o.Name, names),
	}
}

// merged is the block with what stands in change. Neither is changed; ranges are those of the block.
// Where two nested blocks are one (sameNested) they are merged in turn, in the place of the first; others are appended,
// so that the order of the module's own is kept.
func merged(b, change *Block) *Block {
	out := *b
	out.Attrs = maps.Clone(b.Attrs)
	maps.Copy(out.Attrs, change.Attrs)
	out.Blocks = slices.Clone(b.Blocks)
	for _, n := range change.Blocks {
		i := slices.IndexFunc(out.Blocks, func(o *Block) bool { return sameNested(o, n) })
		if i < 0 {
			out.Blocks = append(out.Blocks, n)
			continue
		}
		out.Blocks[i] = merged(out.Blocks[i], n)
	}
	return &out
}

// required tells what is missing in a block and those nested in it, once they are merged.
func (d *decoder) required(b *Block) {
	d.checkRequired(b, nil)
	for _, n := range b.Blocks {
		d.required(n)
	}
}

// sameNested reports whether two nested blocks are one: of a kind that stands once, or of the same label.
func sameNested(a, b *Block) bool {
	return a.Kind == b.Kind && (!a.Spec.Repeated || a.Spec.Labelled && a.Name == b.Name)
}

// TestExtension of files of tests.
const TestExtension = ".mlptest"

// ParseTests reads files of tests, by name.
func ParseTests(files map[string][]byte) (*Module, source.Diagnostics) {
	return Parse(files, schema.TestCatalog())
}
