package local

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// linkNew gives a whole, synced file a second name that must not exist yet, and syncs the folder. The error is
// os.ErrExist if somebody else was first. Where hard links don't work the name is created exclusively and filled, so
// that a reader may see it before it is whole: readers check digests.
func linkNew(tmp, path string) error {
	if err := linkUnsynced(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// linkUnsynced leaves it to the caller to sync the folder.
func linkUnsynced(tmp, path string) error {
	err := os.Link(tmp, path)
	if err != nil && !errors.Is(err, os.ErrExist) && linksUnsupported(err) {
		return copyNew(tmp, path)
	}
	return err
}

// fewFiles is up to how many files are synced one by one; of more, the file system is, which costs about as much as a few of them.
const fewFiles = 8

func linksUnsupported(err error) bool {
	for _, e := range []error{syscall.EPERM, syscall.ENOTSUP, syscall.EXDEV, syscall.EMLINK, syscall.ENOSYS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func copyNew(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return nil
}

func syncDir(dir string) error { return syncEach([]string{dir}) }

func syncEach(paths []string) error {
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Link makes a value appear as a read-only file at a path: as a hard link to it where that can be, else, and where it is to be
// executable, as a copy. Somebody must have looked whether it is right.
func (b *Bucket) Link(key, path string, executable bool) error {
	from := b.Path(key)
	if !executable {
		err := os.Link(from, path)
		if err == nil || !linksUnsupported(err) {
			return err
		}
	}
	if err := copyNew(from, path); err != nil {
		return err
	}
	if executable {
		return os.Chmod(path, 0o555)
	}
	return os.Chmod(path, 0o444)
}
