package engine

import (
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// Event is something that happens during a run. The engine hands events over one at a time, in the order they happen;
// what is said to be done is recorded by then. The types of this file are all there are.
type Event interface{ event() }

// StageStarted: an attempt at a stage begins.
type StageStarted struct {
	Address string
	Attempt int  // from 1
	Rebuild bool // its recorded result is needed and is gone from the store
}

// StageProgress: a stage says how far it is. Total is 0 where it doesn't know.
type StageProgress struct {
	Address     string
	Done, Total int
}

// StageLog is a line of a stage's log, messages to the engine left out.
type StageLog struct {
	Address string
	Line    string
}

// StageWarning: a stage or a rule of severity warn tells the user something.
type StageWarning struct {
	Address string
	Message string
}

// StageRetried: an attempt failed in a way that may pass; the next begins after Wait.
type StageRetried struct {
	Address string
	Attempt int // that failed
	Why     string
	Wait    time.Duration
}

// StageDone: a stage's result is there.
type StageDone struct {
	Address  string
	Cached   bool          // it was there before
	Duration time.Duration // of the run that made it
}

// StageFailed: a stage will give no result in this run.
type StageFailed struct {
	Address string
	Failure *Failure
}

// StageBlocked: a stage, gate or release is left out because of others.
type StageBlocked struct {
	Address string
	By      []string // addresses that failed, sorted
}

// CheckDecided: a check has run and its expectations and rules are decided.
type CheckDecided struct {
	Address string
	Passed  bool
	Failed  int // expectations that don't hold
	Rules   []plan.Rule
}

// GateDecided: a gate's rules are decided.
type GateDecided struct{ GateResult }

// Released: a deployment has another release, or is removed.
type Released struct {
	Address string
	Action  plan.ReleaseAction // create, change or remove
	Before  *plan.ReleaseState // nil: there was none
	After   *plan.ReleaseState // nil: removed
}

// NodeRemoved: a block that is no longer in the module is forgotten.
type NodeRemoved struct{ Address string }

// Moved: what was recorded under one address is recorded under another.
type Moved struct{ From, To string }

// StateRecorded: a revision of the state was written.
type StateRecorded struct {
	Revision int64
	Keys     []string // that it changes
}

// Stopping: no more stages are started; Running of them are let run to their end.
type Stopping struct{ Running int }

func (StageStarted) event()  {}
func (StageProgress) event() {}
func (StageLog) event()      {}
func (StageWarning) event()  {}
func (StageRetried) event()  {}
func (StageDone) event()     {}
func (StageFailed) event()   {}
func (StageBlocked) event()  {}
func (CheckDecided) event()  {}
func (GateDecided) event()   {}
func (Released) event()      {}
func (NodeRemoved) event()   {}
func (Moved) event()         {}
func (StateRecorded) event() {}
func (Stopping) event()      {}
