package lineage

import (
	"regexp"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// items traces a select list.
// A * becomes a field for each column, so that fields and columns of the result go together one by one, as long as no field is wide.
func (t *tracer) items(list []any, sc *scope, from *tables) *relation {
	out := &relation{}
	for _, item := range list {
		n, _ := item.(tree)
		if n.Get("class") == "STAR" {
			t.star(n, sc, from, out)
			continue
		}
		f := field{name: itemName(n), flow: t.expr(item, sc), wide: expands(n)}
		if n.Get("class") == "POSITIONAL_REFERENCE" {
			f.flow = positional(n, from)
		}
		out.fields = append(out.fields, f)
	}
	return out
}

// itemName is the name of a column of the result, in small letters, empty where the engine makes one up, as for a + b.
func itemName(n tree) string {
	if a := word(n, "alias"); a != "" {
		return strings.ToLower(a)
	}
	if names := lowerNames(n.Get("column_names")); n.Get("class") == "COLUMN_REF" && len(names) > 0 {
		return names[len(names)-1]
	}
	return ""
}

// expands reports whether an expression may stand for several columns: it has COLUMNS or * in it, or unnests a struct.
func expands(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, expands)
	case tree:
		name := strings.ToLower(word(v, "function_name"))
		if v.Get("class") == "STAR" || expanding[name] {
			return true
		}
		if v.Get("class") == "SUBQUERY" {
			return expands(v.Get("child"))
		}
		for _, child := range v.All() {
			if expands(child) {
				return true
			}
		}
	}
	return false
}

// positional is #1, the first column in sight; anything where columns in sight are not all known.
func positional(n tree, from *tables) flow {
	i := index(n.Get("index")) - 1
	if slices.ContainsFunc(from.star, func(s starred) bool { return s.field.wide }) || i < 0 || i >= len(from.star) {
		return from.any()
	}
	return from.star[i].field.flow
}

// star adds the columns that a * stands for.
// select * exclude (a) replace (b + 1 as b) rename (c as d) leaves a out, b with the flow of b + 1, and c under another name.
func (t *tracer) star(n tree, sc *scope, from *tables, out *relation) {
	picked, ok := t.starred(n, sc, from)
	if !ok || word(n, "alias") != "" { // what is not known, or has other names: some of the columns
		out.fields = append(out.fields, field{flow: t.someOf(n, sc, from), wide: true})
		return
	}
	replace, rename := pairs(n.Get("replace_list")), pairs(n.Get("rename_list"))
	for _, s := range picked {
		f := s.field
		for _, p := range rename {
			if p.column == f.name && (p.table == "" || p.table == s.rel.name) {
				f.name = strings.ToLower(p.text)
			}
		}
		for _, p := range replace {
			if p.column == s.field.name && f.name != "" {
				f.flow = t.expr(p.value, sc)
			}
		}
		if s.whole {
			out.loose, out.rest = true, out.rest.with(f.flow)
			continue
		}
		out.fields = append(out.fields, f)
	}
}

// someOf is what flows from any of the columns that a * or COLUMNS(…) stands for: of columns('amou.*') from those with amou in their names.
func (t *tracer) someOf(n tree, sc *scope, from *tables) flow {
	replaced := t.generic(n.Get("replace_list"), sc)
	picked, ok := t.starred(n, sc, from)
	if !ok {
		return from.any().with(t.unread(n, sc, "replace_list")).with(replaced)
	}
	for _, s := range picked {
		replaced = replaced.with(s.field.flow)
	}
	return replaced
}

// Names are known in small letters alone, while the engine matches them as they were written. simplePattern is a regular expression that,
// matched without regard to letters, takes every name that it takes with regard to them: it has no flags, escapes but of a point, nor
// classes that leave letters out. Of names that are not ASCII that is not sure, for there lower case may have more letters.
var (
	// simplePattern takes ^amount_[0-9]+$ and a|b, and not \d, (?i) nor [^a].
	simplePattern = lazyregexp.New(`^\^?([A-Za-z0-9_ |]|\\\.|\[[^]^\\[]+\]|\([^?\\[]|[).*+?])+\$?$`)
	// plainName is one of printable ASCII.
	plainName = lazyregexp.New(`^[ -~]*$`)
)

// chosen reports which columns COLUMNS(…) takes, by names in small letters; false if that cannot be told.
func chosen(n tree) (takes func(name string) bool, ok bool) {
	expr, _ := n.Get("expr").(tree)
	switch {
	case n.Get("expr") == nil:
		return func(string) bool { return true }, true
	case expr.Get("class") == "CONSTANT":
		value, _ := expr.Get("value").(tree)
		pattern, _ := value.Get("value").(string)
		if !simplePattern().MatchString(pattern) {
			return nil, false
		}
		found, err := regexp.Compile("(?i)" + pattern)
		if err != nil {
			return nil, false
		}
		return func(name string) bool { return !plainName().MatchString(name) || found.MatchString(name) }, true
	case word(expr, "function_name") == "list_value":
		var names []string
		children, _ := expr.Get("children").([]any)
		for _, c := range children {
			element, _ := c.(tree)
			value, _ := element.Get("value").(tree)
			name, ok := value.Get("value").(string)
			if !ok || element.Get("class") != "CONSTANT" {
				return nil, false
			}
			names = append(names, strings.ToLower(name))
		}
		return func(name string) bool { return slices.Contains(names, name) }, true
	}
	return nil, false
}

// starred lists what is left of * after its exclusions, or what COLUMNS(…) takes; false if that cannot be told.
// A column whose name is not known is never left out: it may be any. What is left out by mistake would be a leak that nobody tells; what is
// kept by mistake is told where there is none, and the author can write the columns out.
func (t *tracer) starred(n tree, sc *scope, from *tables) ([]starred, bool) {
	takes, ok := chosen(n)
	if !ok || n.Get("unpacked") == true {
		return nil, false
	}
	all := from.star
	if name := strings.ToLower(word(n, "relation_name")); name != "" {
		all = nil
		for _, r := range from.rels {
			if r.name == name {
				all = append(all, r.starred()...)
			}
		}
		if all == nil { // the fields of a struct
			f, sure, maybe := t.lookup([]string{name}, sc)
			if !sure && !maybe {
				f = t.every
			}
			all = []starred{{rel: &relation{}, field: field{flow: f.computed(), wide: true}}}
		}
	}
	excluded := lowerNames(n.Get("exclude_list"))
	if list, _ := n.Get("exclude_list").([]any); len(list) != len(excluded) {
		return nil, false
	}
	qualified, _ := n.Get("qualified_exclude_list").([]any)
	var out []starred
	for _, s := range all {
		drop := s.field.name != "" && slices.Contains(excluded, s.field.name)
		for _, q := range qualified {
			e, _ := q.(tree)
			if strings.EqualFold(word(e, "column"), s.field.name) {
				if _, ok := from.merged[s.field.name]; ok {
					return nil, false
				}
				drop = drop || word(e, "table") == "" || strings.EqualFold(word(e, "table"), s.rel.name)
			}
		}
		if !drop && (s.field.name == "" || s.field.wide || s.whole || takes(s.field.name)) {
			out = append(out, s)
		}
	}
	return out, true
}

// pair is an entry of REPLACE (column, value) or RENAME (table, column, text).
type pair struct {
	table, column, text string
	value               any
}

// pairs are what REPLACE, RENAME and EXCLUDE list: a column, perhaps by table, with an expression or a name.
func pairs(v any) []pair {
	list, _ := v.([]any)
	var out []pair
	for _, e := range list {
		entry, _ := e.(tree)
		p := pair{value: entry.Get("value"), text: word(entry, "value"), column: strings.ToLower(word(entry, "key"))}
		if key, ok := entry.Get("key").(tree); ok {
			p.table, p.column = strings.ToLower(word(key, "table")), strings.ToLower(word(key, "column"))
		}
		out = append(out, p)
	}
	return out
}
