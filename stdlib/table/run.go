package table

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/frame"
)

// Query is one SELECT over Parquet files, and where its rows go.
type Query struct {
	SQL    string            // one SELECT, without parameters
	Tables map[string]string // the name that SQL has for a table → Parquet file
	// Frames are tables in memory, by the names that SQL has for them: the rows of each as WriteFrame would write them.
	Frames map[string]*frame.Frame
	// Typed has the columns that tables had when Columns were found for the query, by the names that SQL has for them; nil: that is not known.
	Typed   map[string][]schema.Column
	OrderBy []string        // rows are stored in this order, then all other columns; empty: all columns in order
	Columns []schema.Column // expected output columns; a mismatch is an error. Nil: whatever comes
	Key     Key             // that the rows which were written are held to, as CheckKey does
	Out     string          // Parquet file to write
	// Keys are the columns that tell the rows of a table apart, by the name that SQL has for it. They must do so: a query may run on several
	// threads because of them.
	Keys    map[string][]string
	Threads int // that may be used where the rows are the same on several; below 2: one
}

// Run runs a query and returns how many rows it wrote. The same tables and query give the same bytes, on however many threads. The engine can
// read the named tables and write Out, and nothing else. Mistakes in the query or its data are an *Error or a *Refused; rows that their
// key does not tell apart are a *component.InputError, and the number of rows comes with it.
func Run(ctx context.Context, q Query) (rows int64, err error) {
	rows, err = q.run(ctx)
	var e *Error
	if q.Threads > 1 && errors.As(err, &e) && ctx.Err() == nil {
		// One thread needs less memory; and of several mistakes it meets the same first, so that the same is told each time.
		q.Threads = 1
		return q.run(ctx)
	}
	return rows, err
}

// run is one attempt of Run, in a session of its own: what an attempt leaves behind in the engine goes with it.
func (q Query) run(ctx context.Context) (rows int64, err error) {
	s, err := open(ctx)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if with, files, ok := s.with(q); ok {
		return s.runKnown(ctx, q, with, files)
	}
	// In this order: views on the inputs; the engine is kept to these files; only then is the query looked at and typed; at last, the number
	// of threads known, the engine's settings are locked and the query is run. What it yields is sorted by all columns.
	files, err := s.views(ctx, q.Tables)
	if err == nil {
		err = s.frames(ctx, q.Frames)
	}
	if err != nil {
		return 0, err
	}
	out, err := filepath.Abs(q.Out)
	if err != nil {
		return 0, err
	}
	if err := s.keepTo(ctx, append(files, out)...); err != nil {
		return 0, err
	}
	tables, err := s.columns(ctx, q)
	if err != nil {
		return 0, err
	}
	if _, err := s.check(ctx, q.SQL, tables); err != nil {
		return 0, err
	}
	columns, err := s.yields(ctx, q)
	if err != nil {
		return 0, err
	}
	query, err := s.withoutNulls(ctx, q.SQL)
	if err != nil {
		return 0, err
	}
	order, err := orderOf(columns, q.OrderBy)
	if err != nil {
		return 0, err
	}
	if large(files) {
		if rows, done, err := s.passOn(ctx, q, columns, order); done || err != nil {
			return rows, err
		}
	}
	n, err := s.threadsFor(ctx, q, query, files)
	if err != nil {
		return 0, err
	}
	err = s.wide(ctx, n, func() error {
		if err := s.freeze(ctx); err != nil {
			return err
		}
		rows, err = s.store(ctx, q, "", columns, query, order)
		return err
	})
	return rows, err
}

// runKnown is run where nothing is to be asked.
func (s *session) runKnown(ctx context.Context, q Query, with string, files []string) (int64, error) {
	out, err := filepath.Abs(q.Out)
	if err == nil {
		err = s.keepTo(ctx, append(files, out)...)
	}
	if err == nil {
		_, err = s.check(ctx, q.SQL, tableNames(q))
	}
	if err != nil {
		return 0, err
	}
	query, err := s.withoutNulls(ctx, q.SQL)
	if err != nil {
		return 0, err
	}
	order, err := orderOf(q.Columns, q.OrderBy)
	if err == nil {
		err = s.freeze(ctx)
	}
	if err != nil {
		return 0, err
	}
	return s.store(ctx, q, with, q.Columns, query, order)
}

// store writes the rows of a query in their order, and holds them to the key.
func (s *session) store(ctx context.Context, q Query, with string, columns []schema.Column, query string, order []string) (int64, error) {
	rows, err := s.copyParquet(ctx, fmt.Sprintf("%sselect %s from (%s\n) order by %s", with, casts(columns), query, sortedBy(order)), q.Out)
	if err != nil || rows == 0 || len(q.Key.Columns) == 0 {
		return rows, err
	}
	if slices.Equal(order[:min(len(q.Key.Columns), len(order))], q.Key.Columns) && s.apart(q.Out, q.Key.Columns) {
		return rows, nil
	}
	written, err := s.target(q.Out)
	if err != nil {
		return rows, err
	}
	return rows, s.checkKey(ctx, scanParquet(written), q.Key)
}

// threadsFor is on how many threads a query runs. files are those of its tables, in the order of their names.
func (s *session) threadsFor(ctx context.Context, q Query, query string, files []string) (int, error) {
	if q.Threads < 2 || !large(files) {
		return 1, nil
	}
	keys := map[string][]string{}
	for i, name := range slices.Sorted(maps.Keys(q.Tables)) {
		keys[files[i]] = q.Keys[name]
	}
	why, err := s.dependsOnOrder(ctx, query, keys)
	if err != nil || why != nil {
		return 1, err
	}
	return q.Threads, nil
}

// views makes each file a table of that name, and returns the paths that the engine reads. They are made in the order of their names, so
// that an error names the same file each time.
func (s *session) views(ctx context.Context, tables map[string]string) ([]string, error) {
	var files []string
	sorted := make([]string, 0, len(tables))
	for name := range tables {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted)
	for _, name := range sorted {
		path, err := s.plain(tables[name])
		if err != nil {
			return nil, err
		}
		files = append(files, path)
		if err := s.exec(ctx, "create temp view "+Quote(name)+" as select * from "+scanParquet(path)); err != nil {
			return nil, fmt.Errorf("opening table %s: %w", name, err)
		}
	}
	return files, nil
}

// frames makes each frame a table of that name, in the order of their names.
func (s *session) frames(ctx context.Context, frames map[string]*frame.Frame) error {
	for i, name := range slices.Sorted(maps.Keys(frames)) {
		f, held := frames[name], fmt.Sprintf("frame%d", i)
		source := make([]*frame.Column, len(f.Columns))
		columns := make([]schema.Column, len(f.Columns))
		for k := range f.Columns {
			source[k], columns[k] = &f.Columns[k], schema.Column{Name: f.Columns[k].Name, Type: f.Columns[k].Type}
		}
		err := s.load(ctx, held, f.Rows, source)
		if err == nil {
			err = s.exec(ctx, "create temp view "+Quote(name)+" as "+unloadQuery(columns, source, held))
		}
		if err != nil {
			return fmt.Errorf("opening table %s: %w", name, err)
		}
	}
	return nil
}

// yields are the columns of a query, which are the expected ones where there are such. Where text is expected, JSON is as good: it is stored
// as the text that it is.
func (s *session) yields(ctx context.Context, q Query) ([]schema.Column, error) {
	if q.Columns != nil {
		if raw, ok := s.prepared(q.SQL); ok && sameColumns(stored(raw), q.Columns) == nil {
			return q.Columns, nil
		}
	}
	columns, err := s.describe(ctx, q.SQL)
	if err == nil && q.Columns != nil {
		err = sameColumns(columns, q.Columns)
	}
	return columns, err
}

// columns are the tables of a query with the names of their columns, which the engine is asked for only where a word of the query can be
// a column or a moment (moments): each time costs a small stage a tenth of its time.
func (s *session) columns(ctx context.Context, q Query) (map[string][]string, error) {
	out := tableNames(q)
	if !asksColumns(q.SQL) {
		return out, nil
	}
	for name := range q.Tables {
		columns, err := s.describe(ctx, "select * from "+Quote(name))
		if err != nil {
			return nil, fmt.Errorf("reading the columns of table %s: %w", name, err)
		}
		t := schema.Table{Columns: columns}
		out[name] = t.Names()
	}
	return out, nil
}

// asksColumns reports whether a word of a query can be a column or a moment.
func asksColumns(query string) bool {
	text := strings.ToLower(query)
	for word := range moments {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// tableNames are the tables of a query, without their columns.
func tableNames(q Query) map[string][]string {
	out := map[string][]string{}
	for name := range q.Frames {
		out[name] = nil
	}
	for name := range q.Tables {
		out[name] = nil
	}
	return out
}

// scanParquet reads a file as it is: without columns made of folders named day=2026-01-31, as some tools lay out data.
func scanParquet(path string) string {
	return "read_parquet(" + literal(path) + ", hive_partitioning = false)"
}

// copyParquet writes the rows of a query, in the order that they come in, and returns how many. The settings are part of the bytes: with another
// size of row groups all results would have other digests.
func (s *session) copyParquet(ctx context.Context, query, out string) (int64, error) {
	out, err := s.target(out)
	if err != nil {
		return 0, err
	}
	return s.number(ctx, "copy ("+query+"\n) to "+literal(out)+
		fmt.Sprintf(" (format parquet, compression zstd, row_group_size %d, parquet_version v1, use_tmp_file false)", rowGroup))
}

// casts lists the columns with the types that they are stored with.
func casts(columns []schema.Column) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = fmt.Sprintf("%s::%s as %[1]s", Quote(c.Name), c.Type)
	}
	return strings.Join(out, ", ")
}

// totalOrder orders rows by the named columns, then by all others, nulls last, text bytewise: rows that tie are equal.
func totalOrder(columns []schema.Column, first []string) (string, error) {
	order, err := orderOf(columns, first)
	return sortedBy(order), err
}

// orderOf are all columns by their names, the named ones first.
func orderOf(columns []schema.Column, first []string) ([]string, error) {
	t := schema.Table{Columns: columns}
	// A column stands once, at its first place.
	var order []string
	seen := map[string]bool{}
	add := func(c *schema.Column) {
		if !seen[c.Name] {
			seen[c.Name] = true
			order = append(order, c.Name)
		}
	}
	for _, name := range first {
		c := t.Column(name)
		if c == nil {
			return nil, fmt.Errorf("rows are to be ordered by %q, which is no column of the query (%s)", name, names(columns))
		}
		add(c)
	}
	for i := range columns {
		add(&columns[i])
	}
	return order, nil
}

// sortedBy orders by columns: text is compared byte by byte, so that no locale decides.
func sortedBy(order []string) string {
	terms := make([]string, len(order))
	for i, name := range order {
		terms[i] = Quote(name) + " asc nulls last"
	}
	return strings.Join(terms, ", ")
}

// Rows counts the rows of a Parquet file.
func Rows(ctx context.Context, path string) (int64, error) {
	s, err := open(ctx)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	p, err := s.plain(path)
	if err != nil {
		return 0, err
	}
	row, err := s.one(ctx, "select count(*) from "+scanParquet(p))
	if err != nil {
		return 0, fmt.Errorf("counting the rows of %s: %w", path, err)
	}
	return row[0].(int64), nil
}
