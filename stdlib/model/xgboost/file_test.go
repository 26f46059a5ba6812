package xgboost

import (
	"bytes"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// softprob are rows and what XGBoost 1.7.4 itself says of them with the model of testdata/softprob-1.7.4: margins of three classes, of two rounds
// with two trees for each, on a number, a category of forty and an indicator.
var softprob = []struct {
	row  [3]float32
	want [3]float32
}{
	{[3]float32{-1, 3, 0}, [3]float32{-0.4029994606971741, 0.032662391662597656, -0.38445520401000977}},
	{[3]float32{0.5, 20, 1}, [3]float32{-0.4194607734680176, 1.6821191310882568, -0.4323849678039551}},
	{[3]float32{2, 36, 0}, [3]float32{-0.4194607734680176, 1.719078779220581, 1.446453332901001}},
	{[3]float32{missing, 7, 1}, [3]float32{-0.4029994606971741, 1.1320451498031616, -0.4323849678039551}},
	{[3]float32{0.1, missing, missing}, [3]float32{-0.4194607734680176, 0.8820390701293945, 2.05787992477417}},
	{[3]float32{-0.2, 39, 0}, [3]float32{1.9952963590621948, 0.1258024275302887, -0.4323849678039551}},
	{[3]float32{missing, missing, missing}, [3]float32{-0.4029994606971741, 1.7096186876296997, -0.38445520401000977}},
	{[3]float32{1.5, 99, 0}, [3]float32{-0.4194607734680176, 1.6821191310882568, 2.05787992477417}},
}

var missing = float32(math.NaN())

// checkSoftprob holds a model to those margins, to the bit.
func checkSoftprob(t *testing.T, what string, m *Model) {
	t.Helper()
	s, err := m.Scorer()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range softprob {
		var got [3]float32
		if s.Margins(tt.row[:], got[:]); got != tt.want {
			t.Errorf("%s: row %v: got %v, want %v", what, tt.row, got, tt.want)
		}
	}
}

// TestFilesOfXGBoost: both forms are the same model, with the scores that XGBoost has.
func TestFilesOfXGBoost(t *testing.T) {
	var written [][]byte
	for _, name := range []string{"softprob-1.7.4.json", "softprob-1.7.4.ubj"} {
		f, err := DecodeFile(file(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(f.Version, []int{1, 7, 4}) || !slices.Equal(f.Rounds, []int{0, 6, 12}) || f.Attributes["best_iteration"] != "0" || f.Levels != nil {
			t.Errorf("%s: got version %v, rounds %v, attributes %v, levels %v", name, f.Version, f.Rounds, f.Attributes, f.Levels)
		}
		checkSoftprob(t, name, f.Model)
		again, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, again)
	}
	if !bytes.Equal(written[0], written[1]) {
		t.Errorf("as JSON it is another model than as UBJSON")
	}
}

// TestVersionsOfTheFormat: the same model as each version lays it out, by the schema and the code that writes it (doc/model.schema, learner.cc and
// gbtree_model.cc of dmlc/xgboost).
func TestVersionsOfTheFormat(t *testing.T) {
	text := string(file(t, "softprob-1.7.4.json"))
	replace := func(text string, pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(text, pairs[i]) {
				t.Fatalf("%s is not there", pairs[i])
			}
			text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
		}
		return text
	}
	later := replace(text, `"size_leaf_vector":"0"`, `"size_leaf_vector":"1"`, `"gbtree_model_param":{`, `"iteration_indptr":[0,6,12],"gbtree_model_param":{`)
	for name, text := range map[string]string{
		"1.0": replace(text, `"base_score":"5E-1","boost_from_average":"1",`, `"base_score":"0.500000",`, `,"num_target":"1"`, ``, `"version":[1,7,4]`, `"version":[1,0,2]`,
			`"default_left":[1,1,`, `"default_left":[true,true,`, `"num_parallel_tree":"2",`, `"num_parallel_tree":"2","num_feature":"3",`),
		"2.0": replace(later, `"version":[1,7,4]`, `"version":[2,0,3]`),
		"3.0": replace(later, `"version":[1,7,4]`, `"version":[3,0,2]`, `{"learner"`, "{\n  \"learner\""),
		"3.1": replace(later, `"version":[1,7,4]`, `"version":[3,1,0]`, `"base_score":"5E-1"`, `"base_score":"[5E-1,5E-1,5E-1]"`,
			`"iteration_indptr":[0,6,12],`, `"iteration_indptr":[0,6,12],"cats":{"enc":[],"feature_segments":[],"sorted_idx":[]},`),
	} {
		f, err := DecodeFile([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkSoftprob(t, name, f.Model)
		if !slices.Equal(f.Rounds, []int{0, 6, 12}) {
			t.Errorf("%s: got rounds %v", name, f.Rounds)
		}
	}
	// A base score for each class is that of each.
	f, err := DecodeFile([]byte(replace(later, `"base_score":"5E-1"`, `"base_score":"[1E0,-2E0,5E-1]"`)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Scorer()
	if err != nil {
		t.Fatal(err)
	}
	var got [3]float32
	s.Margins(softprob[0].row[:], got[:])
	for g, want := range []float32{0.5, -2.5, 0} {
		if math.Abs(float64(got[g]-softprob[0].want[g]-want)) > 1e-6 {
			t.Errorf("class %d: got %v with a base score that is %v more than in %v", g, got[g], want, softprob[0].want[g])
		}
	}
}

// TestLevels: from XGBoost 3.1 on the file names the categories, texts as bytes of all together, numbers as such.
func TestLevels(t *testing.T) {
	with := func(cats string) string {
		return strings.Replace(string(file(t, "softprob-1.7.4.json")), `"gbtree_model_param":{`, `"cats":`+cats+`,"gbtree_model_param":{`, 1)
	}
	f, err := DecodeFile([]byte(with(`{"enc":[{"offsets":[],"values":[]},{"offsets":[0,2,2,6],"values":[97,98,99,-61,-68,100]},{"type":13,"values":[7,-3]}],"feature_segments":[0,0,3,5],"sorted_idx":[]}`)))
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Levels; len(got) != 3 || got[0] != nil || !slices.Equal(got[1], []string{"ab", "", "cüd"}) || !slices.Equal(got[2], []string{"7", "-3"}) {
		t.Errorf("got %q", got)
	}
	for cats, want := range map[string]string{
		`{"enc":[{"offsets":[],"values":[]}]}`:                                    "categories of 1 features",
		`{"enc":[{"offsets":[0,9],"values":[97]},{"values":[]},{"values":[]}]}`:   "from byte 0 to 9 of 1",
		`{"enc":[{"offsets":[1,0],"values":[97]},{"values":[]},{"values":[]}]}`:   "from byte 1 to 0",
		`{"enc":[{"offsets":[0,1],"values":[-61]},{"values":[]},{"values":[]}]}`:  "no text in UTF-8",
		`{"enc":[{"offsets":[0,1],"values":[1000]},{"values":[]},{"values":[]}]}`: "a byte of its categories is 1000",
		`{"enc":[{"offsets":[0,1],"values":["x"]},{"values":[]},{"values":[]}]}`:  "invalid number literal",
		`{"enc":[]},"iteration_indptr":[0,12,6]`:                                  "iteration_indptr",
		`{"enc":[]},"iteration_indptr":[0,6]`:                                     "iteration_indptr",
		`{"enc":[]},"iteration_indptr":[1,12]`:                                    "iteration_indptr",
	} {
		if _, err := DecodeFile([]byte(with(cats))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", cats, err, want)
		}
	}
}

// TestBoosters: what is no sum of trees is refused, and why.
func TestBoosters(t *testing.T) {
	for name, want := range map[string]string{
		"dart":     "its trees are weighed each",
		"gblinear": "it is a linear model",
		"gbnew":    `booster "gbnew" is not supported`,
	} {
		text := strings.Replace(string(file(t, "softprob-1.7.4.json")), `"name":"gbtree"`, `"name":"`+name+`"`, 1)
		if _, err := DecodeFile([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

func TestUBJ(t *testing.T) {
	for in, want := range map[string]string{
		"{U\x01aU\xffi\x01bi\xff}":                                          `{"a":255,"b":-1}`,
		"{U\x01aI\xff\xfeU\x01bl\x00\x01\x00\x00}":                          `{"a":-2,"b":65536}`,
		"{U\x01aL\xff\xff\xff\xff\xff\xff\xff\xff}":                         `{"a":-1}`,
		"{U\x01au\xff\xffU\x01bm\xff\xff\xff\xff}":                          `{"a":65535,"b":4294967295}`,
		"{U\x01aM\xff\xff\xff\xff\xff\xff\xff\xff}":                         `{"a":18446744073709551615}`,
		"{U\x01a[$d#U\x03\x3d\xcc\xcc\xcd\x7f\xc0\x00\x00\x80\x00\x00\x00}": `{"a":[0.1,null,-0]}`,
		"{U\x01aD\x3f\xb9\x99\x99\x99\x99\x99\x9aU\x01bSU\x02\"\n}":         `{"a":0.1,"b":"\"\n"}`,
		"{U\x01a[TFZN[]{}CxN]}":                                             `{"a":[true,false,null,[],{},"x"]}`,
		"{#U\x02U\x01aTU\x01bF":                                             `{"a":true,"b":false}`,
		"{$U#U\x02U\x01a\x05U\x01b\x06":                                     `{"a":5,"b":6}`,
		"{U\x01a[#U\x02i\x01T}":                                             `{"a":[1,true]}`,
	} {
		got, err := ubjToJSON([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("%q: got %s, %v, want %s", in, got, err, want)
		}
	}
	deep := "{U\x01a" + strings.Repeat("[", 100)
	for in, want := range map[string]string{
		"":                     "ends in the middle",
		"{U\x01a":              "ends in the middle",
		"{U\x02a":              "ends in the middle",
		"{U\x01a[$d#U\x09\x00": "ends in the middle",
		"{U\x01aX}":            "'X' is none",
		"{X\x01a}":             "'X' is none",
		"{U\x01aT}}":           "1 bytes follow",
		"{U\x01a[$T#L\x00\x00\x00\x00\x00\x00\xff\xff": "take no room",
		"{U\x01a[$d}": "no length",
		"{U\x01aSL\x7f\xff\xff\xff\xff\xff\xff\xff": "a length is",
		"{i\xffa":                   "a length is -1",
		"{U\x01ad\x7f\x80\x00\x00}": "infinite",
		deep:                        "deeper than 64",
	} {
		if _, err := ubjToJSON([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", in, err, want)
		}
	}
}

// FuzzUBJ: whatever the bytes, they are read or refused, and what is read as JSON stays in proportion.
func FuzzUBJ(f *testing.F) {
	f.Add(file(f, "softprob-1.7.4.ubj"))
	f.Add([]byte("{U\x01a[$d#U\x03\x3d\xcc\xcc\xcd\x7f\xc0\x00\x00\x80\x00\x00\x00}"))
	f.Add([]byte("{#U\x02U\x01a[TFZN[]{}CxN]U\x01bD\x3f\xb9\x99\x99\x99\x99\x99\x9a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := ubjToJSON(data)
		if err == nil && len(text) > 32*len(data)+32 {
			t.Errorf("%d bytes become %d", len(data), len(text))
		}
		m, err := DecodeFile(data)
		if err != nil || m.NumFeature > 1000 || len(m.Trees) > 100 {
			return
		}
		s, err := m.Scorer()
		if err != nil {
			t.Fatal(err)
		}
		s.Margins(make([]float32, m.NumFeature), make([]float32, m.Groups()))
	})
}
