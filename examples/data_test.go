// Package examples_test holds the data of examples to the scripts that make it.
package examples_test

import (
	"bytes"
	"database/sql"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
)

var update = flag.Bool("update", false, "rewrite the data from the scripts")

// generate runs a script in a folder of its own, which has the folders of the data, and returns the files by path.
func generate(t *testing.T, data string) map[string][]byte {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(data, "generate.sql"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for path := range read(t, data) {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), string(script)); err != nil {
		t.Fatal(err)
	}
	return read(t, dir)
}

// read has the files below a folder by path, without the script.
func read(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "generate.sql" {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err == nil {
			out[rel], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDataIsWhatTheScriptMakes(t *testing.T) {
	for example, files := range map[string]int{"fraud": 12, "demand": 1, "income": 1} {
		t.Run(example, func(t *testing.T) {
			dir, err := filepath.Abs(filepath.Join(example, "data"))
			if err != nil {
				t.Fatal(err)
			}
			got, want := read(t, dir), generate(t, dir)
			if len(want) != files {
				t.Fatalf("the script made %d files, want %d", len(want), files)
			}
			if *update {
				for path, data := range want {
					if err := os.WriteFile(filepath.Join(dir, path), data, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				got = read(t, dir)
			}
			size := 0
			for path, data := range want {
				size += len(data)
				if !bytes.Equal(got[path], data) {
					t.Errorf("%s/data/%s is not what generate.sql makes: run go test ./examples -update", example, path)
				}
				delete(got, path)
			}
			for path := range got {
				t.Errorf("%s/data/%s is made by nothing", example, path)
			}
			if size > 1_800_000 {
				t.Errorf("the files have %d bytes, more than a repository should carry", size)
			}
		})
	}
}
