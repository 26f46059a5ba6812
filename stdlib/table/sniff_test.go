package table

import (
	"database/sql/driver"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// sniffedTypes writes a file with the columns, and finds their types.
func sniffedTypes(t *testing.T, columns [][]string) (CSV, []schema.Column) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "d.csv")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := csv.NewWriter(file)
	row := make([]string, len(columns))
	for i := range row {
		row[i] = fmt.Sprintf("c%d", i)
	}
	w.Write(row)
	for r := range columns[0] {
		for i := range row {
			row[i] = columns[i][r]
		}
		w.Write(row)
	}
	w.Flush()
	c := CSV{Header: true, Files: []File{{path, "d.csv"}}}
	found, err := c.Sniff(t.Context())
	if err != nil || w.Error() != nil {
		t.Fatal(err, w.Error())
	}
	return c, found
}

func TestSniffKinds(t *testing.T) {
	cases := []struct {
		kind   string
		values string // parted by |
	}{
		{"bigint", "1|-2|0"}, {"bigint", "9223372036854775807|1|"}, {"varchar", "9223372036854775808|1"}, {"varchar", "12345678901234567890123|12345678901234567890124"},
		{"varchar", "12E4|1E10"}, {"varchar", "1234e5|99e1"}, {"varchar", "+31612345678|+31612345679"}, {"varchar", "01234|12345"}, {"varchar", "-01|2"},
		{"varchar", "1_000|2"}, {"varchar", "12345678901234567.89|1.5"}, {"varchar", "+1.5|2.5"}, {"varchar", "0x1F|1"}, {"double", "-0|1"},
		{"double", "1.50|2"}, {"double", "1e-05|0.5"}, {"double", "1e+20|3"}, {"double", "1.5E10|2"}, {"double", ".5|1.5"}, {"double", "nan|1.5|inf"},
		{"double", "0.30000000000000004|0.10000000000000001"}, {"double", "5.0|6"}, {"varchar", "9007199254740993.0|1"}, {"varchar", "1e400|1.5"},
		{"boolean", "true|False|"}, {"varchar", "true|yes"}, {"varchar", "t|f"}, {"bigint", "1|0"}, {"date", "2024-01-31|2023-12-01"}, {"varchar", "2024-01-32|2024-01-01"},
		{"timestamp", "2024-01-31|2024-01-31 10:00:00"}, {"timestamp", "2024-01-31T10:00:00.5Z|2024-01-31T10:00:00+02:00"}, {"varchar", "2024-01-31 10:00:00.1234567|2024-01-31"},
		{"varchar", "10:00|11:00"}, {"varchar", "infinity|2024-01-01"}, {"varchar", "epoch|2024-01-01"}, {"varchar", "1.2.3|1.2"}, {"varchar", "|"},
	}
	columns, rows := make([][]string, len(cases)), 3
	for i, tc := range cases {
		columns[i] = append(strings.Split(tc.values, "|"), "", "")[:rows]
	}
	_, found := sniffedTypes(t, columns)
	for i, tc := range cases {
		if found[i].Type != tc.kind {
			t.Errorf("%s: got %s, want %s", tc.values, found[i].Type, tc.kind)
		}
	}
	// All rows count, not the first ones alone.
	for i := range columns {
		last := columns[i]
		columns[i] = make([]string, 1500)
		for r := range columns[i] {
			columns[i][r] = map[string]string{"varchar": "1", "boolean": "true", "date": "2024-01-01", "timestamp": "2024-01-01"}[cases[i].kind]
		}
		copy(columns[i][1490:], last)
	}
	_, found = sniffedTypes(t, columns)
	for i, tc := range cases {
		if found[i].Type != tc.kind && strings.Trim(tc.values, "|") != "" && tc.values != "|" {
			t.Errorf("%s behind 1490 other rows: got %s, want %s", tc.values, found[i].Type, tc.kind)
		}
	}
}

// TestSniffIsLossless finds the types of generated columns: what is stored prints what was read.
func TestSniffIsLossless(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	columns := make([][]string, 300)
	for i := range columns {
		for range 3 {
			columns[i] = append(columns[i], generated(r))
		}
		if i%2 == 0 { // one text and others that differ from it in little
			columns[i][1], columns[i][2] = columns[i][0]+"0", columns[i][0]
		}
	}
	c, found := sniffedTypes(t, columns)
	asked := make([]CSVColumn, len(found))
	terms := make([]string, len(found))
	for i := range found {
		asked[i].Column = found[i]
		terms[i] = Quote(found[i].Name) + "::varchar"
	}
	out := filepath.Join(t.TempDir(), "out.parquet")
	c.Unsorted = true
	if _, err := c.Load(t.Context(), asked, out); err != nil {
		t.Fatal(err)
	}
	reader, err := OpenReader(t.Context(), map[string]string{"t": out})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	row := 0
	err = reader.s.each(t.Context(), "select "+strings.Join(terms, ", ")+" from t", func(values []driver.Value) error {
		for i, v := range values {
			text := columns[i][row]
			switch stored, _ := v.(string); found[i].Type {
			case "varchar", "bigint", "date":
				if stored != text {
					t.Errorf("%s: %q was stored as %q", found[i].Type, text, stored)
				}
			default:
				if !sameValue(text, stored, found[i].Type) || text[0] == '+' || len(text) > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9' {
					t.Errorf("%s: %q was stored as %q", found[i].Type, text, stored)
				}
			}
		}
		row++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSniffWide has more columns than a query could look at one by one.
func TestSniffWide(t *testing.T) {
	columns := make([][]string, 5000)
	for i := range columns {
		columns[i] = [][]string{{"1", "2"}, {"1.5", "2"}, {"a", "b"}, {"2024-01-01", "2024-01-02"}}[i%4]
	}
	_, found := sniffedTypes(t, columns)
	for i, c := range found {
		if want := []string{"bigint", "double", "varchar", "date"}[i%4]; c.Type != want {
			t.Fatalf("column %d: got %s, want %s", i, c.Type, want)
		}
	}
}
