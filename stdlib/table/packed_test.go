package table

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/packed"
)

// TestWritePacked: values of each type, more of them than a vector has, are those of the table, in their order; so are nulls.
func TestWritePacked(t *testing.T) {
	columns := []schema.Column{{Name: "n", Type: "integer"}, {Name: `a "b".c's`, Type: "varchar"}, {Name: "big", Type: "bigint"}, {Name: "x", Type: "double"},
		{Name: "is", Type: "boolean"}, {Name: "day", Type: "date"}, {Name: "at", Type: "timestamp"}}
	texts := []string{"", "north", "twelve bytes", "thirteen long", "é\u0001\" ß\n\t\\", "\u2028😀", strings.Repeat("long ", 5000)}
	const rows = 5000
	var want strings.Builder
	each := func(yield func([]byte, error) bool) {
		for row := 0; row < rows; {
			var some []byte
			for range 1 + row%700 {
				if row == rows {
					break
				}
				r := packed.Begin(some, len(columns))
				r.Integer(0, int64(row))
				if row%3 > 0 {
					r.Text(1, texts[row%len(texts)])
				}
				if row%5 > 0 {
					r.Integer(2, math.MinInt64+int64(row))
				}
				if row%7 > 0 {
					r.Double(3, float64(row)/3)
				}
				if row%11 > 0 {
					r.Boolean(4, row%2 == 0)
				}
				if row%13 > 0 {
					r.Integer(5, int64(row-2000))
				}
				if row%17 > 0 {
					r.Integer(6, int64(row)*1e9+1)
				}
				some = r.End()
				row++
			}
			if !yield(some, nil) {
				return
			}
		}
	}
	for row := range rows {
		null := func(every int, text string) string {
			if row%every == 0 {
				return "null"
			}
			return text
		}
		fmt.Fprintln(&want, row, null(3, fmt.Sprintf("%q", texts[row%len(texts)])), null(5, fmt.Sprint(math.MinInt64+int64(row))), null(7, fmt.Sprint(float64(row)/3)), null(11, fmt.Sprint(row%2 == 0)),
			null(13, time.Unix(int64(row-2000)*86400, 0).UTC().Format(time.DateOnly)), null(17, time.UnixMicro(int64(row)*1e9+1).UTC().Format("2006-01-02 15:04:05.000000")))
	}
	out := filepath.Join(t.TempDir(), "out.parquet")
	if err := WritePacked(t.Context(), each, columns, out); err != nil {
		t.Fatal(err)
	}
	f, err := ReadFrame(t.Context(), out, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for row := range f.Rows {
		for i, c := range f.Columns {
			value := "null"
			switch x := 0.0; {
			case c.Text():
				if c.Codes[row] >= 0 {
					value = fmt.Sprintf("%q", c.Levels[c.Codes[row]])
				}
			case c.Exact != nil && c.Exact[row] != "":
				value = c.Exact[row]
			default:
				if x = c.Num[row]; x != x {
					break
				}
				value = fmt.Sprint(x)
				switch columns[i].Type {
				case "integer":
					value = fmt.Sprint(int64(x))
				case "boolean":
					value = fmt.Sprint(x == 1)
				case "date":
					value = time.Unix(int64(x), 0).UTC().Format(time.DateOnly)
				case "timestamp":
					value = time.UnixMicro(int64(math.Round(x * 1e6))).UTC().Format("2006-01-02 15:04:05.000000")
				}
			}
			if i > 0 {
				got.WriteByte(' ')
			}
			got.WriteString(value)
		}
		got.WriteByte('\n')
	}
	if d := cmp.Diff(want.String(), got.String()); d != "" {
		t.Errorf("%.2000s", d)
	}
}

// TestWritePackedErrors: rows that are none, values that a column cannot have, and types that rows do not have leave no table.
func TestWritePackedErrors(t *testing.T) {
	integer, text := packed.Begin(nil, 1), packed.Begin(nil, 1)
	integer.Integer(0, math.MaxInt32+1)
	text.Text(0, "\xff")
	for _, c := range []struct {
		kind string
		rows []byte
		err  error
		want string
	}{
		{"integer", integer.End(), nil, "2147483648 is no integer"},
		{"varchar", text.End(), nil, "no UTF-8"},
		{"double", text.End(), nil, "no whole rows"},
		{"double", []byte("abc"), nil, "no whole rows"},
		{"double", nil, errors.New("cannot be read"), "cannot be read"},
		{"decimal(3,1)", nil, nil, `column "x": packed rows have no decimal(3,1)`},
	} {
		out := filepath.Join(t.TempDir(), "out.parquet")
		err := WritePacked(t.Context(), func(yield func([]byte, error) bool) { yield(c.rows, c.err) }, []schema.Column{{Name: "x", Type: c.kind}}, out)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.kind, err, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: there is a table", c.kind)
		}
	}
}
