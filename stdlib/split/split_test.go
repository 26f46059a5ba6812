// Package split_test tests the types of split together, since they promise the same things.
package split_test

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/split/column"
	"github.com/mlp-lang/mlp/stdlib/split/group"
	"github.com/mlp-lang/mlp/stdlib/split/hash"
	"github.com/mlp-lang/mlp/stdlib/split/stratified"
	"github.com/mlp-lang/mlp/stdlib/split/time"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// rows has keys with a null, text with a bar in it, classes of very different size, times that tie.
const rows = `select i as id, case when i = 7 then null else 'k|' || i end as name, case when i %% 50 = 0 then 'rare' when i %% 3 = 0 then null else 'common' end as class,
  timestamp '2026-01-01' + to_hours((i // 4)::bigint) as ts, i %% 4 = 0 as is_test, i %% 5 as fold,
  case i %% 5 when 0 then 'test' when 1 then 'validation' when 2 then 'holdout' else 'train' end as side
from range(%d) r(i)`

func block(n int, key []string, config string) stagetest.Block {
	return stagetest.Block{Address: "split.x", Config: config,
		Tables: map[string]stagetest.Table{"from": {SQL: fmt.Sprintf(rows, n), Schema: schema.Table{Key: key}}}}
}

// sidesOf returns each row's side by id; it fails the test if a row is on two sides.
func sidesOf(t *testing.T, r *stagetest.Result) map[int]string {
	t.Helper()
	out := map[int]string{}
	counts := map[string]any{}
	for _, port := range []string{"train", "validation", "test"} {
		f := r.Frame(t, port)
		counts[port] = float64(f.Rows)
		for _, id := range f.Column("id").Num {
			if was, ok := out[int(id)]; ok {
				t.Fatalf("row %v is in %s and in %s", id, was, port)
			}
			out[int(id)] = port
		}
	}
	if d := cmp.Diff(counts, r.Figures(t)["rows"]); d != "" {
		t.Error(d)
	}
	return out
}

func count(sides map[int]string) map[string]int {
	out := map[string]int{}
	for _, s := range sides {
		out[s]++
	}
	return out
}

// position computes a row's place as the documentation says, in another language.
func position(text string) uint64 {
	n, err := strconv.ParseUint(fmt.Sprintf("%x", md5.Sum([]byte(text)))[:13], 16, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func TestHashFollowsItsFormula(t *testing.T) {
	r := stagetest.Run(t, hash.Component, block(1000, []string{"name", "id"}, `{"test":0.25,"validation":0.125,"seed":-3}`))
	got := sidesOf(t, r)
	for id := range 1000 {
		name := fmt.Sprintf("|%d:k|%d", len(strconv.Itoa(id))+2, id)
		if id == 7 {
			name = "|-"
		}
		p, want := position(fmt.Sprintf("-3%s|%d:%d", name, len(strconv.Itoa(id)), id)), "train"
		switch {
		case p < 1<<52/4:
			want = "test"
		case p < 1<<52/8*3:
			want = "validation"
		}
		if got[id] != want {
			t.Fatalf("row %d: got %s, want %s", id, got[id], want)
		}
	}
	if n := count(got); n["test"] < 200 || n["test"] > 300 || n["validation"] < 80 || n["validation"] > 170 {
		t.Errorf("sides: %v", n)
	}
}

func TestHashKeepsSides(t *testing.T) {
	run := func(n int, config string) map[int]string {
		return sidesOf(t, stagetest.Run(t, hash.Component, block(n, []string{"id"}, config)))
	}
	before, after := run(400, `{"test":0.2,"validation":0.2,"seed":1}`), run(800, `{"test":0.2,"validation":0.2,"seed":1}`)
	for id, side := range before {
		if after[id] != side {
			t.Fatalf("row %d went from %s to %s as the data grew", id, side, after[id])
		}
	}
	moved := 0
	for id, side := range run(400, `{"test":0.2,"validation":0.2,"seed":2}`) {
		if before[id] != side {
			moved++
		}
	}
	if moved < 100 {
		t.Errorf("another seed moved %d of 400 rows", moved)
	}
	wider := run(400, `{"test":0.4,"seed":1}`)
	for id, side := range before {
		if side == "test" && wider[id] != "test" {
			t.Fatalf("row %d left the test side as it grew", id)
		}
	}
}

func TestHashWithoutKeyKeepsTwinsTogether(t *testing.T) {
	b := stagetest.Block{Address: "split.x", Config: `{"test":0.3,"validation":0.3,"seed":0}`,
		Tables: map[string]stagetest.Table{"from": {SQL: "select i // 2 as id, 'x' as c from range(200) r(i)"}}}
	r := stagetest.Run(t, hash.Component, b)
	side := map[float64]string{}
	for _, port := range []string{"train", "validation", "test"} {
		for _, id := range r.Frame(t, port).Column("id").Num {
			if was, ok := side[id]; ok && was != port {
				t.Fatalf("two rows that are equal are in %s and %s", was, port)
			}
			side[id] = port
		}
	}
	if len(side) != 100 {
		t.Errorf("got %d different rows, want 100", len(side))
	}
}

func TestStratifiedSharesAreExact(t *testing.T) {
	r := stagetest.Run(t, stratified.Component, block(1000, []string{"id"}, `{"by":["class"],"test":0.25,"validation":0.15,"seed":5}`))
	f := map[string]map[string]int{}
	for _, port := range []string{"train", "validation", "test"} {
		f[port] = map[string]int{}
		in := r.Frame(t, port)
		for i := range in.Rows {
			f[port][stagetest.Value(in.Column("class"), i)]++
		}
	}
	// 20 rare, 327 null, 653 common
	want := map[string]map[string]int{
		"test":       {"rare": 5, "null": 82, "common": 163},
		"validation": {"rare": 3, "null": 49, "common": 98},
		"train":      {"rare": 12, "null": 196, "common": 392},
	}
	if d := cmp.Diff(want, f); d != "" {
		t.Error(d)
	}
	ids := sidesOf(t, r)
	var byHash []int // the rare ones in hash order
	for id := 0; id < 1000; id += 50 {
		byHash = append(byHash, id)
	}
	key := func(id int) uint64 { return position(fmt.Sprintf("5|%d:%d", len(strconv.Itoa(id)), id)) }
	sort.Slice(byHash, func(i, j int) bool { return key(byHash[i]) < key(byHash[j]) })
	for i, id := range byHash {
		want := "train"
		if i < 5 {
			want = "test"
		} else if i < 8 {
			want = "validation"
		}
		if ids[id] != want {
			t.Errorf("row %d, %d in hash order: got %s, want %s", id, i, ids[id], want)
		}
	}
}

func TestTime(t *testing.T) {
	// 100 rows, four an hour: hours 0 to 24
	tests := []struct {
		name, config      string
		validation, test  int // first hours
		trainEnds, valEnd int // hours from which rows are in the gap
	}{
		{"shares on the hour", `{"by":"ts","test":0.2,"validation":0.2}`, 15, 20, 15, 20},
		{"ties go to the later side", `{"by":"ts","test":0.19,"validation":0.2}`, 15, 20, 15, 20},
		{"no validation", `{"by":"ts","test":0.4}`, 15, 15, 15, 15},
		{"gap", `{"by":"ts","test":0.2,"validation":0.2,"gap":"2h"}`, 15, 20, 13, 18},
		{"gap without validation", `{"by":"ts","test":0.2,"gap":"90m"}`, 20, 20, 19, 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := sidesOf(t, stagetest.Run(t, time.Component, block(100, []string{"id"}, tt.config)))
			for id := range 100 {
				hour, want := id/4, ""
				switch {
				case hour >= tt.test:
					want = "test"
				case hour >= tt.validation && hour < tt.valEnd:
					want = "validation"
				case hour < tt.trainEnds && hour < tt.validation:
					want = "train"
				}
				if got[id] != want {
					t.Fatalf("row %d: got %q, want %q", id, got[id], want)
				}
			}
		})
	}
}

func TestColumn(t *testing.T) {
	other := func(id int) string { return "train" }
	tests := []struct {
		name, config string
		want         func(id int) string
	}{
		{"boolean", `{"by":"IS_TEST"}`, func(id int) string { return map[bool]string{true: "test", false: "train"}[id%4 == 0] }},
		{"boolean, the other way", `{"by":"is_test","test":["false"]}`, func(id int) string { return map[bool]string{false: "test", true: "train"}[id%4 == 0] }},
		{"number", `{"by":"fold"}`, func(id int) string { return map[bool]string{true: "test", false: "train"}[id%5 == 1] }},
		{"number, with values", `{"by":"fold","test":["3","4"],"validation_values":["0"]}`, func(id int) string {
			return []string{"validation", "train", "train", "test", "test"}[id%5]
		}},
		{"words", `{"by":"side"}`, func(id int) string { return []string{"test", "validation", "train", "train", "train"}[id%5] }},
		{"other words", `{"by":"side","test":["holdout","it's"]}`, func(id int) string { return []string{"train", "validation", "test", "train", "train"}[id%5] }},
		{"a share of the rest", `{"by":"fold","test":["3"],"validation":0.25,"seed":9}`, func(id int) string {
			switch p := position(fmt.Sprintf("9|%d:%d", len(strconv.Itoa(id)), id)); {
			case id%5 == 3:
				return "test"
			case p < 1<<50:
				return "validation"
			}
			return other(id)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := sidesOf(t, stagetest.Run(t, column.Component, block(200, []string{"id"}, tt.config)))
			for id := range 200 {
				if want := tt.want(id); got[id] != want {
					t.Fatalf("row %d: got %q, want %q", id, got[id], want)
				}
			}
		})
	}
}

func TestSameBytesTwice(t *testing.T) {
	for _, tt := range []struct {
		component component.Component
		config    string
	}{
		{hash.Component, `{"test":0.2,"validation":0.2,"seed":1}`},
		{stratified.Component, `{"by":["class"],"test":0.2,"validation":0.2,"seed":1}`},
		{time.Component, `{"by":"ts","test":0.2,"validation":0.2,"gap":"1h"}`},
		{column.Component, `{"by":"is_test","validation":0.3}`},
	} {
		var got [2]string
		for i := range got {
			r := stagetest.Run(t, tt.component, block(300, nil, tt.config))
			for _, port := range []string{"train", "validation", "test"} {
				data, err := os.ReadFile(r.Path(port))
				if err != nil {
					t.Fatal(err, r.Err)
				}
				got[i] += string(data)
			}
		}
		if !bytes.Equal([]byte(got[0]), []byte(got[1])) {
			t.Errorf("%s wrote different bytes", tt.component.Name())
		}
	}
}

func TestProblems(t *testing.T) {
	tests := []struct {
		component    component.Component
		config, path string
		want         string
	}{
		{hash.Component, `{"test":0}`, "test", "a share of 0"},
		{hash.Component, `{"test":1}`, "test", "a share of 1"},
		{hash.Component, `{"test":0.2,"validation":-0.1}`, "validation", "a share of -0.1"},
		{hash.Component, `{"test":0.5,"validation":0.5}`, "test", "leave nothing to train on"},
		{stratified.Component, `{"by":["class"],"test":1.5}`, "test", "a share of 1.5"},
		{stratified.Component, `{"by":[],"test":0.5}`, "by", "no column to stratify by"},
		{time.Component, `{"by":"ts","test":0.9,"validation":0.2}`, "test", "leave nothing to train on"},
		{time.Component, `{"by":"fold","test":0.2}`, "by", `column "fold" is of type bigint, not a date or timestamp`},
		{time.Component, `{"by":"ts","test":0.2,"gap":"a while"}`, "gap", "is no duration"},
		{column.Component, `{"by":"ts"}`, "by", `column "ts" is of type timestamp, not a boolean, number or text`},
		{column.Component, `{"by":"fold","test":["3","x"]}`, "test[1]", `"x" is no bigint`},
		{column.Component, `{"by":"fold","test":["3.0","1.5"]}`, "test[1]", `"1.5" is no bigint`},
		{column.Component, `{"by":"fold","test":["nan"]}`, "test[0]", `"nan" is no bigint`},
		{column.Component, `{"by":"is_test","test":["1"]}`, "test[0]", `"1" is no boolean`},
		{column.Component, `{"by":"fold","test":["3"],"validation_values":["3"]}`, "validation_values[0]", `"3" is among the values of test too`},
		{column.Component, `{"by":"fold","validation":0.1,"validation_values":["3"]}`, "validation", "both choose the validation side"},
		{column.Component, `{"by":"fold","validation":1}`, "validation", "a share of 1"},
	}
	for _, tt := range tests {
		got := stagetest.Shape(t, tt.component, block(1, nil, tt.config)).Problems
		if len(got) != 1 || got[0].Path != tt.path || !strings.Contains(got[0].Summary, tt.want) {
			t.Errorf("%s %s: got %+v, want %s: %s", tt.component.Name(), tt.config, got, tt.path, tt.want)
		}
	}
}

func TestInputErrors(t *testing.T) {
	gone := func(b stagetest.Block, from string) stagetest.Block {
		b.Tables["from"] = stagetest.Table{SQL: "select 1 as id, " + from}
		return b
	}
	tests := []struct {
		name      string
		component component.Component
		block     stagetest.Block
		want      string
	}{
		{"no rows", hash.Component, block(0, []string{"id"}, `{"test":0.2}`), "the train side has no rows"},
		{"no rows, by time", time.Component, block(0, nil, `{"by":"ts","test":0.2}`), "the train side has no rows"},
		{"one instant", time.Component, block(4, nil, `{"by":"ts","test":0.5}`), "the train side has no rows"},
		{"too few for the share", stratified.Component, block(3, nil, `{"by":["class"],"test":0.1}`), "the test side has no rows"},
		{"a gap over everything", time.Component, block(40, nil, `{"by":"ts","test":0.5,"gap":"1w"}`), "the train side has no rows"},
		{"rows without a time", time.Component, gone(block(0, nil, `{"by":"ts","test":0.5}`), "null::timestamp as ts"), "1 of 1 rows have no ts"},
		{"an infinite time", time.Component, gone(block(0, nil, `{"by":"ts","test":0.5}`), "timestamp 'infinity' as ts"), "1 of 1 rows have no ts"},
		{"rows without a side", column.Component, gone(block(0, nil, `{"by":"side"}`), "null::varchar as side"), "1 of 1 rows have no side"},
		{"a value that is nowhere", column.Component, block(40, nil, `{"by":"fold","test":["77"]}`), "the test side has no rows"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var input *component.InputError
			r := stagetest.Run(t, tt.component, tt.block)
			if !errors.As(r.Err, &input) || !strings.Contains(input.Summary, tt.want) || input.Detail == "" {
				t.Errorf("got %v, want %s", r.Err, tt.want)
			}
		})
	}
}

func TestShape(t *testing.T) {
	got := stagetest.Shape(t, hash.Component, block(1, []string{"id"}, `{"test":0.2}`))
	if len(got.Out) != 3 || got.Figures.Fields["rows"].Fields["validation"].Kind != schema.DoubleFigure {
		t.Errorf("got %+v", got)
	}
	for port, s := range got.Out {
		if s.Type != schema.TablePort || len(s.Table.Columns) != 7 || s.Table.Key[0] != "id" {
			t.Errorf("%s: got %+v", port, s.Table)
		}
	}
}

// visits are n rows of 40 patients, whose key is the visit; every tenth row has no patient.
func visits(n int) stagetest.Table {
	return stagetest.Table{SQL: fmt.Sprintf(`select i as id, case when i %% 10 > 0 then 'p' || (i * i) %% 41 end as patient, (hash(i) %% 100000)::double as x, hash(i) %% 2 = 0 as y from range(%d) t(i)`, n),
		Schema: schema.Table{Key: []string{"id"}, Entity: []string{"patient"}}}
}

func TestGroupsStayTogether(t *testing.T) {
	config := `{"test": 0.3, "validation": 0.2, "seed": 4}`
	sides := map[string]string{} // by patient
	var before map[int]string
	for _, n := range []int{500, 1500} {
		r := stagetest.Run(t, group.Component, stagetest.Block{Address: "split.x", Config: config, Tables: map[string]stagetest.Table{"from": visits(n)}})
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		loose := map[string]int{}
		for _, port := range []string{"train", "validation", "test"} {
			f := r.Frame(t, port)
			patients := f.Column("patient")
			for i := range f.Rows {
				if patients.Codes[i] < 0 {
					loose[port]++
					continue
				}
				name := patients.Levels[patients.Codes[i]]
				if was, ok := sides[name]; ok && was != port {
					t.Fatalf("%d rows: patient %s is on the sides %s and %s", n, name, was, port)
				}
				sides[name] = port
			}
		}
		if loose["test"] == 0 || loose["train"] == 0 {
			t.Errorf("rows without a patient are all on one side: %v", loose)
		}
		got := sidesOf(t, r)
		for id, side := range before {
			if got[id] != side {
				t.Errorf("row %d went from %s to %s as rows came in", id, side, got[id])
			}
		}
		before = got
		if overlap := r.Figures(t)["overlap"].(map[string]any); overlap["entities"] != 0.0 {
			t.Errorf("got overlap %v", overlap)
		}
	}
	shape := stagetest.Shape(t, group.Component, block(100, []string{"id"}, `{"test": 0.3, "by": ["class"]}`))
	if got := shape.Out["test"].Table.Entity; len(got) != 1 || got[0] != "class" {
		t.Errorf("the side has the entity %v, want the group", got)
	}
	shape = stagetest.Shape(t, group.Component, block(100, []string{"id"}, `{"test": 0.3}`))
	if len(shape.Problems) != 1 || shape.Problems[0].Path != "by" {
		t.Errorf("a table without an entity: got %v", shape.Problems)
	}
}

// TestSidesThatOverlap are told: entities where rows are drawn one by one, and rows that are the same but for their key,
// unless that is what chance gives.
func TestSidesThatOverlap(t *testing.T) {
	const entities, same = "entities (patient) have rows on the train and on the test side", "rows of the test side stand on the train side too"
	twice := stagetest.Table{SQL: "select i as id, (hash(i // 4) % 1000)::double as x, (hash(i // 4 + 7) % 1000)::double as z, hash(i // 4 + 9) % 2 = 0 as y from range(1200) t(i)",
		Schema: schema.Table{Key: []string{"id"}}}
	few := stagetest.Table{SQL: "select i as id, i % 7 as x, (i // 7) % 2 = 0 as y from range(1200) t(i)", Schema: schema.Table{Key: []string{"id"}}}
	for _, tc := range []struct {
		name string
		in   stagetest.Table
		c    component.Component
		with string
		want string
		not  string
	}{
		{"patients by rows", visits(800), hash.Component, `{"test": 0.3}`, entities, same},
		{"patients by groups", visits(800), group.Component, `{"test": 0.3}`, "", entities},
		{"each row four times", twice, hash.Component, `{"test": 0.3}`, same, entities},
		{"each row four times, in strata", twice, stratified.Component, `{"test": 0.3, "by": ["y"]}`, same, entities},
		{"each row four times, kept together", twice, group.Component, `{"test": 0.3, "by": ["x", "z"]}`, "", same},
		{"few values", few, hash.Component, `{"test": 0.3}`, "", same},
	} {
		r := stagetest.Run(t, tc.c, stagetest.Block{Address: "split.x", Config: tc.with, Tables: map[string]stagetest.Table{"from": tc.in}})
		if r.Err != nil {
			t.Fatalf("%s: %v", tc.name, r.Err)
		}
		if !strings.Contains(r.Log, tc.want) || strings.Contains(r.Log, tc.not) {
			t.Errorf("%s: got %s", tc.name, r.Log)
		}
	}
}

// TestShareFarFromAsked is told with both shares.
func TestShareFarFromAsked(t *testing.T) {
	const days = "select i as id, case when i < 100 then timestamp '2026-01-01' else timestamp '2026-01-02' end as ts, i::double as x from range(300) t(i)"
	tables := map[string]stagetest.Table{"from": {SQL: days, Schema: schema.Table{Key: []string{"id"}}}}
	r := stagetest.Run(t, time.Component, stagetest.Block{Address: "split.x", Config: `{"by": "ts", "test": 0.3}`, Tables: tables})
	if want := "the test side has 67 % of the rows, and test = 0.3 was asked for: rows at the same instant"; !strings.Contains(r.Log, want) {
		t.Errorf("got %s, want %q", r.Log, want)
	}
	r = stagetest.Run(t, time.Component, block(1000, []string{"id"}, `{"by": "ts", "test": 0.3, "validation": 0.2}`))
	if strings.Contains(r.Log, "asked for") {
		t.Errorf("shares as asked: got %s", r.Log)
	}
}
