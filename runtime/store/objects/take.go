package objects

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
	"github.com/mlp-lang/mlp/runtime/store/seal"
)

// Files that become objects.
//
// What a stage has written is a file on the store's own file system already. To copy it writes every byte once more, and costs a tiny
// stage the making of one file and the removal of another. So the file itself is moved to where temporary files are, and is
// from then on one of those, which is synced and linked to its key.
//
// Nobody may change an object. So a file is taken only where nobody can any more, and else it is copied:
//
//   - it has no other name, by which it could be opened;
//   - it is this user's, or this user is root and makes it so; then it is read-only;
//   - nobody has it open to write, which the kernel says (unwritten), now that nobody can open it anew.
//
// Only then its content is read, for its digest.

// takeFile adds a file that is given up, which was opened at a path.
func (b *Batch) takeFile(f *os.File, path string) (plan.Digest, error) {
	tmp, err := b.objects.take(f, path)
	if err != nil {
		return "", err
	}
	if tmp == "" {
		return b.put(f)
	}
	w := written{tmp: tmp}
	there := false
	if w.stamp, err = scratch.StampOf(f); err == nil {
		w.digest, err = seal.Copy(b.ctx, io.Discard, f)
	}
	if err == nil && w.stamp.Size <= smallFile {
		there, err = b.isThere(w.digest)
	}
	if there || err != nil {
		return w.digest, errors.Join(err, os.Remove(tmp))
	}
	return w.digest, b.add(w)
}

// take makes the file at a path a temporary one of this process, which nobody can change; "": it is to be copied.
func (o *Objects) take(f *os.File, path string) (string, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	foreign := ok && int(stat.Uid) != os.Geteuid()
	if !ok || stat.Nlink != 1 || foreign && os.Geteuid() != 0 {
		return "", nil
	}
	tmp, err := o.place.Take(path)
	if err != nil {
		return "", nil // it lies on another file system, say
	}
	moved, err := os.Lstat(tmp)
	if err == nil && !os.SameFile(info, moved) {
		err = fmt.Errorf("%s was replaced while it was stored", path)
	}
	if err == nil && foreign {
		err = f.Chown(os.Geteuid(), os.Getegid())
	}
	if err = errors.Join(err, f.Chmod(0o444)); err != nil {
		return "", errors.Join(err, os.Remove(tmp))
	}
	if !unwritten(f) {
		return "", os.Remove(tmp)
	}
	return tmp, nil
}

// taken remembers of files that were taken, and have their keys now, that their content was read.
func (o *Objects) taken(files []written, had []local.Staged) {
	others := map[string]bool{}
	for _, s := range had {
		others[s.Path] = true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range files {
		if w.stamp != (scratch.Stamp{}) && !others[w.tmp] {
			w.stamp.Ctime = 0
			o.verified[w.digest] = w.stamp
		}
	}
}
