package view

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/engine"
)

// Applies lists applies, the last first, numbered as --run of `mlp logs` takes them:
//
//	1   0197f1c2   2026-11-29 09:12:44   ann   exit code 0, revision 12, in 3 m 20 s
//	2   0197f1a0   2026-11-29 08:57:03   ann   killed
func (s *Screen) Applies(all []engine.Summary) error {
	if len(all) == 0 {
		fmt.Fprintln(s.Out, "Nothing was applied yet, or its journals are no longer kept.")
		return nil
	}
	table := tabwriter.NewWriter(s.Out, 0, 0, 3, ' ', 0)
	for i, x := range all {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", i+1, x.Apply, x.At.UTC().Format(time.DateTime), render.Line(x.By), fate(x))
	}
	return table.Flush()
}

// fate is how an apply ended, in a few words for the list: "exit code 0, revision 12, in 3 m 20 s".
// Of one that was killed the journal stops without an end, so that there is no time nor exit code.
func fate(x engine.Summary) string {
	switch {
	case x.Damaged != "":
		return "unreadable: " + render.Line(x.Damaged)
	case x.Running:
		return "running"
	case x.Killed:
		return "killed"
	}
	took := ", in " + render.Duration(x.Ended.Sub(x.At).Round(time.Millisecond))
	if x.Error != "" {
		return fmt.Sprintf("exit code %d%s: %s", x.ExitCode, took, render.Line(x.Error))
	}
	return fmt.Sprintf("exit code %d, revision %d%s", x.ExitCode, x.Revision, took)
}

// Log prints what a stage printed, without the lines that moved its progress. On a terminal control characters become visible code points, so that whoever
// wrote the stage cannot clear the screen or forge lines of ours. In GitHub Actions, where a line "::add-mask::x" or
// "::set-output" is obeyed whoever prints it, lines are made inert the same way. Into a file or pipe go the bytes as
// they are.
func (s *Screen) Log(data []byte) error {
	data = withoutProgress(data)
	if !s.Terminal && os.Getenv("GITHUB_ACTIONS") != "true" {
		_, err := s.Out.Write(data)
		return err
	}
	_, err := fmt.Fprintln(s.Out, render.Lines(strings.TrimSuffix(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")))
	return err
}

// withoutProgress leaves out the lines by which a stage moved its progress bar.
func withoutProgress(log []byte) []byte {
	var out []byte
	for line := range bytes.Lines(log) {
		if m, ok := component.ParseMessage(string(line)); !ok || m.Kind != component.ProgressMessage {
			out = append(out, line...)
		}
	}
	return out
}

// StageLine writes a line of one stage's log, if the event is one.
func (s *Screen) StageLine(e engine.Event, address string) error {
	switch e := e.(type) {
	case engine.StageLog:
		if e.Address == address {
			return s.Log([]byte(e.Line + "\n"))
		}
	case engine.StageWarning:
		if e.Address == address {
			return s.Log([]byte("warning: " + e.Message + "\n"))
		}
	}
	return nil
}

// ListOfApplies is the list in JSON: an empty one is [] and never null.
func ListOfApplies(all []engine.Summary) any {
	return struct {
		FormatVersion string           `json:"format_version"`
		Applies       []engine.Summary `json:"applies"`
	}{"1.0", append([]engine.Summary{}, all...)}
}
