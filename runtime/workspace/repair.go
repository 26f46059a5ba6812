package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render/ledger"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/garbage"
)

// Repair is how a store is repaired.
type Repair struct {
	From string // another store, a folder or the URL of a bucket, that may have copies; empty: none
	Read bool   // reads everything first, as VerifyStore does
	Do   bool   // else it only says what it would do
}

// RepairStore finds what the states and records of the store name and is not there, as CheckStore does, and restores it from copies: those in this
// machine's cache of a store elsewhere, and those in another store. A record whose outputs are nowhere is moved aside, so that its stage runs again. What is left is told
// with what heals it. Nothing is made up: a copy counts if its digest is right, and a record of another store if its outputs are those that the state has.
func (w *Workspace) RepairStore(ctx context.Context, o Repair) (*ledger.Repaired, error) {
	st, err := w.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	if o.Read {
		if _, err := st.Audit(ctx); err != nil {
			return nil, err
		}
	}
	r := &repair{store: st, seen: map[plan.Digest]bool{}, lost: map[plan.Digest]plan.Digest{}}
	r.out = ledger.Repaired{Restored: []ledger.Restored{}, Dropped: []ledger.Dropped{}, Left: []ledger.Left{}}
	if st.IsFar() {
		r.sources = append(r.sources, copies{"this machine's cache", st.Copy})
	}
	if o.From != "" {
		if r.other, err = w.another(ctx, o.From); err != nil {
			return nil, err
		}
		defer r.other.Close()
		r.sources = append(r.sources, copies{o.From, r.other.Whole})
	}
	v, c, err := w.look(ctx, st, nil)
	if err != nil {
		return nil, err
	}
	if err := r.records(ctx, v, c); err != nil {
		return nil, err
	}
	if err := r.others(ctx, v); err != nil {
		return nil, err
	}
	if o.Do {
		r.out.Done = true
		return &r.out, r.do(ctx)
	}
	return &r.out, nil
}

// another opens a second store: a folder that there is, or a bucket.
func (w *Workspace) another(ctx context.Context, from string) (*store.Store, error) {
	if strings.Contains(from, "://") {
		at := *w
		at.StoreURL = from
		return at.openStore(ctx)
	}
	if _, err := os.Stat(from); err != nil {
		return nil, &Failure{Err: err, Hint: "--from names a store: a folder such as /backup/.mlp, or the URL of a bucket."}
	}
	return store.Open(from)
}

// copies are where an object may be had. A file is whole if its content has the digest that is asked for; a place that has it damaged is as good
// as one that has it not.
type copies struct {
	name string
	file func(context.Context, plan.Digest) (path string, err error) // of a whole one; ErrMissing where there is none
}

// repair finds what can be done, and does none of it: found has the steps, which do takes in their order. So what is said without Repair.Do is what
// would be done with it.
//
// A result whose table is gone goes through this: whole looks for the list of the table's files and for each file, in the sources one after the
// other; if all are found or there, they are restored, and the record is right again. If one is nowhere, nothing of the table is of use:
// the record is moved aside (drop), and the next apply runs the stage.
type repair struct {
	store   *store.Store
	other   *store.Store // that --from names; nil: none
	sources []copies     // this machine's cache first: nothing has to be copied over a network
	out     ledger.Repaired
	seen    map[plan.Digest]bool          // directories and files that were looked at
	lost    map[plan.Digest]plan.Digest   // directories that cannot be restored, and which object of each is nowhere
	found   []func(context.Context) error // what is to be done, objects before what rests on them
}

// restore plans to restore an object from the first source that has it. It reports whether one has.
func (r *repair) restore(ctx context.Context, d plan.Digest, address string) (path string, ok bool, err error) {
	for _, s := range r.sources {
		path, err := s.file(ctx, d)
		if errors.Is(err, store.ErrMissing) {
			continue
		}
		if err != nil {
			return "", false, err
		}
		r.out.Restored = append(r.out.Restored, ledger.Restored{What: "object", Digest: d, Address: address, From: s.name})
		r.found = append(r.found, func(ctx context.Context) error { return r.store.Restore(ctx, d, path) })
		return path, true, nil
	}
	return "", false, nil
}

// whole plans to restore a directory, with all of its files. It returns an object that is nowhere; empty where the directory is or can be made whole.
func (r *repair) whole(ctx context.Context, d plan.Digest, address string) (lost plan.Digest, err error) {
	if r.seen[d] {
		return r.lost[d], nil
	}
	r.seen[d] = true
	missing, is := store.IsMissing(r.store.Present(map[string]plan.Digest{"": d}))
	if !is {
		return "", nil
	}
	list, err := r.store.List(ctx, d)
	if err != nil && !errors.Is(err, store.ErrMissing) {
		return "", err
	}
	if err != nil {
		path, ok, err := r.restore(ctx, d, address)
		if err != nil || !ok {
			r.lost[d] = d
			return d, err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			list = &store.Dir{}
			err = json.Unmarshal(text, list)
		}
		if err != nil {
			r.lost[d] = missing
			return missing, nil
		}
	}
	for _, e := range list.Files {
		if r.lost[e.Digest] != "" {
			r.lost[d] = e.Digest
		}
		if r.seen[e.Digest] {
			continue
		}
		r.seen[e.Digest] = true
		has, err := r.store.HasSize(ctx, e.Digest, e.Size)
		if err != nil {
			return "", err
		}
		if has {
			continue
		}
		_, ok, err := r.restore(ctx, e.Digest, address)
		if err != nil {
			return "", err
		}
		if !ok {
			r.lost[e.Digest], r.lost[d] = e.Digest, e.Digest
		}
	}
	return r.lost[d], nil
}

// records looks at all records: what they name is restored, or they are dropped.
func (r *repair) records(ctx context.Context, v *verifier, c *collector) error {
	for _, key := range slices.Sorted(maps.Keys(c.records)) {
		fp, ok := garbage.Of(key)
		if !ok {
			continue
		}
		a := c.records[key]
		if a == nil {
			if err := r.record(ctx, fp, v.outputs[fp], "it is not what was written", true); err != nil {
				return err
			}
			continue
		}
		for _, port := range slices.Sorted(maps.Keys(a.Outputs)) {
			lost, err := r.whole(ctx, a.Outputs[port], a.Address)
			if err != nil {
				return err
			}
			if lost != "" {
				r.drop(fp, a.Address, "its output "+port+" is not whole, and "+lost.Short()+" is nowhere")
				break
			}
		}
	}
	for _, fp := range slices.Sorted(maps.Keys(v.outputs)) {
		if _, err := r.store.Action(fp); errors.Is(err, store.ErrMissing) && v.records[fp] == "" {
			if err := r.record(ctx, fp, v.outputs[fp], "", false); err != nil {
				return err
			}
		}
	}
	return nil
}

// record plans to take the place of a record that is damaged or gone: by that of the other store, where it has the outputs that the state has. Else a
// damaged one is dropped.
func (r *repair) record(ctx context.Context, fp plan.Digest, outputs map[string]plan.Digest, why string, there bool) error {
	if r.other != nil {
		a, err := r.other.Action(fp)
		if err != nil && !errors.Is(err, store.ErrMissing) {
			return err
		}
		if err == nil && (outputs == nil || maps.Equal(outputs, a.Outputs)) {
			whole := true
			for _, port := range slices.Sorted(maps.Keys(a.Outputs)) {
				lost, err := r.whole(ctx, a.Outputs[port], a.Address)
				if err != nil {
					return err
				}
				whole = whole && lost == ""
			}
			if whole {
				r.out.Restored = append(r.out.Restored, ledger.Restored{What: "record", Digest: fp, Address: a.Address, From: r.sources[len(r.sources)-1].name})
				r.found = append(r.found, func(ctx context.Context) error { return r.store.RestoreAction(ctx, *a) })
				return nil
			}
		}
	}
	if there {
		r.drop(fp, "", why)
	}
	return nil
}

// drop plans to move a record aside, where people may look at it; what it named is left to the next collection.
func (r *repair) drop(fp plan.Digest, address, why string) {
	r.out.Dropped = append(r.out.Dropped, ledger.Dropped{Fingerprint: fp, Address: address, Why: why})
	r.found = append(r.found, func(ctx context.Context) error { return r.store.DropAction(ctx, fp) })
}

// others goes through the rest of what was found: what can be restored is, and what cannot is told with what heals it.
func (r *repair) others(ctx context.Context, v *verifier) error {
	for _, d := range v.found.Damaged {
		name := d.Address
		if name == "" {
			name = d.Pipeline
		}
		if d.Workspace != "" {
			name += " in workspace " + d.Workspace
		}
		mended := d.What == "result" || d.What == "object" // its record is restored or dropped; nothing rests on it
		if d.of != "" && !mended {
			lost, err := r.whole(ctx, d.of, d.Address)
			if err != nil {
				return err
			}
			mended = lost == ""
		}
		if d.What == "record" {
			mended = slices.ContainsFunc(r.out.Restored, func(x ledger.Restored) bool { return x.Digest == d.Digest }) || d.Pipeline == ""
		}
		if !mended {
			r.out.Left = append(r.out.Left, ledger.Left{Name: name, Why: d.Why, Heal: d.Heal})
		}
	}
	return nil
}

// do carries out what was found, objects before the records that rest on them.
func (r *repair) do(ctx context.Context) error {
	for _, do := range r.found {
		if err := do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// look finds what the states and the records of a store name and is not there. Of records that are known to be damaged it is given why. The
// verifier has what was found, the collector the records and the list of the store that it was found by.
func (w *Workspace) look(ctx context.Context, st *store.Store, damaged []*store.DamagedError) (*verifier, *collector, error) {
	c := &collector{w: w, store: st, began: time.Now(), tell: Collect{}.tell}
	if err := c.look(ctx); err != nil {
		return nil, nil, err
	}
	st.Listed(c.index.Listed)
	v := &verifier{w: w, store: st, found: Verified{Damaged: []Damaged{}}, told: map[plan.Digest]bool{}, records: map[plan.Digest]string{}, outputs: map[plan.Digest]map[string]plan.Digest{}}
	for key, a := range c.records {
		fp, ok := garbage.Of(key)
		if !ok {
			continue
		}
		if v.found.Records++; a == nil {
			v.records[fp] = "is not what was written"
		}
	}
	for _, d := range damaged {
		v.records[d.Fingerprint] = d.Why
	}
	if err := v.states(ctx); err != nil {
		return nil, nil, err
	}
	return v, c, v.results(ctx, c)
}
