package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

const (
	// keptJournals is how many journals of a workspace are kept, the last ones.
	keptJournals = 20
	// maxLines is how many bytes of a journal are lines of logs and progress.
	maxLines = 32 << 20
	// progressEvery is how often a stage's progress is told, at most.
	progressEvery = 100 * time.Millisecond
)

// journal has the events of a run, for whoever looks at it from outside, later, or after it was killed. Results don't rest on it.
//
// Where the store is elsewhere, other machines are sent it as it grows, see journal_far.go. While the run goes on the journal is a file of this machine, which grows by whole lines and is locked with flock by the process
// that writes it: who can lock it knows that the process is dead. At the end its content goes into the store; that of a process
// which was killed does so when the next run of the workspace begins.
type journal struct {
	store    *store.Store
	at       journalsOf
	apply    string
	file     *os.File
	max      int // of lines of logs and progress, in bytes
	seq      int64
	lines    int // bytes of lines of logs and progress
	progress map[string]time.Time
	err      error // the first
	sender   *sender
}

// journalsOf are the journals of a pipeline in a workspace.
type journalsOf struct{ pipeline, workspace string }

// prefix begins the keys of stored journals in the bucket.
func (j journalsOf) prefix() string { return "journal/" + j.pipeline + "/" + j.workspace + "/" }

// key is that of one apply's journal. Applies are named by their time, so keys are in the order of time.
func (j journalsOf) key(apply string) string { return j.prefix() + apply + journalExt }

// live is the folder of those that are being written on this machine.
func (j journalsOf) live(p *scratch.Place) string { return p.Path("live", j.pipeline, j.workspace) }

// file is the live journal of an apply.
func (j journalsOf) file(p *scratch.Place, apply string) string {
	return filepath.Join(j.live(p), apply+journalExt)
}

// journalExt ends the names of journals: JSON Lines, one object a line.
const journalExt = ".jsonl"

// openJournal begins a run's journal, stores those of runs that were killed, and removes old ones. The workspace's lock is held.
func openJournal(ctx context.Context, o Options) (*journal, error) {
	j := &journal{store: o.Store, at: journalsOf{o.Plan.Pipeline, o.Plan.Workspace}, apply: o.Apply, max: maxLines, progress: map[string]time.Time{}}
	if err := j.create(); err != nil {
		return nil, fmt.Errorf("opening the journal of apply %s: %w", o.Apply, err)
	}
	if err := errors.Join(j.adopt(ctx), j.adoptPieces(ctx), j.prune(ctx)); err != nil {
		return nil, errors.Join(fmt.Errorf("looking through journals: %w", err), j.file.Close())
	}
	j.sender = j.send(context.WithoutCancel(ctx))
	return j, nil
}

// create makes the file under a hidden name and shows it once locked, so that nobody takes it for a dead one's in between.
func (j *journal) create() error {
	path := j.at.file(j.store.Place(), j.apply)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	hidden := filepath.Join(filepath.Dir(path), ".new-"+j.apply)
	f, err := os.OpenFile(hidden, os.O_CREATE|os.O_TRUNC|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer os.Remove(hidden)
	if err := errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), os.Link(hidden, path)); err != nil {
		return errors.Join(err, f.Close())
	}
	j.file = f
	return nil
}

// add writes an event down. It reports whether the event is in the stream: lines are not once it is full, nor progress that comes too fast.
// An event that tells of a result is always in the stream. Writes that fail do not stop the run; close returns the first error.
func (j *journal) add(e Event) bool {
	now := time.Now().UTC()
	p, isProgress := e.(StageProgress)
	if isProgress && p.Done != p.Total {
		if now.Sub(j.progress[p.Address]) < progressEvery {
			return false
		}
		j.progress[p.Address] = now
	}
	_, isLog := e.(StageLog)
	_, isTransfer := e.(StageTransfer)
	passing := isLog || isProgress || isTransfer
	if passing && j.lines > j.max {
		return false
	}
	n := j.write(e, now)
	if passing {
		if j.lines += n; j.lines > j.max {
			j.write(LinesLeftOut{}, now)
		}
	}
	return true
}

// write adds a line in one piece and returns its length. The first failure is told at the end.
// One call of Write for a line, to a file opened for appending: a reader sees the line or a beginning of it, never two mixed.
func (j *journal) write(e Event, now time.Time) int {
	j.seq++
	text, err := encode(Entry{Seq: j.seq, At: now.Truncate(time.Millisecond), Event: e})
	if err == nil {
		_, err = j.file.Write(text)
	}
	if j.err == nil {
		j.err = err
	}
	return len(text)
}

// close puts the journal of a run that came to an end into the store. Pieces of it that cannot be removed then are left, for the next run of the
// workspace to remove (adoptPieces): why, and not as an error.
func (j *journal) close(ctx context.Context) (left, err error) {
	path := j.at.file(j.store.Place(), j.apply)
	j.sender.end()
	err = j.err
	if err == nil {
		err = j.at.keep(ctx, j.store, path)
	}
	if err == nil {
		left = j.sender.forget(ctx)
	}
	if err = errors.Join(err, j.file.Close()); err != nil {
		return left, fmt.Errorf("writing the journal: %w", err)
	}
	return left, nil
}

// keep puts a live journal into the store, less a line that was cut off, and removes its file.
func (j journalsOf) keep(ctx context.Context, s *store.Store, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	whole, err := wholeLines(f)
	if err != nil {
		return err
	}
	key := j.key(strings.TrimSuffix(filepath.Base(path), journalExt))
	err = s.Bucket().PutNew(ctx, key, io.NewSectionReader(f, 0, whole))
	if err != nil && !errors.Is(err, fs.ErrExist) { // killed before the file was removed
		return err
	}
	return os.Remove(path)
}

// wholeLines is the length of a file up to the end of its last line.
func wholeLines(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 64<<10)
	for end := info.Size(); end > 0; {
		from := max(end-int64(len(buf)), 0)
		n, err := f.ReadAt(buf[:end-from], from)
		if err != nil && err != io.EOF {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		end = from
	}
	return 0, nil
}

// adopt stores what runs of this machine left that were killed.
func (j *journal) adopt(ctx context.Context) error {
	dir := j.at.live(j.store.Place())
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.Name() == j.apply+journalExt:
		case !strings.HasSuffix(e.Name(), journalExt) || strings.HasPrefix(e.Name(), "."):
			err = errors.Join(err, os.RemoveAll(path)) // of a run that was killed before it began
		case dead(path):
			err = errors.Join(err, j.at.keep(ctx, j.store, path))
		}
	}
	return err
}

// dead reports whether no process writes a live journal any more.
func dead(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return isDead(f)
}

// isDead asks for a shared lock, which is not given while the writer has its exclusive one. The kernel takes that back when the
// process ends, however it ends.
func isDead(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil
}

// prune removes the journals before the last ones.
// One fewer than keptJournals stay, since this run's own comes to them at its end.
func (j *journal) prune(ctx context.Context) error {
	var keys []string
	for key, err := range bucket.Keys(ctx, j.store.Bucket(), j.at.prefix(), "") {
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	for _, key := range keys[:max(len(keys)-(keptJournals-1), 0)] {
		if err := j.store.Bucket().Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}
