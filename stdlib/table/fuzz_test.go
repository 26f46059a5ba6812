package table

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzBind holds that whatever stands where SQL is expected is typed or refused, that problems lie within the text, and
// that no file is read: the one beside the process has a column that no answer may have.
func FuzzBind(f *testing.F) {
	for _, query := range []string{
		"select * from payments", "with p as (select id from payments) select p.id, [1, 2] l, {'Ab': 1} st from p",
		"select merchant, count(*) filter (where is_fraud) n from payments group by all having n > 1 order by 2",
		"select sum(amount) over (partition by merchant order by paid_at range between interval 1 day preceding and current row) from payments",
		"select x from range(3) r(x), (values (1)) v(y)", "from 'secret.csv'", "select * from read_csv('secret.csv')", "select * from glob('*')",
		"select * from read_text('secret.csv')", "copy payments to 'out.csv'", "attach 'x.db'", "install httpfs", "pragma version",
		"select * from \"secret.csv\"", "select " + strings.Repeat("(", 50) + "1" + strings.Repeat(")", 50), "select $$a$$, e'\\x41', '''', 1e400",
		"select " + strings.Repeat("-", 50) + "1", "amount > 3", "max(amount) / nullif(count(*), 0)", "case when is_fraud then 1 else 0 end",
	} {
		f.Add(query)
	}
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret.csv"), []byte("forbidden_column\n1\n"), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Chdir(dir)
	b := NewBinder(nil)
	f.Cleanup(func() { b.Close() })
	f.Fuzz(func(t *testing.T, query string) {
		columns, problems := b.Query(t.Context(), query, payments())
		if strings.Contains(typed(columns), "forbidden") && !strings.Contains(query, "forbidden") {
			t.Fatalf("%q reads a file: %s", query, typed(columns))
		}
		column, more := b.Expr(t.Context(), query, payments()["payments"], true)
		if strings.Contains(column.Name, "forbidden") && !strings.Contains(query, "forbidden") {
			t.Fatalf("%q reads a file", query)
		}
		for _, p := range append(problems, more...) {
			if p.Offset < 0 || p.Length < 0 || p.Offset+p.Length > len(query) {
				t.Errorf("a problem outside of %q: %+v", query, p)
			}
		}
	})
}
