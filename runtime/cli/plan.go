package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/runtime/heap"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// planFlags are the flags of 'mlp plan'.
type planFlags struct {
	vars          workspace.Settings
	force         []string
	failOn        workspace.FailOn
	format, out   string // out is a file, "" for none
	all, detailed bool   // detailed is --detailed-exitcode
	manifests     bool   // in place of the plan
	refresh       bool   // as in applyFlags
	offline       bool
	at            int64
	ahead         string // the file of a plan; "": none
	part          workspace.Part
}

const planHelp = `Shows what an apply would do and why: which stages run, which may run, what gates decide already and what is left of
the others, what would be released. Nothing runs, and nothing is written but --out.

A stage "may run" when an input is not known yet: if what is upstream yields the same bytes as before, it is spared.`

// planCommand makes a plan, shows it, and saves it where asked to. It changes nothing; with --detailed-exitcode it exits
// with 2 where an apply would do something, with --fail-on with 3 where the plan has what a review should stop at.
func (a *app) planCommand() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use: "plan", Short: "Show what a change will do, and why", Long: planHelp, Args: cobra.NoArgs,
		Example: "  mlp plan\n  mlp plan --var min_recall=0.8\n  mlp plan --format markdown --out plan.json",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runPlan(cmd, f) },
	}
	a.moduleFlags(cmd, &f.vars, &f.force)
	outsideFlags(cmd, &f.refresh, &f.offline)
	partFlags(cmd, &f.part)
	a.sampleFlag(cmd)
	cmd.Flags().StringVar(&f.format, "format", "text", "`text`, markdown, json or html")
	cmd.Flags().StringVar(&f.out, "out", "", "also save the plan as JSON in this `file`, for 'mlp apply FILE' and 'mlp show FILE'")
	cmd.Flags().BoolVar(&f.all, "all", false, "list cached stages and decided gates too")
	cmd.Flags().BoolVar(&f.detailed, "detailed-exitcode", false, "exit with 2 if there is something to do")
	cmd.Flags().BoolVar(&f.manifests, "manifests", false, "print what an apply on Kubernetes would create there, as YAML, in place of the plan")
	cmd.MarkFlagsMutuallyExclusive("manifests", "format")
	failOnFlag(cmd, &f.failOn, "exit with 3 on any of these")
	atFlag(cmd, &f.at)
	cmd.Flags().StringVar(&f.ahead, "ahead", "", "on top of the saved plan in this `file`: against what will be recorded when that has been applied")
	cmd.MarkFlagsMutuallyExclusive("ahead", "out") // a plan on top of another is to be read
	cmd.MarkFlagsMutuallyExclusive("ahead", "at")
	cmd.MarkFlagsMutuallyExclusive("at", "out")
	cmd.MarkFlagsMutuallyExclusive("at", "base") // a past state is that of the workspace itself
	return cmd
}

// moduleFlags adds the flags of all commands that plan: --var, --var-file, --base, --force.
func (a *app) moduleFlags(cmd *cobra.Command, vars *workspace.Settings, force *[]string) {
	settingsFlags(cmd, vars)
	cmd.Flags().StringVar(&a.Base, "base", "", "compare with what `workspace` has live and recorded, for a pull request; else as when the workspace was last applied")
	cmd.Flags().StringArrayVar(force, "force", nil, "run this `address` even if its result is known (may be repeated)")
}

// failOnFlag adds --fail-on, which may be repeated, or have several words with commas. what begins its help: "exit with
// 3 on any of these".
func failOnFlag(cmd *cobra.Command, into *workspace.FailOn, what string) {
	cmd.Flags().StringSliceVar((*[]string)(into), "fail-on", nil, what+": "+workspace.FailOnWords(false))
}

// outsideFlags adds the flags that say how to look at what lies outside the module's folder. They exclude each other.
func outsideFlags(cmd *cobra.Command, refresh, offline *bool) {
	cmd.Flags().BoolVar(offline, "offline", false, "ask nothing outside but for local files: what sources have elsewhere is taken as recorded ($MLP_OFFLINE)")
	cmd.Flags().BoolVar(refresh, "refresh", false, "the files of all sources must be here, and what lies elsewhere must answer; without it the recorded version is taken. A plan also looks whether recorded results are in the store, as an apply always does")
	cmd.MarkFlagsMutuallyExclusive("refresh", "offline")
}

// runPlan plans, saves, prints, in this order: a plan that cannot be saved is not shown as if it had been, and a reader
// of standard output that went away does not lose the file.
func (a *app) runPlan(cmd *cobra.Command, f planFlags) error {
	if err := f.failOn.Check(); err != nil {
		return err
	}
	if err := checkPart(f.part); err != nil {
		return err
	}
	if err := a.sampled(cmd); err != nil {
		return err
	}
	heap.Brief()
	s, err := a.OpenToPlan(cmd.Context(), f.vars)
	if err != nil {
		return err
	}
	defer s.Close()
	s.Refresh, s.Look, s.Offline, s.Part = f.refresh, f.refresh, f.offline, f.part
	if cmd.Flag("at").Changed {
		if err := s.At(cmd.Context(), f.at); err != nil {
			return err
		}
	}
	if f.ahead != "" {
		if err := s.OnTopOf(cmd.Context(), f.ahead); err != nil {
			return err
		}
	}
	p, err := s.Plan(cmd.Context(), f.force)
	if err != nil {
		return err
	}
	if s.Store.Left() {
		fmt.Fprintln(a.err, "An apply was killed while it ran a stage. Where stages run in containers, that one may run on; the next apply of its workspace ends it.")
	}
	if f.out != "" {
		if err := workspace.SavePlan(f.out, p); err != nil {
			return err
		}
	}
	if f.manifests {
		return s.Manifests(cmd.Context(), a.out, p)
	}
	if err := a.printPlan(p, f.format, f.all); err != nil {
		return err
	}
	a.annotate(review.Diagnostics(p))
	a.screen().SummarizeJob(p)
	return planOutcome(p, f)
}

// formats of a plan, by the values of --format.
var formats = map[string]func(io.Writer, *plan.Plan, render.Options) error{
	"text":     review.Text,
	"markdown": review.Markdown,
	"html":     review.HTML,
	"json":     func(w io.Writer, p *plan.Plan, _ render.Options) error { return workspace.WritePlan(w, p) },
}

// printPlan writes a plan to standard output. The format is one of formats; all lists cached stages and decided gates
// too.
func (a *app) printPlan(p *plan.Plan, format string, all bool) error {
	return formats[format](a.out, p, render.Options{Color: a.color(a.out), All: all, Command: a.Command})
}

// writeJSON writes indented JSON with a line feed behind it. <, > and & stand as they are: the output is for programs
// and people, and no part of a page.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// planOutcome is the exit code of a plan that was shown. --fail-on comes before --detailed-exitcode, as exit.go orders
// codes.
func planOutcome(p *plan.Plan, f planFlags) error {
	if f.failOn.Holds(p) {
		return exitCode(exitGate)
	}
	if f.detailed && !review.Count(p).Nothing() {
		return exitCode(exitChanges)
	}
	return nil
}
