package workspace

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/cache"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Check reads, resolves and checks the module. Mistakes are a *front.Error, which has warnings among its diagnostics;
// without mistakes warnings stand in the library, which is the caller's to close. After an error there is nothing to
// close.
func (w *Workspace) Check(ctx context.Context, vars Settings) (*check.Module, *Library, error) {
	lock, err := ReadLock(w.Dir)
	if err != nil {
		return nil, nil, err
	}
	lib := w.keptLibrary(lock)
	m, err := w.checkWith(ctx, vars, lib)
	if err != nil {
		return nil, nil, err
	}
	return m, lib, nil
}

// checkWith does so with a library that keeps what it finds out. After an error it is closed.
func (w *Workspace) checkWith(ctx context.Context, vars Settings, lib *Library) (*check.Module, error) {
	go lib.answers.Read() // while the module is read
	r, err := w.Compile(ctx, vars, lib)
	if err == nil && r.Diagnostics.HasErrors() {
		err = &front.Error{Diagnostics: r.Diagnostics, Files: r.Files}
	}
	if err != nil {
		lib.Close()
		return nil, err
	}
	lib.Warnings = r.Diagnostics
	return r.Module, nil
}

// Compile reads the module's files and compiles them with a library. Files that cannot be read are a *front.Error, mistakes
// in them are the result's diagnostics.
func (w *Workspace) Compile(ctx context.Context, vars Settings, lib *Library) (*front.Result, error) {
	parsed, o, err := w.Parse(vars, lib)
	if err != nil {
		return nil, err
	}
	r := front.Check(ctx, parsed, o)
	r.Diagnostics = lib.Withhold(r.Diagnostics, r.Files)
	return r, nil
}

// Parse reads and parses the module's files, and says how they are compiled: with which values, modules and library. Files
// that cannot be read are a *front.Error, mistakes in them are the options' diagnostics.
func (w *Workspace) Parse(vars Settings, lib *Library) (*syntax.Module, front.Options, error) {
	files, diags := syntax.ReadDir(w.Dir)
	if diags.HasErrors() {
		return nil, front.Options{}, &front.Error{Diagnostics: diags, Files: files}
	}
	values, texts, more, err := w.values(vars)
	if err != nil {
		return nil, front.Options{}, err
	}
	parsed, found := syntax.Parse(files, lib.catalog)
	return parsed, front.Options{Options: lib.options(values), Library: lib, Values: texts, Diagnostics: slices.Concat(diags, more, found)}, nil
}

// Library gives the compiler what it needs of the standard library, of a module's data and of the modules that it
// calls. It belongs to one module, and is told what the compiler finds out on its way (Resolved). The compiler calls it
// from one goroutine, but for the binder and the caches, which are safe for several.
type Library struct {
	dir      string            // the module's folder
	roots    DataRoots         // where data may lie
	withheld withheld          // what of them is not to be told
	dirs     map[string]string // the folders that paths are relative to, by address; where there is none, dir
	lock     *LockFile
	catalog  *schema.Catalog
	called   *modules
	binder   *table.Binder
	answers  *cache.File // of the binder, the rules and files' columns; nil: they are not kept
	storeDir string
	rules    *rule.Cache
	blocks   map[string]*resolve.Block
	tell     func(string) // of what is asked outside for the columns of a source; nil: nothing is

	Unpinned []string           // sources whose columns were found in their files
	moved    []string           // what is to be told of sources whose columns are pinned for something else than they ask for
	Warnings source.Diagnostics // of the module
}

// NewLibrary is the library with the pins of a lock file, which it adds what it finds to. The binder may be shared;
// closing the library closes it. Nothing is kept beyond the process.
func (w *Workspace) NewLibrary(lock *LockFile, binder *table.Binder) *Library {
	catalog := stdlib.Catalog()
	return &Library{dir: w.Dir, roots: w.Roots, withheld: withheld{}, dirs: map[string]string{}, blocks: map[string]*resolve.Block{}, lock: lock, catalog: catalog,
		called: newModules(w.Dir, catalog, lock), binder: binder, rules: rule.NewCache()}
}

// keptLibrary is one that keeps in the store what it found out of queries, rules and files, for the next command.
func (w *Workspace) keptLibrary(lock *LockFile) *Library {
	answers := cache.At(w.StoreDir("cache", "answers"))
	lib := w.NewLibrary(lock, table.NewBinder(answers))
	lib.answers, lib.storeDir = answers, w.StoreDir()
	if program, err := program(); err == nil {
		lib.rules = rule.NewKeptCache(answers, string(program[:]))
	}
	return lib
}

// behind has the library take answers that it does not have from a pack, which get returns.
func (l *Library) behind(get func() []byte) {
	if program, err := program(); err == nil {
		l.answers.Behind(program, get)
	}
}

// options are those of resolving the module: where the modules are that it calls, and the values of its variables.
func (l *Library) options(values map[string]resolve.Given) resolve.Options {
	return resolve.Options{Variables: values, Dir: l.dir, Modules: l.called.read, Fetched: l.called.fetched}
}

// Withhold takes out of diagnostics what was found in files that messages may not quote. Files are those of the module.
func (l *Library) Withhold(diags source.Diagnostics, files map[string][]byte) source.Diagnostics {
	return l.withheld.from(diags, files)
}

// Files lists the files that a source means, as component.Source does; dir is the folder of the block's module.
func (l *Library) Files(kind, typ, dir string, config json.RawMessage) (root string, names []string, err error) {
	return l.roots.Files(kind, typ, dir, config)
}

// Close saves what was found out for the next command, where that is kept, and ends the SQL engine. That saving failed
// is no error: it is found out again.
func (l *Library) Close() error {
	if l.answers != nil {
		l.answers.Save()
	}
	return l.binder.Close()
}

// Resolved notes the blocks and which folder each is of, and follows blocks that moved in what is pinned.
func (l *Library) Resolved(m *resolve.Module) {
	for _, b := range m.Blocks {
		l.blocks[b.Address] = b
		if b.Dir != "" {
			l.dirs[b.Address] = filepath.Join(l.dir, filepath.FromSlash(b.Dir))
		}
	}
	l.lock.move(m)
}

// Rules keeps what was found out of rules.
func (l *Library) Rules() *rule.Cache { return l.rules }

// Shape asks the component what a block yields; false if its component is not known or does not say.
func (l *Library) Shape(ctx context.Context, kind, typ string, req schema.ShapeRequest) (schema.ShapeResult, bool) {
	c := stdlib.Component(ComponentName(kind, typ))
	if c == nil || c.Shape == nil {
		return schema.ShapeResult{}, false
	}
	return c.Shape(ctx, l.binder, req), true
}

// Derive asks the component what is derived of a block.
func (l *Library) Derive(kind, typ string, req schema.DeriveRequest) ([]schema.Derivation, error) {
	c := stdlib.Component(ComponentName(kind, typ))
	if c == nil || c.Derive == nil {
		return nil, nil
	}
	return c.Derive(req)
}

// Program asks the component what a block's stage runs.
func (l *Library) Program(kind, typ string, config json.RawMessage) (*schema.Program, error) {
	c := stdlib.Component(ComponentName(kind, typ))
	if c == nil || c.Program == nil {
		return nil, nil
	}
	return c.Program(config)
}

var _ check.Deriver = (*Library)(nil)

// Columns takes those pinned by mlp.lock, or else looks at the files; at what lies elsewhere only for 'mlp init'.
// Columns that were looked for are pinned in the lock in memory and listed in Unpinned; who may write the lock file
// does, and others warn.
func (l *Library) Columns(ctx context.Context, kind, typ, address string, config json.RawMessage) ([]schema.Column, error) {
	c := stdlib.Component(ComponentName(kind, typ))
	if c == nil {
		return nil, fmt.Errorf("there is no %s of type %q", kind, typ)
	}
	if fetch, err := fetchOf(c, config); err != nil {
		return nil, err
	} else if fetch != nil {
		return l.columnsOutside(ctx, address, c, fetch, config)
	}
	if pinned, ok := l.lock.Schemas[address]; ok && !l.stale(kind, typ, address, config) {
		return pinned, nil
	}
	if c.Source == nil || c.Source.Sniff == nil {
		return nil, fmt.Errorf("a %s of type %q must declare its columns", kind, typ)
	}
	dir := l.folder(address)
	root, names, err := l.roots.Files(kind, typ, dir, config)
	if err != nil {
		return nil, err
	}
	l.Unpinned = append(l.Unpinned, address)
	// Columns of files that may be quoted are remembered by their content. Of others not even names may stand in a cache or
	// a message.
	look := looking{c, Absolute(dir, root), names, config}
	var columns []schema.Column
	if l.roots.Quotable(look.dir, names) {
		columns, err = l.columns(ctx, look)
	} else {
		columns, err = c.Source.Sniff(ctx, look.dir, names, config)
		l.withheld.add(columns)
		err = component.Unquoted(err)
	}
	if err != nil {
		return nil, err
	}
	l.lock.Schemas[address] = columns
	return columns, nil
}

// stale reports whether columns that were found in files are to be looked for again: by 'mlp init' where the block means other files,
// or another table in them, and they are here. Other commands keep to the pin: of files that are named by their day, each day's have the same columns.
func (l *Library) stale(kind, typ, address string, config json.RawMessage) bool {
	from, known := l.lock.Versions[address]
	if !known || from.Path == pathOf(config) && from.Asks == asksOf(config) {
		return false
	}
	if l.tell == nil {
		if from.Asks != asksOf(config) {
			l.moved = append(l.moved, fmt.Sprintf("The columns of %s are pinned for %s, and the block means %s: 'mlp init' looks for them there", address, from.Asks, asksOf(config)))
		}
		return false
	}
	_, _, err := l.roots.Files(kind, typ, l.folder(address), config)
	return err == nil
}

// folder is what the paths of a block are relative to: the folder of the module that it stands in.
func (l *Library) folder(address string) string { return cmp.Or(l.dirs[address], l.dir) }

// Absolute is a path as seen from a folder. An absolute one stays; dir need not be absolute.
func Absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// ComponentName is how stages name their component: "train.gradient_boosting".
func ComponentName(kind, typ string) string {
	if typ == "" {
		return kind
	}
	return kind + "." + typ
}

// sourceOf is how a type of source finds its files; nil where the type is none.
func sourceOf(kind, typ string) *component.Source {
	if c := stdlib.Component(ComponentName(kind, typ)); c != nil {
		return c.Source
	}
	return nil
}

// Guessed lists the columns that were found in the files of a source, with the types that their values have. Names that may
// not be told are left out.
func (l *Library) Guessed(address string) string {
	const most = 20
	columns := slices.DeleteFunc(slices.Clone(l.lock.Schemas[address]), func(c schema.Column) bool { return l.withheld[c.Name] })
	var named []string
	for _, c := range columns[:min(len(columns), most)] {
		named = append(named, c.Name+" "+c.Type)
	}
	if more := len(columns) - most; more > 0 {
		named = append(named, fmt.Sprintf("%d more", more))
	}
	return strings.Join(named, ", ")
}
