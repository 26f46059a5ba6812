package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/initfrom"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// initCommand is two commands by what it finds, since somebody who starts knows one word for it. --from and --container
// are of the second; they say so by being there.
func (a *app) initCommand() *cobra.Command {
	var upgrade, container, tune bool
	var from, target string
	var vars workspace.Settings
	cmd := &cobra.Command{
		Use: "init", Short: "Pin what lies outside in mlp.lock, or begin a pipeline", Args: cobra.NoArgs,
		Long: "In a folder with .mlp files: fetches the modules that lie in git repositories, finds the columns of sources that declare\n" +
			"none, and which files sources have, and writes commits, columns and files to mlp.lock: so everybody plans with the same,\n" +
			"and also where the data is not. In a folder without: writes a small pipeline to start from; with --from one over a table,\n" +
			"data.csv, which runs at once, over a pipeline of DVC, dvc.yaml, or a project of MLflow, MLproject, which run the same commands on the\n" +
			"same files, or over the figures that a training script writes. It is the only command that fetches modules.",
		Example: "  mlp -C pipelines/fraud init\n  mlp init --upgrade\n  mlp init --from data.csv --target churned\n  mlp init --from dvc.yaml\n  mlp init --from MLproject\n  mlp init --from .",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if initfrom.IsTable(from) {
				if err := unread(cmd, "a table", "container", "upgrade"); err != nil {
					return err
				}
				b, err := initfrom.Table(cmd.Context(), a.Dir, from, target, tune)
				if err == nil {
					a.screen().BegunTable(from, b)
				}
				return err
			}
			if err := unread(cmd, "what is no table", "target", "tune"); err != nil {
				return err
			}
			if begin := initfrom.Elsewhere(from); begin != nil {
				if err := unread(cmd, "a pipeline of another tool", "container", "upgrade"); err != nil {
					return err
				}
				b, err := begin(a.Dir, from)
				if err == nil {
					a.screen().BegunElsewhere(from, b)
				}
				return err
			}
			if cmd.Flag("from").Changed || container {
				return a.runFrom(from, container)
			}
			return a.runInit(cmd.Context(), vars, upgrade)
		},
	}
	cmd.Flags().BoolVar(&upgrade, "upgrade", false, "look again at what is pinned already")
	cmd.Flags().StringVar(&from, "from", ".", "begin with this `file`: of rows (.csv, .parquet, .json), a dvc.yaml, an MLproject, or with a folder that has a training script and the metrics.json that it writes")
	cmd.Flags().StringVar(&target, "target", "", "with --from of a file: the `column` to predict. Without it one is guessed, and why is said")
	cmd.Flags().BoolVar(&tune, "tune", false, "with --from of a file: have the model try 30 choices of parameters, on rows that are neither trained nor tested on")
	cmd.Flags().BoolVar(&container, "container", false, "with --from: also prepare the script to be run by mlp, with a Dockerfile if there is none")
	settingsFlags(cmd, &vars)
	return cmd
}

// runFrom begins a pipeline, in a folder that has none, over the figures that a team's script writes already. What was
// read is told as well as what was written: the search may have met another metrics.json than the one that was meant.
func (a *app) runFrom(from string, container bool) error {
	b, err := initfrom.Figures(a.Dir, from, container)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "Read %s from %s.\nWrote %s. Next: read the rules in it, then 'mlp plan'.\n", render.Counted(b.Figures, "figure"), b.From, strings.Join(b.Wrote, " and "))
	return nil
}

// runInit writes a first pipeline where there is none, and else pins what lies outside. The first interrupt ends the
// work: mlp.lock is replaced as a whole, first with all modules, then with columns and files too, and so never has half
// of either.
func (a *app) runInit(ctx context.Context, vars workspace.Settings, upgrade bool) error {
	began, err := initfrom.Starter(a.Dir)
	if err != nil {
		return err
	}
	if began {
		fmt.Fprintln(a.out, "Wrote pipeline.mlp. Next: say where your data is, then 'mlp validate'.")
		return nil
	}
	ctx, _, release := interrupts(ctx)
	defer release()
	if err := a.PrepareStore(ctx, a.told); err != nil {
		return err
	}
	in, err := a.Init(upgrade)
	if err != nil {
		return err
	}
	if err := in.Fetch(ctx, a.screen().Fetched); err != nil {
		return err
	}
	found, err := in.Pin(ctx, vars, func(what string) { fmt.Fprintln(a.out, render.Clean([]string{what})[0]) })
	if err != nil {
		return err
	}
	return a.screen().Pinned(found)
}
