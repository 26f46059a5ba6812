package workspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/objects"
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
	What      string      `json:"what"` // object, record, state, output, result or release
	Pipeline  string      `json:"pipeline,omitempty"`
	Workspace string      `json:"workspace,omitempty"`
	Address   string      `json:"address,omitempty"`
	Port      string      `json:"port,omitempty"`
	Digest    plan.Digest `json:"digest,omitempty"`
	Why       string      `json:"why"`
	Heal      string      `json:"heal"` // a command, or what else to do

	of plan.Digest // the directory that is not whole; empty where it is something else
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
	v, _, err := w.look(ctx, st, audited.Damaged)
	if err != nil {
		return nil, err
	}
	v.found.Objects, v.found.Bytes, v.found.Records = audited.Objects, audited.Bytes, audited.Records
	v.unused(audited)
	return &v.found, nil
}

// CheckStore looks whether what the states and the records of the store name is there, with its size. Records and revisions are read, and the lists of directories; what
// files hold is not, so that it takes about as long as listing the store. Nothing is changed.
func (w *Workspace) CheckStore(ctx context.Context) (*Verified, error) {
	st, err := w.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	v, c, err := w.look(ctx, st, nil)
	if err != nil {
		return nil, err
	}
	for _, key := range c.index.Keys() {
		if strings.HasPrefix(key, objects.Prefix) {
			n, err := c.index.Size(ctx, key)
			if err != nil {
				return nil, err
			}
			v.found.Objects, v.found.Bytes = v.found.Objects+1, v.found.Bytes+n
		}
	}
	v.unused(&store.Audited{})
	return &v.found, nil
}

// verifier looks whether what the states of a store rest on is there.
type verifier struct {
	w       *Workspace
	store   *store.Store
	found   Verified
	told    map[plan.Digest]bool                   // of which objects it is said whose they are
	records map[plan.Digest]string                 // damaged ones, and why; less those of which that is said
	outputs map[plan.Digest]map[string]plan.Digest // by fingerprint, of what the states have
}

// add notes that something is damaged.
func (v *verifier) add(d Damaged) { v.found.Damaged = append(v.found.Damaged, d) }

// states goes through all pipelines and workspaces that the store has a log of, whichever the command was called for.
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
	if err := v.fetchLists(ctx, st); err != nil {
		return err
	}
	made := map[plan.Digest]bool{} // what the stages recorded now yield
	for _, address := range slices.Sorted(maps.Keys(st.Nodes)) {
		v.node(log, address, st.Nodes[address])
		for _, d := range st.Nodes[address].Outputs {
			made[d] = true
		}
	}
	for _, address := range slices.Sorted(maps.Keys(st.Releases)) {
		v.release(log, address, st.Releases[address], made, "the model that is live")
		if r := st.Releases[address].Rollout; r != nil {
			v.release(log, address, r.Next, made, "the model that is on its way to be live")
		}
	}
	for _, r := range slices.Backward(history) { // to which a rollback may go
		for _, e := range r.Events {
			if address, ok := strings.CutPrefix(e.Key, "release/"); ok && e.Release != nil && e.Release.Model != st.Releases[address].Model {
				v.release(log, address, *e.Release, made, "the model that was live in revision "+fmt.Sprint(r.Revision))
			}
		}
	}
	return nil
}

// checks is how many results are looked at at once.
const checks = 16

// fetchLists brings the lists of the directories that a state has from a store elsewhere, many at once, so that the looks one by one find them here.
func (v *verifier) fetchLists(ctx context.Context, st *plan.State) error {
	if !v.store.IsFar() {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(checks)
	for _, n := range st.Nodes {
		g.Go(func() error {
			_ = v.store.Present(n.Outputs) // what is not there is told by node
			return ctx.Err()
		})
	}
	return g.Wait()
}

// results looks at records that no state has now: where what one names is gone, its stage would be taken for done. Of each record the first
// output that is not whole is told, by the names of ports; records are looked at side by side, and told in the order of their keys.
func (v *verifier) results(ctx context.Context, c *collector) error {
	heal := "no state has it now, and a stage that would use it runs again; " + v.w.Command("store repair") + " moves its record aside"
	if v.unread() {
		heal = unknown
	}
	keys := slices.Sorted(maps.Keys(c.records))
	lost := make([]Damaged, len(keys))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(checks)
	for i, key := range keys {
		a := c.records[key]
		if a == nil || v.outputs[a.Fingerprint] != nil {
			continue
		}
		g.Go(func() error {
			for _, port := range slices.Sorted(maps.Keys(a.Outputs)) {
				err := v.store.Present(map[string]plan.Digest{port: a.Outputs[port]})
				if object, is := store.IsMissing(err); is {
					lost[i] = Damaged{What: "result", Address: a.Address, Port: port, Digest: object, of: a.Outputs[port],
						Why:  "a recorded result of it is not whole: of its output " + port + " " + string(object) + " is not in the store",
						Heal: heal}
					break
				} else if err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, d := range lost {
		if d.What != "" {
			v.told[d.Digest] = true
			v.add(d)
		}
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
	v.outputs[n.Fingerprint] = n.Outputs
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
			d.of = n.Outputs[port]
			d.What, d.Port, d.Digest, d.Why = "output", port, object, "its output "+port+" is not whole: "+string(object)+" is not in the store"
			v.told[object] = true
			v.add(d)
		}
	}
}

// release looks at a model that is or was live. One that no stage recorded now yields cannot be made again by an apply. Each is told once.
func (v *verifier) release(log *state.Log, address string, r plan.ReleaseState, made map[plan.Digest]bool, what string) {
	object, lost := store.IsMissing(v.store.Present(map[string]plan.Digest{"model": r.Model}))
	if r.Model == "" || !lost || made[r.Model] {
		return
	}
	made[r.Model], v.told[object] = true, true
	v.add(Damaged{What: "release", Pipeline: log.Pipeline(), Workspace: log.Workspace(), Address: address, Digest: object, of: r.Model,
		Why:  what + ", " + r.Model.Short() + ", is not whole: " + string(object) + " is not in the store",
		Heal: "no stage yields it now: apply the module as it was in revision " + fmt.Sprint(r.Revision) + ", or release another model"})
}

// unknown is said in place of that nothing needs something.
const unknown = "whether it is needed is not known while a state cannot be read"

// unread reports whether a state cannot be read.
func (v *verifier) unread() bool {
	return slices.ContainsFunc(v.found.Damaged, func(d Damaged) bool { return d.What == "state" })
}

// unused tells of what is damaged and was not told as a part of anything recorded. Where a state cannot be read, that does
// not mean that nothing rests on it.
func (v *verifier) unused(audited *store.Audited) {
	needless := "nothing that is recorded now needs it"
	if v.unread() {
		needless = unknown
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

// command is one that works on the pipeline's folder and a workspace, which need not be the one that verifies.
func (v *verifier) command(log *state.Log, rest string) string {
	at := *v.w
	at.Name = log.Workspace()
	return at.Command(rest)
}

// inFolder is how a file of the store is told.
func (v *verifier) inFolder(path string) string { return v.w.inFolder(path) }
