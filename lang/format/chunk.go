package format

import (
	"bytes"
	"errors"

	"github.com/mlp-lang/mlp/lang/token"
)

// chunkSize is the least number of bytes laid out together. With few, what is at work stays in the processor's cache.
const chunkSize = 4096

// Why chunks cannot be laid out. After errUnsound HCL's parser is asked, after errMelted the text is left as it is (Format).
var (
	errUnsound = errors.New("there are syntax errors")
	errMelted  = errors.New("the layout would change the tokens")
)

// inChunks lays out a text without errors. It is taken apart at blank lines outside of all blocks, over which no layout
// reaches, into chunks of at least size bytes.
func inChunks(text []byte, size int) ([]byte, error) {
	text = plainLineEnds(text)
	out := make([]byte, 0, len(text)+len(text)/16)
	s := token.NewScanner(text)
	var w worker
	for start := 0; start < len(text); {
		end, next := w.scan(s, text, start, size)
		chunk := text[start:end]
		if !w.sound(chunk) {
			return nil, errUnsound
		}
		var err error
		if out, err = w.layOut(chunk, out); err != nil {
			return nil, err
		}
		start = next
	}
	return out, nil
}

// asOne lays out a text without errors, whatever its items are.
func asOne(text []byte) ([]byte, error) {
	text = plainLineEnds(text)
	w := worker{tokens: token.Scan(text)}
	return w.layOut(text, nil)
}

// plainLineEnds makes "\n" of carriage returns, however many, and the line end after them, which may be the text's end.
func plainLineEnds(text []byte) []byte {
	if bytes.IndexByte(text, '\r') < 0 {
		return text
	}
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		// A carriage return within a line is part of what is written there and stays.
		begin := bytes.IndexByte(text, '\r')
		if begin < 0 {
			return append(out, text...)
		}
		end := begin
		for end < len(text) && text[end] == '\r' {
			end++
		}
		out = append(out, text[:begin]...)
		switch {
		case end == len(text):
			out = append(out, '\n')
		case text[end] != '\n':
			out = append(out, text[begin:end]...)
		}
		text = text[end:]
	}
	return out
}

// worker lays out chunks one after the other, and keeps its buffers.
type worker struct {
	tokens []token.Token // of the chunk, placed from its beginning
	after  []token.Token // of its layout, where that is read again
	text   text
}

// scan reads the tokens of the chunk that begins at start. It ends at end, and the next one begins at next.
func (w *worker) scan(s *token.Scanner, text []byte, start, size int) (end, next int) {
	w.tokens = w.tokens[:0]
	depth, blank := 0, true
	for {
		t := s.Next()
		if t.Kind == token.EOF {
			return s.Pos(), s.Pos()
		}
		if t.Kind == token.Newline && blank && depth == 0 && int(t.Start)-start >= size {
			return int(t.Start), int(t.End)
		}
		blank = t.Kind == token.Newline || t.Kind == token.Comment && text[t.End-1] == '\n'
		depth += bracket(t.Kind)
		t.Start, t.End = t.Start-int32(start), t.End-int32(start)
		w.tokens = append(w.tokens, t)
	}
}

// sound reports whether a chunk has no errors.
func (w *worker) sound(chunk []byte) bool {
	r := reader{src: chunk, tokens: w.tokens}
	for r.more() {
		if _, ok := r.topLevel(); !ok {
			return false
		}
	}
	return true
}

// layOut appends a chunk, laid out, to what was before it. Where tokens touch that did not, they are read again: they might
// have become one.
func (w *worker) layOut(chunk, out []byte) ([]byte, error) {
	w.text.layOut(chunk, w.tokens)
	if len(out) > 0 && len(w.text.lines) > 0 {
		out = append(out, '\n')
	}
	begin := len(out)
	out = w.text.write(out)
	if w.text.touching {
		w.after = token.Append(w.after[:0], out[begin:])
		if !same(chunk, w.tokens, out[begin:], w.after) {
			return nil, errMelted
		}
	}
	return out, nil
}
