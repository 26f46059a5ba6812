package fetch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
)

// stripped takes git's own files out of a checkout, refuses links that lead out of it, and returns its digest.
// A .git may also be a file, and lie in a folder of its own below, as those of submodules do.
func stripped(repo string) (plan.Digest, error) {
	var own []string
	err := filepath.WalkDir(repo, func(at string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == ".git" {
			own = append(own, at)
			if d.IsDir() {
				return fs.SkipDir
			}
		}
		return err
	})
	if err != nil {
		return "", err
	}
	for _, at := range own {
		if err := os.RemoveAll(at); err != nil {
			return "", err
		}
	}
	if err := confined(repo); err != nil {
		return "", err
	}
	return Digest(repo)
}

// confined refuses links that lead out of a folder.
// A link to what is not there is let pass, for reading it fails by itself; os.Root follows the others and stops at the edge.
func confined(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 {
			return err
		}
		if _, err := root.Stat(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the repository's link %s leads out of it", name)
		}
		return nil
	})
}

// entry is a file or link of a tree.
type entry struct {
	Name   string `json:"name"`
	Digest string `json:"digest,omitempty"`
	Link   string `json:"link,omitempty"`
}

// Digest covers the names and contents of all files and links below a folder; not their times and permissions. Files are digested
// in the order of their names, so that the digest is the same on every machine. Empty folders are not part of it, as they are none
// of git's.
func Digest(dir string) (plan.Digest, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	entries := []entry{}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		e := entry{Name: path.Clean(name)}
		if d.Type()&fs.ModeSymlink != 0 {
			e.Link, err = root.Readlink(name)
		} else {
			e.Digest, err = hashFile(root, name)
		}
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return "", err
	}
	return plan.Sum("module", entries)
}

// hashFile is the digest of a regular file; a pipe, which would be read for ever, is an error.
func hashFile(root *os.Root, name string) (string, error) {
	if info, err := root.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, fmt.Errorf("%s is no regular file", name))
	}
	f, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	d, _, err := digest.Read(f)
	return string(d), err
}

// ErrMissing: the repository was not fetched, or not at the commit that is pinned.
var ErrMissing = errors.New("not fetched")

// ErrAltered: what was fetched was changed since.
var ErrAltered = errors.New("changed since it was fetched")

// Verify makes sure that a folder of Get below dir is there and is what is pinned.
// All files are read each time: what is run from there is what was pinned.
func Verify(dir string, s Source, p Pin) error {
	at := filepath.Join(dir, s.Name(p))
	if info, err := os.Stat(at); err != nil || !info.IsDir() {
		return ErrMissing
	}
	if got, err := Digest(at); err != nil || got != p.Digest {
		return ErrAltered
	}
	return nil
}
