// Package packed writes rows of a table as bytes, and reads them again, in a tenth of the time that JSON takes.
//
// A row is its length, in four bytes, then a bit for each column that is not null, the lowest first, and then the values of these in the order of the
// columns:
//
//	double                           eight bytes, as processors have them
//	integer, bigint                  a varint (zigzag, as encoding/binary has it)
//	date, timestamp                  a varint: days and microseconds since 1970
//	boolean                          a byte, 0 or 1
//	varchar                          its length as a varint without sign, and its bytes
//
// What columns there are, and of which types, is said elsewhere, once for many rows.
package packed

import (
	"encoding/binary"
	"errors"
	"math"
)

// length is how many bytes say that of a row.
const length = 4

// Row is one on its way into bytes. Its columns come in their order, and those that are left out are null.
type Row struct {
	bytes []byte
	from  int // where the row begins
}

// Begin adds a row to bytes, with so many columns, all null as yet.
func Begin(to []byte, columns int) Row {
	r := Row{to, len(to)}
	for range length + (columns+7)/8 {
		r.bytes = append(r.bytes, 0)
	}
	return r
}

// there notes that a column is not null.
func (r *Row) there(column int) { r.bytes[r.from+length+column/8] |= 1 << (column % 8) }

// Double is the value of a column of that type.
func (r *Row) Double(column int, x float64) {
	r.there(column)
	r.bytes = binary.LittleEndian.AppendUint64(r.bytes, math.Float64bits(x))
}

// Integer is the value of a column of whole numbers, of dates, or of timestamps.
func (r *Row) Integer(column int, n int64) {
	r.there(column)
	r.bytes = binary.AppendVarint(r.bytes, n)
}

// Boolean is the value of a column of that type.
func (r *Row) Boolean(column int, is bool) {
	r.there(column)
	b := byte(0)
	if is {
		b = 1
	}
	r.bytes = append(r.bytes, b)
}

// Text is the value of a column of texts.
func (r *Row) Text(column int, text string) {
	r.there(column)
	r.bytes = append(binary.AppendUvarint(r.bytes, uint64(len(text))), text...)
}

// End is all bytes with the row, which is whole now.
func (r *Row) End() []byte {
	binary.LittleEndian.PutUint32(r.bytes[r.from:], uint32(len(r.bytes)-r.from-length))
	return r.bytes
}

// ErrCut is of bytes that end within a row, or are none.
var ErrCut = errors.New("the bytes are no whole rows")

// Values are those of a row, which are taken one after the other in the order of the columns. After a value that is not there in full all
// others are zero, and Err says so.
type Values struct {
	there []byte
	rest  []byte
	cut   bool
}

// Next takes the first row, of so many columns, off the bytes.
func Next(bytes []byte, columns int) (row Values, rest []byte, err error) {
	bits := (columns + 7) / 8
	if len(bytes) < length+bits {
		return Values{}, nil, ErrCut
	}
	size := int64(binary.LittleEndian.Uint32(bytes))
	if bytes = bytes[length:]; size < int64(bits) || size > int64(len(bytes)) {
		return Values{}, nil, ErrCut
	}
	return Values{there: bytes[:bits], rest: bytes[bits:size]}, bytes[size:], nil
}

// There says whether a column is not null.
func (v *Values) There(column int) bool { return v.there[column/8]>>(column%8)&1 == 1 }

// take is the next n bytes.
func (v *Values) take(n uint64) []byte {
	if v.cut || n > uint64(len(v.rest)) {
		v.cut = true
		return nil
	}
	out := v.rest[:n]
	v.rest = v.rest[n:]
	return out
}

// Double is the next value, of a column of that type.
func (v *Values) Double() float64 {
	b := v.take(8)
	if b == nil {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// Integer is the next value, of a column of whole numbers, of dates, or of timestamps.
func (v *Values) Integer() int64 {
	n, size := binary.Varint(v.rest)
	if size <= 0 {
		v.cut = true
		return 0
	}
	v.rest = v.rest[size:]
	return n
}

// Boolean is the next value, of a column of that type.
func (v *Values) Boolean() bool {
	b := v.take(1)
	return b != nil && b[0] != 0
}

// Text is the next value, of a column of texts, in the memory of the row.
func (v *Values) Text() []byte {
	n, size := binary.Uvarint(v.rest)
	if size <= 0 {
		v.cut = true
		return nil
	}
	v.rest = v.rest[size:]
	return v.take(n)
}

// Err is of a row that did not have all values, or had more.
func (v *Values) Err() error {
	if v.cut || len(v.rest) > 0 {
		return ErrCut
	}
	return nil
}
