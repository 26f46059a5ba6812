package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/docker/docker/client"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// once holds a value that is found by the first caller who succeeds; until then callers wait for each other.
type once[T any] struct {
	mu    sync.Mutex
	done  bool
	value T
}

// get finds the value once it can be found; an error is not remembered, since an engine may come up later.
func (o *once[T]) get(ctx context.Context, find func(context.Context) (T, error)) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done {
		return o.value, nil
	}
	v, err := find(ctx)
	if err != nil {
		var zero T
		return zero, err
	}
	o.value, o.done = v, true
	return v, nil
}

// forget makes the next caller find the value again, if it is still this one.
func forget(o *once[string], value string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.value == value {
		o.done = false
	}
}

// engine is what must be known of the engine to run containers.
type engine struct {
	// arch is compared with that of the binary that stages run.
	arch     string // as Go names it
	rootless bool   // container users are not host users: 0 is the caller
	remaps   bool   // container users are remapped unless asked not to
	memory   int64  // of the machine, in bytes
	cpus     int    // of the machine
}

// findEngine asks the engine for what containers depend on. Its security options are "name=rootless" and the like.
func (e *Executor) findEngine(ctx context.Context) (engine, error) {
	info, err := e.api.Info(ctx)
	if err != nil {
		return engine{}, engineError("asking the engine what it is", err)
	}
	has := func(option string) bool {
		return slices.ContainsFunc(info.SecurityOptions, func(s string) bool { return strings.HasPrefix(s, "name="+option) })
	}
	return engine{arch: goArch(info.Architecture), rootless: has("rootless"), remaps: has("userns"), memory: info.MemTotal, cpus: info.NCPU}, nil
}

// goArch translates the engine's word for its architecture, uname's, into Go's.
func goArch(machine string) string {
	switch machine {
	case "x86_64":
		return "amd64"
	case "aarch64":
		return "arm64"
	}
	return machine
}

// engineError says what was being done. An engine that is gone becomes ErrUnavailable; a context's end stays itself.
func engineError(doing string, err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case isLost(err):
		return fmt.Errorf("%s: %w: %w", doing, executor.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// isLost reports whether err means that the connection broke or could not be made.
// Clients wrap what the network said in texts of their own, one of which is known by its words alone.
func isLost(err error) bool {
	var op *net.OpError
	return client.IsErrConnectionFailed(err) || errors.As(err, &op) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		strings.Contains(err.Error(), "Cannot connect to the Docker daemon")
}
