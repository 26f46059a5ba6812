package protocol

import (
	"bytes"
	"io"
	"sync"
)

// maxLine is the longest line that is kept in one piece, in bytes; a longer one is broken.
const maxLine = 64 << 10

// Log joins the streams of a stage into one, a line at a time: a line of one stream is never cut by another's.
type Log struct {
	mu  sync.Mutex
	out io.Writer
	err error
}

// NewLog returns a log that writes whole lines to out, each with one Write. A nil out drops them.
func NewLog(out io.Writer) *Log {
	if out == nil {
		out = io.Discard
	}
	return &Log{out: out}
}

// Stream returns a writer for one stream. Its Close writes what is left without an end of line.
func (l *Log) Stream() *Stream { return &Stream{log: l} }

// Err is the first error of writing to out. A stage goes on without its log, so that writing never blocks it.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *Log) line(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	_, l.err = l.out.Write(append(b, '\n'))
}

// Stream is one stream of a stage. It is not for use by several goroutines.
type Stream struct {
	log  *Log
	rest []byte
}

// Write takes any piece of the stream. It never fails.
func (s *Stream) Write(p []byte) (int, error) {
	s.rest = append(s.rest, p...)
	for {
		i := bytes.IndexByte(s.rest, '\n')
		switch {
		case i >= 0 && i <= maxLine:
			s.emit(i, i+1)
		case len(s.rest) > maxLine:
			s.emit(maxLine, maxLine)
		default:
			return len(p), nil
		}
	}
}

// emit writes the first n bytes as a line and drops the first next.
func (s *Stream) emit(n, next int) {
	s.log.line(bytes.TrimSuffix(s.rest[:n:n], []byte("\r")))
	s.rest = append(s.rest[:0], s.rest[next:]...)
}

// Close writes the last line if it has no end.
func (s *Stream) Close() error {
	if len(s.rest) > 0 {
		s.emit(len(s.rest), len(s.rest))
	}
	return nil
}
