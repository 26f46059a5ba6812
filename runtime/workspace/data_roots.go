package workspace

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/component"
)

// DataRootVariable holds folders for --data-root where the flag is not given, separated as those of PATH are.
const DataRootVariable = "MLP_DATA_ROOT"

// DataRoots tells which files sources may read, and which of them messages may quote. Whoever writes a module chooses
// the paths, and is not always who runs it: a pull request with source "csv" { path = "/home/ci/.netrc" } could have
// mlp print in an error what its author is not to see. The zero value lets all files be read and quotes none. It is not
// changed by its methods.
type DataRoots struct {
	homes []string // the module's folder, and the one that it stands for, without links
	// log is the folder in which this machine has the log of a deployment.
	log   func(deployment string) (dir string, err error)
	given []string // allowed by who runs mlp, without links; none: files may lie anywhere, and outside of homes are not quoted
}

// OpenDataRoots takes the folders that are allowed, or else those of DataRootVariable. Each must exist; links in their
// paths are followed now, so that a link that is changed later does not open another folder. With none, files may lie
// anywhere.
func OpenDataRoots(given []string) (DataRoots, error) {
	if len(given) == 0 {
		given = filepath.SplitList(os.Getenv(DataRootVariable))
	}
	var r DataRoots
	for _, dir := range given {
		if dir == "" {
			continue
		}
		abs, err := filepath.Abs(dir)
		if err == nil {
			abs, err = filepath.EvalSymlinks(abs)
		}
		if err != nil {
			return r, &Failure{Err: fmt.Errorf("the data root %s cannot be found: %w", dir, err), Hint: "--data-root and " + DataRootVariable + " name folders that are there."}
		}
		r.given = append(r.given, abs)
	}
	return r, nil
}

// Of are the roots for modules in a folder, whose files may be read and quoted. The receiver is left as it was. A
// folder that cannot be found adds nothing.
func (r DataRoots) Of(dir string) DataRoots {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		r.homes = append(slices.Clone(r.homes), real)
	}
	return r
}

// allowed reports whether a file lies where messages may quote it. What lies in a hidden folder of the module, such as .git,
// belongs to other programs, and counts as lying elsewhere.
func (r DataRoots) allowed(file string) bool {
	for _, home := range r.homes {
		if rel, inside := below(home, file); inside && !strings.HasPrefix(rel, ".") && !strings.Contains(rel, "/.") {
			return true
		}
	}
	for _, root := range r.given {
		if _, inside := below(root, file); inside {
			return true
		}
	}
	return false
}

// below is a file's path within a folder, with forward slashes, and whether it lies there. Both are without links.
func below(root, file string) (rel string, inside bool) {
	rel, err := filepath.Rel(root, file)
	return filepath.ToSlash(rel), err == nil && filepath.IsLocal(rel)
}

// Quotable reports whether all files that lie below a root by these names may be quoted. Links are followed.
func (r DataRoots) Quotable(root string, names []string) bool {
	_, ok := r.outside(root, names)
	return !ok
}

// outside is the first file that lies where none may be quoted. A file that cannot be seen counts as lying there: what
// it leads to is not known.
func (r DataRoots) outside(root string, names []string) (string, bool) {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return root, true
	}
	for _, name := range names {
		file := filepath.Join(real, filepath.FromSlash(name))
		if info, err := os.Lstat(file); err != nil || info.Mode()&os.ModeSymlink != 0 {
			if file, err = filepath.EvalSymlinks(file); err != nil {
				return name, true
			}
		}
		if !r.allowed(file) {
			return name, true
		}
	}
	return "", false
}

// refuse is the error of files that may not be read: where roots are given, those outside of them.
func (r DataRoots) refuse(root string, names []string) error {
	if len(r.given) == 0 {
		return nil
	}
	name, found := r.outside(root, names)
	if !found {
		return nil
	}
	what := fmt.Sprintf("%s lies outside of the pipeline's folder and of the data roots", name)
	return &component.InputError{Summary: what, Detail: "Whoever runs mlp says with --data-root, or " + DataRootVariable + ", where data may lie.", Bare: what}
}

// Files asks a component which files a configuration means, as seen from a folder, and refuses those that may not be read.
func (r DataRoots) Files(kind, typ, dir string, config json.RawMessage) (root string, names []string, err error) {
	src := sourceOf(kind, typ)
	if src != nil && src.Log != nil {
		return r.logged(src, config)
	}
	if src == nil || src.Files == nil {
		return "", nil, fmt.Errorf("a %s of type %q reads no files", kind, typ)
	}
	root, names, err = src.Files(dir, config)
	if err != nil {
		return root, names, err
	}
	return root, names, r.refuse(Absolute(dir, root), names)
}

// Planned is Files for who has a plan, which names the tables of a log that it is of: of these no names are given, for what came since is not meant.
func (r DataRoots) Planned(kind, typ, dir string, config json.RawMessage) (root string, names []string, err error) {
	if src := sourceOf(kind, typ); src != nil && src.Log != nil {
		return "", nil, nil
	}
	return r.Files(kind, typ, dir, config)
}

// Unquoted tells of files that a plan names whether they must not be quoted. dir is the module's folder, absolute.
func (r DataRoots) Unquoted(dir string) func(*plan.External) bool {
	return func(e *plan.External) bool { return !r.Quotable(Absolute(dir, filepath.FromSlash(e.Root)), e.Names()) }
}
