package asof_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/training_set/asof"
)

var spine = stagetest.Table{
	SQL: `select * from (values
  (1, 'a', timestamp '2026-01-02 00:00:00', true),
  (2, 'a', timestamp '2026-01-03 00:00:00', false),
  (3, 'b', timestamp '2026-01-03 00:00:00', null),
  (4, null, timestamp '2026-01-04 00:00:00', true),
  (5, 'a', null, false),
  (6, 'c', timestamp '2026-01-04 00:00:00', false)) v(id, card, paid_at, bad)`,
	Schema: schema.Table{Key: []string{"id"}, Time: "paid_at", Label: &schema.Label{Column: "bad"}},
}

// own keeps the spine's key; a row is missing.
var own = stagetest.Table{
	SQL: `select * from (values (1, 'a', timestamp '2026-01-02', 0.5), (2, 'a', timestamp '2026-01-03', 0.25),
  (4, null, timestamp '2026-01-04', 4.0), (5, 'a', null, 5.0), (6, 'c', timestamp '2026-01-04', 6.0)) v(id, card, paid_at, x)`,
	Schema: schema.Table{Key: []string{"id"}, Entity: []string{"card"}, Time: "paid_at"},
}

// profile is of another table: by card and time, twice at one instant, once at the very time of a row of the spine.
var profile = stagetest.Table{
	SQL: `select * from (values
  (10, 'a', timestamp '2026-01-01 00:00:00', 'old'),
  (11, 'a', timestamp '2026-01-02 00:00:00', 'first'),
  (12, 'a', timestamp '2026-01-02 00:00:00', 'last'),
  (13, 'b', timestamp '2026-01-03 00:00:00', 'same instant'),
  (14, null, timestamp '2026-01-01 00:00:00', 'nobody'),
  (15, 'c', null, 'never')) v(change, card, changed_at, tier)`,
	Schema: schema.Table{Key: []string{"change"}, Entity: []string{"card"}, Time: "changed_at"},
}

func block(config string, features map[string]stagetest.Table) stagetest.Block {
	b := stagetest.Block{Address: "training_set.x", Config: config, Tables: map[string]stagetest.Table{"spine": spine}}
	for name, f := range features {
		b.Tables["features."+name] = f
	}
	return b
}

func TestJoins(t *testing.T) {
	tests := []struct {
		name, config string
		features     map[string]stagetest.Table
		want         []string
	}{
		{"by key and as of", `{"features":["own","profile"],"as_of":"PAID_AT"}`, map[string]stagetest.Table{"own": own, "profile": profile}, []string{
			"1 | a | 2026-01-02 00:00:00 | true | 0.5 | old",
			"2 | a | 2026-01-03 00:00:00 | false | 0.25 | last",
			"3 | b | 2026-01-03 00:00:00 | null | null | null",
			"4 | null | 2026-01-04 00:00:00 | true | 4 | null",
			"5 | a | null | false | 5 | null",
			"6 | c | 2026-01-04 00:00:00 | false | 6 | null",
		}},
		{"the spine's own time", `{"features":["profile"]}`, map[string]stagetest.Table{"profile": profile}, []string{
			"1 | a | 2026-01-02 00:00:00 | true | old",
			"2 | a | 2026-01-03 00:00:00 | false | last",
			"3 | b | 2026-01-03 00:00:00 | null | null",
			"4 | null | 2026-01-04 00:00:00 | true | null",
			"5 | a | null | false | null",
			"6 | c | 2026-01-04 00:00:00 | false | null",
		}},
		{"another kind of time", `{"features":["zoned"]}`, map[string]stagetest.Table{"zoned": {
			SQL:    "select card, (changed_at::varchar || '+00')::timestamptz as changed_at, tier from (" + profile.SQL + ")",
			Schema: schema.Table{Entity: []string{"card"}, Time: "changed_at"}}}, []string{
			"1 | a | 2026-01-02 00:00:00 | true | old",
			"2 | a | 2026-01-03 00:00:00 | false | last",
			"3 | b | 2026-01-03 00:00:00 | null | null",
			"4 | null | 2026-01-04 00:00:00 | true | null",
			"5 | a | null | false | null",
			"6 | c | 2026-01-04 00:00:00 | false | null",
		}},
		{"no features", `{"features":[]}`, nil, []string{
			"1 | a | 2026-01-02 00:00:00 | true",
			"2 | a | 2026-01-03 00:00:00 | false",
			"3 | b | 2026-01-03 00:00:00 | null",
			"4 | null | 2026-01-04 00:00:00 | true",
			"5 | a | null | false",
			"6 | c | 2026-01-04 00:00:00 | false",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := stagetest.Run(t, asof.Component, block(tt.config, tt.features)).Text(t, "table")
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// sizes are on both sides of where the engine takes another algorithm.
var sizes = []int{1, 2, 63, 64, 65, 257, 2047, 2048, 2049, 5000, 130_000}

// strange are rows of about 16 an entity, with ties, and times and entities that are missing or infinite. An entity has two
// columns, and either may be missing.
func strange(n, salt int) string {
	return fmt.Sprintf(`select i as id,
  case when hash(i * 64 + %[2]d) %% 16 > 0 then 'e' || hash(i * 64 + %[2]d + 1) %% %[3]d end as e,
  case when hash(i * 64 + %[2]d + 4) %% 16 > 0 then (hash(i * 64 + %[2]d + 5) %% 2)::double end as shop,
  case hash(i * 64 + %[2]d + 2) %% 12 when 0 then null when 1 then timestamp 'infinity' when 2 then timestamp '-infinity'
    else timestamp '1969-12-30' + to_hours((hash(i * 64 + %[2]d + 3) %% 60)::bigint) end as ts
from range(%[1]d) r(i)`, n, salt, n/32+1)
}

// entityOf names a row's entity; empty if it has none.
func entityOf(f *frame.Frame, row int) string {
	e, shop := stagetest.Value(f.Column("e"), row), stagetest.Value(f.Column("shop"), row)
	if e == "null" || shop == "null" {
		return ""
	}
	return e + " " + shop
}

// TestAsOfAgreesWithItsDefinition compares the join with an oracle that looks at all rows of an entity.
func TestAsOfAgreesWithItsDefinition(t *testing.T) {
	for _, n := range sizes {
		for _, m := range []int{n, 40} {
			t.Run(fmt.Sprintf("%d to %d", n, m), func(t *testing.T) { asOfOracle(t, strange(n, 1), strange(m, 8), min(n, m)) })
		}
	}
}

func asOfOracle(t *testing.T, left, right string, least int) {
	r := stagetest.Run(t, asof.Component, stagetest.Block{Address: "training_set.x", Config: `{"features":["f"]}`, Tables: map[string]stagetest.Table{
		"spine":      {SQL: left, Schema: schema.Table{Key: []string{"id"}, Time: "ts"}},
		"features.f": {SQL: "select id as fid, e, shop, ts, id * 2 as x from (" + right + ")", Schema: schema.Table{Entity: []string{"e", "shop"}, Time: "ts"}},
	}})
	got, l, f := r.Frame(t, "table"), stagetest.Read(t, left), stagetest.Read(t, right)
	of := map[string][]int{}
	for j := range f.Rows {
		if finite(f.Column("ts").Num[j]) {
			of[entityOf(f, j)] = append(of[entityOf(f, j)], j)
		}
	}
	delete(of, "")
	found := 0
	for i := range l.Rows {
		at, best := l.Column("ts").Num[i], -1
		for _, j := range of[entityOf(l, i)] {
			// rows of the feature are in the order of id, so the last of an instant has the greatest
			if then := f.Column("ts").Num[j]; finite(at) && then < at && (best < 0 || then >= f.Column("ts").Num[best]) {
				best = j
			}
		}
		want := "null | null"
		if best >= 0 {
			found++
			want = fmt.Sprintf("%s | %v", stagetest.Value(f.Column("id"), best), 2*f.Column("id").Num[best])
		}
		if got := stagetest.Value(got.Column("fid"), i) + " | " + stagetest.Value(got.Column("x"), i); got != want {
			t.Fatalf("row %d (%s at %s): got %s, want %s", i, entityOf(l, i), stagetest.Value(l.Column("ts"), i), got, want)
		}
	}
	if least > 60 && found < least/4 || got.Rows != l.Rows {
		t.Errorf("%d of %d rows found a feature", found, got.Rows)
	}
}

// finite tells of a time, in seconds, whether it is one: infinite ones are past all years.
func finite(x float64) bool { return math.Abs(x) < 1e12 }

func TestShape(t *testing.T) {
	got := stagetest.Shape(t, asof.Component, block(`{"features":["own","profile"]}`, map[string]stagetest.Table{"own": own, "profile": profile}))
	want := &schema.Table{Key: []string{"id"}, Entity: []string{"card"}, Time: "paid_at", Label: &schema.Label{Column: "bad"}, Columns: []schema.Column{
		{Name: "id", Type: "integer"}, {Name: "card", Type: "varchar"}, {Name: "paid_at", Type: "timestamp"}, {Name: "bad", Type: "boolean"},
		{Name: "x", Type: "decimal(3,2)"}, {Name: "tier", Type: "varchar"}}}
	if d := cmp.Diff(want, got.Out["table"].Table); d != "" || len(got.Problems) > 0 {
		t.Errorf("%s\nproblems %v", d, got.Problems)
	}
}

func TestProblems(t *testing.T) {
	with := func(f stagetest.Table, change func(s *schema.Table)) map[string]stagetest.Table {
		change(&f.Schema)
		return map[string]stagetest.Table{"f": f}
	}
	none := func(*schema.Table) {}
	noSpineTime := func(b stagetest.Block) stagetest.Block {
		b.Tables["spine"] = stagetest.Table{SQL: spine.SQL, Schema: schema.Table{Key: []string{"id"}}}
		return b
	}
	tests := []struct {
		name  string
		block stagetest.Block
		path  string
		want  string
	}{
		{"same column twice", block(`{"features":["f"]}`, with(stagetest.Table{SQL: "select 1 as id, 2 as BAD"}, func(s *schema.Table) { s.Key = []string{"id"} })),
			"features[0]", `feature.f and the spine both yield a column "BAD"`},
		{"neither key nor time", block(`{"features":["f"]}`, with(profile, func(s *schema.Table) { s.Time = "" })), "features[0]", "neither by key nor by entity and time"},
		{"spine without a time", noSpineTime(block(`{"features":["f"]}`, with(profile, none))), "features[0]", "the spine has none"},
		{"entity not in the spine", block(`{"features":["f"]}`, with(stagetest.Table{SQL: "select 'a' as shop, timestamp '2026-01-01' as ts, 1 as x"},
			func(s *schema.Table) { s.Entity, s.Time = []string{"shop"}, "ts" })), "features[0]", `the spine has no column "shop"`},
		{"other type of entity", block(`{"features":["f"]}`, with(stagetest.Table{SQL: "select 7 as card, timestamp '2026-01-01' as ts, 1 as x"},
			func(s *schema.Table) { s.Entity, s.Time = []string{"card"}, "ts" })), "features[0]", `column "card" is varchar in the spine and integer in feature.f`},
		{"other type of key", block(`{"features":["f"]}`, with(stagetest.Table{SQL: "select '7' as id, 1 as x"},
			func(s *schema.Table) { s.Key = []string{"id"} })), "features[0]", `column "id" is integer in the spine and varchar in feature.f`},
		{"windows of another time", block(`{"features":["f"],"as_of":"decided"}`, with(own, func(s *schema.Table) {
			s.Windows = []schema.Window{{Column: "x", Expr: "count(*)", Over: "1d"}}
		})), "features[0]", "the windows of feature.f are those of paid_at, not of decided"},
		{"as_of is no time", block(`{"features":[],"as_of":"bad"}`, nil), "as_of", `column "bad" is of type boolean`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := stagetest.Shape(t, asof.Component, tt.block).Problems
			if len(got) != 1 || got[0].Path != tt.path || !strings.Contains(got[0].Summary, tt.want) {
				t.Errorf("got %+v, want %s: %s", got, tt.path, tt.want)
			}
		})
	}
}

func TestTwoFeaturesOfOneName(t *testing.T) {
	got := stagetest.Shape(t, asof.Component, block(`{"features":["a","b"]}`, map[string]stagetest.Table{"a": own, "b": own})).Problems
	if len(got) != 1 || got[0].Path != "features[1]" || !strings.Contains(got[0].Summary, `feature.b and feature.a both yield a column "x"`) {
		t.Errorf("got %+v", got)
	}
}

func TestKeyThatIsNone(t *testing.T) {
	double := stagetest.Table{SQL: "select 1 as id, x from (values (1), (2)) v(x)", Schema: schema.Table{Key: []string{"id"}}}
	r := stagetest.Run(t, asof.Component, block(`{"features":["f"]}`, map[string]stagetest.Table{"f": double}))
	var input *component.InputError
	if !errors.As(r.Err, &input) || !strings.Contains(input.Summary, "6 rows of the spine became 7") {
		t.Errorf("got %v", r.Err)
	}
}

func TestSameBytesTwice(t *testing.T) {
	var got [2][]byte
	for i := range got {
		r := stagetest.Run(t, asof.Component, block(`{"features":["own","profile"]}`, map[string]stagetest.Table{"own": own, "profile": profile}))
		var err error
		if got[i], err = os.ReadFile(r.Path("table")); err != nil {
			t.Fatal(err, r.Err)
		}
	}
	if !bytes.Equal(got[0], got[1]) {
		t.Error("two runs wrote different bytes")
	}
}
