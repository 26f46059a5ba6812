package cli

import (
	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/runtime/view"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

func (a *app) ejectCommand() *cobra.Command {
	var vars workspace.Settings
	cmd := &cobra.Command{Use: "eject FOLDER", Short: "Write the pipeline as a Makefile that needs no apply", Long: view.EjectHelp, Args: cobra.ExactArgs(1),
		Example: "  mlp eject ../fraud-make && make -C ../fraud-make -j2 check", RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.OpenToPlan(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			written, err := s.Eject(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.screen().Ejected(args[0], written)
		}}
	settingsFlags(cmd, &vars)
	return cmd
}
