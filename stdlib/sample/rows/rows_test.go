package rows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// sampled runs the stage over a table and returns the file that it wrote, and its figures.
func sampled(t *testing.T, sql string, columns []schema.Column, c Config) (path string, figures map[string]float64, err error) {
	t.Helper()
	root := t.TempDir()
	in := filepath.Join(root, "in", schema.SamplePort)
	if err := os.MkdirAll(in, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := table.Run(t.Context(), table.Query{SQL: sql, Out: filepath.Join(in, component.TableFile)}); err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shape := map[string]schema.Shape{"table": {Type: schema.TablePort, Table: &schema.Table{Columns: columns}}}
	spec, err := json.Marshal(component.Spec{Protocol: component.Protocol, Address: "source.x@sample", Config: config,
		In: map[string]schema.Shape{schema.SamplePort: shape["table"]}, Out: shape})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "stage.json"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := component.Open(root, 2, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if err := Component.Run(t.Context(), s); err != nil {
		return "", nil, err
	}
	data, err := os.ReadFile(filepath.Join(root, "out", "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &figures); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "out", "table", component.TableFile), figures, nil
}

const visits = "select i as visit, i // 10 as customer, case when i % 7 = 0 then null else i * 0.5 end as amount from range(20000) t(i)"

var columns = []schema.Column{{Name: "visit", Type: "bigint"}, {Name: "customer", Type: "bigint"}, {Name: "amount", Type: "decimal(21,1)"}}

// count is the number that a query over tables yields.
func count(t *testing.T, sql string, tables map[string]string) int64 {
	t.Helper()
	r, err := table.OpenReader(t.Context(), tables)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	row, err := r.Row(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	return row[0].(int64)
}

// TestNested: a smaller sample is part of a larger one, whatever it is sampled by; the share is met within four standard deviations.
func TestNested(t *testing.T) {
	for _, by := range [][]string{nil, {"customer"}, {"visit"}} {
		small, few, err := sampled(t, visits, columns, Config{0.05, by})
		if err != nil {
			t.Fatal(err)
		}
		large, many, err := sampled(t, visits, columns, Config{0.1, by})
		if err != nil {
			t.Fatal(err)
		}
		both := map[string]string{"small": small, "large": large}
		if n := count(t, "select count(*) from small where visit not in (select visit from large)", both); n != 0 {
			t.Errorf("by %v: %d rows of the smaller sample are not in the larger", by, n)
		}
		n := 20000.0
		if len(by) > 0 && by[0] == "customer" {
			n = 2000
		}
		for _, x := range []struct{ share, rows float64 }{{0.05, few["rows"]}, {0.1, many["rows"]}} {
			if off := x.rows/20000 - x.share; off*off > 16*x.share*(1-x.share)/n {
				t.Errorf("by %v: a share of %g came out as %g", by, x.share, x.rows/20000)
			}
		}
		if few["of"] != 20000 {
			t.Errorf("got %v", few)
		}
	}
}

// TestTogether: rows with the same values are kept together, and of two tables the same values are kept.
func TestTogether(t *testing.T) {
	a, _, err := sampled(t, visits, columns, Config{0.1, []string{"customer"}})
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, "select count(*) from (select count(*) as n from a group by customer) where n <> 10", map[string]string{"a": a}); n != 0 {
		t.Errorf("%d customers are in the sample in part", n)
	}
	b, _, err := sampled(t, "select i as customer, 'name ' || i as name from range(2000) t(i)", []schema.Column{{Name: "customer", Type: "bigint"}, {Name: "name", Type: "varchar"}}, Config{0.1, []string{"customer"}})
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, "select count(*) from (select distinct customer from a) as x full join b on x.customer = b.customer where x.customer is null or b.customer is null", map[string]string{"a": a, "b": b}); n != 0 {
		t.Errorf("%d customers are in one sample alone", n)
	}
}

// TestWhole: a share of 1 keeps all rows, and a sample without rows is an error.
func TestWhole(t *testing.T) {
	_, all, err := sampled(t, visits, columns, Config{1, nil})
	if err != nil || all["rows"] != 20000 {
		t.Errorf("got %v, %v", all, err)
	}
	one := "select 1 as visit, 1 as customer, 1.5::decimal(21,1) as amount"
	for share := range 3 {
		c := Config{1e-6 * float64(share+1), nil}
		if _, _, err := sampled(t, one, columns, c); err == nil {
			t.Errorf("%v: one row is in the sample", fmt.Sprint(c))
		}
	}
}
