package table

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

// TestReadParts: the parts of a table, one behind the other, are what is read as a whole.
func TestReadParts(t *testing.T) {
	for _, rows := range []string{"0", "1", "2048", "65536", "150000"} {
		path := filepath.Join(t.TempDir(), "t.parquet")
		sql := `select case when i % 5 <> 0 then i * 0.25 end as x, i % 3 = 0 as flag, case when i % 7 <> 0 then 'v' || (i // 1000) end as word,
			timestamp '2026-01-01' + to_seconds(i) as at from range(` + rows + `) t(i)`
		if _, err := Run(t.Context(), Query{SQL: sql, OrderBy: []string{"at"}, Out: path}); err != nil {
			t.Fatal(err)
		}
		want, err := ReadFrame(t.Context(), path, []string{"word", "x", "flag", "at"})
		if err != nil {
			t.Fatal(err)
		}
		at, parts := 0, 0
		err = ReadParts(t.Context(), path, []string{"word", "x", "flag", "at"}, func(p Part) error {
			if p.Before != at || p.Total != want.Rows {
				t.Errorf("%s rows: got a part after %d of %d, want %d of %d", rows, p.Before, p.Total, at, want.Rows)
			}
			same(t, want, p)
			at, parts = at+p.Rows, parts+1
			return nil
		})
		if err != nil || at != want.Rows || parts == 0 {
			t.Errorf("%s rows: got %d in %d parts, %v", rows, at, parts, err)
		}
	}
}

// same compares a part with the rows of the whole table that it should be.
func same(t *testing.T, whole *frame.Frame, p Part) {
	t.Helper()
	for i := range whole.Columns {
		a, b := &whole.Columns[i], &p.Columns[i]
		if a.Name != b.Name || a.Type != b.Type || a.Text() != b.Text() {
			t.Fatalf("got %s %s, want %s %s", b.Name, b.Type, a.Name, a.Type)
		}
		for r := range p.Rows {
			if row := p.Before + r; a.Null(row) != b.Null(r) || a.ValueName(row) != b.ValueName(r) {
				t.Fatalf("%s of row %d: got %q, want %q", a.Name, row, b.ValueName(r), a.ValueName(row))
			}
		}
	}
}

// TestReadPartsEnds: an error of who takes the parts ends the reading, as it is; columns that are not there are named.
func TestReadPartsEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.parquet")
	if _, err := Run(t.Context(), Query{SQL: "select i from range(200000) t(i)", OrderBy: []string{"i"}, Out: path}); err != nil {
		t.Fatal(err)
	}
	enough, parts := errors.New("enough"), 0
	err := ReadParts(t.Context(), path, nil, func(Part) error {
		parts++
		return enough
	})
	if err != enough || parts != 1 {
		t.Errorf("got %v after %d parts", err, parts)
	}
	if err := ReadParts(t.Context(), path, []string{"j"}, func(Part) error { return nil }); err == nil || !strings.Contains(err.Error(), `no column "j"`) {
		t.Errorf("got %v", err)
	}
	var got []Part
	if err := ReadParts(t.Context(), path, []string{}, func(p Part) error { got = append(got, p); return nil }); err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], Part{Frame: frame.Frame{Rows: 200000}, Total: 200000}) {
		t.Errorf("got %+v, %v of no columns", got, err)
	}
}

// TestReadRows: some rows are those of the whole table, texts of other parts among them.
func TestReadRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.parquet")
	sql := "select i, i * 0.5 as x, case when i % 7 <> 0 then 'v' || (i * 7919 % 1000) end as word from range(150000) t(i)"
	if _, err := Run(t.Context(), Query{SQL: sql, OrderBy: []string{"i"}, Out: path}); err != nil {
		t.Fatal(err)
	}
	whole, err := ReadFrame(t.Context(), path, []string{"word", "x"})
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range [][]int{{}, {0}, {149999}, {3, 7, 70000, 70001, 131072, 149999}} {
		got, err := ReadRows(t.Context(), path, []string{"word", "x"}, rows)
		if err != nil || got.Rows != len(rows) {
			t.Fatalf("%v: got %+v, %v", rows, got, err)
		}
		want := whole.Take(rows)
		for i := range want.Columns {
			for r := range rows {
				if a, b := &want.Columns[i], &got.Columns[i]; a.Null(r) != b.Null(r) || a.ValueName(r) != b.ValueName(r) {
					t.Errorf("row %d: got %q, want %q", rows[r], b.ValueName(r), a.ValueName(r))
				}
			}
			if c := &got.Columns[i]; c.Text() && !slices.IsSorted(c.Levels) {
				t.Errorf("levels are not sorted")
			}
		}
	}
	if _, err := ReadRows(t.Context(), path, []string{"x"}, []int{150000}); err == nil || !strings.Contains(err.Error(), "no row 150001") {
		t.Errorf("got %v", err)
	}
}
