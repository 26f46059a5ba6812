// Package fraud_test holds the example's data to the script that makes it.
package fraud_test

import (
	"bytes"
	"database/sql"
	"flag"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
)

var update = flag.Bool("update", false, "rewrite the data from the script")

// generate runs the script in a folder of its own and returns the files by name.
func generate(t *testing.T) map[string][]byte {
	t.Helper()
	script, err := os.ReadFile("data/generate.sql")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir("payments", 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), string(script)); err != nil {
		t.Fatal(err)
	}
	return read(t, filepath.Join(dir, "payments"))
}

func read(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, p := range paths {
		if out[filepath.Base(p)], err = os.ReadFile(p); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestDataIsWhatTheScriptMakes(t *testing.T) {
	dir, err := filepath.Abs("data/payments")
	if err != nil {
		t.Fatal(err)
	}
	want := generate(t)
	if len(want) != 12 {
		t.Fatalf("the script made %d files, want 12", len(want))
	}
	if *update {
		rewrite(t, dir, want)
	}
	got := read(t, dir)
	size := 0
	for name, data := range want {
		size += len(data)
		if !bytes.Equal(got[name], data) {
			t.Errorf("data/payments/%s is not what data/generate.sql makes: run go test ./examples/fraud -update", name)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("data/payments/%s is made by nothing", name)
	}
	if size > 1_800_000 {
		t.Errorf("the files have %d bytes, more than a repository should carry", size)
	}
}

func rewrite(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
