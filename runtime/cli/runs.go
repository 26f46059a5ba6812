package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render"
	page "github.com/mlp-lang/mlp/compiler/render/report"
	"github.com/mlp-lang/mlp/compiler/runs"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const runsHelp = `Lists every recorded result of blocks, the last first: the parameters that differ between them, those of the model that was
measured too, versions of data, figures with intervals, duration and commit.

BLOCK is an address, one with * for any text, or a kind for all of its blocks. Without it: all evaluations.`

const compareHelp = `Sets the results of several blocks side by side, as they are now: the parameters that differ, figures with intervals,
duration. With --to, also by how much each differs from one of them on the same rows, with paired intervals: two intervals
that overlap say little of the difference.

BLOCK is an address, one with * for any text, or a kind for all of its blocks; an instance is evaluate.test["eu"].
Without it: all evaluations.`

// comparison are the flags of 'mlp runs' and 'mlp compare'.
type comparison struct {
	vars                            workspace.Settings
	format, out, where, order, from string
	group                           bool
}

func (a *app) runsCommand() *cobra.Command {
	f := comparison{format: "text"}
	cmd := &cobra.Command{
		Use: "runs [BLOCK…]", Short: "Every recorded result of blocks, with parameters and figures", Long: runsHelp,
		Example: "  mlp runs train.model\n  mlp runs evaluate.holdout --sort auc\n  mlp runs evaluate --where 'recall > 0.8' --format csv",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.runComparison(cmd, args, f, false) },
	}
	f.flags(cmd)
	return cmd
}

func (a *app) compareCommand() *cobra.Command {
	f := comparison{format: "text"}
	cmd := &cobra.Command{
		Use: "compare [BLOCK…]", Short: "The results of several blocks side by side", Long: compareHelp,
		Example: "  mlp compare 'evaluate.*' --sort auc\n  mlp compare evaluate.boosting evaluate.linear --to evaluate.linear\n  mlp compare evaluate --group --out compare.html",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.runComparison(cmd, args, f, true) },
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&f.from, "to", "", "differences to the result of the block at this `address`, on the same rows")
	cmd.Flags().BoolVar(&f.group, "group", false, "also mean and spread of each block over its instances")
	return cmd
}

// flags are those of both.
func (f *comparison) flags(cmd *cobra.Command) {
	settingsFlags(cmd, &f.vars)
	cmd.Flags().StringVar(&f.format, "format", f.format, "`text`, markdown, html, csv or json. Default: by the ending of --out, else text")
	cmd.Flags().StringVar(&f.out, "out", "", "write to this `file`: .html, .md, .csv, .json or .txt")
	cmd.Flags().StringVar(&f.where, "where", "", "only runs for which this `condition` in CEL over their figures and parameters holds: 'auc > 0.9 && params.trees < 300.0'")
	cmd.Flags().StringVar(&f.order, "sort", "", "the best by this `figure` first")
}

func (a *app) runComparison(cmd *cobra.Command, args []string, f comparison, current bool) error {
	if err := formByEnding(cmd, f.out, runsEndings, &f.format); err != nil {
		return err
	}
	s, err := a.openRecorded(cmd.Context(), f.vars)
	if err != nil {
		return err
	}
	defer s.Close()
	all, err := s.Runs(cmd.Context(), workspace.AddressesOf(args), current)
	if err != nil {
		return err
	}
	found := len(all)
	if all, err = a.kept(all, f.where); err != nil {
		return err
	}
	var unknown *runs.UnknownError
	if err := runs.Sort(all, f.order); errors.As(err, &unknown) {
		return &failure{err: err, hint: suggest.DidYouMean(unknown.Name, unknown.Known)}
	}
	if f.from != "" {
		if err := s.Differ(cmd.Context(), workspace.AddressOf(f.from), all); err != nil {
			return err
		}
	}
	title := fmt.Sprintf("%d %s", len(all), render.Plural(len(all), "run", "runs"))
	if f.where != "" {
		title = fmt.Sprintf("%d of %d runs", len(all), found)
	}
	if f.from != "" {
		title += ", differences to " + f.from
	}
	return a.written(f.out, func(w io.Writer) error { return a.writeRuns(w, s.Pipeline, title, all, f) })
}

// runsEndings are the forms that the name of a file asks for.
var runsEndings = map[string]string{".html": "html", ".md": "markdown", ".json": "json", ".txt": "text", ".csv": "csv"}

func (a *app) writeRuns(w io.Writer, pipeline, title string, all []*runs.Run, f comparison) error {
	switch f.format {
	case "json":
		return writeJSON(w, all)
	case "csv":
		return runs.CSV(w, all)
	}
	d := &page.Document{Title: pipeline, Entries: []page.Entry{{Report: runs.Report(title, all, f.group)}}}
	return page.Write(w, d, f.format, render.Options{Color: f.out == "" && a.color(a.out)})
}

// kept are the runs for which a condition holds. Those of which that cannot be said are told of.
func (a *app) kept(all []*runs.Run, condition string) ([]*runs.Run, error) {
	if condition == "" {
		return all, nil
	}
	kept, left, mistakes := runs.Where(all, condition)
	if mistakes.HasErrors() {
		a.diagnostics(mistakes, map[string][]byte{"--where": []byte(condition)})
		return nil, exitCode(exitError)
	}
	for _, l := range left {
		fmt.Fprintf(a.err, "%s is left out: %s\n", render.Line(l.Run.Name(all)), render.Line(l.Why))
	}
	return kept, nil
}
