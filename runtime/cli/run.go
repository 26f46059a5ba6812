package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// partFlags adds the flags that limit what is planned.
func partFlags(cmd *cobra.Command, p *workspace.Part) {
	cmd.Flags().StringArrayVar(&p.Targets, "target", nil, "only this `address` and what it rests on; train.model is all of a repeated block, 'evaluate.*' a pattern (may be repeated)")
	cmd.Flags().BoolVar(&p.Looks, "allow-looks", false, "with --target: evaluations that targets rest on may look at the test side of a split")
}

// sampleFlag adds --sample.
func (a *app) sampleFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.Sample, "sample", "", "only this `share` of each source's rows, such as 0.05, in a workspace of its own: sample-0_05, unless --workspace names one")
	cmd.MarkFlagsMutuallyExclusive("sample", "base")
}

// sampled makes the command one of the sample that it asks for, if it does.
func (a *app) sampled(cmd *cobra.Command) error {
	if !cmd.Flag("sample").Changed {
		return nil
	}
	return a.Sampled(a.Sample, cmd.Flag("workspace").Changed)
}

// checkPart refuses --allow-looks where nothing is limited.
func checkPart(p workspace.Part) error {
	if p.Looks && len(p.Targets) == 0 {
		return &failure{err: fmt.Errorf("--allow-looks says nothing without --target"), hint: "A plan of the whole module has all evaluations in it."}
	}
	return nil
}

const runHelp = `Tries what is being written: runs blocks and what they rest on, at once, and nothing else. Results are recorded in a workspace of the user's own, try-NAME,
which goes by the one that --workspace names: the plan says what differs from what is recorded there, and that stays as it is. An apply finds the
results again, and need not run them.

A try decides no gate, releases nothing and does not look at the test side of a split, since looks are counted where the gates are: give what
measures on a validation side, or 'mlp apply --target evaluate.test'.

With --shell, what the block rests on is run, and in place of the block's own stage a shell is opened in its surroundings: inputs laid out, the same image, user, limits and environment, and no
network unless it has one. What is done there is not kept. Built-in components have one with --executor process.

Addresses are as for apply --target: train.model is all instances of a repeated block, 'train.*' a pattern. train.model@image is the stage alone that makes the image of its
program, and source.rows@fetch the one that fetches data.

Exit codes: 0 done; 1 error; 3 a check failed; 6 another try of the same user runs.`

func (a *app) runCommand() *cobra.Command {
	f, inShell := applyFlags{approve: true}, false
	cmd := &cobra.Command{
		Use: "run ADDRESS…", Short: "Try blocks without releasing or recording them where they count", Long: runHelp, Args: cobra.MinimumNArgs(1),
		Example: "  mlp run train.model\n  mlp run 'evaluate.validation[\"eu\"]' --executor process\n  mlp run 'train.*' --var trees=300\n  mlp run train.model --shell",
		RunE: func(cmd *cobra.Command, args []string) error {
			f.part = workspace.Part{Targets: args, Try: true}
			if err := a.checkApply(f); err != nil {
				return err
			}
			if err := a.Tried(); err != nil {
				return err
			}
			if inShell {
				return a.runShell(cmd.Context(), args, f)
			}
			if err := a.runApply(cmd.Context(), "", false, f); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "\nTried in workspace %s; %s shows what came of it.\n", a.Name, a.Command("show "+render.ShellWord(workspace.AddressOf(args[0]))))
			return nil
		},
	}
	settingsFlags(cmd, &f.vars)
	cmd.Flags().StringArrayVar(&f.force, "force", nil, "run this `address` even if its result is known (may be repeated)")
	cmd.Flags().BoolVar(&inShell, "shell", false, "open a shell in place of the one stage that is named")
	outsideFlags(cmd, &f.refresh, &f.offline)
	runFlags(cmd, &f)
	return cmd
}

// runShell runs what a block rests on, and opens a shell in place of its stage.
func (a *app) runShell(ctx context.Context, args []string, f applyFlags) error {
	if len(args) != 1 {
		return errors.New("--shell takes one address")
	}
	f.shell = &workspace.Shell{Address: workspace.AddressOf(args[0]), At: executor.Terminal{In: a.in, Out: a.out, Err: a.err}, Open: func(command []string) {
		fmt.Fprintf(a.err, "\nA shell in place of %s, which runs: %s\nIts folders are below $MLP_ROOT. exit ends it.\n", args[0], render.Line(strings.Join(command, " ")))
	}}
	if in, ok := a.in.(*os.File); ok && term.IsTerminal(int(in.Fd())) && a.terminal(a.out) {
		f.shell.At.Raw = func() (func(), error) {
			before, err := term.MakeRaw(int(in.Fd()))
			return func() { _ = term.Restore(int(in.Fd()), before) }, err
		}
		f.shell.At.Size = func() (int, int) { w, h, _ := term.GetSize(int(in.Fd())); return w, h }
	}
	f.force = append(f.force, args[0])
	err := a.runApply(ctx, "", false, f)
	if f.shell.Opened {
		return nil
	}
	return err
}
