package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/diagnostics"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/suite"
	"github.com/mlp-lang/mlp/runtime/view"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// logsFlags are the flags of 'mlp logs'. Of follow and run one may be given.
type logsFlags struct {
	vars   workspace.Settings
	follow bool
	run    string // an id, or a number in the list, of which 1 is the last apply
	format string
}

const logsHelp = `Prints the log of the last run of a stage, also of one that failed, but for lines that only say how far it was. On a terminal, and where GitHub Actions runs mlp,
characters that would steer what shows them are shown as their code points; elsewhere the log is written as it is.

With -f the apply that runs now is shown, from its beginning and as it goes on: the lines that its own terminal has, and between them those of the stages'
logs, each behind the address of its stage; with an address the log of that stage alone. It ends with the apply, and with its exit code.

Without an address the applies are listed whose journals are kept, the last first. --run shows one of them as -f would have, by its id or its number.`

// logsCommand shows what stages printed, or with no address what an apply does or did, from its journal: of a run on
// another machine as well, as long as it has the same store.
func (a *app) logsCommand() *cobra.Command {
	var f logsFlags
	cmd := &cobra.Command{
		Use: "logs [ADDRESS]", Short: "What stages printed, and what an apply does or did", Long: logsHelp, Args: cobra.MaximumNArgs(1),
		Example: "  mlp logs train.model\n  mlp logs -f\n  mlp logs --run 2",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			s, err := a.openRecorded(cmd.Context(), f.vars)
			if err != nil {
				return err
			}
			defer s.Close()
			return a.logs(cmd.Context(), s, workspace.AddressOf(strings.Join(args, "")), f)
		},
	}
	settingsFlags(cmd, &f.vars)
	cmd.Flags().BoolVarP(&f.follow, "follow", "f", false, "show the apply that runs now until it ends, and exit as it does")
	cmd.Flags().StringVar(&f.run, "run", "", "show the apply with this `id`, or number in the list")
	cmd.Flags().StringVar(&f.format, "format", "text", "`text`, json (the events of an apply, one a line), junit, or sarif")
	return cmd
}

// check refuses flags that contradict each other, before the store is opened.
func (f logsFlags) check() error {
	if f.follow && f.run != "" {
		return &failure{err: errors.New("--follow shows the apply that runs now, --run one by its id"), hint: "Give one of them."}
	}
	return nil
}

// logs chooses what is shown:
//
//	-f                  the events of the apply that runs now
//	--run ID            those of an earlier one
//	no address          the list of applies
//	an address          the log of its last run
//
// An address together with the first two limits what is shown to that stage.
func (a *app) logs(ctx context.Context, s *workspace.Session, address string, f logsFlags) error {
	switch {
	case f.follow:
		events, err := s.Follow(ctx)
		if err != nil {
			return err
		}
		return a.showEvents(events, address, f)
	case f.run != "":
		events, err := s.Events(ctx, f.run)
		if err != nil {
			return err
		}
		return a.showEvents(events, address, f)
	case address == "" && (f.format == "text" || f.format == "json"):
		return a.listApplies(ctx, s, f)
	case f.format != "text":
		return &failure{err: fmt.Errorf("--format %s is for an apply", f.format), hint: "Give --run or --follow."}
	}
	data, unended, err := s.LogOf(ctx, address)
	if err != nil {
		return err
	}
	if unended {
		fmt.Fprintf(a.err, "This attempt has not ended, or was killed: %s tells which.\n", a.Command("logs"))
	}
	return a.screen().Log(data)
}

// showEvents shows the events of an apply as its terminal does. Of an apply that is followed the exit code is taken
// over. Events are added to a Replay whatever the format, since junit and sarif are written from what they come to.
func (a *app) showEvents(events iter.Seq2[engine.Entry, error], address string, f logsFlags) error {
	shown := view.NewRun(a.screen())
	shown.Logs = true
	for e, err := range events {
		switch {
		case errors.Is(err, engine.ErrKilled):
			shown.Erase()
			return &failure{err: fmt.Errorf("apply %s was killed", shown.Replay.Started.Apply), hint: "What was recorded is kept: " + a.Command("apply") + " goes on where it was."}
		case err != nil:
			shown.Erase()
			return err
		case f.format != "text":
			if f.format == "json" {
				fmt.Fprintf(a.out, "%s\n", e.Line)
			}
			shown.Replay.Add(e.Event)
		case address != "":
			shown.Replay.Add(e.Event)
			if err := a.screen().StageLine(e.Event, address); err != nil {
				return err
			}
		default:
			shown.Event(e.Event)
		}
	}
	if err := a.reportRun(&shown.Replay, f.format); err != nil {
		return err
	}
	return a.ended(shown, address, f)
}

// reportRun writes what an apply came to for continuous integration; in other formats nothing, for the events told all.
// An apply that has not ended is reported as far as it is: stages that have not run are skipped tests.
func (a *app) reportRun(run *engine.Replay, format string) error {
	switch format {
	case "junit":
		return suite.WriteJUnit(a.out, "mlp apply", suite.ResultsOf(run))
	case "sarif":
		return writeJSON(a.out, diagnostics.SARIF(workspace.Diagnostics(run), workspace.Version(), a.InRepository))
	}
	return nil
}

// ended tells what the events did not, and gives the exit code: that of the apply only with --follow. Who reads an old
// journal asked for the journal, and has it, whatever its apply came to.
func (a *app) ended(shown *view.Run, address string, f logsFlags) error {
	shown.Erase()
	end := shown.Replay.Ended
	switch {
	case end == nil:
		fmt.Fprintf(a.err, "Apply %s goes on: %s follows it.\n", shown.Replay.Started.Apply, a.Command("logs -f"))
		return nil
	case end.Error != "":
		fmt.Fprintf(a.err, "%s%s\n", a.paint("Error: "), render.Lines(end.Error))
	case address != "":
		fmt.Fprintf(a.err, "Apply %s ended with exit code %d.\n", shown.Replay.Started.Apply, end.ExitCode)
	}
	if f.follow && end.ExitCode != exitOK {
		return exitCode(end.ExitCode)
	}
	return nil
}

// listApplies lists the applies that have journals, the last first, numbered as --run takes them. An empty list is []
// in JSON and never null.
func (a *app) listApplies(ctx context.Context, s *workspace.Session, f logsFlags) error {
	all, err := s.Journals().Summaries(ctx)
	if err != nil {
		return err
	}
	if f.format == "json" {
		return writeJSON(a.out, view.ListOfApplies(all))
	}
	return a.screen().Applies(all)
}
