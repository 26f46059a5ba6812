package cli

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/lang/lsp"
	"github.com/mlp-lang/mlp/runtime/suite"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const lspHelp = `Answers an editor over standard input and output, in the Language Server Protocol. Editors start it themselves; see
examples/editors for how to set up VS Code, Neovim and Helix.`

// typingPause is how long the typing must pause before diagnostics are worked out. It joins the changes that an editor
// sends for one key press; a longer one would be felt.
const typingPause = 10 * time.Millisecond

// collectAt is how far memory may grow, in percent of what is in use, before garbage is collected: a keystroke must not
// wait for a collection.
const collectAt = 400

// lspCommand speaks the protocol on standard input and output until the editor ends it.
func (a *app) lspCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "lsp", Short: "Serve an editor (Language Server Protocol)", Long: lspHelp, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runLSP(cmd.Context()) },
	}
	cmd.Flags().Bool("stdio", true, "speak over standard input and output; there is no other way, editors pass it out of habit")
	return cmd
}

// runLSP serves until the editor says exit, or closes the input. Nothing but protocol may go to standard output
// meanwhile.
func (a *app) runLSP(ctx context.Context) error {
	debug.SetGCPercent(collectAt)
	e := suite.NewEditor(a.Roots)
	defer e.Close()
	return lsp.Serve(ctx, a.in, a.out, lsp.Options{Compiler: e, Catalog: e.Catalog, Version: workspace.Version(), Debounce: typingPause})
}
