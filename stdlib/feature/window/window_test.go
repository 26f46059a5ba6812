package window_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/feature/window"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// random is many rows: 12 cards in 3 shops and some without, times that tie, lie before 1970, are missing or infinite, values and
// moments of knowing that are missing or in the past.
func randomRows(n int) string {
	return strings.NewReplacer("CARDS", fmt.Sprint(12+n/200), "ROWS", fmt.Sprint(n)).Replace(randomSQL)
}

var random = randomRows(1500)

const randomSQL = `select i as id,
  case when hash(i * 16 + 1) % 20 > 0 then 'card' || hash(i * 16 + 2) % CARDS end as card,
  case when hash(i * 16 + 3) % 20 > 0 then hash(i * 16 + 4) % 3 end as shop,
  case hash(i * 16 + 5) % 40 when 0 then null when 1 then timestamp 'infinity'
    else timestamp '1969-12-25' + to_seconds((hash(i * 16 + 6) % 1000 * 600)::bigint) end as ts,
  case when hash(i * 16 + 7) % 10 > 0 then (hash(i * 16 + 8) % 1000)::double / 7 end as amount,
  case when hash(i * 16 + 9) % 3 > 0 then ts + to_hours((hash(i * 16 + 10) % 60)::bigint - 5) end as known
from range(ROWS) r(i)`

const config = `{"entity":["card","shop"],"time":"ts",
  "column":[{"name":"half","expr":"amount / 2 -- comment"}],
  "window":[
    {"name":"n","expr":"count(*)","over":"6h"},
    {"name":"total","expr":"sum(amount)","over":"16h"},
    {"name":"large","expr":"count(*) filter (where amount > 100)","over":"10m"},
    {"name":"mean","expr":"sum(amount) / count(*)","over":"16h"},
    {"name":"spread","expr":"coalesce(max(amount) - min(amount), -1) -- comment","over":"20h"},
    {"name":"rate","expr":"1 + count(*) filter (where amount > 100) / coalesce(nullif(sum(amount), 0), 1)","over":"16h"},
    {"name":"geomean","expr":"geomean(amount + 1)","over":"16h"},
    {"name":"middle","expr":"median(amount)","over":"30h"},
    {"name":"upper","expr":"coalesce(quantile_disc(amount - 1, 0.75) filter (where amount < 100), 0)","over":"20h"},
    {"name":"known_n","expr":"count(*)","over":"1d","known_at":"known"},
    {"name":"known_mean","expr":"avg(amount)","over":"3d","known_at":"known"}]}`

// row is what the oracle knows of a row; NaN is null.
type row struct {
	card, shop        string
	at, amount, known float64
}

// frameOf returns the rows of its entity that a row sees, by the definition.
func frameOf(of map[[2]string][]row, r row, over float64, known bool) []row {
	var out []row
	for _, s := range of[[2]string{r.card, r.shop}] {
		if s.at < r.at && s.at >= r.at-over && (!known || s.known < r.at) {
			out = append(out, s)
		}
	}
	return out
}

type aggregate func(rows []row) float64

func count(rows []row) float64 { return float64(len(rows)) }

func sum(rows []row) float64 {
	total, any := 0.0, false
	for _, r := range rows {
		if !math.IsNaN(r.amount) {
			total, any = total+r.amount, true
		}
	}
	if !any {
		return math.NaN()
	}
	return total
}

func large(rows []row) float64 {
	n := 0.0
	for _, r := range rows {
		if r.amount > 100 {
			n++
		}
	}
	return n
}

func mean(rows []row) float64 {
	n := 0.0
	for _, r := range rows {
		if !math.IsNaN(r.amount) {
			n++
		}
	}
	return sum(rows) / n
}

// ranked is a quantile of the amounts below a limit: the mean of both in the middle, else the one of that rank.
func ranked(rows []row, below, share float64) float64 {
	var v []float64
	for _, r := range rows {
		if r.amount < below {
			v = append(v, r.amount)
		}
	}
	slices.Sort(v)
	switch n := len(v); {
	case n == 0:
		return math.NaN()
	case share == 0.5:
		return (v[(n-1)/2] + v[n/2]) / 2
	default:
		return v[int(math.Ceil(share*float64(n)))-1]
	}
}

func geomean(rows []row) float64 {
	logs := []row{}
	for _, r := range rows {
		logs = append(logs, row{amount: math.Log(r.amount + 1)})
	}
	return math.Exp(mean(logs))
}

func spread(rows []row) float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range rows {
		if !math.IsNaN(r.amount) {
			low, high = min(low, r.amount), max(high, r.amount)
		}
	}
	if high < low {
		return -1
	}
	return high - low
}

func readRows(f *frame.Frame) []row {
	rows := make([]row, f.Rows)
	for i := range rows {
		text := func(name string) string { return stagetest.Value(f.Column(name), i) }
		rows[i] = row{card: text("card"), shop: text("shop"), at: f.Column("ts").Num[i],
			amount: f.Column("amount").Num[i], known: f.Column("known").Num[i]}
	}
	return rows
}

// TestWindowsAgreeWithTheirDefinition compares all windows of all rows with an oracle that looks at all rows of an entity, on
// both sides of where the engine takes another algorithm.
func TestWindowsAgreeWithTheirDefinition(t *testing.T) {
	for _, n := range []int{1, 63, 64, 65, 1500, 2047, 2048, 2049, 130_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) { windowOracle(t, n) })
	}
}

func windowOracle(t *testing.T, n int) {
	const hour = 3600.0
	r := stagetest.Run(t, window.Component, stagetest.Block{Address: "feature.card", Config: config,
		Tables: map[string]stagetest.Table{"from": {SQL: randomRows(n), Schema: schema.Table{Key: []string{"id"}}}}})
	f := r.Frame(t, "table")
	in := stagetest.Read(t, randomRows(n))
	rows, of := readRows(in), map[[2]string][]row{}
	for _, r := range rows {
		of[[2]string{r.card, r.shop}] = append(of[[2]string{r.card, r.shop}], r)
	}
	for _, w := range []struct {
		name  string
		over  float64
		known bool
		want  aggregate
	}{
		{"n", 6 * hour, false, count}, {"total", 16 * hour, false, sum}, {"large", hour / 6, false, large},
		{"mean", 16 * hour, false, func(rows []row) float64 { return sum(rows) / count(rows) }},
		{"spread", 20 * hour, false, spread}, {"geomean", 16 * hour, false, geomean},
		{"rate", 16 * hour, false, func(rows []row) float64 {
			total := sum(rows)
			if total == 0 || math.IsNaN(total) {
				total = 1
			}
			return 1 + large(rows)/total
		}},
		{"middle", 30 * hour, false, func(rows []row) float64 { return ranked(rows, 1000, 0.5) }},
		{"upper", 20 * hour, false, func(rows []row) float64 {
			if v := ranked(rows, 100, 0.75); v == v {
				return v - 1
			}
			return 0
		}},
		{"known_n", 24 * hour, true, count}, {"known_mean", 72 * hour, true, mean},
	} {
		filled, empty := 0, 0
		for i, r := range rows {
			want := math.NaN()
			if frame := frameOf(of, r, w.over, w.known); r.card != "null" && r.shop != "null" && r.at < 1e12 {
				want = w.want(frame)
				filled += min(len(frame), 1)
				empty += 1 - min(len(frame), 1)
			}
			if got := f.Column(w.name).Num[i]; !same(got, want) {
				t.Fatalf("%s of row %d (%+v): got %v, want %v", w.name, i, r, got, want)
			}
		}
		if n >= 1500 && (filled < 20 || empty < 20) {
			t.Errorf("%s: %d windows with rows and %d without prove little", w.name, filled, empty)
		}
	}
	for i, r := range rows {
		if got, want := f.Column("half").Num[i], r.amount/2; !same(got, want) {
			t.Fatalf("half of row %d: got %v, want %v", i, got, want)
		}
	}
}

func same(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*max(1, math.Abs(b))
}

func TestSameBytesTwice(t *testing.T) {
	var got [2][]byte
	for i := range got {
		r := stagetest.Run(t, window.Component, stagetest.Block{Address: "feature.card", Config: config,
			Tables: map[string]stagetest.Table{"from": {SQL: random, Schema: schema.Table{Key: []string{"id"}}}}})
		var err error
		if got[i], err = os.ReadFile(r.Path("table")); err != nil {
			t.Fatal(err, r.Err)
		}
	}
	if !bytes.Equal(got[0], got[1]) {
		t.Error("two runs wrote different bytes")
	}
}

const small = `select * from (values
  (1, 'a', date '2026-01-01', 10, true),
  (2, 'a', date '2026-01-02', 20, false),
  (3, 'a', date '2026-01-02', 30, true),
  (4, 'a', date '2026-01-03', 40, null),
  (5, 'b', date '2026-01-03', 50, true),
  (6, null, date '2026-01-03', 60, true)) v(id, card, day, amount, bad)`

func smallBlock(key []string, config string) stagetest.Block {
	return stagetest.Block{Address: "feature.card", Config: config,
		Tables: map[string]stagetest.Table{"from": {SQL: small, Schema: schema.Table{Key: key}}}}
}

func TestBordersOfWindows(t *testing.T) {
	tests := []struct {
		name, config string
		key          []string
		want         []string
	}{
		{"the oldest instant is in, the present out", `{"entity":["card"],"time":"day","window":[{"name":"n","expr":"count(*)","over":"2d"},{"name":"s","expr":"sum(amount)","over":"1d"}]}`,
			[]string{"id"}, []string{
				"1 | a | 2026-01-01 | 0 | null", "2 | a | 2026-01-02 | 1 | 10", "3 | a | 2026-01-02 | 1 | 10",
				"4 | a | 2026-01-03 | 3 | 50", "5 | b | 2026-01-03 | 0 | null", "6 | null | 2026-01-03 | null | null"}},
		{"a second too short", `{"entity":["card"],"time":"day","window":[{"name":"n","expr":"count(*) + 0","over":"86399s"}]}`,
			[]string{"id"}, []string{
				"1 | a | 2026-01-01 | 0", "2 | a | 2026-01-02 | 0", "3 | a | 2026-01-02 | 0",
				"4 | a | 2026-01-03 | 0", "5 | b | 2026-01-03 | 0", "6 | null | 2026-01-03 | null"}},
		{"no key: rows by entity and time", `{"entity":["CARD"],"time":"DAY","window":[{"name":"rate","expr":"avg(bad::int)","over":"7d"}]}`,
			nil, []string{
				"a | 2026-01-01 | null", "a | 2026-01-02 | 1", "a | 2026-01-02 | 1",
				"a | 2026-01-03 | 0.6666666666666666", "b | 2026-01-03 | null", "null | 2026-01-03 | null"}},
		{"columns only", `{"column":[{"name":"log","expr":"ln(amount / 10)"},{"name":"Big","expr":"amount > 20"}]}`,
			[]string{"id"}, []string{
				"1 | 0 | false", "2 | 0.6931471805599453 | false", "3 | 1.0986122886681098 | true",
				"4 | 1.3862943611198906 | true", "5 | 1.6094379124341003 | true", "6 | 1.791759469228055 | true"}},
		{"key among entity and time", `{"entity":["card"],"time":"day","window":[{"name":"n","expr":"max(amount)","over":"2d"}]}`,
			[]string{"card", "day"}, []string{
				"a | 2026-01-01 | null", "a | 2026-01-02 | 10", "a | 2026-01-02 | 10", "a | 2026-01-03 | 30",
				"b | 2026-01-03 | null", "null | 2026-01-03 | null"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := stagetest.Run(t, window.Component, smallBlock(tt.key, tt.config)).Text(t, "table")
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestShape(t *testing.T) {
	got := stagetest.Shape(t, window.Component, smallBlock([]string{"id"},
		`{"entity":["CARD"],"time":"Day","max_age":"30d","column":[{"name":"half","expr":"amount / 2"}],"window":[{"name":"n","expr":"count(*)","over":"1d"}]}`))
	want := &schema.Table{Key: []string{"id"}, Entity: []string{"card"}, Time: "day", MaxAge: "30d",
		Windows: []schema.Window{{Column: "n", Expr: "count(*)", Over: "1d"}}, Columns: []schema.Column{
			{Name: "id", Type: "integer"}, {Name: "card", Type: "varchar"}, {Name: "day", Type: "date"},
			{Name: "half", Type: "double"}, {Name: "n", Type: "bigint"}}}
	if d := cmp.Diff(want, got.Out["table"].Table, cmpopts.IgnoreFields(schema.Column{}, "Lineage")); d != "" || len(got.Problems) > 0 {
		t.Errorf("%s\nproblems %v", d, got.Problems)
	}
}

func TestProblems(t *testing.T) {
	head := `{"entity":["card"],"time":"day",`
	tests := []struct{ name, config, path, want string }{
		{"aggregate in a column", head + `"column":[{"name":"x","expr":"1 + avg(amount)"}]}`, "column[x].expr", "an aggregate cannot stand here"},
		{"no aggregate in a window", head + `"window":[{"name":"x","expr":"amount","over":"1d"}]}`, "window[x].expr", "an aggregate is expected"},
		{"window function in a window", head + `"window":[{"name":"x","expr":"sum(amount) over ()","over":"1d"}]}`, "window[x].expr", "window function"},
		{"escape", head + `"column":[{"name":"x","expr":"1) from input; drop table input; select (1"}]}`, "column[x].expr", ""},
		{"unknown column", head + `"column":[{"name":"x","expr":"amuont + 1"}]}`, "column[x].expr", `no column "amuont"`},
		{"volatile", head + `"column":[{"name":"x","expr":"random()"}]}`, "column[x].expr", "every run"},
		{"no length", head + `"window":[{"name":"x","expr":"count(*)","over":"0s"}]}`, "window[x].over", "must be positive"},
		{"bad length", head + `"window":[{"name":"x","expr":"count(*)","over":"1 day"}]}`, "window[x].over", "is no duration"},
		{"no max_age", head + `"max_age":"0s","column":[{"name":"x","expr":"1"}]}`, "max_age", "must be positive"},
		{"bad max_age", head + `"max_age":"a month","column":[{"name":"x","expr":"1"}]}`, "max_age", "is no duration"},
		{"max_age of windows only", head + `"max_age":"1d","window":[{"name":"x","expr":"count(*)","over":"1d"}]}`, "max_age", "the feature has none"},
		{"max_age without entity", `{"time":"day","max_age":"1d","column":[{"name":"x","expr":"1"}]}`, "", "no entity"},
		{"known_at is no time", head + `"window":[{"name":"x","expr":"count(*)","over":"1d","known_at":"bad"}]}`, "window[x].known_at", `column "bad" is of type boolean`},
		{"time is no time", `{"entity":["card"],"time":"amount","window":[{"name":"x","expr":"count(*)","over":"1d"}]}`, "time", `column "amount" is of type integer`},
		{"window without entity", `{"time":"day","window":[{"name":"x","expr":"count(*)","over":"1d"}]}`, "", "no entity"},
		{"window without time", `{"entity":["card"],"window":[{"name":"x","expr":"count(*)","over":"1d"}]}`, "", "no time"},
		{"name taken by the entity", head + `"column":[{"name":"Card","expr":"1"}]}`, "column[Card]", `a column "Card" already`},
		{"name taken by a column", head + `"column":[{"name":"x","expr":"1"}],"window":[{"name":"x","expr":"count(*)","over":"1d"}]}`, "window[x]", `a column "x" already`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := stagetest.Shape(t, window.Component, smallBlock([]string{"id"}, tt.config)).Problems
			if len(got) != 1 || got[0].Path != tt.path || !strings.Contains(got[0].Summary, tt.want) {
				t.Errorf("got %+v, want %s: %s", got, tt.path, tt.want)
			}
		})
	}
}

func TestNoKeyNeedsEntityAndTime(t *testing.T) {
	got := stagetest.Shape(t, window.Component, smallBlock(nil, `{"column":[{"name":"x","expr":"1"}]}`)).Problems
	if len(got) != 2 || !strings.Contains(got[0].Summary, "no entity") || !strings.Contains(got[1].Summary, "no time") {
		t.Errorf("got %+v", got)
	}
}

// BenchmarkWindows: 100,000 rows, three windows, one of them paired.
func BenchmarkWindows(b *testing.B) {
	const rows = `select i as id, 'card' || hash(i * 16 + 1) % 40 as card, timestamp '2026-01-01' + to_seconds((hash(i * 16 + 2) % 31536000)::bigint) as ts,
  (hash(i * 16 + 3) % 1000)::double as amount, ts + to_days((hash(i * 16 + 4) % 60)::int) as known from range(100000) r(i)`
	const config = `{"entity":["card"],"time":"ts","window":[{"name":"a","expr":"sum(amount)","over":"30d"},
  {"name":"b","expr":"count(*)","over":"1h"},{"name":"c","expr":"avg(amount)","over":"30d","known_at":"known"}]}`
	for b.Loop() {
		r := stagetest.Run(b, window.Component, stagetest.Block{Address: "feature.card", Config: config,
			Tables: map[string]stagetest.Table{"from": {SQL: rows, Schema: schema.Table{Key: []string{"id"}}}}})
		if r.Err != nil {
			b.Fatal(r.Err)
		}
	}
}
