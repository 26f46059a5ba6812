package syntax

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// decoder turns the blocks of one file into ours and gathers what is wrong with them.
type decoder struct {
	file   *File
	cat    *schema.Catalog
	bodies map[*schema.Type]*schema.Body // with the attributes common to all stages
	ds     source.Diagnostics
	// lenient: what is required may be missing, since it stands in the block that is changed.
	lenient bool
}

func (d *decoder) report(found source.Diagnostic) { d.ds = append(d.ds, found) }

// block decodes a top-level block; false if its kind, type or name is not known. With other mistakes it is decoded as
// far as it is right.
func (d *decoder) block(hb *hclsyntax.Block) (*Block, bool) {
	kind := d.cat.Kind(hb.Type)
	if kind == nil {
		d.unknownKind(hb)
		return nil, false
	}
	b := d.newBlock(hb)
	b.KindSpec = kind
	if !d.labels(b, hb, kind) {
		return nil, false
	}
	b.Body = d.body(b.TypeSpec)
	if kind.Raw {
		b.Raw = &Raw{body: hb.Body, file: d.file}
		return b, true
	}
	d.content(b, hb.Body, kind.FreeAttrs || kind.Unlabelled && len(b.Body.Attrs) == 0)
	return b, true
}

// newBlock has the ranges that diagnostics and editors point at: Header from the kind to the last label, Range to the
// closing brace.
func (d *decoder) newBlock(hb *hclsyntax.Block) *Block {
	header := hb.TypeRange
	if n := len(hb.LabelRanges); n > 0 {
		header = hcl.RangeBetween(header, hb.LabelRanges[n-1])
	}
	return &Block{
		Kind: hb.Type, Attrs: map[string]*Attr{}, Header: d.file.Range(header), NameRange: d.file.Range(hb.TypeRange),
		Range: d.file.Range(hcl.RangeBetween(hb.TypeRange, hb.CloseBraceRange)), CloseRange: d.file.Range(hb.CloseBraceRange),
	}
}

// unknownKind words a kind that there is not: one that stands inside another block, one of another tool, or a misspelt one.
// The first of these that fits is the hint: it is a block inside of another ("rule is a block inside of gate"), it is a
// word of the field for one of our kinds (model, endpoint, dag), it is near one of ours.
func (d *decoder) unknownKind(hb *hclsyntax.Block) {
	names := kindNames(d.cat)
	hint := d.inside(hb.Type)
	if hint == "" {
		_, hint = schema.KindWords().Meant(hb.Type, names)
	}
	if hint == "" {
		hint = suggest.DidYouMean(hb.Type, names)
	}
	d.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeUnknownKind, Subject: d.file.Range(hb.TypeRange),
		Summary: fmt.Sprintf("there is no kind of block %q", hb.Type),
		Detail:  "Kinds of blocks are " + strings.Join(names, ", ") + ".",
		Hint:    hint,
	})
}

// inside says of which kind of block a nested block is a part; "" if there is none of that name.
func (d *decoder) inside(name string) string {
	for _, k := range d.cat.Kinds {
		for _, t := range k.Types {
			if t.Body.Block(name) != nil {
				return fmt.Sprintf("%s is a block inside of %s", name, k.Name)
			}
		}
	}
	return ""
}

// kindNames are the names of a catalog's kinds, in its order.
func kindNames(cat *schema.Catalog) []string {
	names := make([]string, len(cat.Kinds))
	for i, k := range cat.Kinds {
		names[i] = k.Name
	}
	return names
}

// labels finds the block's type and name, and reports whether the block can be known by them:
//
//	train "logistic_regression" "m"     type and name
//	dataset "payments"                  the name; the kind has no types, or one that is the default
//	locals                              neither
func (d *decoder) labels(b *Block, hb *hclsyntax.Block, kind *schema.Kind) bool {
	// One label is the name, if the kind has a default type or none at all; two are type and name.
	types := typeNames(kind)
	typed := len(types) > 0
	name, typeName := "", kind.DefaultType
	switch n := len(hb.Labels); {
	case kind.Unlabelled:
		if n > 0 {
			d.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeLabels, Subject: d.file.Range(hb.LabelRanges[0]),
				Summary: fmt.Sprintf("%s takes no name", kind.Name),
				Hint:    "write " + kind.Name + " { … }",
			})
		}
		b.TypeSpec = &kind.Types[0]
		return true
	case n == 0:
		d.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeLabels, Subject: b.Header,
			Summary: fmt.Sprintf("this %s has no name", kind.Name),
			Hint:    "write " + d.headerForm(kind),
		})
		return false
	case n > 2 || n == 2 && !typed:
		d.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeLabels, Subject: d.file.Range(hb.LabelRanges[min(n-1, 2)]),
			Summary: fmt.Sprintf("this %s has too many labels", kind.Name),
			Hint:    "write " + d.headerForm(kind),
		})
		return false
	case n == 2:
		typeName, name = hb.Labels[0], hb.Labels[1]
	default:
		name = hb.Labels[0]
		if kind.DefaultType == "" && kind.Type("") == nil {
			d.typeMissing(kind, hb, types)
			return false
		}
	}
	last := len(hb.LabelRanges) - 1
	b.Name, b.Type, b.NameRange = name, typeName, d.file.Range(hb.LabelRanges[last])
	b.Address = kind.Name + "." + name
	b.TypeSpec = kind.Type(typeName)
	if b.TypeSpec == nil {
		d.unknownType(kind, typeName, types, d.file.Range(hb.LabelRanges[0]))
	}
	if kind.AnyName {
		return b.TypeSpec != nil
	}
	nameDs := checkName(kind, name, b.NameRange)
	d.ds = append(d.ds, nameDs...)
	return b.TypeSpec != nil && !nameDs.HasErrors()
}

// typeMissing words a header with one label where two are needed: it may be the type or the name.
// `train "gradient_boosting" { … }` lacks its name, `train "churn" { … }` its type: the one label is the type where
// there is a type of that name.
func (d *decoder) typeMissing(kind *schema.Kind, hb *hclsyntax.Block, types []string) {
	label := hb.Labels[0]
	at := d.file.Range(hb.LabelRanges[0])
	if kind.Type(label) != nil {
		d.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeLabels, Subject: at,
			Summary: fmt.Sprintf("this %s has no name", kind.Name),
			Detail:  fmt.Sprintf("%q is its type.", label),
			Hint:    fmt.Sprintf("write %s %q \"name\"", kind.Name, label),
		})
		return
	}
	d.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeLabels, Subject: at,
		Summary: fmt.Sprintf("this %s has no type", kind.Name),
		Detail:  fmt.Sprintf("Types of %s are %s.", kind.Name, strings.Join(types, ", ")),
		Hint:    typeHint(kind, label, types),
	})
}

// typeHint says how a block without a type is written; which type it is only its author knows, unless the label tells.
func typeHint(kind *schema.Kind, label string, types []string) string {
	if name, _ := schema.TypeWords(kind.Name).Meant(label, types); name != "" {
		return fmt.Sprintf("write %s %q %q", kind.Name, name, label)
	}
	if len(types) == 1 {
		return fmt.Sprintf("write %s %q %q", kind.Name, types[0], label)
	}
	return fmt.Sprintf("write the type before the name: %s \"…\" %q", kind.Name, label)
}

// unknownType words a type that the kind does not have.
func (d *decoder) unknownType(kind *schema.Kind, name string, types []string, at source.Range) {
	hint := suggest.DidYouMean(name, types)
	if _, other := schema.TypeWords(kind.Name).Meant(name, types); other != "" {
		hint = other
	}
	d.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeUnknownType, Subject: at,
		Summary: fmt.Sprintf("%s has no type %q", kind.Name, name),
		Detail:  fmt.Sprintf("Types of %s are %s.", kind.Name, strings.Join(types, ", ")),
		Hint:    hint,
	})
}

// typeNames are the names of the kind's types; none for a kind without types.
func typeNames(kind *schema.Kind) []string {
	var names []string
	for _, t := range kind.Types {
		if t.Name != "" {
			names = append(names, t.Name)
		}
	}
	return names
}

// headerForm is how the header of a kind is written.
func (d *decoder) headerForm(kind *schema.Kind) string {
	switch {
	case len(typeNames(kind)) == 0:
		return kind.Name + ` "name" { … }`
	case kind.DefaultType == "" && kind.Type("") == nil:
		return kind.Name + ` "type" "name" { … }`
	}
	return kind.Name + ` "name" { … } or ` + kind.Name + ` "type" "name" { … }`
}

// body returns what may stand in a block of that type. Most kinds can be repeated, and stages take some attributes in
// common; a type's own of the same name goes first.
func (d *decoder) body(t *schema.Type) *schema.Body {
	if t.Version == 0 && t.Single {
		return &t.Body
	}
	if b, ok := d.bodies[t]; ok {
		return b
	}
	b := BodyOf(t)
	d.bodies[t] = b
	return b
}

// BodyOf returns what may stand in a block of that type: its own body, for_each unless it stands once, and what stages
// take in common. The schema is not changed; a caller that asks often keeps the result.
func BodyOf(t *schema.Type) *schema.Body {
	if t.Version == 0 && t.Single {
		return &t.Body
	}
	b := &schema.Body{Attrs: slices.Clone(t.Body.Attrs), Blocks: t.Body.Blocks}
	common := []schema.Attr{}
	if !t.Single {
		common = append(common, schema.ForEachAttr())
	}
	if t.Version > 0 {
		common = append(common, schema.StageAttrs()...)
	}
	for _, a := range common {
		if t.Body.Attr(a.Name) == nil {
			b.Attrs = append(b.Attrs, a)
		}
	}
	return b
}

// topLevelAttr words an argument outside of all blocks, which HCL has and the language has not.
func (d *decoder) topLevelAttr(a *hclsyntax.Attribute) source.Diagnostic {
	out := source.Diagnostic{
		Severity: source.Error, Code: source.CodeTopLevelAttr, Subject: d.file.Range(a.NameRange),
		Summary: fmt.Sprintf("%q is set outside of all blocks", a.Name),
		Detail:  "A file holds blocks; arguments stand inside of them.",
		Hint:    "values for the whole module go into a locals block",
	}
	if d.cat.Kind(a.Name) != nil {
		out.Hint = fmt.Sprintf("write %s { … } without =", a.Name)
	}
	return out
}
