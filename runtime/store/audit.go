package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
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

// Audit reads all objects and all records of results, and holds them to their digests.
func (s *Store) Audit(ctx context.Context) (*Audited, error) {
	out := &Audited{}
	err := s.eachFile(s.Path("objects", "blake3"), func(path, name string) error {
		d := plan.Digest("blake3:" + name)
		if _, err := d.Hex(); err != nil {
			return nil // whoever put it there, it is no object
		}
		return s.auditObject(ctx, d, path, out)
	})
	if err == nil {
		err = s.eachFile(s.Path("actions"), func(path, name string) error {
			fp := plan.Digest("blake3:" + strings.TrimSuffix(name, ".json"))
			if _, err := fp.Hex(); err != nil {
				return nil
			}
			return s.auditRecord(ctx, fp, out)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("verifying the store: %w", err)
	}
	return out, nil
}

func (s *Store) auditObject(ctx context.Context, d plan.Digest, path string, out *Audited) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if info, err := os.Lstat(path); err == nil {
		out.Bytes += info.Size()
	}
	out.Objects++
	err := s.verify(d)
	var corrupt *CorruptError
	if errors.As(err, &corrupt) {
		out.Corrupt = append(out.Corrupt, corrupt)
		return nil
	}
	return err
}

func (s *Store) auditRecord(ctx context.Context, fp plan.Digest, out *Audited) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	out.Records++
	_, err := s.Action(fp)
	var damaged *DamagedError
	if errors.As(err, &damaged) {
		out.Damaged = append(out.Damaged, damaged)
		return nil
	}
	return err
}

// eachFile calls f with what stands below a folder, and its name there without slashes. What stands in the place of an object is
// looked at also where it is a folder.
func (s *Store) eachFile(dir string, f func(path, name string) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ignoreMissing(err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if len(e.Name()) > 2 || !e.IsDir() {
			if err := f(path, e.Name()); err != nil {
				return err
			}
			continue
		}
		if err := s.eachFile(path, func(below, name string) error { return f(below, e.Name()+name) }); err != nil {
			return err
		}
	}
	return nil
}
