package engine

// A saved plan is applied hours after it was made, perhaps by somebody else, and is to do what was reviewed or nothing. So before it
// is applied all that it rests on is compared with what there is now, and every difference is a reason to plan again:
//
//	the state        it has the revision that the plan was made against, under the same digest: no other store, no other past
//	its own things   what is recorded of the stages, gates and releases that it acts on is what the plan saw, or what it would make
//	results          those that the plan counts on are in the store, so that no more runs than it says
//	files outside    they have the digests of the plan, images the ids
//	champions        what gates compare with is what is live
//
// What others did elsewhere does not matter: Part cuts a plan down to what it acts on and what that rests on. Nor does what an
// earlier, broken off apply of the same plan did: its revisions carry the plan's id, and going on is what the plan is for. Only where
// somebody else has changed one of its things after that apply began is going on refused.
//
// The comparison is made under the workspace's lock, and the lock is held until the run has ended.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
)

// Part is the plan less what it does nothing to and nothing it does rests on: what a saved plan is bound to. So a change
// elsewhere neither stops it nor is taken back by it. The nodes are shared with p.
func Part(p *plan.Plan) (*plan.Plan, error) {
	g, err := newGraph(p)
	if err != nil {
		return nil, err
	}
	read := map[string]bool{} // by hypotheses, which are tested on all of it
	for _, h := range p.Hypotheses {
		for _, f := range h.Rules.Figures {
			read["node/"+f.Node] = true
		}
	}
	needed := map[*unit]bool{}
	for _, u := range slices.Backward(g.order()) {
		needed[u] = u.works() || read[u.id] || slices.ContainsFunc(u.dependents, func(e edge) bool { return needed[e.to] })
	}
	out := *p
	out.Nodes, out.Gates, out.Releases = nil, nil, nil
	for _, n := range p.Nodes {
		if needed[g.byID["node/"+n.Address]] {
			out.Nodes = append(out.Nodes, n)
		}
	}
	for _, x := range p.Gates {
		if needed[g.byID["gate/"+x.Address]] {
			out.Gates = append(out.Gates, x)
		}
	}
	for _, r := range p.Releases { // a gate decides over all models behind it
		if needed[g.byID["release/"+r.Address]] || r.Gate != "" && needed[g.byID["gate/"+r.Gate]] {
			out.Releases = append(out.Releases, r)
		}
	}
	return &out, nil
}

// works reports whether an apply may do something to the unit.
func (u *unit) works() bool {
	switch {
	case u.node != nil:
		return u.node.Verdict != plan.Cached || u.node.Replaces == "" || decidesAnew(u.node)
	case u.gate != nil:
		return !u.gate.Cached || u.gate.Replaces != u.gate.Definition || len(u.gate.Causes) > 0
	}
	return u.release.Action != plan.NoRelease || u.release.Pending()
}

// decidesAnew reports whether a stage asks for something else than what is recorded of it.
func decidesAnew(n *plan.Node) bool {
	now, err := policyOf(n)
	return err != nil || now != n.Decided
}

// policyOf is the digest of what a stage asks: its rules, checks and whom it waits for.
func policyOf(n *plan.Node) (plan.Digest, error) {
	p, err := n.Policy()
	if err != nil {
		return "", fmt.Errorf("%s: %w", n.Address, err)
	}
	return p.Digest()
}

// Saved is what a saved plan is compared with before it is applied.
type Saved struct {
	Plan    *plan.Plan // a Part
	Store   *store.Store
	State   *plan.State
	History []*state.Revision
	Dir     string // files outside are relative to it
	Files   Files  // asks again which files are meant; nil: those of the plan
	// Version is the component's in this program; false if there is none.
	Version func(kind, typ string) (int, bool)
	// Image asks what an image's name means now (plan.ImageVersion); nil: nobody does.
	Image func(ctx context.Context, name string) (version string, err error)
}

// Stale lists what no longer is as it was when the plan was made, in the plan's order; none: it can be applied.
// What an earlier, unfinished run of the same plan did is no reason, unless others changed the same since.
// Another state is told alone: against another past all else would differ too, and say nothing.
func (s *Saved) Stale(ctx context.Context) ([]string, error) {
	if why := s.otherState(); why != "" {
		return []string{why}, nil
	}
	moved := *s
	moved.State = s.State.Renamed(s.Plan.Moves)
	s = &moved
	h := s.touched()
	out := h.interfered
	for _, n := range s.Plan.Nodes {
		why, err := s.node(ctx, n, h)
		if err != nil {
			return nil, err
		}
		if why != "" {
			out = append(out, why)
		}
	}
	for _, g := range s.Plan.Gates {
		if why := s.gate(g, h); why != "" {
			out = append(out, why)
		}
	}
	for _, r := range s.Plan.Releases {
		if why := s.release(r, h); why != "" {
			out = append(out, why)
		}
	}
	return append(out, s.elsewhere(h)...), nil
}

// otherState reports whether the plan was made against another state than this one's past.
func (s *Saved) otherState() string {
	base := s.Plan.Base
	switch {
	case base.Revision == 0:
		return ""
	case base.Revision > int64(len(s.History)):
		return fmt.Sprintf("it was made against revision %d of the state, which has only %d here: is this the right store?", base.Revision, len(s.History))
	case s.History[base.Revision-1].Digest != base.Digest:
		return fmt.Sprintf("revision %d of the state is another one here than where it was made: is this the right store?", base.Revision)
	}
	return ""
}

// past is what happened to the keys of a plan since it was made.
type past struct {
	last       map[string]*state.Revision // that touched a key
	interfered []string                   // by others, after a run of this plan began
}

// touched finds, for each thing that the plan would change, the last revision that changed it since the plan was made. Once
// the plan itself has begun to be applied, changes by others to its things are noted as interference: going on would mix two
// plans.
func (s *Saved) touched() *past {
	keys := map[string]bool{}
	for _, n := range s.Plan.Nodes {
		keys["node/"+n.Address] = true
	}
	for _, g := range s.Plan.Gates {
		keys["gate/"+g.Address] = true
	}
	for _, r := range s.Plan.Releases {
		keys["release/"+r.Address] = true
	}
	for _, address := range s.Plan.GatesGone {
		keys["gate/"+address] = true
	}
	for address := range s.Plan.Policies {
		keys["block/"+address] = true
	}
	for _, m := range s.Plan.Moves {
		if m.Pending {
			keys["node/"+m.From], keys["gate/"+m.From], keys["release/"+m.From] = true, true, true
		}
	}
	h, begun := &past{last: map[string]*state.Revision{}}, int64(0)
	for _, r := range s.History[s.Plan.Base.Revision:] {
		own := r.Plan == s.Plan.ID
		if own && begun == 0 {
			begun = r.Revision
		}
		for _, e := range r.Events {
			if !keys[e.Key] {
				continue
			}
			h.last[e.Key] = r
			if begun > 0 && !own {
				h.interfered = append(h.interfered, fmt.Sprintf("%s: applying this plan began in revision %d, and revision %d%s changed it since",
					e.Key[strings.Index(e.Key, "/")+1:], begun, r.Revision, by(r)))
			}
		}
	}
	return h
}

// by says whose a revision is, for a message; "" where that is not recorded.
func by(r *state.Revision) string {
	if r.By == "" {
		return ""
	}
	return " by " + r.By
}

// own reports whether this plan was the last to change a key.
func (s *Saved) own(h *past, key string) bool {
	return h.last[key] != nil && h.last[key].Plan == s.Plan.ID
}

// since says which revision changed a key.
func (h *past) since(key string) string {
	if r := h.last[key]; r != nil {
		return fmt.Sprintf(" (revision %d%s)", r.Revision, by(r))
	}
	return ""
}

// node says why a stage of the plan is stale; empty if it is not. It is fresh if what is recorded is what the plan saw, what
// it would make, or what an earlier, broken off apply of the same plan made; a result that the plan counts on must still be
// there, one that it has to make must not be; and files from outside must have the content that was planned with.
func (s *Saved) node(ctx context.Context, n *plan.Node, h *past) (string, error) {
	key := "node/" + n.Address
	now := s.State.Nodes[n.Address].Fingerprint
	switch {
	case now == n.Replaces, now != "" && now == n.Fingerprint, s.own(h, key), n.Verdict == plan.Remove && now == "":
	default:
		return fmt.Sprintf("%s: another result is recorded than the one that the plan saw%s", n.Address, h.since(key)), nil
	}
	if why, err := s.asked(n, h); why != "" || err != nil {
		return why, err
	}
	switch {
	case n.Verdict == plan.Remove:
		return "", nil
	case n.Verdict.Known():
		if why, err := s.result(n); why != "" || err != nil {
			return why, err
		}
	case s.lostIsThere(n) && !s.own(h, key):
		return fmt.Sprintf("%s: its result is in the store, and the plan says that it is lost", n.Address), nil
	case n.Container == nil && s.Version != nil:
		if v, ok := s.Version(n.Kind, n.Type); !ok || v != n.Version {
			return fmt.Sprintf("%s: the plan was made with version %d of its component, which this mlp does not have", n.Address, n.Version), nil
		}
	}
	if why := s.image(ctx, n); why != "" {
		return why, nil
	}
	return s.files(ctx, n)
}

// elsewhere are gates that the plan would forget, and blocks that run nothing, of which somebody recorded otherwise since.
func (s *Saved) elsewhere(h *past) []string {
	var out []string
	for _, address := range s.Plan.GatesGone {
		if key := "gate/" + address; h.last[key] != nil && !s.own(h, key) {
			out = append(out, fmt.Sprintf("%s: it was decided again%s, and the plan would forget it", address, h.since(key)))
		}
	}
	for _, address := range slices.Sorted(maps.Keys(s.Plan.Policies)) {
		key := "block/" + address
		if h.last[key] != nil && !s.own(h, key) && !equal(s.State.Policies[address], s.Plan.Policies[address]) {
			out = append(out, fmt.Sprintf("%s: it asks something else of others than the plan saw%s", address, h.since(key)))
		}
	}
	return out
}

// asked makes sure that what a stage asks of others, and a check of its table, is what the plan saw: a check that somebody
// else made stricter meanwhile is not taken back.
func (s *Saved) asked(n *plan.Node, h *past) (string, error) {
	if n.Verdict == plan.Remove || s.own(h, "node/"+n.Address) {
		return "", nil
	}
	recorded, err := s.State.Nodes[n.Address].Policy.Digest()
	if err != nil {
		return "", err
	}
	planned, err := policyOf(n)
	if err != nil || recorded == n.Decided || recorded == planned {
		return "", err
	}
	return fmt.Sprintf("%s: it was decided by other rules, or waits for others, than the plan saw%s", n.Address, h.since("node/"+n.Address)), nil
}

// lostIsThere reports whether a stage is to run since its recorded result is gone, which is not so.
func (s *Saved) lostIsThere(n *plan.Node) bool {
	lost := func(c plan.Cause) bool { return c.Kind == plan.LostCause }
	if n.Fingerprint == "" || n.Fingerprint != n.Replaces || !slices.ContainsFunc(n.Causes, lost) {
		return false
	}
	a, err := s.Store.Action(n.Fingerprint)
	return err == nil && s.Store.Present(a.Outputs) == nil
}

// result makes sure that what the plan takes for known is there: else more would run than it says.
// Objects themselves are not read: one that is lost is made again as the plan is applied, with the same digest.
func (s *Saved) result(n *plan.Node) (string, error) {
	a, err := s.Store.Action(n.Fingerprint)
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return "", err
	}
	var damaged *store.DamagedError
	if errors.As(err, &damaged) {
		return fmt.Sprintf("%s: it would have to run, which is not planned: %v", n.Address, err), nil
	}
	for _, o := range n.Outputs {
		if err != nil || a.Outputs[o.Port] == "" || o.Digest != "" && a.Outputs[o.Port] != o.Digest {
			return fmt.Sprintf("%s: its result is no longer in the store, so it would have to run, which is not planned", n.Address), nil
		}
	}
	return "", nil
}

// image compares what the name of a stage's image, or of one that it builds upon, means with what the plan says. Where the stage need not run, or no engine answers, which
// is found before it would, nothing can be said of it.
func (s *Saved) image(ctx context.Context, n *plan.Node) string {
	for _, in := range n.Remotes() {
		if why := s.imageOf(ctx, n, in); why != "" {
			return why
		}
	}
	return ""
}

func (s *Saved) imageOf(ctx context.Context, n *plan.Node, in *plan.Input) string {
	if s.Image == nil || n.Container == nil || in.External.Version == "" {
		return ""
	}
	name, planned := in.External.Root, in.External.Version
	now, err := s.Image(ctx, name)
	switch {
	case errors.Is(err, executor.ErrImage) && !n.Verdict.Known():
		return fmt.Sprintf("%s: the image %s was %s, and is not there", n.Address, name, planned)
	case err == nil && now != planned:
		return fmt.Sprintf("%s: the image %s was %s, and is %s", n.Address, name, planned, now)
	}
	return ""
}

// files compares files outside with those of the plan. Where a stage need not read them again, all of them may be gone.
func (s *Saved) files(ctx context.Context, n *plan.Node) (string, error) {
	for i := range n.Inputs {
		in := &n.Inputs[i]
		if in.External == nil || in.External.Remote { // what lies elsewhere is asked when it is fetched
			continue
		}
		why, gone, err := outside{s.Store, s.Dir, s.Files}.differ(ctx, n, in)
		if err != nil {
			return "", fmt.Errorf("%s: %w", n.Address, err)
		}
		if why != "" && !(gone && n.Verdict.Known()) {
			return fmt.Sprintf("%s: its data changed: %s", n.Address, why), nil
		}
	}
	return "", nil
}

// gate says why a gate is stale: decided by other rules since, or its champion was replaced.
func (s *Saved) gate(g *plan.Gate, h *past) string {
	key := "gate/" + g.Address
	now := s.State.Gates[g.Address].Definition
	if now != g.Replaces && now != g.Definition && !s.own(h, key) {
		return fmt.Sprintf("%s: it was decided by other rules than those that the plan saw%s", g.Address, h.since(key))
	}
	if checkChampion(g, s.State, s.Plan) != nil {
		return fmt.Sprintf("%s: it compares with what %s has live, which is another model than the plan saw%s", g.Address, g.Champion.Deploy, h.since("release/"+g.Champion.Deploy))
	}
	return ""
}

// release says why a release is stale: something else went live, or came down, since the plan was made.
func (s *Saved) release(r *plan.Release, h *past) string {
	current, exists := s.State.Releases[r.Address]
	if samePlanned(s.Plan, r, exists, current) || r.Action == plan.RemoveRelease && !exists {
		return ""
	}
	return fmt.Sprintf("%s: another release is live than the one that the plan saw%s", r.Address, h.since("release/"+r.Address))
}
