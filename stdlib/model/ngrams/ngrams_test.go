package ngrams

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// TestAgainstScikitLearn: vectors are those of its HashingVectorizer and TfidfTransformer, bucket by bucket.
func TestAgainstScikitLearn(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Texts []string
		Cases []struct {
			Settings Settings
			Vectors  [][][2]float64
		}
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	for i, c := range want.Cases {
		l := Line{Settings: c.Settings}
		if err := l.Validate(); err != nil {
			t.Fatal(err)
		}
		var counted [][]Entry
		rows := make([]int, len(want.Texts))
		for k, text := range want.Texts {
			counted, rows[k] = append(counted, l.Count(text)), 1
		}
		l.Learn(counted, rows, 0)
		for k, text := range want.Texts {
			got := slices.DeleteFunc(l.Vector(counted[k]), func(e Entry) bool { return e.X == 0 })
			if len(got) != len(c.Vectors[k]) {
				t.Errorf("case %d, %q: %d buckets, want %d", i, text, len(got), len(c.Vectors[k]))
				continue
			}
			for j, e := range got {
				if w := c.Vectors[k][j]; float64(e.Bucket) != w[0] || math.Abs(e.X-w[1]) > 1e-12 {
					t.Errorf("case %d, %q: bucket %d is %.17g, want %v", i, text, e.Bucket, e.X, w)
				}
			}
		}
	}
}

// TestLineIsRead: a line is the same when it was written and read, and a damaged one is refused.
func TestLineIsRead(t *testing.T) {
	l := Line{Settings: Defaults()}
	l.TfIdf = true
	texts := []string{"red dog", "blue dog", "red red cat"}
	var counted [][]Entry
	for _, text := range texts {
		counted = append(counted, l.Count(text))
	}
	l.Learn(counted, []int{1, 1, 1}, 2)
	if l.Rows != 5 {
		t.Errorf("%d rows, want 5", l.Rows)
	}
	l.Weights = append(l.Weights, make([]float64, len(l.Buckets)))
	for o := range l.Weights {
		for i := range l.Weights[o] {
			l.Weights[o][i] = float64(i) - 1.5 + float64(o)*0.1
		}
	}
	raw, err := json.Marshal(&l)
	if err != nil {
		t.Fatal(err)
	}
	var read Line
	if err := json.Unmarshal(raw, &read); err != nil {
		t.Fatal(err)
	}
	for _, text := range append(texts, "a red bird", "", "nothing known") {
		if a, b := l.At(text), read.At(text); !slices.Equal(a, b) || len(a) != 2 {
			t.Errorf("%q: %g when written, %g when read", text, a, b)
		}
	}
	for _, damage := range []func(d *document){
		func(d *document) { d.Weights = d.Weights[1:] }, func(d *document) { d.Used[0] ^= 255; d.Used[3] = 255 }, func(d *document) { d.Having = nil },
		func(d *document) { d.Buckets = 1000 }, func(d *document) { d.Analyzer = "letters" }, func(d *document) { d.Range = [2]int{2, 1} }, func(d *document) { d.Norm = "" },
		func(d *document) { copy(d.Used[4:8], d.Used[:4]) }, func(d *document) { d.Outputs = 0 }, func(d *document) { d.Outputs = -2 }, func(d *document) { d.Outputs = 1 << 40 },
	} {
		var d document
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatal(err)
		}
		damage(&d)
		bad, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(bad, new(Line)); err == nil {
			t.Errorf("read: %s", bad)
		}
	}
}

// FuzzCount: every text of bytes has a vector, ascending, of buckets that there are, and bytes that are no UTF-8 count as U+FFFD each.
func FuzzCount(f *testing.F) {
	for _, text := range []string{"", "The dog", "\xff\xfe broken \xe2\x82", "Σ ΟΔΟΣ İ", "\x00\x1c a  b", "🙂👍🏽", "e\u0301"} {
		for analyzer := range uint8(3) {
			f.Add(text, analyzer, uint8(1), uint8(2), true)
		}
	}
	f.Fuzz(func(t *testing.T, text string, analyzer, low, more uint8, lower bool) {
		s := Defaults()
		s.Analyzer, s.Lowercase, s.Buckets = []string{Word, Char, CharWB}[analyzer%3], lower, 64
		s.Range[0] = 1 + int(low%4)
		s.Range[1] = s.Range[0] + int(more%3)
		v := s.Count(text)
		for i, e := range v {
			if e.Bucket >= 64 || i > 0 && e.Bucket <= v[i-1].Bucket {
				t.Fatalf("%q: bucket %d at %d", text, e.Bucket, i)
			}
		}
		if again := s.Count(string([]rune(text))); !slices.Equal(v, again) {
			t.Fatalf("%q: another vector once bytes that are no UTF-8 are U+FFFD", text)
		}
	})
}
