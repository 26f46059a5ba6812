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
	"sync"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// To start the engine costs ten times what a small query costs: its catalog of some three thousand functions is built anew. A
// process that runs many stages keeps one engine instead. Of a session nothing is seen by the next:
//
//   - Each session has a database in memory and a connection of its own. Tables, views, macros and types are in that database, or
//     temporary in the connection; both end with the session.
//   - The file system is closed but for the engine's own folder, from the start and for good. A session's files are links in
//     there, removed at its end. The engine spills to the folder for temporary files of the stage that runs.
//   - When a stage has ended (Reset), the one database that all sessions could write is made anew. Settings of a connection end with
//     it; those of the engine, its databases and secrets are compared with what they were at the start. Where anything is left, the
//     engine is closed, and another one started.
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

	mu     sync.Mutex
	opened int  // sessions, since the start
	open   int  // sessions, now
	broken bool // a session could not be taken away
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
	if e.own, err = e.connect(ctx); err != nil {
		return nil, errors.Join(err, connector.Close())
	}
	s := session{conn: e.own}
	err = s.exec(ctx, append([]string{"set temp_directory = " + literal(e.spillLink())}, fixed...)...)
	if err == nil {
		err = s.exec(ctx,
			"set enable_external_file_cache = false", "set allow_persistent_secrets = false",
			"set allowed_directories = ["+literal(dir)+"]",
			"set enable_external_access = false")
	}
	if err == nil {
		e.fresh, err = e.look(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, e.own.Close(), connector.Close())
	}
	return e, nil
}

func (e *engine) connect(ctx context.Context) (*duckdb.Conn, error) {
	conn, err := e.connector.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to the SQL engine: %w", err)
	}
	return conn.(*duckdb.Conn), nil
}

// session opens one with a database and a connection of its own.
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
	if s.conn, err = e.connect(ctx); err != nil {
		return nil, err
	}
	// Limits are of the engine and not of the session: each session sets them anew for the stage that it is of.
	limit := "reset memory_limit"
	if mb := memoryMB(); mb > 0 {
		limit = fmt.Sprintf("set memory_limit = '%dMiB'", mb)
	}
	e.open++
	if err := s.exec(ctx, limit, "set errors_as_json = true", "set TimeZone = 'UTC'", "attach ':memory:' as "+name, "use "+name); err != nil {
		e.broken = true
		return nil, errors.Join(err, e.leave(s))
	}
	return s, nil
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
	err := s.conn.Close()
	for file := range s.linked {
		if failed := os.Remove(file); failed != nil && !errors.Is(failed, os.ErrNotExist) {
			e.broken = true
			err = errors.Join(err, failed)
		}
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
	}
	own := session{conn: e.own}
	err := own.exec(ctx, "reset memory_limit", "attach ':memory:' as other", "use other", "detach memory", "attach ':memory:' as memory",
		"use memory", "detach other")
	if err != nil {
		return "a database that could not be made anew", nil
	}
	now, err := e.look(ctx)
	if err != nil || now == e.fresh {
		return "", err
	}
	return "another setting, database or secret", nil
}

// look writes down all that could be left behind in the engine, as a new connection sees it.
func (e *engine) look(ctx context.Context) (string, error) {
	conn, err := e.connect(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	var b strings.Builder
	s := session{conn: conn}
	// Names of secrets are compared, and never their values.
	for _, query := range []string{
		"select name, value from duckdb_settings()",
		"select database_name, path from duckdb_databases()",
		"select name, type from duckdb_secrets()",
	} {
		err := s.each(ctx, query, func(row []driver.Value) error {
			_, err := fmt.Fprintf(&b, "%v\t%v\n", row[0], row[1])
			return err
		})
		if err != nil {
			return "", err
		}
		io.WriteString(&b, "\n")
	}
	return b.String(), nil
}

func (e *engine) close() error {
	return errors.Join(e.own.Close(), e.connector.Close(), os.RemoveAll(e.dir))
}
