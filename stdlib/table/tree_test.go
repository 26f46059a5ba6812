package table

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestLeanTrees: what is found in a query does not depend on whether members that say nothing are left out of its tree.
func TestLeanTrees(t *testing.T) {
	text, err := os.ReadFile("threads/testdata/queries.sql")
	if err != nil {
		t.Fatal(err)
	}
	queries := append(strings.Split(strings.TrimSpace(string(text)), "\n"),
		"select repeat('', 2000000) as x from p", "select repeat('ab', 20000000) as x from p", "select '' as a, null as b, false as c, [] as d from p",
		"select 0::hugeint as x from p", "select current_date as x from p", "select * from p using sample 10", "select * from q.p",
		"select * from read_csv('a.csv')", "select a.id from p a asof join p b using (id)", "describe p", "select random() as x from p where ''", "select")
	whole, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	lean, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lean.Close()
	lean.trees = map[string]tree{}
	tables := map[string][]string{"p": nil, "c": nil, "e": nil}
	smaller := 0
	for _, q := range queries {
		got, errGot := lean.check(t.Context(), q, tables)
		want, errWant := whole.check(t.Context(), q, tables)
		if got != want || fmt.Sprint(errGot) != fmt.Sprint(errWant) {
			t.Errorf("%s: got %v, %v, want %v, %v", q, got, errGot, want, errWant)
		}
		if a, err := lean.parse(t.Context(), q); err == nil {
			if b, _ := whole.parse(t.Context(), q); len(fmt.Sprint(a)) < len(fmt.Sprint(b)) {
				smaller++
			}
		}
	}
	if 2*smaller < len(queries) {
		t.Errorf("of %d trees only %d are smaller", len(queries), smaller)
	}
}
