package lineage_test

import (
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// TestWhatExpressionsRestOn: of an expression called v, the columns whose values it rests on (in its row, or in others), those that decide
// on the rows that these come from ("t." is the rows of t themselves), and those of which it matters only whether they are known.
func TestWhatExpressionsRestOn(t *testing.T) {
	const pack = " from (select struct_pack(a := x, b := y) as p, z from t)"
	b := table.NewBinder(nil)
	defer b.Close()
	for _, tc := range []struct{ query, want string }{
		{"select 1 as v from t", ""},
		{"select x is null as v from t", "known t.x"},
		{"select x is distinct from null as v from t", "known t.x"},
		{"select null is not distinct from x as v from t", "known t.x"},
		{"select x is distinct from 1 as v from t", "values t.x"},
		{"select x is distinct from y as v from t", "values t.x t.y"},
		{"select count(x) as v from t", "control t.; known t.x"},
		{"select count(distinct x) as v from t", "others t.x; control t."},
		{"select count(*) filter (where x > 1) as v from t", "others t.x; control t."},
		{"select struct_extract(p, 'a') as v" + pack, "values t.x"},
		{"select p.b as v" + pack, "values t.y"},
		{"select p['b'] as v" + pack, "values t.y"},
		{"select p as v" + pack, "values t.x t.y"},
		{"select list_value(x, y)[1] as v from t", "values t.x t.y"},
		{"select l[x] as v from t", "values t.l t.x"},
		{"select list_transform(l, e -> e + x) as v from t", "values t.l t.x"},
		{"select list_transform(l, (e, i) -> i) as v from t", "values t.l"},
		{"select (select max(w) from u) as v from t", "others u.w; control u."},
		{"select (select w from u order by k limit 1) as v from t", "values u.w; control u. u.k"},
		{"select (select w from u order by k) as v from t", "values u.w; control u. u.k"}, // of several rows the first
		{"select x = any(select w from u order by k) as v from t", "values t.x u.w; control u."},
		{"select exists(select 1 from u where u.w > t.x) as v from t", "values t.x u.w; control t.x u. u.w"},
		{"select not exists(select 1 from u where u.w > t.x) as v from t", "values t.x u.w; control t.x u. u.w"},
		{"select x in (select w from u) as v from t", "values t.x u.w; control u."},
		// A recursive query is gone through until nothing more flows: z gets to a by way of b and c.
		{"with recursive r(a, b, c, n) as (select x, y, z, 0 from t union all select b, c, c, n + 1 from r where n < 3) select a as v from r", "values t.x t.y t.z; control t."},
		{"with recursive r(a, b, n) as (select x is null, y is null, 0 from t union all select b, b, n + 1 from r where n < 3) select a as v from r", "control t.; known t.x t.y"},
		{"with recursive r(a, b, n) as (select 1, max(y), 0 from t union all select b, b, n + 1 from r where n < 3) select a as v from r", "others t.y; control t."},
		{"select case when flag then x else y end as v from t", "values t.flag t.x t.y"},
		{"select x between y and 3 as v from t", "values t.x t.y"},
		{"select first(x order by y) as v from t", "others t.x; control t. t.y"},
	} {
		flows, problems := b.Lineage(t.Context(), tc.query, lineageTables, nil)
		if len(problems) > 0 {
			t.Errorf("%s: %v", tc.query, problems)
			continue
		}
		f := flows.Columns["v"]
		var out []string
		for _, part := range []struct {
			name string
			of   []component.Origin
		}{{"values", f.Values}, {"others", f.Others}, {"keys", f.Keys}, {"control", f.Control}, {"known", f.Known}} {
			var names []string
			for _, o := range part.of {
				names = append(names, o.Table+"."+o.Column)
			}
			if len(names) > 0 {
				out = append(out, part.name+" "+strings.Join(names, " "))
			}
		}
		if got := strings.Join(out, "; "); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.query, got, tc.want)
		}
	}
}
