package state

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
)

// Fold adds a revision to the state before it.
func Fold(st *plan.State, r *Revision) {
	if r.Upstream != nil { // what was recorded before is left behind: the state begins again from the upstream's
		*st = *complete(Copy(r.State))
		st.Upstream, st.Revision, st.Digest, st.Answers = r.Upstream, r.Revision, r.Digest, r.Answers
		return
	}
	for _, e := range r.Events {
		set(st, e)
	}
	if r.Plan != "" { // an approval is none of an apply
		st.Targets, st.Sample = r.Targets, r.Sample
	}
	st.Revision, st.Digest, st.Answers = r.Revision, r.Digest, r.Answers
}

// At is the state as a revision of a log's history left it; 0 is before the first.
// history must have at least so many revisions, the first one first.
func (l *Log) At(history []*Revision, revision int64) *plan.State {
	st := empty(l.pipeline, l.workspace)
	for _, r := range history[:revision] {
		Fold(st, r)
	}
	return st
}

// set applies one event to the state. Its key is "kind/address", as "node/train.model" or "gate/gate.release"; of a removal
// the pointer is nil. The kinds are those of spec/store.md; one that is not known here changes nothing.
func set(st *plan.State, e plan.Event) {
	kind, name, _ := strings.Cut(e.Key, "/")
	switch kind {
	case "node":
		put(st.Nodes, name, e.Node)
		if e.Node != nil {
			look(st, e)
		}
	case "gate":
		put(st.Gates, name, e.Gate)
	case "release":
		put(st.Releases, name, e.Release)
	case "approval":
		put(st.Approvals, name, e.Approval)
	case "hypothesis":
		put(st.Hypotheses, name, e.Hypothesis)
	case "watch":
		put(st.Watched, name, e.Watch)
	case "block":
		delete(st.Described, name)
		delete(st.Policies, name)
		if e.Block != nil && e.Block.Meta != nil {
			st.Described[name] = e.Block.Meta
		}
		if e.Block != nil && e.Block.Policy != nil {
			st.Policies[name] = e.Block.Policy
		}
	}
}

// look notes that a model was measured on some rows.
func look(st *plan.State, e plan.Event) {
	if rows, model, ok := looks(e); ok && !slices.Contains(st.Looks[rows], model) {
		st.Looks[rows] = append(slices.Clone(st.Looks[rows]), model)
	}
}

// looks says of an event which model was measured on which rows; false if none was. Derived stages do not count: the champion was measured
// before it was released.
func looks(e plan.Event) (rows, model plan.Digest, ok bool) {
	l, name := e.Look, strings.TrimPrefix(e.Key, "node/")
	if n := e.Node; l == nil && n != nil && n.Kind == "evaluate" && !address.IsDerived(name) { // of a log from before looks were said
		l = &plan.Look{Rows: n.Inputs["data"], Model: n.Inputs["model"]}
	}
	if l == nil || e.Node == nil || l.Rows == "" || l.Model == "" {
		return "", "", false
	}
	return l.Rows, l.Model, true
}

// put sets a key, or removes it where there is no value.
func put[T any](m map[string]T, key string, value *T) {
	if value == nil {
		delete(m, key)
		return
	}
	m[key] = *value
}

// check says what is wrong with an event that somebody wants to append.
// What is read from a log is not checked so: an event of a kind that a later version knows is passed over there (set).
func check(e plan.Event) error {
	kind, name, ok := strings.Cut(e.Key, "/")
	values := map[string]bool{"node": e.Node != nil, "gate": e.Gate != nil, "release": e.Release != nil, "approval": e.Approval != nil, "block": e.Block != nil, "hypothesis": e.Hypothesis != nil, "watch": e.Watch != nil}
	has, known := values[kind]
	n := 0
	for _, v := range values {
		if v {
			n++
		}
	}
	switch {
	case !ok || name == "" || !known:
		return fmt.Errorf("event has the key %q, expected node/, gate/, release/, approval/, block/, hypothesis/ or watch/ and an address", e.Key)
	case e.Removed && n != 0, !e.Removed && (n != 1 || !has):
		return fmt.Errorf("event on %q must hold one value that fits its key, or be a removal", e.Key)
	}
	return nil
}

// current returns the value of a key as an event, to compare with.
func current(st *plan.State, key string) plan.Event {
	kind, name, _ := strings.Cut(key, "/")
	e := plan.Event{Key: key}
	switch kind {
	case "node":
		e.Node = get(st.Nodes, name)
	case "gate":
		e.Gate = get(st.Gates, name)
	case "release":
		e.Release = get(st.Releases, name)
	case "approval":
		e.Approval = get(st.Approvals, name)
	case "hypothesis":
		e.Hypothesis = get(st.Hypotheses, name)
	case "watch":
		e.Watch = get(st.Watched, name)
	case "block":
		meta, described := st.Described[name]
		policy, asks := st.Policies[name]
		if described || asks {
			e.Block = &plan.BlockState{Meta: meta, Policy: policy}
		}
	}
	e.Removed = e.Node == nil && e.Gate == nil && e.Release == nil && e.Approval == nil && e.Block == nil && e.Hypothesis == nil && e.Watch == nil
	return e
}

// get is a copy of a value; nil where there is none.
func get[T any](m map[string]T, key string) *T {
	if v, ok := m[key]; ok {
		return &v
	}
	return nil
}

// same reports whether two events leave a key with the same value.
func same(a, b plan.Event) bool {
	a.Look, b.Look = nil, nil
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// Copy copies a state as far as Extend writes to it.
// The values are shared: no event changes one in place.
func Copy(st *plan.State) *plan.State {
	c := *st
	c.Nodes, c.Gates = maps.Clone(st.Nodes), maps.Clone(st.Gates)
	c.Releases, c.Approvals, c.Looks = maps.Clone(st.Releases), maps.Clone(st.Approvals), maps.Clone(st.Looks)
	c.Described, c.Policies, c.Hypotheses = maps.Clone(st.Described), maps.Clone(st.Policies), maps.Clone(st.Hypotheses)
	c.Watched = maps.Clone(st.Watched)
	return complete(&c)
}
