package drift

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

const aDay = 24 * 3600.0

// seasonal is what a shop sees from a day to another: more at noon than at night, other prices on weekends, in the weeks before Christmas, and by the hour.
func seasonal(chance *rand.Rand, from, to int, perDay float64, shift float64) (f *frame.Frame, at []float64) {
	f = &frame.Frame{Columns: []frame.Column{{Name: "price"}, {Name: "kind", Levels: []string{"a", "b"}, Codes: []int32{}}}}
	for d := from; d < to; d++ {
		n := perDay
		week, year := 0.0, 0.0
		if d%7 >= 5 {
			n, week = 2*n, 1.5
		}
		if d%364 >= 320 {
			n, year = 2*n, 2
		}
		n *= 0.7 + 0.6*chance.Float64()
		for range int(n) {
			hour := 12 + 4*chance.NormFloat64()
			at = append(at, float64(d)*aDay+min(max(hour, 0), 23.9)*3600)
			f.Columns[0].Num = append(f.Columns[0].Num, week+year+math.Abs(hour-12)/4+chance.NormFloat64()+shift)
			code := int32(0)
			if chance.Float64() < 0.2+0.3*week+0.1*year {
				code = 1
			}
			f.Columns[1].Codes = append(f.Columns[1].Codes, code)
		}
	}
	f.Rows = len(at)
	return f, at
}

// seasonLook compares the last days of a shop with the rows before.
func seasonLook(t *testing.T, seed uint64, day, days, history int, season, shift, level float64) Alarm {
	t.Helper()
	perDay := 12.0 * (1 + 1/float64(days))
	chance := rand.New(rand.NewPCG(seed, uint64(day)))
	a, before := seasonal(chance, day-history, day, perDay, 0)
	b, now := seasonal(chance, day, day+days, perDay, shift)
	o := Options{Level: level, Permutations: 1, Seed: int64(seed), Threads: 2}
	if season > 0 {
		m := MatchPhases(before, now, season, int64(seed))
		if m.Unmatched*4 > len(now) {
			t.Errorf("day %d: %d of %d rows are not matched", day, m.Unmatched, len(now))
		}
		a, b, o.Strata = a.Take(m.Reference), b.Take(m.Current), m.Strata
	}
	_, alarm, err := CompareAll(t.Context(), a, b, []string{"price", "kind"}, o)
	if err != nil {
		t.Fatal(err)
	}
	return alarm
}

// TestSeasonsDoNotAlarm: looks each day against the same weekdays of eight weeks before, and each week against the same weeks of the year before, have the alarms that their level
// says; without a season nearly every Saturday and December has one. A shift is seen.
func TestSeasonsDoNotAlarm(t *testing.T) {
	const level = 0.02
	for _, c := range []struct {
		name                string
		days, history, step int
		season              float64
		from                int
		weekends            func(day int) bool
	}{
		{"week", 1, 56, 1, 7 * aDay, 3640 + 56, func(d int) bool { return d%7 >= 5 }},
		{"year", 7, 364, 7, 364 * aDay, 3640, func(d int) bool { return d%364 >= 322 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			looks, alarms, without, special, seen := 0, 0, 0, 0, 0
			for seed := range uint64(looksOf(1, 40)) {
				end := 240 // ends before the season of a year, which is none of a week
				if c.step == 7 {
					end = 364 * 2
				}
				for d := 0; d < end; d += c.step {
					looks++
					if len(seasonLook(t, seed, c.from+d, c.days, c.history, c.season, 0, level).Columns) > 0 {
						alarms++
					}
					if c.weekends(c.from+d) && seed == 0 {
						special++
						if len(seasonLook(t, seed, c.from+d, c.days, c.history, 0, 0, level).Columns) > 0 {
							without++
						}
						if len(seasonLook(t, seed, c.from+d, c.days, c.history, c.season, 1, level).Columns) > 0 {
							seen++
						}
					}
				}
			}
			atMost(t, alarms, looks, level)
			t.Logf("of %d looks within a season %d had an alarm without saying so, and %d saw a shift of it", special, without, seen)
			if without < special*9/10 || seen < special*8/10 {
				t.Errorf("of %d looks within a season %d had an alarm without saying so, and %d saw a shift of it", special, without, seen)
			}
		})
	}
}

// TestMatchPhases: of each phase as many rows as give it its share, none from the current rows' time on, and phases that the reference lacks are counted.
func TestMatchPhases(t *testing.T) {
	var before, now []float64
	for d := range 28 { // ten rows a day, five on day 26, a Saturday's phase of day 33; none on the phase of day 29
		n := 10
		if d%7 == 5 {
			n = 5
		}
		if d%7 == 1 {
			n = 0
		}
		for i := range n {
			before = append(before, float64(d)*aDay+float64(i)*3600)
		}
	}
	before = append(before, 40*aDay, math.NaN())
	for d := 28; d < 35; d++ {
		for i := range 10 {
			now = append(now, float64(d)*aDay+float64(i)*3600)
		}
	}
	m := MatchPhases(before, now, 7*aDay, 1)
	if m.Unmatched != 10 || len(m.Current) != 60 || len(m.Strata) != len(m.Reference)+60 || !slices.IsSorted(m.Reference) || !slices.IsSorted(m.Current) {
		t.Fatalf("got %d unmatched, %d of %d current and %d reference rows", m.Unmatched, len(m.Current), len(now), len(m.Reference))
	}
	counts := map[int32]int{}
	for i, r := range m.Reference {
		counts[m.Strata[i]]++
		if got := int32(math.Mod(before[r], 7*aDay) / aDay); got != m.Strata[i] {
			t.Fatalf("row %d of day %d is of phase %d", r, got, m.Strata[i])
		}
	}
	for p, n := range counts {
		if n != 20 { // as many as there are of Saturdays
			t.Errorf("phase %d has %d rows of the reference", p, n)
		}
	}
	// One rare phase does not cost the others their rows.
	rare := append(slices.Clone(before[:len(before)-2]), 1*aDay)
	if m := MatchPhases(rare, now, 7*aDay, 1); m.Unmatched != 10 || len(m.Reference) != 120 {
		t.Errorf("got %d unmatched and %d reference rows", m.Unmatched, len(m.Reference))
	}
	if m := MatchPhases(nil, now, 7*aDay, 1); m.Unmatched != len(now) || len(m.Reference)+len(m.Current) != 0 {
		t.Errorf("of no reference: got %+v", m)
	}
}
