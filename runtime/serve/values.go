package serve

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// kind is how values of a column are given in JSON.
type kind int

const (
	textKind kind = iota
	boolKind
	numberKind
	wholeKind // numbers without a fraction
	timeKind  // ISO 8601 text
)

// kindOf is how values of a column are read from JSON: whole numbers may not have a fraction, times are strings.
// A decimal has a fraction, also decimal(10,0): how many places are taken its size says.
func kindOf(c schema.Column) kind {
	switch schema.KindOf(c.Type) {
	case schema.BooleanValue:
		return boolKind
	case schema.NumberValue:
		if c.Type != "float" && c.Type != "real" && c.Type != "double" && !strings.HasPrefix(c.Type, "decimal") {
			return wholeKind
		}
		return numberKind
	}
	if strings.HasPrefix(c.Type, "date") || strings.HasPrefix(c.Type, "time") {
		return timeKind
	}
	return textKind
}

// scalar is a JSON value as it was read: its kind, as jsontext has it, and its text; of a string without quotes and
// escapes, of lists and objects none. Values that came in another form are told as the JSON that they would be.
type scalar struct {
	kind   jsontext.Kind
	text   string  // of a number perhaps none: see digits
	number float64 // of a number, the float next to it
	over   bool    // it is a number beyond all floats
}

// scalarOf is a value by its text, which is valid JSON.
func scalarOf(text string) scalar {
	switch c := text[0]; c {
	case '"':
		return scalar{kind: '"', text: unquote(text)}
	case '[', '{':
		return scalar{kind: jsontext.Kind(c)}
	case 'n', 't', 'f':
		return scalar{kind: jsontext.Kind(c), text: text}
	}
	n, err := strconv.ParseFloat(text, 64)
	return scalar{kind: '0', text: text, number: n, over: err != nil}
}

// digits are a number's, as it was written; of one that was not, the fewest that give it back.
func (v scalar) digits() string {
	switch {
	case v.text != "":
		return v.text
	case math.Abs(v.number) < 1e15:
		return strconv.FormatFloat(v.number, 'f', -1, 64)
	}
	return strconv.FormatFloat(v.number, 'g', -1, 64)
}

// json is the value as JSON, but of lists and objects, of which there are none among tensors.
func (v scalar) json() string {
	switch v.kind {
	case '"':
		return string(quoted(nil, v.text))
	case '0':
		return v.digits()
	}
	return v.text
}

// null reports whether the value is JSON's null, which is a missing value in every column.
func (v scalar) null() bool { return v.kind == 'n' }

// String names the value for a message, cut to what fits there.
func (v scalar) String() string {
	switch v.kind {
	case '"':
		return "the string " + strconv.Quote(shorten(v.text))
	case '0':
		return "the number " + shorten(v.digits())
	case '[':
		return "a list"
	case '{':
		return "an object"
	}
	return v.text
}

// column is a column of the model's inputs, and what its type holds.
type column struct {
	schema.Column
	kind kind
	low  float64 // bounds of whole numbers, by the column's type
	high float64

	width, scale int // of a decimal
}

// newColumn has the bounds of the column's type, so that a value that the column could not hold is refused and not rounded.
func newColumn(c schema.Column) *column {
	f := &column{Column: c, kind: kindOf(c), low: math.Inf(-1), high: math.Inf(1)}
	f.width, f.scale, _ = decimalOf(c.Type)
	if f.kind == wholeKind {
		if d, err := newDatatype(datatypeOf(c.Type)); err == nil && d.integer {
			f.low, f.high = d.low, d.high
		}
	}
	return f
}

// feature is a column and the values that a request gives for it, one a row that is scored.
type feature struct {
	*column
	component.Values
	anyNull bool // some may be null
}

// reserve makes room for that many values.
func (f *feature) reserve(rows int) {
	if f.kind == textKind {
		f.Text, f.Null = slices.Grow(f.Text, rows), slices.Grow(f.Null, rows)
		return
	}
	f.Num = slices.Grow(f.Num, rows)
}

// truncate leaves the first so many values, if there are as many.
func (f *feature) truncate(rows int) {
	if f.kind == textKind {
		f.Text, f.Null = f.Text[:min(rows, len(f.Text))], f.Null[:min(rows, len(f.Null))]
		return
	}
	f.Num = f.Num[:min(rows, len(f.Num))]
}

// keep leaves the values of some places, which rise.
func (f *feature) keep(places []int) {
	for i, at := range places {
		if f.kind == textKind {
			f.Text[i], f.Null[i] = f.Text[at], f.Null[at]
		} else {
			f.Num[i] = f.Num[at]
		}
	}
	f.truncate(len(places))
}

// isNull says whether there is no value at a place.
func (f *feature) isNull(at int) bool {
	switch {
	case !f.anyNull:
		return false
	case f.kind == textKind:
		return f.Null[at]
	}
	return math.IsNaN(f.Num[at])
}

// add adds a value, or says why it is none of the column's.
// After an error nothing was added; the caller adds a null or gives the row up, since all columns have one length.
func (f *feature) add(v scalar) error {
	if v.null() {
		f.addNull()
		return nil
	}
	if f.kind == textKind {
		if v.kind != '"' {
			return expected("a string", v)
		}
		f.Text, f.Null = append(f.Text, v.text), append(f.Null, false)
		return nil
	}
	n, err := f.parse(v)
	if err == nil {
		f.Num = append(f.Num, n)
	}
	return err
}

// addNull adds a missing value: NaN of numbers, of text an empty one that is marked.
func (f *feature) addNull() {
	f.anyNull = true
	if f.kind == textKind {
		f.Text, f.Null = append(f.Text, ""), append(f.Null, true)
		return
	}
	f.Num = append(f.Num, math.NaN())
}

// parse reads a value as the model takes it: true is 1, a time is its number in the model's unit (parseTime).
func (f *column) parse(v scalar) (float64, error) {
	switch f.kind {
	case boolKind:
		if v.kind != 't' && v.kind != 'f' {
			return 0, expected("true or false", v)
		}
		if v.kind == 't' {
			return 1, nil
		}
		return 0, nil
	case timeKind:
		if v.kind != '"' {
			return 0, expected("a date or time in ISO 8601", v)
		}
		return parseTime(f.Type, v.text)
	}
	if v.kind != '0' {
		return 0, expected("a number", v)
	}
	n := v.number
	switch {
	case v.over:
		return 0, fmt.Errorf("%s is too large a number", shorten(v.digits()))
	case f.kind == wholeKind && !v.whole():
		return 0, fmt.Errorf("expected a whole number, got %s", shorten(v.digits()))
	case f.kind == wholeKind && !v.within(f.low, f.high):
		return 0, fmt.Errorf("%s is out of the range of %s", shorten(v.digits()), f.Type)
	case f.Type == "float" || f.Type == "real":
		return asFloat(v.digits(), n)
	}
	if f.width > 0 {
		text := v.digits()
		n, _ = strconv.ParseFloat(text, 64) // what JSON says is it already; of a float of 32 bits its digits count
		return n, fitsDecimal(text, f.Type, f.width, f.scale)
	}
	return n, nil
}

// exactly is the number that was written, where the float next to it does not tell: from 2^53 on, floats are whole whatever was written, and the
// greatest integers of 64 bits have none of their own. Beyond 2^64 nil: no bound is there, and exponents of a text may be huge.
func (v scalar) exactly() *big.Rat {
	if math.Abs(v.number) < 1<<53 || math.Abs(v.number) > 1<<64 {
		return nil
	}
	r, _ := new(big.Rat).SetString(v.digits())
	return r
}

// whole reports whether a number has no fraction.
func (v scalar) whole() bool {
	if r := v.exactly(); r != nil {
		return r.IsInt()
	}
	return v.number == math.Trunc(v.number)
}

// within reports whether a whole number is between bounds of integers, of which those that floats cannot hold are rounded up.
func (v scalar) within(low, high float64) bool {
	if r := v.exactly(); r != nil && v.number == high {
		return r.Cmp(new(big.Rat).SetFloat64(high)) < 0
	} else if r != nil && v.number == low {
		return r.Cmp(new(big.Rat).SetFloat64(low)) >= 0
	}
	return v.number >= low && v.number <= high
}

// expected is the error of a value of another kind than is wanted.
func expected(want string, got scalar) error { return fmt.Errorf("expected %s, got %s", want, got) }

// shorten keeps a value that a client sent from filling a message.
func shorten(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
