package table_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/check/table"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

func payments() map[string]stagetest.Table {
	return map[string]stagetest.Table{"on": {
		SQL: `select * from (values
			(1, 'ABCD', 10.0::double, 5.0::double, timestamp '2020-01-01', 'p1', true),
			(2, 'ABCE', 20, 25, timestamp '2020-01-02', 'p2', false),
			(3, 'x', -5, 5, timestamp '2021-01-03', 'p3', false),
			(4, null, null, 5, null, 'p3', null),
			(4, 'ABCD', 30, null, timestamp '2020-01-05', 'p4', true)) t(id, merchant, amount, fee, "at", card, flag)`,
		Schema: schema.Table{Columns: []schema.Column{{Name: "id", Type: "integer"}, {Name: "merchant", Type: "varchar"},
			{Name: "amount", Type: "double"}, {Name: "fee", Type: "double"}, {Name: "at", Type: "timestamp"},
			{Name: "card", Type: "varchar", PII: true}, {Name: "flag", Type: "boolean"}}},
	}}
}

func block(config string) stagetest.Block {
	return stagetest.Block{Address: "check.payments", Config: config, Tables: payments()}
}

// TestExpectations runs each expectation alone: whether it holds, how many rows don't, and what was observed.
func TestExpectations(t *testing.T) {
	tests := []struct {
		config   string
		key      string
		passed   bool
		rows     float64
		observed string
	}{
		{`{"expect": [{"name": "id", "not_null": true}]}`, "id.not_null", true, 0, ""},
		{`{"expect": [{"name": "amount", "not_null": true}]}`, "amount.not_null", false, 1, "1 of 5 rows do not hold"},
		{`{"expect": [{"name": "amount", "not_null": true, "at_least": 0.8}]}`, "amount.not_null", true, 1, ""},
		{`{"expect": [{"name": "amount", "max_null": 0.2}]}`, "amount.max_null", true, 0, ""},
		{`{"expect": [{"name": "amount", "max_null": 0.1}]}`, "amount.max_null", false, 0, "0.2"},
		{`{"expect": [{"name": "card", "unique": true}]}`, "card.unique", false, 2, "2 of 5"},
		{`{"expect": [{"name": "amount", "unique": true}]}`, "amount.unique", true, 0, ""},
		{`{"expect": [{"name": "amount", "between": [0, 30]}]}`, "amount.between", false, 1, "1 of 4"},
		{`{"expect": [{"name": "amount", "between": [-5, 30]}]}`, "amount.between", true, 0, ""},
		{`{"expect": [{"name": "at", "between": ["2020-01-01", "2020-12-31"]}]}`, "at.between", false, 1, "1 of 4"},
		{`{"expect": [{"name": "merchant", "in_set": ["ABCD", "ABCE"]}]}`, "merchant.in_set", false, 1, "1 of 4"},
		{`{"expect": [{"name": "id", "in_set": [1, 2, 3, 4]}]}`, "id.in_set", true, 0, ""},
		{`{"expect": [{"name": "flag", "in_set": [true]}]}`, "flag.in_set", false, 2, "2 of 4"},
		{`{"expect": [{"name": "merchant", "matches": "^[A-Z]{4}$"}]}`, "merchant.matches", false, 1, "1 of 4"},
		{`{"expect": [{"name": "merchant", "min_length": 2}]}`, "merchant.min_length", false, 1, "1 of 4"},
		{`{"expect": [{"name": "merchant", "max_length": 4}]}`, "merchant.max_length", true, 0, ""},
		{`{"expect": [{"name": "amount", "greater_than": "fee"}]}`, "amount.greater_than", false, 2, "2 of 3"},
		{`{"expect": [{"name": "amount", "mean_between": [13, 14]}]}`, "amount.mean_between", true, 0, ""},
		{`{"expect": [{"name": "amount", "mean_between": [14, 15]}]}`, "amount.mean_between", false, 0, "13.75"},
		{`{"expect": [{"name": "amount", "median_between": [15, 15]}]}`, "amount.median_between", true, 0, ""},
		{`{"expect": [{"name": "amount", "quantile_between": [0.75, 22.5, 22.5]}]}`, "amount.quantile_between", true, 0, ""},
		{`{"expect": [{"name": "amount", "stdev_between": [14.9, 15]}]}`, "amount.stdev_between", true, 0, ""},
		{`{"expect": [{"name": "merchant", "distinct_between": [3, 3]}]}`, "merchant.distinct_between", true, 0, ""},
		{`{"expect": [{"name": "amount", "type": "double"}]}`, "amount.type", true, 0, ""},
		{`{"row_count_between": [1, 4]}`, "row_count_between", false, 0, "5"},
		{`{"compound_unique": ["id", "merchant"]}`, "compound_unique", true, 0, ""},
		{`{"compound_unique": ["id", "card"]}`, "compound_unique", true, 0, ""},
		{`{"compound_unique": ["id"]}`, "compound_unique", false, 2, "2 of 5"},
		{`{"expect": [{"name": "other", "column": "id", "not_null": true}]}`, "other.not_null", true, 0, ""},
	}
	for _, test := range tests {
		r := stagetest.Run(t, table.Component, block(test.config))
		if r.Err != nil {
			t.Errorf("%s: %v", test.config, r.Err)
			continue
		}
		f := r.Figures(t)
		e, _ := f["expectations"].(map[string]any)[test.key].(map[string]any)
		if e == nil || e["passed"] != test.passed || e["rows"] != test.rows {
			t.Errorf("%s: got %v", test.config, f["expectations"])
		}
		failures := f["failures"].([]any)
		if test.passed != (len(failures) == 0) || test.passed != (f["failed"] == 0.0) {
			t.Errorf("%s: failed %v, failures %v", test.config, f["failed"], failures)
		}
		if !test.passed && !strings.Contains(failures[0].(map[string]any)["observed"].(string), test.observed) {
			t.Errorf("%s: got %v", test.config, failures)
		}
	}
}

func TestFigures(t *testing.T) {
	r := stagetest.Run(t, table.Component, block(`{"expect": [{"name": "amount", "between": [0, 1], "severity": "warn"}, {"name": "id", "unique": true}]}`))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	f := r.Figures(t)
	want := map[string]any{"nulls": 1.0, "distinct": 4.0, "min": -5.0, "max": 30.0, "mean": 13.75, "stdev": 14.930394055974098}
	columns := f["table"].(map[string]any)["columns"].(map[string]any)
	if d := cmp.Diff(want, columns["amount"]); d != "" {
		t.Error(d)
	}
	if f["warned"] != 1.0 || f["failed"] != 1.0 || f["table"].(map[string]any)["rows"] != 5.0 {
		t.Errorf("got %v", f)
	}
	undefined := f["undefined"].(map[string]any)
	if undefined["table.columns.merchant.mean"] != "the column is varchar, not a number" {
		t.Errorf("got %v", undefined)
	}
	wantFailure := map[string]any{"column": "id", "expectation": "unique", "observed": "2 of 5 rows do not hold", "expected": "no value twice", "rows": 2.0, "severity": "fail"}
	if d := cmp.Diff(wantFailure, f["failures"].([]any)[1]); d != "" {
		t.Error(d)
	}
	sameShape(t, "", r.Shape.Figures, f)
}

// sameShape holds figures to the type that rules are compiled against.
func sameShape(t *testing.T, path string, want *schema.FigureType, got any) {
	t.Helper()
	switch want.Kind {
	case schema.DoubleFigure:
		if _, ok := got.(float64); !ok && got != nil {
			t.Errorf("%s is %v, not a double", path, got)
		}
	case schema.BoolFigure:
		if _, ok := got.(bool); !ok {
			t.Errorf("%s is %v, not a boolean", path, got)
		}
	case schema.ObjectFigure:
		for name, field := range want.Fields {
			sameShape(t, path+"."+name, field, got.(map[string]any)[name])
		}
	case schema.MapFigure:
		m := got.(map[string]any)
		if len(m) != len(want.Keys) {
			t.Errorf("%s has %d members, the type %d", path, len(m), len(want.Keys))
		}
		for _, k := range want.Keys {
			sameShape(t, path+"."+k, want.Elem, m[k])
		}
	}
}

func TestReportMasks(t *testing.T) {
	r := stagetest.Run(t, table.Component, block(`{"expect": [{"name": "amount", "between": [0, 30]}, {"name": "card", "matches": "^q"}]}`))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	text, err := os.ReadFile(filepath.Join(r.Root, "out", "report", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Expectations []struct{ Sample []map[string]string }
	}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"id": "3", "merchant": "x", "amount": "-5.0", "fee": "5.0", "at": "2021-01-03 00:00:00", "card": "***", "flag": "false"}
	if d := cmp.Diff(want, report.Expectations[0].Sample[0]); d != "" {
		t.Error(d)
	}
	if n := len(report.Expectations[1].Sample); n != 5 {
		t.Errorf("got %d rows", n)
	}
	if strings.Contains(string(text), "p3") {
		t.Error("the report shows personal data")
	}
}

// TestAlone shows that an expectation that cannot be computed fails without taking the others along.
func TestAlone(t *testing.T) {
	b := block(`{"expect": [{"name": "at", "between": ["2020-01-01", "soon"]}, {"name": "id", "not_null": true}]}`)
	r := stagetest.Run(t, table.Component, b)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	f := r.Figures(t)
	first := f["failures"].([]any)[0].(map[string]any)
	if f["failed"] != 1.0 || !strings.Contains(first["observed"].(string), "it cannot be computed") || !strings.Contains(first["observed"].(string), "soon") {
		t.Errorf("got %v", f["failures"])
	}
}

func TestInfinities(t *testing.T) {
	b := stagetest.Block{Address: "check.x", Config: `{"expect": [{"name": "x", "between": [0, 10], "mean_between": [0, 10]}]}`,
		Tables: map[string]stagetest.Table{"on": {SQL: "select unnest(['inf'::double, 'nan', 1]) x"}}}
	r := stagetest.Run(t, table.Component, b)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	f := r.Figures(t)
	if f["failed"] != 2.0 { // the infinite value is above 10, and makes the mean so
		t.Errorf("got %v", f["failures"])
	}
	if reason := f["undefined"].(map[string]any)["table.columns.x.mean"]; reason != "the column has values that are no finite numbers" {
		t.Errorf("got %v", f["undefined"])
	}
}

// TestMissing has NaN where other tables have null: both are missing.
func TestMissing(t *testing.T) {
	for _, missing := range []string{"'nan'", "null"} {
		b := stagetest.Block{Address: "check.x", Config: `{"expect": [{"name": "v", "not_null": true, "max_null": 0.1, "unique": true, "between": [0, 10], "in_set": [1, 2],
			"mean_between": [1.5, 1.5], "median_between": [1.5, 1.5], "distinct_between": [2, 2]}, {"name": "w", "greater_than": "v"}]}`,
			Tables: map[string]stagetest.Table{"on": {SQL: "select unnest([" + strings.Repeat(missing+"::double, ", 8) + "1, 2]::double[]) v, 3.0::float w"}}}
		r := stagetest.Run(t, table.Component, b)
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		f := r.Figures(t)
		failed := map[any]bool{}
		for _, x := range f["failures"].([]any) {
			failed[x.(map[string]any)["expectation"]] = true
		}
		if d := cmp.Diff(map[any]bool{"not_null": true, "max_null": true}, failed); d != "" {
			t.Errorf("%s: %s", missing, d)
		}
		want := map[string]any{"nulls": 8.0, "distinct": 2.0, "min": 1.0, "max": 2.0, "mean": 1.5, "stdev": 0.7071067811865476}
		if d := cmp.Diff(want, f["table"].(map[string]any)["columns"].(map[string]any)["v"]); d != "" {
			t.Errorf("%s: %s", missing, d)
		}
	}
}

// TestExactNumbers compares numbers that a double does not hold.
func TestExactNumbers(t *testing.T) {
	for _, tc := range []struct {
		value, expect string
		passed        bool
	}{
		{"9007199254740993::bigint", `"in_set": [1, 9007199254740992]`, false},
		{"9007199254740993::bigint", `"in_set": [1, 9007199254740993]`, true},
		{"9007199254740993::bigint", `"between": [1, 9007199254740992]`, false},
		{"9007199254740993::bigint", `"between": [9007199254740993, 9007199254740993]`, true},
		{"9007199254740993::bigint", `"between": [0.5, 9007199254740992.0]`, false},
		{"9007199254740993::bigint", `"between": [-1e300, 1e300]`, true},
		{"9007199254740993::bigint", `"between": [1e300, 1e301]`, false},
		{"5::bigint", `"between": [4.5, 5.5]`, true}, {"5::integer", `"in_set": [5.0, 5.5]`, true}, {"5::integer", `"in_set": [5.5]`, false},
		{"-5::integer", `"between": [-5.5, -4.5]`, true}, {"-5::integer", `"between": [-4.5, 0]`, false}, {"200::utinyint", `"between": [-1, 1000]`, true},
		{"18446744073709551615::ubigint", `"in_set": [18446744073709551614]`, false}, {"18446744073709551615::ubigint", `"in_set": [18446744073709551615]`, true},
		{"0.1::decimal(10,2)", `"in_set": [0.1]`, true}, {"0.15::decimal(10,2)", `"between": [0.145, 0.155]`, true}, {"0.15::decimal(10,2)", `"between": [0.151, 0.2]`, false},
		{"12345678901234567.89::decimal(38,2)", `"between": [0, 12345678901234567]`, false},
		{"0.1::double", `"in_set": [0.1]`, true}, {"0.1::float", `"in_set": [0.1]`, true}, {"0.1::float", `"between": [0.1, 0.1]`, true}, {"5::double", `"between": [5, 5]`, true},
		{"timestamp '2024-01-01 10:00:00'", `"between": ["2024-01-01T10:00:00+05:00", "2024-01-01T10:00:00Z"]`, true},
		{"timestamp '2024-01-01 10:00:00'", `"between": ["2024-01-01", "2024-01-01T10:00:00+05:00"]`, false},
	} {
		b := stagetest.Block{Address: "check.x", Config: `{"expect": [{"name": "x", ` + tc.expect + `}]}`,
			Tables: map[string]stagetest.Table{"on": {SQL: "select " + tc.value + " as x"}}}
		r := stagetest.Run(t, table.Component, b)
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		if f := r.Figures(t); f["failed"] != map[bool]float64{true: 0, false: 1}[tc.passed] {
			t.Errorf("%s, %s: got %v", tc.value, tc.expect, f["failures"])
		}
	}
}

func TestEmptyTable(t *testing.T) {
	b := stagetest.Block{Address: "check.x", Config: `{"row_count_between": [1, 10], "expect": [{"name": "x", "between": [0, 10], "mean_between": [0, 10], "max_null": 0.5}]}`,
		Tables: map[string]stagetest.Table{"on": {SQL: "select 1 x where false"}}}
	r := stagetest.Run(t, table.Component, b)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	f := r.Figures(t)
	if f["failed"] != 3.0 { // no rows: no count within limits, no mean, no share of nulls
		t.Errorf("got %v", f["failures"])
	}
}

func TestProblems(t *testing.T) {
	tests := []struct{ config, path, summary, hint string }{
		{`{"expect": [{"name": "amuont", "not_null": true}]}`, "expect[amuont]", `no column "amuont"`, `did you mean "amount"?`},
		{`{"expect": [{"name": "x", "column": "amuont", "not_null": true}]}`, "expect[x].column", `no column "amuont"`, `amount`},
		{`{"expect": [{"name": "merchant", "between": [0, 1]}]}`, "expect[merchant].between", `between cannot be expected of column "merchant", which is varchar`, ""},
		{`{"expect": [{"name": "merchant", "between": ["a", "b"]}]}`, "expect[merchant].between", `between cannot`, ""},
		{`{"expect": [{"name": "amount", "between": [0]}]}`, "expect[amount].between", `the least and the greatest`, ""},
		{`{"expect": [{"name": "amount", "between": 3}]}`, "expect[amount].between", `a list of values`, ""},
		{`{"expect": [{"name": "amount", "in_set": ["a"]}]}`, "expect[amount].in_set", `in_set cannot`, ""},
		{`{"expect": [{"name": "amount", "in_set": []}]}`, "expect[amount].in_set", `at least one value`, ""},
		{`{"expect": [{"name": "amount", "matches": "x"}]}`, "expect[amount].matches", `matches cannot`, ""},
		{`{"expect": [{"name": "merchant", "matches": "("}]}`, "expect[merchant].matches", `no regular expression`, ""},
		{`{"expect": [{"name": "merchant", "mean_between": [0, 1]}]}`, "expect[merchant].mean_between", `mean_between cannot`, ""},
		{`{"expect": [{"name": "amount", "mean_between": [1, 0]}]}`, "expect[amount].mean_between", `the least and the greatest`, ""},
		{`{"expect": [{"name": "amount", "quantile_between": [2, 0, 1]}]}`, "expect[amount].quantile_between", `a quantile from 0 to 1`, ""},
		{`{"expect": [{"name": "amount", "greater_than": "merchant"}]}`, "expect[amount].greater_than", `greater_than cannot`, ""},
		{`{"expect": [{"name": "amount", "greater_than": "fees"}]}`, "expect[amount].greater_than", `no column "fees"`, `fee`},
		{`{"expect": [{"name": "amount", "type": "bigint"}]}`, "expect[amount].type", `is double, not bigint`, ""},
		{`{"expect": [{"name": "amount", "not_null": true, "at_least": 2}]}`, "expect[amount].at_least", `a share above 0`, ""},
		{`{"expect": [{"name": "amount"}]}`, "expect[amount]", `nothing is expected`, ""},
		{`{"compound_unique": ["idd"]}`, "compound_unique[0]", `no column "idd"`, `id`},
		{`{"row_count_between": [5]}`, "row_count_between", `the least and the greatest`, ""},
	}
	for _, test := range tests {
		r := stagetest.Shape(t, table.Component, block(test.config))
		if len(r.Problems) != 1 {
			t.Errorf("%s: got %+v", test.config, r.Problems)
			continue
		}
		if p := r.Problems[0]; p.Path != test.path || !strings.Contains(p.Summary, test.summary) || !strings.Contains(p.Hint, test.hint) {
			t.Errorf("%s: got %+v", test.config, p)
		}
	}
}

func TestSameBytes(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	b := stagetest.Block{Address: "check.x", Config: `{"expect": [{"name": "x", "unique": true, "mean_between": [5, 6]}]}`,
		Tables: map[string]stagetest.Table{"on": {SQL: "select i, sin(i) x, i % 7 as g from range(20000) r(i)"}}}
	var first []byte
	for i, procs := range []int{1, 2} {
		runtime.GOMAXPROCS(procs)
		r := stagetest.Run(t, table.Component, b)
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		var got []byte
		for _, name := range []string{"metrics.json", "report/report.json"} {
			text, err := os.ReadFile(filepath.Join(r.Root, "out", name))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, text...)
		}
		if i == 0 {
			first = got
		} else if !bytes.Equal(first, got) {
			t.Error("the second run gave other bytes")
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := stagetest.RunContext(ctx, t, table.Component, block(`{"expect": [{"name": "id", "not_null": true}]}`))
	if !errors.Is(r.Err, context.Canceled) {
		t.Errorf("got %v", r.Err)
	}
}
