package workspace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mlp-lang/mlp/compiler/render/ledger"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store/counts"
	"github.com/mlp-lang/mlp/runtime/store/garbage"
)

// Collect is how garbage is collected.
type Collect struct {
	Keep   KeepDays      // how long results stay that others took the place of
	Grace  time.Duration // how long what is marked can still be used again
	DryRun bool          // marks and deletes nothing
	Tell   func(string)  // what it is about to do; may be nil
}

// tell calls Tell, if there is one, with a line that is put together.
func (o Collect) tell(format string, args ...any) {
	if o.Tell != nil {
		o.Tell(fmt.Sprintf(format, args...))
	}
}

// leastGrace is the shortest grace beside others: a list of a bucket may lag, and an apply may take a while from finding a result to
// recording it. With less all workspaces are locked.
const leastGrace = time.Hour

// leastCounts is how long counts of a canary stay at least that no server writes: a rollout is on its way so long.
const leastCounts = 90 * 24 * time.Hour

// Collect marks what no state needs any more, of all pipelines and workspaces in the store, and deletes what was marked a grace ago and is
// still not needed. It is needed if a state or a release of the past has it, with all that the release comes from; if a state had it, or it was
// made, within the time that results are kept; or if it is the log of a stage in an apply whose journal is kept. A state that cannot be read ends it: nothing is known to be garbage then.
//
// What stages that failed kept for further attempts goes when it is as old as results that are not needed, and what servers counted of canaries when nothing was
// counted for that time, and for 90 days.
//
// One call does one of these, by what the store says of the last mark:
//
//	no mark is open                    marks what is garbage now, and deletes nothing
//	a mark is open, within its grace   says what it has and when it is due
//	a mark is open, and due            deletes what it has and is still not needed, then marks anew
//	Grace is 0                         marks and deletes at once, with all workspaces locked
//
// So a collection every night frees what was garbage the night before, with a grace of a day. Applies go on meanwhile (garbage.Holder).
func (w *Workspace) Collect(ctx context.Context, o Collect) (*ledger.Collected, error) {
	if o.Grace < 0 {
		return nil, errors.New("--grace takes no negative number")
	}
	st, err := w.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	if !o.DryRun {
		if err := (&Session{w: w, Recorded: Recorded{Store: st}}).prepare(ctx, o.Tell); err != nil {
			return nil, err
		}
	}
	c := &collector{w: w, store: st, keep: o.Keep.time(), tell: o.tell, began: time.Now()}
	if o.Grace < leastGrace && !o.DryRun {
		unlock, err := c.lock(ctx)
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	out := &ledger.Collected{DryRun: o.DryRun, Blocks: []ledger.Garbage{}}
	since, marked, open, err := garbage.Due(ctx, st.Bucket(), c.began)
	if err != nil {
		return nil, err
	}
	if open && !o.DryRun && !c.began.Before(since.Add(o.Grace)) {
		if err := c.sweep(ctx, out); err != nil {
			return out, err
		}
		open = false
	}
	if open {
		out.Marked, out.Due = marked, since.Add(o.Grace)
	}
	keys, err := c.garbage(ctx, out)
	out.Kept = c.kept
	if err == nil && !o.DryRun { // what failed stages kept between attempts is no result
		var old int
		old, err = st.ForgetKept(ctx, c.began.Add(-c.alone))
		out.Deleted += old
	}
	if err == nil && !o.DryRun { // nor are counts of canaries that nobody counts any more
		var old int
		old, err = counts.Forget(ctx, st.Bucket(), c.began.Add(-max(c.alone, leastCounts)))
		out.Deleted += old
	}
	if err != nil || open || o.DryRun || len(keys) == 0 {
		return out, err
	}
	err = garbage.Settle(ctx, st.Bucket(), time.Now, func(until time.Time) {
		c.tell("Waiting until %s: no delete is under way then.", until.UTC().Format("15:04:05Z"))
	})
	if err != nil {
		return out, err
	}
	if err := st.Collected(ctx); err != nil {
		return out, err
	}
	if err := garbage.Mark(ctx, st.Bucket(), keys, time.Now()); err != nil {
		return out, err
	}
	if out.Marked, out.Due = len(keys), time.Now().Add(o.Grace); o.Grace == 0 {
		out.Marked, out.Found, out.FoundBytes = 0, 0, 0
		return out, c.sweep(ctx, out)
	}
	return out, nil
}

// sweep deletes what the open mark has and nothing needs, and adds up what that frees. What is needed is found anew after the mark was closed:
// what was used again in the meantime stays. Sizes are asked before, since what is deleted has none.
func (c *collector) sweep(ctx context.Context, out *ledger.Collected) error {
	size := map[string]int64{}
	told := time.Now()
	sweeper := &garbage.Sweeper{Bucket: c.store.Bucket(), Now: time.Now, Late: c.store.Late(),
		Used: func(ctx context.Context) (map[string]bool, error) {
			reached, err := c.used(ctx)
			if err != nil {
				return nil, err
			}
			for _, key := range c.index.Keys() {
				if !reached[key] {
					if size[key], err = c.index.Size(ctx, key); err != nil {
						return nil, err
					}
				}
			}
			return reached, nil
		},
		Tell: func(done, total int) {
			if time.Since(told) > tellEvery {
				told = time.Now()
				c.tell("Deleted %d of %d …", done, total)
			}
		}}
	deleted, err := sweeper.Sweep(ctx)
	for _, key := range deleted {
		out.Deleted++
		out.Freed += size[key]
	}
	return err
}

// tellEvery is how long nothing is told of what goes on.
const tellEvery = 2 * time.Second

// garbage returns the keys that nothing needs, sorted, and adds up what they hold by the block whose result it was. A value counts once, for the
// first record by key that has it; one that no record has, such as a file of an interrupted apply, for no block.
func (c *collector) garbage(ctx context.Context, out *ledger.Collected) ([]string, error) {
	used, err := c.used(ctx)
	if err != nil {
		return nil, err
	}
	unused := map[string]bool{}
	for _, key := range c.index.Keys() {
		if !used[key] {
			unused[key] = true
		} else {
			out.Used++
		}
	}
	blocks := map[string]*ledger.Garbage{}
	add := func(block, key string) error {
		bytes, err := c.index.Size(ctx, key)
		if blocks[block] == nil {
			blocks[block] = &ledger.Garbage{Block: block}
		}
		blocks[block].Values++
		blocks[block].Bytes += bytes
		out.Found++
		out.FoundBytes += bytes
		return err
	}
	keys, told := sortedKeys(unused), map[string]bool{}
	for _, key := range keys {
		if a := c.records[key]; a != nil {
			reached := map[string]bool{}
			if err := c.index.Reach(ctx, c.own[key], reached); err != nil {
				return nil, err
			}
			for of := range reached {
				if unused[of] && !told[of] {
					told[of] = true
					if err := add(a.Address, of); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	for _, key := range keys {
		if !told[key] {
			if err := add("", key); err != nil {
				return nil, err
			}
		}
	}
	for _, block := range sortedKeys(blocks) {
		out.Blocks = append(out.Blocks, *blocks[block])
	}
	return keys, nil
}

// lock keeps applies out of all workspaces of the store: those of this machine and, where the store is elsewhere, of all others. One that is
// locked already is an error, and then none is locked: there is no waiting with a part of the locks held.
func (c *collector) lock(ctx context.Context) (unlock func(), err error) {
	logs, err := c.logs(ctx)
	if err != nil {
		return nil, err
	}
	var held []*state.Held
	unlock = func() {
		for _, h := range held {
			_ = h.Release() // it ends by itself in any case
		}
	}
	for _, log := range logs {
		h, err := log.Hold(ctx, state.Holder{Who: UserName(), What: "gc"})
		if err != nil {
			unlock()
			return nil, err
		}
		held = append(held, h)
	}
	return unlock, nil
}
