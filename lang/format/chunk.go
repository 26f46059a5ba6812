package format

import (
	"bytes"
	"errors"
	"regexp"

	"github.com/mlp-lang/mlp/lang/token"
)

const (
	// chunkSize is the least number of bytes laid out together. With few, what is at work stays in the processor's cache,
	// and few are laid out again where something moves.
	chunkSize = 512
	// maxPasses is more than any file was seen to need, which is two.
	maxPasses = 8
)

var (
	errUnsound   = errors.New("there are syntax errors")
	errUnsettled = errors.New("the layout would change the tokens")
)

// lineEnd is a line break in any form, and what was left over from converting it twice.
var lineEnd = regexp.MustCompile(`\r+(?:\n|$)`)

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
		laid, err := w.settle(chunk)
		if err != nil {
			return nil, err
		}
		if len(out) > 0 && len(laid) > 0 {
			out = append(out, '\n')
		}
		out = append(out, laid...)
		start = next
	}
	return out, nil
}

// asOne lays out a text without errors, whatever its items are.
func asOne(text []byte) ([]byte, error) {
	text = plainLineEnds(text)
	w := worker{tokens: token.Scan(text)}
	return w.settle(text)
}

func plainLineEnds(text []byte) []byte {
	if bytes.IndexByte(text, '\r') < 0 {
		return text
	}
	return lineEnd.ReplaceAll(text, []byte("\n"))
}

// worker lays out chunks one after the other, and keeps its buffers.
type worker struct {
	tokens, after []token.Token
	laid          [2][]byte
	text          text
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

// sound tells whether a chunk has no errors.
func (w *worker) sound(chunk []byte) bool {
	r := reader{src: chunk, tokens: w.tokens}
	for r.more() {
		if _, ok := r.topLevel(); !ok {
			return false
		}
	}
	return true
}

// settle lays a chunk out until nothing moves. The result is good until the next call.
func (w *worker) settle(chunk []byte) ([]byte, error) {
	for i := range maxPasses {
		next := w.text.layOut(chunk, w.tokens, w.laid[i%2][:0])
		w.laid[i%2] = next
		if bytes.Equal(next, chunk) {
			return chunk, nil
		}
		w.after = token.Append(w.after[:0], next)
		if !same(chunk, w.tokens, next, w.after) {
			return nil, errUnsettled
		}
		chunk = next
		w.tokens, w.after = w.after, w.tokens
	}
	return nil, errUnsettled
}
