package engine

import (
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/attempt"
)

// Event is something that happens during a run. The engine hands events over one at a time, in the order they happen;
// what is said to be done is recorded by then. The types of this file are all there are, and spec/events.md lists them: the
// journal of a run has each of them before anybody is handed it, so that whoever reads the journal sees what a terminal showed.
type Event interface{ kind() string }

// RunStarted is the first event of a run. Format and FormatVersion say how all of them are written.
type RunStarted struct {
	Format        string                      `json:"format"`
	FormatVersion string                      `json:"format_version"`
	Apply         string                      `json:"apply"`
	Plan          plan.Digest                 `json:"plan_id,omitempty"`
	Pipeline      string                      `json:"pipeline"`
	Workspace     string                      `json:"workspace"`
	By            string                      `json:"by,omitempty"`
	Host          string                      `json:"host,omitempty"`
	PID           int                         `json:"pid"`
	ToolVersion   string                      `json:"tool_version,omitempty"`
	Revision      int64                       `json:"revision"` // of the state before
	Stages        []string                    `json:"stages"`   // that run or may run
	Outputs       map[string]plan.OutputValue `json:"outputs,omitempty"`
}

// StageStarted: an attempt at a stage begins.
type StageStarted struct {
	Address     string      `json:"address"`
	Fingerprint plan.Digest `json:"fingerprint"`
	Attempt     int         `json:"attempt"`           // from 1
	Rebuild     bool        `json:"rebuild,omitempty"` // its recorded result is needed and is gone from the store
}

// StageProgress: a stage says how far it is. Total is 0 where it doesn't know.
type StageProgress struct {
	Address string `json:"address"`
	Done    int    `json:"done"`
	Total   int    `json:"total"`
}

// StageLog is a line of a stage's log, messages to the engine left out, secrets masked.
type StageLog struct {
	Address string `json:"address"`
	Line    string `json:"line"`
}

// StageTransfer: how far what a stage reads is fetched from a store elsewhere, or what it yielded is sent there. Only what takes longer than a
// second is told of, and once a second at most.
type StageTransfer struct {
	Address string        `json:"address"`
	Fetched bool          `json:"fetched,omitempty"` // else sent
	Done    int64         `json:"done"`              // bytes
	Total   int64         `json:"total"`
	Elapsed time.Duration `json:"elapsed_ns"`
}

// StoreWaits: nothing is recorded until then at the latest. What this run made again was deleted by a collection of garbage just before, and a
// delete that a network delays may still come.
type StoreWaits struct {
	Until time.Time     `json:"until"`
	Wait  time.Duration `json:"wait_ns"`
}

// StageWarning: a stage or a rule of severity warn tells the user something.
type StageWarning struct {
	Address string `json:"address"`
	Message string `json:"message"`
}

// StageRetried: an attempt failed in a way that may pass; the next begins after Wait.
type StageRetried struct {
	Address string `json:"address"`
	Attempt int    `json:"attempt"` // that failed
	Why     string `json:"why"`
	// Failure is its kind, and Log the whole log of the attempt where it has one of its own: an attempt elsewhere.
	Failure attempt.FailureKind `json:"failure,omitempty"`
	Log     plan.Digest         `json:"log,omitempty"`
	Wait    time.Duration       `json:"wait_ns"`
}

// StageStored: a stage has succeeded, and its outputs and its log are in the store. Nothing is recorded yet.
type StageStored struct {
	Address     string      `json:"address"`
	Fingerprint plan.Digest `json:"fingerprint"`
	Log         plan.Digest `json:"log,omitempty"`
}

// StageDone: a stage's result is there. What a check is decided to be follows.
type StageDone struct {
	NodeResult
	Block *source.Range `json:"block,omitempty"` // where the block stands, if something was found amiss
}

// StageFailed: a stage will give no result in this run.
type StageFailed struct {
	Address     string       `json:"address"`
	Fingerprint plan.Digest  `json:"fingerprint,omitempty"` // if its inputs were known
	Failure     *Failure     `json:"failure"`
	Block       source.Range `json:"block"`
}

// RebuildFailed: a stage whose result is recorded and was lost could not be run again. Its result is as before; who needs it fails.
type RebuildFailed struct {
	Address string   `json:"address"`
	Failure *Failure `json:"failure"`
}

// UnitBlocked: a stage, gate or release is left out because of others.
type UnitBlocked struct {
	Unit
	By []string `json:"by"` // addresses that failed, sorted
}

// Unit is a stage, a gate or a release. A stage and a release may have one address.
type Unit struct {
	Kind    UnitKind           `json:"unit"`
	Address string             `json:"address"`
	Before  *plan.ReleaseState `json:"before,omitempty"` // of a release, what the plan found to be live
}

// UnitKind is what a unit is.
type UnitKind string

const (
	StageUnit   UnitKind = "stage"
	GateUnit    UnitKind = "gate"
	ReleaseUnit UnitKind = "release"
)

// CheckDecided: a check has run and its expectations and rules are decided.
type CheckDecided struct {
	Address string `json:"address"`
	CheckResult
	Block source.Range `json:"block"`
}

// GateDecided: a gate's rules are decided.
type GateDecided struct {
	GateResult
	Block source.Range `json:"block"`
}

// HypothesisTested: what the figures say of a problem's hypothesis, at the end of a run. Before: they said the same before.
type HypothesisTested struct {
	Problem string `json:"problem"`
	Name    string `json:"name"`
	plan.HypothesisState
	Before bool         `json:"before,omitempty"`
	Block  source.Range `json:"block"`
}

// ReleaseDecided: what became of a deployment: another release, none, the one from before, or a failure.
type ReleaseDecided struct{ ReleaseResult }

// NodeRemoved: a block that is no longer in the module is forgotten.
type NodeRemoved struct {
	Address string `json:"address"`
}

// Moved: what was recorded under one address is recorded under another.
type Moved struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// StateRecorded: a revision of the state was written.
type StateRecorded struct {
	Revision int64    `json:"revision"`
	Keys     []string `json:"keys"` // that it changes
}

// Stopping: no more stages are started; Running of them are let run to their end.
type Stopping struct {
	Running int `json:"running"`
}

// LinesLeftOut: the journal is full. Lines of logs and progress from here on are in no event; each stage's log has them.
type LinesLeftOut struct{}

// RunEnded is the last event of a run. A journal without it is of a run that goes on, or was killed.
type RunEnded struct {
	ExitCode    int    `json:"exit_code"`       // of the command
	Error       string `json:"error,omitempty"` // that ended the whole run
	Interrupted bool   `json:"interrupted,omitempty"`
	Revision    int64  `json:"revision"`              // of the state
	NotStarted  []Unit `json:"not_started,omitempty"` // nothing became of them
}

func (RunStarted) kind() string       { return "run_started" }
func (StageStarted) kind() string     { return "stage_started" }
func (StageProgress) kind() string    { return "stage_progress" }
func (StageLog) kind() string         { return "stage_log" }
func (StageTransfer) kind() string    { return "stage_transfer" }
func (StoreWaits) kind() string       { return "store_waits" }
func (StageWarning) kind() string     { return "stage_warning" }
func (StageRetried) kind() string     { return "stage_retried" }
func (StageStored) kind() string      { return "stage_stored" }
func (StageDone) kind() string        { return "stage_done" }
func (StageFailed) kind() string      { return "stage_failed" }
func (RebuildFailed) kind() string    { return "rebuild_failed" }
func (UnitBlocked) kind() string      { return "unit_blocked" }
func (CheckDecided) kind() string     { return "check_decided" }
func (GateDecided) kind() string      { return "gate_decided" }
func (ReleaseDecided) kind() string   { return "release_decided" }
func (HypothesisTested) kind() string { return "hypothesis_tested" }
func (NodeRemoved) kind() string      { return "node_removed" }
func (Moved) kind() string            { return "moved" }
func (StateRecorded) kind() string    { return "state_recorded" }
func (Stopping) kind() string         { return "stopping" }
func (LinesLeftOut) kind() string     { return "lines_left_out" }
func (RunEnded) kind() string         { return "run_ended" }
