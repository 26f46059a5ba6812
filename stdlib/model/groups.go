package model

// Decisions and calibrations by group.
//
// Columns of text, booleans or whole numbers part rows into groups: of by = ["sex", "citizen"] a row of a woman with citizenship is of the group {Female, true}. A group may have a threshold of its
// own, from which on its rows are predicted positive, and a curve of its own, that makes probabilities of its scores. The columns are features of the model's signature, so that whoever
// scores a row has to give them; the estimator reads them only where they are among what it was trained on (Bundle.reads).
//
//	group    threshold
//	Female   0.31
//	Male     0.52
//	(none)   0.5, the one without groups, where otherwise is said; else the row has no prediction
//
// A row is of no group where one of its values is missing, or no row that thresholds or curves were fitted on had its values.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Groups are those that some columns make.
type Groups struct {
	By []string `json:"by"` // names of features of the signature
	// Values are those of each group, as frame.Column.ValueName has them: {"Female", "true"}.
	Values [][]string `json:"groups"`
	// Otherwise: a row of no group is treated as one of a model without groups.
	Otherwise bool `json:"otherwise,omitempty"`
}

// Decision says that groups have thresholds of their own.
type Decision struct {
	Groups
	Equalize string `json:"equalize"` // the rate that thresholds were chosen to make alike
	// Thresholds are by group, as those of a bundle are.
	Thresholds []float64 `json:"thresholds"`
}

// GroupType reports whether a column of that type makes groups: text, booleans and whole numbers of up to 64 bits.
func GroupType(t string) bool {
	return TextType(t) || t == "boolean" || slices.Contains([]string{"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint"}, t)
}

// Name of a group for people: its values, parted by commas.
func (g *Groups) Name(group int) string { return strings.Join(g.Values[group], ", ") }

// placed are groups whose columns have their places in a signature. It is safe for concurrent use.
type placed struct {
	*Groups
	at     []int            // places of the columns among the features
	number map[string]int32 // of a group, by the codes of its values as bytes
}

// place finds the columns of groups among features. That one is missing, or that a value cannot be one of its column, is an error.
func (s *Signature) place(g *Groups) (*placed, error) {
	p := &placed{Groups: g, number: map[string]int32{}}
	if len(g.By) == 0 || len(g.Values) == 0 {
		return nil, errors.New("there are no groups")
	}
	for _, name := range g.By {
		i := slices.IndexFunc(s.Features, func(f Feature) bool { return f.Name == name })
		if i < 0 || slices.Contains(p.at, i) || !GroupType(s.Features[i].Type) {
			return nil, fmt.Errorf("the groups are by %q, which is no feature that makes any", name)
		}
		p.at = append(p.at, i)
	}
	for k, values := range g.Values {
		if len(values) != len(g.By) {
			return nil, fmt.Errorf("group %d has %d values of %d columns", k, len(values), len(g.By))
		}
		var key []byte
		for i, value := range values {
			code, err := s.Features[p.at[i]].code(value)
			if err != nil {
				return nil, err
			}
			key = appendCode(key, code)
		}
		if _, twice := p.number[string(key)]; twice {
			return nil, fmt.Errorf("the group %s is there twice", g.Name(k))
		}
		p.number[string(key)] = int32(k)
	}
	return p, nil
}

// code is a value as Encode has it.
func (f *Feature) code(value string) (float64, error) {
	if f.Categorical() {
		if i := slices.Index(f.Levels, value); i >= 0 {
			return float64(i), nil
		}
		return 0, fmt.Errorf("the feature %q has no level %q", f.Name, value)
	}
	if f.Type == "boolean" && (value == "true" || value == "false") {
		return map[string]float64{"true": 1, "false": 0}[value], nil
	}
	x, err := strconv.ParseFloat(value, 64)
	if err != nil || f.Type == "boolean" {
		return 0, fmt.Errorf("the feature %q is %s and has no value %q", f.Name, f.Type, value)
	}
	return x, nil
}

func appendCode(key []byte, code float64) []byte {
	return binary.BigEndian.AppendUint64(key, math.Float64bits(code+0)) // -0 is 0
}

// of are the groups of rows given as Encode makes them, [feature][row]; -1 of none. Of no groups they are nil.
func (p *placed) of(columns [][]float64, rows int) []int32 {
	if p == nil {
		return nil
	}
	out := make([]int32, rows)
	key := make([]byte, 0, 8*len(p.at))
	for r := range out {
		key = key[:0]
		out[r] = -1
		missing := false
		for _, i := range p.at {
			x := columns[i][r]
			missing = missing || x != x
			key = appendCode(key, x)
		}
		if g, known := p.number[string(key)]; known && !missing {
			out[r] = g
		}
	}
	return out
}

// without says why a row of no group has no prediction.
func (p *placed) without() string {
	return fmt.Sprintf("the model treats rows by group (%s), and the row's is missing or is none that it was fitted on", strings.Join(p.By, ", "))
}

// Decided is the bundle with thresholds by group. It is for binary tasks, and the columns are among the features.
func (b *Bundle) Decided(d *Decision) (*Bundle, error) {
	if !b.signature.binary() {
		return nil, errors.New("thresholds by group are for two classes")
	}
	if len(d.Thresholds) != len(d.Values) {
		return nil, fmt.Errorf("%d thresholds for %d groups", len(d.Thresholds), len(d.Values))
	}
	for _, t := range d.Thresholds {
		if !(t >= 0 && t <= 2) {
			return nil, fmt.Errorf("a threshold is %g", t)
		}
	}
	out := *b
	out.decision = d
	return &out, out.placeGroups()
}

// Decision by group; nil: all rows have the bundle's threshold.
func (b *Bundle) Decision() *Decision { return b.decision }

// GroupColumns are the features that groups of decisions and calibrations are made of, in their order, each once.
func (b *Bundle) GroupColumns() []string {
	var out []string
	for _, p := range []*placed{b.decides, b.calibrates} {
		if p == nil {
			continue
		}
		for _, name := range p.By {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// Needs is the bundle with further features that the estimator does not read, behind its own.
func (b *Bundle) Needs(more []Feature) (*Bundle, error) {
	features := slices.Clone(b.signature.Features)
	return b.Widen(append(features, more...))
}

// OneThreshold are the classes that a prediction's rows would have by the bundle's one threshold; -1 where there is no prediction. It is for binary tasks.
func (b *Bundle) OneThreshold(p *Prediction) []int32 {
	class := make([]int32, len(p.Score))
	for r, x := range p.Score {
		if x >= b.threshold {
			class[r] = 1
		}
	}
	for _, u := range p.Unscored {
		class[u.Row] = -1
	}
	return class
}

// ungrouped are the rows of no group, where these have no prediction, with the reason.
func (p *placed) ungrouped(groups []int32) (out []Unscored) {
	if p == nil || p.Otherwise {
		return nil
	}
	for r, g := range groups {
		if g < 0 {
			out = append(out, Unscored{r, p.without()})
		}
	}
	return out
}

// thresholds by row; nil: all rows have the bundle's.
func (b *Bundle) thresholds(groups []int32) []float64 {
	if groups == nil {
		return nil
	}
	out := make([]float64, len(groups))
	for r, g := range groups {
		if out[r] = b.threshold; g >= 0 {
			out[r] = b.decision.Thresholds[g]
		}
	}
	return out
}
