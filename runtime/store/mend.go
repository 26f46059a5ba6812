package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/records"
)

// Copy is the file of a whole copy of an object on this machine, as its digest says; of a store elsewhere in its cache. The bucket elsewhere is not
// asked. The error is ErrMissing where there is none.
func (s *Store) Copy(ctx context.Context, d plan.Digest) (path string, err error) {
	return s.objects.Copy(ctx, d)
}

// Whole is Copy, of a store elsewhere fetched first.
func (s *Store) Whole(ctx context.Context, d plan.Digest) (path string, err error) {
	if s.far == nil {
		return s.objects.Copy(ctx, d)
	}
	if _, err := s.objects.Audit(ctx, d); err != nil { // a copy of what is gone there says nothing of that store
		return "", err
	}
	return s.objects.Fetched(ctx, d)
}

// List is the list of a directory in the store, past all copies, as objects.List says.
func (s *Store) List(ctx context.Context, d plan.Digest) (*Dir, error) { return s.objects.List(ctx, d) }

// HasSize reports whether an object is in the store, past all copies, with so many bytes.
func (s *Store) HasSize(ctx context.Context, d plan.Digest, bytes int64) (bool, error) {
	return s.objects.HasSize(ctx, d, bytes)
}

// Listed says what a list of the store had, as objects.Listed says.
func (s *Store) Listed(size func(key string) (int64, bool)) { s.objects.Listed(size) }

// Restore stores a copy of an object. What stands in its place and is not it is moved aside first.
func (s *Store) Restore(ctx context.Context, d plan.Digest, path string) error {
	if _, err := s.objects.Audit(ctx, d); err == nil {
		return nil
	} else if !errors.Is(err, ErrMissing) {
		return err
	}
	got, err := s.PutFile(ctx, path)
	if err == nil && got != d {
		err = fmt.Errorf("%s is not object %s", path, d)
	}
	return err
}

// RestoreAction stores a copy of the record of a result. What stands in its place and cannot be relied on is moved aside.
func (s *Store) RestoreAction(ctx context.Context, a plan.Action) error {
	_, err := s.records.Put(ctx, a)
	return err
}

// DropAction moves the record of a result aside, so that its stage runs again, with all copies of records, which are written anew in time.
func (s *Store) DropAction(ctx context.Context, fp plan.Digest) error {
	for key, err := range bucket.Keys(ctx, s.bucket, records.SegmentPrefix, "") {
		if err == nil {
			err = s.bucket.Delete(ctx, key)
		}
		if err != nil {
			return fmt.Errorf("dropping a record: %w", err)
		}
	}
	hex, err := fp.Hex()
	if err != nil {
		return err
	}
	for _, key := range []string{records.Prefix + hex + ".json", records.ReplacedPrefix + hex + ".json"} {
		if err := s.bucket.Move(ctx, key, "quarantine/action-"+hex+".json"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("dropping a record: %w", err)
		}
	}
	return nil
}
