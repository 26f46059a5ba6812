// Package reference writes the pages of reference of a catalog of components: of each its attributes, ports and examples.
package reference

// Why the reference is made.
//
// A description of a language that is kept by hand falls behind it. Here each attribute is declared once, as a
// schema.Attr with its type, default and documentation; files are checked with that value, editors complete from it, and
// these pages are written from it. So an attribute cannot be undocumented, nor documented and unknown. spec/kinds.md is
// what Reference returns for the catalog that mlp is built with, and a test compares them; `mlp docs` writes the same
// for one kind, or as a page (Docs).
//
// The order is the catalog's, which follows the lifecycle: what is designed, then data, models, tests, releases and what
// watches them. Within a type it is the order of declaration: what a reader needs first stands first.

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Reference writes the language's vocabulary as Markdown: each kind and type with its attributes, blocks, ports and
// examples. It is made from the same values that files are checked with.
func Reference(c *schema.Catalog) string {
	r := &reference{}
	r.line("# Kinds of blocks\n")
	r.line("Made from the components themselves. A block is `kind \"name\"` or `kind \"type\" \"name\"`; its address is `kind.name`.")
	r.line("Attributes marked † are metadata and ‡ are policy: a change of either runs no stage. All others are part of the fingerprint.\n")
	r.common()
	for i := range c.Kinds {
		r.kind(&c.Kinds[i])
	}
	r.line("# Kinds of blocks in files of tests\n")
	r.line("What stands in `*.mlptest` files; `spec/testing.md` tells what it means.\n")
	for _, k := range schema.TestKinds() {
		if c.Kind(k.Name) == nil {
			r.kind(&k)
		}
	}
	return r.b.String()
}

// reference is the pages while they are written.
// Methods append to it, each a part with a blank line behind, as Markdown wants between its blocks.
type reference struct{ b strings.Builder }

// line writes one line of the text.
func (r *reference) line(format string, args ...any) { fmt.Fprintf(&r.b, format+"\n", args...) }

// common writes the attributes that all stages take, once for all kinds.
func (r *reference) common() {
	r.line("## Attributes of every stage\n")
	r.line("All kinds that compute something take these as well.\n")
	r.attrs(schema.StageAttrs())
}

// kind writes the chapter of a kind: what it is for, and each of its types with arguments, ports and examples.
// Types of a kind are separate chapters, also where they share most attributes: who looks one up should not have to put
// two lists together.
func (r *reference) kind(k *schema.Kind) {
	r.line("## %s\n", k.Name)
	r.line("%s.%s\n", k.Summary, phase(k))
	if k.Doc != "" {
		r.line("%s\n", k.Doc)
	}
	if k.Passive {
		r.line("A value that others read: what is written otherwise in it is told at those that read it, and is no change where nothing does.\n")
	}
	for i := range k.Types {
		r.typ(k, &k.Types[i])
	}
}

// phase says to which part of the lifecycle a kind belongs, if to one.
func phase(k *schema.Kind) string {
	if k.Phase == "" {
		return ""
	}
	return fmt.Sprintf(" Phase: %s.", k.Phase)
}

// typ writes a type: what it takes, its ports, and examples, folded.
func (r *reference) typ(k *schema.Kind, t *schema.Type) {
	if t.Name != "" {
		header := fmt.Sprintf("### %s \"%s\"", k.Name, t.Name)
		if k.DefaultType == t.Name {
			header += " (the default type)"
		}
		r.line("%s\n", header)
		r.line("%s.\n", t.Summary)
	}
	if t.Doc != "" {
		r.line("%s\n", t.Doc)
	}
	r.body("", &t.Body)
	if len(t.Out) > 0 {
		r.line("| port | carries | |\n|---|---|---|")
		for _, p := range t.Out {
			r.line("| `%s` | %s | %s |", p.Name, p.Type, cell(p.Doc))
		}
		r.line("")
	}
	for _, e := range t.Examples {
		r.line("<details><summary>Example: %s</summary>\n\n```hcl\n%s\n```\n", e.Title, strings.TrimSpace(e.Code))
		for _, f := range e.Files {
			r.line("```hcl\n# %s\n%s\n```\n", f.Name, strings.TrimSpace(f.Code))
		}
		r.line("</details>\n")
	}
}

// body writes the attributes of a body and then of the blocks in it, with the path that leads to them.
// Nested blocks follow their parent's table one after the other, not inside it, since a table in a table is not
// Markdown. Their path tells where they belong: `column "…"`, then `column / rule "…"`.
func (r *reference) body(path string, b *schema.Body) {
	r.attrs(b.Attrs)
	for i := range b.Blocks {
		n := &b.Blocks[i]
		name := path + n.Name
		head := "`" + name + "`"
		if n.Labelled {
			head = "`" + name + " \"…\"`"
		}
		r.line("Block %s%s: %s\n", head, traits(n), n.Doc)
		r.body(name+" / ", &n.Body)
	}
}

// traits says of a nested block what the signs at attributes say: ‡ is read by gates and re-runs nothing.
func traits(n *schema.Block) string {
	var t []string
	if n.Required {
		t = append(t, "required")
	}
	if n.Repeated {
		t = append(t, "may be repeated")
	}
	if n.Policy {
		t = append(t, "‡")
	}
	if n.FreeAttrs {
		t = append(t, "takes any attribute")
	}
	if len(t) == 0 {
		return ""
	}
	return " (" + strings.Join(t, ", ") + ")"
}

// attrs writes a table of attributes; none for an empty list.
func (r *reference) attrs(attrs []schema.Attr) {
	if len(attrs) == 0 {
		return
	}
	r.line("| attribute | type | default | |\n|---|---|---|---|")
	for i := range attrs {
		a := &attrs[i]
		r.line("| `%s`%s | %s | %s | %s |", a.Name, mark(a), cell(typeText(a)), cell(defaultText(a)), cell(a.Doc))
	}
	r.line("")
}

// mark is the sign behind an attribute's name: † of metadata, ‡ of policy; a change of either runs nothing.
func mark(a *schema.Attr) string {
	switch {
	case a.Metadata:
		return " †"
	case a.Policy:
		return " ‡"
	}
	return ""
}

// typeText is the type as a reader needs it: the values that may stand there, or what may be pointed at.
// For instance "string", "`between_groups`, `to_overall`" where only these may stand there, "reference to table or
// model", "string, of `data`" where it names a column of the table at that attribute.
func typeText(a *schema.Attr) string {
	s := string(a.Type)
	if len(a.OneOf) > 0 {
		s = "`" + strings.Join(a.OneOf, "`, `") + "`"
	}
	if len(a.Ports) > 0 {
		var ports []string
		for _, p := range a.Ports {
			ports = append(ports, string(p))
		}
		s += " to " + strings.Join(ports, " or ")
	}
	if a.OrText {
		s += ", or string"
	}
	if a.ColumnOf != "" {
		s += ", of `" + a.ColumnOf + "`"
	}
	return s
}

// defaultText is the default as it would be written, or that there must be a value; "" where neither is.
// It is written as JSON, which for strings, numbers, booleans and lists is how HCL writes them too.
func defaultText(a *schema.Attr) string {
	if a.Required {
		return "required"
	}
	if a.Default == nil {
		return ""
	}
	data, err := json.Marshal(a.Default)
	if err != nil {
		return ""
	}
	return "`" + string(data) + "`"
}

// cell keeps a text within its cell of a table.
// A bar would end the cell, and a line break the row.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "\\|")
}
