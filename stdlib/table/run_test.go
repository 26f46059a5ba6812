package table

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/frame"
)

func sample() *frame.Frame {
	return &frame.Frame{Rows: 4, Columns: []frame.Column{
		{Name: "k", Type: "bigint", Num: []float64{3, 1, 2, math.NaN()}},
		{Name: "x", Type: "double", Num: []float64{1.5, math.NaN(), math.Inf(1), -0.25}},
		{Name: "s", Type: "varchar", Codes: []int32{1, -1, 0, 1}, Levels: []string{"a", "é\"'"}},
		{Name: "t", Type: "timestamp", Num: []float64{0, 1700000000.123456, -1.5, math.NaN()}},
		{Name: "b", Type: "boolean", Num: []float64{1, 0, math.NaN(), 1}},
		{Name: "d", Type: "date", Num: []float64{86400, 0, math.NaN(), -86400}},
	}}
}

func write(t *testing.T, f *frame.Frame) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in[1].parquet")
	if err := WriteFrame(t.Context(), path, f, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFrameRoundTrip(t *testing.T) {
	want := sample()
	got, err := ReadFrame(t.Context(), write(t, want), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })); d != "" {
		t.Error(d)
	}
}

func TestReadFrameErrors(t *testing.T) {
	path := write(t, sample())
	if _, err := ReadFrame(t.Context(), path, []string{"kk"}); err == nil || !strings.Contains(err.Error(), `no column "kk"`) {
		t.Errorf("got %v", err)
	}
	if _, err := ReadFrame(t.Context(), path+"x", nil); err == nil || !strings.Contains(err.Error(), path+"x") {
		t.Errorf("got %v", err)
	}
	list := filepath.Join(t.TempDir(), "list.parquet")
	if _, err := Run(t.Context(), Query{SQL: "select [1] l", Out: list}); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFrame(t.Context(), list, nil); err == nil || !strings.Contains(err.Error(), `column "l" has type integer[]`) {
		t.Errorf("got %v", err)
	}
}

func TestRunOrdersAndTypes(t *testing.T) {
	in := write(t, sample())
	out := filepath.Join(t.TempDir(), "out.parquet")
	want := []schema.Column{{Name: "s", Type: "varchar"}, {Name: "n", Type: "bigint"}}
	n, err := Run(t.Context(), Query{SQL: "select s, sum(k) n from p group by s", Tables: map[string]string{"p": in},
		OrderBy: []string{"s"}, Columns: want, Out: out})
	if err != nil || n != 3 {
		t.Fatalf("got %d, %v", n, err)
	}
	f, err := ReadFrame(t.Context(), out, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int32{0, 1, -1}, f.Columns[0].Codes) + cmp.Diff([]float64{2, 3, 1}, f.Columns[1].Num); d != "" {
		t.Error(d)
	}
	if rows, err := Rows(t.Context(), out); err != nil || rows != 3 {
		t.Errorf("got %d, %v", rows, err)
	}
}

func TestRunRefuses(t *testing.T) {
	in := write(t, sample())
	secret := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(secret, []byte("a\n1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		sql  string
		want string
	}{
		{"select * from read_csv('" + secret + "')", "cannot read with read_csv"},
		{"select * from '" + secret + "'", "there is no table"},
		{"select * from other", "there is no table"},
		{"select random() r from p", "another value on every run"},
		{"select s::integer i from p", "Could not convert"},
		{"select sum(9223372036854775807::hugeint * 2) h from p", "out of range"},
		{"select kk from p", "kk"},
	}
	for _, test := range tests {
		out := filepath.Join(t.TempDir(), "out.parquet")
		_, err := Run(t.Context(), Query{SQL: test.sql, Tables: map[string]string{"p": in}, Out: out})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v", test.sql, err)
		}
	}
	_, err := Run(t.Context(), Query{SQL: "select k from p", Tables: map[string]string{"p": in}, Columns: []schema.Column{{Name: "k", Type: "double"}},
		Out: filepath.Join(t.TempDir(), "x")})
	if err == nil || !strings.Contains(err.Error(), "k bigint, expected k double") {
		t.Errorf("got %v", err)
	}
}

func TestRunSameBytes(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.parquet")
	if _, err := Run(t.Context(), Query{SQL: "select i, hash(i) % 1000 g, sin(i) x, 'v' || (i % 77) s from range(300000) r(i)", Out: in}); err != nil {
		t.Fatal(err)
	}
	queries := []string{
		"select g, sum(x) x, avg(x) a, string_agg(s) ss, any_value(i) i from p group by g",
		"select distinct on (s) s, i, x from p",
		"select a.g, a.i, b.x from p a join p b on a.i = b.i + 1 where a.g < 100",
		"select g, approx_quantile(x, 0.5) q, approx_count_distinct(s) n from p group by g",
		"select i, x from p using sample reservoir(1000 rows) repeatable (3)",
	}
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, q := range queries {
		var first []byte
		for i, procs := range []int{1, 2, 2} {
			runtime.GOMAXPROCS(procs)
			out := filepath.Join(dir, "out.parquet")
			if _, err := Run(t.Context(), Query{SQL: q, Tables: map[string]string{"p": in}, Out: out}); err != nil {
				t.Fatalf("%s: %v", q, err)
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = got
			} else if !bytes.Equal(got, first) {
				t.Errorf("run %d gave other bytes: %s", i, q)
			}
		}
	}
}

func TestRunCancelled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := Run(ctx, Query{SQL: "select sum(sin(a.i * b.i)) s from range(1000000) a(i), range(1000000) b(i)",
		Out: filepath.Join(t.TempDir(), "out.parquet")})
	if !errors.Is(err, context.DeadlineExceeded) { // the query alone would take hours
		t.Errorf("got %v", err)
	}
}

func TestEngineVersion(t *testing.T) {
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	row, err := s.one(t.Context(), "select version()")
	if err != nil || row[0] != "v"+EngineVersion {
		t.Errorf("got %v, %v", row, err)
	}
}
