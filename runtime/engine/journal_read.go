package engine

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// Where the journal of an apply lies, by what became of it:
//
//	it runs on this machine                          a file, which its process holds
//	it ended                                         one value of the store's bucket
//	it runs elsewhere, at a store that is a bucket   pieces in the bucket, sent from time to time
//	it was killed                                    the file or the pieces stay, and nobody holds or renews them
//
// A reader looks in this order, so that a journal which is being put into the store is found in one place or the other. All reading goes by
// lines: a line whose end is not there yet is waited for, and one that is no event is counted and passed over.

// Journals are the journals of a pipeline in a workspace. It may be used by several goroutines.
type Journals struct {
	store *store.Store
	of    journalsOf
}

// JournalsOf returns the journals of a pipeline in a workspace. Nothing is read yet.
func JournalsOf(s *store.Store, pipeline, workspace string) *Journals {
	return &Journals{store: s, of: journalsOf{pipeline, workspace}}
}

// ErrKilled ends a journal whose run was killed: nothing says how it ended.
var ErrKilled = errors.New("the apply was killed")

// List returns the applies that have journals, the last first.
func (j *Journals) List(ctx context.Context) ([]string, error) {
	var out []string
	for key, err := range bucket.Keys(ctx, j.store.Bucket(), j.of.prefix(), "") {
		if err != nil {
			return nil, fmt.Errorf("reading journals: %w", err)
		}
		out = append(out, strings.TrimSuffix(strings.TrimPrefix(key, j.of.prefix()), journalExt))
	}
	live, err := os.ReadDir(j.of.live(j.store.Place()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading journals: %w", err)
	}
	for _, e := range live {
		if name, ok := strings.CutSuffix(e.Name(), journalExt); ok && !strings.HasPrefix(name, ".") {
			out = append(out, name)
		}
	}
	sent, err := j.sentApplies(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading journals: %w", err)
	}
	out = append(out, sent...)
	slices.Sort(out)
	out = slices.Compact(out) // one may be about to be stored
	slices.Reverse(out)
	return out, nil
}

// Running is the apply that goes on, on this machine or, where the store is elsewhere, on another; "" if none does.
func (j *Journals) Running(ctx context.Context) (string, error) {
	all, err := j.List(ctx)
	if err != nil {
		return "", err
	}
	for _, apply := range all {
		f, err := os.Open(j.of.file(j.store.Place(), apply))
		if err != nil {
			continue // stored
		}
		ended := isDead(f)
		f.Close()
		if !ended {
			return apply, nil
		}
	}
	return j.runningElsewhere(ctx)
}

// Read goes through the events of an apply that are there by now, in their order. Lines that cannot be read are passed over; how many
// they were is an error at the end. Any other error, ErrKilled among them, ends the sequence at once.
func (j *Journals) Read(ctx context.Context, apply string) iter.Seq2[Entry, error] {
	return j.read(ctx, apply, false, nil)
}

// Follow goes through the events of an apply, and waits for more as long as it goes on. It ends after RunEnded, with ErrKilled
// where the process died without one, or with the context's error.
func (j *Journals) Follow(ctx context.Context, apply string) iter.Seq2[Entry, error] {
	return j.read(ctx, apply, true, nil)
}

// followEvery is how often a live journal of this machine is looked at for more.
const followEvery = 50 * time.Millisecond

// read goes through a journal's lines, but for those that pass tells. It ends with ErrKilled where the run was killed. Of lines
// that cannot be read it goes on behind, and says at the end how many they are.
func (j *Journals) read(ctx context.Context, apply string, follow bool, pass func(line []byte) bool) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		f, live, err := j.open(ctx, apply)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer f.Close()
		r := &reading{lines: bufio.NewReaderSize(f, 64<<10), live: live, follow: follow, every: followEvery, decoder: newDecoder()}
		if _, elsewhere := f.(*pieces); elsewhere {
			r.every = sendEvery
		}
		for {
			text, err := r.next(ctx)
			if err == io.EOF {
				if err := r.unread(apply); err != nil {
					yield(Entry{}, err)
				}
				return
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if pass != nil && pass(text) {
				continue
			}
			e, err := r.decoder.read(text)
			var version *VersionError
			switch {
			case errors.As(err, &version):
				yield(Entry{}, err)
				return
			case err != nil:
				r.bad++
				continue
			}
			if !yield(e, nil) {
				return
			}
			if _, ended := e.Event.(RunEnded); ended {
				r.ended = true
			}
		}
	}
}

// open opens the journal of an apply; live tells of one that has no end yet whether nothing more comes.
// The file is looked for first: a journal is in both places for a moment, while it is put into the store.
func (j *Journals) open(ctx context.Context, apply string) (from io.ReadCloser, live func() bool, err error) {
	f, err := os.Open(j.of.file(j.store.Place(), apply))
	if err == nil {
		return f, func() bool { return isDead(f) }, nil
	}
	key := j.of.key(apply)
	if err := bucket.Check(key); err != nil {
		return nil, nil, fmt.Errorf("there is no apply %q", apply)
	}
	v, err := j.store.Bucket().Get(ctx, key, bucket.Range{})
	if errors.Is(err, fs.ErrNotExist) {
		p, err := j.openPieces(ctx, apply)
		if err == nil && p == nil {
			err = fmt.Errorf("there is no journal of apply %s", apply)
		}
		if err != nil {
			return nil, nil, err
		}
		return p, p.isDead, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading the journal of apply %s: %w", apply, err)
	}
	return v, nil, nil
}

// reading is a journal being read.
type reading struct {
	lines   *bufio.Reader
	live    func() bool // whether nothing more comes; nil of one that is stored
	follow  bool
	every   time.Duration // how often it is looked for more
	decoder decoder
	part    []byte // of a line whose end is not there yet
	dead    bool   // nothing will be added
	ended   bool   // RunEnded was read
	bad     int    // lines that are no events, such as what a full disk left of one
}

// next returns a whole line. The error is io.EOF at the end, and ErrKilled where that is no end of a run.
func (r *reading) next(ctx context.Context) ([]byte, error) {
	for {
		text, err := r.lines.ReadBytes('\n')
		r.part = append(r.part, text...)
		switch {
		case err == nil:
			text, r.part = r.part, nil
			return text, nil
		case err != io.EOF:
			return nil, fmt.Errorf("reading a journal: %w", err)
		case r.ended:
			return nil, io.EOF
		case r.live == nil || r.dead:
			return nil, ErrKilled // what is left of a line was being written
		}
		if r.dead = r.live(); r.dead {
			continue // once more: a last line may have come before
		}
		if !r.follow {
			return nil, io.EOF
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(r.every):
		}
	}
}

// unread is the error of a journal with lines that are no events.
func (r *reading) unread(apply string) error {
	if r.bad == 0 {
		return nil
	}
	return fmt.Errorf("%d lines of the journal of apply %s are damaged and left out", r.bad, apply)
}

// quick passes over lines of logs and progress without decoding them.
// They are most of a journal, and say nothing of how a run ended. The type stands first in a line for that.
func quick(text []byte) bool {
	return bytes.HasPrefix(text, []byte(`{"type":"stage_log"`)) || bytes.HasPrefix(text, []byte(`{"type":"stage_progress"`))
}

// Summary is what a journal says of a run as a whole. Ended is the time of the last event, of a run that goes on too. RunEnded is
// the zero value where the journal has none.
type Summary struct {
	Apply   string    `json:"apply"`
	By      string    `json:"by,omitempty"`
	Host    string    `json:"host,omitempty"`
	At      time.Time `json:"at"`
	Ended   time.Time `json:"ended,omitzero"`
	Running bool      `json:"running,omitempty"`
	Killed  bool      `json:"killed,omitempty"`
	Damaged string    `json:"damaged,omitempty"` // why it cannot be read, or not whole
	RunEnded
}

// Summaries tells of all runs that have journals, the last first.
// A journal that cannot be read has a summary that says so (Damaged), and hides none of the others.
func (j *Journals) Summaries(ctx context.Context) ([]Summary, error) {
	all, err := j.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []Summary
	for _, apply := range all {
		out = append(out, j.summary(ctx, apply))
	}
	return out, nil
}

// summary reads what a list of applies shows: who, when and how it ended. A journal without RunEnded is of a run that goes
// on, or was killed; its lock tells which.
func (j *Journals) summary(ctx context.Context, apply string) Summary {
	s := Summary{Apply: apply, Running: true}
	for e, err := range j.read(ctx, apply, false, quick) {
		switch {
		case errors.Is(err, ErrKilled):
			s.Running, s.Killed = false, true
			continue
		case err != nil:
			s.Running, s.Damaged = false, err.Error()
			continue
		case s.At.IsZero():
			s.At = e.At
		}
		s.Ended = e.At
		switch e := e.Event.(type) {
		case RunStarted:
			s.By, s.Host = e.By, e.Host
		case RunEnded:
			s.Running, s.RunEnded = false, e
		}
	}
	return s
}

// LastRun is the last attempt at a stage that a journal tells of.
type LastRun struct {
	Apply   string
	Ended   bool        // with a result or a failure; else it goes on, or was killed
	At      time.Time   // of the last that is told of it
	Log     plan.Digest // object of the log, once it ended
	Message string      // of a failure
}

// LastRunOf finds the last attempt at a stage, also a failed one, in the journals that are kept. ok is false if there is
// none: its result is older or came from elsewhere, and its log is named by its action.
// Within a journal the last word on the stage counts: of a first attempt that failed and a second that is going on, the second.
func (j *Journals) LastRunOf(ctx context.Context, address string) (last LastRun, ok bool, err error) {
	all, err := j.List(ctx)
	if err != nil {
		return LastRun{}, false, err
	}
	for _, apply := range all {
		last = LastRun{Apply: apply}
		for e := range j.read(ctx, apply, false, quick) { // of a damaged journal what can be read
			switch e := e.Event.(type) {
			case StageStarted:
				if e.Address == address {
					ok, last.Ended, last.Log, last.Message = true, false, "", ""
				}
			case StageStored:
				if e.Address == address {
					last.Log = e.Log
				}
			case StageDone:
				if e.Address == address && e.Status == Ran {
					last.Ended = true
				}
			case StageFailed:
				if e.Address == address {
					ok, last.Ended, last.Log, last.Message = true, true, e.Failure.Log, e.Failure.Summary
				}
			case RebuildFailed:
				if e.Address == address {
					ok, last.Ended, last.Log, last.Message = true, true, e.Failure.Log, e.Failure.Summary
				}
			default:
				continue
			}
			last.At = e.At
		}
		if ok {
			return last, true, nil
		}
	}
	return LastRun{}, false, nil
}

// LastFailures says why stages failed in the latest run that is told of, by address; those that it ran again with success,
// or never came to, are not in it.
func (j *Journals) LastFailures(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	all, err := j.List(ctx)
	if err != nil || len(all) == 0 {
		return out, err
	}
	for e := range j.read(ctx, all[0], false, quick) { // of a damaged journal what can be read
		switch e := e.Event.(type) {
		case StageFailed:
			out[e.Address] = e.Failure.Summary
		case StageStarted:
			delete(out, e.Address)
		case StageDone:
			delete(out, e.Address)
		}
	}
	return out, nil
}
