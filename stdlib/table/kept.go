package table

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// To start the engine costs ten times what a small query costs: its catalog of some three thousand functions is built anew. A
// process that runs many stages keeps one engine instead. Of a session nothing is seen by the next:
//
//   - Each session has a connection to itself, and a database in memory once it makes something there (within). Tables, views, macros and
//     types are in that database, or temporary in the connection; both end with the session.
//   - The file system is closed but for the engine's own folder, from the start and for good. A session's files are links in
//     there, removed at its end. The engine spills to the folder for temporary files of the stage that runs.
//   - A connection has another session only where every statement was one that reads and none failed: nothing can be in it.
//   - When a stage has ended (Reset), the one database that all sessions could write gives way to an empty one. Settings of a
//     connection end with it; those of the engine, its databases and secrets are compared with what they were at the start. Where anything is left,
//     the engine is closed, and another one started. All of that is left out where every statement of the stage was one that only reads
//     (reads), as those of most are.
//
// A statement costs a twentieth of a millisecond at least, whatever it does, and a tiny stage takes one and a half: what can hold for all connections is
// said once.
//
// What a session yields is the same bytes either way; the tests of this package run under a kept engine too.

// shelf holds the engine that sessions of this process share; nil: each session starts one of its own.
var shelf struct {
	sync.Mutex
	folder string // of engines
	engine *engine
}

// Keep has the sessions of this process share one engine, which works in a folder: it is the caller's, and stays as long as the
// process. Keep is called once, before the first session.
func Keep(folder string) {
	shelf.Lock()
	defer shelf.Unlock()
	shelf.folder = folder
}

// Reset is called between two stages, when no session is open. It ends an engine in which something was left behind.
func Reset(ctx context.Context) error {
	shelf.Lock()
	defer shelf.Unlock()
	e := shelf.engine
	if e == nil {
		return nil
	}
	if left, err := e.left(ctx); err != nil || left != "" {
		shelf.engine = nil
		return errors.Join(err, e.close())
	}
	return nil
}

// engine is one that sessions share.
type engine struct {
	connector *duckdb.Connector
	own       *duckdb.Conn // for looking at the engine, and for taking sessions' databases away
	dir       string       // private
	spill     string       // the folder for temporary files that it spills to now
	fresh     string       // what left finds in an engine that nobody has used
	most      string       // the limit of memory that the engine starts with, as it writes it: a share of the machine's

	serializer serializer // on own

	rested *duckdb.Conn // of a session that did nothing but read and made nothing, for the next; nil: there is none

	wrote atomic.Bool // since the last Reset a session ran a statement that does more than read

	mu     sync.Mutex
	opened int   // sessions, since the start
	open   int   // sessions, now
	limit  int64 // of memory, in MiB, that was last set; 0: most
	broken bool  // a session could not be taken away
}

// shared returns the engine that sessions share, started where there is none; nil where each session has its own.
func shared(ctx context.Context) (*engine, error) {
	shelf.Lock()
	defer shelf.Unlock()
	if shelf.folder == "" || shelf.engine != nil {
		return shelf.engine, nil
	}
	dir, err := os.MkdirTemp(shelf.folder, "engine-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the SQL engine: %w", err)
	}
	e, err := start(ctx, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	shelf.engine = e
	return e, nil
}

// start starts an engine that may read and write below dir and nowhere else. It is locked before any query of a stage
// reaches it; the order of the settings matters, since the last one cannot be taken back.
func start(ctx context.Context, dir string) (*engine, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("starting the SQL engine: %w", err)
	}
	e := &engine{connector: connector, dir: dir}
	if err := errors.Join(e.settle(ctx), e.ownOne(ctx)); err != nil {
		return nil, errors.Join(err, connector.Close())
	}
	return e, nil
}

// settle says what holds for all connections, over one that ends with it.
func (e *engine) settle(ctx context.Context) error {
	conn, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	s := session{conn: conn}
	return s.exec(ctx, slices.Concat([]string{"set temp_directory = " + literal(e.spillLink())}, fixed, []string{
		"set global TimeZone = 'UTC'",
		"set enable_external_file_cache = false", "set allow_persistent_secrets = false",
		"set allowed_directories = [" + literal(e.dir) + "]",
		"set enable_external_access = false",
	})...)
}

// ownOne makes the engine's own connection. It sets nothing that look would see in the place of what holds for all.
func (e *engine) ownOne(ctx context.Context) (err error) {
	if e.own, err = e.connect(ctx); err != nil {
		return err
	}
	own := session{conn: e.own}
	err = errors.Join(own.exec(ctx, "pragma disable_optimizer"), e.rebase(ctx)) // a look takes longer to optimize than to run
	if err == nil {
		e.most, err = e.memoryLimit(ctx)
	}
	if err == nil {
		e.fresh, err = e.look(ctx)
	}
	if err != nil {
		return errors.Join(err, e.own.Close())
	}
	return nil
}

// connect opens a connection, which sees all databases of the engine.
func (e *engine) connect(ctx context.Context) (*duckdb.Conn, error) {
	conn, err := e.connector.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to the SQL engine: %w", err)
	}
	return conn.(*duckdb.Conn), nil
}

// session opens one with a connection of its own.
func (e *engine) session(ctx context.Context) (*session, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.opened++
	name := fmt.Sprintf("session%d", e.opened)
	s := &session{engine: e, database: name, dir: e.dir, linked: map[string]string{}}
	err := e.spillTo(os.TempDir())
	if err != nil {
		return nil, err
	}
	var setting error
	if s.conn, e.rested = e.rested, nil; s.conn == nil {
		if s.conn, err = e.connect(ctx); err != nil {
			return nil, err
		}
		setting = (&session{conn: s.conn}).run(ctx, "set errors_as_json = true") // which cannot be said for all connections
	}
	e.open++
	if err := errors.Join(setting, e.limitTo(ctx, memoryMB())); err != nil {
		e.broken = true
		return nil, errors.Join(err, e.leave(s))
	}
	return s, nil
}

// limitTo sets how much memory the engine may take, in MiB. Limits are of the engine and not of the session, and the same for all sessions of
// a stage: another one is met by the first of a stage, before which nothing was left, and is what has to be found after it. Where the stage has
// none, the one from the start is set: RESET changes what the setting says, and not the limit that holds (duckdb/duckdb#22203).
func (e *engine) limitTo(ctx context.Context, mb int64) error {
	if mb == e.limit {
		return nil
	}
	limit := e.most
	if mb > 0 {
		limit = fmt.Sprintf("%dMiB", mb)
	}
	own := session{conn: e.own}
	err := own.exec(ctx, "set memory_limit = "+literal(limit))
	if err == nil {
		e.limit = mb
		e.fresh, err = e.look(ctx)
	}
	return err
}

// memoryLimit is the limit of memory that holds, as the engine writes it. The setting of that name can say another.
func (e *engine) memoryLimit(ctx context.Context) (string, error) {
	own := session{conn: e.own}
	row, err := own.one(ctx, "select memory_limit from pragma_database_size() limit 1")
	if err != nil {
		return "", err
	}
	limit, _ := row[0].(string)
	return limit, nil
}

// base is the database that connections begin with, and that all of them can write.
const base = "memory"

// rebase gives it up for an empty one of its name.
func (e *engine) rebase(ctx context.Context) error {
	own := session{conn: e.own}
	return own.exec(ctx, "attach ':memory:' as next", "use next", "detach "+base, "attach ':memory:' as "+base, "use "+base, "detach next")
}

// reads reports whether a statement leaves nothing behind but in the files that it writes: it begins as one that reads does, or makes a
// temporary view. Queries of stages are looked through before they are run (check), and call nothing that does more.
func reads(statement string) bool {
	for _, begin := range []string{"select ", "copy (select ", "copy (with ", "describe ", "create temp view "} {
		if strings.HasPrefix(statement, begin) {
			return !strings.Contains(statement, ";") // behind which another may begin
		}
	}
	return false
}

// passes reports whether a statement that reads leaves nothing in its connection either.
func passes(statement string) bool {
	return !strings.HasPrefix(statement, "create ") && reads(statement)
}

// within gives a session of an engine that is kept a database of its own before it runs the first statement that does more than read.
func (s *session) within(ctx context.Context, statement string) error {
	if s.engine == nil || reads(statement) {
		return nil
	}
	s.engine.wrote.Store(true)
	if s.attached {
		return nil
	}
	s.attached = true
	for _, q := range []string{"attach ':memory:' as " + s.database, "use " + s.database} {
		if err := s.run(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// spillLink is the link by which the engine finds the folder that it spills to, for that cannot be set once the file system is closed.
func (e *engine) spillLink() string { return filepath.Join(e.dir, "spill") }

// spillTo has the engine spill to a folder for temporary files.
func (e *engine) spillTo(folder string) error {
	if e.spill == folder {
		return nil
	}
	if err := os.Remove(e.spillLink()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	e.spill = folder
	return os.Symlink(folder, e.spillLink())
}

// end takes a session away.
func (e *engine) end(s *session) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.leave(s)
}

// leave ends a session of the engine. A database that cannot be detached makes the engine one that is not used again.
func (e *engine) leave(s *session) error {
	e.open--
	var err error
	if e.rested == nil && !s.spent {
		e.rested = s.conn
	} else {
		err = s.conn.Close()
	}
	for file := range s.linked {
		if failed := os.Remove(file); failed != nil && !errors.Is(failed, os.ErrNotExist) {
			e.broken = true
			err = errors.Join(err, failed)
		}
	}
	if !s.attached {
		return err
	}
	own := session{conn: e.own}
	if failed := own.exec(context.Background(), "detach database if exists "+s.database); failed != nil {
		e.broken = true
		err = errors.Join(err, failed)
	}
	return err
}

// left says what is not as it was at the start; empty: all is.
func (e *engine) left(ctx context.Context) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.broken:
		return "a session that could not be taken away", nil
	case e.open > 0:
		return "a session that is open", nil
	case !e.wrote.Load():
		return "", nil
	}
	e.wrote.Store(false)
	if err := errors.Join(e.wake(), e.rebase(ctx)); err != nil {
		return "a database that could not be made anew", nil
	}
	now, err := e.look(ctx)
	if err != nil || now == e.fresh {
		return "", err
	}
	return "another setting, database or secret", nil
}

// wake ends the connection that rests.
func (e *engine) wake() error {
	if e.rested == nil {
		return nil
	}
	err := e.rested.Close()
	e.rested = nil
	return err
}

// look writes down all that could be left behind in the engine, as a new connection sees it.
func (e *engine) look(ctx context.Context) (string, error) {
	var b strings.Builder
	own := session{conn: e.own}
	// Names of secrets are compared, and never their values.
	for _, query := range []string{
		"select string_agg(concat_ws(chr(9), name, value), chr(10)) from duckdb_settings()",
		"select concat_ws(chr(9), database_name, path) from duckdb_databases()",
		"select concat_ws(chr(9), name, type) from duckdb_secrets()",
	} {
		err := own.each(ctx, query, func(row []driver.Value) error {
			_, err := fmt.Fprintln(&b, row[0])
			return err
		})
		if err != nil {
			return "", err
		}
		b.WriteString("\n")
	}
	return b.String(), nil
}

// close ends the engine, and removes its folder.
func (e *engine) close() error {
	e.serializer.close()
	return errors.Join(e.wake(), e.own.Close(), e.connector.Close(), os.RemoveAll(e.dir))
}
