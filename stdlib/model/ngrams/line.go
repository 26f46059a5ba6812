package ngrams

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// Line makes a number of a text, or of a model of several outputs one for each: Σ weight · entry over the buckets of its vector. With the weights it is what the text adds to a sum of a linear model.
// Buckets that no training row had weigh nothing, though they have a part in the norm. Nothing in it may be changed once it scores.
//
// As JSON it is the settings and, in base64, little-endian and by bucket that a training row had: the buckets in 32 bits each, how many rows have each
// (with tf_idf) in 32 bits, and the weights as 64-bit floats, output after output.
type Line struct {
	Settings
	Rows    int         // of the training, with TfIdf
	Buckets []uint32    // ascending
	Having  []uint32    // by bucket, with TfIdf: how many training rows have an n-gram in it
	Weights [][]float64 // [output][bucket]

	places []int32 // by bucket, from 1; 0: no training row had it
}

// mostOutputs is more than a model has: numbers of outputs that a damaged file claims stay small.
const mostOutputs = 1 << 16

// document is the JSON.
type document struct {
	Settings
	Rows    int    `json:"rows,omitempty"`
	Used    []byte `json:"used"`
	Having  []byte `json:"having,omitempty"`
	Outputs int    `json:"outputs,omitempty"` // 0: one
	Weights []byte `json:"weights"`
}

// Learn begins a line by the training rows: texts are counted vectors, rows how many rows have each, and missing how many have none of them. It has the buckets that they
// have, and one output with the weight 0 of each.
func (l *Line) Learn(texts [][]Entry, rows []int, missing int) {
	having := map[uint32]uint32{}
	l.Rows = missing
	for i, v := range texts {
		l.Rows += rows[i]
		for _, e := range v {
			if rows[i] > 0 {
				having[e.Bucket] += uint32(rows[i])
			}
		}
	}
	l.Buckets, l.Having = make([]uint32, 0, len(having)), nil
	for b := range having {
		l.Buckets = append(l.Buckets, b)
	}
	slices.Sort(l.Buckets)
	l.place()
	l.Weights = [][]float64{make([]float64, len(l.Buckets))}
	if !l.TfIdf {
		l.Rows = 0
		return
	}
	for _, b := range l.Buckets {
		l.Having = append(l.Having, having[b])
	}
}

// Vector is a counted vector with its weights of tf-idf and its norm, as a new one.
func (l *Line) Vector(counted []Entry) []Entry {
	v := slices.Clone(counted)
	if l.TfIdf {
		for i := range v {
			having := 0.0
			if at, known := l.Place(v[i].Bucket); known {
				having = float64(l.Having[at])
			}
			v[i].X *= math.Log((1+float64(l.Rows))/(1+having)) + 1
		}
	}
	return l.scaled(v)
}

// place lays out the places of buckets.
func (l *Line) place() {
	l.places = make([]int32, l.Settings.Buckets)
	for i, b := range l.Buckets {
		l.places[b] = int32(i) + 1
	}
}

// Place is that of a bucket among those that training rows had.
func (l *Line) Place(bucket uint32) (int, bool) {
	at := l.places[bucket]
	return int(at) - 1, at > 0
}

// Outputs is how many numbers a text has.
func (l *Line) Outputs() int { return max(len(l.Weights), 1) }

// Of are the numbers of a text given as a counted vector, by output.
func (l *Line) Of(counted []Entry) []float64 {
	sums := make([]float64, l.Outputs())
	for _, e := range l.Vector(counted) {
		if at, known := l.Place(e.Bucket); known {
			for o, weights := range l.Weights {
				sums[o] += float64(weights[at] * e.X)
			}
		}
	}
	return sums
}

// At are the numbers of a text, by output.
func (l *Line) At(text string) []float64 { return l.Of(l.Count(text)) }

// MarshalJSON implements json.Marshaler.
func (l *Line) MarshalJSON() ([]byte, error) {
	d := document{Settings: l.Settings, Rows: l.Rows, Used: []byte{}, Weights: []byte{}}
	for _, b := range l.Buckets {
		d.Used = binary.LittleEndian.AppendUint32(d.Used, b)
	}
	for _, n := range l.Having {
		d.Having = binary.LittleEndian.AppendUint32(d.Having, n)
	}
	if l.Outputs() > 1 {
		d.Outputs = l.Outputs()
	}
	for _, weights := range l.Weights {
		for _, w := range weights {
			d.Weights = binary.LittleEndian.AppendUint64(d.Weights, math.Float64bits(w))
		}
	}
	return json.Marshal(d)
}

// UnmarshalJSON implements json.Unmarshaler. What scoring relies on is checked.
func (l *Line) UnmarshalJSON(data []byte) error {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	if err := d.Settings.Validate(); err != nil {
		return err
	}
	n, outputs := len(d.Used)/4, max(d.Outputs, 1)
	if having := 4 * n; len(d.Used) != 4*n || d.Outputs < 0 || d.Outputs == 1 || outputs > mostOutputs || len(d.Weights) != 8*n*outputs || len(d.Having) != 0 && !d.TfIdf || d.TfIdf && len(d.Having) != having {
		return fmt.Errorf("%d bytes of buckets, %d of rows and %d of weights of %d outputs", len(d.Used), len(d.Having), len(d.Weights), outputs)
	}
	*l = Line{Settings: d.Settings, Rows: d.Rows, Weights: make([][]float64, outputs)}
	for i := range n {
		b := binary.LittleEndian.Uint32(d.Used[4*i:])
		if int64(b) >= int64(d.Settings.Buckets) || i > 0 && b <= l.Buckets[i-1] {
			return fmt.Errorf("bucket %d of %d, out of order or range", b, d.Settings.Buckets)
		}
		for o := range outputs {
			w := math.Float64frombits(binary.LittleEndian.Uint64(d.Weights[8*(o*n+i):]))
			if math.IsNaN(w) || math.IsInf(w, 0) {
				return fmt.Errorf("bucket %d weighs %g", b, w)
			}
			l.Weights[o] = append(l.Weights[o], w)
		}
		l.Buckets = append(l.Buckets, b)
		if d.TfIdf {
			l.Having = append(l.Having, binary.LittleEndian.Uint32(d.Having[4*i:]))
		}
	}
	l.place()
	return nil
}
