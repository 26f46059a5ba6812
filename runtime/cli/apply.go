package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/docker"
	"github.com/mlp-lang/mlp/runtime/executor/process"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/stdlib/table"
)

type applyFlags struct {
	vars        settings
	force       []string
	executor    string
	parallelism int
	threads     int
	approve     bool
	refresh     bool
	failOn      []string
}

const applyHelp = `Plans, shows the plan, asks, and carries it out: runs stages in containers (or as processes where no container engine
answers), decides checks and gates, releases what passes. Each result is recorded as it is reached, so an apply that is
killed goes on where it was.

With the file of a plan that 'mlp plan --out' saved, exactly that plan is carried out, and once. The .mlp files are not read then. It may
do less than planned, where a result turned up meanwhile, and never more. If what it rests on is no longer as it was, such as
data, a result it replaces, or the model that is live, nothing is done and that is named; changes elsewhere do not matter. A run that
was stopped or failed may be finished with the same plan.

Interrupt once: no new stage is started, what runs is let finish. Interrupt twice: running stages are ended.

Exit codes: 0 done; 1 error; 3 a check or gate failed, or what --fail-on names is so; 4 an approval is missing; 5 the plan is stale; 6 the state is locked or moved on.`

func (a *app) applyCommand() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use: "apply [PLAN.json]", Short: "Carry out what a plan shows", Long: applyHelp, Args: cobra.MaximumNArgs(1),
		Example: "  mlp apply\n  mlp apply plan.json --auto-approve\n  mlp apply --auto-approve --executor process\n  mlp apply --var min_recall=0.8 --parallelism 1",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.checkApply(f); err != nil {
				return err
			}
			if len(args) > 0 {
				return a.applySaved(cmd.Context(), args[0], cmd.Flag("workspace").Changed, f)
			}
			return a.runApply(cmd.Context(), f)
		},
	}
	moduleFlags(cmd, &f.vars, &f.force)
	refreshFlag(cmd, &f.refresh)
	cmd.Flags().StringVar(&f.executor, "executor", "auto", "docker, process, or `auto`: docker where an engine answers")
	cmd.Flags().IntVar(&f.parallelism, "parallelism", 0, "how many stages run at once; 0: as many as there are processors")
	cmd.Flags().IntVar(&f.threads, "threads", 0, "how many threads a stage uses; 0: all. Results do not depend on it")
	failOnFlag(cmd, &f.failOn, "exit with 3 on any of these, "+strings.Join(before, ", ")+" before anything is done")
	cmd.Flags().BoolVar(&f.approve, "auto-approve", false, "do not ask")
	return cmd
}

// checkApply refuses flags that cannot be meant, before anything is read.
func (a *app) checkApply(f applyFlags) error {
	if f.parallelism < 0 || f.threads < 0 {
		return errors.New("--parallelism and --threads take a positive number, or 0")
	}
	if err := checkFailOn(f.failOn); err != nil {
		return err
	}
	if err := checkExecutor(f.executor); err != nil {
		return err
	}
	if !f.approve && !a.terminal(a.out) {
		return &failure{err: errors.New("nobody can be asked: this is no terminal"), hint: "Give --auto-approve, after 'mlp plan' was read."}
	}
	return nil
}

func checkExecutor(name string) error {
	if name != "docker" && name != "process" && name != "auto" {
		return &failure{err: fmt.Errorf("--executor %s is not known", name), hint: "Use docker, process or auto."}
	}
	return nil
}

func (a *app) runApply(ctx context.Context, f applyFlags) error {
	s, err := a.open(ctx, f.vars)
	if err != nil {
		return err
	}
	defer s.Close()
	s.refresh, s.look = f.refresh, true
	return s.locked(ctx, func(lock *state.Lock) error {
		p, err := s.plan(ctx, f.force)
		if err != nil {
			return err
		}
		if err := a.printPlan(p, "text", false); err != nil {
			return err
		}
		if err := s.readable(p); err != nil {
			return err
		}
		if err := stopped(p, f.failOn); err != nil {
			return err
		}
		if yes, err := a.confirm(p, f); err != nil || !yes {
			return err
		}
		return s.apply(ctx, p, lock, f)
	})
}

// locked does something while nobody else writes the state, which is read under the lock.
func (s *session) locked(ctx context.Context, do func(*state.Lock) error) error {
	lock, err := s.log.Lock(state.Holder{Who: userName(), What: "apply"})
	if err != nil {
		return stateError(err)
	}
	defer lock.Unlock()
	if s.state, err = s.log.Load(ctx); err != nil { // under the lock: nobody else writes from here on
		return stateError(err)
	}
	s.actions, s.written = nil, nil
	return do(lock)
}

// apply carries a plan out and tells what came of it.
func (s *session) apply(ctx context.Context, p *plan.Plan, lock *state.Lock, f applyFlags) error {
	ex, err := s.app.executor(ctx, f, s.store.Root())
	if err != nil {
		return err
	}
	defer ex.Close()
	if err := runnable(p, ex.Name()); err != nil {
		return err
	}
	approvers, err := s.app.approvers()
	if err != nil {
		return err
	}
	stop, kill, release := interrupts(ctx)
	defer release()
	view := newProgress(s.app, p)
	result, err := engine.Run(stop, engine.Options{
		Plan: p, Store: s.store, Log: s.log.For(p.ID).On(userName(), hostName()), Lock: lock, State: s.state, Executor: ex, Dir: s.app.dir,
		Parallelism: f.parallelism, Events: view.event, Convert: convert, Files: s.app.roots.files, Unquoted: s.app.roots.unquoted(s.app.dir), Kill: kill, By: userName(), Host: hostName(), Approvers: approvers, ToolVersion: version(),
	})
	view.close()
	if err != nil {
		return stateError(err)
	}
	s.app.summary(p, result)
	if code := result.ExitCode(); code != exitOK {
		return exitCode(code)
	}
	if !review.Count(p).Nothing() {
		if err := s.markApplied(p, result.State.Revision); err != nil {
			return err
		}
	}
	if foundBad(result, f.failOn) {
		return exitCode(exitGate)
	}
	return nil
}

// runnable refuses before anything runs what the executor could not run.
func runnable(p *plan.Plan, executor string) error {
	for _, n := range p.Nodes {
		if n.Container != nil && executor == "process" && (n.Verdict == plan.Run || n.Verdict == plan.MayRun) {
			return &failure{err: fmt.Errorf("%s runs the image %s, and stages run as processes here", n.Address, n.Container.Image),
				hint: "Start a container engine, and apply with --executor docker."}
		}
	}
	return nil
}

// confirm asks whether to go on, unless there is nothing to do or nobody wants to be asked.
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

// executor makes the one asked for; "auto" is docker where an engine answers.
func (a *app) executor(ctx context.Context, f applyFlags, storeRoot string) (executor.Executor, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	if f.threads > 0 {
		env["MLP_THREADS"] = fmt.Sprint(f.threads)
	}
	name := f.executor
	if name == "auto" {
		name = "docker"
		if err := docker.Available(ctx); err != nil {
			name = "process"
			fmt.Fprintf(a.err, "No container engine answers%s: stages run as processes of this machine, less shut in than in containers.\n", engineHost())
		}
	}
	if name == "process" {
		return process.New(process.Options{SelfPath: self, Env: env})
	}
	ex, err := docker.New(ctx, docker.Options{SelfPath: self, Store: storeRoot, Env: env})
	if err != nil {
		return nil, &failure{err: err, hint: "Start the engine, or set DOCKER_HOST to one that runs, or run stages as processes: --executor process."}
	}
	return ex, nil
}

// engineHost tells where an engine was looked for, if the user named the place.
func engineHost() string {
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		return " at DOCKER_HOST " + host
	}
	return ""
}

// convert rewrites tables for stages that ask for another format than Parquet.
func convert(ctx context.Context, from, to string, t *schema.Table, src, dst string) error {
	var columns []schema.Column
	if t != nil {
		columns = t.Columns
	}
	switch from + ">" + to {
	case "parquet>csv":
		return table.ToCSV(ctx, src, dst)
	case "parquet>ndjson":
		return table.ToNDJSON(ctx, src, dst)
	case "csv>parquet":
		return table.FromCSV(ctx, src, columns, dst)
	case "ndjson>parquet":
		return table.FromNDJSON(ctx, src, columns, dst)
	}
	return fmt.Errorf("a table cannot be rewritten from %s to %s", from, to)
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
