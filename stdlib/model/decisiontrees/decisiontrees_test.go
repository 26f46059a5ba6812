package decisiontrees

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// example is a model of two margins with a split of each kind.
func example() *Model {
	leaf := func(x, cover float64) Node { return Node{Left: NoChild, Right: NoChild, Value: x, Cover: cover} }
	return &Model{Link: Softmax, Base: []float64{0.5, -1}, Features: 2, Average: 2, Trees: []Tree{
		{Group: 0, Nodes: []Node{{Left: 1, Right: 2, Value: 0.1, MissingLeft: true, ZeroMissing: true, Gain: 3, Cover: 4}, leaf(1, 3), leaf(-2, 1)}},
		{Group: 1, Nodes: []Node{{Left: 1, Right: 2, Feature: 1, Categories: []int32{0, 40}, Cover: 4}, leaf(0.1, 2), leaf(3, 2)}},
		{Group: 1, Nodes: []Node{{Left: 1, Right: 2, Value: math.Inf(1), Cover: 4}, leaf(0.25, 4), leaf(7, 0)}},
	}}
}

func TestScores(t *testing.T) {
	nan := math.NaN()
	columns := [][]float64{{0, 0.1, 0.2, nan, 1e300}, {0, 40, 41, nan, -1}}
	want := [][2]float64{{0.75, -0.325}, {0.75, -0.325}, {-0.75, 1.125}, {0.75, 4.5}, {-0.75, 1.125}} // NaN is no category, and right of infinity where nothing says left
	m := example()
	for _, threads := range []int{1, 3} {
		got, err := m.Predict(t.Context(), columns, 5, threads)
		if err != nil {
			t.Fatal(err)
		}
		for r := range want {
			if p := 1 / (1 + math.Exp(want[r][1]-want[r][0])); math.Abs(got[0][r]-p) > 1e-15 || math.Abs(got[0][r]+got[1][r]-1) > 1e-15 {
				t.Errorf("row %d: got %v and %v, want %v", r, got[0][r], got[1][r], p)
			}
		}
	}
	m.Single = true // 0.1 in 32 bits is more than 0.1
	got, err := m.Predict(t.Context(), [][]float64{{0.1}, {0}}, 1, 1)
	if p := 1 / (1 + math.Exp(-0.325+0.75)); err != nil || math.Abs(got[0][0]-p) > 1e-15 {
		t.Errorf("in 32 bits: got %v, %v, want %v", got[0][0], err, p)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := example().Predict(ctx, columns, 5, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled prediction: got %v", err)
	}
}

func TestWrittenAndRead(t *testing.T) {
	text, err := example().Encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := m.Encode()
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("read and written again it is another: %v\n%s\n%s", err, text, again)
	}
	if got, want := fmt.Sprintf("%+v", m), fmt.Sprintf("%+v", example()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, tt := range []struct{ old, with, want string }{
		{`"format":1`, `"format":2`, "they have format 2"},
		{`"format":1`, `"format":1,"more":1`, `unknown field "more"`},
		{`"softmax"`, `"probit"`, `unknown link "probit"`},
		{`"softmax"`, `"logistic"`, "of one margin"},
		{`"base":[0.5,-1]`, `"base":[0.5]`, "softmax is of several margins"},
		{`"base":[0.5,-1]`, `"base":[0.5,-1e999]`, "1e999"},
		{`"left":[1,-1,-1]`, `"left":[0,-1,-1]`, "node 0 has children 0 and 2"},
		{`"left":[1,-1,-1]`, `"left":[1,-1]`, "arrays of a tree have 2 and 3"},
		{`"left":[1,-1,-1]`, `"left":[2,-1,-1]`, "a node has one parent"},
		{`"left":[1,-1,-1]`, `"left":[-1,-1,-1]`, "node 0 has one child"},
		{`"feature":[0,0,0]`, `"feature":[5,0,0]`, "splits on feature 5 of 2"},
		{`"group":0`, `"group":2`, "adds to margin 2 of 2"},
		{`{"0":[0,40]}`, `{"0":[40,0]}`, "has category 0, at place 1"},
		{`{"0":[0,40]}`, `{"7":[0,40]}`, "point outside"},
		{`"value":["inf"`, `"value":["infinite"`, "invalid syntax"},
	} {
		changed := strings.Replace(string(text), tt.old, tt.with, 1)
		if changed == string(text) {
			t.Errorf("%s is not there: %s", tt.old, text)
		}
		if _, err := Decode([]byte(changed)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.with, err, tt.want)
		}
	}
	deep := &Model{Link: Identity, Base: []float64{0}, Features: 1, Trees: []Tree{{}}}
	for i := range int32(2000) {
		deep.Trees[0].Nodes = append(deep.Trees[0].Nodes, Node{Left: 2*i + 1, Right: 2*i + 2}, Node{Left: NoChild, Right: NoChild})
	}
	deep.Trees[0].Nodes[0], deep.Trees[0].Nodes = Node{Left: 1, Right: 2}, append(deep.Trees[0].Nodes, Node{Left: NoChild, Right: NoChild})
	for i := range int32(2000) {
		deep.Trees[0].Nodes[2*i] = Node{Left: 2*i + 1, Right: 2*i + 2}
	}
	if err := deep.Validate(); err == nil || !strings.Contains(err.Error(), "more than 1024 splits") {
		t.Errorf("a deep tree: got %v", err)
	}
}

// FuzzDecode: whatever is read scores and is explained without a fault, and is written as what reads the same.
func FuzzDecode(f *testing.F) {
	text, err := example().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"trees":[{"left":[0],"right":[0],"feature":[0],"value":[0],"missing_left":[],"zero_missing":[],"gain":[],"cover":[]}]}`)) // empty is as left out
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil || m.Features > 1000 || len(m.Trees) > 100 {
			return
		}
		columns := make([][]float64, m.Features)
		for i := range columns {
			columns[i] = []float64{0, math.NaN()}
		}
		if _, err := m.Predict(t.Context(), columns, 2, 1); err != nil {
			t.Fatal(err)
		}
		e := m.Explainer()
		e.Margins(make([]float64, m.Features), make([]float64, m.Groups()))
		written, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(written)
		if err != nil {
			t.Fatalf("%v in what was written: %s", err, written)
		}
		if twice, err := again.Encode(); err != nil || !bytes.Equal(twice, written) {
			t.Fatalf("read and written again it is another: %v\n%s\n%s", err, written, twice)
		}
	})
}
