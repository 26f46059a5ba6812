package format

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// layout sets blank lines and aligns the braces of adjacent one-line blocks.
func layout(text []byte) []byte {
	lines := spaced(scan(text))
	alignBraces(lines)
	var b bytes.Buffer
	for _, l := range lines {
		b.WriteString(l.text)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// spaced returns the lines with blank ones where they belong.
func spaced(lines []*line) []*line {
	var out []*line
	pending := false
	for i, l := range lines {
		if l.blank() {
			pending = true
			continue
		}
		if len(out) > 0 && apart(out[len(out)-1], l, lines[i:], pending) {
			out = append(out, &line{depth: l.depth, after: l.depth})
		}
		out = append(out, l)
		pending = false
	}
	return out
}

// apart tells whether a blank line belongs between two lines. rest begins with l; written tells whether there is one.
func apart(before, l *line, rest []*line, written bool) bool {
	switch {
	case l.frozen:
		return false
	case before.opens || l.closes:
		return false
	case l.depth > 0:
		return written
	case before.depth > 0: // the end of a block
		return true
	case before.comment:
		return written
	}
	item := itemAt(rest)
	return written || item != nil && !(item.brace > 0 && before.brace > 0 && item.word() == before.word())
}

// itemAt returns the line that a group of comments at the head of rest belongs to: the next one that is neither blank
// nor a comment, if no blank line stands between.
func itemAt(rest []*line) *line {
	for _, l := range rest {
		switch {
		case l.blank():
			return nil
		case !l.comment && !l.frozen:
			return l
		}
	}
	return nil
}

// alignBraces pads the headers of adjacent one-line blocks to the same width.
func alignBraces(lines []*line) {
	for i := 0; i < len(lines); {
		n := i
		for n < len(lines) && lines[n].brace > 0 && lines[n].depth == lines[i].depth {
			n++
		}
		pad(lines[i:n])
		i = max(n, i+1)
	}
}

func pad(group []*line) {
	headers := make([]string, len(group))
	bodies := make([]string, len(group))
	comments := make([]string, len(group))
	for i, l := range group {
		end := len(l.text)
		if l.tail > 0 {
			end = l.tail
		}
		headers[i] = strings.TrimRight(l.text[:l.brace], " ")
		bodies[i] = strings.TrimRight(l.text[l.brace:end], " ")
		comments[i] = l.text[end:]
	}
	align(headers, nil)
	for i := range bodies {
		bodies[i] = headers[i] + " " + bodies[i]
	}
	align(bodies, comments)
	for i, l := range group {
		l.text = strings.TrimRight(bodies[i]+" "+comments[i], " ")
	}
}

// align pads texts to the same width: those that something follows, or all where follows is nil.
func align(texts, follows []string) {
	width := 0
	for i, s := range texts {
		if follows == nil || follows[i] != "" {
			width = max(width, utf8.RuneCountInString(s))
		}
	}
	for i, s := range texts {
		texts[i] = s + strings.Repeat(" ", max(width-utf8.RuneCountInString(s), 0))
	}
}
