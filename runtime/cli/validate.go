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
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, lib, err := a.module(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer lib.Close()
			a.diagnostics(lib.warnings, m.Files)
			fmt.Fprintf(a.out, "%s is valid: %d blocks in %d files.\n", m.Pipeline.Name, len(m.Blocks), len(m.Files))
			return nil
		},
	}
	vars.flags(cmd)
	return cmd
}
