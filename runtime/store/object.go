package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/zeebo/blake3"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// ObjectPath is where an object's file stands, whether it is there or not.
func (s *Store) ObjectPath(d plan.Digest) (string, error) {
	hex, err := d.Hex()
	if err != nil {
		return "", err
	}
	return s.Path("objects", "blake3", hex[:2], hex[2:]), nil
}

// PutBytes stores content and returns its digest.
func (s *Store) PutBytes(ctx context.Context, data []byte) (plan.Digest, error) {
	return s.put(ctx, bytes.NewReader(data))
}

// PutFile stores a copy of a regular file's content and returns its digest.
func (s *Store) PutFile(ctx context.Context, path string) (plan.Digest, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return "", fmt.Errorf("storing a file: %w", err)
	}
	defer f.Close()
	return s.put(ctx, f)
}

// put writes a temporary file, hashing on the way, and gives it its name when it is whole and on disk.
func (s *Store) put(ctx context.Context, r io.Reader) (plan.Digest, error) {
	w, err := s.write(ctx, r)
	if err == nil {
		err = s.nameAll([]written{w})
	}
	if err != nil {
		return "", fmt.Errorf("storing an object: %w", err)
	}
	return w.digest, nil
}

// written is a temporary file that is to be an object. It may not be on disk yet.
type written struct {
	tmp    string
	digest plan.Digest
}

// write hashes what it writes. Holes of a file that has some stay holes.
func (s *Store) write(ctx context.Context, r io.Reader) (written, error) {
	ses, err := s.open()
	if err != nil {
		return written{}, err
	}
	tmp, err := os.CreateTemp(ses.dir, "object-")
	if err != nil {
		return written{}, err
	}
	var d plan.Digest
	if holes(r) {
		w := &sparseWriter{file: tmp}
		if d, err = copyHashed(ctx, w, r); err == nil {
			err = tmp.Truncate(w.size)
		}
	} else {
		d, err = copyHashed(ctx, tmp, r)
	}
	if err = errors.Join(err, tmp.Chmod(0o444), tmp.Close()); err != nil {
		return written{}, errors.Join(err, os.Remove(tmp.Name()))
	}
	return written{tmp.Name(), d}, nil
}

// fewFiles is up to how many files are synced one by one; of more, the file system is, which costs about as much as a few of them.
const fewFiles = 8

// nameAll gives whole files their names, once they are on disk, and removes the temporary ones.
func (s *Store) nameAll(all []written) (err error) {
	var files, folders []string
	for _, w := range all {
		defer os.Remove(w.tmp)
		files = append(files, w.tmp)
	}
	if err := syncAll(files); err != nil {
		return err
	}
	for _, w := range all {
		path, err := s.ObjectPath(w.digest)
		if err != nil {
			return err
		}
		if err := s.name(w.tmp, w.digest, path); err != nil {
			return err
		}
		folders = append(folders, filepath.Dir(path))
	}
	slices.Sort(folders)
	return syncAll(slices.Compact(folders))
}

// name makes a whole file the object of that digest. One that is there already stays, if its content is right.
func (s *Store) name(tmp string, d plan.Digest, path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	for range 3 {
		err = linkUnsynced(tmp, path)
		if !errors.Is(err, os.ErrExist) {
			return err
		}
		if err = s.verify(d); !errors.Is(err, ErrMissing) {
			return err
		}
	}
	return err
}

// Has tells whether an object is there, without looking at its content.
func (s *Store) Has(d plan.Digest) bool {
	path, err := s.ObjectPath(d)
	if err != nil {
		return false
	}
	_, err = os.Stat(path)
	return err == nil
}

// Get returns an object's content, checked against its digest. Errors are MissingError, CorruptError or the disk's.
func (s *Store) Get(d plan.Digest) ([]byte, error) {
	path, err := s.ObjectPath(d)
	if err != nil {
		return nil, err
	}
	if err := s.regular(d, path); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &MissingError{d}
	}
	if err != nil {
		return nil, fmt.Errorf("reading an object: %w", err)
	}
	if got := plan.HashBytes(data); got != d {
		return nil, s.quarantine(d, got)
	}
	return data, nil
}

// verify checks an object's content, once per process as long as its file is untouched.
func (s *Store) verify(d plan.Digest) error {
	path, err := s.ObjectPath(d)
	if err != nil {
		return err
	}
	if err := s.regular(d, path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return &MissingError{d}
	}
	if err != nil {
		return fmt.Errorf("reading an object: %w", err)
	}
	defer f.Close()
	before, err := stampOf(f)
	if err != nil {
		return fmt.Errorf("reading an object: %w", err)
	}
	before.Ctime = 0 // moves with every link to the object
	if s.wasVerified(d, before) {
		return nil
	}
	got, err := copyHashed(context.Background(), io.Discard, f)
	if err != nil {
		return fmt.Errorf("reading object %s: %w", d, err)
	}
	if got != d {
		return s.quarantine(d, got)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verified[d] = before
	return nil
}

// regular moves aside what stands in an object's place and is no file: a folder, a link, a pipe.
func (s *Store) regular(d plan.Digest, path string) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return s.quarantine(d, "")
	}
	return nil
}

func (s *Store) wasVerified(d plan.Digest, now stamp) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, ok := s.verified[d]
	return ok && seen == now
}

// quarantine moves a corrupt object aside and returns the CorruptError that says so.
func (s *Store) quarantine(d, got plan.Digest) error {
	path, err := s.ObjectPath(d)
	if err != nil {
		return err
	}
	hex, _ := d.Hex()
	to, err := s.moveAside(path, hex)
	if err != nil {
		return fmt.Errorf("moving a corrupt object aside: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.verified, d)
	return &CorruptError{Digest: d, Got: got, Quarantine: to}
}

// copyHashed copies r to w and returns the digest of what it copied.
func copyHashed(ctx context.Context, w io.Writer, r io.Reader) (plan.Digest, error) {
	h := blake3.New()
	buf := make([]byte, 1<<18)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.Read(buf)
		_, _ = h.Write(buf[:n])
		if _, werr := w.Write(buf[:n]); werr != nil {
			return "", werr
		}
		if errors.Is(err, io.EOF) {
			return plan.SumDigest(h.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}
