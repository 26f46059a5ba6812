package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/view"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const queryHelp = `Runs one SELECT over recorded tables, which go by their addresses: dataset.payments, split.holdout.train, and in double
quotes any other: "module.eu.dataset.payments". The instance dataset.sales["eu"] is dataset.sales_eu.

The query reads these tables and nothing else, changes nothing, and is DuckDB's SQL as in a dataset block. Values that come of columns
marked pii are not shown. Rows of a split's test side are for evaluations, and refused without --allow-looks.`

// queryEndings are the forms that the name of a file asks for.
var queryEndings = map[string]string{".csv": "csv", ".json": "json", ".parquet": "parquet", ".md": "markdown", ".txt": "text"}

func (a *app) queryCommand() *cobra.Command {
	format, out, limit, looks, at := "text", "", int64(0), false, int64(0)
	var vars workspace.Settings
	cmd := &cobra.Command{
		Use: "query SQL", Short: "Rows of a SELECT over recorded tables", Long: queryHelp, Args: cobra.ExactArgs(1),
		Example: "  mlp query 'select contract, count(*) from source.customers group by all'\n  mlp query 'from split.fixed.train' --out train.parquet",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := formByEnding(cmd, out, queryEndings, &format); err != nil {
				return err
			}
			if format == "parquet" && out == "" {
				return &failure{err: errors.New("--format parquet is for files"), hint: "Name one with --out."}
			}
			if limit < 0 {
				return &failure{err: fmt.Errorf("--limit %d is no number of rows", limit), hint: "Without it text has the first 100 rows, and other forms all."}
			}
			s, err := a.openRecorded(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			if cmd.Flag("at").Changed {
				if err := s.At(cmd.Context(), at); err != nil {
					return err
				}
			}
			if limit == 0 {
				limit = view.AnswerLimit(format)
			}
			answer, err := s.Query(cmd.Context(), args[0], limit, looks)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, answer.Close()) }()
			a.screen().BesideAnswer(answer, format)
			return a.written(out, func(w io.Writer) error {
				return view.Answer(cmd.Context(), w, answer, format, render.Options{Color: out == "" && a.color(a.out)})
			})
		},
	}
	settingsFlags(cmd, &vars)
	cmd.Flags().StringVar(&format, "format", format, "`text`, markdown, csv, json or parquet. Default: by the ending of --out, else text")
	cmd.Flags().StringVar(&out, "out", "", "write to this `file`: .csv, .json, .parquet, .md or .txt")
	cmd.Flags().Int64Var(&limit, "limit", 0, "at most so many `rows`; without it text and markdown have the first 100, other forms all")
	cmd.Flags().BoolVar(&looks, "allow-looks", false, "also read rows of the test side of a split; no gate counts such a look")
	atFlag(cmd, &at)
	return cmd
}
