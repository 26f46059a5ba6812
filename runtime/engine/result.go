package engine

import (
	"encoding/json"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/attempt"
)

// Status is what became of a stage or a release.
type Status string

const (
	Ran        Status = "ran"
	Cached     Status = "cached"
	Failed     Status = "failed"
	Blocked    Status = "blocked"
	NotStarted Status = "not_started" // the run was stopped before
	Removed    Status = "removed"
	Changed    Status = "changed"   // a release
	Unchanged  Status = "unchanged" // a release
	Held       Status = "held"      // a release whose candidate was rolled back: what is live stays
	Sampled    Status = "sampled"   // a release whose candidate is of a sample of the rows, which is never released
)

// Result of a run: each stage, gate and release of the plan stands in it once, also those that were never reached.
type Result struct {
	Apply       string             `json:"apply"`
	Nodes       []NodeResult       `json:"nodes"` // sorted by address, as are the others
	Gates       []GateResult       `json:"gates"`
	Releases    []ReleaseResult    `json:"releases"`
	Hypotheses  []HypothesisTested `json:"hypotheses,omitempty"` // by problem and name
	Interrupted bool               `json:"interrupted,omitempty"`
	State       *plan.State        `json:"-"` // as last recorded
	Left        error              `json:"-"` // why pieces of the journal, which is in the store, could not be removed; nil: they are
}

// NodeResult is what became of a stage. Fingerprint, Outputs and Figures are there with the status Ran or Cached; Failure with
// Failed; BlockedBy, addresses that failed or held, with Blocked.
type NodeResult struct {
	Address     string                 `json:"address"`
	Status      Status                 `json:"status"`
	Fingerprint plan.Digest            `json:"fingerprint,omitempty"`
	Outputs     map[string]plan.Digest `json:"outputs,omitempty"`
	Figures     json.RawMessage        `json:"figures,omitempty"`
	Warnings    []string               `json:"warnings,omitempty"`
	Duration    time.Duration          `json:"duration_ns,omitempty"` // of the run that made the result
	Check       *CheckResult           `json:"check,omitempty"`
	Findings    []plan.Finding         `json:"findings,omitempty"` // of a check or monitor: what it found amiss
	BlockedBy   []string               `json:"blocked_by,omitempty"`
	Failure     *Failure               `json:"failure,omitempty"`
}

// CheckResult is what a check found.
type CheckResult struct {
	Passed bool        `json:"passed"`
	Failed int         `json:"failed"` // expectations that don't hold
	Rules  []plan.Rule `json:"rules,omitempty"`
}

// GateStatus is what a gate came to.
type GateStatus string

const (
	GatePassed     GateStatus = "passed"
	GateFailed     GateStatus = "failed"  // a rule does not hold, or rests on a figure that is missing or undefined
	GateWaits      GateStatus = "waiting" // all rules hold and an approval is missing
	GateBlocked    GateStatus = "blocked"
	GateNotReached GateStatus = "not_started"
)

// GateResult is a gate's decision.
type GateResult struct {
	Address   string          `json:"address"`
	Status    GateStatus      `json:"status"`
	Subject   plan.Digest     `json:"subject,omitempty"` // what an approval must be bound to
	Rules     []plan.Rule     `json:"rules,omitempty"`
	Approvals []plan.Approval `json:"approvals,omitempty"` // with who gave them
	Missing   []string        `json:"missing,omitempty"`   // names of approvals that are needed and not given
	Before    bool            `json:"before,omitempty"`    // an earlier run decided the gate on the same subject, and this is its decision
	BlockedBy []string        `json:"blocked_by,omitempty"`
}

// ReleaseResult is what became of a deployment. Before is what was live when the unit started, After what is live now; nil: nothing.
type ReleaseResult struct {
	Address   string             `json:"address"`
	Status    Status             `json:"status"`
	Before    *plan.ReleaseState `json:"before,omitempty"`
	After     *plan.ReleaseState `json:"after,omitempty"`
	Written   []plan.Written     `json:"written,omitempty"` // by this run, to its destinations
	BlockedBy []string           `json:"blocked_by,omitempty"`
	Failure   *Failure           `json:"failure,omitempty"`
}

// Failure says why a stage or a release failed.
type Failure = attempt.Failure

// Exit codes of a run, as `mlp apply` gives them.
const (
	ExitDone            = 0
	ExitError           = 1
	ExitGateFailed      = 3
	ExitApprovalMissing = 4
	ExitStale           = 5
)

// ExitCode of the run: where several things went wrong, the first of 1, 5, 3, 4.
func (r *Result) ExitCode() int {
	found := map[int]bool{ExitError: r.Interrupted}
	for _, n := range r.Nodes {
		found[exitCode(n.Failure)] = true
		if n.Check != nil && !n.Check.Passed {
			found[ExitGateFailed] = true
		}
	}
	for _, g := range r.Gates {
		found[ExitGateFailed] = found[ExitGateFailed] || g.Status == GateFailed
		found[ExitApprovalMissing] = found[ExitApprovalMissing] || g.Status == GateWaits
	}
	for _, rel := range r.Releases {
		found[exitCode(rel.Failure)] = true
	}
	for _, code := range []int{ExitError, ExitStale, ExitGateFailed, ExitApprovalMissing} {
		if found[code] {
			return code
		}
	}
	return ExitDone
}

// exitCode is what a failure means for the run; nil: there is none.
func exitCode(f *Failure) int {
	switch {
	case f == nil:
		return ExitDone
	case f.Kind == attempt.StaleFailure:
		return ExitStale
	}
	return ExitError
}
