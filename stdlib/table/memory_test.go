package table

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// TestOutOfMemoryNamesTheBlocksLimit: a query that needs more memory than it may have is told in words that its author can follow.
func TestOutOfMemoryNamesTheBlocksLimit(t *testing.T) {
	t.Setenv("MLP_MEMORY_MB", "80") // of which the engine takes 64 MB at least
	_, err := Run(t.Context(), Query{SQL: "select list(i) as x from range(100000000) r(i)", Out: filepath.Join(t.TempDir(), "out.parquet")})
	var e *Error
	if !errors.As(err, &e) || e.Kind != "Out of Memory" || !strings.Contains(e.Message, "memory_mb") || !strings.Contains(e.Message, "64 MB") ||
		strings.Contains(strings.ToLower(e.Message), "memory_limit") || strings.Contains(e.Message, "threads") {
		t.Errorf("got %v, want the block's limit", err)
	}
}

// TestLimitsOfMemoryEndWithTheirStage asks for much of one engine, by queries, readers, keys, CSV, JSON, Parquet, frames and exports: in a
// stage with little memory, which is refused, and then in one with much, with little again, and with no limit, none of which may have that of
// the one before.
func TestLimitsOfMemoryEndWithTheirStage(t *testing.T) {
	keeping(t)
	dir := t.TempDir()
	t.Setenv("MLP_MEMORY_MB", "")
	long, wide, jsons := filepath.Join(dir, "long.parquet"), filepath.Join(dir, "wide.csv"), filepath.Join(dir, "wide.ndjson")
	if _, err := Run(t.Context(), Query{SQL: "select i, repeat('x', i * 50000000) as s from range(1, 2) r(i)", Out: long}); err != nil {
		t.Fatal(err)
	}
	const n = 2500
	var header, row, object strings.Builder
	columns := make([]CSVColumn, n)
	for i := range columns {
		name := fmt.Sprintf("c%d", i)
		columns[i] = CSVColumn{Column: schema.Column{Name: name, Type: "varchar"}, Header: name}
		fmt.Fprintf(&header, ",%s", name)
		fmt.Fprintf(&row, ",%d", i)
		fmt.Fprintf(&object, ",\"%s\":%d", name, i)
	}
	err := errors.Join(os.WriteFile(wide, []byte(header.String()[1:]+"\n"+row.String()[1:]+"\n"), 0o600),
		os.WriteFile(jsons, []byte("{"+object.String()[1:]+"}\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	csv := CSV{Header: true, Files: []File{{wide, "wide.csv"}}}
	plain := []schema.Column{{Name: "i", Type: "bigint"}, {Name: "s", Type: "varchar"}}
	text := []CSVColumn{{Column: plain[1], Header: "s"}}
	f, err := ReadFrame(t.Context(), long, nil)
	if err != nil {
		t.Fatal(err)
	}
	ways := []struct {
		name string
		ask  func(out string) error
	}{
		{"query", func(out string) error {
			_, err := Run(t.Context(), Query{SQL: "select s || i as s from t", Tables: map[string]string{"t": long}, Out: out})
			return err
		}},
		{"reader", func(string) error {
			r, err := OpenReader(t.Context(), map[string]string{"t": long})
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = r.Row(t.Context(), "select length(min(s)) from t")
			return err
		}},
		{"key", func(string) error { return CheckKey(t.Context(), long, Key{Columns: []string{"s"}}) }},
		{"sniff", func(string) error { _, err := csv.Sniff(t.Context()); return err }},
		{"load", func(out string) error { _, err := csv.Load(t.Context(), columns, out); return err }},
		{"load json", func(out string) error {
			_, err := JSON{Files: []File{{jsons, "wide.ndjson"}}}.Load(t.Context(), columns, out)
			return err
		}},
		{"load parquet", func(out string) error {
			_, err := LoadParquet(t.Context(), []File{{long, "long.parquet"}}, text, 1, out)
			return err
		}},
		{"read frame", func(string) error { _, err := ReadFrame(t.Context(), long, nil); return err }},
		{"write frame", func(out string) error { return WriteFrame(t.Context(), out, f, plain) }},
		{"to csv", func(out string) error { return ToCSV(t.Context(), long, out) }},
		{"to json", func(out string) error { return ToNDJSON(t.Context(), long, out) }},
	}
	engine := func() string {
		if shelf.engine == nil {
			return ""
		}
		return shelf.engine.dir
	}
	t.Setenv("MLP_MEMORY_MB", "4096")
	if err := errors.Join(Reset(t.Context()), CheckKey(t.Context(), long, Key{Columns: []string{"i"}})); err != nil {
		t.Fatal(err)
	}
	first := engine()
	for _, way := range ways {
		for _, limit := range []string{"80", "4096", "80", ""} {
			t.Setenv("MLP_MEMORY_MB", limit)
			err := way.ask(filepath.Join(t.TempDir(), "out"))
			var e *Error
			refused := errors.As(err, &e) && e.Kind == "Out of Memory" && strings.Contains(err.Error(), "memory_mb")
			if limit == "80" && !refused || limit != "80" && err != nil {
				t.Errorf("%s with %q MB: got %v", way.name, limit, err)
			}
			if err := Reset(t.Context()); err != nil {
				t.Fatal(err)
			}
			if engine() != first {
				t.Fatalf("%s with %q MB ended the engine, so that what follows shows nothing", way.name, limit)
			}
		}
	}
}

// TestHeapLimit: what Go's heap may have beside the engine, and without a session.
func TestHeapLimit(t *testing.T) {
	for limit, want := range map[string][2]int64{"": {0, 0}, "80": {40, 53}, "512": {272, 341}, "1024": {512, 682}, "12000": {6000, 8000}} {
		t.Setenv("MLP_MEMORY_MB", limit)
		if beside, alone := heapLimit(true)>>20, heapLimit(false)>>20; beside != want[0] || alone != want[1] {
			t.Errorf("of %q MB: got %d beside the engine and %d without, want %d", limit, beside, alone, want)
		}
	}
	// The limit holds while a session is open, and after it the other one. Sessions that other tests left open are set aside.
	heap.Lock()
	others := heap.sessions
	heap.sessions = 0
	heap.Unlock()
	defer heapShared(others)
	t.Setenv("MLP_MEMORY_MB", "512")
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	open := debug.SetMemoryLimit(-1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if closed := debug.SetMemoryLimit(-1); open != heapLimit(true) || closed != heapLimit(false) {
		t.Errorf("got %d with a session and %d without", open, closed)
	}
	t.Setenv("MLP_MEMORY_MB", "")
	heapShared(0)
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("got %d without a limit of memory", got)
	}
}
