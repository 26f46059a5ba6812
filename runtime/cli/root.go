// Package cli is the command line: flags to options, commands, and what they print. It is the one place that puts the
// compiler, the runtime and the standard library together.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// app is what all commands share: where they work and print.
type app struct {
	workspace.Workspace
	out, err io.Writer
	in       io.Reader
	allowed  []string // data roots as the user wrote them
}

// Main runs the command line and returns its exit code.
func Main(args []string) int {
	a := &app{out: &checked{file: os.Stdout}, err: os.Stderr, in: os.Stdin}
	cmd := a.root()
	cmd.SetArgs(args)
	return a.guarded(func() error { return cmd.ExecuteContext(context.Background()) })
}

// guarded does what a command does, tells what went wrong, and returns the exit code. A panic is a defect of mlp, and is
// told as one.
func (a *app) guarded(do func() error) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(a.err, "%smlp has a defect: %s\nPlease report it with what is below.\n\n%s", a.paint("Error: "), render.Lines(fmt.Sprint(r)), debug.Stack())
			code = exitError
		}
	}()
	err := do()
	if out, ok := a.out.(*checked); ok && out.err != nil && codeOf(err) == exitOK {
		err = fmt.Errorf("writing to standard output: %w", out.err)
	}
	a.report(err)
	return codeOf(err)
}

// checked remembers that something could not be written: a command whose output is lost has failed, whatever it did besides.
type checked struct {
	file *os.File
	err  error
}

func (c *checked) Write(p []byte) (int, error) {
	n, err := c.file.Write(p)
	if c.err == nil {
		c.err = err
	}
	return n, err
}

// report prints an error that no command has told yet.
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

// openRecorded opens the module for a command that shows or serves what is recorded, which mistakes in the module do not hinder.
func (a *app) openRecorded(ctx context.Context, vars workspace.Settings) (*workspace.Session, error) {
	s, unread, err := a.OpenRecorded(ctx, vars)
	if unread != nil {
		fmt.Fprintf(a.err, "The module cannot be read: %s. What is recorded does not need it; %s tells more.\n", render.Line(unread.Error()), a.Command("validate"))
	}
	return s, err
}

// maxShown is how many diagnostics are written out for people; those after it are counted. Of warnings of one code the
// first maxAlike are, so that one cause in many blocks does not bury the rest.
const (
	maxShown = 100
	maxAlike = 3
)

func (a *app) diagnostics(diags source.Diagnostics, files map[string][]byte) {
	shown, alike := unlike(diags)
	source.Render(a.err, shown[:min(len(shown), maxShown)], files, source.Options{Color: a.color(a.err)})
	if more := len(shown) - maxShown; more > 0 {
		fmt.Fprintf(a.err, "\nAnd %d more.\n", more)
	}
	for _, code := range slices.Sorted(maps.Keys(alike)) {
		at := alike[code]
		places := strings.Join(at[:min(len(at), maxAlike)], ", ")
		if len(at) > maxAlike {
			places += ", …"
		}
		fmt.Fprintf(a.err, "\nAnd %d more warnings %s, at %s\n", len(at), code, places)
	}
	a.annotate(diags)
}

// unlike leaves out the warnings of a code that has been shown often enough; alike are their places, by code.
func unlike(diags source.Diagnostics) (shown source.Diagnostics, alike map[string][]string) {
	alike = map[string][]string{}
	count := map[string]int{}
	for _, d := range diags {
		if d.Severity == source.Warning {
			if count[d.Code]++; count[d.Code] > maxAlike {
				alike[d.Code] = append(alike[d.Code], fmt.Sprintf("%s:%d", d.Subject.File, d.Subject.Start.Line))
				continue
			}
		}
		shown = append(shown, d)
	}
	return shown, alike
}

func (a *app) paint(s string) string {
	if a.color(a.err) {
		return "\x1b[1;31m" + s + "\x1b[0m"
	}
	return s
}

// color reports whether to write colours to w: a terminal, and nobody said no (no-color.org).
func (a *app) color(w io.Writer) bool { return a.terminal(w) && os.Getenv("NO_COLOR") == "" }

func (a *app) terminal(w io.Writer) bool {
	if out, is := w.(*checked); is {
		w = out.file
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

func (a *app) root() *cobra.Command {
	cmd := &cobra.Command{
		Use: "mlp", Short: "Plan and apply machine-learning pipelines", Long: rootHelp,
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if err := checkChoices(c); err != nil {
				return err
			}
			return a.enter()
		},
	}
	cmd.SetOut(a.out)
	cmd.SetErr(a.err)
	cmd.SetIn(a.in)
	cmd.PersistentFlags().StringVarP(&a.Dir, "chdir", "C", ".", "work in this `folder`")
	cmd.PersistentFlags().StringVar(&a.Name, "workspace", "default", "`name` of the workspace: a state of its own")
	cmd.PersistentFlags().StringArrayVar(&a.allowed, "data-root", nil, "data may lie in this `folder` beside the pipeline's, and nowhere else; messages may quote it (may be repeated; or "+workspace.DataRootVariable+")")
	cmd.PersistentFlags().StringVar(&a.ApproversFile, "approvers", "", "who may give approvals, by the operator's `file` of groups (or "+workspace.ApproversVariable+")")
	cmd.SetFlagErrorFunc(flagError)
	cmd.Version = workspace.Version()
	cmd.SetVersionTemplate("mlp {{.Version}}\n")
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = unknownCommand
	cmd.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	cmd.AddCommand(a.initCommand(), a.fmtCommand(), a.validateCommand(), a.planCommand(), a.applyCommand(),
		a.showCommand(), a.graphCommand(), a.diffCommand(), a.explainCommand(), a.logsCommand(), a.serveCommand(), a.approveCommand(), a.versionCommand(), a.docsCommand(),
		a.lspCommand(), a.testCommand(), a.storeCommand(),
		a.stageCommand(), a.workerCommand(), a.attemptCommand())
	for _, c := range cmd.Commands() {
		c.Args = explained(c.Args)
	}
	a.complete(cmd)
	return cmd
}

// unknownCommand refuses words behind mlp that are no command.
func unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "'mlp --help' lists all commands."
	if instead := commandInstead(args[0]); instead != "" {
		hint = instead + " " + hint
	} else if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "Did you mean " + strings.Join(near, " or ") + "? " + hint
	}
	return &failure{err: fmt.Errorf("there is no command %q", args[0]), hint: hint}
}

// explained says how a command is used where its arguments are too few or too many.
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

// enter checks the folder and the workspace before any command works with them.
func (a *app) enter() error {
	if strings.Trim(a.Name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" || a.Name == "" {
		return &failure{err: fmt.Errorf("%q is no name of a workspace", a.Name), hint: "Use lower-case letters, digits, - and _."}
	}
	dir, err := filepath.Abs(a.Dir)
	if err != nil { // nobody may look at where mlp was started
		return fmt.Errorf("the folder %s cannot be entered: %w", a.Dir, err)
	}
	info, err := os.Stat(dir)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no folder %s", a.Dir)
	}
	if err != nil {
		return fmt.Errorf("the folder %s cannot be entered: %w", a.Dir, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is a file; -C takes a folder of .mlp files", a.Dir)
	}
	a.Given, a.Dir = a.Dir, dir
	if a.Roots, err = workspace.OpenDataRoots(a.allowed); err == nil {
		a.Roots = a.Roots.Of(dir)
	}
	return err
}

// interrupts returns a context that ends at the first interrupt and one that ends at the second. A terminal that is closed
// interrupts as well.
func interrupts(ctx context.Context) (stop, kill context.Context, release func()) {
	stop, cancelStop := context.WithCancel(ctx)
	kill, cancelKill := context.WithCancel(ctx)
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
