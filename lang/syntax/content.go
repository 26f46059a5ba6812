package syntax

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// content decodes what stands between the braces of b, whose Body is known. With free, any argument is taken. Arguments
// come in the order of the text, though HCL's parser gives them in a map. What is misspelt or in the wrong form is
// told, left out, and does not count as missing.
func (d *decoder) content(b *Block, body *hclsyntax.Body, free bool) {
	attrs := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		attrs = append(attrs, a)
	}
	wrong := map[string]bool{} // what is there, but misspelt or in the wrong form, and so is not missing
	for _, a := range sortedBySource(attrs) {
		spec := b.Body.Attr(a.Name)
		if spec == nil && (!free || b.Body.Block(a.Name) != nil) {
			wrong[d.unknownAttr(b, a)] = true
			continue
		}
		d.keys(a.Expr)
		b.Attrs[a.Name] = &Attr{
			Name: a.Name, Spec: spec, Expr: a.Expr, File: d.file,
			NameRange: d.file.Range(a.NameRange), Range: d.file.Range(a.Expr.Range()),
		}
	}
	for _, nb := range body.Blocks {
		spec := b.Body.Block(nb.Type)
		if spec == nil {
			wrong[d.unknownBlock(b, nb)] = true
			continue
		}
		if n, ok := d.nested(nb, spec); ok {
			b.Blocks = append(b.Blocks, n)
		} else {
			wrong[nb.Type] = true
		}
	}
	if !d.lenient {
		d.checkRequired(b, wrong)
	}
	d.checkRepeated(b)
}

// nested decodes a block within a block. False if it has no label to be known by; with other mistakes it is decoded, for
// more to be told at once.
func (d *decoder) nested(hb *hclsyntax.Block, spec *schema.Block) (*Block, bool) {
	b := d.newBlock(hb)
	b.Spec, b.Body = spec, &spec.Body
	switch n := len(hb.Labels); {
	case spec.Labelled && (n == 0 || hb.Labels[0] == ""):
		d.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeMissingLabel, Subject: b.Header,
			Summary: fmt.Sprintf("this %s has no label", hb.Type),
			Hint:    fmt.Sprintf("write %s \"name\" { … }", hb.Type),
		})
		return nil, false
	case spec.Labelled && n > 1:
		d.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeUnexpectedLabel, Subject: d.file.Range(hb.LabelRanges[1]),
			Summary: fmt.Sprintf("this %s has too many labels", hb.Type),
			Hint:    fmt.Sprintf("write %s \"name\" { … }", hb.Type),
		})
	case !spec.Labelled && n > 0:
		d.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeUnexpectedLabel, Subject: d.file.Range(hb.LabelRanges[0]),
			Summary: fmt.Sprintf("%s takes no label", hb.Type),
			Hint:    fmt.Sprintf("write %s { … }", hb.Type),
		})
	}
	if spec.Labelled {
		b.Name, b.NameRange = hb.Labels[0], d.file.Range(hb.LabelRanges[0])
	}
	if spec.Raw {
		b.Raw = &Raw{body: hb.Body, file: d.file}
		return b, true
	}
	d.content(b, hb.Body, spec.FreeAttrs)
	return b, true
}

// unknownAttr adds the diagnostic for an argument that the schema does not have, and returns the name that was probably meant.
// Three mistakes look alike: a nested block that is written with =, an argument that other languages repeat blocks with
// (count), and a misspelt name. Each has its own hint.
func (d *decoder) unknownAttr(b *Block, a *hclsyntax.Attribute) string {
	at := d.file.Range(a.NameRange)
	if nb := b.Body.Block(a.Name); nb != nil {
		d.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeAttrIsBlock, Subject: at,
			Summary: fmt.Sprintf("%s is a block, not an argument", a.Name),
			Hint:    "write " + blockForm(nb) + " without =",
		})
		return a.Name
	}
	names := bodyNames(b.Body)
	if detail, hint := notRepeated(b, a.Name); detail != "" {
		d.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeUnknownAttr, Subject: at,
			Summary: fmt.Sprintf("%s has no argument %q", title(b), a.Name),
			Detail:  detail,
			Hint:    hint,
		})
		return ""
	}
	name, hint := meant(b, a.Name, names)
	d.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeUnknownAttr, Subject: at,
		Summary: fmt.Sprintf("%s has no argument %q", title(b), a.Name),
		Detail:  takes(b),
		Hint:    hint,
	})
	return name
}

// meant is the name that was probably meant, with the hint that says so: one spelt nearly so, else what a word of
// another tool is called here, in the block itself or in one that stands in it. Both are "" where nothing is near.
func meant(b *Block, word string, names []string) (name, hint string) {
	words := schema.ArgumentWords()
	if near := suggest.Near(word, names); near != "" {
		if name, hint = words.Meant(word, names); name != "" && name != near {
			return name, hint
		}
		return near, suggest.DidYouMean(word, names)
	}
	if name, hint = words.Meant(word, names); name != "" {
		return name, hint
	}
	for i := range b.Body.Blocks {
		n := &b.Body.Blocks[i]
		inner := bodyNames(&n.Body)
		if slices.Contains(inner, word) {
			return "", fmt.Sprintf("it stands in %s", blockForm(n))
		}
		if name, _ := words.Meant(word, inner); name != "" {
			return "", fmt.Sprintf("here it is called %s, and stands in %s", name, blockForm(n))
		}
	}
	return "", hint
}

// keys adds a diagnostic for each key that stands twice in one object: HCL would take the last one and drop the others.
// A key that is computed is left to evaluation, which knows its value. A text without a brace holds no object, and is not walked: most
// arguments are such.
func (d *decoder) keys(e hclsyntax.Expression) {
	if !bytes.Contains(d.file.Text(e.Range()), []byte("{")) {
		return
	}
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics { // its function finds nothing
		object, ok := n.(*hclsyntax.ObjectConsExpr)
		if !ok {
			return nil
		}
		first := map[string]hcl.Range{}
		for _, item := range object.Items {
			key, ds := item.KeyExpr.Value(nil)
			if ds.HasErrors() || !key.IsKnown() || key.IsNull() || key.Type() != cty.String {
				continue
			}
			name, at := key.AsString(), item.KeyExpr.Range()
			other, twice := first[name]
			if first[name] = at; !twice {
				continue
			}
			d.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeDuplicateKey, Subject: d.file.Range(at),
				Summary: fmt.Sprintf("the key %q stands twice in one object", name),
				Hint:    "keep one of them",
				Related: []source.Related{{Message: "the other one is here", Range: d.file.Range(other)}},
			})
		}
		return nil
	})
}

// blockForm is how a nested block is written: `rule "name" { … }`, `params { … }`.
func blockForm(n *schema.Block) string {
	if n.Labelled {
		return n.Name + ` "name" { … }`
	}
	return n.Name + " { … }"
}

// notRepeated says what to write where a block is repeated in a way of other languages, or one that cannot be.
func notRepeated(b *Block, name string) (detail, hint string) {
	switch {
	case name == "count" && b.Spec == nil && !b.TypeSpec.Single:
		return "A block is repeated with for_each, by key: an instance keeps its address when another one goes, which a number would not.",
			`write for_each = toset(["a", "b"]), or a map`
	case name == "for_each" && b.Spec == nil:
		return fmt.Sprintf("A %s cannot be repeated.", b.Kind), ""
	case name == "for_each":
		return "Whole blocks are repeated, and not the blocks in them.", "repeat the block around it"
	}
	return "", ""
}

// unknownBlock adds the diagnostic for a nested block that the schema does not have, and returns the name that was probably meant.
// A word that is a kind of its own was written in its place, and what is missing is a brace further up; the hint says so
// before anything about names.
func (d *decoder) unknownBlock(b *Block, hb *hclsyntax.Block) string {
	at := d.file.Range(hb.TypeRange)
	if b.Body.Attr(hb.Type) != nil {
		d.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeBlockIsAttr, Subject: at,
			Summary: fmt.Sprintf("%s is an argument, not a block", hb.Type),
			Hint:    fmt.Sprintf("write %s = …", hb.Type),
		})
		return hb.Type
	}
	names := bodyNames(b.Body)
	if hb.Type == "dynamic" {
		d.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeUnknownBlock, Subject: at,
			Summary: "there are no dynamic blocks",
			Detail:  "Nested blocks are written out, so that what a block holds can be read where it stands.",
			Hint:    "repeat the whole block with for_each",
		})
		return ""
	}
	name, hint := meant(b, hb.Type, names)
	if d.cat != nil && d.cat.Kind(hb.Type) != nil { // the word is spelt well: it stands in the wrong place
		hint = fmt.Sprintf("%s stands outside of other blocks: is a closing brace missing above?", hb.Type)
	}
	d.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeUnknownBlock, Subject: at,
		Summary: fmt.Sprintf("%s has no block %q", title(b), hb.Type),
		Detail:  takes(b),
		Hint:    hint,
	})
	return name
}

// takes says what may stand in the block.
func takes(b *Block) string {
	names := bodyNames(b.Body)
	if len(names) == 0 {
		return "It takes nothing."
	}
	return "It takes " + strings.Join(names, ", ") + "."
}

// title names a block in messages: `dataset.payments`, `rule "enough data"`, `params`.
func title(b *Block) string {
	switch {
	case b.Address != "":
		return b.Address
	case b.Name != "":
		return fmt.Sprintf("%s %q", b.Kind, b.Name)
	}
	return b.Kind
}

// bodyNames are the names of all that may stand in a body, arguments first, in the order of the schema, which is that of the reference.
func bodyNames(body *schema.Body) []string {
	var names []string
	for _, a := range body.Attrs {
		names = append(names, a.Name)
	}
	for _, b := range body.Blocks {
		names = append(names, b.Name)
	}
	return names
}

// checkRequired tells what is missing. What is there in a wrong form does not count as missing.
// The message stands at the block's header, since the place where the argument should be is nowhere in the text. An
// argument that is misspelt, or written as a block, is in wrong: it is there.
func (d *decoder) checkRequired(b *Block, wrong map[string]bool) {
	for i := range b.Body.Attrs {
		a := &b.Body.Attrs[i]
		if a.Required && b.Attrs[a.Name] == nil && !wrong[a.Name] {
			d.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeMissingAttr, Subject: b.Header,
				Summary: fmt.Sprintf("%s lacks its argument %q", title(b), a.Name),
				Detail:  a.Doc,
				Hint:    fmt.Sprintf("add %s = …", a.Name),
			})
		}
	}
	for i := range b.Body.Blocks {
		n := &b.Body.Blocks[i]
		if n.Required && len(b.Nested(n.Name)) == 0 && !wrong[n.Name] {
			form := n.Name + " { … }"
			if n.Labelled {
				form = n.Name + ` "name" { … }`
			}
			d.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeMissingBlock, Subject: b.Header,
				Summary: fmt.Sprintf("%s lacks a block %q", title(b), n.Name),
				Detail:  n.Doc,
				Hint:    "add " + form,
			})
		}
	}
}

// checkRepeated adds diagnostics for nested blocks that stand twice, and for labels that do. The first of them counts
// as the right one; both stay in the block.
func (d *decoder) checkRepeated(b *Block) {
	if len(b.Blocks) < 2 {
		return
	}
	type key struct{ kind, label string }
	first := map[key]*Block{}
	for _, n := range b.Blocks {
		k := key{n.Kind, n.Name}
		if !n.Spec.Repeated {
			k.label = ""
		}
		other, ok := first[k]
		if !ok {
			first[k] = n
			continue
		}
		dg := source.Diagnostic{
			Severity: source.Error, Code: source.CodeRepeatedBlock, Subject: n.Header,
			Summary: fmt.Sprintf("%s has more than one block %q", title(b), n.Kind),
			Related: []source.Related{{Message: "the other one is here", Range: other.Header}},
		}
		switch {
		case n.Spec.Repeated && !n.Spec.Labelled:
			continue
		case n.Spec.Repeated:
			dg.Code, dg.Summary = source.CodeDuplicateLabel, fmt.Sprintf("%s has two blocks %s %q", title(b), n.Kind, n.Name)
			dg.Hint = "give one of them another label"
		}
		d.ds = append(d.ds, dg)
	}
}
