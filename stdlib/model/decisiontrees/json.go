package decisiontrees

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// The format is JSON: the fields of Model, and of each tree parallel arrays with an element for each node. This is a tree of three nodes; the root
// asks whether feature 4 is at most 2.5, and sends missing values left:
//
//	{"group": 0, "left": [1, -1, -1], "right": [2, -1, -1], "feature": [4, 0, 0], "value": [2.5, -1, 1], "missing_left": [1, 0, 0]}
//
// Arrays whose elements are all 0 are left out, categories are by node: {"categories": {"0": [3, 7]}}. A threshold that is infinite is "inf" or "-inf".

// format is the version of the format.
const format = 1

// document is a model with its version.
type document struct {
	Format int `json:"format"`
	*Model
}

// tree is a tree as the file has it.
type tree struct {
	Group       int32             `json:"group"`
	Left        []int32           `json:"left"`
	Right       []int32           `json:"right"`
	Feature     []int32           `json:"feature"`
	Value       []number          `json:"value"`
	MissingLeft []flag            `json:"missing_left,omitempty"`
	ZeroMissing []flag            `json:"zero_missing,omitempty"`
	Categories  map[int32][]int32 `json:"categories,omitempty"`
	Gain        []number          `json:"gain,omitempty"`
	Cover       []number          `json:"cover,omitempty"`
}

// flag is a boolean that is written as 0 or 1.
type flag int

// number is a float64 in the shortest digits that give it back.
type number float64

// MarshalJSON writes infinities as words.
func (n number) MarshalJSON() ([]byte, error) {
	switch x := float64(n); {
	case math.IsInf(x, 1):
		return []byte(`"inf"`), nil
	case math.IsInf(x, -1):
		return []byte(`"-inf"`), nil
	default:
		return json.Marshal(x)
	}
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *number) UnmarshalJSON(data []byte) error {
	switch text := string(data); text {
	case `"inf"`:
		*n = number(math.Inf(1))
	case `"-inf"`:
		*n = number(math.Inf(-1))
	default:
		x, err := strconv.ParseFloat(text, 64)
		*n = number(x)
		return err
	}
	return nil
}

// Encode writes the model: the same bytes for the same model.
func (m *Model) Encode() ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return json.Marshal(document{format, m})
}

// Decode reads what Encode writes, and checks it.
func Decode(data []byte) (*Model, error) {
	d := document{Model: &Model{}}
	r := json.NewDecoder(bytes.NewReader(data))
	r.DisallowUnknownFields()
	if err := r.Decode(&d); err != nil {
		return nil, fmt.Errorf("reading trees: %w", err)
	}
	if d.Format != format {
		return nil, fmt.Errorf("reading trees: they have format %d, and %d is read", d.Format, format)
	}
	if err := d.Model.Validate(); err != nil {
		return nil, fmt.Errorf("reading trees: %w", err)
	}
	return d.Model, nil
}

// MarshalJSON writes the parallel arrays.
func (t Tree) MarshalJSON() ([]byte, error) {
	n := len(t.Nodes)
	out := tree{Group: t.Group, Left: make([]int32, n), Right: make([]int32, n), Feature: make([]int32, n), Value: make([]number, n), Categories: map[int32][]int32{}}
	missing, zeros, gain, cover := make([]flag, n), make([]flag, n), make([]number, n), make([]number, n)
	var any struct{ missing, zeros, gain, cover bool }
	for i := range t.Nodes {
		d := &t.Nodes[i]
		out.Left[i], out.Right[i], out.Feature[i], out.Value[i] = d.Left, d.Right, d.Feature, number(d.Value)
		gain[i], cover[i] = number(d.Gain), number(d.Cover)
		any.gain, any.cover = any.gain || d.Gain != 0, any.cover || d.Cover != 0
		if d.MissingLeft {
			missing[i], any.missing = 1, true
		}
		if d.ZeroMissing {
			zeros[i], any.zeros = 1, true
		}
		if d.Categories != nil {
			out.Categories[int32(i)] = d.Categories
		}
	}
	if any.missing {
		out.MissingLeft = missing
	}
	if any.zeros {
		out.ZeroMissing = zeros
	}
	if any.gain {
		out.Gain = gain
	}
	if any.cover {
		out.Cover = cover
	}
	return json.Marshal(out)
}

// UnmarshalJSON makes nodes of the parallel arrays.
func (t *Tree) UnmarshalJSON(data []byte) error {
	var in tree
	r := json.NewDecoder(bytes.NewReader(data))
	r.DisallowUnknownFields()
	if err := r.Decode(&in); err != nil {
		return err
	}
	n := len(in.Left)
	for _, l := range []int{len(in.Right), len(in.Feature), len(in.Value)} {
		if l != n {
			return fmt.Errorf("arrays of a tree have %d and %d elements", n, l)
		}
	}
	for _, l := range []int{len(in.MissingLeft), len(in.ZeroMissing), len(in.Gain), len(in.Cover)} {
		if l != 0 && l != n {
			return fmt.Errorf("arrays of a tree have %d and %d elements", n, l)
		}
	}
	t.Group, t.Nodes = in.Group, make([]Node, n)
	for i := range t.Nodes {
		t.Nodes[i] = Node{Left: in.Left[i], Right: in.Right[i], Feature: in.Feature[i], Value: float64(in.Value[i]),
			MissingLeft: len(in.MissingLeft) > 0 && in.MissingLeft[i] != 0, ZeroMissing: len(in.ZeroMissing) > 0 && in.ZeroMissing[i] != 0}
		if len(in.Gain) > 0 {
			t.Nodes[i].Gain = float64(in.Gain[i])
		}
		if len(in.Cover) > 0 {
			t.Nodes[i].Cover = float64(in.Cover[i])
		}
	}
	for i, set := range in.Categories {
		if i < 0 || int(i) >= n || set == nil {
			return errors.New("categories of a tree point outside")
		}
		t.Nodes[i].Categories = set
	}
	return nil
}
