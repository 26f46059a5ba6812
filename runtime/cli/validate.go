package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/diagnostics"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/heap"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// validateCommand checks the module, prints all mistakes, and exits with 1 if there is an error. Warnings do not fail.
// Formats for programs have the mistakes in them too, and go to standard output.
func (a *app) validateCommand() *cobra.Command {
	format := "text"
	var vars workspace.Settings
	cmd := &cobra.Command{
		Use: "validate", Short: "Find mistakes, before anything runs", Args: cobra.NoArgs,
		Long: "Reads the module and checks all of it: blocks, references, types of tables across blocks, SQL, rules. All mistakes are\n" +
			"told, in the order of the files. Nothing runs and nothing is written.",
		Example: "  mlp validate\n  mlp -C pipelines/fraud validate --var min_recall=0.8\n  mlp validate --format sarif > mlp.sarif",
		RunE: func(cmd *cobra.Command, _ []string) error {
			heap.Brief()
			if format != "text" {
				return a.validateAs(cmd, vars, format)
			}
			m, lib, err := a.Check(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer lib.Close()
			a.diagnostics(lib.Warnings, m.Files)
			fmt.Fprintf(a.out, "%s is valid: %s in %s.\n", m.Pipeline.Name, render.Counted(len(m.Blocks), "block"), render.Counted(len(m.Files), "file"))
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "`text`, json or sarif (SARIF 2.1.0, for code scanners)")
	settingsFlags(cmd, &vars)
	return cmd
}

// validateAs writes all diagnostics in a form for programs, on standard output, also where there are errors. The exit
// code is as with text. A failure that is no mistake of the module, such as a lock file of a later version, is no
// report.
func (a *app) validateAs(cmd *cobra.Command, vars workspace.Settings, format string) error {
	var diags source.Diagnostics
	_, lib, err := a.Check(cmd.Context(), vars)
	var found *front.Error
	switch {
	case errors.As(err, &found):
		diags = found.Diagnostics
	case err != nil:
		return err
	default:
		defer lib.Close()
		diags = lib.Warnings
	}
	a.annotate(diags)
	var out any = diagnostics.ReportOf(diags)
	if format == "sarif" {
		out = diagnostics.SARIF(diags, workspace.Version(), a.InRepository)
	}
	if err := writeJSON(a.out, out); err != nil {
		return err
	}
	if diags.HasErrors() {
		return exitCode(exitError)
	}
	return nil
}
