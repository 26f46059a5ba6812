package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// leakageQuery is a line of spec/conformance/leakage: features, perhaps key and target, and the query of a dataset.
type leakageQuery struct {
	features    []string
	key, target string
	sql         string
}

var leakageLine = regexp.MustCompile(`^([\w ]+?)(?: key=([\w,]+))?(?: target=(\w+))?: (.+)$`)

func leakageQueries(t *testing.T, name string) []leakageQuery {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(conformanceDir, "leakage", name))
	if err != nil {
		t.Fatal(err)
	}
	var out []leakageQuery
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		m := leakageLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("%s: no features and query: %s", name, line)
		}
		q := leakageQuery{features: strings.Fields(m[1]), key: m[2], target: m[3], sql: m[4]}
		if q.key == "" {
			q.key = "id"
		}
		if q.target == "" {
			q.target = "target"
		}
		out = append(out, q)
	}
	return out
}

// module is a dataset, a split and a trainer for each query.
func leakageModule(t *testing.T, queries []leakageQuery) conformanceCase {
	t.Helper()
	tables, err := os.ReadFile(filepath.Join(conformanceDir, "leakage", "tables.mlp"))
	if err != nil {
		t.Fatal(err)
	}
	list := func(names []string) string { return `["` + strings.Join(names, `", "`) + `"]` }
	var text strings.Builder
	for i, q := range queries {
		fmt.Fprintf(&text, `
dataset "d%[1]d" {
  from = [source.events, source.again, source.older, source.customers, source.merchants, source.labels]
  key  = %[2]s
  sql  = <<-SQL
    %[3]s
  SQL
}
split "hash" "s%[1]d" {
  from = dataset.d%[1]d
  test = 0.3
}
train "gradient_boosting" "m%[1]d" {
  data     = split.s%[1]d.train
  task     = "multiclass_classification"
  target   = "%[4]s"
  features = %[5]s
}
`, i, list(strings.Split(q.key, ",")), q.sql, q.target, list(q.features))
	}
	return conformanceCase{files: []txtar.File{{Name: "tables.mlp", Data: tables}, {Name: "case.mlp", Data: []byte(text.String())}}}
}

// linesOfQuery is how many lines leakageModule writes for a query.
const linesOfQuery = 18

// TestLeakage: honest queries are taken and leaking ones refused, each at its feature, with the way that the target took.
func TestLeakage(t *testing.T) {
	binder := table.NewBinder(nil)
	defer binder.Close()
	for name, least := range map[string]int{"honest.sql": 121, "leaking.sql": 100} {
		queries := leakageQueries(t, name)
		if len(queries) < least {
			t.Errorf("%s has %d queries, want %d", name, len(queries), least)
		}
		c := leakageModule(t, queries)
		told := make([]int, len(queries))
		for _, d := range c.diagnose(t, binder) {
			i := (d.Subject.Start.Line - 1) / linesOfQuery
			leak := strings.Contains(d.Summary, "gives the target away")
			switch {
			case d.Severity == source.Warning && !leak:
			case !leak, name == "honest.sql":
				t.Errorf("%s: %s\n    %s: %s", name, queries[i].sql, d.Summary, d.Detail)
			case !strings.Contains(d.Detail, " → ") && !strings.Contains(d.Detail, "It is the target"):
				t.Errorf("%s: %s\n    without the way: %s", name, queries[i].sql, d.Detail)
			}
			if leak {
				told[i]++
			}
		}
		for i, q := range queries {
			if name == "leaking.sql" && told[i] != len(q.features) {
				t.Errorf("not refused: %s", q.sql)
			}
		}
	}
}
