package docker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
		if path, mode := unreadable(in.Path); path != "" {
			fmt.Fprintf(t.Log, "note: stages of root run as user %d, who may not read %s (%v); make it readable: chmod -R o+rX %s\n",
				nobody, path, mode, path)
			return
		}
	}
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
		want := fs.FileMode(0o004)
		if d.IsDir() {
			want = 0o005
		}
		if (d.IsDir() || d.Type().IsRegular()) && info.Mode().Perm()&want != want {
			found, mode = path, info.Mode()
			return fs.SkipAll
		}
		return nil
	})
	return found, mode
}
