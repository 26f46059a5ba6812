package table

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Addressed is one SELECT whose tables go by addresses: dataset.payments, split.holdout.train, or any address in double quotes,
// "module.eu.dataset.payments". It becomes a query over tables of simple names, which is then checked, typed, traced and run as any other:
//
//	select count(*) from dataset.payments where payments.amount > 10
//	select count(*) from t0 as "payments" where payments.amount > 10
//
// The last part of an address is what the table is called besides, unless the query calls it otherwise. After from and join the instance of a repeated block is written as
// elsewhere: dataset.sales["eu"], split.month["w1"].train.
type Addressed struct {
	query string
	plain string      // the query as it is parsed: as long, with names in place of keys
	names []addressed // in the order of the text
}

// addressed is a piece of the text that names a table, or a column by the whole name of its table.
type addressed struct {
	at, end int
	address string // of a table; in small letters
	alias   bool   // the query gives the table a name of its own
	called  string // the last part
	column  []string
}

// ReadAddressed parses a query. What is no SELECT is an *Error or a *Refused.
func ReadAddressed(ctx context.Context, query string) (*Addressed, error) {
	s, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	plain := withoutKeys(query)
	root, err := s.parse(ctx, plain)
	if err != nil {
		return nil, err
	}
	w := walker{ctes: map[string]bool{}}
	w.names(root)
	a := &Addressed{query: query, plain: plain}
	if err := a.collect(root, w.ctes); err != nil {
		return nil, err
	}
	slices.SortFunc(a.names, func(x, y addressed) int { return cmp.Compare(x.at, y.at) })
	return a, nil
}

// instance is what stands in a query before a key is looked for: a text or a comment, in which nothing is a key, or an address with keys behind from or join.
var instance = lazyregexp.New(`'(?:[^']|'')*'|--[^\n]*|(?s:/\*.*?\*/)|(?i:\b(?:from|join)\s+)((?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*(?:\["[^"]*"\](?:\.[A-Za-z_]\w*)*)+)`)

// withoutKeys is the query with ["key"] written in letters that a name can have, as many, so that all else stands where it stood: split.month["w1"].train is
// split.month__w1__.train.
func withoutKeys(query string) string {
	out := []byte(query)
	for _, at := range instance().FindAllStringSubmatchIndex(query, -1) {
		if at[2] < 0 {
			continue
		}
		in := false
		for i := at[2]; i < at[3]; i++ {
			c := out[i]
			if c == '[' {
				in = true
			}
			if in && !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
				out[i] = '_'
			}
			if c == ']' && query[i-1] == '"' {
				in = false
			}
		}
	}
	return string(out)
}

// Tables are the addresses that the query reads, each once, in the order of the text, with where each stands first.
func (a *Addressed) Tables() []schema.Problem {
	var out []schema.Problem
	for _, n := range a.names {
		if n.column == nil && !slices.ContainsFunc(out, func(p schema.Problem) bool { return p.Path == n.address }) {
			out = append(out, schema.Problem{Path: n.address, Offset: n.at, Length: n.end - n.at})
		}
	}
	return out
}

// collect finds the names of tables, and of columns that are written with a table's whole name.
func (a *Addressed) collect(v any, ctes map[string]bool) error {
	var err error
	switch v := v.(type) {
	case tree:
		switch {
		case v.Get("type") == "BASE_TABLE":
			err = a.table(v, ctes)
		case v.Get("class") == "COLUMN_REF":
			err = a.column(v)
		}
		for _, child := range v.All() {
			err = errors.Join(err, a.collect(child, ctes))
		}
	case []any:
		for _, child := range v {
			err = errors.Join(err, a.collect(child, ctes))
		}
	}
	return err
}

func (a *Addressed) table(n tree, ctes map[string]bool) error {
	parts := slices.DeleteFunc([]string{word(n, "catalog_name"), word(n, "schema_name"), word(n, "table_name")}, func(s string) bool { return s == "" })
	if len(parts) == 1 && ctes[strings.ToLower(parts[0])] {
		return nil
	}
	at := location(n)
	end, ok := nameEnd(a.plain, at, parts)
	if !ok {
		return refuse(schema.Problem{Summary: fmt.Sprintf("the name of the table %s stands in pieces", strings.Join(parts, ".")), Hint: "write it without blanks and comments between its parts"})
	}
	address, called := strings.Join(parts, "."), parts[len(parts)-1]
	if written := a.query[at:end]; written != a.plain[at:end] { // with a key
		address = written
		flat := strings.NewReplacer(`["`, "_", `"]`, "").Replace(written)
		called = flat[strings.LastIndexByte(flat, '.')+1:]
	}
	a.names = append(a.names, addressed{at: at, end: end, address: strings.ToLower(address), alias: word(n, "alias") != "", called: called})
	return nil
}

// column notes a column that is written with the whole name of its table: dataset.payments.amount.
func (a *Addressed) column(n tree) error {
	list, _ := n.Get("column_names").([]any)
	if len(list) < 3 {
		return nil
	}
	parts := make([]string, len(list))
	for i, p := range list {
		parts[i], _ = p.(string)
	}
	if at := location(n); at >= 0 {
		a.names = append(a.names, addressed{at: at, column: parts})
	}
	return nil
}

// nameEnd is where a name of these parts ends that begins at a place of the text; false if it does not stand there.
func nameEnd(query string, at int, parts []string) (end int, ok bool) {
	if at < 0 {
		return 0, false
	}
	for i, part := range parts {
		if i > 0 {
			if at >= len(query) || query[at] != '.' {
				return 0, false
			}
			at++
		}
		quoted := Quote(part)
		switch {
		case strings.HasPrefix(query[at:], quoted):
			at += len(quoted)
		case len(query) >= at+len(part) && strings.EqualFold(query[at:at+len(part)], part):
			at += len(part)
		default:
			return 0, false
		}
	}
	return at, true
}

// Renamed is an addressed query over tables of simple names.
type Renamed struct {
	SQL   string
	edits []edit
}

// edit is a piece of the text before that another took the place of.
type edit struct{ at, end, by int }

// Rename gives each table the name that is said for its address.
func (a *Addressed) Rename(names map[string]string) Renamed {
	whole := map[string]string{} // address of a table without a name of its own → what it is called
	for _, n := range a.names {
		if n.column == nil && !n.alias {
			whole[n.address] = n.called
		}
	}
	var r Renamed
	var b strings.Builder
	last := 0
	put := func(at, end int, text string) {
		b.WriteString(a.query[last:at])
		b.WriteString(text)
		r.edits, last = append(r.edits, edit{at, end, len(text)}), end
	}
	for _, n := range a.names {
		if n.column == nil {
			text := Quote(names[n.address])
			if !n.alias {
				text += " as " + Quote(n.called)
			}
			put(n.at, n.end, text)
			continue
		}
		for i := len(n.column) - 1; i > 1; i-- { // the longest name of a table that it begins with
			called, ok := whole[strings.ToLower(strings.Join(n.column[:i], "."))]
			end, there := nameEnd(a.query, n.at, n.column[:i])
			if ok && there {
				put(n.at, end, Quote(called))
				break
			}
		}
	}
	b.WriteString(a.query[last:])
	r.SQL = b.String()
	return r
}

// Place takes a problem of the renamed query back to its place in the text that somebody wrote.
func (r Renamed) Place(p schema.Problem) schema.Problem {
	moved := 0 // by how much the text is longer so far
	for _, e := range r.edits {
		if p.Offset < e.at+moved {
			break
		}
		if p.Offset < e.at+moved+e.by {
			p.Offset, p.Length = e.at, e.end-e.at
			return p
		}
		moved += e.by - (e.end - e.at)
	}
	p.Offset -= moved
	return p
}

// Selection is one SELECT over Parquet files whose rows keep the order that it gives them.
type Selection struct {
	SQL    string
	Tables map[string]string        // the name that SQL has for a table → Parquet file
	Hidden func(column string) bool // columns that are null in what is written; nil: none
	Limit  int64                    // rows that are written; 0: all
	Out    string                   // Parquet file to write
}

// Select runs a selection on one thread, so that rows without an order by come in the same order each time, and returns its columns and how
// many rows it has. As in Run, the engine can read the tables and write Out, and nothing else; mistakes are an *Error or a *Refused.
func Select(ctx context.Context, q Selection) (columns []schema.Column, rows int64, err error) {
	s, err := open(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer s.Close()
	files, err := s.views(ctx, q.Tables)
	if err != nil {
		return nil, 0, err
	}
	out, err := s.target(q.Out)
	if err != nil {
		return nil, 0, err
	}
	if err := errors.Join(s.keepTo(ctx, append(files, out)...), s.freeze(ctx)); err != nil {
		return nil, 0, err
	}
	names, err := s.columns(ctx, Query{SQL: q.SQL, Tables: q.Tables})
	if err != nil {
		return nil, 0, err
	}
	found, err := s.check(ctx, q.SQL, names)
	if err != nil {
		return nil, 0, err
	}
	raw, err := s.engineTypes(ctx, q.SQL)
	if err != nil {
		return nil, 0, shift(err, len("describe "))
	}
	if columns, err = yield(raw, found.makesHuge); err != nil {
		return nil, 0, err
	}
	query, err := s.withoutNulls(ctx, q.SQL)
	if err != nil {
		return nil, 0, err
	}
	exprs := make([]string, len(columns))
	for i, c := range columns {
		if exprs[i] = Quote(c.Name); q.Hidden != nil && q.Hidden(c.Name) {
			exprs[i] = "null"
		}
		exprs[i] = fmt.Sprintf("%s::%s as %s", exprs[i], c.Type, Quote(c.Name))
	}
	if rows, err = s.copyParquet(ctx, fmt.Sprintf("select %s from (%s\n)", strings.Join(exprs, ", "), query), q.Out); err != nil {
		return nil, 0, err
	}
	if q.Limit > 0 && rows > q.Limit {
		_, err = s.copyParquet(ctx, fmt.Sprintf("select %s from (%s\n) limit %d", strings.Join(exprs, ", "), query, q.Limit), q.Out)
	}
	return columns, rows, err
}

// Head are the first rows of a Parquet file as text, in its order; nil for null.
func Head(ctx context.Context, path string, columns []schema.Column, n int) ([][]*string, error) {
	s, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	const rows = "rows"
	if _, err := s.views(ctx, map[string]string{rows: path}); err != nil {
		return nil, err
	}
	named := make([]ColumnProfile, len(columns))
	for i, c := range columns {
		named[i].Name = c.Name
	}
	return s.head(ctx, rows, named, n)
}

// SQLProblems are what is wrong with a query by an error of this package; false if the query is not at fault.
func SQLProblems(err error, query string) ([]schema.Problem, bool) { return problems(err, query) }
