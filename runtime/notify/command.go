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
	err = fmt.Errorf("%s: %w: %q", c.Args[0], err, said.text)
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == exitAgain {
		return again{err}
	}
	return err
}

// tail keeps the last of what is written.
type tail struct{ text []byte }

const mostSaid = 500

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	t.text = t.text[max(len(t.text)-mostSaid, 0):]
	return len(p), nil
}
