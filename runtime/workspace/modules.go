package workspace

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/fetch"
)

// fetchedDir holds the repositories that 'mlp init' fetched, below the module's folder.
const fetchedDir = StoreName + "/modules"

// modules finds and reads the modules that one in the folder root calls: beside it, or as mlp init fetched them.
type modules struct {
	root     string
	catalog  *schema.Catalog
	lock     *LockFile
	verified *sync.Map // folders with the digest that was found there; shared by those that look again and again
}

// newModules reads modules below a root folder; nothing is verified yet.
func newModules(root string, catalog *schema.Catalog, lock *LockFile) *modules {
	return &modules{root: root, catalog: catalog, lock: lock, verified: &sync.Map{}}
}

// read reads the files of a module's folder, relative to the root's. They go by names relative to that.
func (m *modules) read(dir string) (*syntax.Module, source.Diagnostics) {
	found, diags := syntax.ReadDir(filepath.Join(m.root, filepath.FromSlash(dir)))
	if diags.HasErrors() {
		return nil, diags
	}
	files := make(map[string][]byte, len(found))
	for name, text := range found {
		files[path.Join(dir, name)] = text
	}
	return syntax.Parse(files, m.catalog)
}

// fetched finds a module of a repository where mlp init put it, and makes sure that it is what mlp.lock pins. caller is
// the folder that the call stands in. Nothing is fetched here: only 'mlp init' uses the network.
func (m *modules) fetched(given string, caller resolve.Folder) (resolve.Folder, *source.Diagnostic) {
	s, d := parseSource(given, caller)
	if d != nil {
		return resolve.Folder{}, d
	}
	pin, ok := m.lock.Modules[s.Repository()]
	if !ok {
		return resolve.Folder{}, &source.Diagnostic{Code: source.CodeNotFetched, Summary: fmt.Sprintf("%s does not pin this module", LockName),
			Detail: fmt.Sprintf("%s has not been fetched yet. Only mlp init uses the network.", s.Repository()), Hint: "run: mlp init"}
	}
	if d := m.verify(s, pin); d != nil {
		return resolve.Folder{}, d
	}
	return m.inside(s, pin)
}

// verify holds a fetched module to its pinned digest, once a run. Nil if it is what was pinned. A module that somebody
// edited in place is refused: others would plan with another text under the same pin.
func (m *modules) verify(s fetch.Source, pin fetch.Pin) *source.Diagnostic {
	at := path.Join(fetchedDir, s.Name(pin))
	found := filepath.Join(m.root, at) + " " + string(pin.Digest)
	if _, ok := m.verified.Load(found); ok {
		return nil
	}
	err := fetch.Verify(filepath.Join(m.root, filepath.FromSlash(fetchedDir)), s, pin)
	switch {
	case errors.Is(err, fetch.ErrMissing):
		return &source.Diagnostic{Code: source.CodeNotFetched, Summary: "the module has not been fetched on this machine",
			Detail: fmt.Sprintf("%s is pinned at commit %s, which belongs in %s.", s.Repository(), pin.Commit, at), Hint: "run: mlp init"}
	case err != nil:
		return &source.Diagnostic{Code: source.CodeAltered, Summary: "the fetched module is not what " + LockName + " pins",
			Detail: fmt.Sprintf("The files in %s have been changed since they were fetched: %s, commit %s.", at, s.Repository(), pin.Commit),
			Hint:   "run mlp init to fetch it anew; to work on a module, call a folder of your own"}
	}
	m.verified.Store(found, true)
	return nil
}

// inside is the module's folder in the repository.
func (m *modules) inside(s fetch.Source, pin fetch.Pin) (resolve.Folder, *source.Diagnostic) {
	repo := path.Join(fetchedDir, s.Name(pin))
	at := resolve.Folder{Dir: path.Join(repo, s.Folder), Repository: repo, URL: s.URL}
	if info, err := os.Stat(filepath.Join(m.root, filepath.FromSlash(at.Dir))); err != nil || !info.IsDir() {
		return resolve.Folder{}, &source.Diagnostic{Code: source.CodeModule, Summary: fmt.Sprintf("the repository has no folder %q", s.Folder),
			Detail: fmt.Sprintf("It is %s at commit %s.", s.Repository(), pin.Commit)}
	}
	return at, nil
}

// parseSource reads the source of a module to be fetched. One that a fetched module calls must not lead to a repository
// of this machine: its author could otherwise read what lies here.
func parseSource(given string, caller resolve.Folder) (fetch.Source, *source.Diagnostic) {
	s, err := fetch.Parse(given)
	var r *fetch.Refusal
	if errors.As(err, &r) {
		return s, &source.Diagnostic{Code: source.CodeModule, Summary: r.Text, Detail: r.Detail, Hint: r.Hint}
	}
	if outer := (fetch.Source{URL: caller.URL}); s.Local() && caller.Repository != "" && !outer.Local() {
		return s, &source.Diagnostic{Code: source.CodeModule, Summary: "a fetched module calls a repository of this machine",
			Detail: "What comes from elsewhere may call what comes from elsewhere, or folders of its own repository."}
	}
	return s, nil
}
