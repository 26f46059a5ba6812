package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"syscall"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// Present looks whether a stage's outputs are there: each directory, and each of its files by its size. What they hold is not
// read, and nothing is changed. The error is a MissingError.
func (s *Store) Present(outputs map[string]plan.Digest) error {
	for _, port := range slices.Sorted(maps.Keys(outputs)) {
		if err := s.presentDir(outputs[port]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) presentDir(d plan.Digest) error {
	path, err := s.ObjectPath(d)
	if err != nil {
		return err
	}
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return gone(d, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return gone(d, err)
	}
	var list Dir
	if plan.HashBytes(data) != d || json.Unmarshal(data, &list) != nil {
		return &MissingError{d}
	}
	for _, e := range list.Files {
		file, err := s.ObjectPath(e.Digest)
		if err != nil {
			return err
		}
		if info, err := os.Lstat(file); err != nil || !info.Mode().IsRegular() || info.Size() != e.Size {
			return gone(e.Digest, err)
		}
	}
	return nil
}

// gone tells an object that is not there, or is another thing, from one that cannot be looked at.
func gone(d plan.Digest, err error) error {
	if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("looking at an object: %w", err)
	}
	return &MissingError{d}
}
