package table

// What a query may do.
//
// A query is one SELECT over the tables that it is given, with the same rows on every run. Three things see to that, and none relies
// on another:
//
//   - The parser writes syntax trees of SELECTs alone (parseAnew); any other statement ends there.
//   - The tree is looked through (walker) for what reads from elsewhere, differs from run to run, or would make something huge of a
//     few characters. All that is found is told at once, each at its place in the text.
//   - The engine that runs it can open no other file (session.lock).
//
// So these are refused:
//
//	select * from payments where paid_at > now()   now gives another value on every run
//	select * from read_csv('/etc/passwd')          a query cannot read with read_csv
//	select * from payments using sample 10         a sample without a seed has other rows on every run
//	select 1; drop table payments                  another statement begins behind this semicolon
//	select md5(repeat('x', 3000000000))            repeat of these constants is too much to compute (constants.go)

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/stdlib/table/lineage"
)

// Refused is the error of a query that does what queries may not: two statements, insert, read_csv, random(). It has at least one
// problem, with the place in the query where that is known.
type Refused struct{ Problems []schema.Problem }

func (r *Refused) Error() string {
	p := r.Problems[0]
	text := p.Summary
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	if p.Hint != "" {
		text += " (" + p.Hint + ")"
	}
	return text
}

// tree is a node of the parsed statement.
type tree = *lineage.Tree

// keptTrees is how many syntax trees a binder keeps: a query is looked through, typed and traced soon after one another, by several
// goroutines in turn.
const keptTrees = 256

// parse returns the syntax tree of one SELECT statement, which must not be changed. What is no such thing is an *Error or a *Refused.
func (s *session) parse(ctx context.Context, query string) (tree, error) {
	if t, ok := s.trees[query]; ok {
		return t, nil
	}
	t, err := s.parseAnew(ctx, query)
	if err == nil && s.trees != nil {
		if len(s.trees) >= keptTrees {
			clear(s.trees)
		}
		s.trees[query] = t
	}
	return t, err
}

// parseAnew has the engine parse a text (json_serialize_sql, https://duckdb.org/docs/stable/data/json/sql_to_and_from_json).
// It serializes SELECTs alone, so that anything else is an error here and never reaches the engine.
func (s *session) parseAnew(ctx context.Context, query string) (tree, error) {
	text, err := s.syntax(ctx, query)
	if err != nil {
		return nil, err
	}
	answer, err := s.readTree(text)
	if err != nil {
		return nil, fmt.Errorf("reading the syntax tree: %w", err)
	}
	failed, _ := answer.Get("error").(bool)
	statements, _ := answer.Get("statements").([]any)
	switch {
	case failed && answer.Get("error_type") == "parser":
		e := &Error{Kind: "Parser", Message: word(answer, "error_message"), Position: -1}
		if _, err := fmt.Sscan(word(answer, "position"), &e.Position); err != nil {
			e.Position = -1
		}
		return nil, e
	case (failed || len(statements) > 1) && statementEnd(query) >= 0:
		return nil, refuse(schema.Problem{
			Offset: statementEnd(query), Length: 1,
			Summary: "another statement begins behind this semicolon",
			Detail:  "One SELECT is expected, and nothing else runs.",
		})
	case failed:
		return nil, refuse(schema.Problem{
			Summary: "only a SELECT can stand here",
			Detail:  "The text is another kind of statement, or a PIVOT whose columns depend on the data.",
		})
	case len(statements) == 0:
		return nil, refuse(schema.Problem{Summary: "the query is empty"})
	case len(statements) > 1:
		return nil, refuse(schema.Problem{
			Summary: fmt.Sprintf("%d statements where one SELECT is expected", len(statements)),
		})
	}
	statement, ok := statements[0].(tree)
	if !ok {
		return nil, errors.New("the syntax tree of a statement is no object")
	}
	return statement, nil
}

// statementEnd is the place of the first semicolon that something follows; -1 if there is none. Strings, quoted names and
// comments are passed over.
func statementEnd(query string) int {
	for _, at := range semicolons().FindAllStringIndex(query, -1) {
		if query[at[0]] == ';' && strings.Trim(query[at[1]:], "; \t\r\n") != "" {
			return at[0]
		}
	}
	return -1
}

// semicolons finds semicolons, and what may have some in it that end nothing.
var semicolons = lazyregexp.New(`;|'[^']*'|"[^"]*"|--[^\n]*|(?s:/\*.*?\*/)`)

func refuse(p schema.Problem) *Refused { return &Refused{Problems: []schema.Problem{p}} }

// looked is what is found out about a query by looking through its tree.
type looked struct {
	makesHuge bool // it makes integers beyond 64 bits itself, otherwise than by summing up
}

// check holds a query to one SELECT over the given tables that gives the same rows on every run.
// tables are the names that it may read from, with their columns. All that is wrong is told at once, in a *Refused.
func (s *session) check(ctx context.Context, query string, tables map[string][]string) (looked, error) {
	root, err := s.parse(ctx, query)
	if err != nil {
		return looked{}, err
	}
	// A statement with no semicolon can stand between parentheses.
	if at := strings.LastIndexByte(query, ';'); at >= 0 {
		if _, err := s.parseAnew(ctx, "select * from ("+query+"\n)"); err != nil {
			return looked{}, refuse(schema.Problem{
				Offset: at, Length: 1,
				Summary: "the query must not end in a semicolon",
				Hint:    "leave it out",
			})
		}
	}
	w := walker{query: query, tables: tables, ctes: map[string]bool{}}
	w.names(root)
	w.node(root)
	return w.looked, w.result()
}

// walker looks through a syntax tree for what is not allowed.
type walker struct {
	query    string
	tables   map[string][]string
	ctes     map[string]bool
	problems []schema.Problem
	looked
	within int // casts and conditions around the node
}

// result is what was found, in the order of the text; nil if nothing was.
func (w *walker) result() error {
	if len(w.problems) == 0 {
		return nil
	}
	sort.SliceStable(w.problems, func(i, j int) bool {
		a, b := w.problems[i], w.problems[j]
		return a.Offset < b.Offset || a.Offset == b.Offset && a.Summary < b.Summary
	})
	return &Refused{Problems: w.problems}
}

// names collects the names that WITH gives to queries.
// They may be read from anywhere in the query, which is more than SQL allows: what it does not allow the engine refuses.
func (w *walker) names(v any) {
	switch v := v.(type) {
	case tree:
		if m, ok := v.Get("cte_map").(tree); ok {
			entries, _ := m.Get("map").([]any)
			for _, e := range entries {
				w.ctes[lowerName(e.(tree).Get("key"))] = true
			}
		}
		for _, child := range v.All() {
			w.names(child)
		}
	case []any:
		for _, child := range v {
			w.names(child)
		}
	}
}

// node walks a tree, children after their parent, and changes nothing of it: it may be a kept one. within counts the functions around that bound the size of a number.
func (w *walker) node(v any) {
	switch v := v.(type) {
	case tree:
		w.object(v)
		if bounded(v) {
			w.within++
			defer func() { w.within-- }()
		}
		for name, child := range v.All() {
			if f, ok := child.(tree); ok && name == "function" && v.Get("type") == "TABLE_FUNCTION" {
				w.arguments(f)
				continue
			}
			w.node(child)
		}
	case []any:
		for _, child := range v {
			w.node(child)
		}
	}
}

// arguments walks those of a function that stands where a table does. It is not held to what functions are: it has no value, its rows come one
// after the other.
func (w *walker) arguments(f tree) {
	for _, child := range f.All() {
		w.node(child)
	}
}

// bounded reports whether a value is of a type that no integer beyond 64 bits gets out of: a cast to another, a condition.
func bounded(n tree) bool {
	switch n.Get("class") {
	case "CAST":
		to, _ := n.Get("cast_type").(tree)
		switch to.Get("id") {
		case "HUGEINT", "UHUGEINT", "BIGNUM", "LIST", "STRUCT", "MAP", "ARRAY", "UNION":
			return false
		}
		return true
	case "COMPARISON", "CONJUNCTION":
		return true
	}
	return false
}

// object looks at one node by the three fields that the engine tells kinds apart by: type of what stands in FROM, id of
// types, class of expressions.
func (w *walker) object(n tree) {
	if sample, ok := n.Get("sample").(tree); ok {
		w.sample(n, sample)
	}
	switch n.Get("type") {
	case "BASE_TABLE":
		w.baseTable(n)
	case "TABLE_FUNCTION":
		w.tableFunction(n)
	case "JOIN":
		w.join(n)
	case "SHOW_REF":
		w.report(n, schema.Problem{Summary: "DESCRIBE, SHOW and SUMMARIZE cannot stand here", Detail: "A query shapes rows of its input tables."})
	}
	switch n.Get("id") { // of a type, in a cast or a number
	case "HUGEINT", "UHUGEINT", "BIGNUM":
		w.makesHuge = w.makesHuge || w.within == 0
	}
	switch n.Get("class") {
	case "FUNCTION", "WINDOW":
		w.function(n)
	case "COLUMN_REF":
		w.columnRef(n)
	case "PARAMETER":
		w.report(n, schema.Problem{Summary: "the query has a parameter without a value"})
	}
}

// join refuses an as-of join that names its columns once: what withoutNulls adds has no place there.
func (w *walker) join(n tree) {
	using, _ := n.Get("using_columns").([]any)
	if n.Get("ref_type") != "ASOF" || len(using) == 0 {
		return
	}
	terms := make([]string, len(using))
	for i, c := range using {
		terms[i] = fmt.Sprintf("a.%s = b.%[1]s", c)
		if i == len(using)-1 {
			terms[i] = fmt.Sprintf("a.%s >= b.%[1]s", c)
		}
	}
	w.report(n, schema.Problem{
		Summary: "an as-of join with USING cannot stand here",
		Detail:  "The engine would take a null time for the newest one; with conditions that is kept from it.",
		Hint:    "write on " + strings.Join(terms, " and "),
	})
}

// report adds a problem, at the place in the query where n stands if the engine says where.
func (w *walker) report(n tree, p schema.Problem) {
	if at := location(n); at >= 0 {
		p.Offset, p.Length = at, tokenLength(w.query, at)
	}
	w.problems = append(w.problems, p)
}

// baseTable refuses a table that is neither an input nor a common table expression of the query.
func (w *walker) baseTable(n tree) {
	name, _ := n.Get("table_name").(string)
	if word(n, "schema_name") == "" && word(n, "catalog_name") == "" {
		if w.ctes[lowerType(name)] {
			return
		}
		for t := range w.tables {
			if strings.EqualFold(t, name) {
				return
			}
		}
	}
	known := make([]string, 0, len(w.tables))
	for t := range w.tables {
		known = append(known, t)
	}
	sort.Strings(known)
	detail := "The query has no tables to read from."
	if len(known) > 0 {
		detail = "It can read from " + strings.Join(known, ", ") + "."
	}
	if prefix := word(n, "schema_name"); prefix != "" {
		if other := foldIn(known, name); other != "" {
			w.report(n, schema.Problem{
				Summary: fmt.Sprintf("tables have no prefix here: %s.%s", prefix, name),
				Detail:  "A query calls a table by the block's name alone, whatever its kind. " + detail,
				Hint:    fmt.Sprintf("write %s", other),
			})
			return
		}
	}
	w.report(n, schema.Problem{Summary: fmt.Sprintf("there is no table %q here", name), Detail: detail, Hint: suggest.DidYouMean(name, known)})
}

// foldIn is the name in a list that is the same but for case.
func foldIn(names []string, name string) string {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return n
		}
	}
	return ""
}

// rowSources are the functions that may stand where a table does: they make rows of their arguments alone.
var rowSources = map[string]bool{"range": true, "generate_series": true, "unnest": true, "json_each": true, "json_tree": true}

// tableFunction refuses all but functions that make rows of their arguments, such as range: others read files or settings.
func (w *walker) tableFunction(n tree) {
	f, _ := n.Get("function").(tree)
	name, _ := f.Get("function_name").(string)
	if !rowSources[lowerType(name)] {
		w.report(n, schema.Problem{
			Summary: fmt.Sprintf("a query cannot read with %s", name),
			Detail:  "It reads the tables that it is given, and no files, settings or catalogs.",
			Hint:    "declare a source block for the files, and read its table",
		})
	}
}

// function refuses what gives another value on every run, and what makes a value too large.
func (w *walker) function(n tree) {
	name := lowerName(n.Get("function_name"))
	args, _ := n.Get("children").([]any)
	if w.within == 0 && (name == "factorial" || name == "!__postfix" || name == "md5_number") {
		w.makesHuge = true
	}
	w.giant(n, name)
	if unsteady[name] || strings.HasPrefix(name, "current_") || name == "age" && len(args) == 1 {
		w.report(n, schema.Problem{
			Summary: fmt.Sprintf("%s gives another value on every run", name),
			Detail:  "The same inputs must give the same rows, today and next year.",
			Hint:    "take the time from a column, or pass it in as a variable",
		})
	}
}

// unsteady functions depend on the moment, on chance, or on the engine that runs them: those that duckdb_functions()
// does not call CONSISTENT, and a few that it does.
var unsteady = map[string]bool{
	"now": true, "today": true, "transaction_timestamp": true, "get_current_time": true, "get_current_timestamp": true,
	"localtime": true, "localtimestamp": true, "clock_timestamp": true, "statement_timestamp": true,
	"random": true, "setseed": true, "uuid": true, "uuidv4": true, "uuidv7": true, "gen_random_uuid": true,
	"nextval": true, "currval": true, "txid_current": true, "stats": true, "write_log": true, "in_search_path": true,
	"getvariable": true, "getenv": true, "session_user": true, "user": true, "version": true, "reservoir_quantile": true,
}

// moments are words without parentheses that the engine reads as a function where there is no such column.
var moments = map[string]bool{
	"current_date": true, "current_time": true, "current_timestamp": true, "localtime": true, "localtimestamp": true,
	"current_user": true, "current_role": true, "session_user": true, "user": true, "current_catalog": true, "current_schema": true,
}

// columnRef refuses current_date and the like, which are written without parentheses, unless a table has a column of that
// name.
func (w *walker) columnRef(n tree) {
	parts, _ := n.Get("column_names").([]any)
	if len(parts) != 1 {
		return
	}
	name := lowerName(parts[0])
	if !moments[name] {
		return
	}
	for _, columns := range w.tables {
		for _, c := range columns {
			if strings.EqualFold(c, name) {
				return
			}
		}
	}
	w.report(n, schema.Problem{
		Summary: fmt.Sprintf("%s gives another value on every run", name),
		Detail:  "The same inputs must give the same rows, today and next year.",
		Hint:    "take the time from a column, or pass it in as a variable",
	})
}

// sample refuses one without a seed; the engine writes -1 for that.
func (w *walker) sample(n, sample tree) {
	if seed, err := sample.Get("seed").(json.Number).Int64(); err == nil && seed >= 0 {
		return
	}
	w.report(n, schema.Problem{
		Summary: "a sample without a seed has other rows on every run",
		Hint:    "add REPEATABLE (1) to it, or filter by hash(key) % 10 = 0",
	})
}

// location is where a node's text begins, -1 if the parser does not say.
func location(n tree) int {
	number, ok := n.Get("query_location").(json.Number)
	if !ok {
		return -1
	}
	at, err := number.Int64()
	if err != nil { // 2^64-1 stands for unknown
		return -1
	}
	return int(at)
}

// word is the text of a member; "" where there is none.
func word(n tree, key string) string {
	s, _ := n.Get(key).(string)
	return s
}

// lowerName is a name in small letters, as the engine compares names; "" of what is no text.
func lowerName(v any) string {
	s, _ := v.(string)
	return strings.ToLower(s)
}

// tokenLength is the length of the token that begins at a byte of the query: a name, quoted or not, a number, a text, or
// one operator.
func tokenLength(query string, at int) int {
	if at < 0 || at >= len(query) {
		return 0
	}
	rest := query[at:]
	if q := rest[0]; q == '"' || q == '\'' {
		if end := strings.IndexByte(rest[1:], q); end >= 0 {
			return end + 2
		}
		return len(rest)
	}
	n := strings.IndexFunc(rest, func(r rune) bool {
		return !(r == '_' || r >= 0x80 || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
	})
	if n < 0 {
		return len(rest)
	}
	return max(n, 1)
}
