package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// showCommand shows one of four things by its argument: all that is recorded, a block, a saved plan, or the trace of
// requirements. Flags that say nothing of that one are refused (unread), and so are formats that it has not.
func (a *app) showCommand() *cobra.Command {
	format, save, all := "text", "", false
	var vars workspace.Settings
	cmd := &cobra.Command{
		Use: "show [ADDRESS | PLAN.json | requirements]", Short: "What a block yielded, or what a saved plan says", Args: cobra.MaximumNArgs(1),
		Long: "Shows what is recorded of a stage, gate or deployment; without an address, of all. With --save, its outputs are copied\n" +
			"to a folder: tables as Parquet, a model as its bundle. The file of a saved plan is shown as 'mlp plan' shows one.\n" +
			"With requirements, the trace from each requirement to the gates, checks and rules that verify it, and their last verdicts.",
		Example: "  mlp show\n  mlp show evaluate.holdout --format json\n  mlp show train.model --save model/\n  mlp show plan.json --format html\n  mlp show requirements",
		RunE: func(cmd *cobra.Command, args []string) error {
			what, unsaid := "a block", []string{"all"}
			switch {
			case len(args) == 0:
				what, unsaid = "all that is recorded", []string{"all", "save"}
			case workspace.IsPlanFile(args[0]):
				what, unsaid = "a saved plan", []string{"save"}
			case args[0] == requirementsArgument:
				what, unsaid = "requirements", []string{"all", "save"}
			}
			if err := unread(cmd, what, unsaid...); err != nil {
				return err
			}
			if len(args) > 0 && workspace.IsPlanFile(args[0]) {
				return a.showPlan(cmd.Context(), args[0], vars, format, all)
			}
			if format != "text" && format != "json" {
				return &failure{err: fmt.Errorf("--format %s is for saved plans", format), hint: "Use text or json."}
			}
			if len(args) > 0 && args[0] == requirementsArgument {
				return a.showRequirements(cmd.Context(), vars, format)
			}
			s, err := a.openRecorded(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			if len(args) == 0 {
				return a.showAll(s, format)
			}
			return a.showOne(cmd.Context(), s, workspace.AddressOf(args[0]), format, save)
		},
	}
	settingsFlags(cmd, &vars)
	cmd.Flags().StringVar(&format, "format", format, "`text` or json; of a saved plan also markdown and html")
	cmd.Flags().BoolVar(&all, "all", false, "of a saved plan: list cached stages and decided gates too")
	cmd.Flags().StringVar(&save, "save", "", "copy the outputs to this `folder`, which must not exist")
	return cmd
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
	a.showText(s, x)
	return nil
}

// showText prints what is recorded of one block, a row for each thing that there is; rows without a value are left out.
func (a *app) showText(s *workspace.Session, x *workspace.Shown) {
	w := a.out
	fmt.Fprintln(w, x.Address)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %-12s %s\n", name, value)
		}
	}
	row("component", x.Component)
	row("fingerprint", string(x.Fingerprint))
	for _, port := range sortedKeys(x.Outputs) {
		row(port, string(x.Outputs[port]))
	}
	if x.Executor != "" {
		row("ran", fmt.Sprintf("%.1f s, %s, %s", float64(x.DurationMS)/1000, x.Executor, x.Platform))
		row("took", x.Took())
		row("on", render.Line(x.Node))
	}
	if x.Check != nil {
		row("verdict", string(x.Check.Verdict))
		a.decided(x.Check.Rules)
	}
	if x.Gate != nil {
		row("verdict", string(x.Gate.Verdict))
		a.decided(x.Gate.Rules)
		a.given(x.Gate)
	}
	if x.Release != nil {
		row("live", fmt.Sprintf("%s %s, since revision %d (%s)", x.Release.From, x.Release.Model.Short(), x.Release.Revision, x.Release.Since.Format("2006-01-02 15:04:05Z07:00")))
		if x.Release.By != "" {
			row("applied by", render.Line(x.Release.By+" on "+x.Release.Host))
		}
		row("gate", x.Release.Gate)
		// Approvals stand with the gate, which may have decided on another model since; those of the live model alone
		// are shown.
		if g, ok := s.State.Gates[x.Release.Gate]; ok && g.Subject == x.Release.Subject {
			a.given(&g)
		}
	}
	for _, warning := range x.Warnings {
		row("warning", render.Line(warning))
	}
	a.metrics(x.Metrics)
}

// decided prints rules as they were last decided.
func (a *app) decided(rules []plan.Rule) {
	for _, r := range rules {
		warns := ""
		if r.Severity == "warn" {
			warns = " (warns only)"
		}
		fmt.Fprintf(a.out, "    %-5s %s%s: %s\n", r.Verdict, render.Line(r.Name), warns, render.Line(r.Assert))
	}
}

// given prints a gate's approvals: of whom they are asked, and who gave them, when and why.
func (a *app) given(g *plan.GateState) {
	for _, x := range g.Approvals {
		state := "missing"
		switch {
		case x.Given != nil:
			state = "given by " + review.GivenText(*x.Given)
		case x.GivenBy != "":
			state = "given by " + render.Line(x.GivenBy)
		case x.Needed == plan.Fail:
			state = "not needed"
		}
		fmt.Fprintf(a.out, "    approval %s of %s: %s\n", render.Line(x.Name), render.Line(strings.Join(x.From, ", ")), state)
	}
}

// metrics prints figures as a list of paths, aligned: "metrics.recall  0.83". Data that is no JSON prints nothing.
func (a *app) metrics(data json.RawMessage) {
	if len(data) == 0 {
		return
	}
	var tree any
	if json.Unmarshal(data, &tree) != nil {
		return
	}
	leaves := map[string]json.RawMessage{}
	flattenFigures("", tree, leaves)
	fmt.Fprintln(a.out, "  figures")
	width := 0
	for path := range leaves {
		width = max(width, utf8.RuneCountInString(render.Line(path)))
	}
	for _, path := range inOrder(leaves) {
		fmt.Fprintf(a.out, "    %-*s  %s\n", width, render.Line(path), render.Value(leaves[path]))
	}
}

// inOrder sorts the paths of figures by name, and those below an importance by size, since the question there is which
// features count most: importance.amount 0.6 stands before importance.age 0.1.
func inOrder(leaves map[string]json.RawMessage) []string {
	size := func(path string) float64 {
		x, err := strconv.ParseFloat(string(leaves[path]), 64)
		if err != nil { // null: it has none
			return math.Inf(-1)
		}
		return x
	}
	paths := sortedKeys(leaves)
	slices.SortStableFunc(paths, func(p, q string) int {
		group, _, important := strings.Cut(p, "importance.")
		other, _, too := strings.Cut(q, "importance.")
		if important && too && group == other {
			return cmp.Compare(size(q), size(p))
		}
		return cmp.Compare(p, q)
	})
	return paths
}

// flattenFigures lists the leaves of a tree of figures by dotted path: {"metrics": {"recall": 0.8}} becomes
// "metrics.recall". Lists are leaves.
func flattenFigures(path string, v any, out map[string]json.RawMessage) {
	if m, ok := v.(map[string]any); ok {
		for k, x := range m {
			flattenFigures(strings.TrimPrefix(path+"."+k, "."), x, out)
		}
		return
	}
	if data, err := json.Marshal(v); err == nil {
		out[path] = data
	}
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
	fmt.Fprintf(a.out, "%s · workspace %s · revision %d\n", s.Pipeline, a.Name, s.State.Revision)
	for _, x := range all {
		what := string(x.Fingerprint.Short())
		if x.Check != nil {
			what += "  " + string(x.Check.Verdict)
		}
		if x.Gate != nil {
			what = string(x.Gate.Verdict)
		}
		if x.Release != nil {
			what += fmt.Sprintf("  live: %s %s", x.Release.From, x.Release.Model.Short())
		}
		if x.Damaged != "" {
			what += "  damaged: " + x.Damaged
		}
		if s.Module != nil && s.Module.Blocks[address.Block(x.Address)] == nil {
			what += "  (of a block that is in no file)"
		}
		fmt.Fprintf(a.out, "  %-36s %s\n", x.Address, strings.TrimSpace(what))
	}
	return nil
}
