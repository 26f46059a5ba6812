package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/store"
)

func (a *app) logsCommand() *cobra.Command {
	var vars settings
	cmd := &cobra.Command{
		Use: "logs ADDRESS", Short: "What a block's stage printed", Args: cobra.ExactArgs(1),
		Long: "Prints the log of the last run of a stage, also of one that failed, but for lines that only say how far it was. On a terminal, and where GitHub Actions runs mlp,\n" +
			"characters that would steer what shows them are shown as their code points; elsewhere the log is written as it is.",
		Example: "  mlp logs train.model",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.open(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			digest, err := s.logOf(addressOf(args[0]))
			if err != nil {
				return err
			}
			data, err := s.store.Get(digest)
			if err != nil {
				return err
			}
			return a.writeLog(data)
		},
	}
	vars.flags(cmd)
	return cmd
}

// writeLog prints what a stage printed. Whoever wrote the stage may not play with a person's terminal, nor with a build.
func (a *app) writeLog(data []byte) error {
	data = withoutProgress(data)
	if !a.terminal(a.out) && os.Getenv("GITHUB_ACTIONS") != "true" {
		_, err := a.out.Write(data)
		return err
	}
	_, err := fmt.Fprintln(a.out, render.Lines(strings.ReplaceAll(string(data), "\r\n", "\n")))
	return err
}

// withoutProgress leaves out the lines by which a stage moved its progress bar.
func withoutProgress(log []byte) []byte {
	var out []byte
	for line := range bytes.Lines(log) {
		if m, ok := component.ParseMessage(string(line)); !ok || m.Kind != "progress" {
			out = append(out, line...)
		}
	}
	return out
}

// logOf is the log of the last attempt at a stage: of a failure since, or else of the recorded run.
func (s *session) logOf(address string) (plan.Digest, error) {
	last, ran, err := engine.LastRunOf(s.store, s.log.Pipeline(), s.log.Workspace(), address)
	if err != nil {
		return "", err
	}
	if ran && last.Log != "" {
		return last.Log, nil
	}
	node, ok := s.state.Nodes[address]
	if !ok {
		return "", s.notRecorded(address)
	}
	action, err := s.store.Action(node.Fingerprint)
	var damaged *store.DamagedError
	if errors.As(err, &damaged) {
		return "", err
	}
	if errors.Is(err, store.ErrMissing) || err == nil && action.Log == "" {
		return "", fmt.Errorf("the log of %s is not in the store", address)
	}
	if err != nil {
		return "", err
	}
	return action.Log, nil
}
