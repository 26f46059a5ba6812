package workspace

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/fetch"
	"github.com/mlp-lang/mlp/stdlib"
)

// fetching is mlp init's way through all modules that are called, also by those just fetched. It goes by what is written:
// what calls are made of, and how many, need not be known.
type fetching struct {
	*modules
	ctx     context.Context
	say     func(Pinned)
	upgrade bool
	pins    map[string]fetch.Pin // of what is called, by repository
	seen    map[string]bool      // folders
	diags   source.Diagnostics
	files   map[string][]byte
}

// fetchModules fetches what is not there as it is pinned, or with upgrade anew, and returns the pins of all that is
// called; pins of what is called no more are left out. lock is not changed. say is told of each repository whose commit
// moved.
func (w *Workspace) fetchModules(ctx context.Context, lock *LockFile, upgrade bool, say func(Pinned)) (map[string]fetch.Pin, error) {
	m := newModules(w.Dir, stdlib.Catalog(), lock)
	f := &fetching{modules: m, ctx: ctx, say: say, upgrade: upgrade, pins: map[string]fetch.Pin{}, seen: map[string]bool{}, files: map[string][]byte{}}
	f.calls(resolve.Folder{})
	if len(f.diags) > 0 {
		return nil, &front.Error{Diagnostics: f.diags.Sort(), Files: f.files}
	}
	if ctx.Err() != nil {
		return nil, errInterrupted
	}
	return f.pins, nil
}

// calls follows the calls in a folder. Mistakes in its files are told when the module is compiled.
// It is a walk of the calls alone, before anything is compiled, since compiling needs the folders.
func (f *fetching) calls(at resolve.Folder) {
	if f.seen[at.Dir] {
		return
	}
	f.seen[at.Dir] = true
	in, _ := f.read(at.Dir)
	if in == nil {
		return
	}
	for name, text := range in.Files {
		f.files[name] = text
	}
	for _, b := range in.Blocks {
		if b.Kind != "module" || f.ctx.Err() != nil {
			continue
		}
		to, ok, d := resolve.Locate(b, at, f.fetch(b))
		if d != nil && d.Code == source.CodeCannotFetch {
			f.diags = append(f.diags, *d)
		}
		if ok {
			f.calls(to)
		}
	}
}

// fetch finds the folder of a module's source, fetching the repository if need be.
// The error is told at the call, with the source as it is written there.
func (f *fetching) fetch(b *syntax.Block) func(string, resolve.Folder) (resolve.Folder, *source.Diagnostic) {
	return func(given string, caller resolve.Folder) (resolve.Folder, *source.Diagnostic) {
		s, d := parseSource(given, caller)
		if d != nil {
			return resolve.Folder{}, d
		}
		// A repository is fetched once however many modules of it are called: one commit for all of them.
		name := s.Repository()
		pin, done := f.pins[name]
		if !done {
			var err error
			if pin, err = f.get(s); err != nil {
				return resolve.Folder{}, cannotFetch(s, err)
			}
			f.pins[name] = pin
			if before := f.lock.Modules[name].Commit; before != pin.Commit {
				f.say(Pinned{Repository: name, Commit: pin.Commit, Before: before, Guessed: s.Ref == ""})
			}
		}
		return f.inside(s, pin)
	}
}

// get returns the pin of a repository that is in its folder as pinned, fetching it if it is not.
func (f *fetching) get(s fetch.Source) (fetch.Pin, error) {
	dir := filepath.Join(f.root, filepath.FromSlash(fetchedDir))
	pin, pinned := f.lock.Modules[s.Repository()]
	switch {
	case !pinned || f.upgrade:
		return fetch.Get(f.ctx, dir, s, nil)
	case fetch.Verify(dir, s, pin) == nil:
		return pin, nil
	}
	return fetch.Get(f.ctx, dir, s, &pin)
}

// Pinned is a repository that has a commit now.
type Pinned struct {
	Repository     string // as its source says
	Commit, Before string // Before is what was pinned until then; "": nothing
	// Guessed: the source names no version, so the commit is that of the default branch.
	Guessed bool
}

// cannotFetch is the diagnostic of a fetch that failed, with what to do where the cause is known.
func cannotFetch(s fetch.Source, err error) *source.Diagnostic {
	d := &source.Diagnostic{Code: source.CodeCannotFetch, Summary: fmt.Sprintf("%s cannot be fetched", s.Repository()), Detail: err.Error() + "."}
	switch {
	case errors.Is(err, fetch.ErrGone):
		d.Hint = "the history was rewritten, or the branch deleted; 'mlp init --upgrade' pins what the source means now"
	case errors.Is(err, fetch.ErrOther):
		d.Hint = "git's configuration here may rewrite files (core.autocrlf, filters such as LFS); else find out who changed the repository, and do not upgrade before"
	}
	return d
}
