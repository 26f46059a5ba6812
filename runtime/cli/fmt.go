package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/runtime/workspace"
)

// fmtOptions are the flags of 'mlp fmt'. With either nothing is written. With both, diff decides what is printed, and
// check the exit code.
type fmtOptions struct {
	check, diff bool
}

// fmtCommand exits with 1 where a file is not laid out (--check), or could not be, so that it can stand before a commit.
func (a *app) fmtCommand() *cobra.Command {
	var o fmtOptions
	cmd := &cobra.Command{
		Use: "fmt [FILE|DIR...]", Short: "Give files the one canonical layout",
		Long: "Rewrites the .mlp, .mlpvars and .mlptest files of the folder, or those named, and names those that changed; '-' formats\n" +
			"standard input to standard output. Comments are kept. Of a file with syntax errors the blocks without errors are laid\n" +
			"out; the rest stays as it is, the errors are told, and the exit code is 1.",
		Example: "  mlp fmt\n  mlp fmt --check\n  mlp fmt --diff\n  mlp fmt - < pipeline.mlp",
		RunE:    func(_ *cobra.Command, args []string) error { return a.runFmt(args, o) },
	}
	cmd.Flags().BoolVar(&o.check, "check", false, "change nothing; exit with 1 and name the files that would change")
	cmd.Flags().BoolVar(&o.diff, "diff", false, "change nothing; show what would change")
	return cmd
}

// runFmt formats files one after another. A file that cannot be read or laid out does not keep the others from being
// so: the error is printed, and the exit code is 1 at the end.
func (a *app) runFmt(args []string, o fmtOptions) error {
	if slices.Equal(args, []string{"-"}) {
		return a.fmtInput(o)
	}
	files, err := a.Format(args)
	if err != nil {
		return err
	}
	changed, broken := false, false
	for f := range files {
		changed = changed || f.Changed()
		if err := a.fmtFile(f, o); err != nil {
			a.report(err)
			broken = true
		}
	}
	if broken || o.check && changed {
		return exitCode(exitError)
	}
	return nil
}

// fmtInput formats standard input to standard output. Of a text with syntax errors what can be laid out is written, so
// that an editor that replaces its buffer with the output loses nothing; the errors are told behind.
func (a *app) fmtInput(o fmtOptions) error {
	f, err := workspace.FormatInput(a.in)
	if err != nil {
		return err
	}
	switch {
	case o.diff && f.Changed():
		err = a.screen().Formatted(f)
	case !o.diff && !o.check:
		_, err = a.out.Write(f.Now)
	}
	if err == nil {
		err = f.Err()
	}
	if err == nil && o.check && f.Changed() {
		return exitCode(exitError)
	}
	return err
}

// fmtFile writes one file, or shows what would be written, and prints its name if it changed. The error is that of the
// text.
func (a *app) fmtFile(f *workspace.Formatted, o fmtOptions) error {
	switch {
	case !f.Changed():
	case o.diff:
		if err := a.screen().Formatted(f); err != nil {
			return err
		}
	case o.check:
		fmt.Fprintln(a.out, f.Name)
	default:
		if err := a.WriteFormatted(f); err != nil {
			return err
		}
		fmt.Fprintln(a.out, f.Name)
	}
	return f.Err()
}
