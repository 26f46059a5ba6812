package workspace

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/ledger"
	"github.com/mlp-lang/mlp/compiler/trace"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/runtime/state"
)

// At makes the session one of a past: the state becomes what it was after a revision, 0 before the first. Nothing that is recorded
// changes. A revision that there is not is a Failure.
func (s *Session) At(ctx context.Context, revision int64) error {
	history, err := s.Log.History(ctx)
	if err != nil {
		return err
	}
	if revision < 0 || revision > int64(len(history)) {
		return &Failure{Err: fmt.Errorf("there is no revision %d: the state of %s, workspace %s, has %d", revision, s.Pipeline, s.w.Name, len(history)),
			Hint: s.w.Command("history") + " lists them."}
	}
	s.State, s.Own = s.Log.At(history, revision), nil
	return nil
}

// History is what each revision did, the oldest first; with an address only those that touched it, and of these only what they did to
// it. An address that no revision touched is a Failure.
func (s *Session) History(ctx context.Context, only string) ([]*ledger.Revision, error) {
	history, err := s.Log.History(ctx)
	if err != nil {
		return nil, err
	}
	out := []*ledger.Revision{}
	st := s.Log.At(history, 0)
	for _, r := range history {
		step := &ledger.Revision{Revision: r.Revision, Digest: r.Digest, At: r.At, By: r.By, User: r.User, Host: r.Host, Apply: r.Apply, Plan: r.Plan, Targets: r.Targets, Origin: r.Origin, Upstream: r.Upstream,
			Changes: []ledger.Change{}}
		for _, e := range r.Events {
			if c := changeOf(st, e); only == "" || c.Address == only {
				step.Changes = append(step.Changes, c)
			}
		}
		state.Fold(st, r)
		if only == "" || len(step.Changes) > 0 {
			out = append(out, step)
		}
	}
	if only != "" && len(out) == 0 {
		return nil, s.NotRecorded(only)
	}
	return out, nil
}

// changeOf is what an event does to a state. st is the state before the event, for Before: empty where nothing was recorded, or the same was.
// Keys of events are a kind and an address: node/train.model, gate/gate.release, release/deploy.scorer, approval/gate.release/risk,
// block/pipeline.churn.
func changeOf(st *plan.State, e plan.Event) ledger.Change {
	kind, name, _ := strings.Cut(e.Key, "/")
	c := ledger.Change{Kind: kind, Address: name, Removed: e.Removed}
	switch kind {
	case "node":
		c.Before = st.Nodes[name].Fingerprint
		if n := e.Node; n != nil {
			c.Component, c.Engine, c.Fingerprint, c.Check = n.Component(), n.Engine, n.Fingerprint, n.Check
			for port, x := range n.External {
				if c.Data == nil {
					c.Data = map[string]ledger.Data{}
				}
				c.Data[port] = dataOf(n.Inputs[port], x)
			}
		}
	case "gate":
		if e.Gate != nil {
			c.Verdict = e.Gate.Verdict
		}
	case "release":
		c.Before = st.Releases[name].Model
		if e.Release != nil {
			was, now := st.Releases[name].Rollout, e.Release.Rollout
			c.Resumed = was != nil && now != nil && was.Paused != nil && now.Paused == nil
			before := st.Releases[name]
			for _, w := range e.Release.Written {
				if last := before.LastWrite(w.Destination); last == nil || last.Revision != w.Revision {
					c.Written = append(c.Written, w)
				}
			}
			c.Model, c.From, c.Rollback, c.Rollout, c.Promoted = e.Release.Model, e.Release.From, e.Release.Rollback, e.Release.Rollout, e.Release.Promoted
		}
	case "approval":
		c.Address, c.Approval, _ = strings.Cut(name, "/") // no address has one
		if e.Approval != nil {
			c.Given = e.Approval.Given()
		}
	case "hypothesis":
		c.Address, c.Hypothesis, _ = strings.Cut(name, "/")
		c.Tested = e.Hypothesis
	case "watch":
		c.Watched = e.Watch
	case "block":
		if e.Block != nil {
			c.Described = e.Block.Meta
		}
	}
	if c.Before == c.Fingerprint || c.Before == c.Model {
		c.Before = ""
	}
	return c
}

// dataOf sums up the files of a source as they were.
func dataOf(digest plan.Digest, x *plan.External) ledger.Data {
	d := ledger.Data{Digest: digest, Version: x.Version, Files: len(x.Files)}
	for _, f := range x.Files {
		d.Bytes += f.Size
	}
	return d
}

// Lineage follows what is recorded of an address, in the state of the session, down to files outside: of a deployment the release that is
// live, of a stage its result. Each result is the one that was used, also where another one is recorded since.
//
// The log of revisions has all that is needed, and does not lose it. The store's records add how long a stage took and on which machine, as
// long as they are there. A release is followed in the history up to its own revision: what was recorded after it has no part in it.
func (s *Session) Lineage(ctx context.Context, address string) (*trace.Lineage, error) {
	log := s.Log
	history, err := log.History(ctx)
	if err != nil {
		return nil, err
	}
	// A session of a past (At) sees nothing that was recorded later.
	history = history[:min(s.State.Revision, int64(len(history)))]
	// What a workspace of a pull request took over from the one that it goes by was recorded there.
	for st := s.State; st.Upstream != nil && !wrote(history, address); {
		if log, err = log.Of(st.Upstream.Workspace); err != nil {
			return nil, err
		}
		past, err := log.History(ctx)
		if err != nil {
			return nil, err
		}
		history = past[:min(st.Upstream.Revision, int64(len(past)))]
		st = log.At(history, int64(len(history)))
	}
	out := &trace.Lineage{Address: address}
	roots := map[string]plan.Digest{}
	switch r, live := s.State.Releases[address]; {
	case live:
		out.Release = &r
		since := released(history, r)
		out.Written, out.Gate = written(since), gateOf(history[:since.Revision], r)
		history = history[:since.Revision]
		roots[r.From] = r.Fingerprint
		at := log.At(history, since.Revision)
		for evaluation := range r.Figures {
			roots[evaluation] = at.Nodes[evaluation].Fingerprint
		}
	case s.State.Nodes[address].Fingerprint != "":
		roots[address] = s.State.Nodes[address].Fingerprint
	default:
		if _, err := s.Find(address); err != nil {
			return nil, err
		}
		return nil, &Failure{Err: fmt.Errorf("%s is no stage and has nothing live: it comes from nothing", address), Hint: s.w.Command("show "+render.ShellWord(address)) + " shows what is recorded of it."}
	}
	out.Stages = trace.Follow(roots, pastOf(history), func(fingerprint plan.Digest) *plan.Action {
		a, err := s.Store.Action(fingerprint)
		if err != nil { // gone or damaged: the lineage rests on the log alone
			return nil
		}
		return a
	})
	return out, nil
}

// released is the revision by which a release went live. A move writes it anew under another address, and its number stays.
func released(history []*state.Revision, r plan.ReleaseState) *state.Revision {
	if n := r.PassedIn(); n > 0 && n <= int64(len(history)) {
		return history[n-1]
	}
	return history[len(history)-1]
}

// wrote reports whether a log recorded a stage or release itself, since its state last began again from another workspace's.
func wrote(history []*state.Revision, address string) bool {
	for _, r := range slices.Backward(history) {
		if slices.ContainsFunc(r.Events, func(e plan.Event) bool { return e.Key == "release/"+address || e.Key == "node/"+address }) {
			return true
		}
		if r.Upstream != nil {
			return false
		}
	}
	return false
}

// written is who recorded a revision, when, and of which commit and plan.
func written(r *state.Revision) *trace.Written {
	return &trace.Written{Revision: r.Revision, At: r.At.UTC().Format(time.RFC3339), By: r.By, User: r.User, Host: r.Host, Plan: r.Plan, Origin: r.Origin}
}

// gateOf is the last decision of a release's gate on what was released.
func gateOf(history []*state.Revision, r plan.ReleaseState) *plan.GateState {
	for _, revision := range slices.Backward(history) {
		for _, e := range revision.Events {
			if e.Key == "gate/"+r.Gate && e.Gate != nil && e.Gate.Subject == r.Subject {
				return e.Gate
			}
		}
	}
	return nil
}

// pastOf finds results in a history: those under an address first, and then, since addresses change, those of other blocks of its kind.
// The last that fits counts. port "" asks for a fingerprint, else for what a port yielded.
func pastOf(history []*state.Revision) trace.Past {
	type result struct {
		node     *plan.NodeState
		revision int64
	}
	at, ofKind := map[string][]result{}, map[string][]result{}
	for _, r := range slices.Backward(history) {
		for _, e := range r.Events {
			if _, name, _ := strings.Cut(e.Key, "/"); e.Node != nil {
				x := result{e.Node, r.Revision}
				at[name], ofKind[e.Node.Kind] = append(at[name], x), append(ofKind[e.Node.Kind], x)
			}
		}
	}
	return func(of, port string, content plan.Digest) (*plan.NodeState, int64) {
		for _, results := range [][]result{at[of], ofKind[address.Kind(of)]} {
			for _, x := range results {
				if port == "" && x.node.Fingerprint == content || port != "" && x.node.Outputs[port] == content {
					return x.node, x.revision
				}
			}
		}
		return nil, 0
	}
}
