// Package cli is the command line: flags to options, commands, and what they print. It is the one place that puts the
// compiler, the runtime and the standard library together.
//
// A command goes through four steps, each with one place:
//
//	cobra           finds the command and parses its flags (root, xCommand)
//	a use case      does the work and returns data or an error (runtime/workspace, runtime/suite)
//	a view          prints the data (printPlan, showText, package view); standard output holds results, standard error all else
//	Main            prints the error, if any, and makes an exit code of it (report, codeOf)
//
// So `mlp plan --format json` is planCommand, Workspace.OpenToPlan and Session.Plan, printPlan with "json", and
// planOutcome, which returns exitCode(3) where --fail-on names something that holds of the plan.
//
// Whatever reaches a terminal goes through render.Line (one line) or render.Lines (several) first, unless it is text of
// this program: names, messages and logs come from files of others, and could hold escape sequences that move the
// cursor, recolour or retitle the terminal of whoever reads them.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/diagnostics"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/view"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// app is what all commands share: the workspace that they work in, and where they read and print. One command runs in a
// process, on one goroutine; only views that are called from others (testView) lock.
type app struct {
	workspace.Workspace
	out, err io.Writer
	in       io.Reader
	allowed  []string // data roots as the user wrote them //
}

// Main runs the command line and returns its exit code.
// Args are those behind the name of the program. Main never exits by itself, so deferred calls of its caller run; it
// must be called once in a process, since commands change process-wide settings (garbage collection, signals).
func Main(args []string) int {
	a := &app{out: &view.Output{File: os.Stdout}, err: os.Stderr, in: os.Stdin}
	cmd := a.root()
	cmd.SetArgs(args)
	return a.guarded(func() error { return cmd.ExecuteContext(view.Watch(context.Background(), a.err)) })
}

// guarded does what a command does, tells what went wrong, and returns the exit code. A panic is a defect of mlp, and is
// told as one.
func (a *app) guarded(do func() error) (code int) {
	// Only this goroutine's panics come here. Goroutines that do work of their own recover for themselves (readAhead).
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(a.err, "%smlp has a defect: %s\nPlease report it with what is below.\n\n%s", a.paint("Error: "), render.Lines(fmt.Sprint(r)), debug.Stack())
			code = exitError
		}
	}()
	err := do()
	// An error of the command itself is worth more than the one that its output met, so the latter is told only where
	// the command claims to have succeeded.
	if out, ok := a.out.(*view.Output); ok && out.Err != nil && codeOf(err) == exitOK {
		err = fmt.Errorf("writing to standard output: %w", out.Err)
	}
	a.report(err)
	return codeOf(err)
}

// report prints an error that no command has told yet. An exitCode has been told, and prints nothing. A front.Error is
// shown as diagnostics with lines of the files; a failure or workspace.Failure as "Error: " and the hint below:
//
//	Error: there is no train.modle
//	  did you mean "train.model"?
//
// The order of the cases matters: errors wrap each other, and the one with most to say is looked for first.
func (a *app) report(err error) {
	var code exitCode
	var d *front.Error
	var f *failure
	var undone *workspace.Failure
	var at *workspace.RevisionError
	switch {
	case err == nil || errors.As(err, &code):
	case errors.As(err, &d):
		if errors.As(err, &at) {
			fmt.Fprintf(a.err, "The pipeline at %s cannot be planned:\n", at.Revision)
		}
		a.diagnostics(d.Diagnostics, d.Files)
	case errors.As(err, &f) && f.hint != "":
		fmt.Fprintf(a.err, "%s%s\n  %s\n", a.paint("Error: "), render.Lines(f.err.Error()), render.Lines(f.hint))
	case errors.As(err, &undone) && undone.Hint != "":
		fmt.Fprintf(a.err, "%s%s\n  %s\n", a.paint("Error: "), render.Lines(undone.Err.Error()), render.Lines(undone.Hint))
	default:
		fmt.Fprintf(a.err, "%s%s\n", a.paint("Error: "), render.Lines(err.Error()))
	}
}

// openRecorded opens the module for a command that shows or serves what is recorded, which mistakes in the module do
// not hinder: who looks at the log of a failed apply may be half way through an edit. The first mistake is told on
// standard error; the session then has no Module. Close the session.
func (a *app) openRecorded(ctx context.Context, vars workspace.Settings) (*workspace.Session, error) {
	s, unread, err := a.OpenRecorded(ctx, vars)
	if unread != nil {
		fmt.Fprintf(a.err, "The module cannot be read: %s. What is recorded does not need it; %s tells more.\n", render.Line(unread.Error()), a.Command("validate"))
	}
	return s, err
}

// diagnostics writes diagnostics for people to standard error, and as annotations where GitHub Actions runs. files are
// the texts that lines are quoted from, by the names that subjects have.
func (a *app) diagnostics(diags source.Diagnostics, files map[string][]byte) {
	diagnostics.Text(a.err, diags, files, a.color(a.err))
	a.annotate(diags)
}

// screen is where views write.
func (a *app) screen() *view.Screen {
	return &view.Screen{Out: a.out, Err: a.err, Terminal: a.terminal(a.out), Colors: a.color(a.out), Warns: a.color(a.err), Command: a.Command}
}

// paint makes a word bold red where standard error is a terminal that takes colours; elsewhere it returns s as it is.
func (a *app) paint(s string) string { return a.screen().Paint(s) }

// color reports whether to write colours to w: a terminal, and nobody said no (no-color.org).
func (a *app) color(w io.Writer) bool { return a.terminal(w) && os.Getenv("NO_COLOR") == "" }

// terminal reports whether w is a terminal that obeys escape sequences. Whatever is no file, such as the buffer of a
// test, is none, and TERM=dumb says that of a terminal (Emacs' shell, some build logs).
func (a *app) terminal(w io.Writer) bool {
	if out, is := w.(*view.Output); is {
		w = out.File
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

const rootHelp = `mlp plans and applies machine-learning pipelines written in .mlp files.

A folder of .mlp files is one pipeline: sources, datasets, checks, features, training, evaluation, the rules that gate a
release, and deployments. 'mlp plan' shows what a change will do and why; 'mlp apply' does exactly that.

  mlp validate                 find mistakes, before anything runs
  mlp plan                     what would run, what a gate will decide, what would be released
  mlp apply                    show that, ask, and do it
  mlp show train.model         what a block yielded: fingerprint, outputs, figures
  mlp logs train.model         what its stage printed`

// root puts the tree of commands together. Errors and usage are silenced in cobra: Main tells errors in one form, and a
// page of flags behind each of them would push the error off the screen.
func (a *app) root() *cobra.Command {
	cmd := &cobra.Command{
		Use: "mlp", Short: "Plan and apply machine-learning pipelines", Long: rootHelp,
		SilenceErrors: true, SilenceUsage: true,
		// Before every command, of subcommands too, since none of them has one of its own.
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if err := checkChoices(c); err != nil {
				return err
			}
			if err := checkExclusive(c); err != nil {
				return err
			}
			return a.Enter(a.allowed)
		},
	}
	cmd.SetOut(a.out)
	cmd.SetErr(a.err)
	cmd.SetIn(a.in)
	cmd.PersistentFlags().StringVarP(&a.Dir, "chdir", "C", ".", "work in this `folder`")
	cmd.PersistentFlags().StringVar(&a.Name, "workspace", "default", "`name` of the workspace: a state of its own")
	cmd.PersistentFlags().StringVar(&a.StoreURL, "store", "", "the `URL` of the bucket with results and state, such as s3://models/fraud (or "+workspace.StoreVariable+", or store in the pipeline block). Default: "+workspace.StoreName+", the folder beside the module")
	cmd.PersistentFlags().StringArrayVar(&a.allowed, "data-root", nil, "data may lie in this `folder` beside the pipeline's, and nowhere else; messages may quote it (may be repeated; or "+workspace.DataRootVariable+")")
	cmd.PersistentFlags().StringVar(&a.ApproversFile, "approvers", "", "who may give approvals, by the operator's `file` of groups (or "+workspace.ApproversVariable+")")
	cmd.SetFlagErrorFunc(flagError)
	cmd.Version = workspace.Version()
	cmd.SetVersionTemplate("mlp {{.Version}}\n")
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = unknownCommand
	cmd.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	cmd.AddCommand(a.initCommand(), a.fmtCommand(), a.validateCommand(), a.planCommand(), a.applyCommand(), a.runCommand(), a.monitorCommand(), a.watchCommand(),
		a.showCommand(), a.reportCommand(), a.queryCommand(), a.runsCommand(), a.compareCommand(), a.exportCommand(), a.ejectCommand(), a.historyCommand(), a.graphCommand(), a.diffCommand(), a.explainCommand(), a.logsCommand(), a.serveCommand(), a.approveCommand(), a.rollbackCommand(), a.releaseCommand(), a.versionCommand(), a.docsCommand(),
		a.lspCommand(), a.testCommand(), a.storeCommand(), a.gcCommand(), a.workspaceCommand(),
		a.stageCommand(), a.workerCommand(), a.attemptCommand(), a.besideCommand())
	// Also "mlp show a b" is answered with how show is used, and not with cobra's "accepts at most 1 arg(s), received
	// 2".
	for _, c := range cmd.Commands() {
		c.Args = explained(c.Args)
	}
	a.complete(cmd)
	return cmd
}

// unknownCommand refuses words behind mlp that are no command.
// A word of another tool ("mlp destroy") is answered with what takes its place, a misspelt one ("mlp plna") with what
// is near.
func unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "'mlp --help' lists all commands."
	if instead := view.CommandInstead(args[0]); instead != "" {
		hint = instead + " " + hint
	} else if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "Did you mean " + strings.Join(near, " or ") + "? " + hint
	}
	return &failure{err: fmt.Errorf("there is no command %q", args[0]), hint: hint}
}

// explained wraps the check of a command's arguments, so that too few or too many are answered with the command's
// usage. A check that says more itself, by a failure, is left as it is. nil, which takes any arguments, stays nil.
func explained(check cobra.PositionalArgs) cobra.PositionalArgs {
	if check == nil {
		return nil
	}
	return func(c *cobra.Command, args []string) error {
		err := check(c, args)
		if said := (*failure)(nil); err == nil || errors.As(err, &said) {
			return err
		}
		return &failure{err: fmt.Errorf("wrong number of arguments for %s: %d", c.CommandPath(), len(args)), hint: "Usage: " + c.UseLine()}
	}
}

// interrupts returns a context that ends at the first interrupt and one that ends at the second, or with ctx.
// Interrupts are Ctrl-C, SIGTERM, and the terminal that is closed. Until release is called no signal ends the process
// by itself, so whoever calls must look at stop, and must call release.
func interrupts(ctx context.Context) (stop, kill context.Context, release func()) {
	stop, cancelStop := context.WithCancel(ctx)
	kill, cancelKill := context.WithCancel(ctx)
	// Of two, so that a second Ctrl-C is not lost while the first is being taken: Notify does not wait for a reader.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup: the terminal may go
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		for n := 0; ; n++ {
			select {
			case <-kill.Done():
				return
			case <-signals:
				cancelStop()
				if n > 0 {
					cancelKill()
				}
			}
		}
	}()
	return stop, kill, func() { signal.Stop(signals); cancelStop(); cancelKill() }
}
