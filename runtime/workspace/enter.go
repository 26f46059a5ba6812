package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/stdlib"
)

// CheckName refuses what cannot be the name of a workspace. The name becomes part of paths in the store (log/fraud/dev/…), so letters
// that a path could not have on some system, or that would lead out of the store ("../x"), are refused.
func CheckName(name string) error {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == "" && name != "" {
		return nil
	}
	return &Failure{Err: fmt.Errorf("%q is no name of a workspace", name), Hint: "Use lower-case letters, digits, - and _."}
}

// Enter makes the workspace ready for use cases: the names of it and its base are checked, Dir as the user wrote it becomes Given and is made
// absolute, and the data roots are opened, of which allowed are those that the user named. The folder must exist.
func (w *Workspace) Enter(allowed []string) error {
	if err := CheckName(w.Name); err != nil {
		return err
	}
	if w.Base != "" {
		if err := CheckName(w.Base); err != nil {
			return err
		}
	}
	dir, err := filepath.Abs(w.Dir)
	if err != nil { // nobody may look at where mlp was started
		return fmt.Errorf("the folder %s cannot be entered: %w", w.Dir, err)
	}
	info, err := os.Stat(dir)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no folder %s", w.Dir)
	}
	if err != nil {
		return fmt.Errorf("the folder %s cannot be entered: %w", w.Dir, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is a file; -C takes a folder of .mlp files", w.Dir)
	}
	w.Given, w.Dir = w.Dir, dir
	if w.Roots, err = OpenDataRoots(allowed); err == nil {
		w.Roots = w.Roots.Of(dir)
		w.Roots.log = w.logFolder
	}
	return err
}

// Addresses are those of the blocks that stand in the files, sorted, also where the files have mistakes. Instances of
// repeated blocks are not told apart: train.model stands for train.model["eu"] and train.model["us"].
func (w *Workspace) Addresses() []string {
	files, _ := syntax.ReadDir(w.Dir)
	parsed, _ := syntax.Parse(files, stdlib.Catalog())
	var out []string
	for _, b := range parsed.Blocks {
		out = append(out, b.Address)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// InRepository is a file of the module as seen from the root of the repository, with forward slashes: what GitHub and
// readers of SARIF know it by. The root is GITHUB_WORKSPACE, or else where the program was started. A file that cannot be
// seen from there keeps its name.
func (w *Workspace) InRepository(file string) string {
	if file == "" {
		return ""
	}
	root := os.Getenv("GITHUB_WORKSPACE")
	if root == "" {
		var err error
		if root, err = os.Getwd(); err != nil {
			return file
		}
	}
	rel, err := filepath.Rel(root, filepath.Join(w.Dir, filepath.FromSlash(file)))
	if err != nil {
		return file
	}
	return filepath.ToSlash(rel)
}
