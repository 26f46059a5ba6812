package table

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
)

func payments() map[string]*schema.Table {
	return map[string]*schema.Table{"payments": {Columns: []schema.Column{
		{Name: "id", Type: "bigint"}, {Name: "amount", Type: "double"}, {Name: "paid_at", Type: "timestamp"},
		{Name: "merchant", Type: "varchar"}, {Name: "is_fraud", Type: "boolean"}, {Name: "fee", Type: "decimal(18,3)"},
	}}}
}

func TestQueryTypes(t *testing.T) {
	b := NewBinder(nil)
	defer b.Close()
	tests := []struct{ query, want string }{
		{"select * from payments", "id bigint, amount double, paid_at timestamp, merchant varchar, is_fraud boolean, fee decimal(18,3)"},
		{"select count(*) n, sum(id) s, avg(amount) a from payments", "n bigint, s bigint, a double"},
		{"select PAYMENTS.id from Payments", "id bigint"},
		{"with p as (select id from payments) select p.id, [1, 2] l, {'Ab': 1} st from p", "id bigint, l integer[], st struct(ab integer)"},
		{"select merchant::enum('A', 'B') e, null n, paid_at::date d from payments", "e varchar, n integer, d date"},
		{"select * from payments -- all of them", "id bigint, amount double, paid_at timestamp, merchant varchar, is_fraud boolean, fee decimal(18,3)"},
		{"from payments select id qualify row_number() over (partition by merchant order by paid_at) = 1", "id bigint"},
		{"select x from range(3) r(x), (values (1)) v(y)", "x bigint"},
		{"select id from payments using sample reservoir(10 rows) repeatable (7)", "id bigint"},
		{"select id from payments union all select 1", "id bigint"},
	}
	for _, test := range tests {
		columns, problems := b.Query(t.Context(), test.query, payments())
		if len(problems) > 0 {
			t.Errorf("%s: %+v", test.query, problems)
			continue
		}
		if got := typed(columns); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.query, got, test.want)
		}
	}
}

func typed(columns []schema.Column) string {
	var out []string
	for _, c := range columns {
		out = append(out, c.Name+" "+c.Type)
	}
	return strings.Join(out, ", ")
}

func TestQueryProblems(t *testing.T) {
	b := NewBinder(nil)
	defer b.Close()
	tests := []struct{ query, token, summary, hint string }{
		{`select 'é', amuont from payments`, "amuont", `there is no column "amuont"`, `did you mean "amount"?`},
		{`select "amuont" from payments`, `"amuont"`, `there is no column "amuont"`, `did you mean "amount"?`},
		{`select p.amuont from payments p`, "amuont", `there is no column "amuont"`, `did you mean "amount"?`},
		{`select id from payments where q.id = 1`, "q", `Referenced table "q" not found`, ``},
		{`select sum(amount), id from payments`, "id", `column "id" must appear in the GROUP BY`, ``},
		{`select id from payment`, "payment", `there is no table "payment" here`, `did you mean "payments"?`},
		{`select id from main.payments`, "main", `tables have no prefix here`, `write payments`},
		{`select summ(id) from payments`, "summ", `Scalar Function with name summ does not exist`, `did you mean "sum"?`},
		{`select id + merchant::date from payments`, "+", `+ does not work on bigint and date`, `cast`},
		{`select id, amount as ID from payments`, "", `two columns of the result are named "ID"`, `rename one`},
		{`select p.id, q.* from payments p join payments q on true`, "", `two columns of the result are named "id"`, `rename`},
		{`select now() from payments`, "now", "now gives another value on every run", "take the time"},
		{`select current_timestamp from payments`, "current_timestamp", "current_timestamp gives another", ""},
		{`select current_date - 1 from payments`, "current_date", "current_date gives another", ""},
		{`select current_localtimestamp()`, "current_localtimestamp", "gives another", ""},
		{`select age(paid_at) from payments`, "age", "age gives another", ""},
		{`select id from payments order by random()`, "random", "random gives another", ""},
		{`select id from payments where id in (select uuid())`, "uuid", "uuid gives another", ""},
		{`select id from payments tablesample 10%`, "payments", "a sample without a seed", "REPEATABLE"},
		{`select id from payments using sample 10 rows`, "", "a sample without a seed", "REPEATABLE"},
		{`select * from read_csv('/etc/passwd')`, "read_csv", "a query cannot read with read_csv", "declare a source"},
		{`select * from read_parquet('x.parquet')`, "read_parquet", "a query cannot read with", ""},
		{`select * from glob('*')`, "glob", "a query cannot read with glob", ""},
		{`select * from query('select 1')`, "query", "a query cannot read with query", ""},
		{`select * from '/etc/passwd'`, "'/etc/passwd'", "there is no table", ""},
		{`select * from duckdb_settings()`, "duckdb_settings", "a query cannot read with", ""},
		{`select * from sqlite_master`, "sqlite_master", "there is no table", ""},
		{`select 1; select 2`, ";", "another statement begins", ""},
		{`select ';' /* ; */; drop table payments`, ";", "another statement begins", ""},
		{`select 1;`, ";", "must not end in a semicolon", "leave it out"},
		{`drop table payments`, "", "only a SELECT", ""},
		{`copy payments to 'x'`, "", "only a SELECT", ""},
		{`describe payments`, "", "cannot stand here", ""},
		{`select id from from payments`, "from", "syntax error", ""},
		{`select ? from payments`, "", "parameter", ""},
		{``, "", "empty", ""},
		{`select union_value(a := 1) u`, "", "cannot be stored", "take the member"},
	}
	for _, test := range tests {
		_, problems := b.Query(t.Context(), test.query, payments())
		if len(problems) == 0 {
			t.Errorf("%s: no problem", test.query)
			continue
		}
		p := problems[0]
		if got := test.query[p.Offset : p.Offset+p.Length]; got != test.token || !strings.Contains(p.Summary, test.summary) || !strings.Contains(p.Hint, test.hint) {
			t.Errorf("%s\n got %q %+v", test.query, got, p)
		}
	}
}

func TestExpr(t *testing.T) {
	b := NewBinder(nil)
	defer b.Close()
	tests := []struct {
		expr      string
		aggregate bool
		kind      string // empty: a problem is expected
		token     string
		summary   string
	}{
		{"ln(1 + amount)", false, "double", "", ""},
		{"hour(paid_at) -- of the day", false, "bigint", "", ""},
		{"amount > 10 and is_fraud", false, "boolean", "", ""},
		{"list_sum([amount, 1])", false, "double", "", ""},
		{"sum(amount)", true, "double", "", ""},
		{"count(*)", true, "bigint", "", ""},
		{"sum(case when is_fraud then amount end) / sum(amount)", true, "double", "", ""},
		{"count(distinct merchant) filter (where is_fraud)", true, "bigint", "", ""},
		{"weighted_avg(amount, id)", true, "double", "", ""},
		{"1 + sum(amount)", false, "", "sum", "an aggregate cannot stand here"},
		{"weighted_avg(amount, id)", false, "", "", "an aggregate cannot stand here"},
		{"amount + 1", true, "", "", "an aggregate is expected here"},
		{"amount + sum(amount)", true, "", "amount", "must appear in the GROUP BY"},
		{"row_number() over ()", false, "", "row_number", "a window function cannot"},
		{"sum(amount) over ()", true, "", "sum", "a window function cannot"},
		{"amuont * 2", false, "", "amuont", `there is no column "amuont"`},
		{"1) from input; drop table input", false, "", ")", "syntax error"},
		{"amount, id", false, "", "", "one expression is expected"},
		{"amount as a", false, "", "", "no name of its own"},
		{"amount from input --", false, "", "", "not complete"},
		{"amount from input; select 1", false, "", "", "one expression is expected"},
		{"amount from input where id > 1 union select 1", false, "", "", "one expression is expected"},
		{"*", false, "", "", "not all columns"},
		{"columns('a.*')", false, "", "", "not all columns"},
		{"distinct amount", false, "", "", "one expression is expected"},
		{"(select max(amount) from input)", false, "", "(", "a subquery cannot"},
		{"amount +", false, "", "", "not complete"},
		{"random() + amount", false, "", "random", "gives another value"},
		{" ", false, "", "", "empty"},
	}
	for _, test := range tests {
		column, problems := b.Expr(t.Context(), test.expr, payments()["payments"], test.aggregate)
		if test.kind != "" {
			if len(problems) > 0 || column.Type != test.kind {
				t.Errorf("%s: got %q %+v, want %q", test.expr, column.Type, problems, test.kind)
			}
			continue
		}
		if len(problems) == 0 {
			t.Errorf("%s: no problem, type %s", test.expr, column.Type)
			continue
		}
		p := problems[0]
		if got := test.expr[p.Offset : p.Offset+p.Length]; got != test.token || !strings.Contains(p.Summary, test.summary) {
			t.Errorf("%s\n got %q %+v", test.expr, got, p)
		}
	}
}

// kept are answers in memory.
type kept struct {
	mu      sync.Mutex
	answers map[[32]byte][]byte
}

func (k *kept) Get(key [32]byte) ([]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	text, ok := k.answers[key]
	return text, ok
}

func (k *kept) Put(key [32]byte, text []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answers[key] = text
}

func TestBinderAsksOnce(t *testing.T) {
	answers := &kept{answers: map[[32]byte][]byte{}}
	ask := func(b *Binder) ([]schema.Column, []schema.Problem) {
		return b.Query(t.Context(), "select id, amuont from payments", payments())
	}
	first := NewBinder(answers)
	columns, problems := ask(first)
	first.Close()

	second := NewBinder(answers)
	gotColumns, gotProblems := ask(second)
	if d := cmp.Diff(problems, gotProblems) + cmp.Diff(columns, gotColumns); d != "" {
		t.Error(d)
	}
	if second.session != nil {
		t.Error("the engine was started for what was known")
	}

	if len(answers.answers) != 1 {
		t.Fatalf("got %d answers, want 1", len(answers.answers))
	}
	for key := range answers.answers {
		answers.answers[key] = []byte("{")
	}
	third := NewBinder(answers)
	defer third.Close()
	if _, got := ask(third); cmp.Diff(problems, got) != "" || third.session == nil {
		t.Errorf("a corrupt answer was not asked anew: %+v", got)
	}
	other := payments()
	other["payments"].Columns[1].Name = "amuont"
	if _, got := third.Query(t.Context(), "select id, amuont from payments", other); len(got) > 0 {
		t.Errorf("another schema got the old answer: %+v", got)
	}
}

// TestBinderKeepsItsAnswers: what a caller does to the columns that it got changes nobody else's.
func TestBinderKeepsItsAnswers(t *testing.T) {
	b := NewBinder(nil)
	defer b.Close()
	columns, _ := b.Query(t.Context(), "select id from payments", payments())
	columns[0].PII = true
	if again, _ := b.Query(t.Context(), "select id from payments", payments()); again[0].PII {
		t.Error("the answer was changed by who got it first")
	}
	flows, _ := b.Lineage(t.Context(), "select id from payments", payments(), nil)
	delete(flows.Columns, "id")
	if again, _ := b.Lineage(t.Context(), "select id from payments", payments(), nil); len(again.Columns) != 1 {
		t.Error("the flows were changed by who got them first")
	}
}

func TestBinderRemembersNoCancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := NewBinder(nil)
	defer b.Close()
	if _, problems := b.Query(ctx, "select 1 a", nil); len(problems) == 0 {
		t.Error("a cancelled question was answered")
	}
	if columns, problems := b.Query(t.Context(), "select 1 a", nil); len(problems) > 0 || typed(columns) != "a integer" {
		t.Errorf("got %v %+v", columns, problems)
	}
}

func TestBinderConcurrently(t *testing.T) {
	b := NewBinder(&kept{answers: map[[32]byte][]byte{}})
	defer b.Close()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			tables := map[string]*schema.Table{"payments": {Columns: []schema.Column{{Name: fmt.Sprintf("c%d", i%4), Type: "double"}}}}
			columns, problems := b.Query(t.Context(), "select * from payments", tables)
			if want := fmt.Sprintf("c%d double", i%4); len(problems) > 0 || typed(columns) != want {
				t.Errorf("got %s %+v, want %s", typed(columns), problems, want)
			}
		})
	}
	wg.Wait()
}
