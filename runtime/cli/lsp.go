package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/lsp"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/stdlib"
	"github.com/mlp-lang/mlp/stdlib/table"
)

const lspHelp = `Answers an editor over standard input and output, in the Language Server Protocol. Editors start it themselves; see
examples/editors for how to set up VS Code, Neovim and Helix.`

// typingPause is how long the typing must pause before diagnostics are worked out.
const typingPause = 10 * time.Millisecond

// collectAt is how far memory may grow, in percent, before it is collected: a keystroke must not wait for that.
const collectAt = 400

func (a *app) lspCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "lsp", Short: "Serve an editor (Language Server Protocol)", Long: lspHelp, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runLSP(cmd.Context()) },
	}
	cmd.Flags().Bool("stdio", true, "speak over standard input and output; there is no other way, editors pass it out of habit")
	return cmd
}

func (a *app) runLSP(ctx context.Context) error {
	debug.SetGCPercent(collectAt)
	e := newEditor(a.roots)
	defer e.Close()
	return lsp.Serve(ctx, a.in, a.out, lsp.Options{Compiler: e, Catalog: e.catalog, Version: version(), Debounce: typingPause})
}

// editor compiles modules for the language server. It keeps what costs time from one keystroke to the next.
type editor struct {
	catalog *schema.Catalog
	binder  *table.Binder
	sniffed map[string][]schema.Column // by what was looked at
	caches  map[string]*syntax.Cache   // by folder
	rules   *rule.Cache
	// verified are the modules that were found as they were fetched; not looked at again while the editor runs.
	verified *sync.Map
	roots    dataRoots
}

func newEditor(roots dataRoots) *editor {
	return &editor{roots: roots, catalog: stdlib.Catalog(), binder: table.NewBinder(nil), sniffed: map[string][]schema.Column{}, caches: map[string]*syntax.Cache{}, rules: rule.NewCache(), verified: &sync.Map{}}
}

func (e *editor) Close() error { return e.binder.Close() }

// Analyse compiles a module as validate does, but goes on as far as it gets.
func (e *editor) Analyse(ctx context.Context, dir string, files map[string][]byte) *lsp.Analysis {
	if strings.HasSuffix(dir, syntax.TestExtension) {
		return e.analyseTests(ctx, filepath.Dir(dir), files)
	}
	out := &lsp.Analysis{Blocks: map[string]*lsp.Block{}, Values: map[string]string{}}
	parsed, diags, parts := e.parse(dir, files)
	module := &app{given: dir, dir: dir, roots: e.roots.of(dir), in: os.Stdin, out: io.Discard, err: io.Discard}
	values, texts, more, err := module.values(nil)
	if err != nil {
		more = append(more, source.Diagnostic{Severity: source.Error, Summary: err.Error()})
	}
	diags = append(diags, more...)
	lock, err := readLock(dir)
	if err != nil {
		diags = append(diags, source.Diagnostic{Severity: source.Error, Summary: err.Error()})
		lock = newLock()
	}
	called := &modules{root: dir, catalog: e.catalog, lock: lock, verified: e.verified}
	lib := &editorLibrary{library: library{dir: dir, roots: module.roots, withheld: withheld{}, dirs: map[string]string{}, lock: lock, binder: e.binder, rules: e.rules}, editor: e}
	r := front.Check(ctx, parsed, front.Options{
		Options: resolve.Options{Variables: values, Dir: dir, Modules: called.read, Fetched: called.fetched},
		Library: lib, Values: texts, Diagnostics: diags, Editing: true,
	})
	out.Diagnostics = lib.withheld.from(parts.whole(r.Diagnostics), files)
	for address, b := range r.Module.Blocks {
		out.Blocks[address] = &lsp.Block{Out: b.Out, Figures: b.Figures, Env: b.Env}
	}
	show(out.Values, "variable.", r.Resolved.Variables, r.Resolved.VariablesJSON())
	show(out.Values, "local.", r.Resolved.Locals, r.Resolved.LocalsJSON())
	return out
}

func show(out map[string]string, prefix string, values map[string]cty.Value, texts map[string]json.RawMessage) {
	for name, text := range texts {
		if !expr.IsSensitive(values[name]) {
			out[prefix+name] = string(text)
		}
	}
}

// editorLibrary looks at the files of a source once, as long as they stay as they are.
type editorLibrary struct {
	library
	editor *editor
}

func (l *editorLibrary) Columns(ctx context.Context, kind, typ, address string, config json.RawMessage) ([]schema.Column, error) {
	if _, pinned := l.lock.Schemas[address]; pinned {
		return l.library.Columns(ctx, kind, typ, address, config)
	}
	key, quotable := l.look(kind, typ, address, config)
	if columns, ok := l.editor.sniffed[key]; ok && key != "" {
		if !quotable {
			l.withheld.add(columns)
		}
		return columns, nil
	}
	columns, err := l.library.Columns(ctx, kind, typ, address, config)
	if err == nil && key != "" {
		l.editor.sniffed[key] = columns
	}
	return columns, err
}

// look tells a source's files apart from what they were: by name, size and time. "" if they cannot be seen. They may be
// quotable or not.
func (l *editorLibrary) look(kind, typ, address string, config json.RawMessage) (key string, quotable bool) {
	dir := l.dirs[address]
	root, names, err := l.roots.files(kind, typ, dir, config)
	if err != nil {
		return "", false
	}
	key = componentName(kind, typ) + "\x00" + dir + "\x00" + string(config)
	for _, name := range names {
		info, err := os.Stat(filepath.Join(absolute(dir, root), name))
		if err != nil {
			return "", false
		}
		key += fmt.Sprintf("\x00%s %d %d", name, info.Size(), info.ModTime().UnixNano())
	}
	return key, l.roots.quotable(absolute(dir, root), names)
}
