package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

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

// module reads, resolves and checks the module of the working folder. Warnings are printed; errors are the error.
func (a *app) module(ctx context.Context, vars settings) (*check.Module, *library, error) {
	lock, err := readLock(a.dir)
	if err != nil {
		return nil, nil, err
	}
	return a.moduleWith(ctx, vars, lock)
}

// moduleWith does so with pins that are not those of mlp.lock.
func (a *app) moduleWith(ctx context.Context, vars settings, lock *lockFile) (*check.Module, *library, error) {
	lib := a.library(lock)
	go lib.answers.Read() // while the module is read
	files, diags := syntax.ReadDir(a.dir)
	if diags.HasErrors() {
		return nil, nil, &diagnosed{diags, files}
	}
	values, texts, more, err := a.values(vars)
	if err != nil {
		return nil, nil, err
	}
	catalog := stdlib.Catalog()
	called := newModules(a.dir, catalog, lock)
	r := front.Compile(ctx, files, catalog, front.Options{
		Options: resolve.Options{Variables: values, Dir: a.dir, Modules: called.read, Fetched: called.fetched},
		Library: lib, Values: texts, Diagnostics: append(diags, more...),
	})
	diags = lib.withheld.from(r.Diagnostics, r.Files)
	if diags.HasErrors() {
		lib.Close()
		return nil, nil, &diagnosed{diags, r.Files}
	}
	lib.warnings = diags
	return r.Module, lib, nil
}

// brief lets memory grow to a bound before any of it is collected, for commands that end soon: up to a third of their time
// would go into that. Where more than half of the bound is in use, memory is collected as ever, so that large modules take
// no more than twice what they hold.
func brief() {
	const smallest = 4 << 20 // what Go collects at first, at 100 percent
	usual := debug.SetGCPercent(100 * briefBound / smallest)
	afterCollection(usual)
}

const briefBound = 352 << 20

// afterCollection waits for a collection by the end of something that nobody holds, and then settles when the next one is.
func afterCollection(usual int) {
	nobodys := new([16]byte)
	runtime.AddCleanup(nobodys, func(struct{}) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		inUse := max(live[0].Value.Uint64(), 1)
		if inUse > briefBound/2 {
			debug.SetGCPercent(usual)
			return
		}
		debug.SetGCPercent(int(100 * (briefBound - inUse) / inUse))
		afterCollection(usual)
	}, struct{}{})
}

// library gives the compiler what it needs of the standard library.
type library struct {
	dir      string            // the module's folder
	roots    dataRoots         // where data may lie
	withheld withheld          // what of them is not to be told
	dirs     map[string]string // the folders that paths are relative to, by address; where there is none, dir
	lock     *lockFile
	binder   *table.Binder
	answers  *cache.File // of the binder and the rules; nil: they are not kept
	rules    *rule.Cache
	unpinned []string
	warnings source.Diagnostics
}

func (a *app) library(lock *lockFile) *library {
	answers := cache.At(filepath.Join(a.dir, storeName, "cache", "answers"))
	lib := &library{dir: a.dir, roots: a.roots, withheld: withheld{}, dirs: map[string]string{}, lock: lock, answers: answers, binder: table.NewBinder(answers), rules: rule.NewCache()}
	if version, err := executable(); err == nil {
		lib.rules = rule.NewKeptCache(answers, version)
	}
	return lib
}

// executable tells this program from others, which may know other rules as sound. It differs from machine to machine.
func executable() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes of %s", info.Size(), info.ModTime().UTC().Format(time.RFC3339Nano)), nil
}

func (l *library) Close() error {
	if l.answers != nil {
		l.answers.Save()
	}
	return l.binder.Close()
}

// Resolved notes which folder each block is of, and follows blocks that moved in what is pinned.
func (l *library) Resolved(m *resolve.Module) {
	for _, b := range m.Blocks {
		if b.Dir != "" {
			l.dirs[b.Address] = filepath.Join(l.dir, filepath.FromSlash(b.Dir))
		}
	}
	l.lock.move(m)
}

// Rules keeps what was found out of rules.
func (l *library) Rules() *rule.Cache { return l.rules }

func (l *library) Shape(ctx context.Context, kind, typ string, req schema.ShapeRequest) (schema.ShapeResult, bool) {
	c := stdlib.Component(componentName(kind, typ))
	if c == nil || c.Shape == nil {
		return schema.ShapeResult{}, false
	}
	return c.Shape(ctx, l.binder, req), true
}

// Derive asks the component what is derived of a block.
func (l *library) Derive(kind, typ string, req schema.DeriveRequest) ([]schema.Derivation, error) {
	c := stdlib.Component(componentName(kind, typ))
	if c == nil || c.Derive == nil {
		return nil, nil
	}
	return c.Derive(req)
}

// Program asks the component what a block's stage runs.
func (l *library) Program(kind, typ string, config json.RawMessage) (*schema.Program, error) {
	c := stdlib.Component(componentName(kind, typ))
	if c == nil || c.Program == nil {
		return nil, nil
	}
	return c.Program(config)
}

var _ check.Deriver = (*library)(nil)

// Columns takes those pinned by mlp.lock, or else looks at the files.
func (l *library) Columns(ctx context.Context, kind, typ, address string, config json.RawMessage) ([]schema.Column, error) {
	if pinned, ok := l.lock.Schemas[address]; ok {
		return pinned, nil
	}
	c := stdlib.Component(componentName(kind, typ))
	if c == nil || c.Source == nil || c.Source.Sniff == nil {
		return nil, fmt.Errorf("a %s of type %q must declare its columns", kind, typ)
	}
	dir := l.dirs[address]
	if dir == "" {
		dir = l.dir
	}
	root, names, err := l.roots.files(kind, typ, dir, config)
	if err != nil {
		return nil, err
	}
	l.unpinned = append(l.unpinned, address)
	columns, err := c.Source.Sniff(ctx, absolute(dir, root), names, config)
	if !l.roots.quotable(absolute(dir, root), names) {
		l.withheld.add(columns)
		err = component.Unquoted(err)
	}
	if err != nil {
		return nil, err
	}
	l.lock.Schemas[address] = columns
	return columns, nil
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// componentName is how stages name their component: "train.gradient_boosting".
func componentName(kind, typ string) string {
	if typ == "" {
		return kind
	}
	return kind + "." + typ
}

func sourceOf(kind, typ string) *component.Source {
	if c := stdlib.Component(componentName(kind, typ)); c != nil {
		return c.Source
	}
	return nil
}
