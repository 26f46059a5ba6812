package protocol

import (
	"bytes"
	"io"
	"sync"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// maxLine is the longest line that is kept in one piece, in bytes; a longer one is broken.
const maxLine = 64 << 10

// Log joins the streams of a stage into one, a line at a time: a line of one stream is never cut by another's.
type Log struct {
	mu   sync.Mutex
	out  io.Writer
	mask executor.Masker
	err  error
}

// NewLog returns a log that writes whole lines to out, each with one Write. A nil out drops them. A mask, which may be nil,
// is put over the pieces of lines that are broken; whole lines are written as they are.
func NewLog(out io.Writer, mask executor.Masker) *Log {
	if out == nil {
		out = io.Discard
	}
	return &Log{out: out, mask: mask}
}

// Stream returns a writer for one stream. Its Close writes what is left without an end of line.
func (l *Log) Stream() *Stream { return &Stream{log: l} }

// Err is the first error of writing to out. A stage goes on without its log, so that writing never blocks it.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// line writes one line. After a first error nothing more is written.
func (l *Log) line(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	_, l.err = l.out.Write(append(b, '\n'))
}

// hide masks a part of a line that is broken.
func (l *Log) hide(line []byte, from, to int) []byte {
	if l.mask == nil {
		return line[from:to:to]
	}
	return []byte(l.mask.Hide(string(line), from, to))
}

// reach is how many bytes around a piece the mask must see; 0 without one.
func (l *Log) reach() int {
	if l.mask == nil {
		return 0
	}
	return l.mask.Reach()
}

// Stream is one stream of a stage. It is not for use by several goroutines.
type Stream struct {
	log *Log
	// rest is what was not written yet: of a line that is broken, from a reach before that on.
	rest    []byte
	told    int // of rest was written: the line is being broken
	scanned int // of rest holds no end of the line
}

// Write takes any piece of the stream. It never fails.
func (s *Stream) Write(p []byte) (int, error) {
	s.rest = append(s.rest, p...)
	begin := 0 // of the line
	for {
		end := bytes.IndexByte(s.rest[begin+s.scanned:], '\n')
		if end < 0 {
			s.scanned = len(s.rest) - begin
		} else {
			end += s.scanned
		}
		line := s.rest[begin:]
		if end >= 0 {
			line = line[:end]
		}
		s.breakUp(line, end >= 0)
		if end < 0 {
			s.keep(begin)
			return len(p), nil
		}
		s.end(line)
		begin += end + 1
	}
}

// breakUp writes pieces of a line that is too long, as far as what follows them is known.
func (s *Stream) breakUp(line []byte, whole bool) {
	need := maxLine + s.log.reach()
	if whole {
		need = maxLine
	}
	for len(line)-s.told > need {
		s.piece(line, s.told+maxLine)
	}
}

// piece writes the next part of a broken line. The mask sees as much before and behind it as a value may have, so that one which lies
// across the break is masked in both parts.
func (s *Stream) piece(line []byte, to int) {
	reach := s.log.reach()
	from, until := max(0, s.told-reach), min(len(line), to+reach)
	s.log.line(s.log.hide(line[from:until], s.told-from, to-from))
	s.told = to
}

// end writes what is left of a line.
func (s *Stream) end(line []byte) {
	line = bytes.TrimSuffix(line, []byte("\r"))
	if s.told == 0 {
		s.log.line(line[:len(line):len(line)])
	} else if s.told < len(line) {
		s.piece(line, len(line))
	}
	s.told, s.scanned = 0, 0
}

// keep drops what comes before a line, and of the line what was written and nothing else needs.
func (s *Stream) keep(begin int) {
	drop := max(0, s.told-s.log.reach())
	s.told -= drop
	s.scanned -= drop
	if begin+drop > 0 {
		s.rest = append(s.rest[:0], s.rest[begin+drop:]...)
	}
}

// Close writes the last line if it has no end.
func (s *Stream) Close() error {
	if len(s.rest) > s.told {
		s.breakUp(s.rest, true)
		s.end(s.rest)
	}
	s.rest, s.told, s.scanned = nil, 0, 0
	return nil
}
