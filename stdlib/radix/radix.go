// Package radix orders rows by numbers in time that grows with the rows alone: by the digits of a key, eleven bits each, the lowest
// first. A million rows take about as long as ten looks at them, a tenth of what comparisons of pairs take.
//
// The key of a number (Key) is its bits, made such that keys order as numbers do: -1.5 < -0.0 = 0.0 < 2 as whole numbers without a
// sign. Digits that all keys have in common are passed over, so that whole numbers and 32-bit floats, whose last bits are zero, take
// fewer passes.
package radix

import (
	"math"
	"slices"
)

// Key returns bits that order as numbers do: of negative ones all are turned over, of others the sign. Zeros are equal. ^Key orders
// the other way round. NaN has a key too, which means nothing.
func Key(v float64) uint64 {
	if v == 0 {
		v = 0 // -0 too
	}
	b := math.Float64bits(v)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

// Key32 is the same of 32-bit floats.
func Key32(v float32) uint32 {
	if v == 0 {
		v = 0
	}
	b := math.Float32bits(v)
	if b>>31 != 0 {
		return ^b
	}
	return b | 1<<31
}

// Float32 is the number that has the key.
func Float32(key uint32) float32 {
	if key>>31 != 0 {
		return math.Float32frombits(key &^ (1 << 31))
	}
	return math.Float32frombits(^key)
}

const (
	digit = 11
	mask  = 1<<digit - 1
)

// Rows is memory to sort rows in, once after another. The zero value is ready.
type Rows struct {
	keys []uint64
	rows []int32
}

// Sort is the function Sort of keys with rows. What it returns lasts until the next call.
func (b *Rows) Sort(keys []uint64, rows []int32) ([]uint64, []int32) {
	b.keys, b.rows = slices.Grow(b.keys[:0], len(keys))[:len(keys)], slices.Grow(b.rows[:0], len(rows))[:len(rows)]
	keys, _, rows = sortInto(keys, b.keys, rows, b.rows)
	return keys, rows
}

// Sort sorts keys, the least first, and rows with them, unless rows is nil. Rows of one key stay in their order. Both slices may be
// overwritten; what is returned may be other memory.
func Sort[K uint32 | uint64](keys []K, rows []int32) ([]K, []int32) {
	keys, _, rows = sortInto(keys, make([]K, len(keys)), rows, make([]int32, len(rows)))
	return keys, rows
}

// sortInto sorts to and fro between keys and as much spare memory, and returns both, the sorted ones first.
func sortInto[K uint32 | uint64](keys, spareKeys []K, rows, spare []int32) (sorted, other []K, order []int32) {
	if len(keys) < 2 {
		return keys, spareKeys, rows
	}
	with := rows != nil
	all, none := keys[0], ^keys[0] // bits that all keys have, and that none has
	for _, k := range keys {
		all, none = all&k, none&^k
	}
	vary := ^(all | none)
	for shift := 0; vary>>shift != 0; shift += digit {
		if vary>>shift&mask == 0 {
			continue // they have this digit in common
		}
		var at [1 << digit]int32
		for _, k := range keys {
			at[k>>shift&mask]++
		}
		sum := int32(0)
		for d, n := range at {
			at[d], sum = sum, sum+n
		}
		if !with {
			for _, k := range keys {
				d := k >> shift & mask
				spareKeys[at[d]] = k
				at[d]++
			}
		} else {
			for i, k := range keys {
				d := k >> shift & mask
				spareKeys[at[d]], spare[at[d]] = k, rows[i]
				at[d]++
			}
		}
		keys, spareKeys, rows, spare = spareKeys, keys, spare, rows
	}
	return keys, spareKeys, rows
}

// Descending returns the rows by their values, the greatest first; those of one value in their own order. No value may be NaN.
func Descending(values []float64) []int32 { return order(values, ^uint64(0)) }

// Ascending returns the rows by their values, the least first; those of one value in their own order. No value may be NaN.
func Ascending(values []float64) []int32 { return order(values, 0) }

func order(values []float64, flip uint64) []int32 {
	keys, rows := make([]uint64, len(values)), make([]int32, len(values))
	for r, x := range values {
		keys[r], rows[r] = Key(x)^flip, int32(r)
	}
	_, rows = Sort(keys, rows)
	return rows
}

// Buffer is memory to sort columns in one after the other. The zero value is ready.
type Buffer struct{ keys, spare []uint32 }

// Keys32 returns the sorted keys of the values that are numbers, as 32-bit floats; NaN is left out. They last until the next call.
func (b *Buffer) Keys32(values []float64) []uint32 {
	if cap(b.keys) < len(values) {
		b.keys, b.spare = make([]uint32, len(values)), make([]uint32, len(values))
	}
	keys := b.keys[:0]
	for _, x := range values {
		if x == x {
			keys = append(keys, Key32(float32(x)))
		}
	}
	sorted, other, _ := sortInto(keys, b.spare[:len(keys)], nil, nil)
	b.keys, b.spare = sorted[:cap(sorted)], other[:cap(other)]
	return sorted
}
