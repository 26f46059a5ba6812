package table

import (
	"context"
	"database/sql/driver"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

// wide has columns of every kind that frames have, with nulls, over several chunks: texts shorter and longer than what the engine keeps in
// place, and numbers that a double does not hold.
const wide = `select
	i::double / 7 as fraction,
	case when i % 5 <> 0 then sin(i) end as gaps,
	case when i % 3000 < 2500 then case when i % 9 = 0 then 'nan'::double else i end end as nans,
	case when hash(i) % 3 > 0 then repeat('ab', (hash(i) % 13)::integer) || 'ü' end as word,
	case when i % 64 <> 63 then 'a text of more than twelve bytes ' || (i % 300) end as long,
	case when i % 2 = 0 then 9007199254740993 + i else i end as large,
	i % 3 = 0 as flag,
	make_timestamp(i * 1000001) as moment,
	null::double as none,
	'' as empty
from range(rows) t(i)`

// TestFrameIsWhatRowsSay holds the columns that are read by vectors to the rows that the driver hands over one by one.
func TestFrameIsWhatRowsSay(t *testing.T) {
	for _, rows := range []string{"0", "1", "63", "2048", "2049", "9000", "600000"} {
		path := filepath.Join(t.TempDir(), "in.parquet")
		if _, err := Run(t.Context(), Query{SQL: strings.Replace(wide, "rows", rows, 1), Out: path}); err != nil {
			t.Fatal(err)
		}
		f, err := ReadFrame(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		plain, err := s.plain(path)
		if err != nil {
			t.Fatal(err)
		}
		r := 0
		err = s.each(t.Context(), "select fraction, gaps, nans, word, long, large::varchar, flag::integer::double, epoch(moment), none, empty from "+scanParquet(plain),
			func(row []driver.Value) error {
				for i, want := range row {
					if c := &f.Columns[i]; !says(c, r, want) {
						t.Fatalf("%s rows: %s of row %d: got %v %v, want %v", rows, c.Name, r, c.Null(r), c.ValueName(r), want)
					}
				}
				r++
				return nil
			})
		if err != nil || r != f.Rows {
			t.Errorf("%s rows: got %d, the frame has %d: %v", rows, r, f.Rows, err)
		}
		s.Close()
	}
}

// says reports whether a row of a column has a value of the driver.
func says(c *frame.Column, r int, want driver.Value) bool {
	switch want := want.(type) {
	case nil:
		return c.Null(r)
	case float64:
		return want == c.Num[r] || math.IsNaN(want) && math.IsNaN(c.Num[r])
	case string:
		return c.ValueName(r) == want
	}
	return false
}

func TestFrameCancelled(t *testing.T) {
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err = s.vectors(ctx, "select i::double from range(100000) t(i)", func([]vector) {
		calls++
		cancel()
	})
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("%d chunks, error %v", calls, err)
	}
	// A mistake is told as of other queries.
	var e *Error
	if err := s.vectors(t.Context(), "select 'x'::double", func([]vector) {}); !errors.As(err, &e) || e.Kind != "Conversion" {
		t.Errorf("got %v", err)
	}
}
