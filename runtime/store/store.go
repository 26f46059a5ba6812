// Package store keeps results by their content in a local folder: objects, and actions that say which objects a
// stage's fingerprint yields. Several processes may use one store at once; whatever is killed at any moment leaves it
// usable, since bytes are there before the name that leads to them.
//
// The folder is laid out as spec/store.md says:
//
//	objects/blake3/ab/cdef…       blobs; a directory is a blob that lists blobs
//	actions/<64 hex>.json         what a stage yields
//	log/, journal/, locks/        the state's and the engine's
//	quarantine/                   objects whose content was not what their name says
//	cache/                        what may be lost: digests of files outside by their size and times
//	tmp/<session>/                files of a running process; swept when its lock is free
package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// Store is a folder of objects and actions. It is safe for concurrent use, also by several processes.
type Store struct {
	root   string
	claims claims
	hashes hashes

	mu       sync.Mutex
	session  *session
	verified map[plan.Digest]stamp // objects whose content this process has checked
}

// Open returns the store in a folder, which is created when something is first written.
func Open(dir string) (*Store, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	info, err := os.Stat(root)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("opening the store: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("opening the store: %s is a file, expected a folder", root)
	}
	return &Store{root: root, verified: map[plan.Digest]stamp{}}, nil
}

// Root is the store's folder, absolute.
func (s *Store) Root() string { return s.root }

// Path of something in the store that is not an object, such as ("journal", id).
func (s *Store) Path(elem ...string) string {
	return filepath.Join(append([]string{s.root}, elem...)...)
}

// ErrMissing: the store does not have the object or action. Whoever can make it again should.
var ErrMissing = errors.New("not in the store")

// MissingError names an object that is not there. It is an ErrMissing.
type MissingError struct{ Digest plan.Digest }

func (e *MissingError) Error() string {
	return fmt.Sprintf("object %s is not in the store; 'mlp apply' makes it again, and 'mlp store verify' says whose it is", e.Digest)
}

// Is makes errors.Is(err, ErrMissing) true.
func (e *MissingError) Is(target error) bool { return target == ErrMissing }

// CorruptError names an object whose content was not what its name says. It has been moved aside, so from now on it is
// missing. It is an ErrMissing too: both mean that the producer must run again.
type CorruptError struct {
	Digest     plan.Digest
	Got        plan.Digest // what the content digests to; empty where it could not be read as what it should be
	Quarantine string      // where it was moved, for whoever wants to look
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("object %s was corrupt (its content is not what its name says: a failing disk, or somebody wrote to it) and was moved to %s; 'mlp apply' makes it again, and 'mlp store verify' says whose it is",
		e.Digest, e.Quarantine)
}

// ErrCorrupt is what a CorruptError is, for errors.Is.
var ErrCorrupt = errors.New("corrupt object")

// Is makes errors.Is(err, ErrCorrupt) and errors.Is(err, ErrMissing) true.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt || target == ErrMissing }

// DamagedError: the record of a result is not what was written. It is an ErrMissing: the stage must run again, which moves
// the record aside.
type DamagedError struct {
	Fingerprint plan.Digest
	File        string
	Why         string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the record of the result is damaged: %s %s; restore it from a copy of the store, or run the stage again, which takes its place", e.File, e.Why)
}

// Is makes errors.Is(err, ErrMissing) true.
func (e *DamagedError) Is(target error) bool { return target == ErrMissing }
