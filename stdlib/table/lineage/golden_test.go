package lineage_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
)

var update = flag.Bool("update", false, "write the golden files")

// keyTables are tables with keys, by which joins are told that meet one row from those that meet several.
var keyTables = map[string]*schema.Table{
	"p": {Key: []string{"id"}, Columns: []schema.Column{{Name: "id", Type: "integer"}, {Name: "card", Type: "integer"}, {Name: "day", Type: "integer"},
		{Name: "amount", Type: "integer"}, {Name: "ts", Type: "integer"}}},
	"c": {Key: []string{"card"}, Columns: []schema.Column{{Name: "card", Type: "integer"}, {Name: "city", Type: "varchar"}, {Name: "max", Type: "integer"}}},
	"d": {Key: []string{"city"}, Columns: []schema.Column{{Name: "city", Type: "varchar"}, {Name: "size", Type: "integer"}}},
	"v": {Key: []string{"card", "day"}, Columns: []schema.Column{{Name: "card", Type: "integer"}, {Name: "day", Type: "integer"}, {Name: "spent", Type: "integer"}}},
}

// TestFlows holds the flows of many queries to the golden files: those of testdata/lineage.sql, those of
// keys.sql over tables with keys, and generated ones with a key. The oracles
// say that no flow is missing; the golden files, that none comes or goes unseen.
func TestFlows(t *testing.T) {
	b := table.NewBinder(nil)
	defer b.Close()
	flows := func(of map[string]*schema.Table, key []string, queries []string) string {
		var out strings.Builder
		for _, q := range queries {
			f, problems := b.Lineage(t.Context(), q, of, key)
			if len(problems) > 0 {
				t.Errorf("%s: %v", q, problems)
			}
			fmt.Fprintf(&out, "%s\n", q)
			for _, name := range slices.Sorted(maps.Keys(f.Columns)) {
				fmt.Fprintf(&out, "  %s%s\n", name, written(f.Columns[name], of))
			}
			fmt.Fprintf(&out, "  rows%s\n", written(f.Rows, of))
		}
		return out.String()
	}
	var generated []string
	for n := range 150 {
		g := &generator{r: rand.New(rand.NewPCG(uint64(n), 11))}
		generated = append(generated, g.query())
	}
	for name, got := range map[string]string{
		"testdata/lineage.golden":   flows(lineageTables, nil, lineageQueries(t)),
		"testdata/keys.golden":      flows(keyTables, []string{"id"}, lines(t, "testdata/keys.sql")),
		"testdata/generated.golden": flows(oracleTables, []string{"id"}, generated),
	} {
		if *update {
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// written is a flow in one line: " = t.x; values t.x; control t.y t". A table's name alone stands for which rows it has. Taints stand there
// where they are others than the values.
func written(f component.Flow, of map[string]*schema.Table) string {
	every := 0
	for _, t := range of {
		every += len(t.Columns) + 1
	}
	var out string
	add := func(name string, list []component.Origin) {
		var names []string
		for _, o := range list {
			names = append(names, strings.TrimSuffix(o.Table+"."+o.Column, "."))
		}
		switch {
		case len(list) == every:
			out += "; " + name + " everything"
		case len(list) > 0:
			out += "; " + name + " " + strings.Join(names, " ")
		}
	}
	if f.Copy != nil {
		add("=", []component.Origin{*f.Copy})
	}
	if !slices.Equal(f.Taints, f.Values) {
		add("taints", f.Taints)
	}
	add("values", f.Values)
	add("others", f.Others)
	for _, p := range f.Past {
		add("past", p.Origins)
		add("by", p.Clock)
	}
	add("keys", f.Keys)
	add("control", f.Control)
	add("known", f.Known)
	return strings.TrimPrefix(out, ";")
}
