package table

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// Binder types queries on empty tables. It implements component.Binder, is safe for concurrent use, and starts the
// engine only when something is asked that is not in its cache.
type Binder struct {
	memory memory

	// patience is how long one request may take; the constant, but in tests.
	patience time.Duration

	// Answers are looked up without this lock; the engine works for one request at a time.
	mu      sync.Mutex // of the engine and all that follows
	session *session
	jobs    chan func() // what the goroutine of the session does; closed with it
	// aggregates are the engine's functions over many rows; nil until asked for.
	aggregates map[string]bool
}

// NewBinder returns a binder that keeps its answers; with nil, as long as it lives itself.
func NewBinder(answers Answers) *Binder {
	return &Binder{memory: memory{behind: answers, answers: map[[32]byte]answer{}}, patience: patience}
}

// Close frees the engine. What is asked afterwards starts another.
func (b *Binder) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.session == nil {
		return nil
	}
	err := b.session.Close()
	b.session = nil
	close(b.jobs)
	return err
}

// Query returns the columns of one SELECT over the named tables, with the types that its rows would be stored with, found from
// the tables' columns alone. Tables go by the names that the query has for them. The columns are the caller's to change.
func (b *Binder) Query(ctx context.Context, query string, tables map[string]*schema.Table) ([]schema.Column, []schema.Problem) {
	a := b.ask(ctx, request{Kind: "query", SQL: query, Tables: tables}, func(s *session) (answer, error) {
		columns, err := b.query(ctx, s, query, tables)
		return answer{Columns: columns}, err
	})
	return slices.Clone(a.Columns), a.Problems // callers complete the columns
}

// Expr returns the type of one expression over a table's columns, as a column without a name: of amount > 10 it is boolean. With
// aggregate true the expression is one value of all rows, such as avg(amount), else one of each row.
func (b *Binder) Expr(ctx context.Context, expr string, table *schema.Table, aggregate bool) (schema.Column, []schema.Problem) {
	kind := "scalar"
	if aggregate {
		kind = "aggregate"
	}
	tables := map[string]*schema.Table{exprTable: table}
	a := b.ask(ctx, request{Kind: kind, SQL: expr, Tables: tables}, func(s *session) (answer, error) {
		columns, err := b.expr(ctx, s, expr, tables, aggregate)
		return answer{Columns: columns}, err
	})
	if len(a.Columns) != 1 {
		return schema.Column{}, a.Problems
	}
	return schema.Column{Type: a.Columns[0].Type}, a.Problems
}

// ask answers from the cache or by work. Failures of the engine itself are told as a problem, and not remembered.
func (b *Binder) ask(ctx context.Context, r request, work func(*session) (answer, error)) answer {
	key := r.key()
	if a, ok := b.memory.get(key); ok {
		return a
	}
	return b.find(ctx, key, r, work)
}

// find answers by work what was not known before.
func (b *Binder) find(ctx context.Context, key [32]byte, r request, work func(*session) (answer, error)) answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a, ok := b.memory.get(key); ok { // found out while this one waited
		return a
	}
	s, err := b.engine(ctx)
	if err != nil {
		return failed(err)
	}
	a, err := b.patiently(ctx, s, work)
	if err != nil {
		told, known := problems(err, r.SQL)
		if !known {
			return failed(err)
		}
		a = answer{Problems: told}
	}
	b.memory.put(key, a)
	return a
}

// patience is how long a query may take to be typed. Most take a few milliseconds.
const patience = 30 * time.Second

// patiently gives up what does not end, and the engine with it: nothing can interrupt what it computes while it types.
func (b *Binder) patiently(ctx context.Context, s *session, work func(*session) (answer, error)) (answer, error) {
	type outcome struct {
		answer
		err error
	}
	done := make(chan outcome, 1)
	b.jobs <- func() {
		a, err := work(s)
		done <- outcome{a, err}
	}
	limit := time.NewTimer(b.patience)
	defer limit.Stop()
	select {
	case o := <-done:
		return o.answer, o.err
	case <-limit.C:
	}
	b.session = nil
	close(b.jobs)
	go func() { // whenever that is
		<-done
		_ = s.Close()
	}()
	return answer{}, fmt.Errorf("it took more than %v; something in it is computed while its types are found out, such as a function of constants: build it from rows", b.patience)
}

// failed is the answer to a request that nobody could work on. It is not kept: the next time the engine may answer.
func failed(err error) answer {
	return answer{Problems: []schema.Problem{{Summary: "the query could not be checked", Detail: err.Error()}}}
}

// engine starts the engine of the binder, once. The optimizer is off: names and types are settled before it.
func (b *Binder) engine(ctx context.Context) (*session, error) {
	if b.session != nil {
		return b.session, nil
	}
	s, err := open(ctx)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.exec(ctx, "pragma disable_optimizer", "set memory_limit = '1GiB'"), s.lock(ctx)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.tables, s.trees = map[string]string{}, map[string]tree{}
	b.session, b.jobs = s, make(chan func())
	go serve(b.jobs)
	return s, nil
}

// serve does one job after another. A goroutine for each would have its stack grow each time, down the trees of queries.
func serve(jobs <-chan func()) {
	for job := range jobs {
		job()
	}
}

// query types a query over empty tables of these columns. Positions in errors are those of the text given, without what was
// put before it.
func (b *Binder) query(ctx context.Context, s *session, query string, tables map[string]*schema.Table) ([]schema.Column, error) {
	found, err := s.check(ctx, query, columnNames(tables))
	if err != nil {
		return nil, err
	}
	if err := b.create(ctx, s, tables); err != nil {
		return nil, err
	}
	raw, ok := []schema.Column(nil), noJSON(query, tables)
	if ok {
		raw, ok = s.prepared(query)
	}
	if !ok {
		if raw, err = s.engineTypes(ctx, query); err != nil {
			return nil, shift(err, len("describe "))
		}
	}
	return yield(raw, found.makesHuge)
}

// create makes the engine's tables those of the request. Tables that are as they were stay.
// Blocks of a module read the same few tables, so that most requests create none.
func (b *Binder) create(ctx context.Context, s *session, tables map[string]*schema.Table) error {
	want := map[string]string{}
	for name, t := range tables {
		want[strings.ToLower(name)] = definition(name, t)
	}
	for name := range s.tables {
		if want[name] != s.tables[name] {
			if err := s.exec(ctx, "drop table "+Quote(name)); err != nil {
				return err
			}
			delete(s.tables, name)
		}
	}
	for name, sql := range want {
		if s.tables[name] == sql {
			continue
		}
		if err := s.exec(ctx, sql); err != nil {
			return refuse(schema.Problem{
				Summary: fmt.Sprintf("the columns of table %s make no table", name),
				Detail:  err.Error(),
			})
		}
		s.tables[name] = sql
	}
	return nil
}

// definition makes an empty table of a schema; what binds over it binds over the real one.
func definition(name string, t *schema.Table) string {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = Quote(c.Name) + " " + c.Type
	}
	if len(columns) == 0 { // the engine has no tables without columns
		columns = []string{`" "` + " integer"}
	}
	return "create table " + Quote(name) + " (" + strings.Join(columns, ", ") + ")"
}

// columnNames are the names of each table's columns, in their order.
func columnNames(tables map[string]*schema.Table) map[string][]string {
	out := map[string][]string{}
	for name, t := range tables {
		out[name] = t.Names()
	}
	return out
}

// yield gives a query's columns the types that they are stored with. Columns that only differ in case, and types that
// cannot be stored, are refused.
func yield(raw []schema.Column, makesHuge bool) ([]schema.Column, error) {
	out := make([]schema.Column, len(raw))
	var r Refused
	for i, c := range raw {
		stored, why := storedType(c.Type)
		if why == nil && makesHuge && holdsHuge(c.Type) {
			why = madeHuge
		}
		if out[i] = (schema.Column{Name: c.Name, Type: stored}); why != nil {
			r.Problems = append(r.Problems, why.problem(c))
		}
	}
	if p := sameNames(raw); p != nil {
		r.Problems = append(r.Problems, *p)
	}
	if r.Problems == nil {
		return out, nil
	}
	return nil, &r
}

// problem says what of a column's type no file can hold: of `struct(a interval)` the interval within it.
func (u *unstored) problem(c schema.Column) schema.Problem {
	summary := fmt.Sprintf("column %q is %s, which cannot be stored", c.Name, u.what)
	if own, _ := storedType(c.Type); strings.ContainsAny(own, "([") { // it is in there
		summary = fmt.Sprintf("column %q of type %s holds %s, which cannot be stored", c.Name, own, u.what)
	}
	return schema.Problem{Summary: summary, Detail: u.why, Hint: u.write}
}

// sameNames tells of columns whose names are the same but for case, all in one: they come together, of a join or of two stars.
func sameNames(columns []schema.Column) *schema.Problem {
	seen := map[string]bool{}
	var twice []string
	for _, c := range columns {
		name := strings.ToLower(c.Name)
		if seen[name] && !slices.Contains(twice, c.Name) {
			twice = append(twice, c.Name)
		}
		seen[name] = true
	}
	p := &schema.Problem{Detail: "Names of columns must differ, regardless of case.", Hint: "rename one with AS, or leave it out with EXCLUDE"}
	switch n := len(twice); {
	case n == 0:
		return nil
	case n == 1:
		p.Summary = fmt.Sprintf("two columns of the result are named %q", twice[0])
	default:
		p.Summary = fmt.Sprintf("%d names stand for two columns of the result", n)
		p.Detail = "They are " + someOf(oneLineEach(twice)) + ". " + p.Detail
		p.Hint = "name the columns of one table, or leave those of the other out: select a.*, b.* exclude (" + strings.Join(quotedAll(twice[:min(n, 3)]), ", ") + ", …)"
		if n <= 3 {
			p.Hint = strings.Replace(p.Hint, ", …)", ")", 1)
		}
	}
	return p
}

// someOf is a list of names, of a long one the first.
func someOf(names []string) string {
	const most = 12
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// quotedAll are names as they have to be written in SQL: those that are plain stay as they are.
func quotedAll(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		if out[i] = n; !plainName().MatchString(n) {
			out[i] = Quote(n)
		}
	}
	return out
}

// plainName is a name that needs no quotes, unless it is a word of SQL.
var plainName = lazyregexp.New(`^[a-z_][a-z0-9_]*$`)

// shift moves the place of an error from the statement that was run to the user's text within it.
// The error is changed in place; one without a place stays.
func shift(err error, by int) error {
	var e *Error
	if errors.As(err, &e) && e.Position >= 0 {
		e.Position -= by
	}
	return err
}

// problems tells what is wrong with a query; false if it is not the query that is at fault.
func problems(err error, query string) ([]schema.Problem, bool) {
	var r *Refused
	if errors.As(err, &r) {
		return r.Problems, true
	}
	var e *Error
	if !errors.As(err, &e) || !e.DataError() {
		return nil, false
	}
	p := schema.Problem{Summary: e.summary(), Hint: e.advice(query)}
	if 0 <= e.Position && e.Position < len(query) {
		p.Offset, p.Length = e.Position, tokenLength(query, e.Position)
		if end := p.Offset + p.Length; e.Subtype == "COLUMN_NOT_FOUND" && end+1 < len(query) && query[end] == '.' {
			p.Offset, p.Length = end+1, tokenLength(query, end+1) // the column of table.column
		}
	}
	if strings.HasPrefix(e.Message, endOfInput) {
		p.Offset, p.Length = lastToken(query)
	}
	p.Detail = e.detail()
	return []schema.Problem{p}, true
}

// summary is the engine's message in the words of all others: by its subtype where the engine gives one, else its first
// line.
func (e *Error) summary() string {
	switch e.Subtype {
	case "COLUMN_NOT_FOUND":
		return fmt.Sprintf("there is no column %q", e.Name)
	case "NO_MATCHING_FUNCTION":
		if m := signature().FindStringSubmatch(e.Message); m != nil {
			return fmt.Sprintf("%s does not work on %s", m[1], argumentTypes(m[2]))
		}
		line, _, _ := strings.Cut(e.Message, ". ")
		return strings.TrimSuffix(line, ".")
	}
	line, _, _ := strings.Cut(e.Message, "\n")
	if line == endOfInput {
		return "the SQL ends where more is expected"
	}
	return strings.TrimRight(line, ".!")
}

// detail is what stands behind the first line of the engine's message, or the names that were near; "" where neither helps.
func (e *Error) detail() string {
	switch e.Subtype {
	case "COLUMN_NOT_FOUND":
		if len(e.Candidates) == 0 {
			return ""
		}
		if len(e.Candidates) == 1 {
			return "The nearest is " + oneLineEach(e.Candidates)[0] + "."
		}
		return "The nearest are " + strings.Join(oneLineEach(e.Candidates), ", ") + "."
	case "NO_MATCHING_FUNCTION":
		return ""
	}
	_, rest, _ := strings.Cut(e.Message, "\n")
	return strings.TrimSpace(rest)
}

// lastToken is where the last word or sign of a query stands.
func lastToken(query string) (offset, length int) {
	end := len(strings.TrimRight(query, " \t\r\n"))
	start := strings.LastIndexAny(query[:end], " \t\r\n(,") + 1
	return start, end - start
}

// endOfInput is the engine's message for a query that is not complete.
const endOfInput = "syntax error at end of input"

// signature is a function with the types of its arguments, in the engine's message that there is none.
var signature = lazyregexp.New(`argument types '(.+?)\((.*)\)'`)

// argumentTypes says the types of arguments in plain words; a number or text that is written out has one of its own.
func argumentTypes(list string) string {
	if list == "" {
		return "nothing"
	}
	return strings.NewReplacer("integer_literal", "a whole number", "string_literal", "text", ", ", " and ").Replace(lowerType(list))
}

// advice says what to write instead; "" if that is not known.
func (e *Error) advice(query string) string {
	switch {
	case e.Subtype == "NO_MATCHING_FUNCTION" && strings.Contains(e.Message, "VARCHAR"):
		return "make a number of text by try_cast(… as double), which is null where it is none; text is joined by ||"
	case e.Subtype == "NO_MATCHING_FUNCTION":
		return "cast one of them: try_cast(… as double)"
	case e.Kind == "Parser" && e.Position > 0 && e.Position <= len(query) && strings.HasSuffix(strings.TrimSpace(query[:e.Position]), ","):
		return "leave out the comma before it"
	}
	return suggest.DidYouMean(e.Name, e.Candidates)
}

// oneLineEach keeps names of columns, which may hold anything, to one line each.
func oneLineEach(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.Join(strings.Fields(n), " ")
	}
	return out
}
