package predictions

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// names are tables that began on days of January.
func names(days ...int) []string {
	var out []string
	for i, day := range days {
		out = append(out, schema.LoggedName(fmt.Sprintf("202601%02dT000000.000000000Z-0000000%d", day, i), int64(100+day), strings.Repeat("a", 64)))
	}
	return out
}

// TestLast: what is meant goes by the newest table, and not by the time of day.
func TestLast(t *testing.T) {
	all := names(1, 5, 8, 9)
	for config, want := range map[string][]string{
		`{"of":"deploy.d"}`:               all,
		`{"of":"deploy.d","last":"1d"}`:   all[2:],
		`{"of":"deploy.d","last":"96h"}`:  all[1:],
		`{"of":"deploy.d","last":"365d"}`: all,
	} {
		of, got, err := log(json.RawMessage(config), all)
		if err != nil || of != "deploy.d" || !slices.Equal(got, want) {
			t.Errorf("%s: got %s %v, %v", config, of, got, err)
		}
	}
	if got, ok := schema.ParseLogged(all[1]); !ok || got.Rows != 105 || got.Began.Day() != 5 {
		t.Errorf("got %+v", got)
	}
	for _, other := range []string{"a.parquet", "20260105T000000.000000000Z-00000001.parquet", "20260105T000000.000000000Z-0-x-aaaaaaaaaaaaaaaa.parquet"} {
		if _, ok := schema.ParseLogged(other); ok {
			t.Errorf("%s is taken for a table of a log", other)
		}
	}
}

// TestColumns: tables of models with other features are one table; a column that a table does not have is null there, and one that none has is refused.
func TestColumns(t *testing.T) {
	dir := t.TempDir()
	all := names(1, 2)
	for i, sql := range []string{"select 1::double as a, 'x' as b", "select 2::double as a, true as c"} {
		if _, err := table.Run(t.Context(), table.Query{SQL: sql, Out: filepath.Join(dir, all[i])}); err != nil {
			t.Fatal(err)
		}
	}
	columns, err := sniff(t.Context(), dir, all, nil)
	if err != nil || fmt.Sprint(columns) != "[{a double false false <nil>} {c boolean false false <nil>} {b varchar false false <nil>}]" {
		t.Fatalf("got %v, %v", columns, err)
	}
	asked := func(names ...string) (out []table.CSVColumn) {
		for _, c := range columns {
			if slices.Contains(names, c.Name) {
				out = append(out, table.CSVColumn{Column: c, Optional: true})
			}
		}
		return append(out, table.CSVColumn{Column: schema.Column{Name: names[len(names)-1], Type: "varchar"}, Optional: true})[:len(names)]
	}
	files := []table.File{{Path: filepath.Join(dir, all[0]), Name: all[0]}, {Path: filepath.Join(dir, all[1]), Name: all[1]}}
	out := filepath.Join(dir, "out.parquet")
	if rows, err := table.LoadParquet(t.Context(), files, asked("a", "c", "b"), 1, out); err != nil || rows != 2 {
		t.Fatalf("got %d rows, %v", rows, err)
	}
	r, err := table.OpenReader(t.Context(), map[string]string{"t": out})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if row, err := r.Row(t.Context(), "select count(*), count(a), count(b), count(c) from t"); err != nil || fmt.Sprint(row) != "[2 2 1 1]" {
		t.Errorf("got %v, %v", row, err)
	}
	if _, err := table.LoadParquet(t.Context(), files, asked("a", "d"), 1, out); err == nil || !strings.Contains(err.Error(), `no file has a column "d"`) {
		t.Errorf("got %v", err)
	}
	if _, err := table.Run(t.Context(), table.Query{SQL: "select 'text' as a", Out: filepath.Join(dir, all[1])}); err != nil {
		t.Fatal(err)
	}
	if _, err := sniff(t.Context(), dir, all, nil); err == nil || !strings.Contains(err.Error(), `column "a" is double in 20260101`) {
		t.Errorf("got %v", err)
	}
	os.Remove(out)
}

// TestNoLog: a log that has no tables yet is a table without rows where the block allows it and says what its columns are.
func TestNoLog(t *testing.T) {
	for config, want := range map[string]bool{
		`{"of":"deploy.d"}`:                                                            false,
		`{"of":"deploy.d","allow_empty":true}`:                                         false,
		`{"of":"deploy.d","column":[{"name":"a","type":"double"}]}`:                    false,
		`{"of":"deploy.d","allow_empty":true,"column":[{"name":"a","type":"double"}]}`: true,
	} {
		if got := mayBeEmpty(json.RawMessage(config)); got != want {
			t.Errorf("%s: got %v", config, got)
		}
	}
	out := filepath.Join(t.TempDir(), "out.parquet")
	if err := noRows(t.Context(), []table.CSVColumn{{Column: schema.Column{Name: "an id", Type: "varchar"}}, {Column: schema.Column{Name: "score", Type: "double"}}}, out); err != nil {
		t.Fatal(err)
	}
	columns, err := table.SniffParquet(t.Context(), []table.File{{Path: out, Name: "out.parquet"}})
	if err != nil || len(columns) != 2 || columns[0].Name != "an id" || columns[0].Type != "varchar" || columns[1].Type != "double" {
		t.Errorf("got %v, %v", columns, err)
	}
	f, err := table.ReadFrame(t.Context(), out, nil)
	if err != nil || f.Rows != 0 {
		t.Errorf("got %v rows, %v", f, err)
	}
}
