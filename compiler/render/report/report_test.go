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
	for ending, form := range forms {
		var b, again bytes.Buffer
		if err := form(&b, document(t, text)); err != nil {
			t.Fatal(err)
		}
		if err := form(&again, document(t, text)); err != nil || again.String() != b.String() {
			t.Errorf("%s differs the second time: %v", ending, err)
		}
		golden := filepath.Join("testdata", "churn"+ending)
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
		{1.23456e-7, doc.Number, "1.235e-07"}, {1e15, doc.Number, "1e+15"}, {0.923, doc.Share, "92.3 %"}, {1, doc.Share, "100 %"}, {1234567, doc.Count, "1,234,567"}, {-1234, doc.Count, "-1,234"}, {12, doc.Count, "12"},
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
