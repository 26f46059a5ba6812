package lsp

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// completer gathers proposals that replace one stretch of the text. Editors filter by what is typed already and sort by
// SortText; the numbers there put what fits best in front: "0" required arguments and columns, then references, values,
// functions.
type completer struct {
	r     *request
	place *place
	edit  span
	items []completionItem
}

// completion proposes what can stand at the position. The list is complete: the editor filters it while typing goes on.
func (r *request) completion() completionList {
	p := r.place()
	c := &completer{r: r, place: p}
	c.replace(p.word.start, p.offset)
	switch p.what {
	case atKind:
		c.kinds()
	case atLabel:
		c.types()
	case atItem:
		c.body()
	case atValue, atString:
		c.value()
	}
	if c.items == nil {
		c.items = []completionItem{}
	}
	return completionList{Items: c.items}
}

// replace sets what accepting a proposal replaces: from start to the position. What stands behind the position stays.
func (c *completer) replace(start, end int) { c.edit = c.place.tree.text.span(min(start, end), end) }

// add proposes text to put in; a snippet only to clients that know them, to others the label alone.
func (c *completer) add(i completionItem, insert string) {
	if i.InsertTextFormat == snippetFormat && !c.r.s.snippet {
		i.InsertTextFormat, insert = 0, i.Label
	}
	if i.FilterText == "" {
		i.FilterText = i.Label
	}
	i.TextEdit = &textEdit{Range: c.edit, NewText: insert}
	c.items = append(c.items, i)
}

// kinds proposes blocks of the file, each with labels and an empty body.
func (c *completer) kinds() {
	for _, k := range c.r.module.cat.Kinds {
		c.add(completionItem{
			Label: k.Name, Kind: classItem, Detail: k.Summary, Documentation: markdown(k.Doc), InsertTextFormat: snippetFormat,
		}, k.Name+kindSnippet(&k))
	}
}

// kindSnippet is what is inserted behind a kind, in the syntax of snippets (${1|a,b|} is a choice, $0 where the cursor ends
// up).
func kindSnippet(k *schema.Kind) string {
	switch {
	case k.Unlabelled:
		return " {\n  $0\n}"
	case k.DefaultType == "" && k.Type("") == nil:
		names := make([]string, len(k.Types))
		for i, t := range k.Types {
			names[i] = t.Name
		}
		return fmt.Sprintf(" \"${1|%s|}\" \"${2:name}\" {\n  $0\n}", strings.Join(names, ","))
	}
	return " \"${1:name}\" {\n  $0\n}"
}

// types proposes those of a kind for the first label. The second is a name that only its author knows.
func (c *completer) types() {
	k := c.place.block.kindSpec
	if k == nil || c.place.label != 0 {
		return
	}
	for _, t := range k.Types {
		if t.Name != "" {
			c.add(completionItem{Label: t.Name, Kind: typeItem, Detail: t.Summary, Documentation: markdown(t.Doc)}, t.Name)
		}
	}
}

// body proposes arguments and nested blocks that the block does not have yet, required ones first.
func (c *completer) body() {
	b := c.place.block
	if b.takes == nil {
		return
	}
	// Where a = follows already, only the name is replaced.
	behind := strings.TrimLeft(c.place.tree.text.src[c.place.word.end:], " \t")
	for i := range b.takes.Attrs {
		a := &b.takes.Attrs[i]
		if own := b.attr(a.Name); own != nil && own != c.place.attr {
			continue
		}
		insert, format := a.Name+" = "+valueSnippet(a), snippetFormat
		if strings.HasPrefix(behind, "=") {
			insert, format = a.Name, 0
		}
		c.add(completionItem{
			Label: a.Name, Kind: propertyItem, Detail: attrDetail(a), Documentation: markdown(a.Doc), InsertTextFormat: format,
			SortText: sortText(a.Required, "1", a.Name),
		}, insert)
	}
	for i := range b.takes.Blocks {
		n := &b.takes.Blocks[i]
		if !n.Repeated && b.has(n.Name) {
			continue
		}
		insert := n.Name + " {\n  $0\n}"
		if n.Labelled {
			insert = n.Name + " \"${1:name}\" {\n  $0\n}"
		}
		c.add(completionItem{
			Label: n.Name, Kind: moduleItem, Detail: blockDetail(n), Documentation: markdown(n.Doc), InsertTextFormat: snippetFormat,
			SortText: sortText(n.Required, "2", n.Name),
		}, insert)
	}
}

// has reports whether a nested block of that kind is written, with a body.
func (b *block) has(nested string) bool {
	for _, n := range b.blocks {
		if n.kind.text == nested && n.body >= 0 {
			return true
		}
	}
	return false
}

// sortText puts what is required in front; editors sort by it, and by the label where it is equal.
func sortText(required bool, group, name string) string {
	if required {
		group = "0"
	}
	return group + name
}

// valueSnippet is what a value of that type is begun with: quotes or brackets, with the cursor between them.
func valueSnippet(a *schema.Attr) string {
	switch a.Type {
	case schema.StringList:
		return "[\"$0\"]"
	case schema.NumberList, schema.RefList, schema.RefMap:
		return "[$0]"
	case schema.String, schema.Duration, schema.SQL, schema.SQLExpr, schema.CEL, schema.Limits:
		return "\"$0\""
	}
	return "$0"
}

// value proposes values of an argument, by its schema: words that it takes, columns of the tables that it names, types,
// or blocks and ports that fit. Within SQL and rules text takes over.
func (c *completer) value() {
	a := c.place.attr
	switch {
	case a.spec == nil && c.place.what == atValue: // of locals, or free
		c.references(&schema.Attr{Type: schema.Any})
		return
	case a.spec == nil:
		return
	case c.place.what == atString && c.place.string.lang != plainText:
		c.text()
		return
	}
	switch {
	case len(a.spec.OneOf) > 0:
		c.strings(a.spec.OneOf, func(string) completionItem { return completionItem{Kind: valueItem} })
	case a.spec.ColumnOf != "":
		c.columns(c.r.module.inputs(a.block, a.spec.ColumnOf))
	case a.spec.Type == schema.Bool && c.place.what == atValue:
		c.plain("true", "false")
	case a.spec.Type == schema.TypeExpr:
		c.plain("string", "number", "bool", "any", "list(string)", "list(number)", "map(string)", "map(number)")
	}
	switch {
	case c.place.what == atValue && a.spec.Type == schema.Address:
		c.addresses()
	case c.place.what == atValue:
		c.references(a.spec)
	}
}

// addresses proposes blocks of which something is recorded, as moved and accept blocks name.
func (c *completer) addresses() {
	defs := c.r.module.definitions()
	for _, address := range sortedKeys(defs) {
		d := defs[address]
		if d.local != nil || d.block.typeSpec == nil {
			continue
		}
		kind := d.block.kind.text
		if t := d.block.typeSpec; t.Version > 0 || t.IsGate() || t.IsDeployment() || kind == "module" {
			c.add(completionItem{Label: address, Kind: variableItem, Detail: d.block.typeSpec.Summary, SortText: "1" + address}, address)
		}
	}
}

// plain proposes words of the language.
func (c *completer) plain(words ...string) {
	for _, w := range words {
		c.add(completionItem{Label: w, Kind: keywordItem}, w)
	}
}

// strings proposes constant strings, in quotes where there are none yet.
func (c *completer) strings(values []string, item func(string) completionItem) {
	for _, v := range values {
		i := item(v)
		i.Label = v
		insert := v
		if c.place.what == atValue {
			insert = `"` + v + `"`
			i.FilterText = insert
		}
		c.add(i, insert)
	}
}

// columns proposes the columns of tables, each once.
func (c *completer) columns(tables map[string]*schema.Table) {
	seen := map[string]bool{}
	for _, name := range sortedKeys(tables) {
		for _, col := range tables[name].Columns {
			if seen[col.Name] {
				continue
			}
			seen[col.Name] = true
			c.strings([]string{col.Name}, func(string) completionItem {
				return completionItem{Kind: fieldItem, Detail: columnDetail(&col), SortText: "0" + col.Name}
			})
		}
	}
}

// references proposes blocks and ports that fit the argument, or variables and locals where it takes a value. The block
// itself is left out, as a reference to itself would be a circle.
func (c *completer) references(spec *schema.Attr) {
	refs := spec.Type == schema.Ref || spec.Type == schema.RefList || spec.Type == schema.RefMap
	defs := c.r.module.definitions()
	for _, address := range sortedKeys(defs) {
		d := defs[address]
		value := d.local != nil || d.block.kind.text == "variable"
		switch {
		case value && (!refs || spec.OrText):
			c.add(completionItem{Label: address, Kind: variableItem, Detail: c.r.module.value(address), SortText: "2" + address}, address)
		case !value && refs && address != c.place.block.top().address():
			c.ports(address, d, spec)
		case !value && spec.Type == schema.Any && c.place.block.top().kind.text == "output":
			c.ports(address, d, &schema.Attr{})
		}
	}
}

// ports proposes those of a block that fit the kinds and port types that the argument takes. The own port is written as
// the block's address, others behind a dot: split.holdout.train.
func (c *completer) ports(address string, d *definition, spec *schema.Attr) {
	t := d.block.typeSpec
	if t == nil || len(spec.Kinds) > 0 && !contains(spec.Kinds, d.block.kind.text) {
		return
	}
	item := func(label, doc string, p schema.PortType) {
		c.add(completionItem{Label: label, Kind: variableItem, Detail: string(p), Documentation: markdown(doc), SortText: "1" + label}, label)
	}
	// Where nothing flows the block alone is named, without a port.
	loose := spec.Edge == schema.OrderEdge || spec.Edge == schema.StateEdge
	own := schema.OwnPort(t.Out)
	for i := range t.Out {
		p := &t.Out[i]
		if len(spec.Ports) > 0 && !contains(spec.Ports, p.Type) {
			continue
		}
		if p == own || loose {
			item(address, d.block.typeSpec.Summary, p.Type)
			if loose {
				return
			}
			continue
		}
		item(address+"."+p.Name, p.Doc, p.Type)
	}
	if loose && len(spec.Ports) == 0 && len(t.Out) == 0 {
		item(address, t.Summary, "")
	}
}

// contains reports whether a list has a value.
func contains[T comparable](list []T, v T) bool {
	for _, e := range list {
		if e == v {
			return true
		}
	}
	return false
}
