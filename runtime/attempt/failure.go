package attempt

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/store"
)

// FailureKind says whose fault a failure is.
type FailureKind string

const (
	ExitFailure             FailureKind = "exit"          // the stage ended with a code that is not 0
	TimeoutFailure          FailureKind = "timeout"       // it ran longer than it may
	MemoryFailure           FailureKind = "out_of_memory" // it needed more memory than it may use
	DiskFailure             FailureKind = "disk"          // it wrote more than it may
	OutputFailure           FailureKind = "output"        // what it wrote is not what its block declares
	StaleFailure            FailureKind = "stale"         // something is not as it was when the plan was made
	EngineFailure           FailureKind = "engine"        // the container engine is at fault
	ImageFailure            FailureKind = "image"         // the image is not there
	NondeterministicFailure FailureKind = "nondeterministic"
	KilledFailure           FailureKind = "killed"      // by the user
	StoreFailure            FailureKind = "store"       // the store or the disk is at fault
	DestinationFailure      FailureKind = "destination" // what a deployment writes to refuses, or is away
	SecretFailure           FailureKind = "secret"      // one is not there, or the stage wrote one down

	// What a cluster does to an attempt, executor.Fault. None is the stage's own.
	EvictedFailure   = FailureKind(executor.Evicted)
	PreemptedFailure = FailureKind(executor.Preempted)
	NodeFailure      = FailureKind(executor.NodeLost)
	DeletedFailure   = FailureKind(executor.Deleted)
	UnplacedFailure  = FailureKind(executor.Unplaced)
	QuotaFailure     = FailureKind(executor.Quota)
	ForbiddenFailure = FailureKind(executor.Forbidden)
)

// faults says what befell a stage, and what whoever applies can do where it befalls it again and again.
var faults = map[executor.Fault]struct{ what, do string }{
	executor.Evicted:   {"its pod was evicted", "Its node was drained or ran short of something. A PodDisruptionBudget holds up drains."},
	executor.Preempted: {"its pod was preempted", "Pods of a higher priority took its place: give the cluster more room, or the stage's pods a node of their own."},
	executor.NodeLost:  {"its node was lost", "The node does not answer. What still runs there can record nothing but the same result."},
	executor.Deleted:   {"its pod was deleted", "Somebody with the right to delete pods or Jobs removed it."},
	executor.Unplaced:  {"no node took its pod", "Lower memory_mb or cpus, choose other nodes (MLP_KUBERNETES_NODE_SELECTOR), or add one. A pod waits as long as the block's timeout."},
	executor.Quota:     {"the quota of its namespace refuses its pod", "Lower memory_mb or cpus, or --parallelism, or have the ResourceQuota raised. A pod waits as long as the block's timeout."},
	executor.Forbidden: {"a rule of the cluster does not admit its pod", "Change what the rule is about, such as memory_mb or cpus for a LimitRange, or the rule."},
}

// faultFailure says what a cluster did to an attempt, on which node.
func faultFailure(address string, ended executor.Ended) *Failure {
	told := faults[ended.Fault]
	where := ""
	if ended.Node != "" {
		where = " on node " + ended.Node
	}
	return &Failure{Kind: FailureKind(ended.Fault), Summary: fmt.Sprintf("%s: %s%s: %s", address, told.what, where, ended.Why), Detail: told.do, Passing: ended.Again}
}

// Failure says why a stage or a release failed. It is recorded in the journal as it stands, and so holds no secret and, where files
// outside may not be quoted, nothing of them.
type Failure struct {
	Kind     FailureKind `json:"kind"`
	ExitCode int         `json:"exit_code,omitempty"`
	Summary  string      `json:"summary"`
	Detail   string      `json:"detail,omitempty"`
	Tail     []string    `json:"tail,omitempty"` // the log's last lines
	Log      plan.Digest `json:"log,omitempty"`  // the whole log
	Attempts int         `json:"attempts,omitempty"`

	// Passing: not the stage's fault and worth another attempt.
	Passing bool `json:"-"`
}

func (f *Failure) Error() string {
	return strings.TrimSuffix(f.Summary+"\n"+f.Detail, "\n")
}

// OfCluster reports whether a cluster did it, and not the stage.
func (f *Failure) OfCluster() bool {
	_, ok := faults[executor.Fault(f.Kind)]
	return ok
}

// Failuref is a failure with a summary and nothing else.
func Failuref(kind FailureKind, format string, args ...any) *Failure {
	return &Failure{Kind: kind, Summary: fmt.Sprintf(format, args...)}
}

// AsFailure says an error as a failure of the stage.
// What is none of the kinds that it knows is the store's or the disk's fault, since a stage's own failures are Failures already. An
// error that wraps a Failure is that Failure.
func AsFailure(err error) *Failure {
	var f *Failure
	var nondeterministic *store.NondeterministicError
	var file *store.FileError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &nondeterministic):
		return Failuref(NondeterministicFailure, "%v", err)
	case errors.As(err, &file):
		return Failuref(OutputFailure, "%v", err)
	case errors.Is(err, context.Canceled):
		return Failuref(KilledFailure, "killed")
	}
	return Failuref(StoreFailure, "%v", err)
}

// engineFailure is a failure of the executor, not of the stage. It is passing, and so tried again, where the engine is away
// or a worker process died.
func engineFailure(err error) *Failure {
	away := errors.Is(err, executor.ErrUnavailable)
	f := &Failure{Kind: EngineFailure, Summary: err.Error(), Passing: away || errors.Is(err, executor.ErrWorker)}
	if away {
		f.Detail = "What is recorded is kept: apply again when the engine is back."
	}
	return f
}

// outOfMemory names the limit in MB and where it comes from, memory_mb or the machine.
func (a *Attempt) outOfMemory(mb int64) *Failure {
	f := Failuref(MemoryFailure, "%s needed more memory than it may use, %d MB", a.node.Address, mb)
	f.Detail = "The limit is the block's memory_mb, or its max_memory_mb where it has that."
	if a.node.MemoryMB+a.node.MaxMemoryMB == 0 {
		f.Detail = "The block has no memory_mb: the limit is three quarters of the machine's memory."
	}
	return f
}

// exited says a stage's own failure in its own words, where it left any.
func (a *Attempt) exited(code, rank int) *Failure {
	f := &Failure{Kind: ExitFailure, ExitCode: code}
	f.Summary, f.Detail = a.log.lastError(rank)
	if f.Summary == "" {
		f.Summary = fmt.Sprintf("%s ended with exit code %d", a.node.Address, code)
	}
	return f
}
