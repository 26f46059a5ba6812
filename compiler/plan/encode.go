package plan

// An encoder for each type, made when it is first met, writes values in canonical form at once: a struct's fields in the
// order of their names, a map's in that of its keys. What encoding/json treats in a way of its own goes through it and is
// rewritten: types with methods for it, embedded structs, bytes, floats.

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// encoder writes values. With a sink, what is whole goes there from time to time, so that no large value stands in
// memory as a text: a plan of a hundred thousand stages is digested within some kilobytes.
type encoder struct {
	out   []byte    // written, and not handed on yet
	sink  io.Writer // nil: out has it all
	depth int       // of values within each other
}

const (
	spillAt = 64 << 10 // bytes of out after which they are handed on
	deepest = 500      // what is deeper goes through encoding/json, which finds values that hold themselves
)

// encodeFunc writes values of one type. It is made once for each type and is safe for concurrent use.
type encodeFunc func(e *encoder, v reflect.Value) error

var encoders sync.Map // reflect.Type to encodeFunc

// any writes a value of any type; nil is null.
func (e *encoder) any(v any) error {
	if v == nil {
		e.out = append(e.out, "null"...)
		return nil
	}
	return e.value(reflect.ValueOf(v))
}

// value writes a value by the encoder of its type. It must be one that was got without unexported fields.
func (e *encoder) value(v reflect.Value) error { return encoderOf(v.Type())(e, v) }

// spill hands on what is written so far, if that is at least so much. Without a sink it does nothing.
func (e *encoder) spill(least int) error {
	if e.sink == nil || len(e.out) < least {
		return nil
	}
	_, err := e.sink.Write(e.out)
	e.out = e.out[:0]
	return err
}

// encoderOf is the encoder of a type, made at the first question. Two that ask at once may both make one; one of them is kept.
func encoderOf(t reflect.Type) encodeFunc {
	if f, ok := encoders.Load(t); ok {
		return f.(encodeFunc)
	}
	f, _ := encoders.LoadOrStore(t, newEncoder(t))
	return f.(encodeFunc)
}

// Types that are treated in a way of their own, and the methods by which types are.
var (
	rawMessage  = reflect.TypeFor[json.RawMessage]()
	jsonNumber  = reflect.TypeFor[json.Number]()
	marshalers  = []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()}
	zeroTellers = reflect.TypeFor[interface{ IsZero() bool }]()
)

// ownEncoding reports whether a type, or a pointer to it, has a method that encoding/json calls.
func ownEncoding(t reflect.Type) bool {
	return slices.ContainsFunc(marshalers, func(m reflect.Type) bool { return t.Implements(m) || reflect.PointerTo(t).Implements(m) })
}

// newEncoder is the encoder of a type. What is not named here, such as floats, goes through encoding/json, whose forms
// are the reference: a test holds both to the same bytes.
func newEncoder(t reflect.Type) encodeFunc {
	switch {
	case t == rawMessage:
		return encodeRaw
	case t == jsonNumber:
		return encodeNumber
	case ownEncoding(t):
		return throughJSON
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(e *encoder, v reflect.Value) error {
			e.out = strconv.AppendBool(e.out, v.Bool())
			return nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(e *encoder, v reflect.Value) error {
			e.out = strconv.AppendInt(e.out, v.Int(), 10)
			return nil
		}
	case reflect.String:
		return func(e *encoder, v reflect.Value) error {
			e.out = appendText(e.out, v.String())
			return nil
		}
	case reflect.Pointer, reflect.Interface:
		return encodeElem
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			return encodeList
		}
	case reflect.Map:
		if t.Key().Kind() == reflect.String && !ownEncoding(t.Key()) {
			return encodeMap
		}
	case reflect.Struct:
		fields := sync.OnceValue(func() []structField { return fieldsOf(t) }) // not now: types may hold themselves
		return func(e *encoder, v reflect.Value) error { return e.object(v, fields()) }
	}
	return throughJSON
}

// throughJSON leaves a value to encoding/json.
func throughJSON(e *encoder, v reflect.Value) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if v.CanAddr() {
		v = v.Addr() // methods of pointers count for what can be pointed to
	}
	err := enc.Encode(v.Interface())
	if err != nil {
		return err
	}
	e.out, err = appendCanonical(e.out, b.Bytes())
	return err
}

// encodeRaw writes JSON that was kept as text, in canonical form: {"b": 1.0, "a": 2} as {"a":2,"b":1}.
func encodeRaw(e *encoder, v reflect.Value) (err error) {
	if v.IsNil() {
		e.out = append(e.out, "null"...)
		return nil
	}
	e.out, err = appendCanonical(e.out, v.Bytes())
	return err
}

// encodeNumber writes a json.Number as canonical numbers are written.
func encodeNumber(e *encoder, v reflect.Value) (err error) {
	text := v.String()
	if text == "" || text[0] != '-' && (text[0] < '0' || '9' < text[0]) {
		return throughJSON(e, v) // none, or not a number
	}
	e.out, err = appendCanonical(e.out, []byte(text))
	return err
}

// inside goes a step further into a value.
func (e *encoder) inside(v reflect.Value, write func() error) error {
	if e.depth > deepest {
		return throughJSON(e, v)
	}
	e.depth++
	defer func() { e.depth-- }()
	return write()
}

// encodeElem writes what a pointer or an interface holds.
func encodeElem(e *encoder, v reflect.Value) error {
	if v.IsNil() {
		e.out = append(e.out, "null"...)
		return nil
	}
	return e.inside(v, func() error { return e.value(v.Elem()) })
}

// encodeList writes a slice; nil is null, and an empty one is [].
func encodeList(e *encoder, v reflect.Value) error {
	if v.IsNil() {
		e.out = append(e.out, "null"...)
		return nil
	}
	write := encoderOf(v.Type().Elem())
	return e.inside(v, func() error {
		e.out = append(e.out, '[')
		if err := e.all(v.Len(), func(i int) error { return write(e, v.Index(i)) }); err != nil {
			return err
		}
		e.out = append(e.out, ']')
		return nil
	})
}

// encodeMap writes a map in the order of its keys, by their bytes. Keys that are no UTF-8 are left to encoding/json, by which two of them may
// come out the same.
func encodeMap(e *encoder, v reflect.Value) error {
	if v.IsNil() {
		e.out = append(e.out, "null"...)
		return nil
	}
	type entry struct {
		key   string
		value reflect.Value
	}
	entries := make([]entry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		key := it.Key().String()
		if !utf8.ValidString(key) { // it may be written as another is
			return throughJSON(e, v)
		}
		entries = append(entries, entry{key, it.Value()})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	write := encoderOf(v.Type().Elem())
	return e.inside(v, func() error {
		e.out = append(e.out, '{')
		err := e.all(len(entries), func(i int) error {
			e.out = append(appendText(e.out, entries[i].key), ':')
			return write(e, entries[i].value)
		})
		e.out = append(e.out, '}')
		return err
	})
}

// all writes n things with commas between them.
func (e *encoder) all(n int, write func(i int) error) error {
	for i := range n {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if err := write(i); err != nil {
			return err
		}
		if err := e.spill(spillAt); err != nil {
			return err
		}
	}
	return nil
}

// structField is a field of a struct as JSON has it.
type structField struct {
	name      string
	key       []byte // with quotes and colon
	index     int
	write     encodeFunc
	omitEmpty bool
	omitZero  func(v reflect.Value) bool // nil without the option
}

// fieldsOf are the fields of a struct by their names; nil if only encoding/json knows how they are written: with embedded structs, names that
// have to be escaped, two of one name, or the option string.
func fieldsOf(t reflect.Type) []structField {
	out := []structField{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			return nil
		case !f.IsExported(), f.Tag.Get("json") == "-":
			continue
		case name == "":
			name = f.Name
		}
		x := structField{name: name, key: []byte(`"` + name + `":`), index: i, write: encoderOf(f.Type)}
		for option := range strings.SplitSeq(options, ",") {
			switch {
			case option == "omitempty":
				x.omitEmpty = true
			case option == "omitzero":
				x.omitZero = zeroOf(f.Type)
			}
			if option == "string" || option == "omitzero" && x.omitZero == nil {
				return nil
			}
		}
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" ||
			slices.ContainsFunc(out, func(o structField) bool { return o.name == name }) {
			return nil
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b structField) int { return cmp.Compare(a.name, b.name) })
	return out
}

// zeroOf returns the function by which encoding/json finds that a value of the type is zero (omitzero); nil where that takes more than is
// done here.
func zeroOf(t reflect.Type) func(v reflect.Value) bool {
	switch {
	case !reflect.PointerTo(t).Implements(zeroTellers) && !t.Implements(zeroTellers):
		return reflect.Value.IsZero
	case !t.Implements(zeroTellers), t.Kind() == reflect.Pointer, t.Kind() == reflect.Interface:
		return nil
	}
	return func(v reflect.Value) bool {
		if v.CanAddr() {
			v = v.Addr() // no copy
		}
		return v.Interface().(interface{ IsZero() bool }).IsZero()
	}
}

// object writes the fields of a struct that are not left out by their tags.
func (e *encoder) object(v reflect.Value, fields []structField) error {
	if fields == nil {
		return throughJSON(e, v)
	}
	return e.inside(v, func() error {
		e.out = append(e.out, '{')
		first := true
		for i := range fields {
			f := &fields[i]
			x := v.Field(f.index)
			if f.omitEmpty && empty(x) || f.omitZero != nil && f.omitZero(x) {
				continue
			}
			if !first {
				e.out = append(e.out, ',')
			}
			first = false
			e.out = append(e.out, f.key...)
			if err := f.write(e, x); err != nil {
				return err
			}
		}
		e.out = append(e.out, '}')
		return nil
	})
}

// empty reports whether omitempty leaves a value out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
