package docker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// looked bounds how many files explain looks at.
const looked = 10000

// explain adds to the log of a failed stage what it can't know itself: that an input is not for its user to read.
func (e engine) explain(t executor.Task) {
	if os.Getuid() != 0 || e.rootless || t.Log == nil {
		return
	}
	for _, in := range t.Inputs {
		if path, mode := unreadableOf(in, t.Spec.Files[in.Port]); path != "" {
			fmt.Fprintf(t.Log, "note: stages of root run as user %d, who may not read %s (%v); make it readable: chmod -R o+rX %s\n",
				nobody, path, mode, path)
			return
		}
	}
}

// unreadableOf finds the first file or folder of an input that not everybody may read: of files from outside of those that the stage reads, whatever lies
// beside them.
func unreadableOf(in executor.Input, files []string) (found string, mode fs.FileMode) {
	if files == nil {
		return unreadable(in.Path)
	}
	for _, name := range files {
		path := in.Path
		for _, step := range append([]string{"."}, strings.Split(name, "/")...) {
			path = filepath.Join(path, step)
			info, err := os.Stat(path)
			if err != nil {
				break
			}
			if mode := info.Mode(); !openTo(mode) {
				return path, mode
			}
		}
	}
	return "", 0
}

// openTo reports whether everybody may read a file, or enter and read a folder.
func openTo(mode fs.FileMode) bool {
	want := fs.FileMode(0o004)
	if mode.IsDir() {
		want = 0o005
	}
	return mode.Perm()&want == want
}

// unreadable finds the first file or folder that not everybody may read.
// A folder must be enterable too. Empty where all can be read, as far as was looked.
func unreadable(root string) (found string, mode fs.FileMode) {
	n := 0
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if n++; err != nil || n > looked {
			return fs.SkipAll
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fs.SkipAll
		}
		if (d.IsDir() || d.Type().IsRegular()) && !openTo(info.Mode()) {
			found, mode = path, info.Mode()
			return fs.SkipAll
		}
		return nil
	})
	return found, mode
}
