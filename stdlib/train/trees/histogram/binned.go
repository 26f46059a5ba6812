package histogram

import (
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/stdlib/radix"
)

// Coded is a table by bins, a byte for each value, four for those of more than 255 categories. It is filled with one feature after the other (Binned.Add, Coded.Add), and holds no columns of
// what it is made of, so that these need never be in memory as a whole.
type Coded struct {
	codes  codes
	added  int // features
	target []float64
	weight []float64 // nil: all 1
	bins   []binned  // of all features that there will be
	spaces []space   // for as many features as are added at once
}

// Binned is the table that trees are fitted to: its values say where bins are cut.
type Binned struct {
	Coded
	distinct []int
}

// space is what a feature needs until it is added.
type space struct {
	sorting radix.Buffer
	codes   []uint8
}

// Column is a feature.
type Column struct {
	Values []float64 // by row; categories as codes from 0; NaN is missing. Not kept
	Levels int       // the number of categories, at most MaxLevels; 0 for numbers
}

// New begins a table of so many features. The target is by row: the value, 0 or 1, or the index of the class; of weights nil are all 1.
func New(features int, target, weight []float64) (*Binned, error) {
	if len(target) == 0 || features == 0 {
		return nil, fmt.Errorf("there is nothing to fit: %d rows of %d features", len(target), features)
	}
	if len(target) > math.MaxInt32 {
		return nil, fmt.Errorf("%d rows are more than can be fitted", len(target))
	}
	b := &Binned{distinct: make([]int, features)}
	b.Coded = coded(make([]binned, features), target, weight)
	return b, nil
}

// coded is a table with room for the bins of its features, which are still to come.
func coded(bins []binned, target, weight []float64) Coded {
	return Coded{codes: codes{rows: len(target)}, target: target, weight: weight, bins: bins}
}

// Add cuts the next features into bins. They are the same on any number of threads, and however many are added at once.
func (t *Binned) Add(columns []Column, threads int) error {
	for i, c := range columns {
		if c.Levels > MaxLevels {
			return fmt.Errorf("feature %d has %d categories, more than %d", t.added+i, c.Levels, MaxLevels)
		}
		t.bins[t.added+i].levels = c.Levels
	}
	t.add(columns, threads, func(f int, c Column, s *space) {
		t.bins[f], t.distinct[f] = newBinned(c.Values, c.Levels, &s.sorting)
	})
	return nil
}

// Other begins a table of other rows, whose values fall into the bins of this one, which has all its features.
func (t *Binned) Other(target, weight []float64) *Coded {
	c := coded(t.bins, target, weight)
	return &c
}

// Add adds the next features, which are those of the table whose bins they fall into.
func (t *Coded) Add(columns []Column, threads int) {
	t.add(columns, threads, func(int, Column, *space) {})
}

// add codes the next features, each after it was prepared.
func (t *Coded) add(columns []Column, threads int, prepare func(f int, c Column, s *space)) {
	for len(t.spaces) < len(columns) {
		t.spaces = append(t.spaces, space{})
	}
	for i := range columns {
		t.codes.add(t.bins[t.added+i].wide())
	}
	parallel(threads, len(columns), func(i int) {
		f, s := t.added+i, &t.spaces[i]
		prepare(f, columns[i], s)
		if t.bins[f].wide() {
			t.codes.setWide(f, &t.bins[f], columns[i].Values)
			return
		}
		s.codes = t.bins[f].encode(columns[i].Values, s.codes)
	})
	// Features share words, so that they are written one after the other.
	for i := range columns {
		if f := t.added + i; !t.bins[f].wide() {
			t.codes.set(f, t.spaces[i].codes)
		}
	}
	t.added += len(columns)
	if t.added == len(t.bins) {
		t.spaces = nil
	}
}

// Distinct is how many values a feature has as 32-bit floats; of a category, how many levels there are.
func (t *Binned) Distinct(feature int) int { return t.distinct[feature] }
