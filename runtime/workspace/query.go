package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/render/tables"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/stdlib"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// queryFile is what messages call the text of a query.
const queryFile = "query"

// Answer are the rows of a query over recorded tables, in a file of this machine until Close.
type Answer struct {
	Columns []schema.Column
	Rows    int64    // all that there are
	Kept    int64    // those in the file
	Hidden  []string // columns whose values come of pii, and are null in the file
	Looked  []string // tables with rows of a test side

	folder *scratch.Folder
	path   string
}

// Close removes the file.
func (a *Answer) Close() error { return a.folder.Close() }

// Query runs one SELECT over tables that are recorded, by their addresses. Nothing is recorded. Mistakes in it are a *front.Error. limit is how many
// rows are kept, 0 all; rows of a test side are refused unless looks are allowed.
func (s *Session) Query(ctx context.Context, text string, limit int64, looks bool) (out *Answer, err error) {
	read, err := table.ReadAddressed(ctx, text)
	if err != nil {
		return nil, badQuery(text, err, nil)
	}
	known := s.tableNames()
	names, shapes, files := map[string]string{}, map[string]*schema.Table{}, map[string]string{}
	folder, err := scratch.New(scratch.Table)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, folder.Close())
		}
	}()
	a := &Answer{folder: folder, path: filepath.Join(folder.Dir, "answer.parquet")}
	var mistakes []schema.Problem
	for i, t := range read.Tables() {
		at, ok := known[t.Path]
		if !ok {
			mistakes = append(mistakes, unknownTable(t, known))
			continue
		}
		if s.onTestSide(at.address, at.port, map[string]bool{}) {
			if a.Looked = append(a.Looked, t.Path); !looks {
				return nil, &Failure{Err: fmt.Errorf("%s has rows of the test side of a split, which are for evaluations: what is found there by eye is a choice made by these rows, and no gate counts it", t.Path),
					Hint: "Read the train side; --allow-looks reads these all the same."}
			}
		}
		name := fmt.Sprintf("t%d", i)
		names[t.Path], shapes[name] = name, s.marked(at)
		if files[name], err = s.tableFile(ctx, at.address, at.port, filepath.Join(folder.Dir, name)); err != nil {
			return nil, err
		}
	}
	if len(mistakes) > 0 {
		return nil, misplaced(text, mistakes)
	}
	plain := read.Rename(names)
	hidden, err := hiddenColumns(ctx, plain.SQL, shapes)
	if err != nil {
		return nil, badQuery(text, err, plain.Place)
	}
	hides := func(c string) bool { return slices.Contains(hidden, c) }
	a.Columns, a.Rows, err = table.Select(ctx, table.Selection{SQL: plain.SQL, Tables: files, Hidden: hides, Limit: limit, Out: a.path})
	if err != nil {
		return nil, failedQuery(text, err, plain, shapes)
	}
	if a.Hidden, a.Kept = hidden, a.Rows; limit > 0 {
		a.Kept = min(a.Rows, limit)
	}
	return a, nil
}

// failedQuery is the error of a query that binds and could not be carried out. What the engine says of it may quote values, and so is withheld where
// any column of the tables is marked pii.
func failedQuery(text string, err error, plain table.Renamed, shapes map[string]*schema.Table) error {
	found, ok := table.SQLProblems(err, plain.SQL)
	if !ok {
		return fmt.Errorf("running the query: %w", err)
	}
	for _, t := range shapes {
		if slices.ContainsFunc(t.Columns, func(c schema.Column) bool { return c.PII }) {
			found = []schema.Problem{{Summary: "the query failed on a value of its tables",
				Detail: "Which one is not said, as tables that it reads have columns marked pii.", Hint: "cast by try_cast, which is null where a value does not fit"}}
		}
	}
	return badQuery(text, schema.Problems(found), plain.Place)
}

// tableAt is where a table is recorded.
type tableAt struct{ address, port string }

// tableNames are the names that queries have for recorded tables: an address with its port, without it where a stage yields one table, and
// dataset.sales_eu for dataset.sales["eu"].
func (s *Session) tableNames() map[string]tableAt {
	out := map[string]tableAt{}
	for _, at := range sortedKeys(s.State.Nodes) {
		ports := s.TablePorts(at)
		names := []string{at}
		if flat := strings.NewReplacer(`["`, "_", `"]`, "").Replace(at); flat != at {
			if _, taken := s.State.Nodes[flat]; !taken {
				names = append(names, flat)
			}
		}
		for _, name := range names {
			for _, port := range ports {
				out[name+"."+port] = tableAt{at, port}
			}
			if len(ports) == 1 {
				out[name] = tableAt{at, ports[0]}
			}
		}
	}
	return out
}

// unknownTable says which tables there are, and of a stage with several which of them.
func unknownTable(t schema.Problem, known map[string]tableAt) schema.Problem {
	var of, short []string
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if strings.HasPrefix(name, t.Path+".") {
			of = append(of, name)
		}
		if base, named := strings.CutSuffix(name, "."+known[name].port); !named || known[base] != known[name] { // the only table of a block goes by its address
			short = append(short, name)
		}
	}
	p := schema.Problem{Offset: t.Offset, Length: t.Length, Summary: fmt.Sprintf("no table %s is recorded in this workspace", t.Path)}
	switch {
	case len(of) > 0:
		p.Summary, p.Detail = t.Path+" has several tables", "They are "+joinSome(of)+"."
	case len(known) == 0:
		p.Detail = "Nothing is recorded that yields a table: an apply does."
	default:
		p.Detail, p.Hint = "There are "+joinSome(short)+".", suggest.DidYouMean(t.Path, short)
		for _, name := range short { // the bare name of a block
			if p.Hint == "" && strings.HasSuffix(name, "."+t.Path) {
				p.Hint = fmt.Sprintf("did you mean %q?", name)
			}
		}
	}
	return p
}

// marked is the form of a recorded table with the marks of now on its columns as well as those of then.
func (s *Session) marked(at tableAt) *schema.Table {
	t := *s.tableShape(at.address, at.port)
	t.Columns = slices.Clone(t.Columns)
	hides := s.hides(at.address, at.port)
	for i := range t.Columns {
		t.Columns[i].PII = hides(t.Columns[i].Name)
	}
	return &t
}

// hiddenColumns are the columns of a query whose values come of columns marked pii. What cannot be followed counts as coming of all columns
// that the query reads.
func hiddenColumns(ctx context.Context, query string, shapes map[string]*schema.Table) ([]string, error) {
	b := table.NewBinder(nil)
	defer b.Close()
	columns, problems := b.Query(ctx, query, shapes)
	if len(problems) > 0 {
		return nil, schema.Problems(problems)
	}
	flows, problems := b.Lineage(ctx, query, shapes, nil)
	if len(problems) > 0 {
		return nil, schema.Problems(problems)
	}
	var out []string
	for _, c := range columns {
		for _, o := range flows.Columns[c.Name].Taints {
			if in := shapes[o.Table].Column(o.Column); in != nil && in.PII {
				out = append(out, c.Name)
				break
			}
		}
	}
	return out, nil
}

// onTestSide reports whether rows of a recorded table are those of a split's test side, or computed of such alone or among others.
func (s *Session) onTestSide(at, port string, seen map[string]bool) bool {
	node, ok := s.State.Nodes[at]
	if !ok || seen[at] {
		return false
	}
	seen[at] = true
	if kind := stdlib.Catalog().Kind(node.Kind); kind != nil {
		if t := kind.Type(node.Type); t != nil && t.Splits() {
			return t.SideOf(port) == schema.TestSide
		}
	}
	for _, in := range sortedKeys(node.Wiring) {
		from, of, _ := strings.Cut(node.Wiring[in], ":")
		if s.tableShape(from, of) != nil && s.onTestSide(from, of, seen) {
			return true
		}
	}
	return false
}

// badQuery makes an error with the place in the text of what a query is refused for.
func badQuery(text string, err error, place func(schema.Problem) schema.Problem) error {
	var found schema.Problems
	if !errors.As(err, &found) {
		told, ok := table.SQLProblems(err, text)
		if !ok {
			return fmt.Errorf("reading the query: %w", err)
		}
		found = told
	}
	placed := make([]schema.Problem, len(found))
	for i, p := range found {
		if placed[i] = p; place != nil && p.Length > 0 {
			placed[i] = place(p)
		}
		if strings.HasPrefix(p.Summary, "NameListToString") {
			placed[i].Summary = "a name of more than three parts cannot stand here"
			placed[i].Hint = `write the address in double quotes: "module.eu.dataset.payments"`
		}
	}
	return misplaced(text, placed)
}

// misplaced is an error with what is wrong with a query, each at its place in the text, as mistakes in a module are told.
// What has no length is marked as one character.
func misplaced(text string, found []schema.Problem) error {
	lines := source.NewLines([]byte(text))
	e := &front.Error{Files: map[string][]byte{queryFile: []byte(text)}}
	for _, p := range found {
		at := source.Range{File: queryFile, Start: lines.Pos(p.Offset), End: lines.Pos(min(p.Offset+max(p.Length, 1), len(text)))}
		e.Diagnostics = append(e.Diagnostics, source.Diagnostic{Severity: source.Error, Code: source.CodeSQL, Summary: p.Summary, Detail: p.Detail, Hint: p.Hint, Subject: at})
	}
	return e
}

// Grid are the first rows for people.
func (a *Answer) Grid(ctx context.Context, most int) (*tables.Grid, error) {
	head, err := table.Head(ctx, a.path, a.Columns, most)
	if err != nil {
		return nil, err
	}
	g := &tables.Grid{Rows: a.Rows}
	for _, c := range a.Columns {
		g.Columns = append(g.Columns, tables.Heading{Name: c.Name, Number: table.Numeric(c.Type), PII: slices.Contains(a.Hidden, c.Name)})
	}
	for _, row := range head {
		cells := make([]tables.Cell, len(row))
		for i, v := range row {
			if cells[i] = (tables.Cell{Null: v == nil, Number: g.Columns[i].Number}); v != nil {
				cells[i].Text = *v
			}
		}
		g.Cells = append(g.Cells, cells)
	}
	return g, nil
}

// answerForms write the rows as a file of another form.
var answerForms = map[string]func(ctx context.Context, parquet, out string) error{"csv": table.ToCSV, "json": table.ToJSON}

// Write writes the rows as csv, json (a list of objects) or parquet.
func (a *Answer) Write(ctx context.Context, w io.Writer, form string) error {
	path := a.path
	if to := answerForms[form]; to != nil {
		path = filepath.Join(a.folder.Dir, "answer."+form)
		if err := to(ctx, a.path, path); err != nil {
			return err
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}
