package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/lang/lsp"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/suite"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// analyseTests types files of tests as `mlp test` does before it runs any. Mistakes of the module itself are told in its own
// files, and not once more here.
func (e *editor) analyseTests(ctx context.Context, dir string, files map[string][]byte) *lsp.Analysis {
	out := &lsp.Analysis{Blocks: map[string]*lsp.Block{}, Values: map[string]string{}}
	module := &workspace.Workspace{Given: dir, Dir: dir, Roots: e.roots.Of(dir)}
	o, lib, diags, err := suite.OptionsOf(module, files, suite.Opening{})
	var own *front.Error
	switch {
	case errors.As(err, &own):
		return out
	case err != nil:
		out.Diagnostics = source.Diagnostics{{Severity: source.Error, Summary: err.Error()}}
		return out
	}
	defer lib.Close()
	sees, more, err := suite.Check(ctx, o)
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
