package workspace

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/render/ledger"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/garbage"
	"github.com/mlp-lang/mlp/runtime/store/records"
)

// Usage says what takes the space of the store: by block, by workspace, and for what it is kept. Garbage is what a collection with the same keep would
// mark now. Sizes are in bytes, of values as they are; each value counts once in each of the three.
func (w *Workspace) Usage(ctx context.Context, keep KeepDays) (*ledger.Usage, error) {
	st, err := w.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	u := &usage{collector: collector{w: w, store: st, keep: keep.time(), began: time.Now(), tell: Collect{}.tell}, stated: map[string]int{}}
	if u.needed, err = u.used(ctx); err != nil {
		return nil, err
	}
	if err = u.workspaces(ctx); err == nil {
		if err = u.blocks(ctx); err == nil {
			err = u.others(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(u.out.Blocks, func(a, b ledger.BlockSpace) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Block, b.Block))
	})
	slices.SortFunc(u.out.Workspaces, func(a, b ledger.WorkspaceSpace) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Pipeline, b.Pipeline), cmp.Compare(a.Workspace, b.Workspace))
	})
	return &u.out, nil
}

// usage adds up a store. Three sums are made of the same values: by the block whose stage yielded them, by the workspace whose state rests on
// them, and by what they are kept for. The first and the third add up to all objects and records; the second does not, since workspaces share
// values, and so it says besides what each has alone: what its removal would make garbage.
type usage struct {
	collector
	out    ledger.Usage
	needed map[string]bool // keys that a collection would not mark
	stated map[string]int  // how many workspaces' states rest on a key now
}

// add counts values.
func (u *usage) add(ctx context.Context, s *ledger.Space, key string) error {
	n, err := u.index.Size(ctx, key)
	s.Values, s.Bytes = s.Values+1, s.Bytes+n
	return err
}

// workspaces adds up what the states rest on now.
func (u *usage) workspaces(ctx context.Context) error {
	logs, err := u.logs(ctx)
	if err != nil {
		return err
	}
	rests := make([]map[string]bool, len(logs))
	for i, log := range logs {
		if rests[i], err = u.rests(ctx, log); err != nil {
			return err
		}
		for key := range rests[i] {
			u.stated[key]++
		}
	}
	u.out.Workspaces = []ledger.WorkspaceSpace{}
	for i, log := range logs {
		ws := ledger.WorkspaceSpace{Pipeline: log.Pipeline(), Workspace: log.Workspace()}
		for key := range rests[i] {
			err := u.add(ctx, &ws.Space, key)
			if u.stated[key] == 1 && err == nil {
				err = u.add(ctx, &ws.Alone, key)
			}
			if err != nil {
				return err
			}
		}
		u.out.Workspaces = append(u.out.Workspaces, ws)
	}
	return nil
}

// rests are the keys that the state of a workspace leads to: its stages' results and its releases, without what they come from, which the past
// is kept for.
func (u *usage) rests(ctx context.Context, log *state.Log) (map[string]bool, error) {
	now, err := log.Load(ctx)
	if err != nil {
		return nil, err
	}
	now.Looks = nil // models that were measured once: nothing is kept for that
	text, err := json.Marshal(now)
	if err != nil {
		return nil, err
	}
	reached := map[string]bool{}
	return reached, u.index.Reach(ctx, garbage.Mentions(text), reached)
}

// several stands for the block of a value that stages of more than one yielded.
const several = "(several blocks)"

// blocks adds up all values by the block whose stage yielded them, and by what they are kept for.
func (u *usage) blocks(ctx context.Context) error {
	owner := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(u.own)) {
		if u.records[key] == nil {
			continue
		}
		reached, address := map[string]bool{}, u.records[key].Address
		if err := u.index.Reach(ctx, u.own[key], reached); err != nil {
			return err
		}
		for of := range reached {
			if was, ok := owner[of]; ok && was != address {
				owner[of] = several
			} else {
				owner[of] = address
			}
		}
	}
	blocks := map[string]*ledger.BlockSpace{}
	for _, key := range u.index.Keys() {
		b := blocks[owner[key]]
		if b == nil {
			b = &ledger.BlockSpace{Block: owner[key]}
			blocks[owner[key]] = b
		}
		of := &u.out.Garbage
		switch {
		case u.stated[key] > 0:
			of = &u.out.States
		case u.needed[key]:
			of = &u.out.Past
		}
		err := errors.Join(u.add(ctx, &b.Space, key), u.add(ctx, of, key))
		if of == &u.out.Garbage {
			err = errors.Join(err, u.add(ctx, &b.Garbage, key))
		}
		if err != nil {
			return err
		}
	}
	u.out.Blocks = []ledger.BlockSpace{}
	for _, address := range slices.Sorted(maps.Keys(blocks)) {
		u.out.Blocks = append(u.out.Blocks, *blocks[address])
	}
	return nil
}

// others adds up what is no result: logs, journals, marks, copies of records, what was put aside. Copies are records once more, in segments that
// many are read from at once.
func (u *usage) others(ctx context.Context) error {
	for after, more := "", true; more; {
		page, err := u.store.Bucket().List(ctx, "", after)
		if err != nil {
			return err
		}
		for i, key := range page.Keys {
			after = key
			if u.index.Has(key) || strings.HasPrefix(key, records.Prefix) && !strings.HasPrefix(key, records.SegmentPrefix) {
				continue
			}
			size := int64(0)
			if i < len(page.Sizes) {
				size = page.Sizes[i]
			} else if size, err = bucket.Size(ctx, u.store.Bucket(), key); err != nil {
				return err
			}
			of := &u.out.Logs
			if strings.HasPrefix(key, "quarantine/") {
				of = &u.out.Aside
			}
			of.Values, of.Bytes = of.Values+1, of.Bytes+size
		}
		more = page.More && len(page.Keys) > 0
	}
	return nil
}
