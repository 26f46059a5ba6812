package scratch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Checkpoint is what a stage keeps from one attempt to the next, of whatever process, held by one of them at a time.
type Checkpoint struct {
	Dir  string
	lock *os.File
}

// Checkpoint holds the folder of a fingerprint, given by its hexadecimal digits, until it is released, or the process dies. Where another holds it, or the store is another
// user's, the folder is nil: two that write to it would spoil each other's.
func (p *Place) Checkpoint(hex string) (*Checkpoint, error) {
	dir := p.Path("checkpoint", hex)
	if err := private(filepath.Dir(dir)); errors.Is(err, os.ErrPermission) {
		return nil, nil // another user's, who keeps what stages leave there to himself
	} else if err != nil {
		return nil, fmt.Errorf("making a checkpoint's folder: %w", err)
	}
	for {
		lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
		if errors.Is(err, os.ErrPermission) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("locking a checkpoint: %w", err)
		}
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil && named(lock) {
			return &Checkpoint{dir, lock}, os.MkdirAll(dir, 0o700)
		}
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("locking a checkpoint: %w", err)
		}
	}
}

// Kept reports whether a stage kept something under a fingerprint, given by its hexadecimal digits, or keeps it now.
func (p *Place) Kept(hex string) bool {
	_, err := os.Lstat(p.Path("checkpoint", hex))
	return err == nil
}

// named reports whether a file still has the name that it was opened by: whoever released it may have removed it meanwhile.
func named(f *os.File) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(f.Name())
	return err == nil && os.SameFile(mine, now)
}

// private creates a folder that no other user may enter.
func private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}

// Release gives the folder up. What is in it stays, for the next attempt; an empty one goes.
func (c *Checkpoint) Release() error {
	_ = os.Remove(c.Dir)
	if _, err := os.Stat(c.Dir); errors.Is(err, os.ErrNotExist) {
		_ = os.Remove(c.lock.Name())
	}
	return c.lock.Close()
}
