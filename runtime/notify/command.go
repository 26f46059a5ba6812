package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// Command runs a program with the event as JSON on its standard input.
type Command struct {
	Dir  string
	Args []string // the program first
	// Hide takes the values of secrets out of what the program printed, before an error quotes any of it; nil: nothing is known of secrets.
	Hide func(text string) string
}

// exitAgain is the exit code of a program that may succeed when it is run again, as of a stage.
const exitAgain = 75

// Send implements Sender. A program that takes too long is killed with all that it has started.
func (c *Command) Send(ctx context.Context, e Event) error {
	event, err := e.encoded()
	if err != nil {
		return err
	}
	said := &tail{}
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Dir, bytes.NewReader(append(event, '\n')), said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	if err = cmd.Run(); err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = errors.Join(err, ctx.Err())
	}
	text := string(said.text)
	if c.Hide != nil {
		text = c.Hide(text)
	}
	err = fmt.Errorf("%s: %w: %q", c.Args[0], err, text[max(len(text)-mostSaid, 0):])
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == exitAgain {
		return again{err}
	}
	return err
}

// tail keeps the last of what is written: more than errors quote, so that a value which is cut short at its beginning is not quoted.
type tail struct{ text []byte }

const (
	mostSaid = 500
	mostKept = 64 << 10
)

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	t.text = t.text[max(len(t.text)-mostKept, 0):]
	return len(p), nil
}
