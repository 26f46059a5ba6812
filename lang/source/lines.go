package source

import (
	"bytes"
	"sort"
	"unicode/utf8"
)

// Lines finds lines and columns in the text of a file, in time that does not grow with the length of a line: a file may
// be one line of a megabyte, with a diagnostic at each value. It is safe for concurrent use.
type Lines struct {
	src    []byte
	starts []int // of each line
	runes  []int // code points before each stride of bytes; nil where the text is ASCII
}

// stride is in bytes: as many at most are counted one by one for a column.
const stride = 1024

// NewLines returns the lines of src, which must not be changed afterwards. There is always at least one.
func NewLines(src []byte) *Lines {
	l := &Lines{src: src, starts: make([]int, 1, 1+bytes.Count(src, []byte{'\n'}))}
	ascii := true
	for i, b := range src {
		if b == '\n' {
			l.starts = append(l.starts, i+1)
		}
		ascii = ascii && b < utf8.RuneSelf
	}
	if !ascii {
		l.countRunes()
	}
	return l
}

// countRunes counts code points up to each stride. Bytes that are no UTF-8 count as they lie.
func (l *Lines) countRunes() {
	n := 0
	for i, b := range l.src {
		if i%stride == 0 {
			l.runes = append(l.runes, n)
		}
		if utf8.RuneStart(b) {
			n++
		}
	}
	l.runes = append(l.runes, n)
}

// before returns the number of code points before offset.
func (l *Lines) before(offset int) int {
	if l.runes == nil {
		return offset
	}
	i := offset / stride
	n := l.runes[i]
	for _, b := range l.src[i*stride : offset] {
		if utf8.RuneStart(b) {
			n++
		}
	}
	return n
}

// Pos returns the place of the byte at offset, which is held to the text.
func (l *Lines) Pos(offset int) Pos {
	offset = max(0, min(offset, len(l.src)))
	line := sort.SearchInts(l.starts, offset+1) - 1
	return Pos{Line: line + 1, Column: l.before(offset) - l.before(l.starts[line]) + 1, Byte: offset}
}

// Count is the number of lines. A text that ends with a line break has an empty last one.
func (l *Lines) Count() int { return len(l.starts) }

// Line returns the text of line n, counted from 1, without its end; nil if there is none.
func (l *Lines) Line(n int) []byte {
	if n < 1 || n > len(l.starts) {
		return nil
	}
	end := len(l.src)
	if n < len(l.starts) {
		end = l.starts[n] - 1
	}
	return bytes.TrimSuffix(l.src[l.starts[n-1]:end], []byte{'\r'})
}
