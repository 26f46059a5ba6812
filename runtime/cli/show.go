package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render/ledger"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// showCommand shows one of four things by its argument: all that is recorded, a block, a saved plan, or the trace of
// requirements. Flags that say nothing of that one are refused (unread), and so are formats that it has not.
func (a *app) showCommand() *cobra.Command {
	format, save, all, lineage, at := "text", "", false, false, int64(0)
	var vars workspace.Settings
	cmd := &cobra.Command{
		Use: "show [ADDRESS | PLAN.json | requirements]", Short: "What a block yielded, or what a saved plan says", Args: cobra.MaximumNArgs(1),
		Long: "Shows what is recorded of a stage, gate or deployment; without an address, of all. With --save, its outputs are copied\n" +
			"to a folder: tables as Parquet, a model as its bundle. The file of a saved plan is shown as 'mlp plan' shows one.\n" +
			"The rows of a table are shown by columns: types, nulls,\n" +
			"distinct values, quantiles of numbers and dates, the most frequent values, and the first ten rows; split.fixed.test is one table of several. Values of\n" +
			"columns marked pii are never shown. With --lineage, all that a release or result comes from: data, code, rules, approvals and figures, down to files. With --at, as of a\n" +
			"revision of the past. With requirements, the trace from each requirement to the gates, checks and rules that verify it, and their last verdicts.",
		Example: "  mlp show\n  mlp show evaluate.holdout --format json\n  mlp show train.model --save model/\n  mlp show split.holdout.test --format markdown\n  mlp show deploy.scorer --lineage\n  mlp show plan.json --format html\n  mlp show requirements",
		RunE: func(cmd *cobra.Command, args []string) error {
			what, unsaid := "a block", []string{"all"}
			switch {
			case len(args) == 0:
				what, unsaid = "all that is recorded", []string{"all", "save", "lineage"}
			case workspace.IsPlanFile(args[0]):
				what, unsaid = "a saved plan", []string{"save", "lineage", "at"}
			case args[0] == requirementsArgument:
				what, unsaid = "requirements", []string{"all", "save", "lineage", "at"}
			}
			if err := unread(cmd, what, unsaid...); err != nil {
				return err
			}
			if len(args) > 0 && workspace.IsPlanFile(args[0]) {
				return a.showPlan(cmd.Context(), args[0], vars, format, all)
			}
			if format == "html" {
				return &failure{err: fmt.Errorf("--format %s is for saved plans", format), hint: "Use text or json, or markdown for a table."}
			}
			if format == "markdown" && (len(args) == 0 || lineage || save != "" || args[0] == requirementsArgument) {
				return &failure{err: fmt.Errorf("--format markdown is for saved plans and tables"), hint: "Use text or json."}
			}
			if len(args) > 0 && args[0] == requirementsArgument {
				return a.showRequirements(cmd.Context(), vars, format)
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
			switch {
			case len(args) == 0:
				return a.showAll(s, format)
			case lineage:
				return a.showLineage(cmd.Context(), s, workspace.AddressOf(args[0]), format)
			}
			at := workspace.AddressOf(args[0])
			if address, port, ok := s.Port(at); ok {
				if err := unread(cmd, "one table", "save", "all"); err != nil {
					return err
				}
				return a.screen().Table(cmd.Context(), s, address, port, format)
			}
			if ports := s.TablePorts(at); format == "markdown" && len(ports) == 1 {
				return a.screen().Table(cmd.Context(), s, at, ports[0], format)
			} else if format == "markdown" {
				return &failure{err: fmt.Errorf("--format markdown is for saved plans and tables"), hint: "Use text or json, or name one table of several: split.fixed.test."}
			}
			return a.showOne(cmd.Context(), s, at, format, save)
		},
	}
	settingsFlags(cmd, &vars)
	cmd.Flags().StringVar(&format, "format", format, "`text` or json; of a table also markdown, of a saved plan that and html")
	cmd.Flags().BoolVar(&all, "all", false, "of a saved plan: list cached stages and decided gates too")
	cmd.Flags().StringVar(&save, "save", "", "copy the outputs to this `folder`, which must not exist")
	cmd.Flags().BoolVar(&lineage, "lineage", false, "all that it comes from: data, code, rules, approvals, figures")
	atFlag(cmd, &at)
	cmd.MarkFlagsMutuallyExclusive("save", "lineage")
	return cmd
}

// showLineage writes what the result at an address comes from, back to its sources.
func (a *app) showLineage(ctx context.Context, s *workspace.Session, address, format string) error {
	l, err := s.Lineage(ctx, address)
	if err != nil {
		return err
	}
	if format == "json" {
		return writeJSON(a.out, l)
	}
	return ledger.Lineage(a.out, l)
}

// showPlan shows a saved plan; neither the module nor the store is needed. Where the state that the plan was made
// against is here, a plan that says otherwise than would be planned is refused.
func (a *app) showPlan(ctx context.Context, path string, vars workspace.Settings, format string, all bool) error {
	p, err := a.savedPlan(ctx, path, vars)
	if err != nil {
		return err
	}
	if format == "json" { // as it stands, with fields of later versions: its plan_id covers them
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading a saved plan: %w", err)
		}
		_, err = a.out.Write(data)
		return err
	}
	return a.printPlan(p, format, all)
}

// showOne shows what is recorded of the block at an address, or saves its outputs to a folder.
// A damaged record is an error with the way out, not half a text: what can be read of it could be what is wrong.
func (a *app) showOne(ctx context.Context, s *workspace.Session, address, format, save string) error {
	x, err := s.Find(address)
	if err != nil {
		return err
	}
	if save != "" {
		ports, err := s.Save(ctx, x, save)
		if err == nil {
			fmt.Fprintf(a.out, "Saved %s to %s.\n", strings.Join(ports, ", "), save)
		}
		return err
	}
	if x.Damaged != "" {
		return &failure{err: fmt.Errorf("the record of the result of %s is damaged: %s", address, x.Damaged),
			hint: "Restore the file from a copy of the store, or run the stage again: " + a.Command("apply")}
	}
	if format == "json" {
		return writeJSON(a.out, x)
	}
	if err := ledger.Text(a.out, x, s.State); err != nil {
		return err
	}
	return a.screen().Tables(ctx, s, address)
}

// showAll lists all that is recorded in the workspace, a line a block. Blocks that are in no file any more are marked.
func (a *app) showAll(s *workspace.Session, format string) error {
	all, err := s.All()
	if err != nil {
		return err
	}
	if format == "json" {
		return writeJSON(a.out, all)
	}
	inFile := func(of string) bool { return s.Module == nil || s.Module.Blocks[address.Block(of)] != nil }
	return ledger.All(a.out, fmt.Sprintf("%s · workspace %s · revision %d", s.Pipeline, a.Name, s.State.Revision), all, inFile)
}
