package format

import (
	"bytes"
	"unicode/utf8"

	"github.com/apparentlymart/go-textseg/v15/textseg"

	"github.com/mlp-lang/mlp/lang/token"
)

// layOut decides on the white space of a text, in the order in which decisions rest on each other: which lines there are, where blank ones
// stand, how far lines are indented, what stands between tokens, and last what is aligned, which counts the columns of all
// before.
func (t *text) layOut(src []byte, tokens []token.Token) {
	t.src, t.tokens, t.lines, t.touching = src, tokens, t.lines[:0], false
	t.spaces = append(t.spaces[:0], make([]int32, len(tokens))...)
	t.split()
	t.setApart()
	t.indent()
	t.space()
	t.alignCells()
	t.alignBraces()
}

// setApart decides which lines have a blank one before them.
func (t *text) setApart() {
	for i := range t.lines {
		l := &t.lines[i]
		l.apart = i > 0 && t.belongsApart(&t.lines[i-1], l, i)
	}
}

// belongsApart reports whether a blank line goes before line i, l. What the author wrote decides within blocks and after comments; outside of
// them a block stands apart from what is before it, but for neighbours of one kind that have a line each, such as metrics.
func (t *text) belongsApart(before, l *line, i int) bool {
	switch {
	case l.frozen || before.opens || l.closes:
		return false
	case l.depth > 0 || l.apart || before.remark:
		return l.apart
	}
	item := t.itemAt(i)
	switch {
	case item != nil && item.end > item.first+1 && t.tokens[item.first+1].Kind == token.Equal: // in a file of values
		return false
	case before.depth > 0: // the end of a block
		return true
	case item == nil:
		return false
	}
	together := item.brace > 0 && before.brace > 0 && bytes.Equal(t.bytes(item.first), t.bytes(before.first))
	return !together
}

// itemAt returns the line that the comments from line i on belong to: the next one that is none, if no blank line
// stands between.
func (t *text) itemAt(i int) *line {
	for n := i; n < len(t.lines); n++ {
		l := &t.lines[n]
		if n > i && l.apart {
			return nil
		}
		if !l.remark && !l.frozen {
			return l
		}
	}
	return nil
}

// indent sets the spaces at the beginnings of lines. A line that opens more brackets than it closes indents what
// follows by one step, however many they are.
func (t *text) indent() {
	var steps []int
	for i := range t.lines {
		l := &t.lines[i]
		if t.tokens[l.first].Kind == token.Newline {
			continue
		}
		// steps holds, for each indentation, how many brackets opened it: `foo([{` is one step, and its `}])` ends it.
		net := t.netBrackets(l)
		for closed := -net; closed > 0 && len(steps) > 0; {
			top := &steps[len(steps)-1]
			if closed < *top {
				*top -= closed
				break
			}
			closed -= *top
			steps = steps[:len(steps)-1]
		}
		t.spaces[l.first] = int32(2 * len(steps))
		if net > 0 {
			steps = append(steps, net)
		}
	}
}

// netBrackets is how many more brackets the line opens than it closes. What follows the beginning of a heredoc counts
// only in the value of an argument.
func (t *text) netBrackets(l *line) int {
	net := 0
	lead := min(l.assign, l.comment)
	for i := l.first; i < lead; i++ {
		net += bracket(t.tokens[i].Kind)
		if t.tokens[i].Kind == token.OHeredoc {
			break
		}
	}
	return net
}

// space sets the spaces between the tokens of lines: one or none. Cells that are aligned (the = and what follows, the comment at the end)
// begin anew, as if nothing were before them, and get their spaces later.
func (t *text) space() {
	for i := range t.lines {
		l := &t.lines[i]
		before := token.EOF
		for n := l.first + 1; n < l.end; n++ {
			if n == l.assign || n == l.comment {
				before = token.EOF
				continue
			}
			this := t.tokens[n-1].Kind
			in := this == token.Ident && before == token.Ident && string(t.bytes(n-1)) == "in"
			if spaced(before, this, t.tokens[n].Kind, in) {
				t.spaces[n] = 1
			} else if t.tokens[n].Start > t.tokens[n-1].End && !standsAlone(this) && !standsAlone(t.tokens[n].Kind) {
				// Tokens that were apart and would touch could become another token; whoever sets this has the result read
				// again.
				t.touching = true
			}
			before = this
		}
	}
}

// alignCells aligns the = of adjacent arguments, and the comments at the ends of adjacent lines.
func (t *text) alignCells() {
	t.align(func(l *line) (from, cell int) { return l.first, l.assign })
	t.align(func(l *line) (from, cell int) { return l.first, l.comment })
}

// align sets the same column for the cells of adjacent lines. cell returns the token from which widths count and the
// one to align; that is the line's end in a line without it.
func (t *text) align(cell func(l *line) (from, at int)) {
	for i := 0; i < len(t.lines); {
		n := i
		for n < len(t.lines) && (n == i || !t.lines[n].apart) {
			if _, at := cell(&t.lines[n]); at == t.lines[n].end {
				break
			}
			n++
		}
		t.alignGroup(t.lines[i:n], cell)
		i = max(n, i+1)
	}
}

// alignGroup puts the cells of the lines into one column, a space behind the widest of what is before them. Until the widest is known, what
// a cell lacks is kept in its place as a negative number.
func (t *text) alignGroup(group []line, cell func(l *line) (from, at int)) {
	widest := 0
	for i := range group {
		from, at := cell(&group[i])
		width := t.width(from, at)
		t.spaces[at] = int32(-width)
		widest = max(widest, width)
	}
	for i := range group {
		_, at := cell(&group[i])
		t.spaces[at] += int32(widest + 1)
	}
}

// alignBraces aligns the braces of adjacent blocks on one line, and the comments after them.
func (t *text) alignBraces() {
	for i := 0; i < len(t.lines); {
		n := i
		for n < len(t.lines) && t.lines[n].brace > 0 && t.lines[n].depth == t.lines[i].depth && (n == i || !t.lines[n].apart) {
			n++
		}
		group := t.lines[i:n]
		t.alignGroup(group, func(l *line) (from, at int) { return l.first, l.brace })
		t.alignComments(group)
		i = max(n, i+1)
	}
}

// alignComments aligns the comments of those lines that have one.
func (t *text) alignComments(group []line) {
	widest := 0
	for _, l := range group {
		if l.comment < l.end {
			widest = max(widest, t.width(l.first, l.comment))
		}
	}
	for _, l := range group {
		if l.comment < l.end {
			t.spaces[l.comment] = int32(widest - t.width(l.first, l.comment) + 1)
		}
	}
}

// width is the number of columns that tokens take with the spaces before them.
func (t *text) width(from, to int) int {
	n := 0
	for i := from; i < to; i++ {
		n += int(t.spaces[i]) + columns(t.bytes(i))
	}
	return n
}

// columns counts what a reader takes for characters: clusters of graphemes (Unicode, UAX #29), so that é counts one whether it is one code
// point or two. Text in ASCII, which is nearly all, is counted by its bytes.
func columns(text []byte) int {
	for _, b := range text {
		if b >= utf8.RuneSelf {
			n, _ := textseg.TokenCount(text, textseg.ScanGraphemeClusters) // fails for no text
			return n
		}
	}
	return len(text)
}

// write appends the text, laid out, to out. Each line ends with one line end, the last one too, and none with blanks, which a comment may
// have had at its end.
func (t *text) write(out []byte) []byte {
	for i := range t.lines {
		l := &t.lines[i]
		if l.apart {
			out = append(out, '\n')
		}
		for n := l.first; n < l.end; n++ {
			for range t.spaces[n] {
				out = append(out, ' ')
			}
			out = append(out, t.bytes(n)...)
		}
		if k := t.tokens[l.end-1].Kind; k == token.Comment {
			out = bytes.TrimRight(out, " \t\r\n")
		}
		if len(out) == 0 || out[len(out)-1] != '\n' {
			out = append(out, '\n')
		}
	}
	return out
}
