package docker

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// measureAfter is how long a container has run before the engine is asked what it takes: the question costs time, and a container that
// ends sooner takes little.
const measureAfter = time.Second

// meter looks at what a container takes, as often as the engine tells, about once a second.
type meter struct {
	cancel context.CancelFunc
	done   chan executor.Trace
}

// measure begins to look. The meter must be stopped; the end of ctx does not stop it, since what a cancelled stage took is told too.
func (e *Executor) measure(ctx context.Context, id string) *meter {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m := &meter{cancel, make(chan executor.Trace, 1)}
	go func() { m.done <- e.watch(ctx, id) }()
	return m
}

// stop ends the looking and returns what was seen, less what came after the last look.
func (m *meter) stop() executor.Trace {
	m.cancel()
	return <-m.done
}

// watch looks until ctx ends or the container does. What the engine does not tell stays 0.
func (e *Executor) watch(ctx context.Context, id string) (seen executor.Trace) {
	seen.Node, _ = os.Hostname() // the engine sees this machine's files
	select {
	case <-ctx.Done():
		return seen
	case <-time.After(measureAfter):
	}
	stats, err := e.api.ContainerStats(ctx, id, true)
	if err != nil {
		return seen
	}
	defer stats.Body.Close()
	for dec := json.NewDecoder(stats.Body); ; {
		var s container.StatsResponse
		if dec.Decode(&s) != nil { // it has ended, or nobody asks any more
			return seen
		}
		seen.CPU = max(seen.CPU, time.Duration(s.CPUStats.CPUUsage.TotalUsage))
		seen.PeakMemory = max(seen.PeakMemory, memoryOf(s.MemoryStats))
	}
}

// memoryOf is what a container has, less what the kernel keeps of files and would give back; of older kernels, the most that it had.
func memoryOf(s container.MemoryStats) int64 {
	if s.MaxUsage > 0 {
		return int64(s.MaxUsage)
	}
	return int64(s.Usage) - int64(min(s.Usage, s.Stats["inactive_file"]))
}
