package local

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// linksUnsupported reports whether a file system makes no link here: it has none, the file is elsewhere, or has as many as it may.
func linksUnsupported(err error) bool {
	for _, e := range []error{syscall.EPERM, syscall.ENOTSUP, syscall.EXDEV, syscall.EMLINK, syscall.ENOSYS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// copyNew stands in for a link where hard links don't work: the name is created exclusively and then filled, so that a reader may see it before
// it is whole. Readers check digests.
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
