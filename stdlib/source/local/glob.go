// Package local is what the sources of files beside the module share: which files a pattern means, the columns that a
// block declares, and what it yields.
package local

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// Split parts a pattern into the longest folder without wildcards and the rest. It is purely textual, so that a stage
// that sees only the folder applies the same rest to it.
func Split(pattern string) (root, rest string) {
	segments := strings.Split(path.Clean(filepath.ToSlash(pattern)), "/")
	n := 0
	for n < len(segments)-1 && !strings.ContainsAny(segments[n], `*?[\`) {
		n++
	}
	root = strings.Join(segments[:n], "/")
	if root == "" && n > 0 {
		root = "/"
	}
	return cmp.Or(root, "."), strings.Join(segments[n:], "/")
}

// Find lists the files below dir that a pattern means: its root, and their names below that, sorted, with forward
// slashes. * and ? stay within a folder, ** spans folders, [a-c] is a class. What begins with a dot is only meant where
// the pattern says the dot. No match is an error that names the pattern, and an fs.ErrNotExist.
func Find(dir, pattern string) (root string, names []string, err error) {
	root, rest := Split(pattern)
	base := root
	if !filepath.IsAbs(root) {
		base = filepath.Join(dir, filepath.FromSlash(root))
	}
	names, err = Match(base, rest)
	if errors.Is(err, fs.ErrNotExist) {
		return root, nil, absent(fmt.Sprintf("no file matches %q: there is no folder %s", pattern, root))
	}
	if err != nil {
		return root, nil, fmt.Errorf("looking for %q: %w", pattern, err)
	}
	if len(names) == 0 {
		return root, nil, absent(fmt.Sprintf("no file matches %q", pattern))
	}
	return root, names, nil
}

// absent says that nothing is there: it is an fs.ErrNotExist.
type absent string

func (e absent) Error() string        { return string(e) }
func (e absent) Is(target error) bool { return target == fs.ErrNotExist }

// Match lists the regular files below root whose names match the rest of a pattern, sorted.
func Match(root, rest string) ([]string, error) {
	want := strings.Split(rest, "/")
	for _, segment := range want {
		if _, err := path.Match(segment, ""); err != nil {
			return nil, fmt.Errorf("%q is no pattern: a [ is not closed", segment)
		}
	}
	var out []string
	err := filepath.WalkDir(root+string(filepath.Separator), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil || rel == "." {
			return err
		}
		name := strings.Split(filepath.ToSlash(rel), "/")
		if d.IsDir() {
			if !mayHold(want, name) {
				return fs.SkipDir
			}
			return nil
		}
		if matches(want, name) && regular(p, d) {
			out = append(out, filepath.ToSlash(rel))
		}
		return nil
	})
	sort.Strings(out)
	return out, err
}

// regular follows a link to what it names; a broken one is no file.
func regular(p string, d fs.DirEntry) bool {
	if d.Type()&fs.ModeSymlink == 0 {
		return d.Type().IsRegular()
	}
	info, err := os.Stat(p)
	return err == nil && info.Mode().IsRegular()
}

func matches(want, name []string) bool {
	if len(want) == 0 || len(name) == 0 {
		return len(want) == 0 && len(name) == 0
	}
	if want[0] == "**" {
		return matches(want[1:], name) || !hidden(name[0]) && matches(want, name[1:])
	}
	return segment(want[0], name[0]) && matches(want[1:], name[1:])
}

// mayHold tells whether files below a folder could match.
func mayHold(want, folder []string) bool {
	if len(folder) == 0 {
		return len(want) > 0
	}
	if len(want) == 0 {
		return false
	}
	if want[0] == "**" {
		return mayHold(want[1:], folder) || !hidden(folder[0]) && mayHold(want, folder[1:])
	}
	return segment(want[0], folder[0]) && mayHold(want[1:], folder[1:])
}

func segment(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok && (!hidden(name) || hidden(pattern))
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") }
