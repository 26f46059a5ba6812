// Package docker runs stages in containers of a Docker engine: those of an image of their own each in one that is gone when the stage
// has ended, others one after another in containers that stay as long as the executor (worker.go). Built-in components run in an image made of the static mlp binary alone, which is loaded through the engine's
// API once; nothing is ever pulled. Only this package knows the engine's client library.
//
// A container sees its inputs read-only, an output and a checkpoint folder, a temporary file system and nothing else of
// the host: no network unless asked for, a read-only root, no capabilities, no way to gain privileges, the caller's user
// (65534 for root), and limits on processes, memory and processors.
package docker

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/docker/docker/client"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// Options of the executor.
type Options struct {
	// SelfPath is the static binary that the built-in image is made of; empty: the running one.
	SelfPath string
	// Host is the engine's address, "unix:///…" or "tcp://…"; empty: DOCKER_HOST, else the local engine.
	Host string
	// Store identifies the store that results go to, so that Cleanup leaves alone what belongs to another clone of the
	// same pipeline on the same machine.
	Store string
	// Env is added to each stage's environment.
	Env map[string]string
	// TmpMB is the size of /tmp in MiB; 0: half of the task's memory limit, without one 4096. It is a bound, not a
	// reservation.
	TmpMB int64
	// Pids bounds the number of processes and threads of a container; 0: 4096.
	Pids int64
}

const (
	defaultTmpMB = 4096
	defaultPids  = 4096
	probeTime    = 2 * time.Second
)

// Executor runs stages in containers.
type Executor struct {
	api  *client.Client
	opts Options

	engine  once[engine]
	image   once[string]
	binds   once[struct{}]
	workers shelf
}

var (
	_ executor.Executor = (*Executor)(nil)
	_ executor.Cleaner  = (*Executor)(nil)
	_ executor.Resolver = (*Executor)(nil)
	_ executor.Placer   = (*Executor)(nil)
)

// New connects to the engine. An engine that does not answer is ErrUnavailable.
func New(ctx context.Context, o Options) (*Executor, error) {
	if o.SelfPath == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("finding the running binary: %w", err)
		}
		o.SelfPath = self
	}
	if o.Pids == 0 {
		o.Pids = defaultPids
	}
	api, err := connect(ctx, o.Host)
	if err != nil {
		return nil, err
	}
	return &Executor{api: api, opts: o}, nil
}

// Available tells within two seconds whether an engine answers that can run stages, at DOCKER_HOST or else the local
// one: nil if so.
func Available(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	api, err := connect(ctx, "")
	if err != nil {
		return err
	}
	return api.Close()
}

// connect returns a client that has agreed with the engine on a version.
func connect(ctx context.Context, host string) (*client.Client, error) {
	opts := []client.Opt{client.FromEnv}
	if host != "" {
		opts = append(opts, client.WithHost(host))
	}
	api, err := client.NewClientWithOpts(append(opts, client.WithAPIVersionNegotiation())...)
	if err != nil {
		return nil, fmt.Errorf("the engine's address: %w", err)
	}
	ping, err := api.Ping(ctx)
	if err != nil {
		api.Close()
		if ctx.Err() == context.Canceled {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: %w", executor.ErrUnavailable, err)
	}
	if ping.OSType != "" && ping.OSType != "linux" {
		api.Close()
		return nil, fmt.Errorf("%w: the engine runs %s containers, stages need linux", executor.ErrUnavailable, ping.OSType)
	}
	api.NegotiateAPIVersionPing(ping)
	return api, nil
}

// Name is "docker".
func (e *Executor) Name() string { return "docker" }

// Places are the resources of a machine's containers.
func (e *Executor) Places() []string { return []string{"architecture", "gpus"} }

// Machine is what the engine's machine has; nothing where it does not answer.
func (e *Executor) Machine(ctx context.Context) (memoryMB int64, cpus float64) {
	eng, err := e.engine.get(ctx, e.findEngine)
	if err != nil {
		return 0, 0
	}
	return eng.memory >> 20, float64(eng.cpus)
}

// Close ends the workers and frees the connections to the engine.
func (e *Executor) Close() error {
	e.closeWorkers()
	return e.api.Close()
}
