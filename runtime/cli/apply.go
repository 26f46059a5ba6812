package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/heap"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/view"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// applyFlags are the flags of 'mlp apply', as given. The hidden `mlp attempt` uses executor and threads of them.
type applyFlags struct {
	vars        workspace.Settings // --var and --var-file, in the order of the command line
	force       []string           // addresses that run although their result is known
	executor    string             // "docker", "process", "kubernetes" or "auto"
	parallelism int                // stages at once; 0: as many as there are processors
	threads     int                // of a stage; 0: all
	approve     bool               // --auto-approve: nobody is asked
	wait        bool               // for the lock that somebody else holds
	refresh     bool               // files of all sources must be here
	offline     bool               // nothing outside is asked
	failOn      workspace.FailOn
	planID      string // the plan_id that was approved; "": whichever
	part        workspace.Part
	shell       *workspace.Shell // of `mlp run --shell`; nil: none
}

const applyHelp = `Plans, shows the plan, asks, and carries it out: runs stages in containers (or as processes where no container engine
answers), decides checks and gates, releases what passes. Each result is recorded as it is reached, so an apply that is
killed goes on where it was.

With the file of a plan that 'mlp plan --out' saved, exactly that plan is carried out, and once. The .mlp files are not read then. It may
do less than planned, where a result turned up meanwhile, and never more. If what it rests on is no longer as it was, such as
data, a result it replaces, or the model that is live, nothing is done and that is named; changes elsewhere do not matter. A run that
was stopped or failed may be finished with the same plan.

With --target, only that and what it rests on is applied. What is recorded elsewhere stays, and is told to be older by the next plan. Evaluations
on the test side of a split run only where a target names them, or with --allow-looks: each is a look, which gates count.

Interrupt once: no new stage is started, what runs is let finish. Interrupt twice: running stages are ended.

Exit codes: 0 done; 1 error; 3 a check or gate failed, or what --fail-on names is so; 4 an approval is missing; 5 the plan is stale; 6 the state is locked or moved on.`

// applyCommand carries out a plan: one made now, shown and asked about, or a saved one, which was approved as it is.
func (a *app) applyCommand() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use: "apply [PLAN.json]", Short: "Carry out what a plan shows", Long: applyHelp, Args: cobra.MaximumNArgs(1),
		Example: "  mlp apply\n  mlp apply plan.json --auto-approve\n  mlp apply --auto-approve --executor process\n  mlp apply --var min_recall=0.8 --parallelism 1\n  mlp apply --target train.model --target 'evaluate.*'",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.checkApply(f); err != nil {
				return err
			}
			if err := a.sampled(cmd); err != nil {
				return err
			}
			return a.runApply(cmd.Context(), strings.Join(args, ""), cmd.Flag("workspace").Changed, f)
		},
	}
	a.moduleFlags(cmd, &f.vars, &f.force)
	outsideFlags(cmd, &f.refresh, &f.offline)
	partFlags(cmd, &f.part)
	a.sampleFlag(cmd)
	runFlags(cmd, &f)
	failOnFlag(cmd, &f.failOn, "exit with 3 on any of these, "+workspace.FailOnWords(true)+" before anything is done")
	cmd.Flags().StringVar(&f.planID, "plan-id", "", "do nothing unless the plan is the one with this `digest`, which was approved; exit with 5 otherwise")
	cmd.Flags().BoolVar(&f.approve, "auto-approve", false, "do not ask")
	return cmd
}

// runFlags adds the flags of all commands that run stages.
func runFlags(cmd *cobra.Command, f *applyFlags) {
	cmd.Flags().StringVar(&f.executor, "executor", "auto", "docker, process, kubernetes, or `auto`: docker where an engine answers. Images of stages' own run in containers, also with process")
	cmd.Flags().IntVar(&f.parallelism, "parallelism", 0, "how many stages run at once; 0: as many as there are processors")
	cmd.Flags().IntVar(&f.threads, "threads", 0, "how many threads a stage uses; 0: all. Results do not depend on it")
	cmd.Flags().BoolVar(&f.wait, "wait", false, "wait until nobody else applies to the workspace")
}

// checkApply refuses flags that cannot be meant, before anything is read.
func (a *app) checkApply(f applyFlags) error {
	if err := checkPart(f.part); err != nil {
		return err
	}
	if f.parallelism < 0 || f.threads < 0 {
		return errors.New("--parallelism and --threads take a positive number, or 0")
	}
	if err := f.failOn.Check(); err != nil {
		return err
	}
	// Asked here, before minutes of planning, and not at the question: in a pipeline of CI nobody would ever answer.
	if !f.approve && !a.terminal(a.out) {
		return &failure{err: errors.New("nobody can be asked: this is no terminal"), hint: "Give --auto-approve, after 'mlp plan' was read."}
	}
	return nil
}

// applying shows an apply to whoever sits at the terminal, and asks. It is the workspace.Applying of the command line;
// methods are called in the order of that interface; Event comes from several goroutines, one call at a time.
type applying struct {
	app   *app
	flags applyFlags
	view  *view.Run
	// release gives signals back to the process. Begin sets it, End calls it.
	release func()
}

func (v *applying) Show(p *plan.Plan) error { return v.app.printPlan(p, "text", false) }

// What --plan-id and --fail-on stop is looked at before anybody is asked: a "yes" could not overrule it.
func (v *applying) Confirm(p *plan.Plan) (bool, error) {
	if id := v.flags.planID; id != "" && id != string(p.ID) {
		return false, &failure{code: exitStale, err: fmt.Errorf("this is plan %s, and not the one that was approved, %s", p.ID, id), hint: "Nothing was done. Have this plan reviewed."}
	}
	if word := v.flags.failOn.Stops(p); word != "" {
		return false, &failure{code: exitGate, err: fmt.Errorf("nothing was done: --fail-on %s holds of the plan", word), hint: "Have the plan reviewed, and apply without it."}
	}
	return v.app.confirm(p, v.flags)
}

func (v *applying) NoEngine(where string) { v.app.noEngine(where) }

// Begin takes over the signals: until End the first interrupt ends stop and the second kill, and none the process.
func (v *applying) Begin(ctx context.Context) (stop, kill context.Context) {
	stop, kill, v.release = interrupts(ctx)
	return stop, kill
}

// The annotations come once, at the end, when it is known which warnings became failures.
func (v *applying) Event(e engine.Event) {
	v.view.Event(e)
	if _, ended := e.(engine.RunEnded); ended {
		v.app.annotate(workspace.Diagnostics(&v.view.Replay))
	}
}

// ExitCode is what runApply will exit with. The engine asks before the process ends, so that the journal's last event
// has the code, and 'mlp logs -f' in another terminal can exit with the same.
func (v *applying) ExitCode(r *engine.Result, err error) int {
	return codeOf(v.outcome(r, err))
}

// outcome is what an apply ends with whose result has been told. err is one that was not told yet, and comes first.
// Then the result's own code (3, 4), and at last what --fail-on names among warnings and drift.
func (v *applying) outcome(r *engine.Result, err error) error {
	switch {
	case err != nil:
		return err
	case r.ExitCode() != exitOK:
		return exitCode(r.ExitCode())
	case v.flags.failOn.Found(r):
		return exitCode(exitGate)
	}
	return nil
}

func (v *applying) End() { v.release() }

// noEngine warns that stages are isolated less than by default. where is as in workspace.Applying.NoEngine.
func (a *app) noEngine(where string) {
	fmt.Fprintf(a.err, "No container engine answers%s: stages run as processes of this machine, less shut in than in containers.\n", where)
}

func (a *app) told(what string) { fmt.Fprintln(a.err, what) }

// applyOptions are the flags as the use case takes them. With --wait the one who holds the lock is told of once, and not
// once for each try.
func (a *app) applyOptions(f applyFlags) workspace.ApplyOptions {
	o := workspace.ApplyOptions{Shell: f.shell, Force: f.force, Executor: f.executor, Threads: f.threads, Parallelism: f.parallelism, Told: a.told}
	if f.wait {
		o.Wait = func(e *state.LockedError) { a.told("Waiting: " + render.Line(e.Error())) }
	}
	return o
}

// runApply applies the module, or the saved plan at path where there is one. nameGiven says that --workspace was
// written, which a saved plan of another workspace refuses; the default must not refuse a plan of "dev".
func (a *app) runApply(ctx context.Context, path string, nameGiven bool, f applyFlags) error {
	heap.Room(128 << 20) // beside stages, which take theirs
	screen := a.screen()
	screen.Terminal = screen.Terminal && f.shell == nil // lines that are drawn over would be drawn over the shell's
	by := &applying{app: a, flags: f, view: view.NewRun(screen)}
	result, err := a.apply(ctx, path, nameGiven, by)
	if err != nil || result == nil {
		return err
	}
	return by.outcome(result, nil)
}

// apply is runApply without the exit code. Both result and error are nil where the answer was no.
func (a *app) apply(ctx context.Context, path string, nameGiven bool, by *applying) (*engine.Result, error) {
	f := by.flags
	if path != "" {
		return a.ApplySaved(ctx, path, workspace.SavedOptions{NameGiven: nameGiven, Force: f.force, Settings: f.vars, Part: len(f.part.Targets) > 0 || f.part.Looks, Outside: f.refresh || f.offline}, a.applyOptions(f), by)
	}
	s, err := a.Open(ctx, f.vars)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	s.Refresh, s.Offline, s.Look, s.Part = f.refresh, f.offline, true, f.part
	return s.Apply(ctx, a.applyOptions(f), by)
}

// confirm asks whether to go on, unless there is nothing to do or nobody wants to be asked. Only the whole word "yes"
// goes on, as in tools that people know from infrastructure: "y" is typed by habit. The end of input is an error and no
// answer.
func (a *app) confirm(p *plan.Plan, f applyFlags) (bool, error) {
	if review.Count(p).Nothing() || f.approve {
		return true, nil
	}
	fmt.Fprintf(a.out, "\nApply this plan? Only 'yes' goes on: ")
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil {
		return false, errors.New("no answer")
	}
	if strings.TrimSpace(line) != "yes" {
		fmt.Fprintln(a.out, "Nothing was done.")
		return false, nil
	}
	return true, nil
}
