package packed

import (
	"bytes"
	"math"
	"testing"
)

// TestRow: each kind of value comes back as it was, and a null as none; the memory before a row stays as it is.
func TestRow(t *testing.T) {
	doubles, integers, texts := []float64{0, math.Copysign(0, -1), 0.1, math.MaxFloat64, math.Inf(-1), math.NaN()}, []int64{0, -1, math.MaxInt64, math.MinInt64}, []string{"", "a\x00b", "é", string(make([]byte, 300))}
	columns := len(doubles) + len(integers) + len(texts) + 3
	all := []byte("before")
	for range 2 {
		r, at := Begin(all, columns), 0
		for _, x := range doubles {
			r.Double(at, x)
			at++
		}
		for _, n := range integers {
			r.Integer(at, n)
			at++
		}
		at++ // null
		for _, s := range texts {
			r.Text(at, s)
			at++
		}
		r.Boolean(at, true)
		r.Boolean(at+1, false)
		all = r.End()
	}
	rest, ok := bytes.CutPrefix(all, []byte("before"))
	if !ok {
		t.Fatal("the bytes before the rows have changed")
	}
	for range 2 {
		var v Values
		var err error
		if v, rest, err = Next(rest, columns); err != nil {
			t.Fatal(err)
		}
		for _, x := range doubles {
			if got := v.Double(); math.Float64bits(got) != math.Float64bits(x) {
				t.Errorf("got %v, want %v", got, x)
			}
		}
		for _, n := range integers {
			if got := v.Integer(); got != n {
				t.Errorf("got %v, want %v", got, n)
			}
		}
		for _, s := range texts {
			if got := v.Text(); string(got) != s {
				t.Errorf("got %q, want %q", got, s)
			}
		}
		if !v.Boolean() || v.Boolean() {
			t.Error("booleans are others")
		}
		for i := range columns {
			if v.There(i) != (i != len(doubles)+len(integers)) {
				t.Errorf("column %d: there %v", i, v.There(i))
			}
		}
		if err := v.Err(); err != nil {
			t.Error(err)
		}
	}
	if len(rest) > 0 {
		t.Errorf("%d bytes are left", len(rest))
	}
}

// TestCut: bytes that end within a row, and values that are not there or too many, are an error.
func TestCut(t *testing.T) {
	r := Begin(nil, 9)
	r.Double(0, 1)
	r.Text(1, "abc")
	r.Integer(8, 300)
	whole := r.End()
	for n := range whole {
		if _, _, err := Next(whole[:n], 9); err == nil {
			t.Errorf("%d of %d bytes are a row", n, len(whole))
		}
	}
	for size := byte(2); size < byte(len(whole)-4); size++ {
		short := bytes.Clone(whole)
		short[0] = size
		v, _, err := Next(short, 9)
		if err != nil {
			t.Fatal(err)
		}
		v.Double()
		v.Text()
		v.Integer()
		if v.Err() == nil {
			t.Errorf("%d of %d bytes have all values", size, len(whole)-4)
		}
	}
	v, _, err := Next(whole, 9)
	if err != nil {
		t.Fatal(err)
	}
	if v.Double(); v.Err() == nil {
		t.Error("values that nobody takes are no error")
	}
}
