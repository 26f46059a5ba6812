package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/runtime/view"
	"github.com/mlp-lang/mlp/runtime/watch"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const watchHelp = `Does what time and figures ask for, until it is interrupted. Each act is a revision with who, when and why ('mlp history').

  canaries     are moved by promote_when and rollback_when, on what servers have counted ('mlp release show')
  monitors     with a schedule are applied when it is time, with data as they are then
  retrainings  whose schedule has come, or whose condition holds, are begun, if nothing holds them

  mlp watch                  of several one is at work, and another takes its place within seconds
  mlp watch --once           one round, for cron or CI
  mlp watch --once --dry-run what a round would do, and why
  mlp watch --once --dry-run --at 2026-12-07T02:00:00Z   and what it would do then

Only data may differ from what was applied: where the files say otherwise, no monitor looks and nothing is trained, and that is told. Gates are asked as ever.
A person is always first: 'mlp release pause' keeps a canary where it is, 'mlp rollback' holds retraining, and 'mlp release promote' and 'abort' move a canary at once.`

func (a *app) watchCommand() *cobra.Command {
	var o watch.Options
	var f applyFlags
	once, changes, at := false, false, ""
	cmd := &cobra.Command{
		Use: "watch", Short: "Move canaries, look at monitors, and train again", Long: watchHelp, Args: cobra.NoArgs, Example: "  mlp watch\n  mlp watch --once --dry-run",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.clock(at, once); err != nil {
				return err
			}
			s, stop, end, err := a.openWatch(cmd.Context(), &o, f)
			if err != nil {
				return err
			}
			defer end()
			if !once {
				o.Tell = func(r *watch.Round) { a.screen().Watched(time.Now(), r) }
				o.Say = func(text string) { a.screen().WatcherSays(time.Now(), text) }
				return watch.Run(stop, s, o)
			}
			r, err := watch.Once(stop, s, o)
			if err == nil && r.Nothing() {
				fmt.Fprintln(a.err, "No deployment has a canary with rules, no monitor a schedule, and nothing is to be trained again.")
			}
			a.screen().Watched(time.Time{}, r)
			switch {
			case err != nil:
				return err
			case r.Failed():
				return exitCode(exitError)
			case changes && r.Acts():
				return exitCode(exitChanges)
			}
			return nil
		},
	}
	settingsFlags(cmd, &f.vars)
	runFlags(cmd, &f)
	flags := cmd.Flags()
	flags.BoolVar(&once, "once", false, "make one round, and end")
	flags.BoolVar(&o.DryRun, "dry-run", false, "tell what would be done, and do nothing")
	flags.BoolVar(&changes, "detailed-exitcode", false, "with --once: exit with 2 where something was done, or would be")
	flags.DurationVar(&o.Every, "every", 10*time.Second, "`duration` between two rounds")
	flags.StringVar(&o.By, "as", "mlp watch", "who does it: a `name`, as gates ask for it")
	flags.StringVar(&at, "at", "", "with --once: what `time` it is taken to be, 2026-12-07T02:00:00Z")
	return cmd
}

// clock sets what time it is, where that was said.
func (a *app) clock(at string, once bool) error {
	if at == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339, at)
	switch {
	case err != nil:
		return &failure{err: fmt.Errorf("--at %s is no time", at), hint: "Write --at 2026-12-07T02:00:00Z."}
	case !once:
		return errors.New("--at is for one round: give --once")
	}
	a.Clock = func() time.Time { return t }
	return nil
}

// openWatch opens what is recorded, and fills in how a watcher plans and applies. Until end is called the first interrupt ends stop, and the second what runs.
func (a *app) openWatch(ctx context.Context, o *watch.Options, f applyFlags) (s *workspace.Session, stop context.Context, end func(), err error) {
	if s, err = a.openRecorded(ctx, f.vars); err != nil {
		return nil, nil, nil, err
	}
	o.Reopen = func(ctx context.Context) (*workspace.Session, error) { return a.openRecorded(ctx, f.vars) }
	o.Open = func(ctx context.Context) (*workspace.Session, error) { return a.Open(ctx, f.vars) }
	o.Apply = a.applyOptions(f)
	stop, kill, release := interrupts(ctx)
	o.Kill = kill
	return s, stop, func() { release(); _ = s.Close() }, nil
}

const monitorHelp = `Looks at monitors once, whatever their schedules say: each is applied, and what it rests on, with data as they are now. For cron or CI; 'mlp watch' does it on schedule.

  mlp monitor                all monitors
  mlp monitor monitor.live   one

Exit codes: 0 nothing moved; 1 one could not be looked at; 3 something moved, or a check failed on the way.`

func (a *app) monitorCommand() *cobra.Command {
	var f applyFlags
	o := watch.Options{By: workspace.UserName()}
	cmd := &cobra.Command{
		Use: "monitor [ADDRESS …]", Short: "Look at monitors once", Long: monitorHelp, Example: "  mlp monitor\n  mlp monitor monitor.live",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, stop, end, err := a.openWatch(cmd.Context(), &o, f)
			if err != nil {
				return err
			}
			defer end()
			named, err := s.Monitors(args)
			if err != nil {
				return err
			}
			looked := watch.Monitors(stop, o, named)
			for _, m := range looked {
				fmt.Fprintln(a.out, m.Address+": "+view.Monitored(m))
			}
			switch {
			case slices.ContainsFunc(looked, func(m watch.Monitored) bool { return m.Err != nil }):
				return exitCode(exitError)
			case slices.ContainsFunc(looked, func(m watch.Monitored) bool { return m.Alarm() }):
				return exitCode(exitGate)
			}
			return nil
		},
	}
	settingsFlags(cmd, &f.vars)
	runFlags(cmd, &f)
	return cmd
}
