package lsp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// sortedKeys are the keys of a map in their order, so that answers are the same each time.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// attrDetail is an argument in a line: its type, and whether it must be there.
func attrDetail(a *schema.Attr) string {
	s := string(a.Type)
	if a.OrText {
		s += " or string"
	}
	switch {
	case a.Required:
		s += ", required"
	case a.Default != nil:
		s += fmt.Sprintf(", default %v", a.Default)
	}
	return s
}

// blockDetail is a nested block in a line: whether it may be repeated, and must be there.
func blockDetail(b *schema.Block) string {
	s := "block"
	if b.Repeated {
		s = "block, may be repeated"
	}
	if b.Required {
		s += ", required"
	}
	return s
}

// attrDoc tells all of an argument.
func attrDoc(a *schema.Attr) string {
	s := fmt.Sprintf("**%s**: %s\n\n%s", a.Name, attrDetail(a), a.Doc)
	if a.Least != nil {
		s += fmt.Sprintf("\n\nAt least %v.", *a.Least)
	}
	if len(a.OneOf) > 0 {
		s += "\n\nOne of `" + strings.Join(a.OneOf, "`, `") + "`."
	}
	if a.ColumnOf != "" {
		s += fmt.Sprintf("\n\nA column of `%s`.", a.ColumnOf)
	}
	return s
}

// columnDetail is a column's type, with what must be known before it is used: personal data, protected attributes.
func columnDetail(c *schema.Column) string {
	s := c.Type
	if c.PII {
		s += ", pii"
	}
	if c.Protected {
		s += ", protected"
	}
	return s
}

// tableDoc lists the columns of a table in Markdown, with its key, entity and time; "" of nil.
func tableDoc(t *schema.Table) string {
	if t == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("| column | type |\n|---|---|\n")
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "| `%s` | %s |\n", c.Name, columnDetail(&c))
	}
	for _, part := range []struct {
		word  string
		names []string
	}{{"key", t.Key}, {"entity", t.Entity}, {"time", nonEmpty(t.Time)}} {
		if len(part.names) > 0 {
			fmt.Fprintf(&b, "\n%s: `%s`\n", part.word, strings.Join(part.names, "`, `"))
		}
	}
	return b.String()
}

// nonEmpty makes a list of one name, or of none for "".
func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// shapeDoc tells what flows through a port; "" where nothing is known of that.
func shapeDoc(s schema.Shape) string {
	switch {
	case s.Table != nil:
		return tableDoc(s.Table)
	case s.Model != nil:
		return fmt.Sprintf("model of `%s`, %s, from %d features", s.Model.Target, s.Model.Task, len(s.Model.Features))
	}
	return ""
}

// figureWords is the type of a figure in a line.
func figureWords(t *schema.FigureType) string {
	switch {
	case t == nil:
		return ""
	case t.Kind == schema.DoubleFigure:
		return "number"
	case t.Kind == schema.BoolFigure:
		return "true or false"
	case t.Kind == schema.StringFigure:
		return "string"
	case t.Kind == schema.ListFigure:
		return "list of " + figureWords(t.Elem)
	case t.Kind == schema.MapFigure:
		return "map of " + figureWords(t.Elem)
	}
	return "{ " + strings.Join(sortedKeys(t.Fields), ", ") + " }"
}

// figureDoc tells all of a figure.
func figureDoc(path string, t *schema.FigureType) string {
	s := fmt.Sprintf("`%s`: %s", path, figureWords(t))
	if len(t.Keys) > 0 {
		s += "\n\nKeys: `" + strings.Join(t.Keys, "`, `") + "`"
	}
	return s
}

// value of a variable or local, as text; "" if it is not known.
func (m *module) value(address string) string {
	if m.analysis == nil {
		return ""
	}
	return m.analysis.Values[address]
}

// blockDoc tells what a block is and yields; with a port, that port alone. Of a variable or local it tells the value.
// The description is the author's, and comes before what the compiler knows.
func (m *module) blockDoc(address, port string, d *definition) string {
	if d.local != nil || d.block.kind.text == "variable" {
		s := "**" + address + "**"
		if v := m.value(address); v != "" {
			s += " = `" + v + "`"
		}
		return s
	}
	s := "**" + address + "**"
	if t := d.block.typeSpec; t != nil && t.Summary != "" {
		s += ": " + lowerType(t) + t.Summary
	}
	if a := d.block.attr("description"); a != nil {
		if texts := d.tree.texts(a); len(texts) == 1 {
			s += "\n\n" + texts[0].text.Value
		}
	}
	known := m.block(address)
	if known == nil || d.block.typeSpec == nil {
		return s
	}
	for _, p := range d.block.typeSpec.Out {
		if doc := shapeDoc(known.Out[p.Name]); doc != "" && (port == "" || port == p.Name) {
			s += fmt.Sprintf("\n\n%s\n\n%s", p.Name, doc)
		}
	}
	return s
}

// lowerType is the type's name in front of its summary; "" of a kind without types.
func lowerType(t *schema.Type) string {
	if t.Name == "" {
		return ""
	}
	return "`" + t.Name + "`, "
}
