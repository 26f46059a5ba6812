package cli

import (
	"context"
	"encoding/json"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/lsp"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/workspace"
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
	e := newEditor(a.Roots)
	defer e.Close()
	return lsp.Serve(ctx, a.in, a.out, lsp.Options{Compiler: e, Catalog: e.Catalog, Version: workspace.Version(), Debounce: typingPause})
}

// editor compiles modules for the language server.
type editor struct {
	*workspace.Editor
	roots workspace.DataRoots
}

func newEditor(roots workspace.DataRoots) *editor {
	return &editor{Editor: workspace.NewEditor(roots), roots: roots}
}

// Analyse compiles a module as validate does, but goes on as far as it gets.
func (e *editor) Analyse(ctx context.Context, dir string, files map[string][]byte) *lsp.Analysis {
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

func show(out map[string]string, prefix string, values map[string]cty.Value, texts map[string]json.RawMessage) {
	for name, text := range texts {
		if !expr.IsSensitive(values[name]) {
			out[prefix+name] = string(text)
		}
	}
}
