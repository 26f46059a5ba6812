package drift

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

// partsLook is a look at five columns with much in common over four parts, of which two overlap and one has fewer rows than it had; columns differ from part to part.
// In the part moved the second column has moved by a shift.
func partsLook(t *testing.T, seed uint64, shift float64, moved int, level float64) []Alarm {
	t.Helper()
	chance := rand.New(rand.NewPCG(seed, 5))
	parts := make([]Part, 4)
	for i := range parts {
		parts[i].Name = fmt.Sprint("part ", i)
	}
	table := func(rows, small int, current bool) *frame.Frame {
		f := &frame.Frame{Rows: rows}
		values := make([][]float64, 5)
		for r := range rows {
			in := [4]bool{r < small, r >= small && r < rows/2, r >= rows/2, r%3 == 0 && r >= small}
			for i := range parts {
				if current {
					parts[i].Current = append(parts[i].Current, in[i])
				} else {
					parts[i].Reference = append(parts[i].Reference, in[i])
				}
			}
			common := chance.NormFloat64()
			for c := range values {
				x := 0.9*common + 0.44*chance.NormFloat64()
				for i := range in {
					if in[i] {
						x += float64(i)
					}
				}
				if current && c == 1 && moved >= 0 && in[moved] {
					x += shift
				}
				values[c] = append(values[c], x)
			}
		}
		for c, v := range values {
			f.Columns = append(f.Columns, frame.Column{Name: fmt.Sprint("c", c), Num: v})
		}
		return f
	}
	a, b := table(120, 40, false), table(120, 20, true)
	_, alarms, err := CompareParts(t.Context(), a, b, []string{"c0", "c1", "c2", "c3", "c4"}, parts, Options{Level: level, Permutations: 1, Seed: int64(seed), Threads: 2, MinRows: 10})
	if err != nil {
		t.Fatal(err)
	}
	return alarms
}

// looksOf is how many looks a simulation has: few here, and many with MLP_SOAK.
func looksOf(few, many int) int {
	if os.Getenv("MLP_SOAK") != "" {
		return many
	}
	return few
}

// atMost fails where more alarms were raised than a level and three standard deviations allow.
func atMost(t *testing.T, alarms, looks int, level float64) {
	t.Helper()
	t.Logf("%d alarms in %d looks at the level %v", alarms, looks, level)
	n := float64(looks)
	if want := n*level + 3*math.Sqrt(n*level*(1-level)); float64(alarms) > want {
		t.Errorf("got %d alarms in %d looks, want %.0f at most", alarms, looks, want)
	}
}

// TestAlarmOfParts: over parts times columns the level is held, whatever parts differ by, overlap, and shrink; where one column of a part moves, that part says so.
func TestAlarmOfParts(t *testing.T) {
	const level = 0.05
	looks, alarms := looksOf(600, 20000), 0
	for seed := range uint64(looks) {
		for _, a := range partsLook(t, seed, 0, -1, level) {
			if len(a.Columns) > 0 {
				alarms++
				break
			}
		}
	}
	atMost(t, alarms, looks, level)
	if float64(alarms) < float64(looks)*level/2 {
		t.Errorf("got %d alarms in %d looks: the level %v is not used", alarms, looks, level)
	}
	seen, elsewhere := 0, 0
	for seed := range uint64(40) {
		got := partsLook(t, seed, 1.5, 2, level)
		if len(got[2].Columns) > 0 && got[2].Columns[0] == "c1" {
			seen++
		}
		if len(got[0].Columns)+len(got[1].Columns) > 0 { // disjoint from it
			elsewhere++
		}
	}
	if seen < 36 || elsewhere > 6 {
		t.Errorf("a column that moved in one part by 1.5 standard deviations is seen in %d of 40 looks, and others in %d", seen, elsewhere)
	}
}

// TestFewRowsOfParts: a part without enough rows is undefined, and the others are compared; of large tables rows are drawn.
func TestFewRowsOfParts(t *testing.T) {
	f := func(rows int, shift float64) (*frame.Frame, []bool, []bool) {
		out := &frame.Frame{Rows: rows, Columns: []frame.Column{{Name: "x"}}}
		var few, most []bool
		for r := range rows {
			out.Columns[0].Num = append(out.Columns[0].Num, math.Mod(float64(r)*0.618, 1)+shift)
			few, most = append(few, r < 30), append(most, r >= 30)
		}
		return out, few, most
	}
	a, fewA, mostA := f(60000, 0)
	b, fewB, mostB := f(60000, 0.3)
	parts := []Part{{"few", fewA, fewB}, {"none", make([]bool, a.Rows), make([]bool, b.Rows)}, {"most", mostA, mostB}}
	got, alarms, err := CompareParts(t.Context(), a, b, []string{"x"}, parts, Options{MinRows: 20, Level: 0.05, Permutations: 99})
	if err != nil {
		t.Fatal(err)
	}
	if got[1][0].Undefined == "" || !math.IsNaN(alarms[1].PValue) {
		t.Errorf("of no rows: got %+v, %+v", got[1], alarms[1])
	}
	if !got[2][0].Drifted || len(alarms[2].Columns) != 1 || math.Abs(got[2][0].Score-0.3/0.2887) > 0.02 {
		t.Errorf("got %+v, %+v", got[2], alarms[2])
	}
	if got[0][0].Undefined != "" || got[0][0].Drifted != (got[0][0].Score >= got[0][0].Limit) {
		t.Errorf("of few rows: got %+v", got[0])
	}
	bare, alarms, err := CompareParts(t.Context(), a, b, []string{"x"}, parts, Options{MinRows: 20, Calibrate: NotCalibrated})
	if err != nil || !bare[2][0].Drifted || !math.IsNaN(alarms[2].PValue) {
		t.Errorf("got %+v, %+v, %v", bare[2], alarms[2], err)
	}
}
