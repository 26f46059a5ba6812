// Package local is what the sources of files beside the module share: which files a pattern means, the columns that a
// block declares, and what it yields.
//
// A source goes through it in this order. When a plan is made, Find lists the files that a path means, and their digests are what
// the stage's fingerprint rests on. Shape makes the table of the column blocks, or of the columns that mlp.lock has. When the stage
// runs, it gets the names that the plan lists and no pattern (Paths), reads these columns (Asked), and tells what was read
// (Finish).
package local

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/lang/suggest"
)

// wildcards are the characters with a meaning of their own in a pattern.
const wildcards = `*?[\`

// Split parts a pattern into the longest folder without wildcards and the rest: data/2026/*.csv into data/2026 and *.csv. It
// looks at the text alone and not at files, so that a stage that sees only the folder applies the same rest to it.
func Split(pattern string) (root, rest string) {
	segments := strings.Split(path.Clean(filepath.ToSlash(pattern)), "/")
	n := 0
	for n < len(segments)-1 && !strings.ContainsAny(segments[n], wildcards) {
		n++
	}
	root = strings.Join(segments[:n], "/")
	if root == "" && n > 0 {
		root = "/"
	}
	return cmp.Or(root, "."), strings.Join(segments[n:], "/")
}

// Find lists the files below dir that match a pattern: root is the pattern's folder (Split), and the names are those below root,
// sorted, with forward slashes. Of data/**/*.csv with the files data/a.csv and data/x/b.csv the root is data, and the
// names are a.csv and x/b.csv.
//
// * and ? stay within a folder, ** spans folders, [a-c] is a class. Names that begin with a dot match only where the pattern has
// the dot. Links to files are followed; links to folders only in the root, so that no folder is read twice or without end.
//
// No match is an fs.ErrNotExist that names the pattern and what was probably meant, and so is a pattern all of whose matches are
// links to files that are not there. If only some of them are, the error is of another kind: a part of the files is taken
// neither for all of them nor for none.
func Find(dir, pattern string) (root string, names []string, err error) {
	if scheme, _, ok := strings.Cut(pattern, "://"); ok {
		return "", nil, fmt.Errorf("%q is an address, and only local files are read\n%s", pattern, FetchFirst(scheme))
	}
	root, rest := Split(pattern)
	base := root
	if !filepath.IsAbs(root) {
		base = filepath.Join(dir, filepath.FromSlash(root))
	}
	names, err = match(base, root, rest)
	var gone absent
	switch {
	case errors.As(err, &gone):
		return root, nil, gone
	case errors.Is(err, fs.ErrNotExist) && missing(base):
		return root, nil, absent(fmt.Sprintf("no file matches %q: there is no folder %s%s", pattern, root, meantFolder(dir, root)))
	case err != nil:
		return root, nil, fmt.Errorf("looking for %q: %w", pattern, partial(err))
	}
	if len(names) == 0 {
		return root, nil, absent(fmt.Sprintf("no file matches %q%s", pattern, meant(base, path.Base(rest), false)))
	}
	for _, name := range names {
		if err := nameable(path.Join(root, name)); err != nil {
			return root, nil, fmt.Errorf("looking for %q: %w", pattern, err)
		}
	}
	return root, names, nil
}

// nameable fails for a file that a plan cannot name: plans are JSON, which is UTF-8, and what is printed of them acts on no terminal.
func nameable(name string) error {
	switch {
	case !utf8.ValidString(name):
		return fmt.Errorf("the name of %q is not UTF-8: rename the file", name)
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("the name of %q has a control character: rename the file", name)
	}
	return nil
}

// FetchFirst says how a file of elsewhere becomes a local one, by the scheme of its address: "ftp".
func FetchFirst(scheme string) string {
	how := "curl -fLo data/FILE ADDRESS"
	if scheme == "s3" || scheme == "gs" {
		how = map[string]string{"s3": "aws s3 cp ADDRESS data/", "gs": "gcloud storage cp ADDRESS data/"}[scheme]
	}
	return "Fetch it first, as with " + how + ", and give the path of that: mlp.lock then pins which version it is."
}

// meant is a hint with the name of the file or folder that was probably meant, one beside the missing file and spelt like it:
// customers.csv for custmers.csv. Empty if there is none.
func meant(folder, name string, wantFolder bool) string {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return ""
	}
	var candidates []string
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(folder, e.Name())); err == nil && info.IsDir() == wantFolder && !hidden(e.Name()) {
			candidates = append(candidates, e.Name())
		}
	}
	// Extensions are alike, and say nothing of likeness.
	stems, stem := make([]string, len(candidates)), func(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }
	for i, c := range candidates {
		stems[i] = stem(c)
	}
	near := slices.Index(stems, stem(name))
	if near < 0 {
		near = slices.Index(stems, suggest.Near(stem(name), stems))
	}
	if near >= 0 {
		return fmt.Sprintf("; did you mean %q?", candidates[near])
	}
	return ""
}

// meantFolder is meant of the first folder on the way that is not there.
func meantFolder(dir, root string) string {
	at := root
	if !filepath.IsAbs(root) {
		at = filepath.Join(dir, filepath.FromSlash(root))
	}
	for parent := filepath.Dir(at); parent != at; at, parent = parent, filepath.Dir(parent) {
		if _, err := os.Stat(parent); err == nil {
			return meant(parent, filepath.Base(at), true)
		}
	}
	return ""
}

// absent says that nothing is there: it is an fs.ErrNotExist.
type absent string

func (e absent) Error() string        { return string(e) }
func (e absent) Is(target error) bool { return target == fs.ErrNotExist }

// missing reports whether nothing is at a path. What may not be looked at is not missing.
func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// partial says what is missing beside files that are there, in a way that is not taken for all of them missing.
func partial(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New(err.Error())
	}
	return err
}

// match lists the files below a folder whose names match the rest of a pattern, sorted. Messages call the folder root.
func match(base, root, rest string) ([]string, error) {
	want := strings.Split(rest, "/")
	for _, segment := range want {
		if _, err := path.Match(segment, ""); err != nil {
			return nil, fmt.Errorf("%q is no pattern: a [ is not closed", segment)
		}
	}
	if !strings.ContainsAny(rest, wildcards) {
		return one(base, root, rest)
	}
	var out []string
	var gone absent // the first link without its file
	err := filepath.WalkDir(base+string(filepath.Separator), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(base, p)
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
		if !matches(want, name) {
			return nil
		}
		rel = filepath.ToSlash(rel)
		file, err := isFile(p, path.Join(root, rel), d)
		if file {
			out = append(out, rel)
		}
		if dangling := absent(""); errors.As(err, &dangling) {
			gone, err = cmp.Or(gone, dangling), nil
		}
		return err
	})
	switch {
	case err != nil || gone == "":
	case len(out) == 0:
		err = gone
	default:
		err = fmt.Errorf("%s, and others are there: %s", string(gone), path.Join(root, slices.Min(out)))
	}
	sort.Strings(out)
	return out, err
}

// one is the file of a pattern that is a name: the folder, which may be large, is not gone through.
func one(base, root, name string) ([]string, error) {
	at := filepath.Join(base, name)
	info, err := os.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = os.Stat(base)
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	file, err := isFile(at, path.Join(root, name), fs.FileInfoToDirEntry(info))
	if !file || err != nil {
		return nil, err
	}
	return []string{name}, nil
}

// isFile follows a link to what it names. Folders are left out, whatever their name. All else that has the name of data
// and cannot be read is an error: leaving it out would make another table of it.
func isFile(p, name string, d fs.DirEntry) (bool, error) {
	mode := d.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := os.Stat(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return false, absent(name + " is a link to a file that is not there")
		case err != nil:
			return false, fmt.Errorf("%s is a link that cannot be followed: %w", name, errors.Unwrap(err))
		}
		mode = info.Mode().Type()
	}
	if !mode.IsDir() && !mode.IsRegular() {
		return false, fmt.Errorf("%s is a pipe, socket or device, and no file", name)
	}
	return mode.IsRegular(), nil
}

// matches reports whether a name, segment by segment, is one of the pattern's: data/x/b.csv of data/**/*.csv with ** as x, and
// data/b.csv with ** as nothing. A ** spans no hidden folder.
func matches(want, name []string) bool {
	if len(want) == 0 || len(name) == 0 {
		return len(want) == 0 && len(name) == 0
	}
	if want[0] == "**" {
		return matches(want[1:], name) || !hidden(name[0]) && matches(want, name[1:])
	}
	return segment(want[0], name[0]) && matches(want[1:], name[1:])
}

// mayHold reports whether files below a folder could match.
// A folder that cannot is not walked into, so that data/*.csv does not read the thousand folders below data.
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

// segment matches one name with one part of the pattern, by path.Match. A name with a dot in front matches where the pattern has
// one too.
func segment(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok && (!hidden(name) || hidden(pattern))
}

// hidden reports whether a name begins with a point.
func hidden(name string) bool { return strings.HasPrefix(name, ".") }
