package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

// lastLines is how long the last lines of a log that is followed are waited for, once its container has ended. The log in the store is
// whole in any case.
const lastLines = 5 * time.Second

// follower writes the log of the pod that counts, as it comes. It is for one goroutine; what it starts follows one pod.
type follower struct {
	e      *Executor
	ctx    context.Context
	cancel context.CancelFunc
	ended  chan struct{} // has one when a log has come to its end; those of all ranks share it
	done   sync.WaitGroup
	pod    types.UID

	mu  sync.Mutex
	out io.Writer
}

// follow makes what follows the log of each rank; of one replica the log is that of its pod as it stands.
func (e *Executor) follow(ctx context.Context, w executor.Whole) []*follower {
	ended := make(chan struct{}, 1)
	one := func(out io.Writer) *follower {
		f := &follower{e: e, out: out, ended: ended}
		f.ctx, f.cancel = context.WithCancel(ctx)
		return f
	}
	if w.Program == nil || w.Program.Replicas < 2 {
		return []*follower{one(w.Log)}
	}
	all, logs := make([]*follower, w.Program.Replicas), protocol.NewRankLogs(w.Log)
	for rank := range all {
		all[rank] = one(logs.Of(rank))
	}
	return all
}

// stop ends all of them, with the last lines of each.
func stop(all []*follower) {
	var done sync.WaitGroup
	for _, f := range all {
		done.Go(f.stop)
	}
	done.Wait()
}

// say warns of something that the cluster, and not the stage, is about. That the log cannot be kept is told by whoever keeps it.
func (f *follower) say(message string) {
	line, _ := json.Marshal(component.Message{Kind: component.WarningMessage, Message: message}) // a string
	_, _ = f.Write(append(line, '\n'))
}

// Write takes what goes on, from several goroutines.
func (f *follower) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.out.Write(p)
}

// of begins to follow a pod whose container has started, unless it is followed already.
func (f *follower) of(p *corev1.Pod) {
	if f.pod == p.UID {
		return
	}
	if s := stateOf(p, container); s.Running == nil && s.Terminated == nil {
		return
	}
	f.pod = p.UID
	name := p.Name
	f.done.Go(func() {
		f.copy(name)
		select {
		case f.ended <- struct{}{}:
		default:
		}
	})
}

// copy copies a log to its end. A connection that is lost is made again, and what came before is passed over.
func (f *follower) copy(pod string) {
	var written int64
	for tries := 0; tries < 5 && f.ctx.Err() == nil; tries++ {
		in, err := f.e.core.Get().Namespace(f.e.namespace).Resource("pods").Name(pod).SubResource("log").
			Param("follow", "true").Param("container", container).Stream(f.ctx)
		if err == nil {
			if _, err = io.CopyN(io.Discard, in, written); err == nil {
				var n int64
				n, err = io.Copy(f, in)
				written += n
			}
			_ = in.Close()
		}
		if err == nil || !sleep(f.ctx, firstLook<<tries) {
			return
		}
	}
	if f.ctx.Err() == nil {
		f.say(fmt.Sprintf("the log of pod %s cannot be followed; the store has it whole once the attempt has ended", pod))
	}
}

// stop waits for the last lines, and ends.
func (f *follower) stop() {
	timer := time.AfterFunc(lastLines, f.cancel)
	f.done.Wait()
	timer.Stop()
	f.cancel()
}
