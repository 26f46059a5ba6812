package threads_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/table"
)

var update = flag.Bool("update", false, "write the golden file")

// tables are those of testdata/queries.sql. TestSameBytesOnThreads in stdlib/table runs the queries over 300,000 rows.
var tables = map[string]*schema.Table{
	"p": {Key: []string{"id"}, Columns: []schema.Column{{Name: "id", Type: "bigint"}, {Name: "card", Type: "integer"}, {Name: "cents", Type: "bigint"},
		{Name: "amount", Type: "double"}, {Name: "city", Type: "varchar"}, {Name: "day", Type: "date"}, {Name: "ts", Type: "timestamp"},
		{Name: "d", Type: "decimal(12,2)"}, {Name: "flag", Type: "boolean"}}},
	"c": {Key: []string{"card"}, Columns: []schema.Column{{Name: "card", Type: "integer"}, {Name: "city", Type: "varchar"}, {Name: "max", Type: "integer"}}},
	"e": {Columns: []schema.Column{{Name: "k", Type: "integer"}, {Name: "v", Type: "varchar"}}},
}

// TestReasons holds what is said of each query, and where in its text, to the golden file.
func TestReasons(t *testing.T) {
	queries, err := os.ReadFile("testdata/queries.sql")
	if err != nil {
		t.Fatal(err)
	}
	b := table.NewBinder(nil)
	defer b.Close()
	var got strings.Builder
	for _, q := range strings.Split(strings.TrimSpace(string(queries)), "\n") {
		if _, problems := b.Query(t.Context(), q, tables); len(problems) > 0 {
			t.Errorf("%s: %v", q, problems)
		}
		why, err := b.OneThread(t.Context(), q, tables)
		if err != nil {
			t.Errorf("%s: %v", q, err)
		}
		told := "all"
		if why != nil {
			told = "one: " + why.Summary
			if why.Length > 0 {
				told += fmt.Sprintf(" [%s]", q[why.Offset:][:why.Length])
			}
		}
		fmt.Fprintf(&got, "%s\n  %s\n", q, told)
	}
	const golden = "testdata/queries.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); d != "" {
		t.Errorf("%s (-want +got):\n%s", golden, d)
	}
}
