package table

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"
	"github.com/klauspost/compress/zstd"

	"github.com/mlp-lang/mlp/runtime/scratch"
)

// session is one engine in memory with one connection, or one connection to an engine that is kept, with a database of its own. It
// is not safe for concurrent use.
type session struct {
	connector  *duckdb.Connector // nil with engine
	engine     *engine           // that is kept; nil: the session has one of its own
	database   string            // in that engine, once it is attached
	attached   bool
	spent      bool // something may be left in the connection
	shares     bool // the memory of the stage with Go's heap
	conn       *duckdb.Conn
	frozen     bool              // settings cannot be changed any more
	dir        string            // for its files, private, and for spilling; empty if none could be made. That of the engine that is kept
	scratch    *scratch.Folder   // that dir is; nil with it
	linked     map[string]string // its files: links, and copies → what they stand for
	tables     map[string]string // of a binder: name → definition of the table that the engine holds now
	words      map[string]any    // texts and numbers of syntax trees, as readTree met them
	serializer serializer        // of a binder
	unpack     *zstd.Decoder     // of pages that apart looks at; nil: none was yet
	trees      map[string]tree   // of a binder: query → its syntax tree, as parse returned it lately; nil: none are kept
}

// fixed are the settings that results could depend on, and those that keep the engine from looking around.
var fixed = []string{
	"set threads = 1",
	"set TimeZone = 'UTC'",
	"set preserve_insertion_order = true",
	"set autoinstall_known_extensions = false",
	"set autoload_known_extensions = false",
	"set errors_as_json = true",
	// The C library keeps what is freed for the next allocation, and Go has no part of it: after so much it is given back.
	"set allocator_flush_threshold = '16MB'",
}

// open is a session of the shared engine where this process keeps one, else an engine of its own.
func open(ctx context.Context) (*session, error) {
	heapShared(1)
	s, err := opened(ctx)
	if err != nil {
		heapShared(-1)
		return nil, err
	}
	s.shares = true
	return s, nil
}

func opened(ctx context.Context) (*session, error) {
	if e, err := shared(ctx); err != nil || e != nil {
		if err != nil {
			return nil, err
		}
		return e.session(ctx)
	}
	return alone(ctx)
}

// alone opens a session with an engine of its own.
func alone(ctx context.Context) (*session, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("starting the SQL engine: %w", err)
	}
	s := &session{connector: connector, linked: map[string]string{}}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connecting to the SQL engine: %w", err), s.Close())
	}
	s.conn = conn.(*duckdb.Conn)
	if err := s.configure(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// configure sets what holds for every session (fixed), where it spills to, and how much memory it may use, in MiB.
func (s *session) configure(ctx context.Context) error {
	// Where no folder can be made (a read-only root without scratch) the engine works in memory only.
	if f, err := scratch.New(scratch.Table); err == nil {
		s.scratch, s.dir = f, f.Dir
	}
	settings := append([]string{"set temp_directory = " + literal(s.dir)}, fixed...)
	if mb := memoryMB(); mb > 0 {
		settings = append(settings, fmt.Sprintf("set memory_limit = '%dMiB'", mb))
	}
	return s.exec(ctx, settings...)
}

// memoryMB is how much the engine may take before it spills, of what the stage that it works in may: 64 of 256, 192 of 512, 704 of 1024, at least
// smallestMB. The rest is for what else the process has: besideMB of program, Go's heap and what the engine does not count, or a quarter
// where that is more. A stage of less than 512 spills before that is as much, and leaves leastBesideMB. 0: as the engine sees fit.
func memoryMB() int64 {
	limit := StageMB()
	if limit == 0 {
		return 0
	}
	return max(min(limit*3/4, limit-besideMB), min(limit*3/8, limit-leastBesideMB), smallestMB)
}

const (
	// smallestMB is what the engine needs to do anything.
	smallestMB = 64
	// besideMB is more than a process had beside the engine's limit when it loaded and sorted 1 GB of CSV on two threads, leastBesideMB when
	// it had a sixth of that.
	besideMB, leastBesideMB = 320, 224
)

// lock closes the file system to all but the given files and the settings, for good.
func (s *session) lock(ctx context.Context, files ...string) error {
	if err := s.keepTo(ctx, files...); err != nil {
		return err
	}
	return s.freeze(ctx)
}

// keepTo closes the file system to all but the given files, for good. Spilling goes on. The file system of an engine that is kept is
// closed to all but what plain and target return.
func (s *session) keepTo(ctx context.Context, files ...string) error {
	if s.engine != nil {
		return nil
	}
	quoted := make([]string, len(files))
	for i, f := range files {
		quoted[i] = literal(f)
	}
	return s.exec(ctx, "set allowed_paths = ["+strings.Join(quoted, ", ")+"]", "set enable_external_access = false")
}

// freeze locks the settings of an engine that is the session's own.
func (s *session) freeze(ctx context.Context) error {
	if s.engine != nil {
		return nil
	}
	s.frozen = true
	return s.exec(ctx, "set lock_configuration = true")
}

// Close frees the engine and its scratch files.
func (s *session) Close() error {
	if s.shares {
		s.shares = false
		defer heapShared(-1)
	}
	s.serializer.close()
	if s.engine != nil {
		return s.engine.end(s)
	}
	var errs []error
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	errs = append(errs, s.connector.Close())
	if s.scratch != nil {
		errs = append(errs, s.scratch.Close())
	}
	return errors.Join(errs...)
}

// exec runs statements one after the other, up to the first that fails.
func (s *session) exec(ctx context.Context, statements ...string) error {
	for _, q := range statements {
		if err := errors.Join(s.within(ctx, q), s.run(ctx, q)); err != nil {
			return err
		}
	}
	return nil
}

// run runs a statement, or several in one text.
func (s *session) run(ctx context.Context, statement string) error {
	var result mapping.Result
	if err := s.result(ctx, statement, &result); err != nil {
		return err
	}
	mapping.DestroyResult(&result)
	return nil
}

// error is what the engine says, with files called by their own paths.
func (s *session) error(ctx context.Context, err error) error {
	s.spent = true
	err = engineError(ctx, err)
	var e *Error
	if errors.As(err, &e) {
		for link, path := range s.linked {
			e.Message = strings.ReplaceAll(e.Message, link, path)
		}
	}
	return err
}

// each calls f with every row of the query; the slice is reused.
func (s *session) each(ctx context.Context, query string, f func(row []driver.Value) error) error {
	if err := s.within(ctx, query); err != nil {
		return err
	}
	s.spent = s.spent || !passes(query)
	rows, err := s.conn.QueryContext(ctx, query, nil)
	if err != nil {
		return s.error(ctx, err)
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(row); err == io.EOF {
			return ctx.Err()
		} else if err != nil {
			return s.error(ctx, err)
		}
		if err := f(row); err != nil {
			return err
		}
	}
}

// one returns the only row of the query.
func (s *session) one(ctx context.Context, query string) ([]driver.Value, error) {
	var out []driver.Value
	err := s.each(ctx, query, func(row []driver.Value) error {
		out = append([]driver.Value(nil), row...)
		return nil
	})
	if err == nil && out == nil {
		err = fmt.Errorf("no row from %s", query)
	}
	return out, err
}

// number is the first value of the only row of a query, a bigint.
func (s *session) number(ctx context.Context, query string) (n int64, err error) {
	return n, s.value(ctx, query, func(v vector) { n = *(*int64)(v.data) })
}

// word is the first value of the only row of a query, a text.
func (s *session) word(ctx context.Context, query string) (text string, err error) {
	return text, s.value(ctx, query, func(v vector) {
		v.texts(func(_ int, s []byte, _ bool) { text = string(s) })
	})
}

// value takes the first value of the only row of a query.
func (s *session) value(ctx context.Context, query string, take func(vector)) error {
	rows := 0
	err := errors.Join(s.within(ctx, query), s.vectors(ctx, query, func(columns []vector) {
		if rows += columns[0].rows; rows == 1 {
			take(columns[0])
		}
	}))
	if err == nil && rows != 1 {
		err = fmt.Errorf("%d rows from %s, and one was expected", rows, query)
	}
	return err
}

// file is the path of a file of the session's own. In an engine that is kept no two sessions ever have the same, so that none meets what the
// engine remembers of another's.
func (s *session) file(name string) string {
	if s.engine != nil {
		name = s.database + "-" + name
	}
	return filepath.Join(s.dir, name)
}

// large is file for one that may have any size: it lies where the engine spills to.
func (s *session) large(name string) string {
	if s.engine != nil {
		return filepath.Join(s.engine.spillLink(), s.database+"-"+name)
	}
	return s.file(name)
}

// plain returns a path to the same file that the engine may read, and does not take for a pattern.
// A link of a plain name stands for a path that is not: [ in a folder's name is a class of characters for the engine.
func (s *session) plain(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil || s.engine == nil && !strings.ContainsAny(abs, "*?[") || s.linked[abs] != "" {
		return abs, err
	}
	for link, to := range s.linked {
		if to == abs {
			return link, nil
		}
	}
	if s.dir == "" {
		return "", fmt.Errorf("the path %s has one of the characters * ? [ in it and there is no folder for temporary files to work around that", path)
	}
	link := s.file(fmt.Sprintf("in%d%s", len(s.linked), filepath.Ext(abs)))
	s.linked[link] = abs
	return link, os.Symlink(abs, link)
}

// target returns a path to the same file that the engine may write.
func (s *session) target(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil || s.engine == nil {
		return abs, err
	}
	for link, to := range s.linked {
		if to == filepath.Dir(abs) {
			return filepath.Join(link, filepath.Base(abs)), nil
		}
	}
	link := s.file(fmt.Sprintf("out%d", len(s.linked)))
	s.linked[link] = filepath.Dir(abs)
	return filepath.Join(link, filepath.Base(abs)), os.Symlink(filepath.Dir(abs), link)
}

// Quote writes an identifier for SQL.
func Quote(identifier string) string {
	return `"` + strings.ReplaceAll(identifier, `"`, `""`) + `"`
}

// Literal writes a string for SQL.
func Literal(s string) string { return literal(s) }

// literal is a text in single quotes; the engine reads no escapes in those but a doubled quote.
func literal(s string) string {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
