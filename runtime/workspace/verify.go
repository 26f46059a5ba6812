package workspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// Verified is what came of verifying a store: how much was read, and what of it is damaged. Damaged is empty, not nil,
// where all is well, so that JSON has [] in that place.
type Verified struct {
	Objects   int       `json:"objects"`
	Bytes     int64     `json:"bytes"`     // of all objects
	Records   int       `json:"records"`   // of results of stages, damaged ones included
	States    int       `json:"states"`    // workspaces of pipelines, damaged ones included
	Revisions int       `json:"revisions"` // of the states that could be read
	Damaged   []Damaged `json:"damaged"`
}

// Damaged is something that is not as it was written, and what heals it.
type Damaged struct {
	What      string      `json:"what"` // object, record, state, output or release
	Pipeline  string      `json:"pipeline,omitempty"`
	Workspace string      `json:"workspace,omitempty"`
	Address   string      `json:"address,omitempty"`
	Port      string      `json:"port,omitempty"`
	Digest    plan.Digest `json:"digest,omitempty"`
	Why       string      `json:"why"`
	Heal      string      `json:"heal"` // a command, or what else to do
}

// VerifyStore reads everything in the store and holds it to its digests: objects, records, and the states of all workspaces.
// Objects that are not what their name says are moved to quarantine; nothing else is changed.
// One damaged object is told once for each output that it is a part of, with the stage and the command that makes the
// output again; only one that nothing recorded rests on is told by its digest alone. An error is of what cannot be read
// at all, and nothing is told then of what was found before.
func (w *Workspace) VerifyStore(ctx context.Context) (*Verified, error) {
	st, err := w.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	audited, err := st.Audit(ctx)
	if err != nil {
		return nil, err
	}
	v := &verifier{w: w, store: st, found: Verified{Objects: audited.Objects, Bytes: audited.Bytes, Records: audited.Records, Damaged: []Damaged{}}, told: map[plan.Digest]bool{}, records: map[plan.Digest]string{}}
	for _, d := range audited.Damaged {
		v.records[d.Fingerprint] = d.Why
	}
	if err := v.states(ctx); err != nil {
		return nil, err
	}
	v.unused(audited)
	return &v.found, nil
}

// verifier looks whether what the states of a store rest on is there.
type verifier struct {
	w       *Workspace
	store   *store.Store
	found   Verified
	told    map[plan.Digest]bool   // of which objects it is said whose they are
	records map[plan.Digest]string // damaged ones, and why; less those of which that is said
}

func (v *verifier) add(d Damaged) { v.found.Damaged = append(v.found.Damaged, d) }

// states goes through all pipelines and workspaces.
func (v *verifier) states(ctx context.Context) error {
	pipelines, err := bucket.Folders(ctx, v.store.Bucket(), "log/")
	if err != nil {
		return err
	}
	for _, pipeline := range pipelines {
		workspaces, err := bucket.Folders(ctx, v.store.Bucket(), "log/"+pipeline+"/")
		if err != nil {
			return err
		}
		for _, workspace := range workspaces {
			log, err := state.Open(v.store, pipeline, workspace)
			if err != nil {
				continue // a folder of somebody else's
			}
			if err := v.state(ctx, log); err != nil {
				return err
			}
		}
	}
	return nil
}

// state checks one workspace: that its revisions are whole, and that what is recorded of stages and releases is in the
// store.
// A state that is damaged ends the look at that workspace alone: which objects it rests on is not known then (unused).
func (v *verifier) state(ctx context.Context, log *state.Log) error {
	v.found.States++
	history, err := log.History(ctx)
	var st *plan.State
	if err == nil {
		st, err = log.Load(ctx)
	}
	var corrupt *state.CorruptError
	if errors.As(err, &corrupt) {
		v.add(Damaged{What: "state", Pipeline: log.Pipeline(), Workspace: log.Workspace(), Why: v.inFolder(corrupt.File) + " " + corrupt.Why,
			Heal: strings.TrimSuffix("restore this file from a copy of the store. "+corrupt.Out, ". ")})
		return nil
	}
	if err != nil {
		return err
	}
	v.found.Revisions += len(history)
	made := map[plan.Digest]bool{} // what the stages recorded now yield
	for _, address := range slices.Sorted(maps.Keys(st.Nodes)) {
		v.node(log, address, st.Nodes[address])
		for _, d := range st.Nodes[address].Outputs {
			made[d] = true
		}
	}
	for _, address := range slices.Sorted(maps.Keys(st.Releases)) {
		v.release(log, address, st.Releases[address], made)
	}
	return nil
}

// node looks at what a stage yielded and at the record of that. A log that is gone is not missed by anything.
// An accepted result was made by another definition, and is only made again if its stage is forced to run.
func (v *verifier) node(log *state.Log, address string, n plan.NodeState) {
	d := Damaged{Pipeline: log.Pipeline(), Workspace: log.Workspace(), Address: address, Heal: v.command(log, "apply")}
	if n.Accepted != nil {
		d.Heal = v.command(log, "apply --force "+render.ShellWord(address))
	}
	if _, err := v.store.Action(n.Fingerprint); err != nil {
		d := d
		d.What, d.Digest, d.Why = "record", n.Fingerprint, "the record of its result is gone"
		if why, ok := v.records[n.Fingerprint]; ok {
			d.Why = "the record of its result " + why
			delete(v.records, n.Fingerprint)
		}
		v.add(d)
	}
	for _, port := range slices.Sorted(maps.Keys(n.Outputs)) {
		if object, lost := store.IsMissing(v.store.Present(map[string]plan.Digest{port: n.Outputs[port]})); lost {
			d := d
			d.What, d.Port, d.Digest, d.Why = "output", port, object, "its output "+port+" is not whole: "+string(object)+" is not in the store"
			v.told[object] = true
			v.add(d)
		}
	}
}

// release looks at the model that is live. One that no stage recorded now yields cannot be made again by an apply.
func (v *verifier) release(log *state.Log, address string, r plan.ReleaseState, made map[plan.Digest]bool) {
	object, lost := store.IsMissing(v.store.Present(map[string]plan.Digest{"model": r.Model}))
	if r.Model == "" || !lost || made[r.Model] {
		return
	}
	v.told[object] = true
	v.add(Damaged{What: "release", Pipeline: log.Pipeline(), Workspace: log.Workspace(), Address: address, Digest: object,
		Why:  "the model that is live, " + r.Model.Short() + ", is not whole: " + string(object) + " is not in the store",
		Heal: "no stage yields it now: apply the module as it was in revision " + fmt.Sprint(r.Revision) + ", or release another model"})
}

// unused tells of what is damaged and was not told as a part of anything recorded. Where a state cannot be read, that does
// not mean that nothing rests on it.
func (v *verifier) unused(audited *store.Audited) {
	needless := "nothing that is recorded now needs it"
	if slices.ContainsFunc(v.found.Damaged, func(d Damaged) bool { return d.What == "state" }) {
		needless = "whether it is needed is not known while a state cannot be read"
	}
	for _, c := range audited.Corrupt {
		if !v.told[c.Digest] {
			v.add(Damaged{What: "object", Digest: c.Digest, Why: "its content was not what its name says; moved to " + v.inFolder(c.Quarantine), Heal: needless})
		}
	}
	for _, fp := range slices.Sorted(maps.Keys(v.records)) {
		v.add(Damaged{What: "record", Digest: fp, Why: "the record of a result " + v.records[fp], Heal: needless + "; a stage that would use it runs again"})
	}
}

// command is one that works on the pipeline's folder and a workspace.
func (v *verifier) command(log *state.Log, rest string) string {
	at := *v.w
	at.Name = log.Workspace()
	return at.Command(rest)
}

func (v *verifier) inFolder(path string) string { return v.w.inFolder(path) }
