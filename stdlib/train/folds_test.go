package train

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
)

func foldLoader(target frame.Column) (*loader, *usable) {
	f := &frame.Frame{Rows: len(target.Num), Columns: []frame.Column{target}}
	return &loader{stage: &component.Stage{Spec: component.Spec{Address: "train.m"}}, config: &Config{Target: "y"},
		schema: &schema.Table{Columns: []schema.Column{{Name: "y", Type: target.Type}}}}, &usable{Frame: f}
}

// TestDeal: each row is measured in one fold and fitted on in all others; of every class each fold has its share; rows of a group are in one fold;
// where a row stands in the table does not matter.
func TestDeal(t *testing.T) {
	const n = 200
	y, key, group := frame.Column{Name: "y", Type: "boolean"}, frame.Column{Name: "id", Type: "bigint"}, frame.Column{Name: "g", Type: "bigint"}
	at := make([]int, n)
	for i := range n {
		y.Num, key.Num, group.Num, at[i] = append(y.Num, float64(min(i%10, 1))), append(key.Num, float64(i)), append(group.Num, float64(i%23)), i
	}
	l, u := foldLoader(y)
	f := &Fold{Folds: &Folds{Count: 5, Seed: 3}, of: make([]int, n)}
	f.deal(l, u, &frame.Frame{Rows: n, Columns: []frame.Column{key}}, at, false)
	measured := 0
	for f.number = range 5 {
		fitted, err := f.fitted()
		rare, all := 0, f.measured()
		measured += len(all)
		for _, r := range all {
			if y.Num[r] == 0 {
				rare++
			}
			if slices.Contains(fitted, r) {
				t.Fatalf("fold %d fits on row %d and measures it", f.number, r)
			}
		}
		if err != nil || rare != 4 || len(all) != 40 || len(fitted) != 160 {
			t.Errorf("fold %d: %d of %d rows are of the rare class, %d are fitted on, %v", f.number, rare, len(all), len(fitted), err)
		}
	}
	if measured != n {
		t.Errorf("%d rows are measured", measured)
	}
	back := &Fold{Folds: &Folds{Count: 5, Seed: 3}, of: make([]int, n)}
	slices.Reverse(key.Num)
	slices.Reverse(y.Num)
	back.deal(l, u, &frame.Frame{Rows: n, Columns: []frame.Column{key}}, at, false)
	slices.Reverse(back.of)
	if !slices.Equal(back.of, f.of) {
		t.Error("folds depend on the order of rows")
	}
	f.deal(l, u, &frame.Frame{Rows: n, Columns: []frame.Column{group}}, at, true)
	for r := range n {
		if f.of[r] != f.of[r%23] {
			t.Fatalf("rows %d and %d are of one group, and in two folds", r, r%23)
		}
	}
}

// TestStretches: folds by time go forward, with a gap, and do not part rows of one instant.
func TestStretches(t *testing.T) {
	const day = 86400.0
	times := make([]float64, 40)
	at := make([]int, 40)
	for i := range times {
		times[i], at[i] = float64(i/2)*day, i // two rows a day
	}
	l, _ := foldLoader(frame.Column{Name: "y", Type: "boolean"})
	f := &Fold{Folds: &Folds{Count: 3, Time: "at", Gap: "2d"}, of: make([]int, 40)}
	if err := f.stretches(l, times, at); err != nil {
		t.Fatal(err)
	}
	got := ""
	for f.number = range 3 {
		fitted, err := f.fitted()
		if err != nil {
			t.Fatal(err)
		}
		measured := f.measured()
		got += fmt.Sprintf("%v-%v then %v-%v; ", times[fitted[0]]/day, times[fitted[len(fitted)-1]]/day, times[measured[0]]/day, times[measured[len(measured)-1]]/day)
	}
	if want := "0-2 then 5-9; 0-7 then 10-14; 0-12 then 15-19; "; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	same := &Fold{Folds: &Folds{Count: 3, Time: "at"}, of: make([]int, 40)}
	if err := same.stretches(l, make([]float64, 40), at); err == nil {
		t.Error("rows of one instant are parted")
	}
}
