package report

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/render"
	doc "github.com/mlp-lang/mlp/lang/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// forms are all forms of a document, by the ending of their golden file.
var forms = map[string]func(io.Writer, *Document) error{
	".txt":  func(w io.Writer, d *Document) error { return Text(w, d, render.Options{}) },
	".md":   Markdown,
	".html": HTML,
}

func document(t *testing.T, text []byte) *Document {
	t.Helper()
	r, err := doc.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return &Document{Title: "churn · evaluate.holdout", Entries: []Entry{{Address: "evaluate.holdout", Facts: []Fact{{"result", "b2bf27"}}, Report: r}}}
}

// TestForms holds each form to a file that a person can read.
func TestForms(t *testing.T) {
	text, err := os.ReadFile("testdata/churn.json")
	if err != nil {
		t.Fatal(err)
	}
	hold(t, "churn", func() *Document { return document(t, text) })
	hold(t, "rare", rare)
}

// rare is what few reports have: several entries, some without an address, tables and curves that are cut, bars that stand, a table in shades
// without a number, places that are no category, the first letters of long names.
func rare() *Document {
	long := &doc.Table{Title: "Long", Columns: []doc.Column{{Name: "n", Kind: doc.Count}, {Name: "text", Kind: doc.Text}, {Name: "bare"}}}
	for i := range 42 {
		long.Rows = append(long.Rows, []doc.Cell{doc.Figure(float64(i)), doc.Words(strings.Repeat("é", 55+i/4)), {}})
	}
	curve := doc.Series{Name: "curve", Mark: doc.Line}
	for i := range 25 {
		curve.X, curve.Y = append(curve.X, float64(i)/24), append(curve.Y, float64(i*i))
	}
	standing := &doc.Plot{Title: "Standing `bars`", X: doc.Axis{Label: "x"}, Y: doc.Axis{Label: "count"}, Series: []doc.Series{
		{Name: "a", Mark: doc.Bars, X: []float64{1, 3, 1, 5}, Y: []float64{-2, 4, 1, 0}}, {Name: "one", Mark: doc.Bars, X: []float64{3}, Y: []float64{1}}}}
	grouped := &doc.Plot{Title: "By group", X: doc.Axis{Label: "group", Categories: []string{"north", "a very long name of a region"}}, Y: doc.Axis{Label: "share", Share: true, Min: doc.At(0), Max: doc.At(1)},
		Series: []doc.Series{{Name: "share", Mark: doc.Bars, X: []float64{0, 1}, Y: []float64{0.25, 2}}, {Name: "none", Mark: doc.Line}, {Name: "no band", Mark: doc.Band},
			{Name: "points", Mark: doc.Points, X: []float64{0, 0.5, 7, -1, 2}, Y: []float64{0.5, -1, 0.125, 0.5, 0.5}, Low: []float64{0.25, 0, 0, 0, 0}, High: []float64{0.75, 1, 0.25, 1, 1}}}}
	lying := &doc.Plot{Title: "Lying", X: doc.Axis{Label: "difference", Share: true}, Y: doc.Axis{Categories: []string{"only"}},
		Series: []doc.Series{{Name: "from nothing", Mark: doc.Bars, X: []float64{0.5}, Y: []float64{0}}, {Name: "far", Mark: doc.Points, X: []float64{0.75}, Y: []float64{3}}}}
	steps := &doc.Plot{Title: "Steps", X: doc.Axis{Label: "large", Min: doc.At(0)}, Y: doc.Axis{Label: "small", Max: doc.At(0.00002)},
		Series: []doc.Series{{Name: "s", Mark: doc.Step, X: []float64{0, 1e6, 2.5e6}, Y: []float64{0, 0.00001, 0.000015}}, {Name: "p", Mark: doc.Points, X: []float64{123456}, Y: []float64{0.0000123456}}}}
	wide := &doc.Table{Title: "Wide", Columns: []doc.Column{{Name: "run"}}, Rows: [][]doc.Cell{{doc.Words("one")}, {doc.Words("another")}}}
	for i := range 9 {
		wide.Columns = append(wide.Columns, doc.Column{Name: fmt.Sprintf("params.number_%d", i), Kind: doc.Number})
		wide.Rows[0], wide.Rows[1] = append(wide.Rows[0], doc.Figure(float64(i))), append(wide.Rows[1], doc.Missing("none"))
	}
	heat := &doc.Table{Heat: true, Columns: []doc.Column{{Name: "class"}, {Name: "n", Kind: doc.Count}}, Rows: [][]doc.Cell{{doc.Words("a"), doc.Figure(0)}, {doc.Words("b"), doc.Missing("none")}}}
	told := &doc.Table{Heat: true, Columns: []doc.Column{{Name: "value", Kind: doc.Number}}, Rows: [][]doc.Cell{
		{doc.Figure(-8)}, {doc.Figure(1)}, {{Value: doc.At(1), Low: doc.At(0), Why: "the interval has one end"}}, {{Value: doc.At(1), High: doc.At(2)}}, {{Low: doc.At(0), High: doc.At(2)}}, {doc.Missing("twice")}, {doc.Missing("twice")}, {{Value: doc.At(3), Why: "twice"}}}}
	return &Document{Title: "several", Entries: []Entry{
		{Report: &doc.Report{Title: "Runs", Sections: []doc.Section{{Title: "Long ones", Items: []doc.Item{{Table: long}, {Plot: &doc.Plot{Title: "Curve", Alt: "It rises.", Series: []doc.Series{curve}}}}}}}},
		{Address: "train.m", Facts: []Fact{{"result", "b2bf27"}, {"recorded", "now"}}, Report: &doc.Report{Title: "Model", Summary: "Fine.", Sections: []doc.Section{
			{Title: "Pictures", Items: []doc.Item{{Plot: standing}, {Plot: grouped}, doc.Note("between"), {Plot: lying}, {Plot: steps}}}, {Title: "Shades", Items: []doc.Item{{Table: heat}, {Table: told}, {Table: wide}}}}}},
	}}
}

// hold holds all forms of a document to files.
func hold(t *testing.T, name string, document func() *Document) {
	t.Helper()
	for ending, form := range forms {
		var b, again bytes.Buffer
		if err := form(&b, document()); err != nil {
			t.Fatal(err)
		}
		if err := form(&again, document()); err != nil || again.String() != b.String() {
			t.Errorf("%s differs the second time: %v", ending, err)
		}
		golden := filepath.Join("testdata", name+ending)
		if *update {
			if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), b.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", golden, d)
		}
	}
}

// TestWrite: forms by their names, JSON among them, whose letters stay themselves; a writer that fails is told.
func TestWrite(t *testing.T) {
	table := &doc.Table{Columns: []doc.Column{{Name: "head"}}, Rows: make([][]doc.Cell, mostTextRows)}
	for i := range table.Rows {
		table.Rows[i] = []doc.Cell{doc.Words("x")}
	}
	d := &Document{Title: "<a> & b", Entries: []Entry{{Address: "train.m", Report: &doc.Report{Version: 1, Title: "t", Sections: []doc.Section{{Title: "s", Items: []doc.Item{{Table: table}}}}}}}}
	for form, with := range map[string]func(io.Writer) error{
		"text": func(w io.Writer) error { return Text(w, d, render.Options{Color: true}) }, "markdown": func(w io.Writer) error { return Markdown(w, d) },
		"html": func(w io.Writer) error { return HTML(w, d) }, "json": func(w io.Writer) error { return JSON(w, d) },
	} {
		var got, want bytes.Buffer
		if err := Write(&got, d, form, render.Options{Color: true}); err != nil {
			t.Fatal(err)
		}
		if err := with(&want); err != nil || got.String() != want.String() || got.Len() == 0 {
			t.Errorf("%s: got %q, want %q, %v", form, got.String(), want.String(), err)
		}
		if err := Write(full{}, d, form, render.Options{}); err == nil {
			t.Errorf("%s: a full disk is not told", form)
		}
	}
	var text, written bytes.Buffer
	if err := Text(&text, d, render.Options{Color: true}); err != nil || !strings.Contains(text.String(), "\x1b[1mtrain.m\x1b[0m") {
		t.Errorf("in colours: got %q, %v", text.String(), err)
	}
	if dim := "\x1b[2m  head\x1b[0m"; !strings.Contains(text.String(), dim) || strings.Contains(text.String(), "more row") || strings.Count(text.String(), "\x1b[2m") != 1 {
		t.Errorf("a table of as many rows as are shown: got %q", text.String())
	}
	const want = "{\n  \"title\": \"<a> & b\",\n  \"reports\": [\n    {\n      \"address\": \"train.m\",\n      \"facts\": null,\n      \"report\": {\n"
	if err := JSON(&written, d); err != nil || !strings.HasPrefix(written.String(), want) {
		t.Errorf("got %s, %v", written.String(), err)
	}
	if err := Write(&text, d, "pdf", render.Options{}); err == nil || err.Error() != `no report is written as "pdf"` {
		t.Errorf("got %v", err)
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestNice: the least of 1, 2, 5 times a power of ten that is not below.
func TestNice(t *testing.T) {
	for x, want := range map[float64]float64{0: 1, -3: 1, math.Inf(1): 1, math.NaN(): 1, 1: 1, 1.0000000001: 1, 1.01: 2, 2: 2, 3: 5, 5: 5, 5.5: 10, 10: 10, 0.3: 0.5, 18: 20, 0.0011: 0.002} {
		if got := nice(x); math.Abs(got-want) > 1e-12*want {
			t.Errorf("%v: got %v, want %v", x, got, want)
		}
	}
}

// TestBars: bars are as wide as their bins, stand on 0, and a coordinate is short.
func TestBars(t *testing.T) {
	for _, c := range []struct {
		xs   []float64
		want float64
	}{{nil, 1}, {[]float64{3}, 1}, {[]float64{2, 2}, 1}, {[]float64{5, 1, 3, 1}, 2}, {[]float64{1, 1.5, 4}, 0.5}} {
		if got := barWidth(c.xs); got != c.want {
			t.Errorf("%v: got a width of %v, want %v", c.xs, got, c.want)
		}
	}
	upright := &picture{Plot: &doc.Plot{Series: []doc.Series{{Mark: doc.Bars, X: []float64{7, 8}, Y: []float64{3, 5}}, {Mark: doc.Line, X: []float64{7}, Y: []float64{4}}}}}
	upright.axes(high)
	lying := &picture{Plot: &doc.Plot{Y: doc.Axis{Categories: []string{"a", "b"}}, Series: []doc.Series{{Mark: doc.Bars, X: []float64{3, 5}, Y: []float64{0, 1}}}}}
	lying.axes(high)
	if upright.y.low != 0 || upright.x.low < 6 || lying.x.low != 0 {
		t.Errorf("bars stand on %v, %v, and their bins begin at %v", upright.y.low, lying.x.low, upright.x.low)
	}
	for x, want := range map[float64]string{12.5: "12.5", 12: "12", 12.04: "12", -0.04: "0", 0: "0", -3.25: "-3.2"} {
		if got := place(x); got != want {
			t.Errorf("%v: got %s, want %s", x, got, want)
		}
	}
}

// TestPicturesAreXML: each picture parses, has a name for who cannot see it, and no coordinate that is no number.
func TestPicturesAreXML(t *testing.T) {
	text, err := os.ReadFile("testdata/churn.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range document(t, text).Entries[0].Report.Sections {
		for _, i := range s.Items {
			if i.Plot == nil {
				continue
			}
			picture := svg(i.Plot, "p1")
			if err := xml.Unmarshal([]byte(picture), new(struct{})); err != nil {
				t.Errorf("%s: %v", i.Plot.Title, err)
			}
			if !strings.Contains(picture, `aria-labelledby="p1"`) || strings.Contains(picture, "NaN") || strings.Contains(picture, "Inf") {
				t.Errorf("%s: %s", i.Plot.Title, picture)
			}
		}
	}
}

// TestStrangeNumbers: plots of one point, of equal values, of values beyond their axes and of very large or small ones are drawn within
// the picture.
func TestStrangeNumbers(t *testing.T) {
	coordinate := regexp.MustCompile(` (?:x|y|cx|cy|width|height)="([^"]*)"`)
	for name, xs := range map[string][]float64{
		"none": {}, "one": {3}, "zero": {0}, "equal": {7, 7, 7}, "large": {-1e300, 1e300}, "small": {1e-300, 2e-300}, "close": {1, math.Nextafter(1, 2)},
	} {
		for _, mark := range []doc.Mark{doc.Line, doc.Step, doc.Points, doc.Bars, doc.Band} {
			s := doc.Series{Name: "s", Mark: mark, X: xs, Y: xs, Low: xs, High: xs}
			for at, axis := range map[string]doc.Axis{"free": {}, "bounded": {Min: doc.At(0), Max: doc.At(1)}, "half": {Min: doc.At(5)}} {
				p := &doc.Plot{Title: "t", X: axis, Y: axis, Series: []doc.Series{s}}
				picture := svg(p, "p1")
				if strings.Contains(picture, "NaN") || strings.Contains(picture, "Inf") {
					t.Errorf("%s %s %s: %s", name, mark, at, picture)
				}
				for _, m := range coordinate.FindAllStringSubmatch(picture, -1) {
					var x float64
					if _, err := fmt.Sscan(m[1], &x); err != nil || x < -1 || x > wide+1 {
						t.Errorf("%s %s %s: %s", name, mark, at, m[0])
					}
				}
			}
		}
	}
}

// TestHostile: nothing that a stage wrote is markup, a command of a terminal or a link in any form.
func TestHostile(t *testing.T) {
	evil := "<script>alert(1)</script>\x1b[2J</svg>](javascript:x)|`\u202e@team"
	all := []string{evil}
	plot := &doc.Plot{Title: evil, Alt: evil, X: doc.Axis{Label: evil}, Y: doc.Axis{Label: evil, Categories: all},
		Series: []doc.Series{{Name: evil, Mark: doc.Bars, X: []float64{1}, Y: []float64{0}}, {Name: evil, Mark: doc.Points, X: []float64{1}, Y: []float64{0}}}}
	table := &doc.Table{Title: evil, Columns: []doc.Column{{Name: evil}}, Rows: [][]doc.Cell{{doc.Words(evil)}, {doc.Missing(evil)}}}
	r := &doc.Report{Version: 1, Title: evil, Summary: evil, Sections: []doc.Section{{Title: evil, Items: []doc.Item{{Note: evil}, {Table: table}, {Plot: plot}}}}}
	d := &Document{Title: evil, Entries: []Entry{{Address: evil, Facts: []Fact{{evil, evil}}, Report: r}}}
	for ending, form := range forms {
		var b bytes.Buffer
		if err := form(&b, d); err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"\x1b", "\u202e"} {
			if strings.Contains(b.String(), bad) {
				t.Errorf("%s has %q", ending, bad)
			}
		}
		switch ending {
		case ".html":
			if strings.Contains(b.String(), "<script") || strings.Count(b.String(), "</svg>") != strings.Count(b.String(), "<svg") {
				t.Errorf("markup: %s", b.String())
			}
		case ".md":
			for _, line := range strings.Split(b.String(), "\n") {
				if outside := withoutCode(line); strings.Contains(outside, "@team") || strings.Contains(outside, "<script") {
					t.Errorf("markup in %q", line)
				}
			}
		}
	}
}

// withoutCode is a line of Markdown without its code spans and its <code>.
func withoutCode(line string) string {
	line = regexp.MustCompile("<code>.*?</code>").ReplaceAllString(line, "")
	out := ""
	for line != "" {
		at := strings.IndexByte(line, '`')
		if at < 0 {
			return out + line
		}
		fence := line[at : at+len(line[at:])-len(strings.TrimLeft(line[at:], "`"))]
		out, line = out+line[:at], line[at+len(fence):]
		end := regexp.MustCompile("(^|[^`])" + fence + "($|[^`])").FindStringIndex(line)
		if end == nil {
			return out + line
		}
		line = line[strings.Index(line[end[0]:], fence)+end[0]+len(fence):]
	}
	return out
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		x    float64
		kind doc.Kind
		want string
	}{
		{0, "", "0"}, {0.84123, doc.Number, "0.8412"}, {-0.5, doc.Number, "-0.5"}, {53940, doc.Number, "53,940"}, {1234.6, doc.Number, "1,235"}, {999.96, doc.Number, "1,000"},
		{1.23456e-7, doc.Number, "1.235e-07"}, {1e15, doc.Number, "1e+15"}, {0.923, doc.Share, "92.3 %"}, {1, doc.Share, "100 %"}, {9999, doc.Number, "9,999"}, {10000, doc.Number, "10,000"}, {12345.6, doc.Number, "12,346"}, {1e-4, doc.Number, "0.0001"}, {9.99e-5, doc.Number, "9.99e-05"},
		{999999999999, doc.Number, "999,999,999,999"}, {1e12, doc.Number, "1e+12"}, {0.08412, doc.Number, "0.08412"}, {-53940, doc.Number, "-53,940"}, {1234567, doc.Count, "1,234,567"}, {-1234, doc.Count, "-1,234"}, {12, doc.Count, "12"},
	} {
		if got := number(c.x, c.kind); got != c.want {
			t.Errorf("%v as %q: got %q, want %q", c.x, c.kind, got, c.want)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		values []float64
		axis   doc.Axis
		want   string
	}{
		{nil, doc.Axis{Min: doc.At(0), Max: doc.At(1), Share: true}, "0 %, 20 %, 40 %, 60 %, 80 %, 100 %"},
		{[]float64{-1503, 2012}, doc.Axis{}, "-2,000, -1,000, 0, 1,000, 2,000, 3,000"},
		{[]float64{0.011, 0.024}, doc.Axis{}, "0.010, 0.015, 0.020, 0.025"},
		{[]float64{3, 3}, doc.Axis{}, "2, 3, 4"},
		{nil, doc.Axis{Categories: []string{"a", "b"}}, "a, b"},
		{[]float64{0}, doc.Axis{}, "-0.4, -0.2, 0, 0.2, 0.4"},
		{[]float64{0.5, 0.5}, doc.Axis{}, "0, 0.2, 0.4, 0.6, 0.8, 1.0"},
		{[]float64{3, 97}, doc.Axis{Max: doc.At(97)}, "0, 20, 40, 60, 80"},
		{[]float64{3, 97}, doc.Axis{Min: doc.At(3)}, "20, 40, 60, 80, 100"},
		{[]float64{3, 97}, doc.Axis{Min: doc.At(0), Max: doc.At(10)}, "0, 2, 4, 6, 8, 10"},
		{[]float64{0, 2.5e6}, doc.Axis{}, "0, 500,000, 1e+06, 1.5e+06, 2e+06, 2.5e+06"},
		{[]float64{0, 4e-6}, doc.Axis{}, "0, 1e-06, 2e-06, 3e-06, 4e-06"},
		{nil, doc.Axis{}, "0, 0.2, 0.4, 0.6, 0.8, 1.0"},
		{[]float64{-2}, doc.Axis{Min: doc.At(5)}, "5.0, 5.2, 5.4, 5.6, 5.8, 6.0"},
	} {
		var got []string
		for _, k := range newAxis(c.axis, c.values, false, 5, 0, 1).ticks {
			got = append(got, k.text)
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%v %+v: got %s, want %s", c.values, c.axis, text, c.want)
		}
	}
}

// TestCategoriesThatHaveNoRoom are slanted, in a picture that is higher by what they need; a legend has one entry for many series of one name.
func TestCategoriesThatHaveNoRoom(t *testing.T) {
	plot := func(names ...string) *doc.Plot {
		p := &doc.Plot{Title: "p", X: doc.Axis{Label: "x", Categories: names}, Y: doc.Axis{Label: "y"}}
		s := doc.Series{Name: "s", Mark: doc.Points}
		for i := range names {
			s.X, s.Y = append(s.X, float64(i)), append(s.Y, float64(i))
		}
		p.Series = []doc.Series{s}
		return p
	}
	beside, slanted := svg(plot("no", "yes"), "a"), svg(plot("Husband", "Not-in-family", "Other-relative", "Own-child", "Unmarried", "Wife"), "b")
	if strings.Contains(beside, "rotate") || !strings.Contains(beside, `viewBox="0 0 340 260"`) {
		t.Errorf("two short ones: got %s", beside)
	}
	if strings.Count(slanted, `text-anchor="end" transform="rotate(-40 `) != 6 || !strings.Contains(slanted, `viewBox="0 0 340 323"`) {
		t.Errorf("six long ones: got %s", slanted)
	}
	many := plot("no", "yes")
	dim := many.Series[0]
	dim.Name, dim.Dim = "rows", true
	many.Series = append([]doc.Series{dim, dim, dim}, many.Series...)
	if got := []bool{named(many, 0), named(many, 1), named(many, 2), named(many, 3)}; got[0] != true || got[1] || got[2] || !got[3] {
		t.Errorf("entries of the legend: got %v", got)
	}
	if seriesClass(many, 1) != "ref n" || seriesClass(many, 3) != "c0" {
		t.Errorf("got %s and %s", seriesClass(many, 1), seriesClass(many, 3))
	}
}
