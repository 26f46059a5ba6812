package store

import (
	"errors"
	"fmt"
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

// WriteNew writes a small file that must not exist yet: whole or not at all, and on disk when it returns. The error is
// an os.ErrExist if there is one; nothing is changed then.
func (s *Store) WriteNew(path string, data []byte) error {
	tmp, err := s.writeTemp(data)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return linkNew(tmp, path)
}

// Replace writes a small file, replacing what is there: readers see the old or the new, never a part.
func (s *Store) Replace(path string, data []byte) error {
	tmp, err := s.writeTemp(data)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func (s *Store) writeTemp(data []byte) (string, error) {
	ses, err := s.open()
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(ses.dir, "file-")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// moveAside takes what is not what its name says out of the way, for whoever wants to look at it, and returns where it is. Of two
// files of one name the last is kept.
func (s *Store) moveAside(path, name string) (string, error) {
	if err := os.MkdirAll(s.Path("quarantine"), 0o755); err != nil {
		return "", err
	}
	to := s.Path("quarantine", name)
	if info, err := os.Lstat(to); err == nil && !info.Mode().IsRegular() {
		if err := os.RemoveAll(to); err != nil {
			return "", err
		}
	}
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		_ = os.Remove(to) // a folder does not take the place of a file
	}
	return to, ignoreMissing(os.Rename(path, to))
}
