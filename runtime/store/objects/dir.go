package objects

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// manifestFormat marks a blob that lists a directory.
const manifestFormat = "mlp.directory/1"

// Dir lists a directory's files, sorted by name. Its JSON without space is the directory's object.
type Dir struct {
	Format string  `json:"format"`
	Files  []Entry `json:"files"`
}

// Entry is one file. Names are relative, with forward slashes. Of the mode only the executable bit is kept; folders are
// there as far as files are in them.
type Entry struct {
	Name       string      `json:"name"`
	Size       int64       `json:"size"`
	Digest     plan.Digest `json:"digest"`
	Executable bool        `json:"executable,omitempty"`
}

// Size is the sum of all files, in bytes.
func (d *Dir) Size() int64 {
	var n int64
	for _, e := range d.Files {
		n += e.Size
	}
	return n
}

// FileError names what in a folder cannot be stored.
type FileError struct {
	Name string // relative to the folder
	Why  string
}

func (e *FileError) Error() string { return fmt.Sprintf("%s: %s", e.Name, e.Why) }

// PutDir stores a folder of regular files and returns the digest of its list. Symbolic links, devices, pipes and
// sockets are refused with a FileError.
func (o *Objects) PutDir(ctx context.Context, dir string, tell func(done, total int)) (d plan.Digest, err error) {
	err = o.Together(ctx, func(b *Batch) error {
		d, _, err = b.PutDir(dir, tell)
		return err
	})
	return d, err
}

// PutList stores the list of a directory whose files are objects already.
func (o *Objects) PutList(ctx context.Context, files []Entry) (d plan.Digest, err error) {
	err = o.Together(ctx, func(b *Batch) error {
		d, err = b.PutList(files)
		return err
	})
	return d, err
}

// PutDir adds a folder of regular files, as Objects.PutDir says, and returns the digest of its list and the number of its files.
//
// Tell, which may be nil, is called with how many files of how many were read.
func (b *Batch) PutDir(dir string, tell func(done, total int)) (plan.Digest, int, error) {
	return b.putDir(dir, b.putFile, tell)
}

// TakeDir is PutDir of a folder whose files are given up, whether the batch is stored or not: where that can be, they are not copied, but
// become objects themselves (take.go).
func (b *Batch) TakeDir(dir string, tell func(done, total int)) (plan.Digest, int, error) {
	return b.putDir(dir, func(f *os.File, name string) (plan.Digest, error) {
		return b.takeFile(f, filepath.Join(dir, filepath.FromSlash(name)))
	}, tell)
}

// putDir has each of the files put, by its name in the folder.
func (b *Batch) putDir(dir string, put func(*os.File, string) (plan.Digest, error), tell func(done, total int)) (plan.Digest, int, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", 0, fmt.Errorf("storing a folder: %w", err)
	}
	defer root.Close()
	var names []string
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." || d.IsDir() {
			return err
		}
		if why := refusal(name, d.Type()); why != "" {
			return &FileError{name, why}
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		return "", 0, fmt.Errorf("storing a folder: %w", err)
	}
	files := make([]Entry, len(names))
	for i, name := range names {
		if files[i], err = putEntry(root, name, put); err != nil {
			return "", 0, fmt.Errorf("storing a folder: %w", err)
		}
		if tell != nil && ((i+1)%batchFiles == 0 || i+1 == len(names)) {
			tell(i+1, len(names))
		}
	}
	d, err := b.PutList(files)
	return d, len(files), err
}

// putFile adds a copy of a file.
func (b *Batch) putFile(f *os.File, _ string) (plan.Digest, error) { return b.put(f) }

// putEntry has one file put. It is looked at again once it is open: what was a regular file in the listing may be a pipe by now, which
// would be waited for.
func putEntry(root *os.Root, name string, put func(*os.File, string) (plan.Digest, error)) (Entry, error) {
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return Entry{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Entry{}, err
	}
	if why := refusal(name, info.Mode()); why != "" {
		return Entry{}, &FileError{name, why}
	}
	d, err := put(f, name)
	return Entry{Name: name, Size: info.Size(), Digest: d, Executable: info.Mode()&0o111 != 0}, err
}

// refusal says why a file cannot be part of a stored folder; empty if it can.
func refusal(name string, mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "is a symbolic link; only regular files can be stored, copy what it points to"
	case !mode.IsRegular():
		return "is a device, pipe or socket; only regular files can be stored"
	case !utf8.ValidString(name) || strings.ContainsAny(name, "\\\x00"):
		return "has a name that is not UTF-8, or has a backslash in it"
	}
	return ""
}

// PutList adds the list of a directory whose files are objects, or are in the batch.
// The list is sorted here, so that the same files have the same digest in whatever order they are given.
func (b *Batch) PutList(files []Entry) (plan.Digest, error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	data, err := json.Marshal(Dir{Format: manifestFormat, Files: append([]Entry{}, files...)})
	if err != nil {
		return "", fmt.Errorf("storing a folder: %w", err)
	}
	return b.PutBytes(data)
}

// OpenDir reads the list of a directory. Its files may be missing.
// A list that names a file outside of the folder, such as ../x, is an error: it is not one that was put by this package.
func (o *Objects) OpenDir(ctx context.Context, d plan.Digest) (*Dir, error) {
	data, err := o.Get(ctx, d)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var list Dir
	if err := dec.Decode(&list); err != nil || list.Format != manifestFormat {
		return nil, fmt.Errorf("object %s is no directory", d)
	}
	for i, e := range list.Files {
		local := filepath.IsLocal(filepath.FromSlash(e.Name)) && path.Clean(e.Name) == e.Name && e.Name != "."
		if !local || (i > 0 && list.Files[i-1].Name >= e.Name) {
			return nil, fmt.Errorf("directory %s lists %q, which is out of order or leaves the folder", d, e.Name)
		}
	}
	return &list, nil
}

// Verify checks that a directory and all its files are there and are what their digests say.
// It reads all of them. Content that is wrong is moved aside, and counts as missing from then on.
func (o *Objects) Verify(ctx context.Context, d plan.Digest) error {
	list, err := o.OpenDir(ctx, d)
	if err != nil {
		return err
	}
	for _, e := range list.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := o.verify(ctx, e.Digest); err != nil {
			return err
		}
	}
	return nil
}

// ReadFile returns one file of a directory, checked.
func (o *Objects) ReadFile(ctx context.Context, d plan.Digest, name string) ([]byte, error) {
	list, err := o.OpenDir(ctx, d)
	if err != nil {
		return nil, err
	}
	for _, e := range list.Files {
		if e.Name == name {
			return o.Get(ctx, e.Digest)
		}
	}
	return nil, fmt.Errorf("directory %s has no file %q: %w", d, name, os.ErrNotExist)
}

// Materialize makes a directory appear at dest, which must not exist or be empty. Files are hard links to the objects,
// read-only, after their content was checked; executables and files that cannot be linked are copies. Errors of the
// store's own are MissingError and CorruptError.
func (o *Objects) Materialize(ctx context.Context, d plan.Digest, dest string) error {
	list, err := o.OpenDir(ctx, d)
	if err != nil {
		return err
	}
	if err := makeFolder(dest); err != nil {
		return fmt.Errorf("laying out a folder: %w", err)
	}
	if err := o.bring(ctx, list.Files); err != nil {
		return err
	}
	for _, e := range list.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := o.materialize(ctx, e, dest); err != nil {
			return fmt.Errorf("laying out %s: %w", e.Name, err)
		}
	}
	return nil
}

// bring fetches files that are not on the shelf, several at once.
func (o *Objects) bring(ctx context.Context, files []Entry) error {
	if o.far == nil {
		return nil
	}
	asked, missing := map[plan.Digest]bool{}, int64(0)
	for _, e := range files {
		key, err := Key(e.Digest)
		if err != nil {
			return err
		}
		if has, err := bucket.Has(ctx, o.shelf, key); !asked[e.Digest] && !has && err == nil {
			missing += e.Size
		}
		asked[e.Digest] = true
	}
	g, ctx := errgroup.WithContext(newMeter(ctx, true, missing).with(ctx))
	g.SetLimit(transfers)
	for _, e := range files {
		if !asked[e.Digest] {
			continue
		}
		asked[e.Digest] = false
		g.Go(func() error {
			if err := o.verify(ctx, e.Digest); err != nil {
				return fmt.Errorf("laying out %s: %w", e.Name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// materialize links one file into a folder, its content verified. Links share the object's bytes, so that files are read
// only.
func (o *Objects) materialize(ctx context.Context, e Entry, dest string) error {
	if err := o.verify(ctx, e.Digest); err != nil {
		return err
	}
	key, err := Key(e.Digest)
	if err != nil {
		return err
	}
	to := filepath.Join(dest, filepath.FromSlash(e.Name))
	if err := makeFolder(filepath.Dir(to)); err != nil {
		return err
	}
	return o.shelf.Link(key, to, e.Executable)
}

// makeFolder creates a folder that a container's user can read, whatever the umask.
func makeFolder(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && info.IsDir() {
		return nil
	}
	if err := makeFolder(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// IsMissing returns the digest of the object that an error says is missing or was corrupt.
// Either way the stage that made the object can make it again.
func IsMissing(err error) (plan.Digest, bool) {
	var m *MissingError
	if errors.As(err, &m) {
		return m.Digest, true
	}
	var c *CorruptError
	if errors.As(err, &c) {
		return c.Digest, true
	}
	return "", false
}
