package xgboost

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// UBJSON.
//
// XGBoost from 1.6 on saves the same document as "model.ubj" too: JSON in binary form (https://ubjson.org, draft 12). It is written out as JSON
// here, and read as that. A value is a letter and what follows it, whole numbers and floats with the highest byte first:
//
//	{ key value … }       a key is a length and so many bytes
//	[ value … ]           or, of one type, [ $ type # length and the bare values, as XGBoost writes trees
//	S length bytes        a text; C one character, H a number as text
//	i U I u l m L M       whole numbers of 8, 16, 32, 64 bits, signed and not (u, m and M are of BJData)
//	d D                   floats of 32 and 64 bits
//	T F Z                 true, false, null
//
// For example {U 5 version[$L#i 3 … becomes {"version":[1,7,4]}.

// mostDepth bounds how deep values are nested. XGBoost's documents have eight levels.
const mostDepth = 64

// ubjReader writes a UBJSON value out as JSON.
type ubjReader struct {
	in  []byte
	at  int
	out []byte
}

// ubjToJSON is the document as JSON. Whatever is in the file, the result is no longer than a few dozen times the file.
func ubjToJSON(data []byte) ([]byte, error) {
	r := &ubjReader{in: data, out: make([]byte, 0, 4*len(data))}
	kind, err := r.next()
	if err == nil {
		err = r.value(kind, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("at byte %d: %w", r.at, err)
	}
	if r.at != len(data) {
		return nil, fmt.Errorf("at byte %d: %d bytes follow the end", r.at, len(data)-r.at)
	}
	return r.out, nil
}

var errEnd = errors.New("the file ends in the middle of it")

// take is the next n bytes.
func (r *ubjReader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.in)-r.at {
		return nil, errEnd
	}
	r.at += n
	return r.in[r.at-n : r.at], nil
}

// next is the next letter; N means nothing.
func (r *ubjReader) next() (byte, error) {
	for r.at < len(r.in) {
		if r.at++; r.in[r.at-1] != 'N' {
			return r.in[r.at-1], nil
		}
	}
	return 0, errEnd
}

// peek is the next byte, 0 at the end.
func (r *ubjReader) peek() byte {
	if r.at < len(r.in) {
		return r.in[r.at]
	}
	return 0
}

// value writes the value whose letter was read.
func (r *ubjReader) value(kind byte, depth int) error {
	if depth > mostDepth {
		return fmt.Errorf("values are nested deeper than %d levels", mostDepth)
	}
	switch kind {
	case '{':
		return r.object(depth)
	case '[':
		return r.array(depth)
	case 'S':
		return r.text()
	case 'Z':
		r.out = append(r.out, "null"...)
		return nil
	case 'T':
		r.out = append(r.out, "true"...)
		return nil
	case 'F':
		r.out = append(r.out, "false"...)
		return nil
	case 'C':
		b, err := r.take(1)
		if err == nil {
			err = r.quote(b)
		}
		return err
	}
	return r.number(kind)
}

// number writes a whole number or a float; NaN is null, as in what nullNaN makes.
func (r *ubjReader) number(kind byte) error {
	switch kind {
	case 'd', 'D':
		bits, size := 32, 4
		if kind == 'D' {
			bits, size = 64, 8
		}
		b, err := r.take(size)
		if err != nil {
			return err
		}
		var x float64
		if kind == 'd' {
			x = float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
		} else {
			x = math.Float64frombits(binary.BigEndian.Uint64(b))
		}
		switch {
		case x != x:
			r.out = append(r.out, "null"...)
		case math.IsInf(x, 0):
			return errors.New("a number is infinite")
		default:
			r.out = strconv.AppendFloat(r.out, x, 'g', -1, bits)
		}
		return nil
	case 'M':
		b, err := r.take(8)
		if err != nil {
			return err
		}
		r.out = strconv.AppendUint(r.out, binary.BigEndian.Uint64(b), 10)
		return nil
	}
	n, err := r.whole(kind)
	r.out = strconv.AppendInt(r.out, n, 10)
	return err
}

// whole is a whole number that 64 signed bits hold.
func (r *ubjReader) whole(kind byte) (int64, error) {
	size := map[byte]int{'i': 1, 'U': 1, 'I': 2, 'u': 2, 'l': 4, 'm': 4, 'L': 8}[kind]
	if size == 0 {
		return 0, fmt.Errorf("the letter %q is none of UBJSON's for a value", rune(kind))
	}
	b, err := r.take(size)
	if err != nil {
		return 0, err
	}
	switch kind {
	case 'i':
		return int64(int8(b[0])), nil
	case 'U':
		return int64(b[0]), nil
	case 'I':
		return int64(int16(binary.BigEndian.Uint16(b))), nil
	case 'u':
		return int64(binary.BigEndian.Uint16(b)), nil
	case 'l':
		return int64(int32(binary.BigEndian.Uint32(b))), nil
	case 'm':
		return int64(binary.BigEndian.Uint32(b)), nil
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

// length is a count with its letter.
func (r *ubjReader) length() (int, error) {
	kind, err := r.next()
	if err != nil {
		return 0, err
	}
	n, err := r.whole(kind)
	if err == nil && (n < 0 || n > int64(len(r.in))) {
		err = fmt.Errorf("a length is %d, in a file of %d bytes", n, len(r.in))
	}
	return int(n), err
}

// text writes a text, whose length comes first.
func (r *ubjReader) text() error {
	n, err := r.length()
	if err != nil {
		return err
	}
	b, err := r.take(n)
	if err != nil {
		return err
	}
	return r.quote(b)
}

func (r *ubjReader) quote(text []byte) error {
	quoted, err := json.Marshal(string(text))
	r.out = append(r.out, quoted...)
	return err
}

// header reads what stands before the values of a container that says their number, and perhaps their type. count is -1 where it says none.
func (r *ubjReader) header() (kind byte, count int, err error) {
	if r.peek() == '$' {
		b, err := r.take(2)
		if err != nil {
			return 0, 0, err
		}
		if kind = b[1]; kind == 'Z' || kind == 'T' || kind == 'F' || kind == 'N' {
			return 0, 0, errors.New("an array is of values that take no room")
		}
		if r.peek() != '#' {
			return 0, 0, errors.New("an array has a type and no length")
		}
	}
	if r.peek() != '#' {
		return kind, -1, nil
	}
	r.at++
	count, err = r.length()
	return kind, count, err
}

// items writes the values of a container, each by one. count is as header has it; without one the letter end ends it.
func (r *ubjReader) items(kind byte, count int, end byte, one func(kind byte) error) error {
	for i := 0; i != count; i++ {
		of := kind
		if of == 0 || end == '}' {
			letter, err := r.next()
			if err != nil {
				return err
			}
			if count < 0 && letter == end {
				return nil
			}
			of = letter
		}
		if i > 0 {
			r.out = append(r.out, ',')
		}
		if err := one(of); err != nil {
			return err
		}
	}
	return nil
}

func (r *ubjReader) array(depth int) error {
	kind, count, err := r.header()
	if err != nil {
		return err
	}
	r.out = append(r.out, '[')
	err = r.items(kind, count, ']', func(kind byte) error { return r.value(kind, depth+1) })
	r.out = append(r.out, ']')
	return err
}

func (r *ubjReader) object(depth int) error {
	kind, count, err := r.header()
	if err != nil {
		return err
	}
	r.out = append(r.out, '{')
	err = r.items(kind, count, '}', func(letter byte) error {
		r.at-- // of the key's length
		if err := r.text(); err != nil {
			return err
		}
		r.out = append(r.out, ':')
		of := kind
		if of == 0 {
			letter, err := r.next()
			if err != nil {
				return err
			}
			of = letter
		}
		return r.value(of, depth+1)
	})
	r.out = append(r.out, '}')
	return err
}
