package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/runtime/watch"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const watchHelp = `Moves canaries by their rules: what servers have counted is added up from the store, and a canary whose promote_when holds goes to its next step, one
whose rollback_when holds is taken away and held. Each is a revision with the rule and the figures that decided it ('mlp release show'). What the rules leave open stays.

  mlp watch                  until it is interrupted: of several one is at work, and another takes its place within seconds
  mlp watch --once           one look, for cron or CI
  mlp watch --once --dry-run what a look would do

A person is always first: 'mlp release pause' keeps a canary where it is, and 'mlp release promote' and 'abort' move it at once.`

func (a *app) watchCommand() *cobra.Command {
	var o watch.Options
	var vars workspace.Settings
	once, changes := false, false
	cmd := &cobra.Command{
		Use: "watch", Short: "Move canaries by their rules", Long: watchHelp, Args: cobra.NoArgs, Example: "  mlp watch\n  mlp watch --once --dry-run",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.openRecorded(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			if !once {
				stop, _, release := interrupts(cmd.Context())
				defer release()
				o.Tell = func(l watch.Look) { a.screen().Watched(time.Now(), l) }
				o.Say = func(text string) { a.screen().WatcherSays(time.Now(), text) }
				return watch.Run(stop, s, o)
			}
			looks, err := watch.Once(cmd.Context(), s, o)
			if err == nil && len(looks) == 0 {
				fmt.Fprintln(a.err, "No deployment has a canary with rules.")
			}
			for _, l := range looks {
				a.screen().Watched(time.Time{}, l)
				if err == nil && l.Err != nil {
					err = exitCode(exitError)
				}
			}
			if err == nil && changes && watch.Moves(looks) {
				return exitCode(exitChanges)
			}
			return err
		},
	}
	settingsFlags(cmd, &vars)
	flags := cmd.Flags()
	flags.BoolVar(&once, "once", false, "look once, and end")
	flags.BoolVar(&o.DryRun, "dry-run", false, "tell what would be done, and do nothing")
	flags.BoolVar(&changes, "detailed-exitcode", false, "with --once: exit with 2 where a canary was moved, or would be")
	flags.DurationVar(&o.Every, "every", 10*time.Second, "`duration` between two looks")
	flags.StringVar(&o.By, "as", "mlp watch", "who moves releases: a `name`, as gates ask for it")
	return cmd
}
