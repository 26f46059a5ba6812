// Package report is the form of a stage's report: a document of sections, whose items are notes, tables and plots.
//
// A report is data. A stage writes report.json, and how a report looks is decided where one is shown, so that a change of looks runs no
// stage again. A stage of any language may write one:
//
//	{
//	  "report": 1,
//	  "title": "Churn on the test side",
//	  "sections": [{
//	    "title": "Metrics",
//	    "items": [
//	      {"note": "1,200 rows count."},
//	      {"table": {
//	        "columns": [{"name": "metric"}, {"name": "value", "kind": "number"}],
//	        "rows": [["auc", {"value": 0.84, "low": 0.80, "high": 0.88}], ["recall", {"why": "no positives"}]]
//	      }},
//	      {"plot": {
//	        "title": "ROC",
//	        "x": {"label": "false positive rate", "min": 0, "max": 1},
//	        "y": {"label": "true positive rate", "min": 0, "max": 1},
//	        "series": [{"name": "model", "mark": "line", "x": [0, 0.1, 1], "y": [0, 0.7, 1]}]
//	      }}
//	    ]
//	  }]
//	}
//
// Read refuses what it does not know, with the place, so that a field that is spelt wrong is no silent gap in a report.
package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Version is the form's version, the value of the member "report".
const Version = 1

// Bounds of a report; Read and Write refuse more. They keep a page that is made of one below what a browser shows at once.
const (
	MaxBytes  = 4 << 20
	maxItems  = 1000
	maxRows   = 5000  // of a table
	maxPoints = 20000 // of a plot, all series together
)

// Report is a document.
type Report struct {
	Version  int       `json:"report"`
	Title    string    `json:"title"`
	Summary  string    `json:"summary,omitempty"` // the one sentence that a reader in a hurry gets
	Sections []Section `json:"sections"`
}

// Section is a part of a report with a heading.
type Section struct {
	Title string `json:"title"`
	Items []Item `json:"items"`
}

// Item is a note, a table or a plot: one of them is set.
type Item struct {
	Note  string `json:"note,omitempty"` // a paragraph of plain text
	Table *Table `json:"table,omitempty"`
	Plot  *Plot  `json:"plot,omitempty"`
}

// Kind says how the cells of a column are shown.
type Kind string

const (
	Text   Kind = "text"   // the default
	Number Kind = "number" // four significant digits
	Count  Kind = "count"  // whole, with thousands apart
	Share  Kind = "share"  // of 1, shown as per cent
)

// Table is a table of cells. Rows are shown in their order.
type Table struct {
	Title   string   `json:"title,omitempty"`
	Columns []Column `json:"columns"`
	Rows    [][]Cell `json:"rows"`
	Heat    bool     `json:"heat,omitempty"` // cells of numbers are shaded by their value, as in a confusion matrix
}

// Column heads the cells below it.
type Column struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind,omitempty"`
}

// Cell is a text, a number perhaps with an interval, or nothing with a reason why. As JSON it is a string, a number, null, or an object
// {"value", "low", "high", "why"}.
type Cell struct {
	Text  string
	Value *float64
	Low   *float64
	High  *float64
	Why   string // why there is no value: "no positives"
}

// Mark is how a series is drawn.
type Mark string

const (
	Line   Mark = "line"   // points joined in their order
	Step   Mark = "step"   // from each point level to the next one's x, then up or down
	Points Mark = "points" // with whiskers where low and high are set
	Bars   Mark = "bars"   // from 0; of a plot with categories one group a category
	Band   Mark = "band"   // the area between low and high; y is not drawn
)

// Plot is a picture of series over two axes.
type Plot struct {
	Title string `json:"title"`
	Alt   string `json:"alt,omitempty"` // what the picture shows, in a sentence, for who cannot see it
	X     Axis   `json:"x"`
	Y     Axis   `json:"y"`
	// Series are drawn in their order, later ones on top.
	Series []Series `json:"series"`
}

// Axis is one of a plot's two. Without Min and Max the axis spans the values.
type Axis struct {
	Label      string   `json:"label"`
	Min        *float64 `json:"min,omitempty"`
	Max        *float64 `json:"max,omitempty"`
	Share      bool     `json:"share,omitempty"`      // ticks are per cent
	Categories []string `json:"categories,omitempty"` // the values 0, 1, 2, … are these
}

// Series are points of a plot: all slices that are set are of one length.
type Series struct {
	Name string    `json:"name"`
	Mark Mark      `json:"mark"`
	X    []float64 `json:"x"`
	Y    []float64 `json:"y,omitempty"`
	Low  []float64 `json:"low,omitempty"`
	High []float64 `json:"high,omitempty"`
	Dim  bool      `json:"dim,omitempty"` // a reference that others are seen against, such as the diagonal of a ROC curve
}

// Words is a cell of text.
func Words(s string) Cell { return Cell{Text: s} }

// Figure is a cell of a number.
func Figure(x float64) Cell { return Cell{Value: &x} }

// Missing is a cell without a value, and why.
func Missing(why string) Cell { return Cell{Why: why} }

// Note is an item of text.
func Note(format string, args ...any) Item { return Item{Note: fmt.Sprintf(format, args...)} }

// Thousands puts commas into a whole number that is written in digits, as cells of counts have them: 53,940.
func Thousands(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Whole is a count in a sentence: 53,940.
func Whole(n int) string { return Thousands(strconv.Itoa(n)) }

// At is a bound of an axis.
func At(x float64) *float64 { return &x }

// Intervals are the series that draw the values of cells at the places 0, 1, 2, …: those with an interval by points with whiskers, under the name, and those without
// one as points alone, so that nothing is left out; sideways the places lie on y. A cell without a value keeps its place empty.
func Intervals(name string, sideways bool, cells []Cell) []Series {
	bounded, bare := Series{Name: name, Mark: Points}, Series{Name: name + " without an interval", Mark: Points}
	for i, c := range cells {
		if c.Value == nil {
			continue
		}
		s := &bare
		if c.Low != nil && c.High != nil {
			s = &bounded
			s.Low, s.High = append(s.Low, *c.Low), append(s.High, *c.High)
		}
		x, y := float64(i), *c.Value
		if sideways {
			x, y = y, x
		}
		s.X, s.Y = append(s.X, x), append(s.Y, y)
	}
	var out []Series
	for _, s := range []Series{bounded, bare} {
		if len(s.X) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// cell is the long form of a Cell.
type cell struct {
	Value *float64 `json:"value,omitempty"`
	Low   *float64 `json:"low,omitempty"`
	High  *float64 `json:"high,omitempty"`
	Why   string   `json:"why,omitempty"`
}

// MarshalJSON writes the shortest form that says all.
func (c Cell) MarshalJSON() ([]byte, error) {
	switch {
	case c.Low != nil || c.High != nil || c.Why != "":
		return json.Marshal(cell{c.Value, c.Low, c.High, c.Why})
	case c.Value != nil:
		return json.Marshal(*c.Value)
	case c.Text != "":
		return json.Marshal(c.Text)
	}
	return []byte("null"), nil
}

// UnmarshalJSON reads any of the forms.
func (c *Cell) UnmarshalJSON(data []byte) error {
	*c = Cell{}
	switch data[0] {
	case 'n':
		return nil
	case '"':
		return json.Unmarshal(data, &c.Text)
	case '{':
		var long cell
		if err := strict(data, &long); err != nil {
			return err
		}
		c.Value, c.Low, c.High, c.Why = long.Value, long.Low, long.High, long.Why
		return nil
	case 't', 'f', '[':
		return fmt.Errorf("a cell is a string, a number, null or an object with value, low, high, why, not %.20s", data)
	}
	c.Value = new(float64)
	return json.Unmarshal(data, c.Value)
}

// strict decodes one JSON value, and refuses members that are not known.
func strict(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("more follows the JSON object")
	}
	return nil
}

// Read reads a report and checks it. The error says what is wrong and where: sections[0].items[2].plot.series[1].
func Read(data []byte) (*Report, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(data), MaxBytes)
	}
	r := &Report{}
	if err := strict(data, r); err != nil {
		return nil, err
	}
	return r, r.Check()
}

// Write writes a report that passes Check: the same bytes for the same report.
func Write(r *Report) ([]byte, error) {
	r.Version = Version
	if err := r.Check(); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err == nil && len(data) > MaxBytes {
		err = fmt.Errorf("it has %d bytes, more than %d", len(data), MaxBytes)
	}
	return append(data, '\n'), err
}
