package source_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/source/sqlite"
)

// database makes a file of SQLite, and returns it open.
func database(t *testing.T, statements ...string) (dir string, db *sql.DB) {
	t.Helper()
	dir = t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	return dir, db
}

func TestSQLite(t *testing.T) {
	dir, _ := database(t,
		`create table v (id integer, big text, d real, day date, at timestamp, b boolean, raw blob, t text)`,
		`insert into v values (9223372036854775807, '12345678901234567890.5', 0.1, '2026-01-31', '2026-01-31 10:00:00.5', 1, x'00ff68', 'a "b"' || char(10) || 'ü'), (-1, null, 9e999, null, null, 0, x'', '')`)
	const columns = `"column": [{"name": "id", "type": "bigint"}, {"name": "big", "type": "decimal(30,2)"}, {"name": "d", "type": "double"}, {"name": "day", "type": "date"},
		{"name": "at", "type": "timestamp"}, {"name": "b", "type": "boolean"}, {"name": "raw", "type": "blob"}, {"name": "t", "type": "varchar"}]`
	path, _, _, err := run(t, sqlite.Component, dir, `{"path": "shop.db", "table": "v", `+columns+`}`)
	if err != nil {
		t.Fatal(err)
	}
	want := "id,big,d,day,at,b,raw,t\n-1,,inf,,,false,\"\",\"\"\n9223372036854775807,12345678901234567890.50,0.1,2026-01-31,2026-01-31T10:00:00.500000,true,\\x00\\xFFh,\"a \"\"b\"\"\nü\"\n"
	if got := text(t, path); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_, found, _, err := run(t, sqlite.Component, dir, `{"path": "shop.db", "query": "select id, d, day, t, raw, case when id > 0 then raw end as some, null as none from v;"}`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range found {
		got = append(got, c.Name+" "+c.Type)
	}
	if want := []string{"id bigint", "d varchar", "day date", "t varchar", "raw blob", "some blob", "none varchar"}; !slices.Equal(got, want) { // a real beside an infinite one is of two kinds of JSON
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSQLiteWAL: what is committed and stands beside the file counts, also while a program has the database open.
func TestSQLiteWAL(t *testing.T) {
	dir, db := database(t, "pragma journal_mode = wal", "create table v (id integer)", "insert into v values (1)")
	_, names, err := sqlite.Component.Source.Files(dir, []byte(`{"path": "shop.db"}`))
	if err != nil || !slices.Equal(names, []string{"shop.db", "shop.db-wal"}) {
		t.Fatalf("got %q, %v", names, err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("insert into v values (2)"); err != nil {
		t.Fatal(err)
	}
	path, _, _, err := run(t, sqlite.Component, dir, `{"path": "shop.db", "table": "v", "column": [{"name": "id", "type": "bigint"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, path); got != "id\n1\n" {
		t.Errorf("got %q", got)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "rows*")); len(left) > 0 {
		t.Errorf("%q was left beside the database", left)
	}
}

func TestSQLiteErrors(t *testing.T) {
	dir, _ := database(t, "create table v (id integer, x)", "insert into v values (1, 'a'), (2, x'6869'), (3, 2.5), (4, cast(x'ff' as text))")
	if err := os.WriteFile(filepath.Join(dir, "no.db"), []byte(strings.Repeat("no database ", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, query, kind, want string }{
		{"shop.db", "select x from v where id = 1", "bigint", `the query of shop.db row 1: column "x" holds "a", which is no bigint`},
		{"shop.db", "select x from v where id < 3", "varchar", `row 2: column "x" holds a blob`},
		{"shop.db", "select x from v where id = 1", "blob", `takes blobs alone`},
		{"shop.db", "select x from v where id = 3", "bigint", `holds "2.5", which is no bigint`},
		{"shop.db", "select x from v where id = 4", "varchar", `a text that is not UTF-8`},
		{"shop.db", "select x from w", "varchar", "no such table: w"},
		{"shop.db", "select x, x from v", "varchar", `two columns`},
		{"shop.db", "select id from v", "varchar", `has none of the columns`},
		{"shop.db", "delete from v", "varchar", "the query of shop.db yields no columns\nOne SELECT is expected"},
		{"shop.db", "create table w (x)", "varchar", "yields no columns"},
		{"shop.db", "delete from v returning x", "varchar", "cannot be read"},
		{"shop.db", "select 1 as x) ; drop table v; --", "varchar", "cannot be read"},
		{"no.db", "select 1 as x from v", "varchar", "file is not a database"},
		{"*.db", "select 1 as x from v", "varchar", "means 2 files"},
	} {
		_, _, _, err := run(t, sqlite.Component, dir, `{"path": "`+test.path+`", "query": "`+test.query+`", "column": [{"name": "x", "type": "`+test.kind+`"}]}`)
		var input *component.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s as %s: got %v", test.query, test.kind, err)
		}
	}
}
