// Package scratch makes folders for temporary files outside of the store. A folder is locked as long as its process uses it,
// and the kernel frees the lock when the process dies, however it does: so what a killed process left can be told from what
// another one uses, and goes with the next sweep.
package scratch

// Sweeping.
//
// A folder for temporary files, such as /tmp/mlp-table-1234567, must go when its process was killed, and must not while the process
// lives, which may be that of another run on the same machine. A process id in the name would not tell the two apart: ids are
// used again. So the folder itself is locked with flock, and the lock is the proof of life.
//
//	New     mkdir /tmp/.new-mlp-table-1234567, flock it, rename it to /tmp/mlp-table-1234567
//	Close   remove the folder, close the lock
//	Sweep   for each folder of a known kind and of this user: flock without waiting; who gets the lock removes the folder
//
// A folder has its visible name only once it is locked, so a sweep never takes one that is being made for one that was left. A
// folder that still has its hidden name after an hour was left in the making, and goes too.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Kind is what a folder is for. It begins the folder's name.
type Kind string

const (
	Table    Kind = "mlp-table-"    // what the SQL engine spills
	Secrets  Kind = "mlp-secrets-"  // values that stages are handed
	Test     Kind = "mlp-test-"     // the store of a run of tests
	Revision Kind = "mlp-revision-" // a module as another revision has it
	Serve    Kind = "mlp-serve-"    // models that are served
	Workers  Kind = "mlp-workers-"  // what processes need that run one stage after another
)

// kinds are all of them: a sweep takes folders of these and of no other.
var kinds = []Kind{Table, Secrets, Test, Revision, Serve, Workers}

// memory is a file system in memory on Linux.
const memory = "/dev/shm"

// hidden begins the name of a folder that is being made: nobody could tell whether it is in use.
const hidden = ".new-"

// forgotten is the age from which a hidden folder is removed: to make one takes milliseconds, so its process was killed meanwhile.
const forgotten = time.Hour

// Folder is a folder that only this user can enter, and that no sweep removes before Close or the death of this process.
type Folder struct {
	Dir  string // absolute where the system's folder for temporary files is
	lock *os.File
}

// New makes a folder in the system's place for temporary files.
func New(kind Kind) (*Folder, error) { return in(os.TempDir(), kind) }

// InMemory makes one in memory where the system can, else as New does.
func InMemory(kind Kind) (*Folder, error) {
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		if f, err := in(memory, kind); err == nil {
			return f, nil
		}
	}
	return New(kind)
}

// in makes the folder under a hidden name and shows it once it is locked, so that no sweep comes in between.
func in(parent string, kind Kind) (*Folder, error) {
	made, err := os.MkdirTemp(parent, hidden+string(kind))
	if err != nil {
		return nil, fmt.Errorf("making a folder for temporary files: %w", err)
	}
	lock, err := lockFolder(made)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking a folder for temporary files: %w", err), os.RemoveAll(made))
	}
	f := &Folder{Dir: filepath.Join(parent, strings.TrimPrefix(filepath.Base(made), hidden)), lock: lock}
	if err := os.Rename(made, f.Dir); err != nil {
		return nil, errors.Join(fmt.Errorf("making a folder for temporary files: %w", err), os.RemoveAll(made), lock.Close())
	}
	return f, nil
}

// Close removes the folder with all that is in it, and gives up its lock. What could not be removed goes with a later Sweep.
func (f *Folder) Close() error { return errors.Join(os.RemoveAll(f.Dir), f.lock.Close()) }

// lockFolder fails where another process holds the folder, and where it is no folder.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Sweep removes what processes of this user left that are no longer alive. What cannot be removed stays: it is in nobody's way.
func Sweep() {
	sweep(os.TempDir())
	sweep(memory)
}

// sweep removes folders of processes that died: ours by name and owner, and not locked. One that is being made is not locked
// yet; it counts as dead after a while (forgotten).
func sweep(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		name, unfinished := strings.CutPrefix(e.Name(), hidden)
		if !e.IsDir() || !ours(name) {
			continue
		}
		info, err := e.Info()
		if err != nil || !mine(info) || unfinished && time.Since(info.ModTime()) < forgotten {
			continue
		}
		dir := filepath.Join(parent, e.Name())
		if lock, err := lockFolder(dir); err == nil {
			_ = os.RemoveAll(dir)
			_ = lock.Close()
		}
	}
}

// ours reports whether a folder has the name of one of this package's.
func ours(name string) bool {
	for _, k := range kinds {
		if strings.HasPrefix(name, string(k)) {
			return true
		}
	}
	return false
}

// mine reports whether a folder is this user's.
func mine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
