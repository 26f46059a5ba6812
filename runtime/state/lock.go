package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Holder says who has the lock.
type Holder struct {
	Who   string    `json:"who"`
	Host  string    `json:"host"`
	PID   int       `json:"pid"` // 0: the file could not be read, and the holder is not known
	Since time.Time `json:"since"`
	What  string    `json:"what,omitempty"` // "apply"
}

// ErrLocked is what a LockedError is, for errors.Is.
var ErrLocked = errors.New("locked")

// LockedError: somebody else holds the lock.
type LockedError struct {
	Pipeline, Workspace string
	Holder              Holder    // zero where it could not be read
	Free                time.Time // when a lease that is not renewed is free; zero where the lock is this machine's
}

func (e *LockedError) Error() string {
	h := e.Holder
	if !e.Free.IsZero() {
		return fmt.Sprintf("%s, workspace %s, is locked: %s by %s on %s since %s; wait for it to end. If it was killed, nothing is to be freed: the lock ends by itself at %s",
			e.Pipeline, e.Workspace, h.What, h.Who, h.Host, h.Since.Format(time.RFC3339), e.Free.Format(time.RFC3339))
	}
	if h.PID == 0 {
		return fmt.Sprintf("%s, workspace %s, is locked by another process; wait for it to end", e.Pipeline, e.Workspace)
	}
	return fmt.Sprintf("%s, workspace %s, is locked: %s by %s on %s, process %d, since %s; wait for it to end, or end that process",
		e.Pipeline, e.Workspace, h.What, h.Who, h.Host, h.PID, h.Since.Format(time.RFC3339))
}

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// Lock keeps other processes of this machine from applying to a pipeline in a workspace. It is an flock on a file such as
// .mlp/locks/fraud/default, held until Unlock or until the process dies, when the kernel frees it. Other machines do not see it: where the
// store is elsewhere, a lease does that: see Hold.
type Lock struct{ file *os.File }

// Lock takes the lock of this pipeline and workspace, at once or not at all: the error is a LockedError if somebody has
// it. The holder's PID, host and time are filled in where they are zero.
func (l *Log) Lock(h Holder) (*Lock, error) {
	path := l.store.Place().Path("locks", l.pipeline, l.workspace)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("locking the state: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("locking the state: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		locked := &LockedError{Pipeline: l.pipeline, Workspace: l.workspace, Holder: readHolder(f)}
		return nil, errors.Join(locked, f.Close())
	}
	if err == nil {
		err = writeHolder(f, h)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the state: %w", err), f.Close())
	}
	return &Lock{f}, nil
}

// Holder says who has the lock, as that process wrote it; false if nobody on this machine does. Nothing is locked by looking.
func (l *Log) Holder() (Holder, bool) {
	f, err := os.Open(l.store.Place().Path("locks", l.pipeline, l.workspace))
	if err != nil {
		return Holder{}, false
	}
	defer f.Close()
	h := readHolder(f)
	if h.PID == 0 {
		return Holder{}, false // given back
	}
	err = syscall.Kill(h.PID, 0)
	return h, err == nil || errors.Is(err, syscall.EPERM)
}

// Unlock gives the lock back. The file stays: removing it would let two hold locks on files of one name.
func (l *Lock) Unlock() error {
	err := l.file.Truncate(0)
	return errors.Join(err, l.file.Close())
}

// fill fills in what is zero.
func (h *Holder) fill() {
	if h.PID == 0 {
		h.PID = os.Getpid()
	}
	if h.Host == "" {
		h.Host, _ = os.Hostname() // for people to read; unknown is no reason to stop
	}
	if h.Since.IsZero() {
		h.Since = time.Now().UTC().Truncate(time.Second)
	}
}

// writeHolder says in the lock's file who holds it, for the message that others get. The lock itself is the kernel's
// (flock): the text of a process that died means nothing.
func writeHolder(f *os.File, h Holder) error {
	h.fill()
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(append(data, '\n'), 0)
	return err
}

// readHolder is empty where the holder has not written yet.
func readHolder(f *os.File) Holder {
	data, err := io.ReadAll(f)
	var h Holder
	if err != nil || json.Unmarshal(data, &h) != nil {
		return Holder{}
	}
	return h
}
