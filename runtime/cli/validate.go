package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) validateCommand() *cobra.Command {
	var vars settings
	cmd := &cobra.Command{
		Use: "validate", Short: "Find mistakes, before anything runs", Args: cobra.NoArgs,
		Long: "Reads the module and checks all of it: blocks, references, types of tables across blocks, SQL, rules. All mistakes are\n" +
			"told, in the order of the files. Nothing runs and nothing is written.",
		Example: "  mlp validate\n  mlp -C pipelines/fraud validate --var min_recall=0.8",
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, lib, err := a.module(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer lib.Close()
			a.diagnostics(lib.warnings, m.Files)
			fmt.Fprintf(a.out, "%s is valid: %s in %s.\n", m.Pipeline.Name, counted(len(m.Blocks), "block"), counted(len(m.Files), "file"))
			return nil
		},
	}
	vars.flags(cmd)
	return cmd
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
