package canary

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// random is evidence of a few steps as servers could have counted it.
func random(r *rand.Rand) Evidence {
	var e Evidence
	for range r.IntN(4) {
		s := e.At([]int64{10_000, 50_000, 250_000, 500_000, Whole}[r.IntN(5)])
		for _, a := range []*Arm{&s.Canary, &s.Control} {
			for range r.IntN(300) {
				serve(r, a, 0.1, 1)
			}
		}
	}
	return e
}

// serve counts one request that fails with a probability, and is slower by a factor.
func serve(r *rand.Rand, a *Arm, failing, slower float64) {
	a.Requests++
	a.Latency.Add(LatencyBin(4 * slower * math.Exp(r.NormFloat64()/2)))
	if r.Float64() < failing {
		a.Errors++
		return
	}
	score := math.Pow(r.Float64(), 3)
	bin, _ := ScoreBin(score)
	a.Scores.Add(bin)
	if score > 0.5 {
		a.Positives++
	}
	if r.IntN(2) == 0 {
		a.Labelled++
		if r.IntN(5) == 0 {
			a.Mistakes++
		}
	}
}

// encode is evidence as JSON.
func encode(t *testing.T, e Evidence) string {
	t.Helper()
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMerge: counts add up whatever the order, what was merged follows both, and neither is changed.
func TestMerge(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		a, b, c := random(r), random(r), random(r)
		before := encode(t, a)
		got, want := encode(t, Merge(Merge(a, b), c)), encode(t, Merge(b, Merge(c, a)))
		if got != want {
			t.Fatalf("got %s\nwant %s", got, want)
		}
		both := Merge(a, b)
		if err := both.Check(); err != nil {
			t.Fatal(err)
		}
		for _, e := range []Evidence{a, b} {
			if err := both.Follows(e); err != nil {
				t.Error(err)
			}
		}
		if encode(t, a) != before {
			t.Fatal("what was merged has changed")
		}
		if n := func(e Evidence) (n int64) {
			for _, s := range e.Steps {
				n += s.Canary.Requests + s.Control.Latency.Total()
			}
			return n
		}; n(both) != n(a)+n(b) {
			t.Errorf("got %d, want %d", n(both), n(a)+n(b))
		}
		if err := a.Follows(both); err == nil && encode(t, b) != "{}" {
			t.Error("evidence follows what had more")
		}
	}
}

// TestFigureOfMerged: servers that each saw a part find together what one would have found.
func TestFigureOfMerged(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	var all, a, b Evidence
	for range 500 {
		one := []*Evidence{&a, &b}[r.IntN(2)]
		for range 2 {
			fails := r.IntN(10) == 0
			for _, e := range []*Evidence{&all, one} {
				s := e.At(250_000)
				s.Canary.Requests++
				s.Control.Requests += 3
				if fails {
					s.Canary.Errors++
				}
			}
		}
	}
	for _, name := range Names() {
		got, err := Sequence{0.05, 3}.Of(Merge(a, b), name)
		if err != nil {
			t.Fatal(err)
		}
		if want, _ := (Sequence{0.05, 3}).Of(all, name); !reflect.DeepEqual(got, want) && !math.IsNaN(got.Value) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestEncoding(t *testing.T) {
	var e Evidence
	s := e.At(250_000)
	s.Canary = Arm{Requests: 3, Errors: 1}
	s.Canary.Latency.Add(98)
	s.Canary.Latency.Add(98)
	s.Canary.Latency.Add(7)
	e.At(50_000).Control = Arm{Requests: 2, Positives: 1, Labelled: 2, Mistakes: 1, Scores: Histogram{0, 0, 0}}
	const want = `{"steps":[` +
		`{"share":50000,"canary":{"requests":0},"control":{"requests":2,"positives":1,"labelled":2,"mistakes":1}},` +
		`{"share":250000,"canary":{"requests":3,"errors":1,"latency":[[7,1],[98,2]]},"control":{"requests":0}}]}`
	got := encode(t, e)
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	back, err := Decode([]byte(got))
	if err != nil || encode(t, back) != want {
		t.Errorf("got %s, %v", encode(t, back), err)
	}
	if got := encode(t, Evidence{}); got != "{}" {
		t.Errorf("got %s of nothing", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"steps":[{"share":0,"canary":{"requests":0},"control":{"requests":0}}]}`, "shares ascend"},
		{`{"steps":[{"share":1000001,"canary":{"requests":0},"control":{"requests":0}}]}`, "shares ascend"},
		{`{"steps":[{"share":5,"canary":{"requests":0},"control":{"requests":0}},{"share":5,"canary":{"requests":0},"control":{"requests":0}}]}`, "shares ascend"},
		{`{"steps":[{"share":5,"canary":{"requests":3,"errors":4},"control":{"requests":0}}]}`, "the canary at a share of 5 millionths: 4 errors: there can be 0 to 3"},
		{`{"steps":[{"share":5,"canary":{"requests":0},"control":{"requests":3,"errors":-1}}]}`, "the control at a share of 5 millionths: -1 errors"},
		{`{"steps":[{"share":5,"canary":{"requests":3,"errors":2,"positives":2},"control":{"requests":0}}]}`, "2 positives: there can be 0 to 1"},
		{`{"steps":[{"share":5,"canary":{"requests":3,"labelled":1,"mistakes":2},"control":{"requests":0}}]}`, "2 mistakes: there can be 0 to 1"},
		{`{"steps":[{"share":5,"canary":{"requests":3,"latency":[[4,4]]},"control":{"requests":0}}]}`, "latency counts more than 3"},
		{`{"steps":[{"share":5,"canary":{"requests":3,"scores":[[50,1]]},"control":{"requests":0}}]}`, "scores has a bin 50: there are 50"},
		{`{"steps":[{"share":5,"canary":{"requests":3,"latency":[[4,1],[4,1]]},"control":{"requests":0}}]}`, "ascending"},
		{`{"steps":[{"share":5,"canary":{"requests":9007199254740993},"control":{"requests":0}}]}`, "9007199254740993 requests"},
		{`{"steps":[],"more":1}`, "unknown field"},
		{`{} {}`, "something follows"},
		{`{`, "unexpected EOF"},
	} {
		if _, err := Decode([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.text, err, c.want)
		}
	}
}

// TestBins: edges are where they are said to be, and a bin contains its upper edge.
func TestBins(t *testing.T) {
	for bin := range LatencyBins - 1 {
		edge := latencyEdge(bin)
		if want := math.Exp2(float64(bin)/8 - 4); math.Abs(edge/want-1) > 1e-15 {
			t.Errorf("bin %d: got an edge at %v, want %v", bin, edge, want)
		}
		if got, next := LatencyBin(edge), LatencyBin(math.Nextafter(edge, math.Inf(1))); got != bin || next != bin+1 {
			t.Errorf("edge %v: got bins %d and %d, want %d and %d", edge, got, next, bin, bin+1)
		}
	}
	for _, c := range []struct {
		ms   float64
		want int
	}{{0, 0}, {-1, 0}, {65536, 160}, {1e9, LatencyBins - 1}, {math.Inf(1), LatencyBins - 1}, {math.NaN(), LatencyBins - 1}} {
		if got := LatencyBin(c.ms); got != c.want {
			t.Errorf("LatencyBin(%v): got %d, want %d", c.ms, got, c.want)
		}
	}
	for _, c := range []struct {
		score float64
		want  int
	}{{-3, 0}, {0, 0}, {0.02, 0}, {0.021, 1}, {0.5, 24}, {1, 49}, {math.Inf(1), 49}} {
		if got, err := ScoreBin(c.score); err != nil || got != c.want {
			t.Errorf("ScoreBin(%v): got %d, %v, want %d", c.score, got, err, c.want)
		}
	}
	if _, err := ScoreBin(math.NaN()); err == nil {
		t.Error("what is no number has a bin")
	}
}

// FuzzDecode: what is accepted is written as it is read again, and every figure of it is one that contains its value.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 1))
	for range 10 {
		text, err := json.Marshal(random(r))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"steps":[{"share":1,"canary":{"requests":9007199254740992,"errors":9007199254740992},"control":{"requests":9007199254740992}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := Decode(text)
		if err != nil {
			return
		}
		written := encode(t, e)
		again, err := Decode([]byte(written))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if !bytes.Equal([]byte(encode(t, again)), []byte(written)) {
			t.Fatalf("got %s\nwant %s", encode(t, again), written)
		}
		for _, name := range Names() {
			figure, err := Sequence{0.05, 3}.Of(e, name)
			if err != nil {
				t.Fatal(err)
			}
			if err := sound(figure); err != nil {
				t.Errorf("%s of %s: %v", name, written, err)
			}
		}
	})
}
