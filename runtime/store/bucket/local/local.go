// Package local is a bucket in a folder. A value is a file whose path below the folder is its key: a temporary file that is
// whole and on the disk before it is linked to its name, which must not exist. So a value survives whatever is killed, and of
// two writers the kernel tells one that the name is taken.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// pageSize is how many keys a page has: a folder is read whole for each page.
const pageSize = 100_000

// Bucket is a folder of values. It is a bucket.Bucket, and can besides say which file holds a value. It is safe for concurrent use,
// also by several processes on one folder.
type Bucket struct {
	dir  string
	temp *scratch.Place
	page int
	disk Disk

	top   string // the folder above which nothing is this bucket's
	names names

	contents, named *group // of those who put at the same time
}

// Open returns the bucket in a folder, which is created when something is first written. Temporary files are made in the
// given place, which must lie on the same file system.
func Open(dir string, temp *scratch.Place) *Bucket {
	return On(&machine{}, dir, temp)
}

// On is Open on another disk than this machine's.
func On(disk Disk, dir string, temp *scratch.Place) *Bucket {
	b := &Bucket{dir: dir, temp: temp, page: pageSize, disk: disk, top: above(dir), names: names{settled: map[string]bool{}}}
	b.contents, b.named = newGroup(b.syncContents), newGroup(b.nameAll)
	return b
}

// Path is the file of a key's value, whether it is there or not. Nobody but this package writes to it.
func (b *Bucket) Path(key string) string { return filepath.Join(b.dir, filepath.FromSlash(key)) }

// Get is as bucket.Bucket says.
func (b *Bucket) Get(ctx context.Context, key string, r bucket.Range) (*bucket.Value, error) {
	f, info, err := b.File(key)
	if err != nil {
		return nil, err
	}
	if r == (bucket.Range{}) {
		return &bucket.Value{ReadCloser: f, Size: info.Size()}, nil
	}
	length := r.Length
	if length <= 0 {
		length = max(info.Size()-r.Offset, 0)
	}
	return &bucket.Value{ReadCloser: section{io.NewSectionReader(f, r.Offset, length), f}, Size: info.Size()}, nil
}

// section is a part of a file; closing it closes the file.
type section struct {
	io.Reader
	io.Closer
}

// File opens a value's file. A pipe in its place is not waited for, a link is not followed.
func (b *Bucket) File(key string) (*os.File, fs.FileInfo, error) {
	if err := bucket.Check(key); err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(b.Path(key), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENXIO): // a link; a socket
		return nil, nil, &bucket.IrregularError{Key: key}
	case errors.Is(err, syscall.ENOTDIR): // a file in the place of a folder
		return nil, nil, &fs.PathError{Op: "open", Path: b.Path(key), Err: fs.ErrNotExist}
	case err != nil:
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &bucket.IrregularError{Key: key}
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// PutNew is as bucket.Bucket says.
func (b *Bucket) PutNew(ctx context.Context, key string, content io.Reader) error {
	return b.put(ctx, key, content, false)
}

// Replace is as bucket.Bucket says.
func (b *Bucket) Replace(ctx context.Context, key string, content io.Reader) error {
	return b.put(ctx, key, content, true)
}

// put writes a temporary file and has it named.
func (b *Bucket) put(ctx context.Context, key string, content io.Reader, replace bool) error {
	if err := bucket.Check(key); err != nil {
		return err
	}
	tmp, err := b.write(ctx, content)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	n := &naming{from: tmp, to: b.Path(key), replace: replace}
	if err := b.name([]*naming{n}); err != nil {
		return err
	}
	if n.had {
		return &fs.PathError{Op: "put", Path: n.to, Err: fs.ErrExist}
	}
	return nil
}

// write makes a temporary file of what is to be put; after an error there is none. It is not synced yet, which naming does.
func (b *Bucket) write(ctx context.Context, content io.Reader) (string, error) {
	f, err := b.temp.File("file-")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, stopping{ctx, content})
	if err = errors.Join(err, ctx.Err(), f.Chmod(0o644), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// stopping is a reader that ends with its context.
type stopping struct {
	ctx context.Context
	io.Reader
}

// Read fails once the context has ended, however much there is to read.
func (s stopping) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

// Staged is a whole temporary file, on the bucket's file system, that is to be the value of a key.
type Staged struct{ Key, Path string }

// PutStaged gives many files their keys at once, which costs less than one after the other: all are on the disk before the
// first has its key, and all have theirs for good when PutStaged returns. It returns those whose key had a value already, which
// are changed as little as by PutNew. The temporary files stay.
func (b *Bucket) PutStaged(all []Staged) (had []Staged, err error) {
	var names []*naming
	for _, s := range all {
		if err := bucket.Check(s.Key); err != nil {
			return nil, err
		}
		names = append(names, &naming{from: s.Path, to: b.Path(s.Key)})
	}
	if err := b.name(names); err != nil {
		return nil, err
	}
	for i, n := range names {
		if n.had {
			had = append(had, all[i])
		}
	}
	return had, nil
}

// List is as bucket.Bucket says. It also has the keys in whose place something else than a file or a folder stands.
func (b *Bucket) List(ctx context.Context, prefix, after string) (bucket.Page, error) {
	if err := bucket.CheckPrefix(prefix); err != nil {
		return bucket.Page{}, err
	}
	var page bucket.Page
	folder := prefix[:strings.LastIndexByte(prefix, '/')+1]
	err := b.walk(ctx, folder, prefix, after, &page)
	if errors.Is(err, errPageFull) {
		err = nil
	}
	return page, err
}

// errPageFull ends a walk that has the keys of a page.
var errPageFull = errors.New("the page is full")

// walk adds the keys below a folder, whose name is empty or ends with a slash. A folder sorts as its keys do, by its name and
// a slash.
func (b *Bucket) walk(ctx context.Context, folder, prefix, after string, page *bucket.Page) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(b.Path(folder))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing a bucket: %w", err)
	}
	keys := make([]string, 0, len(entries))
	for _, e := range entries {
		key := folder + e.Name()
		if bucket.Check(key) != nil {
			continue // not a value's: nobody can ask for it
		}
		if e.IsDir() {
			key += "/"
		}
		if strings.HasPrefix(key, prefix) || strings.HasPrefix(prefix, key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		switch {
		case strings.HasSuffix(key, "/"):
			if key < after && !strings.HasPrefix(after, key) {
				continue // all that is below comes before
			}
			if err := b.walk(ctx, key, prefix, after, page); err != nil {
				return err
			}
		case key <= after:
		case len(page.Keys) == b.page:
			page.More = true
			return errPageFull
		default:
			page.Keys = append(page.Keys, key)
		}
	}
	return nil
}

// Strays are the keys of so many names below a prefix, which ends with a slash, in whose place a folder stands, sorted. No list has
// them.
func (b *Bucket) Strays(ctx context.Context, prefix string, names int) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(b.Path(prefix))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing a bucket: %w", err)
	}
	var out []string
	for _, e := range entries {
		key := prefix + e.Name()
		switch {
		case !e.IsDir() || bucket.Check(key) != nil:
		case names == 1:
			out = append(out, key)
		default:
			below, err := b.Strays(ctx, key+"/", names-1)
			if err != nil {
				return nil, err
			}
			out = append(out, below...)
		}
	}
	return out, nil
}

// Move is as bucket.Bucket says, and also moves what stands in the place of a value and is none.
// Neither name is synced: what is moved aside is damaged, and is found so again after a power cut.
func (b *Bucket) Move(ctx context.Context, from, to string) error {
	if err := errors.Join(bucket.Check(from), bucket.Check(to), ctx.Err()); err != nil {
		return err
	}
	source, target := b.Path(from), b.Path(to)
	if err := b.mkdir(filepath.Dir(target)); err != nil {
		return err
	}
	info, err := os.Lstat(source)
	if err != nil {
		return err
	}
	if old, err := os.Lstat(target); err == nil && (old.IsDir() || info.IsDir()) {
		if err := os.RemoveAll(target); err != nil { // a folder does not take the place of a file, nor a file that of a folder
			return err
		}
	}
	if err := b.disk.Rename(source, target); err != nil {
		return err
	}
	b.forget(source)
	b.forget(target)
	return nil
}

// Delete is as bucket.Bucket says.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if err := errors.Join(bucket.Check(key), ctx.Err()); err != nil {
		return err
	}
	err := os.Remove(b.Path(key))
	b.forget(b.Path(key))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return err
}
