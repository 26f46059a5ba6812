package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

// ending is how a container ended. The code of one that was stopped is that of its signal, and says nothing.
type ending struct {
	code                int
	timedOut, cancelled bool
}

// await waits for the container to end, and stops it when its time is up or ctx is done.
// A timeout of 0 is none. It waits for the end in either case, so that the container is gone when it returns.
func (e *Executor) await(ctx context.Context, timeout time.Duration, id string) (ending, error) {
	waitCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ended, failed := e.api.ContainerWait(waitCtx, id, container.WaitConditionNotRunning)
	var alarm <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		alarm = timer.C
	}
	var end ending
	for {
		select {
		case r := <-ended:
			end.code = int(r.StatusCode)
			if r.Error != nil {
				return end, fmt.Errorf("waiting for the container: %s", r.Error.Message)
			}
			return end, nil
		case err := <-failed:
			return end, engineError("waiting for the container", err)
		case <-alarm:
			end.timedOut, alarm = true, nil
		case <-ctx.Done():
			end.cancelled = true
			ctx = waitCtx
		}
		if err := e.stop(waitCtx, id); err != nil {
			return end, err
		}
	}
}

// stop asks the container to end, and kills it after the grace.
func (e *Executor) stop(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	seconds := grace
	if err := e.api.ContainerStop(ctx, id, container.StopOptions{Timeout: &seconds}); err != nil {
		return engineError("stopping the container", err)
	}
	return nil
}

// logStream copies a container's output to the task's log.
type logStream struct {
	conn types.HijackedResponse
	log  *protocol.Log
	done chan error
}

// attach begins before the container is started, so that no line is missed.
func (e *Executor) attach(ctx context.Context, id string, t executor.Task) (*logStream, error) {
	conn, err := e.api.ContainerAttach(ctx, id, container.AttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		return nil, engineError("reading the container's log", err)
	}
	s := &logStream{conn: conn, log: protocol.NewLog(t.Log, t.Mask), done: make(chan error, 1)}
	go s.copy()
	return s, nil
}

// copy takes the engine's stream apart, which has output and errors interleaved in frames, into two streams of lines.
func (s *logStream) copy() {
	stdout, stderr := s.log.Stream(), s.log.Stream()
	_, err := stdcopy.StdCopy(stdout, stderr, s.conn.Reader)
	s.done <- errors.Join(err, stdout.Close(), stderr.Close())
}

// finish waits for the end of the log, which follows the container's.
func (s *logStream) finish() error {
	const doing = "reading the container's log"
	select {
	case err := <-s.done:
		if err != nil {
			return engineError(doing, err)
		}
	case <-time.After(patience):
		return fmt.Errorf("%s: %w: its end did not come within %v", doing, executor.ErrUnavailable, patience)
	}
	if err := s.log.Err(); err != nil {
		return fmt.Errorf("writing the log: %w", err)
	}
	return nil
}

// close gives the connection up; without finish it ends the copying.
func (s *logStream) close() { s.conn.Close() }
