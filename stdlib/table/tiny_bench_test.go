package table

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
)

// BenchmarkTinyStages runs what the engine does for a stage of a few rows, as a worker does it, and reports its processor time.
func BenchmarkTinyStages(b *testing.B) {
	if shelf.folder == "" {
		Keep(b.TempDir())
	}
	dir := b.TempDir()
	in := filepath.Join(dir, "in.parquet")
	s, err := open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.copyParquet(b.Context(), "select range as id from range(3)", in); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	var used time.Duration
	const stages = 300
	for b.Loop() {
		used += processorTime(b, func() error {
			for i := range stages {
				out := filepath.Join(dir, "out", "table.parquet")
				if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
					return err
				}
				_, err := Run(b.Context(), Query{SQL: fmt.Sprintf("select id, id + %d as x from s", i), Tables: map[string]string{"s": in}, OrderBy: []string{"id"}, Typed: map[string][]schema.Column{"s": {{Name: "id", Type: "bigint"}}},
					Columns: []schema.Column{{Name: "id", Type: "bigint"}, {Name: "x", Type: "bigint"}}, Key: Key{Columns: []string{"id"}}, Out: out})
				if err != nil {
					return err
				}
				if err := Reset(b.Context()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	b.ReportMetric(1000*used.Seconds()/float64(b.N*stages), "cpu-ms/stage")
}
