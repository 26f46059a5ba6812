package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor/beside"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// attemptCommand makes one attempt at one stage, from a store wherever that is: what a cluster runs in place of an
// apply's own attempt. It reads an attempt.Task as JSON from standard input, or from an object of the store, writes the outcome as one line of JSON to
// standard output, or as an object of the store, and the stage's log to standard error. The exit code is 1 if the stage failed; the outcome says why.
//
// The command is hidden: whoever schedules work writes the task, nobody types one.
func (a *app) attemptCommand() *cobra.Command {
	var o workspace.AttemptOptions
	cmd := &cobra.Command{
		Use: "attempt", Short: "Run one stage from a store, by a task on standard input", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.In, o.NoEngine, o.Listener = a.in, a.noEngine, attemptLog{a, o.Task != ""}
			stop, _, release := interrupts(cmd.Context()) // a pod that is evicted says what became of its attempt
			defer release()
			out, err := a.Attempt(stop, o)
			if err != nil {
				return err
			}
			if o.Outcome == "" {
				if err := json.NewEncoder(a.out).Encode(out); err != nil {
					return err
				}
			}
			if out.Failure != nil {
				return exitCode(1)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&o.Store, "store", workspace.StoreName, "the store's `folder`, or the URL of its bucket")
	cmd.Flags().StringVar(&o.Task, "task", "", "the `digest` of the object that has the task")
	cmd.Flags().StringVar(&o.Outcome, "outcome", "", "the `file` that gets the digest of the object with the outcome")
	cmd.Flags().StringVar(&o.Executor, "executor", "process", "what runs the stage: docker, process or auto")
	cmd.Flags().StringVar(&o.Beside, "beside", "", "the `folder` that is shared with the container of the stage's program")
	cmd.Flags().StringVar(&o.Rank, "rank", "", "which `replica` of a stage of several this is, and where rank 0 is: 2:HOST")
	cmd.Flags().StringVar(&o.On, "on", "", "the `name` of the executor that made this process, which the result tells")
	cmd.Flags().StringVar(&o.Node, "node", "", "the `name` of the machine, which the result tells")
	cmd.Flags().IntVar(&o.Threads, "threads", 0, "how many threads the stage may use; 0: all")
	return cmd
}

// attemptLog writes the log of an attempt to standard error, while standard output is for its outcome. Messages are written as the stage
// protocol has them where somebody follows the log who reads them; else warnings are lines, and nobody watches a log move.
type attemptLog struct {
	*app
	followed bool
}

func (t attemptLog) Line(text string) { fmt.Fprintln(t.err, text) }

func (t attemptLog) Progress(done, total int) {
	if t.followed {
		t.message(component.Message{Kind: component.ProgressMessage, Done: done, Total: total})
	}
}

func (t attemptLog) Warning(message string) {
	if t.followed {
		t.message(component.Message{Kind: component.WarningMessage, Message: message})
		return
	}
	fmt.Fprintln(t.err, "warning: "+message)
}

func (t attemptLog) message(m component.Message) {
	text, _ := json.Marshal(m) // strings and numbers
	fmt.Fprintf(t.err, "%s\n", text)
}

// besideCommand is what runs in the containers of a pod whose program has an image of its own.
func (a *app) besideCommand() *cobra.Command {
	return &cobra.Command{
		Use: "beside", Short: "Run a program in the container beside", Hidden: true, DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error { return exitCode(beside.Main(cmd.Context(), args)) },
	}
}
