package table

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain has the tests' sessions share an engine where it is asked for.
func TestMain(m *testing.M) {
	if dir := os.Getenv("MLP_TEST_KEPT"); dir != "" {
		Keep(dir)
	}
	os.Exit(m.Run())
}

// TestUnderAKeptEngine runs the tests of this package once more, in a process whose sessions share an engine: the same bytes, the same
// messages. The slowest are left out; with MLP_SOAK they are not.
func TestUnderAKeptEngine(t *testing.T) {
	if os.Getenv("MLP_TEST_KEPT") != "" {
		t.Skip("this is that process")
	}
	args := []string{"-test.run", "."}
	if os.Getenv("MLP_SOAK") == "" {
		args = append(args, "-test.skip", "TestEveryTypeIsStoredOrRefused|TestAsOfJoins|TestOperatorsDoNotDependOnSize|TestScratchIsRemoved|TestSameBytesOnThreads|TestOtherBytesOnThreads|TestTrees")
	}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "MLP_TEST_KEPT="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// keeping has the sessions of a test share an engine.
func keeping(t *testing.T) {
	t.Helper()
	if shelf.folder != "" {
		return
	}
	shelf.folder = t.TempDir()
	t.Cleanup(func() {
		shelf.folder = ""
		if shelf.engine != nil {
			_ = shelf.engine.close()
			shelf.engine = nil
		}
	})
}

// TestNothingIsLeft plants what a stage might leave behind, ends it, and looks for it from the next.
func TestNothingIsLeft(t *testing.T) {
	keeping(t)
	look := func(s *session, query string) string {
		var out []string
		err := s.each(t.Context(), query, func(row []driver.Value) error {
			out = append(out, fmt.Sprint(row[0]))
			return nil
		})
		if err != nil {
			return err.Error()
		}
		return strings.Join(out, "; ")
	}
	tests := []struct{ name, plant, query, want string }{
		{"data", "create table x as select 42 as y", "select y from x", "Table with name x does not exist"},
		{"data of another schema", "create schema z; create table z.x as select 42 as y", "select y from z.x", "does not exist"},
		{"a temporary table", "create temporary table x as select 42 as y", "select y from x", "Table with name x does not exist"},
		{"a view", "create view x as select 42 as y", "select y from x", "Table with name x does not exist"},
		{"a macro", "create macro answer() as 42", "select answer()", "Scalar Function with name answer does not exist"},
		{"a temporary macro", "create temporary macro answer() as 42", "select answer()", "Scalar Function with name answer does not exist"},
		{"a macro for all", "create macro memory.main.answer() as 42", "select memory.main.answer()", "does not exist"},
		{"a type", "create type mood as enum ('good')", "select 'good'::mood", "Type with name mood does not exist"},
		{"a type for all", "create type memory.main.mood as enum ('good')", "select 'good'::memory.main.mood", "does not exist"},
		{"a table for all", "create table memory.main.x as select 42 as y", "select y from memory.main.x", "does not exist"},
		{"a sequence for all", "create sequence memory.main.s start 42", "select nextval('memory.main.s')", "does not exist"},
		{"a schema for all", "create schema memory.z; create view memory.z.x as select 42 as y", "select y from memory.z.x", "does not exist"},
		{"an order of nulls for all", "set global default_null_order = 'nulls_first'", "select current_setting('default_null_order')", "NULLS_LAST"},
		{"a variable", "set variable answer = 42", "select getvariable('answer')", "<nil>"},
		{"a prepared statement", "prepare answer as select 42", "execute answer", "does not exist"},
		{"a database", "attach ':memory:' as other; create table other.x as select 42 as y", "select y from other.x", "does not exist"},
		{"a setting of a connection", "set null_order = 'nulls_first'", "select current_setting('null_order')", "NULLS_LAST"},
		{"a setting of the engine", "set global default_order = 'desc'", "select current_setting('default_order')", "ASC"},
		{"a limit of memory", "set memory_limit = '50MB'", "select current_setting('memory_limit') = '47.6 MiB'", "false"},
		{"threads", "set threads = 4", "select current_setting('threads')", "1"},
		{"a time zone", "set global TimeZone = 'Asia/Tokyo'", "select current_setting('TimeZone')", "UTC"},
		{"a transaction", "begin; create table x as select 42 as y", "select y from x", "Table with name x does not exist"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := s.exec(t.Context(), strings.Split(tt.plant, "; ")...); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := Reset(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s, err = open(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if got := look(s, tt.query); !strings.Contains(got, tt.want) {
				t.Errorf("%s: got %q, want %q", tt.query, got, tt.want)
			}
		})
	}
}

// TestWhatOnlyReads: after whatever is not known to leave nothing behind an engine is looked at.
func TestWhatOnlyReads(t *testing.T) {
	for statement, want := range map[string]bool{
		"select 1":                               true,
		"copy (select 1) to 'x'":                 true,
		"describe select 1":                      true,
		"create temp view x as select 1":         true,
		"select 1; set threads = 4":              false,
		"copy x from 'x'":                        false,
		"create view x as select 1":              false,
		"create or replace temp view x as ":      false,
		"explain analyze insert into x from y":   false,
		"with y as (select 1) insert into x fro": false,
		"pragma disable_optimizer":               false,
		"set threads = 4":                        false,
		" select 1":                              false,
	} {
		if got := reads(statement); got != want {
			t.Errorf("%s: got %t, want %t", statement, got, want)
		}
	}
	keeping(t)
	for statement, want := range map[string]bool{"select 1": false, "create temp table x as select 1 as y": true} {
		s, err := open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.exec(t.Context(), statement), s.Close()); err != nil {
			t.Fatal(err)
		}
		if got := shelf.engine.wrote.Load(); got != want {
			t.Errorf("%s: the engine is to be looked at: %t, want %t", statement, got, want)
		}
		if err := Reset(t.Context()); err != nil || shelf.engine.wrote.Load() {
			t.Errorf("%s: got %v, want an engine that was looked at", statement, err)
		}
	}
}

// TestAnEngineIsKept holds that sessions without trace share one engine, and that others end it.
func TestAnEngineIsKept(t *testing.T) {
	keeping(t)
	use := func(statements ...string) *engine {
		s, err := open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.exec(t.Context(), statements...); err != nil {
			t.Fatal(err)
		}
		return s.engine
	}
	first := use("create table x as select 1 as y")
	if err := Reset(t.Context()); err != nil || use("select 1") != first {
		t.Errorf("a session that leaves nothing ended the engine (%v)", err)
	}
	use("set global default_order = 'desc'")
	if err := Reset(t.Context()); err != nil || use("select 1") == first {
		t.Errorf("a setting did not end the engine (%v)", err)
	}
	open, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.conn.Close() }()
	if err := Reset(context.Background()); err != nil || shelf.engine != nil {
		t.Errorf("a session that is open did not end the engine (%v)", err)
	}
}

// TestWallsOfAKeptEngine: a session reads and writes its own files, and no others.
func TestWallsOfAKeptEngine(t *testing.T) {
	keeping(t)
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.txt")
	if err := os.WriteFile(secret, []byte("42"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, q := range []string{
		"select * from read_text(" + literal(secret) + ")",
		"select * from read_text(" + literal(filepath.Join(s.dir, "..", "..", "..", secret)) + ")",
		"copy (select 1) to " + literal(filepath.Join(dir, "out.csv")),
		"attach " + literal(filepath.Join(dir, "x.db")) + " as x",
		"set enable_external_access = true",
		"set allowed_directories = ['/']",
		"install httpfs",
		"load " + literal(secret),
	} {
		if err := s.exec(t.Context(), q); err == nil {
			t.Errorf("%s is not refused", q)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("got %v, %v, want the secret alone", files, err)
	}
	link, err := s.plain(secret)
	if err != nil {
		t.Fatal(err)
	}
	if row, err := s.one(t.Context(), "select content from read_text("+literal(link)+")"); err != nil || row[0] != "42" {
		t.Errorf("got %v, %v of a file that is the session's", row, err)
	}
}

// TestSpillsOfAKeptEngine sorts more than memory holds for one stage after another, each with a folder for temporary files of its own,
// which is removed with the stage.
func TestSpillsOfAKeptEngine(t *testing.T) {
	keeping(t)
	for range 2 {
		tmp := t.TempDir()
		t.Setenv("TMPDIR", tmp)
		t.Setenv("MLP_MEMORY_MB", "80") // of which the engine takes 64 MB at least
		s, err := open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		most := 0
		watching, stop := context.WithCancel(t.Context())
		var watch sync.WaitGroup
		watch.Go(func() {
			for watching.Err() == nil {
				files, _ := os.ReadDir(tmp)
				most = max(most, len(files))
				time.Sleep(time.Millisecond)
			}
		})
		_, err = s.copyParquet(t.Context(), "select hash(i) h, 'some text' || i s from range(1500000) r(i) order by h", filepath.Join(t.TempDir(), "out.parquet"))
		stop()
		watch.Wait()
		if err := errors.Join(err, s.Close(), Reset(t.Context())); err != nil {
			t.Fatal(err)
		}
		if most == 0 {
			t.Error("nothing was spilled to the stage's folder for temporary files")
		}
		if err := os.RemoveAll(tmp); err != nil {
			t.Error(err)
		}
	}
}
