package serve

// How tensors are read, however their values came:
//
//	JSON              {"data": [3, null]}, flat or nested like the shape
//	binary, REST      the element's bytes one after the other, behind the JSON of the request
//	binary, gRPC      the same, in raw_input_contents
//	typed, gRPC       a list of protobuf's, in contents
//
// All become scalars, which are held to the tensor's datatype and to the column's type by the same code. Only JSON has a null of its own: among binary
// values NaN is one, and of other datatypes those places that the parameter "nulls" lists.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// requestTensor is one input of a request: a feature's values, one for each row. They stay as they came until all of the request is read,
// since the datatype that says how to read them may come after. One of data, raw and typed says what they are.
type requestTensor struct {
	name     string
	shape    []int64
	datatype string
	data     string // JSON as it stands; empty: there is none
	raw      []byte // the elements' bytes; nil: there are none
	typed    []byte // InferTensorContents of gRPC, as it was sent; nil: there is none
	size     int64  // of raw, which stands behind the JSON; -1: it does not
	nulls    string // places of values that are null, separated by commas
}

// readTensors turns tensors, one a feature or field of the key, into rows. What is held is bounded by what the tensors have.
// A feature that is left out is a mistake of the request, since it would be null in every row; a field of the key may be.
//
// All tensors have as many rows as the first. One row that cannot be scored leaves the others alone, but a request whose form is wrong is
// refused as a whole: which of its values belong to which row is not known then.
func (b *batch) readTensors(inputs []requestTensor) error {
	given := make([]bool, len(b.model.fields))
	for n := range inputs {
		t := &inputs[n]
		at, known := b.model.field(t.name, n)
		switch {
		case !known:
			return badRequest("%s", unknown("input", t.name, b.model.names()))
		case given[at]:
			return badRequest("input %q is given twice", t.name)
		}
		given[at] = true
		rows, err := b.readTensor(t, at, n == 0)
		if err != nil {
			return err
		}
		if rows != b.rows {
			return badRequest("input %q has %d rows, input %q has %d", t.name, rows, inputs[0].name, b.rows)
		}
	}
	for i := range b.features {
		if !given[i] {
			return badRequest("input %q is missing; give nulls where its values are not known", b.features[i].Name)
		}
	}
	return nil
}

// readTensor puts the values of a tensor, those of the field at a place, into their rows. The first tensor says how many rows there are.
// A value of another type than the datatype refuses the request; a value that only the column does not hold, such as 300 of a
// tinyint sent as INT64, is the fault of its row.
func (b *batch) readTensor(t *requestTensor, at int, first bool) (rows int, err error) {
	datatype, err := t.check()
	if err != nil {
		return 0, err
	}
	nulls, err := t.places()
	if err != nil {
		return 0, err
	}
	f := &b.model.fields[at]
	if n := min(t.shape[0], t.most(), int64(b.most)); f.feature && n > 0 {
		b.features[at].reserve(int(n))
	}
	for v, err := range t.values(datatype) {
		if err != nil {
			return 0, err
		}
		i := rows
		if nulls[int64(i)] {
			v = null
		} else if err := datatype.check(v); err != nil {
			return 0, badRequest("input %q: value %d: %v", t.name, i, err)
		}
		rows++
		if first {
			if err := b.grow(); err != nil {
				return 0, err
			}
			b.values++
		}
		if i >= b.rows {
			continue // told by readTensors
		}
		if f.key >= 0 {
			b.keys[f.key][i] = v.json()
		}
		if !f.feature {
			continue
		}
		if err := b.features[at].add(v); err != nil {
			b.fault(i, "input %q: %v", t.name, err)
			b.features[at].addNull()
		}
	}
	if int64(rows) != t.shape[0] {
		return 0, badRequest("input %q: shape %v means %d values, there are %d", t.name, t.shape, t.shape[0], rows)
	}
	return rows, nil
}

// check holds a tensor to what is taken: the shape is [rows] or [rows, 1], and its values came in one way.
func (t *requestTensor) check() (datatype, error) {
	if len(t.shape) == 0 || len(t.shape) > 2 || len(t.shape) == 2 && t.shape[1] != 1 {
		return datatype{}, badRequest("input %q: shape %v is not [rows] or [rows, 1]", t.name, t.shape)
	}
	d, err := newDatatype(t.datatype)
	switch {
	case err != nil:
		return d, badRequest("input %q: %v", t.name, err)
	case t.data != "" && t.raw != nil:
		return d, badRequest("input %q has both \"data\" and \"binary_data_size\"", t.name)
	case t.raw != nil, t.typed != nil:
		return d, nil
	case t.data == "":
		return d, badRequest("input %q: \"data\" is missing", t.name)
	case t.data[0] != '[':
		return d, badRequest("input %q: \"data\" must be a list", t.name)
	}
	return d, nil
}

// most is how many values there can be, by the bytes that there are.
func (t *requestTensor) most() int64 { return int64(max(len(t.data)/2, len(t.raw), len(t.typed))) }

// places are those of the values that are null, as the parameter has them. A place is given once, and is one of the tensor's.
func (t *requestTensor) places() (map[int64]bool, error) {
	if t.nulls == "" {
		return nil, nil
	}
	out := map[int64]bool{}
	for text := range strings.SplitSeq(t.nulls, ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil || n < 0 || n >= t.shape[0] || out[n] {
			return nil, badRequest("input %q: \"nulls\" must be the places of values, from 0, separated by commas; %q is none, or stands there twice", t.name, shorten(text))
		}
		out[n] = true
	}
	return out, nil
}

// values are the tensor's, in the order of the rows, and perhaps an error at the end.
func (t *requestTensor) values(d datatype) iter.Seq2[scalar, error] {
	return func(yield func(scalar, error) bool) {
		fail := func(format string, args ...any) {
			yield(scalar{}, badRequest("input %q: %s", t.name, fmt.Sprintf(format, args...)))
		}
		switch {
		case t.raw != nil:
			for at := 0; at < len(t.raw); {
				v, n, err := d.decode(t.raw[at:])
				if err != nil {
					fail("value at byte %d: %v", at, err)
					return
				}
				if at += n; !yield(v, nil) {
					return
				}
			}
		case t.typed != nil:
			if err := d.typed(t.typed, func(v scalar) bool { return yield(v, nil) }); err != nil && err != errEnough {
				fail("%v", err)
			}
		default:
			for i, text := range elements(t.data) {
				text, err := t.element(text, i)
				if err != nil {
					yield(scalar{}, err)
					return
				}
				if !yield(scalarOf(text), nil) {
					return
				}
			}
		}
	}
}

// element is an element of the data, out of a list of its own where the data is nested.
func (t *requestTensor) element(text string, i int) (string, error) {
	if text[0] != '[' {
		return text, nil
	}
	only := ""
	for j, v := range elements(text) {
		if only = v; j > 0 {
			only = ""
			break
		}
	}
	if len(t.shape) != 2 || only == "" {
		return "", badRequest("input %q: data is nested at %d in another way than the shape says", t.name, i)
	}
	return only, nil
}

// datatype of a tensor: of integers its bounds, both ends included, of all how many bytes a value has, and in which field of gRPC's contents
// they stand. The bounds of 64 bits are rounded as doubles; within compares digits.
type datatype struct {
	name      string
	integer   bool
	low, high float64
	width     int // of BYTES that of the length
	field     protowire.Number
}

var datatypes = []datatype{
	{"BOOL", false, 0, 0, 1, 1},
	{"INT8", true, math.MinInt8, math.MaxInt8, 1, 2},
	{"INT16", true, math.MinInt16, math.MaxInt16, 2, 2},
	{"INT32", true, math.MinInt32, math.MaxInt32, 4, 2},
	{"INT64", true, math.MinInt64, math.MaxInt64, 8, 3},
	{"UINT8", true, 0, math.MaxUint8, 1, 4},
	{"UINT16", true, 0, math.MaxUint16, 2, 4},
	{"UINT32", true, 0, math.MaxUint32, 4, 4},
	{"UINT64", true, 0, math.MaxUint64, 8, 5},
	{"FP32", false, 0, 0, 4, 6},
	{"FP64", false, 0, 0, 8, 7},
	{"BYTES", false, 0, 0, 4, 8},
}

// newDatatype is the datatype of a name of the protocol.
func newDatatype(name string) (datatype, error) {
	for i := range datatypes {
		if datatypes[i].name == name {
			return datatypes[i], nil
		}
	}
	return datatype{}, fmt.Errorf("datatype %q is not one of BOOL, INT8 to INT64, UINT8 to UINT64, FP32, FP64, BYTES", name)
}

// check holds a value to the datatype. Null is no value and fits all.
func (d *datatype) check(v scalar) error {
	switch {
	case v.null():
		return nil
	case d.name == "BOOL":
		if v.kind != 't' && v.kind != 'f' {
			return expected("true or false (BOOL)", v)
		}
	case d.name == "BYTES":
		if v.kind != '"' {
			return expected("a string (BYTES)", v)
		}
	case v.kind != '0':
		return expected("a number ("+d.name+")", v)
	case v.over || d.name == "FP32" && math.Abs(v.number) > math.MaxFloat32 || d.integer && !(v.whole() && v.within(d.low, d.high)):
		return fmt.Errorf("%s is no %s", shorten(v.digits()), d.name)
	}
	return nil
}

// decode reads the value that bytes begin with, little-endian, and says how many it took; of BYTES the length comes before, in four bytes.
func (d *datatype) decode(b []byte) (v scalar, n int, err error) {
	n = d.width
	if len(b) < n {
		return v, 0, fmt.Errorf("there are %d bytes, and a %s has %d", len(b), d.name, n)
	}
	switch d.name {
	case "BOOL":
		v, err = boolScalar(uint64(b[0]))
	case "INT8":
		v = wholeScalar(int64(int8(b[0])))
	case "UINT8":
		v = wholeScalar(int64(b[0]))
	case "INT16":
		v = wholeScalar(int64(int16(binary.LittleEndian.Uint16(b))))
	case "UINT16":
		v = wholeScalar(int64(binary.LittleEndian.Uint16(b)))
	case "INT32":
		v = wholeScalar(int64(int32(binary.LittleEndian.Uint32(b))))
	case "UINT32":
		v = wholeScalar(int64(binary.LittleEndian.Uint32(b)))
	case "INT64":
		v = wholeScalar(int64(binary.LittleEndian.Uint64(b)))
	case "UINT64":
		v = naturalScalar(binary.LittleEndian.Uint64(b))
	case "FP32":
		v, err = singleScalar(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case "FP64":
		v, err = doubleScalar(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case "BYTES":
		length := binary.LittleEndian.Uint32(b)
		if int64(length) > int64(len(b)-n) {
			return v, 0, fmt.Errorf("its length is %d, and %d bytes are left", length, len(b)-n)
		}
		n += int(length)
		v, err = textScalar(b[d.width:n])
	}
	return v, n, err
}

// Scalars of values that are not JSON.

var null = scalar{kind: 'n', text: "null"}

func boolScalar(n uint64) (scalar, error) {
	switch n {
	case 0:
		return scalar{kind: 'f', text: "false"}, nil
	case 1:
		return scalar{kind: 't', text: "true"}, nil
	}
	return scalar{}, fmt.Errorf("%d is no BOOL, which is 0 or 1", n)
}

// wholeScalar has a text where the float next to the number may be another one; elsewhere digits makes it when it is asked for.
func wholeScalar(n int64) scalar {
	v := scalar{kind: '0', number: float64(n)}
	if n >= 1<<53 || n <= -1<<53 {
		v.text = strconv.FormatInt(n, 10)
	}
	return v
}

func naturalScalar(n uint64) scalar {
	v := scalar{kind: '0', number: float64(n)}
	if n >= 1<<53 {
		v.text = strconv.FormatUint(n, 10)
	}
	return v
}

func doubleScalar(n float64) (scalar, error) {
	if math.IsNaN(n) {
		return null, nil
	}
	if math.IsInf(n, 0) {
		return scalar{}, errors.New("infinity is no value; NaN is one that is not known")
	}
	return scalar{kind: '0', number: n}, nil
}

// singleScalar has the digits of the float of 32 bits, which a decimal is read from: 0.1, and not 0.10000000149011612.
func singleScalar(n float32) (scalar, error) {
	v, err := doubleScalar(float64(n))
	if v.kind == '0' {
		v.text = strconv.FormatFloat(v.number, 'g', -1, 32)
	}
	return v, err
}

func textScalar(b []byte) (scalar, error) {
	if !utf8.Valid(b) {
		return scalar{}, fmt.Errorf("%q is not UTF-8", shorten(string(b)))
	}
	return scalar{kind: '"', text: string(b)}, nil
}
