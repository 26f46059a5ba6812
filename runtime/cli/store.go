package cli

import (
	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/runtime/workspace"
)

const verifyHelp = `Reads everything in the store, .mlp/, and holds it to its digests: objects, records of results, and the states of all workspaces.
Says what is damaged or gone, of which block it is, and which command makes it again. Objects that are not what their name says are moved to
.mlp/quarantine; nothing else is changed.

An apply looks whether results are there and how large they are. This command reads them: after a failing disk, a copy, or a
restore.

Exit codes: 0 all is as it was written; 1 something is damaged or gone.`

const checkHelp = `Looks whether all that the states, the releases of the past and the records of results name is in the store, with the size that it should have.
Says what is gone, of which block it is, and what makes it again. Files are not read: what is damaged and has its size is found by 'mlp store verify'.
Nothing is changed.

Exit codes: 0 all is there; 1 something is gone or damaged.`

const duHelp = `Says what takes the space of the store, .mlp/ or the bucket, in bytes: by the block whose stage yielded it, by the workspace whose state rests
on it, and by what it is kept for. Each value counts once in each of these, but that a value on which several workspaces rest counts in each of them.
Garbage is what 'mlp gc' with the same --keep-days would mark now.`

const repairHelp = `Finds what 'mlp store check' finds, and restores it from copies: those in this machine's cache of a store in a bucket, and those in the store
that --from names. A record whose outputs are nowhere is moved to quarantine/, so that its stage runs again with the next apply. Whatever cannot be repaired is said,
with what heals it. A copy counts only if its digest is right.

Without --auto-approve nothing is changed, but that --read moves aside what is corrupt.

Exit codes: 0 nothing was damaged, or all was repaired; 1 something is to be repaired, or cannot be.`

// storeCommand has the commands that look after a store; without a word behind it prints its help.
// A misspelt word behind it is an error with what was probably meant, and not the help with exit code 0.
func (a *app) storeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "store", Short: "Look after the store", Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args)
			}
			return c.Help()
		},
	}
	format := ""
	verify := &cobra.Command{
		Use: "verify", Short: "Read everything in the store and hold it to its digests", Long: verifyHelp, Args: cobra.NoArgs,
		Example: "  mlp store verify\n  mlp store verify --format json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.verified(a.VerifyStore(cmd.Context()))(format, "read")
		},
	}
	check := &cobra.Command{
		Use: "check", Short: "Look whether what is recorded is there", Long: checkHelp, Args: cobra.NoArgs,
		Example: "  mlp store check\n  mlp store check --format json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.verified(a.CheckStore(cmd.Context()))(format, "looked at")
		},
	}
	var keep workspace.KeepDays
	du := &cobra.Command{
		Use: "du", Short: "Say what takes the space of the store", Long: duHelp, Args: cobra.NoArgs,
		Example: "  mlp store du\n  mlp store du --format json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			used, err := a.Usage(cmd.Context(), keep)
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(a.out, used)
			}
			return used.Text(a.out)
		},
	}
	du.Flags().Var(&keep, "keep-days", "count for garbage what gc would mark with as `many` days (default: as gc does)")
	var o workspace.Repair
	repair := &cobra.Command{
		Use: "repair", Short: "Restore from copies what is damaged or gone", Long: repairHelp, Args: cobra.NoArgs,
		Example: "  mlp store repair\n  mlp store repair --auto-approve\n  mlp store repair --read --from /backup/.mlp --auto-approve",
		RunE: func(cmd *cobra.Command, _ []string) error {
			done, err := a.RepairStore(cmd.Context(), o)
			if err != nil {
				return err
			}
			if format == "json" {
				err = writeJSON(a.out, done)
			} else {
				err = done.Text(a.out)
			}
			if err == nil && (len(done.Left) > 0 || !done.Done && len(done.Restored)+len(done.Dropped) > 0) {
				return exitCode(exitError)
			}
			return err
		},
	}
	repair.Flags().StringVar(&o.From, "from", "", "another `store` that may have copies: a folder, or the URL of a bucket")
	repair.Flags().BoolVar(&o.Read, "read", false, "read everything first, as 'store verify' does, and move aside what is corrupt")
	repair.Flags().BoolVar(&o.Do, "auto-approve", false, "do it; without, it is only said what would be done")
	cmd.SuggestionsMinimumDistance = 2
	for _, c := range []*cobra.Command{check, du, repair, verify} {
		c.Flags().StringVar(&format, "format", "text", "`text` or json")
		cmd.AddCommand(c)
	}
	return cmd
}

// verified prints what was found. It exits with 1 where anything is damaged or gone, so that a cron job notices.
func (a *app) verified(found *workspace.Verified, err error) func(format, how string) error {
	return func(format, how string) error {
		if err != nil {
			return err
		}
		write := func() error { return a.screen().Verified(found, a.Name, how) }
		if format == "json" {
			write = func() error { return writeJSON(a.out, found) }
		}
		if err := write(); err != nil {
			return err
		}
		if len(found.Damaged) > 0 {
			return exitCode(exitError)
		}
		return nil
	}
}
