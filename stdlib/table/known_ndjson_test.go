package table

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
)

// TestFromKnownNDJSON: rows that fit their columns become the table that FromNDJSON makes of them; rows that do not are its errors.
func TestFromKnownNDJSON(t *testing.T) {
	columns := []schema.Column{{Name: "Id", Type: "varchar"}, {Name: `a "b".c's`, Type: "varchar"}, {Name: "n", Type: "bigint"}, {Name: "x", Type: "double"},
		{Name: "is", Type: "boolean"}, {Name: "day", Type: "date"}, {Name: "at", Type: "timestamp"}, {Name: "row", Type: "integer"}}
	random := rand.New(rand.NewPCG(1, 2))
	texts := []string{"", "north", "null", "1", "a\x00b", "é\u0001\" ß\n\t\\", "\u2028😀", strings.Repeat("long ", 5000)}
	var all strings.Builder
	for row := range 3000 {
		x := math.Float64frombits(random.Uint64())
		if math.IsNaN(x) || math.IsInf(x, 0) {
			x = -0.0
		}
		values := []any{fmt.Sprint(row), texts[random.IntN(len(texts))], random.Int64() >> random.IntN(64), json.RawMessage(strconv.FormatFloat(x, 'g', -1, 64)), row%2 == 0,
			fmt.Sprintf("%04d-%02d-%02d", 1+random.IntN(9999), 1+random.IntN(12), 1+random.IntN(28)),
			fmt.Sprintf("%04d-02-%02d 23:59:%02d.%06d", 1+random.IntN(9999), 1+random.IntN(28), random.IntN(60), random.IntN(1e6)), row}
		fields := map[string]any{}
		for i, c := range columns {
			if random.IntN(5) > 0 { // others are null
				fields[c.Name] = values[i]
			}
		}
		line, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(append(line, '\n'))
	}
	fmt.Fprintf(&all, "{\"Id\":%q}\n", strings.Repeat("x", 17<<20)) // more than the engine takes of itself
	dir := t.TempDir()
	path := filepath.Join(dir, "rows")
	if err := os.WriteFile(path, []byte(all.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	known, plain := filepath.Join(dir, "known.parquet"), filepath.Join(dir, "plain.parquet")
	if err := FromKnownNDJSON(t.Context(), path, columns, known); err != nil {
		t.Fatal(err)
	}
	// The other one takes no row of that length.
	if err := os.WriteFile(path, []byte(all.String()[:strings.LastIndex(all.String(), "{")]), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := FromNDJSON(t.Context(), path, columns, plain); err != nil {
		t.Fatal(err)
	}
	got, last, _ := strings.Cut(csvOf(t, known), "xxx")
	if d := cmp.Diff(csvOf(t, plain), got); d != "" {
		t.Errorf("%.2000s", d)
	}
	if len(last) < 17<<20-3 {
		t.Errorf("the last row has %d bytes", len(last))
	}
	if err := os.WriteFile(path, []byte(`{"n":"seven"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := FromKnownNDJSON(t.Context(), path, columns, known); err == nil || !strings.Contains(err.Error(), `"n" holds "seven"`) {
		t.Errorf("got %v", err)
	}
}
