package table

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// treeQueries are the queries of the golden files of this package's parts, and some with what those lack.
func treeQueries(t *testing.T) []string {
	t.Helper()
	queries := []string{"select '' as a, null as b, false as c, [] as d, 0::hugeint as e, 12345678901234567890123 as f, -1e300 as g, '\U0001F600' as \"ö\"",
		"select sum(id) filter (where card > 1) / count(distinct city) as x, quantile_cont(cents, 0.5) as y from p",
		"select a.id from p a asof join p b using (id)", "select repeat('ab', 20000000) as x from p", "select * exclude (id) replace (card + 1 as card) from p"}
	for _, file := range []string{"threads/testdata/queries.sql", "lineage/testdata/lineage.sql", "lineage/testdata/keys.sql", "lineage/testdata/generated.golden"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		before := len(queries)
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "--") {
				queries = append(queries, line)
			}
		}
		if len(queries) < before+20 {
			t.Fatalf("%s has %d queries", file, len(queries)-before)
		}
	}
	return queries
}

// sessions are one of each kind that reads trees: for one query, and of a binder, which keeps them.
func sessions(t *testing.T) map[string]*session {
	t.Helper()
	alone, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := NewBinder(nil)
	binders, err := b.engine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if alone.Close() != nil || b.Close() != nil {
			t.Error("a session did not close")
		}
	})
	return map[string]*session{"alone": alone, "binder": binders}
}

// decoded is JSON as a reader of another make sees it.
func decoded(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestTreesAreWhole: a tree has every member that the engine wrote, also those that say nothing, for the engine asks for them when a tree is
// given back to it; and what was done with a tree has not changed it.
func TestTreesAreWhole(t *testing.T) {
	for name, s := range sessions(t) {
		for _, q := range treeQueries(t) {
			text, err := s.syntax(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			want := decoded(t, []byte(text)).(map[string]any)["statements"].([]any)
			_, _ = s.check(t.Context(), q, nil) // what it finds is nothing to this test
			_, _ = s.withoutNulls(t.Context(), q)
			got, err := s.parse(t.Context(), q)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, q, err)
			}
			data, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if len(want) != 1 || !reflect.DeepEqual(decoded(t, data), want[0]) {
				t.Errorf("%s, %s: got %s, want %s", name, q, data, text)
			}
			if _, err := s.giveBack(t.Context(), got); err != nil {
				t.Errorf("%s, %s: given back: %v", name, q, err)
			}
		}
	}
}

// TestTreesGivenBack: a query that was read and given back has the rows that it had; where as-of joins got their conditions, on several
// threads too.
func TestTreesGivenBack(t *testing.T) {
	text, err := os.ReadFile("threads/testdata/queries.sql")
	if err != nil {
		t.Fatal(err)
	}
	queries := strings.Split(strings.TrimSpace(string(text)), "\n")
	full, again := make([]string, len(queries)), make([]string, len(queries))
	t.Run("back", func(t *testing.T) {
		all := sessions(t)
		for i, q := range queries {
			s := all[[]string{"alone", "binder"}[i%2]]
			if full[i], err = s.withoutNulls(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			statement, err := s.parse(t.Context(), full[i])
			if err != nil {
				t.Fatalf("%s: %v", full[i], err)
			}
			if again[i], err = s.giveBack(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
	})
	keeping(t)
	tables := writeMany(t)
	few := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		few[name] = filepath.Join(t.TempDir(), name+".parquet")
		if _, err := Run(t.Context(), Query{SQL: "select * from t limit 300", Tables: map[string]string{"t": tables[name]}, Out: few[name]}); err != nil {
			t.Fatal(err)
		}
	}
	joins := 0
	for i, q := range queries {
		if !bytes.Equal(onThreads(t, q, few, 1), onThreads(t, again[i], few, 1)) {
			t.Errorf("%s: other rows of %s", q, again[i])
		}
		if full[i] == q {
			continue
		}
		joins++
		if !bytes.Equal(onThreads(t, q, tables, 1), onThreads(t, again[i], tables, 2)) {
			t.Errorf("%s: other rows of %s on two threads", q, again[i])
		}
	}
	if joins == 0 {
		t.Error("no query has an as-of join")
	}
}

// TestReadTree: of members of one name the last counts, at its place; what an object holds within another is its own.
func TestReadTree(t *testing.T) {
	var s session
	got, err := s.readTree(`{"a": {"b": 1, "a": [true, [], {"b": "\u0041"}]}, "b": 2, "a": {"b": [1e400, null]}, "c": {}}`)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(got)
	if want := `{"b":2,"a":{"b":[1e400,null]},"c":{}}`; err != nil || string(data) != want {
		t.Errorf("got %s, %v, want %s", data, err, want)
	}
	for _, broken := range []string{`{"a": `, `{"a" 1}`, `[1`, `"a"`, `{1: 2}`, ``} {
		if got, err := s.readTree(broken); err == nil {
			t.Errorf("%s is read as %v", broken, got)
		}
	}
}
