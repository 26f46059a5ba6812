package sql_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/dataset/sql"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

func payments() map[string]stagetest.Table {
	return map[string]stagetest.Table{
		"from.payments": {
			SQL: "select * from (values (2, 'x', 1.5::double), (1, 'y', 2.5), (1, 'z', 0.5), (null, 'w', 9)) p(id, card, amount)",
			Schema: schema.Table{Columns: []schema.Column{
				{Name: "id", Type: "integer"}, {Name: "card", Type: "varchar", PII: true}, {Name: "amount", Type: "double"}}},
		},
		"from.c": {
			SQL:    "select 'x' as card, 'NL' as country",
			Schema: schema.Table{Columns: []schema.Column{{Name: "card", Type: "varchar"}, {Name: "country", Type: "varchar", Protected: true}}},
		},
	}
}

func TestRun(t *testing.T) {
	tests := []struct {
		name, config string
		want         []string
		key          []string
	}{
		{"in the order of the key", `{"from": ["payments", "c"], "key": ["ID"], "sql": "select * from payments where id is not null qualify row_number() over (partition by id order by amount) = 1"}`,
			[]string{"1 | z | 0.5", "2 | x | 1.5"}, []string{"id"}},
		{"a join", `{"from": ["payments", "c"], "sql": "select country, sum(id) n from payments join c using (card) group by country"}`, []string{"NL | 2"}, nil},
		{"parameters", `{"from": ["payments", "c"], "params": {"least": 2, "cards": ["y", "x"]}, "sql": "select card, amount from payments where amount > $least and card in $cards"}`,
			[]string{"y | 2.5"}, nil},
	}
	for _, test := range tests {
		r := stagetest.Run(t, sql.Component, stagetest.Block{Address: "dataset.p", Config: test.config, Tables: payments()})
		if d := cmp.Diff(test.want, r.Text(t, "table")); d != "" {
			t.Errorf("%s: %s", test.name, d)
		}
		if d := cmp.Diff(test.key, r.Shape.Out["table"].Table.Key); d != "" {
			t.Errorf("%s: %s", test.name, d)
		}
	}
}

func TestOnlyTableIsDefault(t *testing.T) {
	tables := payments()
	delete(tables, "from.c")
	r := stagetest.Run(t, sql.Component, stagetest.Block{Address: "dataset.p", Config: `{"from": ["payments"]}`, Tables: tables})
	if got := r.Text(t, "table"); len(got) != 4 || got[3] != "null | w | 9" {
		t.Errorf("got %q", got)
	}
}

// TestMarksFollowValues: what is computed from a marked column is marked, what it filters, joins or groups is not.
func TestMarksFollowValues(t *testing.T) {
	tests := []struct{ query, column, want string }{
		{"select p.card from payments p join c on true", "card", "pii"},
		{"select country as land from c, payments", "land", "protected"},
		{"select upper(p.card) as v from payments p, c", "v", "pii"},
		{"select amount as v from payments join c using (card) where card > 'a' order by card", "v", ""},
		{"select count(*) as v from payments, c group by payments.card", "v", ""},
		{"select count(distinct payments.card) as v from payments, c", "v", "pii"},
		{"select row_number() over (partition by payments.card order by id) as v from payments, c", "v", ""},
		{"select case when country = 'NL' then amount end as v from payments, c", "v", "protected"},
		{"select md5(payments.card) || country as v from payments, c", "v", "pii protected"},
	}
	for _, tt := range tests {
		config, err := json.Marshal(map[string]any{"from": []string{"payments", "c"}, "sql": tt.query})
		if err != nil {
			t.Fatal(err)
		}
		r := stagetest.Shape(t, sql.Component, stagetest.Block{Address: "dataset.d", Config: string(config), Tables: payments()})
		if len(r.Problems) > 0 {
			t.Errorf("%s: %v", tt.query, r.Problems)
			continue
		}
		c := r.Out["table"].Table.Column(tt.column)
		var got []string
		if c.PII {
			got = append(got, "pii")
		}
		if c.Protected {
			got = append(got, "protected")
		}
		if got, want := strings.Join(got, " "), tt.want; got != want {
			t.Errorf("%s: got %q, want %q", tt.query, got, want)
		}
	}
}

func TestProblems(t *testing.T) {
	tests := []struct{ config, path, summary, hint string }{
		{`{"from": ["payments", "c"]}`, "sql", "the query is missing", ""},
		{`{"from": []}`, "from", "at least one table", ""},
		{`{"from": ["payments"], "sql": "select amuont from payments"}`, "sql", `no column "amuont"`, `did you mean "amount"?`},
		{`{"from": ["payments"], "sql": "select $leats from payments", "params": {"least": 1}}`, "sql", `no parameter "leats"`, `did you mean "least"?`},
		{`{"from": ["payments"], "sql": "select id from payments", "key": ["idd"]}`, "key[0]", `no column "idd"`, `did you mean "id"?`},
		{`{"from": ["payments"], "sql": "select id from payments", "key": ["id", "ID"]}`, "key[1]", `twice`, ``},
	}
	for _, test := range tests {
		r := stagetest.Shape(t, sql.Component, stagetest.Block{Config: test.config, Tables: payments()})
		if len(r.Problems) == 0 || len(r.Problems) > 1 && !r.Problems[1].Warning {
			t.Errorf("%s: got %+v", test.config, r.Problems)
			continue
		}
		if p := r.Problems[0]; p.Path != test.path || !strings.Contains(p.Summary, test.summary) || !strings.Contains(p.Hint, test.hint) {
			t.Errorf("%s: got %+v", test.config, p)
		}
	}
}

func TestRunErrors(t *testing.T) {
	tests := []struct{ config, want string }{
		{`{"from": ["payments"], "key": ["id"], "sql": "select * from payments where id is not null"}`, "the key (id) is not unique: 1 of its values are shared by 2 rows, such as id = 1"},
		{`{"from": ["payments"], "key": ["id"], "sql": "select * from payments where id is null or id = 2"}`, "the key (id) is null in 1 rows"},
		{`{"from": ["payments"], "sql": "select * from payments where id > 5"}`, "the query yields no rows"},
		{`{"from": ["payments"], "sql": "select card::integer i from payments"}`, "to INT32 when casting from source column card"},
	}
	for _, test := range tests {
		tables := payments()
		delete(tables, "from.c")
		r := stagetest.Run(t, sql.Component, stagetest.Block{Address: "dataset.p", Config: test.config, Tables: tables})
		var input *component.InputError
		if !errors.As(r.Err, &input) || !strings.Contains(r.Err.Error(), test.want) {
			t.Errorf("%s: got %v", test.config, r.Err)
		}
	}
}
