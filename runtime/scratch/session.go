package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Place is what a store's folder has of the machine that works on it: sessions in tmp/, checkpoints, locks, and what is
// remembered in cache/. Nothing is written before it is needed. A Place is safe for concurrent use, also by several processes.
type Place struct {
	dir string

	mu      sync.Mutex
	session *session
	idle    []string // folders of stages that nothing uses

	taken atomic.Int64 // files
}

// At returns the place in a folder.
func At(dir string) *Place { return &Place{dir: dir} }

// Path of something in the place, such as ("cache", "files.json").
func (p *Place) Path(elem ...string) string {
	return filepath.Join(append([]string{p.dir}, elem...)...)
}

// session is a process's private folder in tmp/, which no other user may enter: a container's user need not, since what is bound
// into a container is reached from there. Its lock is held while the process lives; the kernel frees it when the
// process dies, however it dies, and then anybody may remove the folder.
type session struct {
	dir  string
	lock *os.File
}

// sessionLock is the file in a session's folder whose lock is the proof of life.
const sessionLock = "lock"

// Temp creates a folder for files that this process works on. It lies on the store's file system, so that files can be
// linked between it and the objects, and is removed by Close or, after a crash, by a later SweepSessions.
func (p *Place) Temp(pattern string) (string, error) {
	ses, err := p.open()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(ses.dir, pattern)
	if err != nil {
		return "", fmt.Errorf("creating a work folder: %w", err)
	}
	return dir, nil
}

// File creates a temporary file beside those folders. Whoever is done with it removes it, or gives it its place.
func (p *Place) File(pattern string) (*os.File, error) {
	ses, err := p.open()
	if err != nil {
		return nil, err
	}
	return os.CreateTemp(ses.dir, pattern)
}

// Take moves a file of this file system beside those files, under a name of its own.
func (p *Place) Take(path string) (string, error) {
	ses, err := p.open()
	if err != nil {
		return "", err
	}
	to := filepath.Join(ses.dir, "taken-"+strconv.FormatInt(p.taken.Add(1), 10))
	return to, os.Rename(path, to)
}

// Replace writes a small file of the place whole, over what is there. A power cut may lose it, and leave any part of it.
func (p *Place) Replace(path string, data []byte) error {
	f, err := p.File("file-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o644), f.Close(), os.MkdirAll(filepath.Dir(path), 0o755)); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// open makes the session when something is first written: commands that only read leave no folder.
func (p *Place) open() (*session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session != nil {
		return p.session, nil
	}
	ses, err := newSession(p.Path("tmp"))
	if err != nil {
		return nil, fmt.Errorf("writing to the store: %w", err)
	}
	p.session = ses
	return ses, nil
}

// newSession makes the folder under a hidden name and shows it once locked, so that no sweep comes in between.
func newSession(tmp string) (*session, error) {
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return nil, err
	}
	made, err := os.MkdirTemp(tmp, hidden)
	if err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(made, sessionLock), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	dir := filepath.Join(tmp, "session-"+filepath.Base(made)[len(hidden):])
	if err := os.Rename(made, dir); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &session{dir: dir, lock: lock}, nil
}

// Begin begins this process's session, if it has none.
// A sweep of others, or a trimming of the cache, then sees that somebody is at work.
func (p *Place) Begin() error {
	_, err := p.open()
	return err
}

// Oldest is when the first of the sessions of living processes began; false if there is none.
// When a session began is the time of its lock's file, which is written once.
func (p *Place) Oldest() (began time.Time, alive bool, err error) {
	locks, _ := filepath.Glob(p.Path("tmp", "session-*", sessionLock)) // the pattern is right
	for _, path := range locks {
		lock, err := os.OpenFile(path, os.O_RDWR, 0)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return time.Time{}, false, err // another user's: whether it lives cannot be told
		}
		held := syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
		info, err := lock.Stat()
		lock.Close()
		if err != nil {
			return time.Time{}, false, err
		}
		if held && (!alive || info.ModTime().Before(began)) {
			began, alive = info.ModTime(), true
		}
	}
	return began, alive, nil
}

// Close removes this process's temporary files. The place can be used again afterwards.
func (p *Place) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session == nil {
		return nil
	}
	err := errors.Join(removeAll(p.session.dir), p.session.lock.Close())
	p.session, p.idle = nil, nil
	return err
}

// SweepSessions removes what processes left that are no longer alive. It returns how many had left something.
func (p *Place) SweepSessions() (int, error) {
	entries, err := os.ReadDir(p.Path("tmp"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("sweeping the store: %w", err)
	}
	swept := 0
	for _, e := range entries {
		removed, err := sweepSession(p.Path("tmp", e.Name()))
		if err != nil {
			return swept, fmt.Errorf("sweeping the store: %w", err)
		}
		if removed {
			swept++
		}
	}
	return swept, nil
}

// Left reports whether a process that is no longer alive left a stage that it was running. Nothing is changed.
func (p *Place) Left() bool {
	left, _ := filepath.Glob(p.Path("tmp", "session-*", working+"*")) // the pattern is right
	for _, stage := range left {
		lock, err := os.OpenFile(filepath.Join(filepath.Dir(stage), sessionLock), os.O_RDWR, 0)
		if err != nil {
			continue // another user's, or gone
		}
		free := syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil
		lock.Close()
		if free {
			return true
		}
	}
	return false
}

// sweepSession removes one session if its process is gone, which the kernel tells by letting its lock go. It reports whether
// it did.
func sweepSession(dir string) (bool, error) {
	if strings.HasPrefix(filepath.Base(dir), hidden) {
		return false, sweepUnfinished(dir)
	}
	lock, err := os.OpenFile(filepath.Join(dir, sessionLock), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return false, nil // being made or being removed by another, or another user's
	}
	if err != nil {
		return false, err
	}
	defer lock.Close()
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return false, nil // alive
	}
	return true, removeAll(dir)
}

// sweepUnfinished removes a session that its maker died in making, a moment's work: after an hour it is surely dead.
func sweepUnfinished(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || time.Since(info.ModTime()) < forgotten {
		return ignoreMissing(err)
	}
	return os.RemoveAll(dir)
}

// removeAll removes a folder even where a stage took away its own permissions. The session's lock goes last: until
// then a crash leaves something that the next sweep finds.
// A folder that is gone is removed.
func removeAll(dir string) error {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return nil
	})
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ignoreMissing(err)
	}
	for _, e := range entries {
		if e.Name() == sessionLock {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}

// ignoreMissing makes nothing of the error of a file that another has removed.
func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
