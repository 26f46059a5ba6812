package suite

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/lsp"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// Editor compiles modules and their tests for the language server. It is not for several goroutines: the server calls
// it from one at a time.
type Editor struct {
	*workspace.Editor
	roots workspace.DataRoots
}

// NewEditor is one for modules whose data may lie in these roots. Close it.
func NewEditor(roots workspace.DataRoots) *Editor {
	return &Editor{Editor: workspace.NewEditor(roots), roots: roots}
}

// Analyse compiles the module in a folder as validate does, but goes on as far as it gets. Where dir is the path of a
// file of tests, that is what is analysed, against the module beside it on disk. It never returns nil, and errors
// become diagnostics, since an editor has no other place to show them.
func (e *Editor) Analyse(ctx context.Context, dir string, files map[string][]byte) *lsp.Analysis {
	if strings.HasSuffix(dir, syntax.TestExtension) {
		return e.analyseTests(ctx, filepath.Dir(dir), files)
	}
	out := &lsp.Analysis{Blocks: map[string]*lsp.Block{}, Values: map[string]string{}}
	r := e.Compile(ctx, dir, files)
	out.Diagnostics = r.Diagnostics
	for address, b := range r.Module.Blocks {
		out.Blocks[address] = &lsp.Block{Out: b.Out, Figures: b.Figures, Env: b.Env}
	}
	show(out.Values, "variable.", r.Resolved.Variables, r.Resolved.VariablesJSON())
	show(out.Values, "local.", r.Resolved.Locals, r.Resolved.LocalsJSON())
	return out
}

// show adds values under their names, as JSON. Sensitive ones are left out: an editor would show them to whoever looks
// on.
func show(out map[string]string, prefix string, values map[string]cty.Value, texts map[string]json.RawMessage) {
	for name, text := range texts {
		if !expr.IsSensitive(values[name]) {
			out[prefix+name] = string(text)
		}
	}
}

// analyseTests types files of tests as `mlp test` does before it runs any. Mistakes of the module itself are told in its own
// files, and not once more here.
func (e *Editor) analyseTests(ctx context.Context, dir string, files map[string][]byte) *lsp.Analysis {
	out := &lsp.Analysis{Blocks: map[string]*lsp.Block{}, Values: map[string]string{}}
	module := &workspace.Workspace{Given: dir, Dir: dir, Roots: e.roots.Of(dir)}
	o, lib, diags, err := OptionsOf(module, files, Opening{})
	var own *front.Error
	switch {
	case errors.As(err, &own):
		return out
	case err != nil:
		out.Diagnostics = source.Diagnostics{{Severity: source.Error, Summary: err.Error()}}
		return out
	}
	defer lib.Close()
	sees, more, err := Check(ctx, o)
	if diags = append(diags, more...); err != nil {
		diags = append(diags, source.Diagnostic{Severity: source.Error, Summary: err.Error()})
	}
	for name, env := range sees {
		out.Blocks["test."+name] = &lsp.Block{Env: env}
	}
	out.Diagnostics = slices.DeleteFunc(diags, func(d source.Diagnostic) bool {
		return d.Subject.File != "" && files[d.Subject.File] == nil
	})
	return out
}
