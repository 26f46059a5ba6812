package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/objects"
)

// Audited is what Audit found. Files are relative to the store.
type Audited struct {
	Objects int
	Bytes   int64
	Records int // of results
	// Corrupt objects were moved aside: from now on they are missing.
	Corrupt []*CorruptError
	// Damaged are records of results that cannot be relied on. They stay where they are, and count for missing.
	Damaged []*DamagedError
}

// Audit reads all objects and all records of results, and holds them to their digests. It takes as long as reading the whole store
// takes. What is damaged is counted and goes on being audited; only what cannot be read at all ends it.
func (s *Store) Audit(ctx context.Context) (*Audited, error) {
	out := &Audited{}
	err := s.auditObjects(ctx, out)
	if err == nil {
		err = s.records.Audit(ctx, func(damaged *DamagedError) {
			out.Records++
			if damaged != nil {
				out.Damaged = append(out.Damaged, damaged)
			}
		}, s.strays)
	}
	if err != nil {
		return nil, fmt.Errorf("verifying the store: %w", err)
	}
	return out, nil
}

// auditObjects goes through all objects in the order of their keys.
func (s *Store) auditObjects(ctx context.Context, out *Audited) error {
	const names = 2 // ab/cdef… below the prefix
	keys, err := s.strays(ctx, objects.Prefix, names)
	if err != nil {
		return err
	}
	for key, err := range bucket.Keys(ctx, s.bucket, objects.Prefix, "") {
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	sizes, wrong := make([]int64, len(keys)), make([]*CorruptError, len(keys))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(audits)
	for i, key := range keys {
		d := plan.Digest("blake3:" + strings.ReplaceAll(strings.TrimPrefix(key, objects.Prefix), "/", ""))
		if own, err := objects.Key(d); err != nil || own != key {
			continue // whoever put it there, it is no object
		}
		out.Objects++
		g.Go(func() (err error) {
			if sizes[i], err = s.objects.Audit(ctx, d); errors.As(err, &wrong[i]) {
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i := range keys {
		if out.Bytes += sizes[i]; wrong[i] != nil {
			out.Corrupt = append(out.Corrupt, wrong[i])
		}
	}
	return nil
}

// audits is how many objects are read at once: of a store elsewhere the wait is for the bucket, of a folder one reads while another is hashed.
const audits = 8

// strays are keys in whose place a folder stands, where there are folders.
func (s *Store) strays(ctx context.Context, prefix string, names int) ([]string, error) {
	if s.bucket != bucket.Bucket(s.shelf) {
		return nil, nil
	}
	return s.shelf.Strays(ctx, prefix, names)
}
