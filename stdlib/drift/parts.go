package drift

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

// Parts of tables, such as the rows of one country, are compared each with the same part of the other table.
//
// All parts and columns are one family: false discoveries are held over all of them, and so is the level of the alarm, by the same deals. As a deal must not change
// how large a part is, rows change places with such alone that are in the same parts as they are. So that a part has more rows than it had is no drift of its columns; of the
// whole table's it is, which are compared by themselves. With the parts a and b that overlap, rows are dealt within the four strata of a and b, a alone, b alone, and neither,
// the last of which no part has.

// Part is some of the rows of both tables.
type Part struct {
	Name               string
	Reference, Current []bool // by row
}

// partRows are the places of a part's rows among the pooled ones, the reference's first.
type partRows struct {
	rows []int32
	n    int // of the reference
}

// CompareParts is CompareAll of each part, with one rate of false discoveries, and one level of the alarm, over all of them. A part with fewer than MinRows rows on
// either side is undefined and has no share in that. PValue of every alarm is that of all parts.
func CompareParts(ctx context.Context, reference, current *frame.Frame, columns []string, parts []Part, o Options) ([][]Result, []Alarm, error) {
	o = o.withDefaults()
	out, alarm := make([][]Result, len(parts)), make([]Alarm, len(parts))
	kept, strata := o.rowsOfParts(reference, current, parts)
	o.Strata = strata
	var pairs []*pair
	var at [][2]int // part and column of each
	for k, part := range parts {
		alarm[k].PValue = math.NaN()
		of, a, b := kept.part(part, reference, current)
		if reason := o.tooFew(a, b); reason != "" {
			out[k] = undefined(columns, reason)
			continue
		}
		out[k] = undefined(columns, "")
		for i, name := range columns {
			p, err := newPair(a, b, name, o.Method)
			var infinite *infiniteError
			switch {
			case errors.As(err, &infinite):
				out[k][i].Undefined = infinite.Error()
			case err != nil:
				return nil, nil, fmt.Errorf("%s: %w", part.Name, err)
			default:
				p.of = of
				pairs, at = append(pairs, p), append(at, [2]int{k, i})
			}
		}
	}
	if len(pairs) == 0 {
		return out, alarm, nil
	}
	var results []Result
	raised := alarms{pvalue: math.NaN()}
	var err error
	if o.Calibrate == NotCalibrated {
		results = bare(pairs, o)
	} else if results, raised, err = calibrated(ctx, pairs, len(kept.reference), len(kept.current), o); err != nil {
		return nil, nil, err
	}
	for j, r := range results {
		out[at[j][0]][at[j][1]] = r
	}
	for k := range parts {
		if slices.ContainsFunc(at, func(x [2]int) bool { return x[0] == k }) {
			alarm[k] = raised.of(func(j int) bool { return at[j][0] == k }, pairs)
		}
	}
	return out, alarm, nil
}

// keptRows are those rows of both tables that are in some part, ascending.
type keptRows struct{ reference, current []int }

// part is the part's share of the rows that were kept: their places, and both tables of them.
func (k keptRows) part(p Part, reference, current *frame.Frame) (*partRows, *frame.Frame, *frame.Frame) {
	out := &partRows{}
	var a, b []int
	for place, r := range k.reference {
		if p.Reference[r] {
			out.rows, a = append(out.rows, int32(place)), append(a, r)
		}
	}
	out.n = len(a)
	for place, r := range k.current {
		if p.Current[r] {
			out.rows, b = append(out.rows, int32(len(k.reference)+place)), append(b, r)
		}
	}
	return out, reference.Take(a), current.Take(b)
}

// rowsOfParts are the rows that are in some part, and their strata: rows of one stratum are in the same parts, and were in one stratum before. Of large tables rows are drawn, of
// the strata with the most rows first, and of both sides of a stratum the same share, so that what strata make of a part stays as it is.
func (o Options) rowsOfParts(reference, current *frame.Frame, parts []Part) (keptRows, []int32) {
	ids := map[string]int32{}
	var sides [2][][]int // rows by stratum
	for side, rows := range []int{reference.Rows, current.Rows} {
		for r := range rows {
			key, some := make([]byte, 0, len(parts)+4), false
			for _, p := range parts {
				in := p.Reference
				if side == 1 {
					in = p.Current
				}
				if in[r] {
					key, some = append(key, 1), true
				} else {
					key = append(key, 0)
				}
			}
			if !some {
				continue
			}
			if o.Strata != nil {
				key = fmt.Appendf(key, "%d", o.Strata[r+side*reference.Rows])
			}
			id, known := ids[string(key)]
			if !known {
				id = int32(len(ids))
				ids[string(key)] = id
			}
			for len(sides[side]) <= int(id) {
				sides[side] = append(sides[side], nil)
			}
			sides[side][id] = append(sides[side][id], r)
		}
	}
	for side := range sides {
		for len(sides[side]) < len(ids) {
			sides[side] = append(sides[side], nil)
		}
	}
	o.thin(sides)
	var out keptRows
	var strata []int32
	for side, into := range []*[]int{&out.reference, &out.current} {
		of := map[int]int32{}
		for id, rows := range sides[side] {
			for _, r := range rows {
				*into = append(*into, r)
				of[r] = int32(id)
			}
		}
		slices.Sort(*into)
		for _, r := range *into {
			strata = append(strata, of[r])
		}
	}
	return out, strata
}

// thin draws rows where there are more than sampleRows a side: of strata with more rows than the others as many as leaves them equal.
func (o Options) thin(sides [2][][]int) {
	sizes := make([]int, len(sides[0]))
	left, total := 2*sampleRows, 0
	for id := range sizes {
		sizes[id] = len(sides[0][id]) + len(sides[1][id])
		total += sizes[id]
	}
	if total <= left {
		return
	}
	sorted := slices.Clone(sizes)
	slices.SortFunc(sorted, func(a, b int) int { return cmp.Compare(a, b) })
	most := 0 // of a stratum
	for i, n := range sorted {
		if most = left / (len(sorted) - i); n > most {
			break
		}
		left -= n
	}
	src := rand.NewPCG(uint64(o.Seed), math.MaxUint64-1)
	for id, n := range sizes {
		if n <= most {
			continue
		}
		for side := range sides {
			rows := sides[side][id]
			drawn := make([]int32, len(rows))
			for i := range drawn {
				drawn[i] = int32(i)
			}
			k := (len(rows)*most + n - 1) / n
			draw(src, drawn, k)
			kept := make([]int, k)
			for i, at := range drawn[:k] {
				kept[i] = rows[at]
			}
			sides[side][id] = kept
		}
	}
}
