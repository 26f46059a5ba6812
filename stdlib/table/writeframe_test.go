package table

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/frame"
)

// TestFramesAreWrittenAsTheDriverWouldWrite holds files to those made value by value with the driver's appender: of any number of rows about a
// chunk's, with nulls, with texts short and long, and with numbers of all kinds.
func TestFramesAreWrittenAsTheDriverWouldWrite(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	levels := []string{"", "a", "twelve bytes", "thirteen bytes", "ä", strings.Repeat("long ", 30), "Über zwölf Zeichen", "null"} // no NUL, at which the driver ends a text
	numbers := []float64{0, math.Copysign(0, -1), 1, -1.5, math.Inf(1), math.Inf(-1), math.NaN(), 5e-324, math.MaxFloat64, 1 << 53}
	for i, rows := range []int{0, 1, 63, 64, 2047, 2048, 2049, 5000, 125_000} {
		f := &frame.Frame{Rows: rows}
		var columns []schema.Column
		for c := range 1 + random.IntN(6) {
			column := frame.Column{Name: fmt.Sprint("c", c), Type: "double", Num: make([]float64, rows)}
			for r := range column.Num {
				if column.Num[r] = numbers[random.IntN(len(numbers))]; random.IntN(2) == 0 {
					column.Num[r] = random.NormFloat64()
				}
			}
			if c%2 == i%2 {
				column = frame.Column{Name: column.Name, Type: "varchar", Codes: make([]int32, rows), Levels: levels}
				for r := range column.Codes {
					column.Codes[r] = int32(random.IntN(len(levels)+1)) - 1
				}
			}
			f.Columns, columns = append(f.Columns, column), append(columns, schema.Column{Name: column.Name, Type: column.Type})
		}
		dir := t.TempDir()
		got, want := filepath.Join(dir, "got"), filepath.Join(dir, "want")
		if err := WriteFrame(t.Context(), got, f, columns); err != nil {
			t.Fatal(err)
		}
		writeByRow(t, want, f, columns)
		a, _ := os.ReadFile(got)
		b, _ := os.ReadFile(want)
		if len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%d rows of %d columns: %d bytes, and other %d", rows, len(columns), len(a), len(b))
		}
		if rows == 125_000 {
			back, err := ReadFrame(t.Context(), got, nil)
			if err != nil {
				t.Fatal(err)
			}
			for c := range f.Columns {
				for r := range rows {
					if back.Columns[c].ValueName(r) != f.Columns[c].ValueName(r) || back.Columns[c].Null(r) != f.Columns[c].Null(r) {
						t.Fatalf("column %d, row %d: got %q, want %q", c, r, back.Columns[c].ValueName(r), f.Columns[c].ValueName(r))
					}
				}
			}
		}
	}
}

// TestOddTextInFrames: text that is no UTF-8 is refused, by writing or by reading; NUL is a character as any other.
func TestOddTextInFrames(t *testing.T) {
	for _, s := range []string{"\x00", "a\x00b", "a long text with \x00 in it"} {
		f := &frame.Frame{Rows: 1, Columns: []frame.Column{{Name: "c", Type: "varchar", Codes: []int32{0}, Levels: []string{s}}}}
		path := filepath.Join(t.TempDir(), "out")
		if err := WriteFrame(t.Context(), path, f, nil); err != nil {
			t.Fatal(err)
		}
		if back, err := ReadFrame(t.Context(), path, nil); err != nil || back.Columns[0].ValueName(0) != s {
			t.Errorf("%q: got %+v, %v", s, back, err)
		}
	}
	f := &frame.Frame{Rows: 1, Columns: []frame.Column{{Name: "c", Type: "varchar", Codes: []int32{0}, Levels: []string{"a\xff"}}}}
	path := filepath.Join(t.TempDir(), "out")
	if err := WriteFrame(t.Context(), path, f, nil); err == nil {
		if _, err = ReadFrame(t.Context(), path, nil); err == nil {
			t.Error("it was written and read")
		}
	}
}

func writeByRow(t *testing.T, path string, f *frame.Frame, columns []schema.Column) {
	t.Helper()
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var defs []string
	source := make([]*frame.Column, len(columns))
	for i, c := range columns {
		source[i] = &f.Columns[i]
		defs = append(defs, fmt.Sprintf("c%d %s", i, c.Type))
	}
	if err := s.exec(t.Context(), "create table frame ("+strings.Join(defs, ", ")+")"); err != nil {
		t.Fatal(err)
	}
	a, err := duckdb.NewAppenderFromConn(s.conn, "", "frame")
	if err != nil {
		t.Fatal(err)
	}
	row := make([]driver.Value, len(columns))
	for r := range f.Rows {
		for i, c := range source {
			switch {
			case c.Null(r):
				row[i] = nil
			case c.Text():
				row[i] = c.Levels[c.Codes[r]]
			default:
				row[i] = c.Num[r]
			}
		}
		if err := a.AppendRow(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.copyParquet(t.Context(), unloadQuery(columns, source, "frame"), path); err != nil {
		t.Fatal(err)
	}
}

// TestColumnsAreReadAFewAtATime holds ReadColumns to ReadFrame, with batches of one column and of many, kinds in any order, and no columns at all,
// of which a frame has as many rows.
func TestColumnsAreReadAFewAtATime(t *testing.T) {
	for _, rows := range []int{0, 1, 3000, batchBytes/16 + 1} {
		path := filepath.Join(t.TempDir(), "in")
		sql := fmt.Sprintf(`select i as a, case when i %% 3 > 0 then 't' || i %% 5 end as b, i / 7 as c, 9007199254740993 + i as d, i %% 2 = 0 as e, 'x' || i %% 2 as f,
			case when i %% 4 = 0 then date '2026-01-01' end as g from range(%d) t(i)`, rows)
		if _, err := Run(t.Context(), Query{SQL: sql, Out: path}); err != nil {
			t.Fatal(err)
		}
		if none, err := ReadFrame(t.Context(), path, []string{}); err != nil || none.Rows != rows || len(none.Columns) != 0 {
			t.Errorf("%d rows: got %+v, %v of no columns", rows, none, err)
		}
		want, err := ReadFrame(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		next, batches := 0, 0
		err = ReadColumns(t.Context(), path, nil, func(before int, some []frame.Column) error {
			if batches++; before != next {
				t.Errorf("%d columns before, want %d", before, next)
			}
			for i, got := range some {
				c := want.Columns[before+i]
				if got.Name != c.Name || got.Type != c.Type || got.Text() != c.Text() || !slices.Equal(got.Codes, c.Codes) || !slices.Equal(got.Levels, c.Levels) ||
					!slices.EqualFunc(got.Num, c.Num, func(a, b float64) bool { return a == b || a != a && b != b }) || got.Exact != nil {
					t.Errorf("%d rows: column %s differs", rows, c.Name)
				}
			}
			next += len(some)
			return nil
		})
		if err != nil || next != len(want.Columns) || rows > 3000 && batches != next {
			t.Errorf("%d rows: %d columns in %d batches, %v", rows, next, batches, err)
		}
	}
	path := filepath.Join(t.TempDir(), "in")
	if _, err := Run(t.Context(), Query{SQL: "select 1 as a", Out: path}); err != nil {
		t.Fatal(err)
	}
	if err := ReadColumns(t.Context(), path, nil, func(int, []frame.Column) error { return io.EOF }); err != io.EOF {
		t.Errorf("got %v, want the error of take", err)
	}
}
