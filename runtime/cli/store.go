package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const verifyHelp = `Reads everything in the store, .mlp/, and holds it to its digests: objects, records of results, and the states of all workspaces.
Says what is damaged or gone, of which block it is, and which command makes it again. Objects that are not what their name says are moved to
.mlp/quarantine; nothing else is changed.

An apply looks whether results are there and how large they are. This command reads them: after a failing disk, a copy, or a
restore.

Exit codes: 0 all is as it was written; 1 something is damaged or gone.`

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
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.verifyStore(cmd.Context(), format) },
	}
	verify.Flags().StringVar(&format, "format", "text", "`text` or json")
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(verify)
	return cmd
}

// verifyStore reads the whole store. It exits with 1 where anything is damaged or gone, so that a cron job notices.
func (a *app) verifyStore(ctx context.Context, format string) error {
	found, err := a.VerifyStore(ctx)
	if err != nil {
		return err
	}
	if err := a.printVerified(found, format); err != nil {
		return err
	}
	if len(found.Damaged) > 0 {
		return exitCode(exitError)
	}
	return nil
}

// printVerified lists what is damaged, by the block that it is of if that is known, else by the digest or the pipeline,
// and counts what was read: a store of 0 objects may be the wrong folder.
func (a *app) printVerified(f *workspace.Verified, format string) error {
	if format == "json" {
		return writeJSON(a.out, f)
	}
	for _, d := range f.Damaged {
		name := d.Address
		if name == "" {
			name = cmp.Or(d.Pipeline, string(d.Digest))
		}
		if d.Workspace != "" && d.Workspace != a.Name {
			name += " in workspace " + d.Workspace
		}
		fmt.Fprintf(a.out, "%s: %s\n  %s\n", render.Lines(name), render.Lines(d.Why), render.Lines(d.Heal))
	}
	if len(f.Damaged) > 0 {
		fmt.Fprintln(a.out)
	}
	_, err := fmt.Fprintf(a.out, "%d objects (%d bytes), %d records of results, %d revisions of %d states read: ", f.Objects, f.Bytes, f.Records, f.Revisions, f.States)
	if err == nil && len(f.Damaged) == 0 {
		_, err = fmt.Fprintln(a.out, "all is as it was written.")
	} else if err == nil {
		_, err = fmt.Fprintf(a.out, "%d damaged or gone.\n", len(f.Damaged))
	}
	return err
}
