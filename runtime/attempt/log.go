package attempt

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
	"github.com/mlp-lang/mlp/runtime/store"
)

// tailLines is how much of a log is shown with a failure.
const tailLines = 20

// maxLog is how many bytes of a log are kept. Messages are listened to behind it, and its last lines are shown with a failure.
const (
	maxLog     = 64 << 20
	cutWarning = "the log is longer than 64 MB: what comes after that is not kept"
)

// shortLog is up to how many bytes a log is kept in memory; a longer one is a file.
const shortLog = 64 << 10

// log keeps a stage's log whole, over all attempts, and listens for messages to the engine. Executors write a line
// at a time; a part of a line waits for its end.
type log struct {
	path string // of the file that a long log is in
	tell Listener
	mask *masker // of secrets; nil where the stage has none. Set before anything is written
	// ranked: its lines are those of several replicas, each behind its rank (protocol.RankLogs). Set before anything is written.
	ranked bool

	mu       sync.Mutex
	short    []byte   // the log, until there is a file
	file     *os.File // nil: none yet
	rest     string
	last     []string // lines, messages left out
	warned   []string
	failed   map[int]said // by rank: the last error message of this attempt
	writeErr error
	size     int64 // of what was kept
	cut      bool  // more came than is kept
}

// said is what a stage said of its failure.
type said struct{ summary, detail string }

// newLog begins a log at a path where none is.
func newLog(path string, tell Listener) *log {
	return &log{path: path, tell: tell, failed: map[int]said{}}
}

// begin marks where an attempt begins. What earlier attempts said of their failure doesn't count any more.
func (l *log) begin(attempt int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
	l.failed, l.warned = map[int]said{}, nil
	if l.cut {
		l.addWarning(cutWarning)
	}
	if attempt > 1 {
		l.write(fmt.Sprintf("--- attempt %d ---\n", attempt))
	}
}

// Write takes lines. It fails when the log cannot be kept, so that no result goes without one.
// Without a mask what comes is kept at once, whole lines or not, so that a log shows what a stage is doing; with one it waits for
// the end of its line, as the half of a secret is a secret too.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mask == nil {
		l.write(string(p))
	}
	l.rest += string(p)
	for {
		line, rest, ok := strings.Cut(l.rest, "\n")
		if !ok {
			return len(p), l.writeErr
		}
		l.rest = rest
		if l.mask != nil { // whole lines only: a value may come in two parts
			l.write(l.mask.Replace(line) + "\n")
		}
		l.line(strings.TrimSuffix(line, "\r"))
	}
}

// write keeps text, as far as there is room.
func (l *log) write(s string) {
	if l.cut {
		return
	}
	if l.size += int64(len(s)); l.size > maxLog {
		l.cut = true
		s = "--- " + cutWarning + " ---\n"
		defer l.addWarning(cutWarning)
	}
	if err := l.keep(s); err != nil && l.writeErr == nil {
		l.writeErr = fmt.Errorf("writing a log: %w", err)
	}
}

// keep adds text to what is kept.
func (l *log) keep(s string) (err error) {
	if l.file == nil {
		if l.short = append(l.short, s...); len(l.short) <= shortLog {
			return nil
		}
		if l.file, err = os.Create(l.path); err != nil {
			return err
		}
		s, l.short = string(l.short), nil
	}
	_, err = l.file.WriteString(s)
	return err
}

// put adds the log to what is stored.
func (l *log) put(b *store.Batch) (plan.Digest, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return b.PutBytes(l.short)
	}
	return b.PutFile(l.path)
}

// flush takes an unfinished line as a line.
func (l *log) flush() {
	if l.rest == "" {
		return
	}
	if l.mask != nil {
		l.write(l.mask.Replace(l.rest))
	}
	l.write("\n")
	l.line(l.rest)
	l.rest = ""
}

// line takes a line as the stage wrote it, its secrets not masked. A message of the protocol, such as
// {"mlp":"progress","done":3,"total":10}, is heard and not shown; it is in the kept log all the same.
func (l *log) line(line string) {
	rank, text := 0, line
	if l.ranked {
		rank, text, _ = protocol.CutRank(line)
	}
	m, ok := component.ParseMessage(text)
	if !ok || m.Kind == component.ProgressMessage && rank > 0 {
		line = l.mask.Replace(line)
		l.last = append(l.last, line)
		if len(l.last) > tailLines {
			l.last = l.last[1:]
		}
		l.tell.Line(line)
		return
	}
	m.Message, m.Summary, m.Detail = l.mask.Replace(m.Message), l.mask.Replace(m.Summary), l.mask.Replace(m.Detail)
	switch m.Kind {
	case component.ProgressMessage:
		l.tell.Progress(m.Done, m.Total)
	case component.WarningMessage:
		l.addWarning(m.Message)
	case component.ErrorMessage:
		l.failed[rank] = said{m.Summary, m.Detail}
	}
}

// addWarning tells of a warning once, however often the stage writes it.
func (l *log) addWarning(message string) {
	if !slices.Contains(l.warned, message) {
		l.warned = append(l.warned, message)
		l.tell.Warning(message)
	}
}

// warn adds a warning of the engine's own.
func (l *log) warn(message string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write("warning: " + message + "\n")
	l.addWarning(message)
}

// warnings of the last attempt, each once.
func (l *log) warnings() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
	return slices.Clone(l.warned)
}

// lastError is what the stage itself, or one rank of it, said of its failure; empty if it said nothing.
func (l *log) lastError(rank int) (summary, detail string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
	return l.failed[rank].summary, l.failed[rank].detail
}

// tail is the log's last lines.
func (l *log) tail() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
	return slices.Clone(l.last)
}

// close closes the file. The log is stored by its path, and removed with the work folder.
func (l *log) close() {
	if l.file != nil {
		_ = l.file.Close() // what matters was stored before
	}
}
