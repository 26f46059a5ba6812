package lsp

import (
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
)

// text proposes what can stand in SQL, a rule or limits. start is where the word at the position begins, in the text's
// value.
func (c *completer) text() {
	s := c.place.string
	start := s.offset
	if i := lexemeAt(s.lexemes, s.offset); i >= 0 && !strings.Contains(s.text.Value[s.lexemes[i].start:s.offset], "\n") {
		start = s.lexemes[i].start // a proposal replaces what stands in its line
	}
	c.replace(s.text.At(start).Byte, c.place.offset)
	switch {
	case s.lang == sqlText:
		c.sql(start)
	case c.place.attr.spec.Type == schema.Limits:
		c.metrics()
	default:
		c.rule(start)
	}
}

// metrics proposes those of the module by name, as limits write them: `auc >= 0.8`.
func (c *completer) metrics() {
	defs := c.r.module.definitions()
	for _, address := range sortedKeys(defs) {
		if d := defs[address]; d.block.typeSpec != nil && d.local == nil {
			if own := schema.OwnPort(d.block.typeSpec.Out); own != nil && own.Type == schema.MetricPort {
				c.add(completionItem{Label: d.name.text, Kind: variableItem, Detail: address}, d.name.text)
			}
		}
	}
}

// sql proposes tables and columns; behind a table's name or alias and a dot, its columns alone. Columns of all tables
// in scope are proposed, also of those that the query does not name yet: people often write the columns first.
func (c *completer) sql(start int) {
	s := c.place.string
	if insideQuotes(s.lexemes, s.offset) {
		return
	}
	tables := c.r.module.tables(c.place.attr)
	if name, ok := qualifier(s.lexemes, start); ok {
		if t := tables[aliases(s.lexemes, tables)[strings.ToLower(name)]]; t != nil {
			c.columns(map[string]*schema.Table{name: t})
		}
		return
	}
	c.columns(tables)
	if c.place.attr.spec.Type == schema.SQL {
		for _, name := range sortedKeys(tables) {
			c.add(completionItem{Label: name, Kind: classItem, Detail: "table", Documentation: markdown(tableDoc(tables[name])), SortText: "1" + name}, name)
		}
	}
}

// insideQuotes reports whether offset is in a string or comment.
func insideQuotes(ls []lexeme, offset int) bool {
	for _, l := range ls {
		if (l.kind == quoted || l.kind == comment) && l.start < offset && offset < l.end {
			return true
		}
	}
	return false
}

// qualifier is the name before the dot that a word at start stands behind.
func qualifier(ls []lexeme, start int) (string, bool) {
	for i, l := range ls {
		if l.text == "." && l.end == start && i > 0 && (ls[i-1].kind == identifier || ls[i-1].kind == quotedIdentifier) {
			return ls[i-1].text, true
		}
	}
	return "", false
}

// aliases are the names, in lower case, that a query can call tables by: their own, and those given to them, each with
// the table's name. Of `from payments p join source.b` with the table payments, p and payments stand for payments.
// Sub-queries are not told apart: their aliases count for the whole text.
func aliases(ls []lexeme, tables map[string]*schema.Table) map[string]string {
	out := map[string]string{}
	lower := map[string]string{}
	for name := range tables {
		lower[strings.ToLower(name)] = name
	}
	for i, l := range ls {
		name, ok := lower[strings.ToLower(l.text)]
		if !ok || i == 0 || !beforeTable(ls[i-1]) {
			continue
		}
		j := i + 1
		if j < len(ls) && strings.EqualFold(ls[j].text, "as") {
			j++
		}
		if j < len(ls) && (ls[j].kind == identifier || ls[j].kind == quotedIdentifier) && !sqlWord(ls[j].text) {
			out[strings.ToLower(ls[j].text)] = name
		}
	}
	// A table's own name goes last: an alias of the same name stands for the other table.
	for l, name := range lower {
		if _, taken := out[l]; !taken {
			out[l] = name
		}
	}
	return out
}

// beforeTable reports whether a table may be named behind a lexeme.
func beforeTable(l lexeme) bool {
	return l.text == "," || strings.EqualFold(l.text, "from") || strings.EqualFold(l.text, "join")
}

// sqlKeywords are words that editors mark, and that are no aliases.
const sqlKeywords = " all and any as asc asof between by case cast collate cross desc distinct else end except exclude exists false filter " +
	"first following from full group having ilike in inner intersect interval is join last lateral left like limit natural not null " +
	"nulls offset on or order outer over partition pivot preceding qualify range recursive replace right row rows select " +
	"semi anti positional similar then to true try_cast unbounded union unnest unpivot using values when where window with within "

// sqlWord reports whether a word is one of SQL's, in any case.
func sqlWord(s string) bool { return strings.Contains(sqlKeywords, " "+strings.ToLower(s)+" ") }

// ruleFunctions are those of rules that are called so: on a "list" or "text" with a dot, "" without.
func ruleFunctions(on string) []rule.Function {
	return slices.DeleteFunc(rule.Functions(), func(f rule.Function) bool { return f.Of() != on })
}

// ruleFunctionDoc is a function's form and what it does, in Markdown.
func ruleFunctionDoc(f rule.Function) string { return "`" + f.Form + "`: " + f.Doc }

// functions proposes the functions of rules that are called on that kind of value.
func (c *completer) functions(on string) {
	for _, f := range ruleFunctions(on) {
		c.add(completionItem{Label: f.Name, Kind: functionItem, Documentation: markdown(ruleFunctionDoc(f)), SortText: "2" + f.Name}, f.Name)
	}
}

// rule proposes figures: behind a dot the fields of what stands before it, else where paths begin.
func (c *completer) rule(start int) {
	s := c.place.string
	env := c.r.module.env(c.place.block)
	if env == nil || c.keys(env) || insideQuotes(s.lexemes, s.offset) {
		return
	}
	for _, ch := range chains(s.lexemes) {
		last := s.lexemes[ch.last]
		// The word may be the last step of a path or one in the middle of it.
		for n := len(ch.steps) - 1; n > 0; n-- {
			if !ch.steps[n].index && ch.steps[n].at.start == start {
				c.fields(figureAt(env, s.lexemes, ch, n))
				return
			}
		}
		if last.text == "." && last.end == start {
			c.fields(figureAt(env, s.lexemes, ch, len(ch.steps)))
			return
		}
	}
	c.fields(env)
	for _, v := range bindings(s.lexemes) {
		if v.from < start && start <= v.to {
			c.add(completionItem{Label: v.name, Kind: variableItem}, v.name)
		}
	}
	c.functions("")
}

// keys proposes those of a map in the quotes of an index: evaluate["|. It reports whether the position is in such
// quotes, where nothing else can stand, whether or not keys are known.
func (c *completer) keys(env *schema.FigureType) bool {
	s := c.place.string
	for i, l := range s.lexemes {
		if l.kind != quoted || s.offset <= l.start || s.offset > l.end || i == 0 || s.lexemes[i-1].text != "[" {
			continue
		}
		for _, ch := range chains(s.lexemes[:i-1]) {
			t := figureAt(env, s.lexemes, ch, len(ch.steps))
			if ch.last == i-2 && t != nil && t.Kind == schema.MapFigure {
				c.replace(s.text.At(l.start+1).Byte, c.place.offset)
				for _, k := range t.Keys {
					c.add(completionItem{Label: k, Kind: valueItem}, k)
				}
			}
		}
		return true
	}
	return false
}

// fields proposes what can be selected of a figure: members, keys that are names, and the functions of its kind. nil,
// of which nothing is known, has none.
func (c *completer) fields(t *schema.FigureType) {
	if t == nil {
		return
	}
	for _, name := range sortedKeys(t.Fields) {
		f := t.Fields[name]
		c.add(completionItem{Label: name, Kind: fieldItem, Detail: figureWords(f), SortText: "1" + name}, name)
	}
	for _, key := range t.Keys {
		if key != "" && run(key, wordRune) == len(key) && !('0' <= key[0] && key[0] <= '9') {
			c.add(completionItem{Label: key, Kind: fieldItem, Detail: figureWords(t.Elem), SortText: "1" + key}, key)
		}
	}
	switch t.Kind {
	case schema.MapFigure, schema.ListFigure:
		c.functions("list")
	case schema.StringFigure:
		c.functions("text")
	}
}

// binding is a name that a macro gives to keys or elements, and where it holds: x in `xs.all(x, x > 1)`, from the comma
// to the bracket. from and to are offsets in the rule.
type binding struct {
	name     string
	over     chain // its last step is the macro
	from, to int
}

// bindings of a rule, in the order of the text; a macro whose bracket is open holds to the end.
func bindings(ls []lexeme) []binding {
	var out []binding
	for _, ch := range chains(ls) {
		i := ch.last
		macro := slices.ContainsFunc(ruleFunctions("list"), func(f rule.Function) bool { return f.Name == ls[i].text })
		if !macro || i+3 >= len(ls) || ls[i+1].text != "(" || ls[i+2].kind != identifier || ls[i+3].text != "," {
			continue
		}
		b := binding{name: ls[i+2].text, over: ch, from: ls[i+3].start, to: ls[len(ls)-1].end}
		if end := closing(ls, i+1); end >= 0 {
			b.to = ls[end].start
		}
		out = append(out, b)
	}
	return out
}

// figureAt is the type of the first n steps of a path, nil if it is not known. Where macros within each other bind the
// same name, the inner one counts, which stands later in the text.
func figureAt(env *schema.FigureType, ls []lexeme, ch chain, n int) *schema.FigureType {
	if n == 0 {
		return env
	}
	t := env.Fields[ch.steps[0].name]
	// A variable of a macro (all, exists, map, filter) has the type of the elements that the macro goes over.
	for _, b := range bindings(ls) {
		if at := ch.steps[0].at.start; b.name == ch.steps[0].name && b.from < at && at < b.to {
			t = boundType(figureAt(env, ls, b.over, len(b.over.steps)-1))
		}
	}
	for _, s := range ch.steps[1:n] {
		if t == nil {
			return nil
		}
		switch {
		case t.Kind == schema.MapFigure, t.Kind == schema.ListFigure && s.index:
			t = t.Elem
		default:
			t = t.Fields[s.name]
		}
	}
	return t
}

// boundType is that of what a macro goes over: the keys of a map, the elements of a list.
func boundType(t *schema.FigureType) *schema.FigureType {
	switch {
	case t == nil:
		return nil
	case t.Kind == schema.MapFigure:
		return schema.Word
	}
	return t.Elem
}
