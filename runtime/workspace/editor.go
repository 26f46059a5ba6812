package workspace

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/stdlib"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Editor compiles modules again and again while they are written. It keeps what costs time from one keystroke to the
// next: the parts of files that are as they were, the SQL engine, columns found in files, compiled rules. It is not for
// several goroutines. Close it.
type Editor struct {
	Catalog *schema.Catalog
	parser  *front.PartsParser
	roots   DataRoots
	binder  *table.Binder
	sniffed map[string][]schema.Column // by what was looked at
	rules   *rule.Cache
	// verified are the modules that were found as they were fetched; not looked at again while the editor runs.
	verified *sync.Map
}

// NewEditor is one for modules whose data may lie in these roots.
func NewEditor(roots DataRoots) *Editor {
	catalog := stdlib.Catalog()
	return &Editor{Catalog: catalog, parser: front.NewPartsParser(catalog), roots: roots, binder: table.NewBinder(nil), sniffed: map[string][]schema.Column{}, rules: rule.NewCache(), verified: &sync.Map{}}
}

// Close frees the engine that queries are typed with.
func (e *Editor) Close() error { return e.binder.Close() }

// Compile compiles the texts of the module in a folder, as far as it gets. files are by name, as the editor has them;
// other files, such as those of called modules, are read from disk. Mistakes, also of reading, are the result's
// diagnostics.
func (e *Editor) Compile(ctx context.Context, dir string, files map[string][]byte) *front.Result {
	parsed, diags, parts := e.parser.Parse(dir, files)
	w := &Workspace{Given: dir, Dir: dir, Roots: e.roots.Of(dir)}
	values, texts, more, err := w.values(nil)
	if err != nil {
		more = append(more, source.Diagnostic{Severity: source.Error, Summary: err.Error()})
	}
	diags = append(diags, more...)
	lock, err := ReadLock(dir)
	if err != nil {
		diags = append(diags, source.Diagnostic{Severity: source.Error, Summary: err.Error()})
		lock = NewLock()
	}
	lib := w.NewLibrary(lock, e.binder)
	lib.rules, lib.called.verified = e.rules, e.verified
	r := front.Check(ctx, parsed, front.Options{
		Options: lib.options(values), Library: &editorLibrary{Library: lib, editor: e}, Values: texts, Diagnostics: diags, Editing: true,
	})
	r.Diagnostics = lib.Withhold(parts.Whole(r.Diagnostics), files)
	return r
}

// editorLibrary looks at the files of a source once, as long as they stay as they are.
type editorLibrary struct {
	*Library
	editor *Editor
}

// Columns remembers what was found in files: an editor asks with each letter typed. Those of a file that may not be
// quoted are withheld from messages. An error is not remembered, since the file may be there the next time.
func (l *editorLibrary) Columns(ctx context.Context, kind, typ, address string, config json.RawMessage) ([]schema.Column, error) {
	if _, pinned := l.lock.Schemas[address]; pinned {
		return l.Library.Columns(ctx, kind, typ, address, config)
	}
	key, quotable := l.look(kind, typ, address, config)
	if columns, ok := l.editor.sniffed[key]; ok && key != "" {
		if !quotable {
			l.withheld.add(columns)
		}
		return columns, nil
	}
	columns, err := l.Library.Columns(ctx, kind, typ, address, config)
	if err == nil && key != "" {
		l.editor.sniffed[key] = columns
	}
	return columns, err
}

// look tells a source's files apart from what they were: by name, size and time. "" if they cannot be seen. They may be
// quotable or not.
func (l *editorLibrary) look(kind, typ, address string, config json.RawMessage) (key string, quotable bool) {
	dir := l.folder(address)
	root, names, err := l.roots.Files(kind, typ, dir, config)
	if err != nil {
		return "", false
	}
	key = ComponentName(kind, typ) + "\x00" + dir + "\x00" + string(config)
	for _, name := range names {
		info, err := os.Stat(filepath.Join(Absolute(dir, root), name))
		if err != nil {
			return "", false
		}
		key += fmt.Sprintf("\x00%s %d %d", name, info.Size(), info.ModTime().UnixNano())
	}
	return key, l.roots.Quotable(Absolute(dir, root), names)
}
