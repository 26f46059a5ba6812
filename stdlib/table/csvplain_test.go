package table

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// loadText is CSV.Load with all fields scanned as text.
func (c CSV) loadText(ctx context.Context, columns []CSVColumn, out string) (int64, error) {
	s, err := open(ctx)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	groups, err := c.groups(columns)
	for _, g := range groups {
		if err == nil {
			g.fields, err = c.match(g, columns)
		}
	}
	if err != nil {
		return 0, err
	}
	n, err := c.copy(ctx, s, groups, columns, out)
	var e *Error
	if errors.As(err, &e) && e.DataError() {
		return 0, c.explain(ctx, s, groups, columns, e)
	}
	return n, err
}

// TestTypedScans reads generated files, most of whose columns are plain, by types and as text: the same bytes, or the same error.
func TestTypedScans(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	types := append(slices.Sorted(maps.Keys(plainForms)), "decimal(10,2)", "decimal(5,0)", "varchar", "timestamp with time zone")
	plain := map[string][]string{}
	for _, kind := range types {
		plain[kind] = plainTexts(t, r, kind)
	}
	dir, typed, same, refused := t.TempDir(), 0, 0, 0
	for i := range 150 {
		c := CSV{Header: r.IntN(4) > 0, Trim: r.IntN(5) == 0, Unsorted: r.IntN(3) == 0}
		if r.IntN(4) == 0 {
			c.Nulls = []string{[]string{"NA", "-1", "0.5"}[r.IntN(3)]}
		}
		columns, text := generatedFile(r, c, types, plain)
		path := filepath.Join(dir, fmt.Sprintf("%d.csv", i))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c.Files = []File{{Path: path, Name: "a.csv"}}
		a, b := filepath.Join(dir, "a.parquet"), filepath.Join(dir, "b.parquet")
		n, err := c.Load(t.Context(), columns, a)
		m, want := c.loadText(t.Context(), columns, b)
		if fmt.Sprint(n, err) != fmt.Sprint(m, want) {
			t.Fatalf("by types %d, %v; as text %d, %v, of\n%s", n, err, m, want, text)
		}
		if err != nil {
			refused++
			continue
		}
		same++
		if got, want := read(t, a), read(t, b); got != want {
			t.Fatalf("other bytes of %v\n%s", columns, text)
		}
		typed += typedFields(t, c, columns)
	}
	if typed < 100 || same < 60 || refused < 20 {
		t.Errorf("%d fields were scanned by type, %d files read, %d refused: too few to tell", typed, same, refused)
	}
}

// plainTexts are generated texts in a type's plain form, few of which are no values of the type.
func plainTexts(t *testing.T, r *rand.Rand, kind string) (out []string) {
	t.Helper()
	form := CSV{}.plainForm(CSVColumn{Column: schema.Column{Type: kind}})
	if form == nil {
		return nil
	}
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var rows []string
	for range 5000 {
		if text := generated(r); form([]byte(text)) {
			rows = append(rows, "("+literal(text)+")")
		}
	}
	err = s.each(t.Context(), fmt.Sprintf("select x, (%s) is not null from (values %s) t(x)", exactText("x", kind), strings.Join(rows, ", ")), func(row []driver.Value) error {
		if row[1].(bool) || r.IntN(100) == 0 {
			out = append(out, row[0].(string))
		}
		return nil
	})
	if err != nil || len(out) < 10 {
		t.Fatalf("%s: got %d texts, %v", kind, len(out), err)
	}
	return out
}

func typedFields(t *testing.T, c CSV, columns []CSVColumn) int {
	t.Helper()
	groups, err := c.groups(columns)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range groups {
		if g.fields, err = c.match(g, columns); err != nil {
			t.Fatal(err)
		}
		types, err := c.plain(g, columns)
		if err != nil {
			t.Fatal(err)
		}
		n += len(types)
	}
	return n
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// generatedFile is a file of one to four columns, and what they are declared as.
func generatedFile(r *rand.Rand, c CSV, types []string, plain map[string][]string) ([]CSVColumn, string) {
	var columns []CSVColumn
	var header []string
	maimed := r.IntN(3) == 0
	for i := range 1 + r.IntN(4) {
		name := fmt.Sprintf("c%d", i)
		columns = append(columns, CSVColumn{Column: schema.Column{Name: name, Type: types[r.IntN(len(types))]}})
		header = append(header, name)
	}
	end := []string{"\n", "\n", "\r\n"}[r.IntN(3)]
	var b strings.Builder
	if c.Header {
		b.WriteString(strings.Join(header, ",") + end)
	}
	rows := 1 + r.IntN(12)
	for row := range rows {
		fields := make([]string, len(columns))
		for i, column := range columns {
			pool := plain[column.Type]
			switch {
			case maimed && r.IntN(15) == 0:
				fields[i] = quotedIfNeeded(generated(r))
			case r.IntN(10) == 0 && len(columns) > 1:
				fields[i] = []string{"", "", `""`}[r.IntN(3)*r.IntN(2)]
			case len(pool) > 0:
				fields[i] = pool[r.IntN(len(pool))]
			case column.Type == "varchar":
				fields[i] = quotedIfNeeded([]string{"a", "a,b", `a "b"`, "é", " x ", "NA"}[r.IntN(6)])
			default:
				fields[i] = "2024-01-01 10:00:00Z"
			}
		}
		b.WriteString(strings.Join(fields, ","))
		if row < rows-1 || r.IntN(3) > 0 {
			b.WriteString(end)
		}
	}
	return columns, b.String()
}

func quotedIfNeeded(text string) string {
	if strings.ContainsAny(text, ",\"\n") {
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text
}

// TestPlainForms lists what is in a form, and what is near to one.
func TestPlainForms(t *testing.T) {
	for kind, texts := range map[string][2][]string{
		"bigint":        {{"0", "-12", "007", "999999999999999999"}, {"", "-", "+1", "1.0", "1_000", " 1", "1000000000000000000", "1e3", "0x1"}},
		"double":        {{"0.25", "-3", "100", "0.30000000000000004", "123456789012345"}, {".5", "5.", "1e3", "+1", "nan", "0.100000000000000001", "1_0", "--1", "-"}},
		"float":         {{"0.25", "-3"}, {"0.123456", "1234567"}},
		"decimal(10,2)": {{"1.50", "-1", "12345678.9"}, {"1.505", "1.", "1e2"}},
		"boolean":       {{"true", "False"}, {"1", "t", "yes", "tRUE"}},
		"date":          {{"2024-02-29", "0001-01-01"}, {"0000-01-01", "2024-2-29", "2024/02/29", "24-02-29", "2024-02-29 "}},
		"timestamp":     {{"2024-02-29 13:00:00", "2024-02-29T23:59:59.123456"}, {"2024-02-29", "2024-02-29 24:00:00", "2024-02-29 13:00", "2024-02-29 13:00:60", "2024-02-29 13:00:00Z", "2024-02-29 13:00:00.1234567", "2024-02-29 13:00:00."}},
	} {
		form := CSV{}.plainForm(CSVColumn{Column: schema.Column{Type: kind}})
		for i, want := range []bool{true, false} {
			for _, text := range texts[i] {
				if got := form([]byte(text)); got != want {
					t.Errorf("%q as %s: got %t, want %t", text, kind, got, want)
				}
			}
		}
	}
	if form := (CSV{Nulls: []string{"-999"}}).plainForm(CSVColumn{Column: schema.Column{Type: "bigint"}}); form != nil {
		t.Error("-999 is null, and would be read as a number")
	}
}
