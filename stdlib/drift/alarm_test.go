package drift

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

// lookAt is a look of a monitor over ten columns with much in common, of which the first ones have moved by a shift.
func lookAt(t *testing.T, seed uint64, rows int, shift float64, moved int, level float64) Alarm {
	t.Helper()
	chance := rand.New(rand.NewPCG(seed, 3))
	table := func(shift float64) *frame.Frame {
		f := &frame.Frame{Rows: rows}
		const columns = 10
		values := make([][]float64, columns)
		for range rows {
			common := chance.NormFloat64()
			for c := range values {
				x := 0.9*common + 0.44*chance.NormFloat64()
				if c < moved {
					x += shift
				}
				if c == 9 { // a skewed one, in whole numbers
					x = math.Floor(math.Exp(x))
				}
				values[c] = append(values[c], x)
			}
		}
		for c, v := range values {
			f.Columns = append(f.Columns, frame.Column{Name: fmt.Sprint("c", c), Num: v})
		}
		return f
	}
	names := make([]string, 10)
	for i := range names {
		names[i] = fmt.Sprint("c", i)
	}
	_, alarm, err := CompareAll(t.Context(), table(0), table(shift), names, Options{Level: level, Permutations: 1, Seed: int64(seed), Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	return alarm
}

// TestAlarmKeepsItsLevel: of 2,000 looks at ten correlated columns where nothing moved, at most the share has an alarm that was asked for (but for what chance adds to a count of so
// many: three standard deviations), and not much fewer; of looks where a column moved nearly all have.
func TestAlarmKeepsItsLevel(t *testing.T) {
	const looks, level = 2000, 0.05
	alarms := 0
	for seed := range uint64(looks) {
		if a := lookAt(t, seed, 60, 0, 0, level); len(a.Columns) > 0 {
			alarms++
			if a.PValue > level {
				t.Errorf("an alarm with the p-value %v", a.PValue)
			}
		}
	}
	t.Logf("%d alarms in %d looks at the level %v", alarms, looks, level)
	sd := math.Sqrt(looks * level * (1 - level))
	if float64(alarms) > looks*level+3*sd || float64(alarms) < looks*level/2 {
		t.Errorf("got %d alarms in %d looks, want about %v at most", alarms, looks, looks*level)
	}
	seen := 0
	for seed := range uint64(40) {
		if a := lookAt(t, seed, 60, 1.2, 1, level); len(a.Columns) > 0 && a.Columns[0] == "c0" {
			seen++
		}
	}
	if seen < 36 {
		t.Errorf("a column that moved by 1.2 standard deviations is seen in %d of 40 looks", seen)
	}
}
