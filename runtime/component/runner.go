package component

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

// ExitCancelled is the exit code of a built-in component that was told to stop: 128 and the number of SIGTERM.
const ExitCancelled = 128 + int(syscall.SIGTERM)

// RunStage is the inner half of the stage protocol: it runs the built-in component that root/stage.json asks for and
// returns the exit code of the process. The components are found by name, "train.gradient_boosting".
//
// With threads 0 a stage may use as many as MLP_THREADS says, else as many as the process has processors. SIGTERM and
// an interrupt cancel the stage. A failure is written to out twice: as plain lines for whoever reads the log, and as one
// message {"mlp":"error","summary":…,"detail":…} for whoever shows it without the log.
func RunStage(ctx context.Context, components func(name string) *Component, root string, threads int, out io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	return runStage(ctx, components, root, threads, out)
}

// runStage is RunStage for who has asked for signals already: ctx ends with them.
func runStage(ctx context.Context, components func(name string) *Component, root string, threads int, out io.Writer) int {
	s, err := Open(root, stageThreads(threads), out)
	if err != nil {
		s = &Stage{out: out}
	} else {
		err = runGuarded(ctx, components, s)
	}
	if err == nil {
		return 0
	}
	if ctx.Err() != nil {
		s.fail("cancelled", "")
		return ExitCancelled
	}
	return s.failWith(err)
}

// stageThreads is the number of threads of a stage: as asked, else MLP_THREADS, else one a processor. No result depends on
// it.
func stageThreads(asked int) int {
	if asked > 0 {
		return asked
	}
	if n, err := strconv.Atoi(os.Getenv("MLP_THREADS")); err == nil && n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

// panicError is a component's panic, made an error. The stack goes to the log only.
type panicError struct {
	component string
	value     any
	stack     []byte
}

func (e *panicError) Error() string {
	return fmt.Sprintf("internal error in %s: %v", e.component, e.value)
}

// runGuarded runs a component that this binary has in the version that was planned. A panic is an error of the component,
// with its stack.
func runGuarded(ctx context.Context, components func(name string) *Component, s *Stage) (err error) {
	c := components(s.Component)
	switch {
	case c == nil || c.Run == nil:
		return &InputError{
			Summary: fmt.Sprintf("%s: this binary has no component %q that runs", s.Address, s.Component),
			Detail:  "The plan was made by another version of mlp: make it again with this one.",
		}
	case c.Type.Version != s.Version:
		return &InputError{
			Summary: fmt.Sprintf("%s: the plan asks for version %d of %s, this binary has version %d", s.Address, s.Version, s.Component, c.Type.Version),
			Detail:  "The plan was made by another version of mlp: make it again with this one.",
		}
	}
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{component: s.Component, value: v, stack: debug.Stack()}
		}
	}()
	return c.Run(ctx, s)
}

// failWith reports err and returns the exit code that it stands for.
func (s *Stage) failWith(err error) int {
	if s.Unquoted {
		err = Unquoted(err)
	}
	var input *InputError
	if errors.As(err, &input) {
		summary := strings.TrimSuffix(err.Error(), input.Error()) + input.Summary
		s.fail(summary, input.Detail)
		return ExitNever
	}
	s.fail(err.Error(), "")
	var p *panicError
	switch {
	case errors.As(err, &p):
		s.Logf("%s", p.stack)
	case errors.Is(err, ErrRetry):
		return ExitRetry
	}
	return 1
}

// fail tells of a failure twice: in the log for people, and as a message for who runs the stage (spec/protocol.md).
func (s *Stage) fail(summary, detail string) {
	s.Logf("error: %s", strings.TrimSuffix(summary+"\n"+detail, "\n"))
	s.message(map[string]any{"mlp": "error", "summary": summary, "detail": detail})
}

// The kinds of messages.
const (
	ProgressMessage = "progress"
	WarningMessage  = "warning"
	ErrorMessage    = "error"
)

// Message is a line of a stage's log that speaks to the engine. The fields that its kind doesn't use are zero.
type Message struct {
	Kind    string `json:"mlp"`
	Done    int    `json:"done"`
	Total   int    `json:"total"`
	Message string `json:"message"`
	Summary string `json:"summary"`
	Detail  string `json:"detail"`
}

// ParseMessage reports whether a line of a log is a message, and which. Any other line is a log line, also one that is
// JSON: ok is false.
func ParseMessage(line string) (m Message, ok bool) {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "{") || !strings.Contains(line, `"mlp"`) {
		return Message{}, false
	}
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		return Message{}, false
	}
	switch m.Kind {
	case ProgressMessage, WarningMessage, ErrorMessage:
		return m, true
	}
	return Message{}, false
}
