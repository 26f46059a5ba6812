package table

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
)

func BenchmarkFrame(b *testing.B) {
	csv, err := filepath.Abs("../../../shared/data/diamonds.csv")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := os.Stat(csv); err != nil {
		b.Skip("../shared/data/diamonds.csv is not there")
	}
	path := filepath.Join(b.TempDir(), "in.parquet")
	s, err := open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := s.copyParquet(b.Context(), "select * from read_csv("+literal(csv)+")", path); err != nil {
		b.Fatal(err)
	}
	f, err := ReadFrame(b.Context(), path, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := ReadFrame(b.Context(), path, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			if err := WriteFrame(b.Context(), filepath.Join(b.TempDir(), "out"), f, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			s, err := open(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			s.Close()
		}
	})
}

// BenchmarkCSV loads a file of 300,000 rows and 30 columns, whole numbers, fractions, words and times, and has the engine copy the same
// file by itself, typed, to Parquet. It reports processor time: of loading over that of the copy, in the order of the file and with rows
// sorted; and on two threads of loading alone, and of loading and a dataset that is all of it, over that of the copy.
func BenchmarkCSV(b *testing.B) {
	ctx := context.Background()
	s, err := open(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	terms, types, columns := []string{"range as id"}, []string{"'id': 'bigint'"}, []CSVColumn{{Column: schema.Column{Name: "id", Type: "bigint"}}}
	for i := range 29 {
		kind, expr := "double", "round(random()*1000000)/1000"
		switch {
		case i%3 == 1:
			kind, expr = "bigint", "(random()*1000000)::bigint"
		case i%9 == 2:
			kind, expr = "varchar", "'v' || (random()*1000)::int"
		case i%9 == 5:
			kind, expr = "timestamp", "timestamp '2024-01-01' + to_seconds((random()*1e7)::int)"
		}
		name := fmt.Sprintf("x%d", i)
		terms, types = append(terms, expr+" as "+name), append(types, fmt.Sprintf("'%s': '%s'", name, kind))
		columns = append(columns, CSVColumn{Column: schema.Column{Name: name, Type: kind}})
	}
	dir := b.TempDir()
	file, out := filepath.Join(dir, "a.csv"), filepath.Join(dir, "a.parquet")
	if _, err := s.one(ctx, "copy (select setseed(0.5) is null, "+strings.Join(terms, ", ")+" from range(300000)) to "+literal(file)+" (header true)"); err != nil {
		b.Fatal(err)
	}
	scan := "select * from read_csv(" + literal(file) + ", auto_detect = false, header = true, columns = {'s': 'boolean', " + strings.Join(types, ", ") + "})"
	var own, wide, sorted, load, loadSorted, source, dataset time.Duration
	passed := filepath.Join(dir, "b.parquet")
	for b.Loop() {
		own += processorTime(b, func() error { _, err := s.copyParquet(ctx, scan, out); return err })
		wide += processorTime(b, func() error {
			return s.wide(ctx, 2, func() error { _, err := s.copyParquet(ctx, scan, out); return err })
		})
		sorted += processorTime(b, func() error { _, err := s.copyParquet(ctx, scan+" order by all", out); return err })
		c := CSV{Files: []File{{Path: file, Name: "a.csv"}}, Header: true, Unsorted: true}
		load += processorTime(b, func() error { _, err := c.Load(ctx, columns, out); return err })
		c.Unsorted = false
		loadSorted += processorTime(b, func() error { _, err := c.Load(ctx, columns, out); return err })
		c.Threads = 2
		source += processorTime(b, func() error { _, err := c.Load(ctx, columns, out); return err })
		q := Query{SQL: "select * from t", Tables: map[string]string{"t": out}, OrderBy: []string{"id"}, Key: Key{Columns: []string{"id"}}, Threads: 2, Out: passed}
		dataset += processorTime(b, func() error { _, err := Run(ctx, q); return err })
	}
	b.ReportMetric(float64(load)/float64(own), "load/copy")
	b.ReportMetric(float64(loadSorted)/float64(sorted), "sorted-load/sorted-copy")
	b.ReportMetric(float64(source)/float64(wide), "source/copy-on-2")
	b.ReportMetric(float64(source+dataset)/float64(wide), "source+dataset/copy-on-2")
}

func processorTime(b *testing.B, do func() error) time.Duration {
	b.Helper()
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	return used() - before
}
