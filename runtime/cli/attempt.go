package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// attemptCommand makes one attempt at one stage, from a store wherever that is: what a cluster runs in place of an
// apply's own attempt. It reads an attempt.Task as JSON from standard input, writes the outcome as one line of JSON to
// standard output, and the stage's log to standard error. The exit code is 1 if the stage failed; the outcome says why.
//
// The command is hidden: whoever schedules work writes the task, nobody types one.
func (a *app) attemptCommand() *cobra.Command {
	var f applyFlags
	folder := ""
	cmd := &cobra.Command{
		Use: "attempt", Short: "Run one stage from a store, by a task on standard input", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			t, err := attempt.Read(a.in)
			if err != nil {
				return err
			}
			if _, err := os.Stat(folder); err != nil { // an empty one would be made
				return fmt.Errorf("opening the store: %w", err)
			}
			s, err := store.Open(folder)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			ex, err := workspace.OpenExecutor(cmd.Context(), workspace.ExecutorOptions{Name: f.executor, Threads: f.threads, Store: s.Root(), NoEngine: a.noEngine})
			if err != nil {
				return err
			}
			defer ex.Close()
			out := attempt.Run(cmd.Context(), t, attempt.Options{
				Store: s, Executor: ex, Listener: attemptLog{a}, Dir: a.Dir, Convert: workspace.Convert, ToolVersion: workspace.Version(),
			})
			if err := json.NewEncoder(a.out).Encode(out); err != nil {
				return err
			}
			if out.Failure != nil {
				return exitCode(1)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&folder, "store", workspace.StoreName, "the store's `folder`")
	cmd.Flags().StringVar(&f.executor, "executor", "process", "what runs the stage: docker, process or auto")
	cmd.Flags().IntVar(&f.threads, "threads", 0, "how many threads the stage may use; 0: all")
	return cmd
}

// attemptLog writes the log of an attempt to standard error, while standard output is for its outcome. Progress is not
// written: nobody watches a cluster's log move.
type attemptLog struct{ *app }

func (t attemptLog) Line(text string)       { fmt.Fprintln(t.err, text) }
func (t attemptLog) Progress(int, int)      {}
func (t attemptLog) Warning(message string) { fmt.Fprintln(t.err, "warning: "+message) }
