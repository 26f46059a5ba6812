package workspace

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/scratch"
)

// A revision is planned in a view: a temporary tree of links to the files on disk, in which what git knows to differ in
// that revision is replaced by its blobs. So nothing is checked out, data that git does not hold are there without being
// copied, and paths that lead out of the pipeline's folder lead where they always do.

// git runs a git command in the module's folder. --no-optional-locks keeps commands that only look from writing the
// index, which another git may be using. The error has the first line that git wrote.
func (w *Workspace) git(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"--no-optional-locks", "-C", w.Dir}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, &Failure{Err: errors.New("git is not installed, and revisions are read with it"), Hint: "Compare saved plans instead: mlp plan --out plan.json"}
	}
	if err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return nil, fmt.Errorf("git %s: %s", args[0], first)
	}
	return out, nil
}

// commitOf is the full name of the commit that a revision means. A name that begins with a dash would be an option to
// git, and is refused.
func (w *Workspace) commitOf(ctx context.Context, revision string) (string, error) {
	if strings.HasPrefix(revision, "-") {
		return "", fmt.Errorf("%s is no revision", revision)
	}
	out, err := w.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	var f *Failure
	switch {
	case errors.As(err, &f):
		return "", err
	case err != nil:
		return "", &Failure{Err: fmt.Errorf("%s is neither a saved plan nor a revision that git knows here", revision),
			Hint: "A saved plan's name ends in .json; a shallow clone lacks revisions: git fetch --unshallow"}
	}
	return strings.TrimSpace(string(out)), nil
}

// planAt plans the pipeline as it was at a revision, against what is recorded now. Where there was no pipeline in the
// folder, the plan is empty.
func (w *Workspace) planAt(ctx context.Context, c comparand, vars Settings) (*plan.Plan, error) {
	v, err := w.view(ctx, c.commit)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.name, err)
	}
	defer v.folder.Close()
	if !holdsModule(v.dir) {
		return &plan.Plan{}, nil
	}
	// The view is a folder like any other; values of variables and the store are those of now.
	at := *w
	at.Dir, at.Roots = v.dir, w.Roots.Of(v.dir)
	s, err := at.OpenToPlan(ctx, vars)
	if err != nil {
		return nil, atRevision(c, err)
	}
	p, err := s.Plan(ctx, nil)
	if err = errors.Join(err, s.Close()); err != nil {
		return nil, atRevision(c, err)
	}
	if p.Envelope != nil {
		p.Envelope.Commit = c.commit
	}
	return p, nil
}

// RevisionError is the error of a pipeline that cannot be planned as it was at a revision.
type RevisionError struct {
	Revision string // as it was asked for
	Err      error
}

func (e *RevisionError) Error() string { return fmt.Sprintf("at %s: %v", e.Revision, e.Err) }
func (e *RevisionError) Unwrap() error { return e.Err }

// atRevision says of an error which revision has it.
func atRevision(c comparand, err error) error {
	var mistakes *front.Error
	if errors.As(err, &mistakes) {
		for i := range mistakes.Diagnostics {
			if d := &mistakes.Diagnostics[i]; d.Code == source.CodeNotFetched {
				d.Hint = fmt.Sprintf("check out %s and run mlp init there; what is fetched stays for all revisions", c.name)
			}
		}
	}
	return &RevisionError{Revision: c.name, Err: err}
}

// holdsModule reports whether a folder has .mlp files. One that cannot be read is taken to have some, for the error to be
// told there.
func holdsModule(dir string) bool {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), syntax.Extension) && !strings.HasPrefix(e.Name(), ".") {
			return true
		}
	}
	return err != nil
}

// view is a tree that looks like the disk at a revision. For a module in /home/a/repo/fraud the folder has
//
//	home/                   real folder
//	home/b                  link to /home/b
//	home/a/repo/fraud/      real, as all folders in it
//	home/a/repo/fraud/x.mlp file with the blob of the commit, where that differs from the disk
//	home/a/repo/fraud/data.csv   link
//
// so that "../../shared/x.csv" leads in the view where it leads on disk.
type view struct {
	folder *scratch.Folder
	root   string // the folder, which stands for /
	dir    string // the module's folder in it
	repo   string // the repository's folder in it
}

// view makes a folder in which the module stands as of a commit and all else as it is now, by links: data files are not in
// git, and may be large. It is removed with the view.
func (w *Workspace) view(ctx context.Context, commit string) (*view, error) {
	top, err := w.git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(w.Dir)
	if err != nil {
		return nil, err
	}
	folder, err := scratch.New(scratch.Revision)
	if err != nil {
		return nil, err
	}
	root := folder.Dir
	v := &view{folder: folder, root: root, dir: filepath.Join(root, real), repo: filepath.Join(root, strings.TrimSuffix(string(top), "\n"))}
	if err := v.link(v.dir); err == nil {
		err = v.spread(v.dir)
	}
	if err == nil {
		err = w.replace(ctx, v, commit)
	}
	if err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return v, nil
}

// real is the path on disk that a path of the view stands for. The view may be spelled with its root or without.
func (v *view) real(path string) string {
	return string(filepath.Separator) + strings.TrimPrefix(strings.TrimPrefix(path, v.root), string(filepath.Separator))
}

// link makes folders of the view real ones, from its root to path, with links to what is beside them. A folder that is
// real already is left as it is; a file in the place of a folder, as of another revision, makes way.
func (v *view) link(path string) error {
	rel, err := filepath.Rel(v.root, path)
	if err != nil {
		return err
	}
	at := v.root
	if err := v.fill(at); err != nil {
		return err
	}
	for _, part := range strings.Split(rel, string(filepath.Separator)) {
		if part == "." || part == "" {
			continue
		}
		at = filepath.Join(at, part)
		info, err := os.Lstat(at)
		if err == nil && info.IsDir() {
			continue
		}
		if err == nil {
			if err := os.Remove(at); err != nil {
				return err
			}
		}
		if err := os.Mkdir(at, 0o755); err != nil {
			return err
		}
		if err := v.fill(at); err != nil {
			return err
		}
	}
	return nil
}

// fill links all that lies in the real folder into that of the view, but what is there already.
func (v *view) fill(path string) error {
	entries, err := os.ReadDir(v.real(path))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.ENOTDIR) {
		return nil // nothing there that could be seen
	}
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(v.real(path), e.Name()), filepath.Join(path, e.Name())); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return err
}

// spread makes all folders below one real, since patterns such as data/*/*.csv do not follow links to folders. Hidden
// ones stay one link each, the store among them: a view reads and writes the store of now.
func (v *view) spread(path string) error {
	entries, err := os.ReadDir(v.real(path))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		below := filepath.Join(path, e.Name())
		if err := v.link(below); err != nil {
			return err
		}
		if err := v.spread(below); err != nil {
			return err
		}
	}
	return nil
}

// replace puts the revision's own files in the place of those on disk that differ, and takes away what it has not: of
// files that git does not know only those that the language reads. Data files that git does not hold stay.
func (w *Workspace) replace(ctx context.Context, v *view, commit string) error {
	raw, err := w.git(ctx, "diff-index", "-z", "--no-renames", "--abbrev=40", commit)
	if err != nil {
		return err
	}
	var blobs []blob
	for rest := raw; len(rest) > 0; {
		var meta, name []byte
		meta, rest, _ = bytes.Cut(rest, []byte{0})
		name, rest, _ = bytes.Cut(rest, []byte{0})
		f := strings.Fields(strings.TrimPrefix(string(meta), ":"))
		if len(f) < 5 {
			return fmt.Errorf("git diff-index wrote %q", meta)
		}
		blobs = append(blobs, blob{path: filepath.Join(v.repo, filepath.FromSlash(string(name))), mode: f[0], id: f[2]})
	}
	strays, err := w.git(ctx, "ls-files", "-z", "--others", "--exclude-standard", "--full-name", "--", ":/*"+syntax.Extension, ":/*"+syntax.ValuesExtension, ":/*"+LockName)
	if err != nil {
		return err
	}
	for _, name := range strings.Split(strings.TrimSuffix(string(strays), "\x00"), "\x00") {
		if name != "" {
			blobs = append(blobs, blob{path: filepath.Join(v.repo, filepath.FromSlash(name)), mode: absent})
		}
	}
	return w.write(ctx, v, blobs)
}

// blob is a file of a revision: its path in the view, its mode in git's tree, and the id of its content; absent without
// one.
type blob struct{ path, mode, id string }

// Modes of git's trees.
const (
	absent    = "000000"
	submodule = "160000"
	linkMode  = "120000"
)

// write writes blobs into the view, read by one git process for all of them.
// A process for each file would take seconds for a thousand files. Git answers in the order asked, so one file is read
// from its output before the next is asked for.
func (w *Workspace) write(ctx context.Context, v *view, blobs []blob) error {
	cmd := exec.CommandContext(ctx, "git", "-C", w.Dir, "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	out := bufio.NewReader(pipe)
	for _, b := range blobs {
		if err = v.put(b, in, out); err != nil {
			break
		}
	}
	in.Close()
	_, rest := io.Copy(io.Discard, out)
	return errors.Join(err, rest, cmd.Wait())
}

// put brings one file of the view to its content in the commit. in and out are those of `git cat-file --batch`: an id is
// written, a header "<id> blob <size>" and the bytes come back.
func (v *view) put(b blob, in io.Writer, out *bufio.Reader) error {
	if b.mode == submodule {
		return nil
	}
	if b.mode == absent { // what is not in the view needs no folders
		if _, err := os.Lstat(b.path); errors.Is(err, os.ErrNotExist) {
			return nil
		}
	}
	if err := v.link(filepath.Dir(b.path)); err != nil {
		return err
	}
	if err := os.RemoveAll(b.path); err != nil || b.mode == absent {
		return err
	}
	if _, err := fmt.Fprintln(in, b.id); err != nil {
		return err
	}
	header, err := out.ReadString('\n')
	if err != nil {
		return fmt.Errorf("reading %s: %w", b.path, err)
	}
	f := strings.Fields(header)
	if len(f) != 3 || f[1] != "blob" {
		return fmt.Errorf("git has no content for %s: %s", v.real(b.path), strings.TrimSpace(header))
	}
	size, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return err
	}
	if err := writeBlob(b, io.LimitReader(out, size)); err != nil {
		return err
	}
	_, err = out.Discard(1) // the line feed behind it
	return err
}

// writeBlob makes a file, or a link, of what git holds.
// A file that is there already is an error (O_EXCL): two entries of one path, as a case-insensitive disk makes them,
// must not become one.
func writeBlob(b blob, content io.Reader) error {
	if b.mode == linkMode {
		target, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		return os.Symlink(string(target), b.path)
	}
	f, err := os.OpenFile(b.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}
