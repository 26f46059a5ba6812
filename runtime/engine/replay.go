package engine

import (
	"maps"
	"slices"

	"github.com/mlp-lang/mlp/lang/source"
)

// Replay is what the events of a run come to. Begin with the zero value and add each in its order, RunStarted first. It is what every
// display of a run rests on, of one that goes on as of one that was over last week: a test holds it to what Run returned.
type Replay struct {
	Started  RunStarted
	Ended    *RunEnded               // nil: the run goes on, or was killed
	Revision int64                   // of the state, as last recorded
	Blocks   map[string]source.Range // of what was decided, and of where something was found, by address

	nodes    map[string]NodeResult
	gates    map[string]GateResult
	releases map[string]ReleaseResult
	tested   map[string]HypothesisTested // by key
}

// Result is what the events so far come to: once RunEnded is among them, what Run returned, but for the state.
func (r *Replay) Result() *Result {
	out := &Result{
		Apply: r.Started.Apply, Interrupted: r.Ended != nil && r.Ended.Interrupted,
		Nodes: sorted(r.nodes), Gates: sorted(r.gates), Releases: sorted(r.releases), Hypotheses: sorted(r.tested),
	}
	return out
}

// sorted are the values in the order of their addresses; nil of none.
func sorted[T any](by map[string]T) []T {
	var out []T
	for _, address := range slices.Sorted(maps.Keys(by)) {
		out = append(out, by[address])
	}
	return out
}

// Add takes the next event.
func (r *Replay) Add(e Event) {
	switch e := e.(type) {
	case RunStarted:
		*r = Replay{
			Started: e, Revision: e.Revision, Blocks: map[string]source.Range{},
			nodes: map[string]NodeResult{}, gates: map[string]GateResult{}, releases: map[string]ReleaseResult{}, tested: map[string]HypothesisTested{},
		}
	case StageDone:
		r.nodes[e.Address] = e.NodeResult
		if e.Block != nil {
			r.Blocks[e.Address] = *e.Block
		}
	case StageFailed:
		r.nodes[e.Address] = NodeResult{Address: e.Address, Status: Failed, Fingerprint: e.Fingerprint, Failure: e.Failure}
		r.Blocks[e.Address] = e.Block
	case CheckDecided:
		n := r.nodes[e.Address]
		n.Check = &e.CheckResult
		r.nodes[e.Address], r.Blocks[e.Address] = n, e.Block
	case GateDecided:
		r.gates[e.Address], r.Blocks[e.Address] = e.GateResult, e.Block
	case HypothesisTested:
		r.tested[e.Problem+"/"+e.Name] = e
	case ReleaseDecided:
		r.releases[e.Address] = e.ReleaseResult
	case NodeRemoved:
		r.nodes[e.Address] = NodeResult{Address: e.Address, Status: Removed}
	case UnitBlocked:
		r.without(e.Unit, Blocked, GateBlocked, e.By)
	case StateRecorded:
		r.Revision = e.Revision
	case RunEnded:
		r.Ended, r.Revision = &e, e.Revision
		for _, u := range e.NotStarted {
			r.without(u, NotStarted, GateNotReached, nil)
		}
	}
}

// without notes a unit that did not do its work.
func (r *Replay) without(u Unit, s Status, g GateStatus, by []string) {
	switch u.Kind {
	case GateUnit:
		r.gates[u.Address] = GateResult{Address: u.Address, Status: g, BlockedBy: by}
	case ReleaseUnit:
		r.releases[u.Address] = ReleaseResult{Address: u.Address, Status: s, Before: u.Before, BlockedBy: by}
	default:
		r.nodes[u.Address] = NodeResult{Address: u.Address, Status: s, BlockedBy: by}
	}
}
