package store

import (
	"archive/tar"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zeebo/blake3"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// keptPrefix begins the keys of what stages keep between attempts, in a bucket elsewhere: there an attempt finds it that is made on another
// machine. Each time that something is kept it has a key of its own,
//
//	checkpoints/<64 digits of the fingerprint>/<milliseconds since 1970>-<64 digits of the content>.tar
//
// so that nothing is replaced, and the last one counts. Losing one costs time, and no result.
const keptPrefix = "checkpoints/"

// keptOf are the keys of what is kept under a fingerprint, the oldest first.
func (s *Store) keptOf(ctx context.Context, fp plan.Digest) (prefix string, keys []string, err error) {
	digits, err := fp.Hex()
	if err != nil {
		return "", nil, err
	}
	prefix = keptPrefix + digits + "/"
	for key, err := range bucket.Keys(ctx, s.far.bucket, prefix, "") {
		if err != nil {
			return "", nil, fmt.Errorf("finding what earlier attempts kept: %w", err)
		}
		keys = append(keys, key)
	}
	return prefix, keys, nil
}

// Keep puts a folder into a bucket elsewhere, for the next attempt at a fingerprint. An empty folder is nothing to keep, and a store
// that is a folder has it already (Checkpoint).
func (s *Store) Keep(ctx context.Context, fp plan.Digest, dir string) error {
	return s.KeepIf(ctx, fp, dir, func() error { return nil })
}

// KeepIf keeps a folder that somebody may be writing to: fits is asked once all of it has been read, and its error is returned in place of keeping anything.
func (s *Store) KeepIf(ctx context.Context, fp plan.Digest, dir string, fits func() error) error {
	if s.far == nil {
		return nil
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) == 0 {
		return err
	}
	temp, err := s.Temp("kept-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	f, err := os.Create(filepath.Join(temp, "tar"))
	if err != nil {
		return err
	}
	defer f.Close()
	sum, now := blake3.New(), time.Now()
	if err := pack(io.MultiWriter(f, sum), dir); err != nil {
		return fmt.Errorf("reading what the stage kept: %w", err)
	}
	if err := fits(); err != nil {
		return err
	}
	prefix, older, err := s.keptOf(ctx, fp)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	key := fmt.Sprintf("%s%013d-%s.tar", prefix, now.UnixMilli(), hex.EncodeToString(sum.Sum(nil)))
	if err := s.far.bucket.PutNew(ctx, key, f); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("storing what the stage kept: %w", err)
	}
	older = slices.DeleteFunc(older, func(k string) bool { return k >= key }) // of an attempt that goes on elsewhere
	return bucket.DeleteAll(ctx, s.far.bucket, older)
}

// Fetch lays out in an empty folder what an attempt before kept under a fingerprint in a bucket elsewhere, the last that is whole. It returns false where
// there is none.
func (s *Store) Fetch(ctx context.Context, fp plan.Digest, dir string) (bool, error) {
	if s.far == nil {
		return false, nil
	}
	_, keys, err := s.keptOf(ctx, fp)
	if err != nil {
		return false, err
	}
	for _, key := range slices.Backward(keys) {
		whole, err := s.fetch(ctx, key, dir)
		if whole || err != nil && !errors.Is(err, fs.ErrNotExist) { // it may have gone since
			return whole, err
		}
	}
	return false, nil
}

// fetch makes the folder appear as a whole, or not at all.
func (s *Store) fetch(ctx context.Context, key, dir string) (whole bool, err error) {
	v, err := s.far.bucket.Get(ctx, key, bucket.Range{})
	if err != nil {
		return false, fmt.Errorf("reading what an earlier attempt kept: %w", err)
	}
	defer v.Close()
	temp, err := s.Temp("kept-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(temp)
	sum, made := blake3.New(), filepath.Join(temp, "dir")
	in := io.TeeReader(v, sum)
	wrong := os.Mkdir(made, 0o700)
	if wrong == nil {
		wrong = unpack(in, made)
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return false, fmt.Errorf("reading what an earlier attempt kept: %w", err)
	}
	if !strings.HasSuffix(key, "-"+hex.EncodeToString(sum.Sum(nil))+".tar") {
		return false, nil // it is not what was put there
	}
	if wrong = cmp.Or(wrong, os.Remove(dir)); wrong == nil {
		wrong = os.Rename(made, dir)
	}
	if wrong != nil {
		return false, fmt.Errorf("laying out what an earlier attempt kept: %w", wrong)
	}
	return true, nil
}

// Forget removes what attempts kept under a fingerprint in a bucket elsewhere.
func (s *Store) Forget(ctx context.Context, fp plan.Digest) error {
	if s.far == nil {
		return nil
	}
	_, keys, err := s.keptOf(ctx, fp)
	return cmp.Or(err, bucket.DeleteAll(ctx, s.far.bucket, keys))
}

// ForgetKept removes what attempts kept in a bucket elsewhere before a time, whatever stages they were at, and returns how many there were.
func (s *Store) ForgetKept(ctx context.Context, before time.Time) (int, error) {
	if s.far == nil {
		return 0, nil
	}
	var old []string
	for key, err := range bucket.Keys(ctx, s.far.bucket, keptPrefix, "") {
		if err != nil {
			return 0, fmt.Errorf("finding what attempts kept: %w", err)
		}
		at, _, _ := strings.Cut(key[strings.LastIndexByte(key, '/')+1:], "-")
		if ms, err := strconv.ParseInt(at, 10, 64); err == nil && time.UnixMilli(ms).Before(before) {
			old = append(old, key)
		}
	}
	return len(old), bucket.DeleteAll(ctx, s.far.bucket, old)
}

// pack writes the files, folders and links of a folder, in the order of their names. What else is there, such as a socket, is left out.
func pack(to io.Writer, dir string) error {
	w := tar.NewWriter(to)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir || e.Type()&^(fs.ModeDir|fs.ModeSymlink) != 0 {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		h := &tar.Header{Name: filepath.ToSlash(name), Mode: int64(info.Mode().Perm()), ModTime: info.ModTime(), Format: tar.FormatPAX}
		switch {
		case e.IsDir():
			h.Typeflag = tar.TypeDir
			return w.WriteHeader(h)
		case e.Type() == fs.ModeSymlink:
			h.Typeflag = tar.TypeSymlink
			if h.Linkname, err = os.Readlink(path); err != nil {
				return err
			}
			return w.WriteHeader(h)
		}
		h.Typeflag, h.Size = tar.TypeReg, info.Size()
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err = io.CopyN(w, f, info.Size())
		return err
	})
	return errors.Join(err, w.Close())
}

// unpack makes in a folder what pack wrote, and nothing outside of it. Times of files are as they were, since programs find the last one by them.
func unpack(from io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for t := tar.NewReader(from); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.FromSlash(h.Name)
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.Mkdir(name, fs.FileMode(h.Mode)&fs.ModePerm|0o700)
		case tar.TypeSymlink:
			err = root.Symlink(h.Linkname, name)
		case tar.TypeReg:
			err = unpackFile(root, name, t, h)
		}
		if err != nil {
			return err
		}
	}
}

func unpackFile(root *os.Root, name string, from io.Reader, h *tar.Header) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fs.FileMode(h.Mode)&fs.ModePerm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close(), root.Chtimes(name, h.ModTime, h.ModTime))
}
