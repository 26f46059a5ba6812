package cli

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

func (a *app) logsCommand() *cobra.Command {
	var vars workspace.Settings
	cmd := &cobra.Command{
		Use: "logs ADDRESS", Short: "What a block's stage printed", Args: cobra.ExactArgs(1),
		Long: "Prints the log of the last run of a stage, also of one that failed, but for lines that only say how far it was. On a terminal, and where GitHub Actions runs mlp,\n" +
			"characters that would steer what shows them are shown as their code points; elsewhere the log is written as it is.",
		Example: "  mlp logs train.model",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.Open(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			data, err := s.LogOf(workspace.AddressOf(args[0]))
			if err != nil {
				return err
			}
			return a.writeLog(data)
		},
	}
	settingsFlags(cmd, &vars)
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
