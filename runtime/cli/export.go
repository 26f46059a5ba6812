package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/runtime/view"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

func (a *app) exportCommand() *cobra.Command {
	var vars workspace.Settings
	var to, experiment string
	cmd := &cobra.Command{Use: "export mlflow BLOCK…", Short: "Send recorded results to an MLflow tracking server", Long: view.ExportHelp, Args: cobra.MinimumNArgs(2),
		Example: "  mlp export mlflow train evaluate --to http://localhost:5000", RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != "mlflow" {
				return &failure{err: fmt.Errorf("nothing is known of %q to export to", args[0]), hint: "mlp export mlflow BLOCK…"}
			}
			s, err := a.openRecorded(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			return a.screen().Exported(s.MLflow(cmd.Context(), workspace.AddressesOf(args[1:]), to, experiment))
		}}
	settingsFlags(cmd, &vars)
	cmd.Flags().StringVar(&to, "to", "", "the `URL` of the tracking server. Default: MLFLOW_TRACKING_URI")
	cmd.Flags().StringVar(&experiment, "experiment", "", "the `name` of the experiment, which is created if need be. Default: the pipeline's")
	return cmd
}
