package docker

// Several replicas of one program: each runs in a container of its own, with the walls of one that is alone (container.go), on a network that these containers
// alone are on, and that has no way out. Rank 2 is known there as rank-2. Rank 0 has the outputs and the checkpoint of the task; the others have folders
// of their own, with a copy of what the checkpoint has at the beginning.
//
// They end together: the first that does not succeed ends the others. Which one it was is seen by the engine's times, since whoever loses a connection to it
// fails in the same moment.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

// settling is how long it is waited, once a rank has failed, for others that failed before it or by it.
const settling = 500 * time.Millisecond

// replica is one rank that runs.
type replica struct {
	task executor.Task
	id   string // of its container
}

// rankEnd is how a replica ended.
type rankEnd struct {
	rank   int
	result executor.Result
	err    error
	// stopped: it was told to end, since another one failed.
	stopped bool
	at      string // when it failed, as the engine has it: times of one form, which sort as text
}

// succeeded reports whether a rank did what it was to do.
func (r rankEnd) succeeded() bool {
	return r.err == nil && !r.stopped && r.result.ExitCode == 0 && !r.result.TimedOut && !r.result.OutOfMemory
}

// runRanks runs all replicas of a task.
func (e *Executor) runRanks(ctx context.Context, eng engine, t executor.Task) (executor.Result, error) {
	var none executor.Result
	if err := os.MkdirAll(t.Scratch, 0o700); err != nil {
		return none, err
	}
	dir, err := os.MkdirTemp(t.Scratch, "ranks-")
	if err != nil {
		return none, err
	}
	defer os.RemoveAll(dir)
	on, err := e.createNetwork(ctx, t)
	if err != nil {
		return none, err
	}
	defer e.removeNetwork(ctx, on)
	logs := protocol.NewRankLogs(t.Log)
	all := make([]replica, t.Container.Replicas)
	for rank := range all {
		of, err := rankTask(t, dir, rank)
		if err != nil {
			return none, err
		}
		of.Log = &walls{to: logs.Of(rank)}
		own, err := prepare(eng, of)
		if err != nil {
			return none, err
		}
		defer os.RemoveAll(own)
		id, err := e.create(ctx, eng, of, own, on, nil)
		if err != nil {
			return none, err
		}
		defer e.remove(ctx, id)
		all[rank] = replica{of, id}
	}
	result, err := e.together(ctx, all)
	if err != nil {
		return none, err
	}
	result, err = e.traced(ctx, eng, all[result.Ranks.First()].task, result, nil)
	if err == nil && result.Ranks.Failed < 0 {
		result.Ranks.Wrote, err = wrote(all)
	}
	return result, err
}

// rankTask is the task of one rank.
func rankTask(t executor.Task, dir string, rank int) (executor.Task, error) {
	t.Rank = &executor.Rank{Number: rank, World: t.Container.Replicas, Master: hostOf(0)}
	if rank == 0 {
		return t, nil
	}
	own := filepath.Join(dir, strconv.Itoa(rank))
	from := t.Checkpoint
	t.Out = filepath.Join(own, "out")
	err := os.MkdirAll(t.Out, 0o755)
	if from != "" {
		t.Checkpoint = filepath.Join(own, "checkpoint")
		err = errors.Join(err, os.Mkdir(t.Checkpoint, 0o755), os.CopyFS(t.Checkpoint, os.DirFS(from)))
	}
	return t, err
}

// hostOf is the name by which others reach a rank.
func hostOf(rank int) string { return "rank-" + strconv.Itoa(rank) }

// together starts the replicas and sees them to their end. Their result is that of the first that failed, or of all.
func (e *Executor) together(ctx context.Context, all []replica) (executor.Result, error) {
	running, end := context.WithCancel(ctx)
	defer end()
	ended := make(chan rankEnd, len(all))
	for rank, r := range all {
		go func() {
			result, err := e.execute(running, r.task, r.id)
			ended <- rankEnd{rank: rank, result: result, err: err}
		}()
	}
	by := make([]rankEnd, len(all))
	var first *time.Timer
	for range all {
		r := <-ended
		if r.stopped = running.Err() != nil && ctx.Err() == nil && r.err != nil; r.stopped {
			r.err = nil
		}
		by[r.rank] = r
		if !r.succeeded() && first == nil {
			first = time.AfterFunc(settling, end)
			defer first.Stop()
		}
	}
	for rank := range by {
		if err := by[rank].err; err != nil {
			return executor.Result{}, err
		}
		if !by[rank].succeeded() {
			e.ask(ctx, all[rank], &by[rank])
		}
	}
	return joined(by), nil
}

// joined is how replicas ended. Memory comes first: the kernel may end one process of a rank, and the rank ends later by that.
func joined(by []rankEnd) executor.Result {
	ranks := &executor.Ranks{World: len(by), Failed: -1}
	var failed []rankEnd
	var trace executor.Trace
	for _, r := range by {
		trace.Node = cmp.Or(trace.Node, r.result.Trace.Node)
		trace.CPU += r.result.Trace.CPU
		trace.PeakMemory = max(trace.PeakMemory, r.result.Trace.PeakMemory)
		if r.succeeded() {
			ranks.Done = append(ranks.Done, r.rank)
		} else {
			failed = append(failed, r)
		}
	}
	var result executor.Result
	if len(failed) > 0 {
		slices.SortFunc(failed, func(a, b rankEnd) int {
			switch {
			case a.result.OutOfMemory != b.result.OutOfMemory && a.result.OutOfMemory:
				return -1
			case a.result.OutOfMemory != b.result.OutOfMemory:
				return 1
			case a.result.TimedOut && b.stopped: // which may have ended sooner than the one whose time was over
				return -1
			case b.result.TimedOut && a.stopped:
				return 1
			}
			return cmp.Or(strings.Compare(a.at, b.at), a.rank-b.rank)
		})
		result, ranks.Failed = failed[0].result, failed[0].rank
		for _, r := range failed[1:] {
			if !r.stopped {
				ranks.Also = append(ranks.Also, r.rank)
			}
		}
		slices.Sort(ranks.Also)
	}
	result.Trace, result.Ranks = trace, ranks
	return result
}

// ask asks the engine how the container of a rank ended: one that was stopped may have ended just before by itself, and one that ran out of memory counts
// whenever it is seen.
func (e *Executor) ask(ctx context.Context, of replica, r *rankEnd) {
	c, err := e.api.ContainerInspect(context.WithoutCancel(ctx), of.id)
	if err != nil || c.State == nil {
		return // it stays what is known of it
	}
	if at, err := time.Parse(time.RFC3339Nano, c.State.FinishedAt); err == nil {
		r.at = at.UTC().Format("2006-01-02T15:04:05.000000000")
	}
	if r.stopped {
		r.result.ExitCode = c.State.ExitCode
		if r.result.OutOfMemory = c.State.OOMKilled; r.result.OutOfMemory {
			r.result.MemoryMB = of.task.MemoryMB
		}
	}
}

// wrote is what a rank other than 0 wrote to its outputs; empty: nothing.
func wrote(all []replica) (string, error) {
	for rank, r := range all[1:] {
		name, err := protocol.Wrote(r.task.Out)
		if err != nil {
			return "", fmt.Errorf("looking at what rank %d wrote: %w", rank+1, err)
		}
		if name != "" {
			return fmt.Sprintf("rank %d wrote %s", rank+1, name), nil
		}
	}
	return "", nil
}

// nowhere is an address that nobody has (RFC 5737), for names that are not on the network of ranks: the engine would ask the machine's own servers for them.
const nowhere = "192.0.2.1"

// createNetwork makes the network of one attempt and returns its id. Without a network of its own for the program it has no way out, and this machine has no
// address on it.
func (e *Executor) createNetwork(ctx context.Context, t executor.Task) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	options := network.CreateOptions{Driver: "bridge", Labels: e.labels(t)}
	if !t.Container.Network {
		options.Internal, options.Options = true, map[string]string{"com.docker.network.bridge.inhibit_ipv4": "true"}
	}
	// The engine tells networks by their ids, and lets names be the same; these say whose one is.
	name := fmt.Sprintf("mlp-%s-%d-%d", t.Apply, t.Attempt, time.Now().UnixNano())
	made, err := e.api.NetworkCreate(ctx, name, options)
	if err != nil {
		return "", engineError("making the network of its replicas", err)
	}
	return made.ID, nil
}

// removeNetwork removes a network whose containers are gone. If the engine is gone it can't; Cleanup does so the next time.
func (e *Executor) removeNetwork(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_ = e.api.NetworkRemove(ctx, id)
}

// removeNetworks removes those that have all of the labels; their containers are gone.
func (e *Executor) removeNetworks(ctx context.Context, labels filters.Args) error {
	left, err := e.api.NetworkList(ctx, network.ListOptions{Filters: labels})
	if err != nil {
		return engineError("looking for networks that were left behind", err)
	}
	for _, n := range left {
		if err := e.api.NetworkRemove(ctx, n.ID); err != nil && !cerrdefs.IsNotFound(err) {
			return engineError("removing a network that was left behind", err)
		}
	}
	return nil
}

// onNetwork puts the container of a rank on the network of its attempt.
func onNetwork(id string, t executor.Task, c *container.Config, h *container.HostConfig) {
	c.Hostname, h.NetworkMode = hostOf(t.Rank.Number), container.NetworkMode(id)
	if !t.Container.Network {
		h.DNS = []string{nowhere}
	}
}

// endpoint is how a container is known on a network that was made for it; nil of one that has none.
func endpoint(c *container.Config, h *container.HostConfig) *network.NetworkingConfig {
	if !h.NetworkMode.IsUserDefined() {
		return nil
	}
	return &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{string(h.NetworkMode): {Aliases: []string{c.Hostname}}}}
}
