package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/runtime/suite"
	"github.com/mlp-lang/mlp/runtime/view"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// testFlags are the flags of 'mlp test'.
type testFlags struct {
	vars        workspace.Settings
	filter      string // a regular expression; "" takes all tests
	format      string // of standard output
	junit       string // a file beside that; "" for none
	executor    string
	parallelism int
}

const testHelp = `Runs the tests of the module: the *.mlptest files beside its .mlp files, or those named. Each test plans or applies the module with
what it gives in place of sources, stages and figures, in a store of its own that is removed at the end; what is recorded in .mlp/ is
neither read nor written. All tests are checked before the first one runs.

Stages run as processes of this machine, which starts them fastest and gives the same results; stages that run an image of their own, and all
with --executor docker, run in containers.

Exit codes: 0 all tests passed; 1 a test could not be carried out, or has a mistake; 3 a test failed.`

// testCommand runs the module's tests, in stores of their own that are gone at the end: nothing of a test is recorded in
// the module's.
func (a *app) testCommand() *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use: "test [FILE...]", Short: "Run the tests of the module", Long: testHelp,
		Example: "  mlp test\n  mlp test release.mlptest --filter 'fraud is caught'\n  mlp test --junit results.xml",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.runTest(cmd.Context(), args, f) },
	}
	settingsFlags(cmd, &f.vars)
	cmd.Flags().StringVar(&f.filter, "filter", "", "run only tests whose 'file: name' matches this `regexp`, and those that they go on from")
	cmd.Flags().StringVar(&f.format, "format", "text", "`text`, json or junit")
	cmd.Flags().StringVar(&f.junit, "junit", "", "also write the results as JUnit XML to this `file`")
	cmd.Flags().StringVar(&f.executor, "executor", "auto", "docker, process, or `auto`: process. Images of stages' own run in containers in any case")
	cmd.Flags().IntVar(&f.parallelism, "parallelism", 0, "how many tests, and how many stages, run at once; 0: as many as there are processors")
	return cmd
}

// runTest reads, checks and runs the tests, each step only if the one before found no mistake. A single argument that
// is a folder stands for all tests in it, and is the module as with -C. Interrupting once ends running stages at once,
// unlike an apply: nothing that a test yields is kept.
func (a *app) runTest(ctx context.Context, args []string, f testFlags) error {
	filter, err := f.check()
	if err != nil {
		return err
	}
	if len(args) == 1 {
		if info, err := os.Stat(args[0]); err == nil && info.IsDir() {
			if a.Dir, err = filepath.Abs(args[0]); err != nil {
				return err
			}
			a.Roots = a.Roots.Of(a.Dir)
			args = nil
		}
	}
	tests, err := suite.ReadFiles(&a.Workspace, args)
	if err != nil {
		return err
	}
	o, lib, diags, err := suite.OptionsOf(&a.Workspace, tests, f.opening(a))
	if err != nil {
		return err
	}
	defer lib.Close()
	images := &workspace.Images{}
	defer images.Close()
	o.Image, o.Filter = images.Version, filter
	s, files, more, err := suite.Load(ctx, o)
	// With mistakes there is no suite to close: Load has closed it.
	if diags = lib.Withhold(append(diags, more...), files); diags.HasErrors() {
		return &front.Error{Diagnostics: diags.Sort(), Files: files}
	}
	if err != nil {
		return err
	}
	stop, _, release := interrupts(ctx)
	defer release()
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE) // a reader that goes away, such as head, must not keep the store from being removed
	defer signal.Stop(broken)
	shown, observer := view.NewTests(a.screen()), suite.Observer{}
	if f.format == "text" { // json and junit are written at the end
		observer = shown.Observer()
	}
	results := s.Run(stop, observer)
	// Before the results are told: the store of the tests can be large, and is gone even if the reader of the output
	// went away.
	if err := s.Close(); err != nil {
		return err
	}
	return a.writeTests(shown, results, f)
}

func (f testFlags) opening(a *app) suite.Opening {
	return suite.Opening{Settings: f.vars, Executor: f.executor, Parallelism: f.parallelism, NoEngine: a.noEngine}
}

// check refuses flags that cannot be meant, and returns the filter, which is nil where all tests are wanted.
func (f testFlags) check() (func(file, name string) bool, error) {
	if f.parallelism < 0 {
		return nil, fmt.Errorf("--parallelism takes a positive number, or 0")
	}
	if f.filter == "" {
		return nil, nil
	}
	re, err := regexp.Compile(f.filter)
	if err != nil {
		return nil, fmt.Errorf("--filter %s is no regular expression: %w", f.filter, err)
	}
	return func(file, name string) bool { return re.MatchString(file + ": " + name) }, nil
}

// writeTests writes what is asked for beside the lines told already, and gives the exit code. A file of --junit that cannot
// be written is an error, for a CI job would show the results of an earlier run.
func (a *app) writeTests(v *view.Tests, results []*suite.Result, f testFlags) error {
	switch f.format {
	case "json":
		if err := writeJSON(a.out, suite.ReportOf(results)); err != nil {
			return err
		}
	case "junit":
		if err := suite.WriteJUnit(a.out, "mlp test", results); err != nil {
			return err
		}
	default:
		v.Summary(results)
	}
	if f.junit != "" {
		if err := saveTo(f.junit, func(w io.Writer) error { return suite.WriteJUnit(w, "mlp test", results) }); err != nil {
			return err
		}
	}
	a.annotate(suite.Diagnostics(results))
	return testOutcome(results)
}

// saveTo writes a file whole; one that is there is replaced. A failure while writing leaves the part that was written.
func saveTo(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		file.Close()
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return file.Close()
}

// testOutcome is the exit code of results: 1 if a test could not be carried out, else 3 if one failed or was skipped,
// since the test that it goes on from did not pass. Results that were filtered out are not among them.
func testOutcome(results []*suite.Result) error {
	code := exitOK
	for _, r := range results {
		switch {
		case r.Status == suite.Errored:
			return exitCode(exitError)
		case r.Status != suite.Passed:
			code = exitGate
		}
	}
	if code == exitOK {
		return nil
	}
	return exitCode(code)
}
