package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render/alerts"
	"github.com/mlp-lang/mlp/runtime/view"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

func (a *app) exportCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "export", Short: "Take models and results elsewhere: archives, images, C, MLflow, Prometheus, Grafana", Args: cobra.ArbitraryArgs,
		Example: "  mlp export bundle deploy.scorer --out scorer.tar.gz\n  mlp export image deploy.scorer --out scorer.tar\n  mlp export c99 deploy.scorer --out scorer.c\n  mlp export mlflow train evaluate --to http://localhost:5000",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args)
			}
			return c.Help()
		}}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(a.exportMLflowCommand(),
		a.exportAlertsCommand("prometheus", "Write alerting rules of Prometheus for a deployment", view.ExportPrometheusHelp, "  mlp export prometheus deploy.scorer > rules.yml && promtool check rules rules.yml", func(d alerts.Deployment) ([]byte, error) { return alerts.Rules(d), nil }),
		a.exportAlertsCommand("grafana", "Write a dashboard of Grafana for a deployment", view.ExportGrafanaHelp, "  mlp export grafana deploy.scorer > dashboard.json", alerts.Dashboard),
		a.exportModelCommand("bundle", "Write a model as an archive", view.ExportBundleHelp, "  mlp export bundle deploy.scorer --out scorer.tar.gz", (*workspace.Session).ExportBundle),
		a.exportModelCommand("image", "Write an image that serves a model", view.ExportImageHelp, "  mlp export image deploy.scorer --out scorer.tar && docker load --input scorer.tar", (*workspace.Session).ExportImage),
		a.exportModelCommand("c99", "Write a model as one file of C99", view.ExportC99Help, "  mlp export c99 deploy.scorer --out scorer.c && cc -std=c99 -O2 -c scorer.c", (*workspace.Session).ExportC99))
	return cmd
}

func (a *app) exportMLflowCommand() *cobra.Command {
	var vars workspace.Settings
	var to, experiment string
	cmd := &cobra.Command{Use: "mlflow BLOCK…", Short: "Send recorded results to an MLflow tracking server", Long: view.ExportHelp, Args: explained(cobra.MinimumNArgs(1)),
		Example: "  mlp export mlflow train evaluate --to http://localhost:5000", RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openRecorded(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			return a.screen().Exported(s.MLflow(cmd.Context(), workspace.AddressesOf(args), to, experiment))
		}}
	settingsFlags(cmd, &vars)
	cmd.Flags().StringVar(&to, "to", "", "the `URL` of the tracking server. Default: MLFLOW_TRACKING_URI")
	cmd.Flags().StringVar(&experiment, "experiment", "", "the `name` of the experiment, which is created if need be. Default: the pipeline's")
	return cmd
}

// exportAlertsCommand writes what a deployment is watched by.
func (a *app) exportAlertsCommand(form, short, long, example string, write func(alerts.Deployment) ([]byte, error)) *cobra.Command {
	var vars workspace.Settings
	var said alerts.Limits
	var latency time.Duration
	cmd := &cobra.Command{Use: form + " ADDRESS", Short: short, Long: long, Example: example, Args: explained(cobra.ExactArgs(1)), RunE: func(cmd *cobra.Command, args []string) error {
		s, err := a.openRecorded(cmd.Context(), vars)
		if err != nil {
			return err
		}
		defer s.Close()
		said.Latency = latency.Seconds()
		d, err := s.Watched(args[0], said)
		if err != nil {
			return err
		}
		text, err := write(d)
		if err == nil {
			_, err = a.out.Write(text)
		}
		return err
	}}
	settingsFlags(cmd, &vars)
	cmd.Flags().DurationVar(&latency, "latency", 0, "the `duration` that 99 of 100 requests are answered within (default 500ms)")
	cmd.Flags().Float64Var(&said.Errors, "errors", 0, "the `share` of requests that the server may fail at (default 0.01)")
	cmd.Flags().Float64Var(&said.Failed, "failed", 0, "the `share` of rows that may not be scored (default: twice the error_rate of the canary's traffic, else 0.02)")
	return cmd
}

// exportModelCommand writes a recorded model in some form.
func (a *app) exportModelCommand(form, short, long, example string, export func(*workspace.Session, context.Context, string, string) (*workspace.ExportedModel, error)) *cobra.Command {
	var vars workspace.Settings
	var out string
	cmd := &cobra.Command{Use: form + " ADDRESS", Short: short, Long: long, Example: example, Args: explained(cobra.ExactArgs(1)), RunE: func(cmd *cobra.Command, args []string) error {
		s, err := a.openRecorded(cmd.Context(), vars)
		if err != nil {
			return err
		}
		defer s.Close()
		x, err := export(s, cmd.Context(), args[0], out)
		if err != nil {
			return err
		}
		return a.screen().ExportedModel(x)
	}}
	settingsFlags(cmd, &vars)
	cmd.Flags().StringVar(&out, "out", "", "the `file` to write, which must not be there")
	return cmd
}
