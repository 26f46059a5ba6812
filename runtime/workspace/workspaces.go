package workspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// Listed is a workspace of a pipeline, as `mlp workspace list` tells of it.
type Listed struct {
	Name     string         `json:"workspace"`
	Revision int64          `json:"revision"`           // the last
	At       time.Time      `json:"at"`                 // when that was recorded
	Upstream *plan.Upstream `json:"upstream,omitempty"` // that it goes by
	Sample   string         `json:"sample,omitempty"`   // share of the rows that it is of; empty: all
	Behind   int64          `json:"behind,omitempty"`   // revisions that the upstream has had since
	Releases []string       `json:"releases"`           // addresses of deployments that differ from the upstream's, or of all where there is none; sorted
	Damaged  string         `json:"damaged,omitempty"`
}

// ListWorkspaces lists the workspaces of the session's pipeline, sorted by name. One whose log is damaged is listed with why.
func (s *Session) ListWorkspaces(ctx context.Context) ([]Listed, error) {
	names, err := s.Log.Workspaces(ctx)
	if err != nil {
		return nil, err
	}
	states, out := map[string]*plan.State{}, make([]Listed, len(names))
	for i, name := range names {
		out[i] = Listed{Name: name, Releases: []string{}}
		log, err := s.Log.Of(name)
		if err != nil {
			return nil, err
		}
		var corrupt *state.CorruptError
		history, err := log.History(ctx)
		if errors.As(err, &corrupt) {
			out[i].Damaged = err.Error()
			continue
		} else if err != nil {
			return nil, err
		}
		if len(history) > 0 {
			out[i].At = history[len(history)-1].At
		}
		states[name] = log.At(history, int64(len(history)))
		out[i].Revision, out[i].Upstream, out[i].Sample = states[name].Revision, states[name].Upstream, states[name].Sample
	}
	for i := range out {
		if st := states[out[i].Name]; st != nil {
			out[i].compare(st, states)
		}
	}
	return out, nil
}

// compare says what a workspace has live that its upstream has not, and how far that has gone on. An upstream that was removed, or is damaged, is
// compared with as if it had nothing.
func (l *Listed) compare(st *plan.State, states map[string]*plan.State) {
	of := &plan.State{}
	if st.Upstream != nil && states[st.Upstream.Workspace] != nil {
		of = states[st.Upstream.Workspace]
		l.Behind = of.Revision - st.Upstream.Revision
	}
	for _, address := range slices.Sorted(maps.Keys(st.Releases)) {
		if st.Releases[address].Model != of.Releases[address].Model {
			l.Releases = append(l.Releases, address)
		}
	}
}

// Promote applies the session's module in the workspace that this one goes by, if that runs nothing: all stages must have the results that
// this workspace has recorded. Gates, checks and approvals are those of the other workspace. s must be opened in that one, and from is
// the name of the workspace of the pull request.
//
// After the merge of pr-17 this records in default what was trained and reviewed in pr-17, and releases it there. What was merged before
// pr-17 was last applied would run, and is a Failure: what would be live is then not what was reviewed.
func (s *Session) Promote(ctx context.Context, from string, o ApplyOptions, by Applying) (*engine.Result, error) {
	log, err := s.Log.Of(from)
	if err != nil {
		return nil, err
	}
	own, err := log.Load(ctx)
	if err != nil {
		return nil, err
	}
	return s.ApplyIf(ctx, o, by, func(p *plan.Plan) error { return promotable(p, from, own) })
}

// PromotedTo is the workspace that another one goes by; a Failure where it goes by none.
func (s *Session) PromotedTo(ctx context.Context, from string) (string, error) {
	log, err := s.Log.Of(from)
	if err != nil {
		return "", err
	}
	own, err := log.Load(ctx)
	switch {
	case err != nil:
		return "", err
	case own.Revision == 0:
		return "", &Failure{Err: fmt.Errorf("nothing is recorded in workspace %s", from), Hint: "'mlp workspace list' lists those in which something is."}
	case own.Sample != "":
		return "", &Failure{Err: fmt.Errorf("workspace %s is of a %s, and nothing of a sample is released", from, plan.SampleName(own.Sample)),
			Hint: "What it came to is there to be compared with. Apply the module to all rows to release it."}
	case own.Upstream == nil:
		return "", &Failure{Err: fmt.Errorf("workspace %s stands alone, so that nothing says where to promote it to", from),
			Hint: "A workspace goes by another one from its apply with --base NAME on."}
	}
	return own.Upstream.Workspace, nil
}

// promotable refuses a plan by which something would run, or that takes results which the workspace of the pull request does not have. All
// reasons are told, a line each. Blocks that the module has no more are no reason: their removal runs nothing.
func promotable(p *plan.Plan, from string, own *plan.State) error {
	var why []string
	for _, n := range p.Nodes {
		switch mine, recorded := own.Nodes[n.Address]; {
		case n.Verdict == plan.Remove:
		case !n.Verdict.Known():
			why = append(why, fmt.Sprintf("%s would run", n.Address))
		case !recorded || mine.Fingerprint != n.Fingerprint:
			why = append(why, fmt.Sprintf("%s is another result than workspace %s has", n.Address, from))
		}
	}
	if len(why) == 0 {
		return nil
	}
	return &Failure{Stale: true, Err: errors.New("it cannot be promoted as it is:\n  " + strings.Join(render.Clean(why), "\n  ")),
		Hint: fmt.Sprintf("Nothing was done. Apply workspace %s again, so that its results are those of now: mlp apply --workspace %s", from, from)}
}

// RemoveWorkspace removes all that is recorded in the session's workspace: revisions, journals, which plans were applied, who was told, what was answered. Results stay in
// the store, for others that have them too, and so does which models were measured on which rows. A workspace in which an apply goes on is refused, unless o says to wait, and so is one that stands alone and has
// something live, unless that is forced.
func (s *Session) RemoveWorkspace(ctx context.Context, force bool, o ApplyOptions) (err error) {
	name := s.Log.Workspace()
	held, err := s.hold(ctx, "removal", o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.Release()) }()
	st, err := s.Log.Load(ctx)
	switch {
	case err != nil:
		return err
	case st.Revision == 0:
		return &Failure{Err: fmt.Errorf("nothing is recorded in workspace %s", name), Hint: "'mlp workspace list' lists those in which something is."}
	case !force && st.Upstream == nil && len(st.Releases) > 0:
		return &Failure{Err: fmt.Errorf("workspace %s goes by no other one, and has live: %s", name, strings.Join(slices.Sorted(maps.Keys(st.Releases)), ", ")),
			Hint: "Whoever serves them would stop, and what was approved would be forgotten. --force removes it all the same."}
	}
	if err := s.Log.KeepLooks(ctx, st); err != nil {
		return err
	}
	if err := s.Log.Remove(ctx, st.Revision); err != nil {
		return err
	}
	for _, prefix := range []string{"applied/", "journal/", "notified/", "predictions/"} {
		for key, err := range bucket.Keys(ctx, s.Store.Bucket(), prefix+s.Pipeline+"/"+name+"/", "") {
			if err == nil {
				err = s.Store.Bucket().Delete(ctx, key)
			}
			if err != nil {
				return fmt.Errorf("removing workspace %s: %w", name, err)
			}
		}
	}
	return nil
}
