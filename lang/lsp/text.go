package lsp

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/lang/source"
)

// byteOrderMark is what editors on Windows put before UTF-8, in UTF-8. The parser does not count it.
const byteOrderMark = "\ufeff"

// text is what a file holds, with the places of its lines. It is immutable, so that it may be read without a lock.
type text struct {
	src    string
	starts []int // the offset of each line
	// mark tells that the client's text begins with a byte order mark, which src leaves out as the parser does.
	mark bool
}

// newText finds where lines begin. The protocol has three line ends: \n, \r\n and \r. A byte order mark is cut off, and
// counts as the first character of the client's first line.
func newText(src string) *text {
	t := &text{starts: []int{0}}
	t.src, t.mark = strings.CutPrefix(src, byteOrderMark)
	for i := range len(t.src) {
		if t.src[i] == '\n' || t.src[i] == '\r' && !strings.HasPrefix(t.src[i+1:], "\n") {
			t.starts = append(t.starts, i+1)
		}
	}
	return t
}

// full is the text as the client has it.
func (t *text) full() string {
	if t.mark {
		return byteOrderMark + t.src
	}
	return t.src
}

// position of the byte at offset; of offsets outside of the text, its nearer end. Columns are units of UTF-16: in "é𝄞x"
// the x is at 3, and at byte 6.
func (t *text) position(offset int) position {
	offset = max(0, min(offset, len(t.src)))
	line := sort.Search(len(t.starts), func(i int) bool { return t.starts[i] > offset }) - 1
	p := position{Line: line}
	if line == 0 && t.mark {
		p.Character = 1
	}
	for _, r := range t.src[t.starts[line]:offset] {
		p.Character += units(r)
	}
	return p
}

// offset of a position. One behind the end of its line is the end of the line, as the protocol wants; one behind the
// last line is the end of the text; one within a surrogate pair is behind the character.
func (t *text) offset(p position) int {
	if p.Line < 0 {
		return 0
	}
	if p.Line >= len(t.starts) {
		return len(t.src)
	}
	line, left := t.line(p.Line), p.Character
	if p.Line == 0 && t.mark {
		left--
	}
	at := 0
	for at < len(line) && left > 0 {
		r, n := utf8.DecodeRuneInString(line[at:])
		left -= units(r)
		at += n
	}
	return t.starts[p.Line] + at
}

// line returns the text of a line without its end.
func (t *text) line(n int) string {
	end := len(t.src)
	if n+1 < len(t.starts) {
		end = t.starts[n+1]
	}
	return strings.TrimRight(t.src[t.starts[n]:end], "\r\n")
}

// units is how many units of UTF-16 a rune takes, in which the protocol counts columns.
func units(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// span is from start to end in the client's terms; empty where end comes before start.
func (t *text) span(start, end int) span {
	return span{Start: t.position(start), End: t.position(max(start, end))}
}

// rangeSpan is a range of the compiler's in the client's terms.
func (t *text) rangeSpan(r source.Range) span { return t.span(r.Start.Byte, r.End.Byte) }

// change applies one of the client's edits and returns the new text; without a range the whole text is replaced.
func (t *text) change(r *span, with string) (*text, error) {
	if r == nil {
		return newText(with), nil
	}
	start, end := t.offset(r.Start), t.offset(r.End)
	if start > end {
		return nil, fmt.Errorf("an edit ends at %d:%d, before it starts", r.End.Line, r.End.Character)
	}
	src := t.src[:start] + with + t.src[end:]
	if t.mark {
		src = byteOrderMark + src
	}
	return newText(src), nil
}
