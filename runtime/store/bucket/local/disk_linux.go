package local

import (
	"errors"
	"io/fs"
	"syscall"
)

// Sync makes three calls of the system. An os.File of the same makes five more, by which Go learns that it cannot wait for a file as it waits for a
// network; a stage that runs alone has eight syncs.
func (*machine) Sync(path string) error {
	var fd int
	err := uninterrupted(func() (err error) {
		fd, err = syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	err = uninterrupted(func() error { return syscall.Fsync(fd) })
	if err = errors.Join(err, syscall.Close(fd)); err != nil {
		return &fs.PathError{Op: "sync", Path: path, Err: err}
	}
	return nil
}

// uninterrupted makes a call again that a signal interrupted.
func uninterrupted(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}
