package cli

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/report"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const reportHelp = `Shows what stages report of their results: figures with intervals, curves, slices and groups as tables and pictures; and of gates,
deployments and hypotheses how they were decided. Without an address, all that there are.

A page of HTML is one file that needs nothing else, to be attached and kept. A report is recorded with its result: it is
made once, and shown in any form without running anything.`

// reportEndings are the forms that the name of a file asks for.
var reportEndings = map[string]string{".html": "html", ".md": "markdown", ".json": "json", ".txt": "text"}

// reportCommand writes what is recorded, and runs nothing. The form goes by the ending of --out, since `--out
// report.html` leaves no question.
func (a *app) reportCommand() *cobra.Command {
	format, out, at := "text", "", int64(0)
	var vars workspace.Settings
	cmd := &cobra.Command{
		Use: "report [ADDRESS…]", Short: "What stages report of their results, as a page, Markdown or text", Long: reportHelp,
		Example: "  mlp report evaluate.holdout\n  mlp report --out report.html\n  mlp report evaluate.holdout --format markdown",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := formByEnding(cmd, out, reportEndings, &format); err != nil {
				return err
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
			d, err := s.Reports(workspace.AddressesOf(args))
			if err != nil {
				return err
			}
			return a.written(out, func(w io.Writer) error {
				return report.Write(w, d, format, render.Options{Color: out == "" && a.color(a.out)})
			})
		},
	}
	settingsFlags(cmd, &vars)
	cmd.Flags().StringVar(&format, "format", format, "`text`, markdown, html or json. Default: by the ending of --out, else text")
	cmd.Flags().StringVar(&out, "out", "", "write to this `file`: .html, .md, .json or .txt")
	atFlag(cmd, &at)
	return cmd
}

// formByEnding takes the form from the name of a file, unless --format says one. An ending that stands for no form is refused: text in a file that
// is called report.pdf would be found out by whoever opens it.
func formByEnding(cmd *cobra.Command, file string, endings map[string]string, format *string) error {
	ending := filepath.Ext(file)
	if cmd.Flag("format").Changed || ending == "" {
		return nil
	}
	form, ok := endings[ending]
	if !ok {
		return &failure{err: fmt.Errorf("--out %s: no form is known by the ending %s", file, ending),
			hint: "Use " + strings.Join(slices.Sorted(maps.Keys(endings)), ", ") + ", or say the form with --format."}
	}
	*format = form
	return nil
}

// written writes to standard output, or to a file where one is named: whole, or not at all.
func (a *app) written(file string, write func(io.Writer) error) error {
	if file == "" {
		return write(a.out)
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing to a file: %w", err)
	}
	fmt.Fprintf(a.out, "Wrote %s.\n", render.Line(file))
	return nil
}
