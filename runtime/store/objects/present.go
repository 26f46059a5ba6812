package objects

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"syscall"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// Present looks whether a stage's outputs are there: each directory, and each of its files by its size. What they hold is not
// read, and nothing in the store is changed. The error is a MissingError.
func (o *Objects) Present(ctx context.Context, outputs map[string]plan.Digest) error {
	for _, port := range slices.Sorted(maps.Keys(outputs)) {
		if err := o.presentDir(ctx, outputs[port]); err != nil {
			return err
		}
	}
	return nil
}

// presentDir reports a folder as missing unless its list is whole and each of its files is there with its size. Contents are
// hashed when they are read, not here: a plan asks this of all results.
func (o *Objects) presentDir(ctx context.Context, d plan.Digest) error {
	data, err := o.look(ctx, d)
	if err != nil {
		return gone(d, err)
	}
	if o.far != nil { // what was read may be this machine's copy
		if _, err := o.size(ctx, d); err != nil {
			return gone(d, err)
		}
	}
	var list Dir
	if digest.Of(data) != d || json.Unmarshal(data, &list) != nil {
		return &MissingError{d}
	}
	for _, e := range list.Files {
		size, err := o.size(ctx, e.Digest)
		if err != nil || size != e.Size {
			return gone(e.Digest, err)
		}
	}
	return nil
}

// List reads the list of a directory where the store is, past all copies, and leaves it there, whatever it is. The error is a MissingError where it is not
// what its digest says.
func (o *Objects) List(ctx context.Context, d plan.Digest) (*Dir, error) {
	key, err := Key(d)
	if err != nil {
		return nil, err
	}
	b := o.far
	if b == nil {
		b = o.shelf
	}
	data, err := bucket.Read(ctx, b, key)
	if err != nil {
		return nil, gone(d, err)
	}
	var list Dir
	if digest.Of(data) != d || json.Unmarshal(data, &list) != nil {
		return nil, &MissingError{d}
	}
	return &list, nil
}

// HasSize reports whether an object is in the store, past all copies, with so many bytes.
func (o *Objects) HasSize(ctx context.Context, d plan.Digest, bytes int64) (bool, error) {
	size, err := o.size(ctx, d)
	if err != nil {
		if err = gone(d, err); errors.Is(err, bucket.ErrMissing) {
			err = nil
		}
		return false, err
	}
	return size == bytes, nil
}

// look reads a list where it is, and leaves it there, whatever it is.
// A store elsewhere is read through the cache, whose copies are this machine's own.
func (o *Objects) look(ctx context.Context, d plan.Digest) ([]byte, error) {
	key, err := Key(d)
	if err != nil {
		return nil, err
	}
	if o.far == nil {
		return bucket.Read(ctx, o.shelf, key)
	}
	return o.Get(ctx, d)
}

// Listed says what a list of a bucket elsewhere had, which is asked before the bucket is: for who looks at all of a store, just after it was listed.
// What is not in the list is asked for, since lists may lag. It is called before o is used by others.
func (o *Objects) Listed(size func(key string) (int64, bool)) { o.listed = size }

// size is that of an object in the store, in bytes.
func (o *Objects) size(ctx context.Context, d plan.Digest) (int64, error) {
	key, err := Key(d)
	if err != nil {
		return 0, err
	}
	if o.far == nil {
		info, err := os.Lstat(o.shelf.Path(key))
		if err == nil && !info.Mode().IsRegular() {
			err = &bucket.IrregularError{Key: key}
		}
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	}
	if o.listed != nil {
		if size, ok := o.listed(key); ok {
			return size, nil
		}
	}
	v, err := o.far.Get(ctx, key, bucket.Range{Length: 1})
	if err != nil {
		return 0, err
	}
	return v.Size, v.Close()
}

// gone tells an object that is not there, or is another thing, from one that cannot be looked at.
func gone(d plan.Digest, err error) error {
	var irregular *bucket.IrregularError
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) && !errors.As(err, &irregular) && !errors.Is(err, bucket.ErrMissing) {
		return fmt.Errorf("looking at an object: %w", err)
	}
	return &MissingError{d}
}
