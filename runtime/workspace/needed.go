package workspace

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render/ledger"
	"github.com/mlp-lang/mlp/compiler/trace"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/garbage"
	"github.com/mlp-lang/mlp/runtime/store/records"
)

// What is needed of a store. It holds values of two kinds that can be garbage, objects and records of results; all else has owners of its own.
//
// From roots on, what a value mentions by its digest is needed too (package garbage): a record mentions the tables that its stage yielded, the list
// of a directory its files. Roots are
//
//	the state of each workspace, as it is now          what a plan compares with
//	each state within the time that is kept            for comparisons with what was, and to return to it
//	each release that ever was, with its evidence      for a rollback, for an audit: the model, the evaluations that its
//	                                                   gate read, and all results behind them
//	logs of stages in journals                         for `mlp logs`, also of stages that failed
//	applies that go on, here and elsewhere             what they have told so far is about to be recorded
//	results made within that time, in no state         of a branch that was planned and applied nowhere yet
//	records that cannot be read                        for people to look at
//
// So of a model that was trained thrice in the last days, and released once a year ago, nothing goes; of one that was trained two months ago
// and neither released nor recorded now, all goes but what others need as well.

// collector finds what a store needs. look has to be called first, and again to see what came meanwhile.
type collector struct {
	w     *Workspace
	store *store.Store
	keep  *time.Duration // how long results stay that no state has any more; nil: as each state says
	alone time.Duration  // and those that no state had: the longest of all
	began time.Time      // from which both count
	tell  func(format string, args ...any)

	index   *garbage.Index
	records map[string]*plan.Action  // by key, less what is not asked for; nil: cannot be read
	own     map[string][]plan.Digest // what a record mentions beside its inputs: what its stage yielded, its log
	kept    ledger.Kept              // by which rules, since what is used was last looked for
}

// KeepDays is for how many days results are kept that others took the place of, where that is given; the zero value: as each pipeline says.
type KeepDays struct{ days *int }

// Set takes a number of days, which a flag was given.
func (k *KeepDays) Set(text string) error {
	const most = int(math.MaxInt64 / (24 * time.Hour))
	days, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return errors.New("it is no number of days")
	case days < 0:
		return errors.New("it takes no negative number")
	case days > most:
		return fmt.Errorf("it takes at most %d", most)
	}
	k.days = &days
	return nil
}

// String is the number of days; "" where none is given.
func (k *KeepDays) String() string {
	if k.days == nil {
		return ""
	}
	return strconv.Itoa(*k.days)
}

// Type is what the value of a flag is called.
func (k *KeepDays) Type() string { return "int" }

// time is the time that is given; nil where none is.
func (k *KeepDays) time() *time.Duration {
	if k.days == nil {
		return nil
	}
	return new(time.Duration(*k.days) * 24 * time.Hour)
}

// keepOf is how long results of a state are kept that others took the place of: as it was given, else as the state's pipeline says.
func (c *collector) keepOf(st *plan.State) time.Duration {
	keep, said := st.Keep()
	c.kept.States = append(c.kept.States, ledger.KeptRule{Pipeline: st.Pipeline, Workspace: st.Workspace, Keep: cmp.Or(said, schema.KeepResults), Default: said == ""})
	if c.keep != nil {
		keep, c.kept.Given = *c.keep, fmt.Sprintf("%dd", int(c.keep.Hours()/24))
	}
	if c.kept.Alone == "" || keep > c.alone {
		c.alone, c.kept.Alone = keep, cmp.Or(c.kept.Given, said, schema.KeepResults)
	}
	return keep
}

// look lists the store, and reads the records that are new to it. Records do not change, but for those that were replaced, of which there are
// few: so a second look at a store of 100,000 records reads some dozens.
func (c *collector) look(ctx context.Context) (err error) {
	if c.index == nil {
		if c.store.IsFar() {
			c.tell("Listing %s …", c.store.At())
		}
		c.records, c.own = map[string]*plan.Action{}, map[string][]plan.Digest{}
		c.index, err = garbage.NewIndex(ctx, c.store.Bucket())
	} else {
		err = c.index.Refresh(ctx)
	}
	if err != nil {
		return err
	}
	var wanted []string // before any is read: what is read is written where this looks
	for _, key := range c.index.Keys() {
		if _, known := c.records[key]; strings.HasPrefix(key, records.Prefix) && (!known || strings.HasPrefix(key, records.ReplacedPrefix)) {
			wanted = append(wanted, key)
		}
	}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readAtOnce)
	for _, key := range wanted {
		g.Go(func() error {
			a, own, err := c.read(ctx, key)
			mu.Lock()
			defer mu.Unlock()
			c.records[key], c.own[key] = a, own
			return err
		})
	}
	return g.Wait()
}

// readAtOnce is how many records are read at once.
const readAtOnce = 16

// read is what stands under the key of a record, and what that mentions as its stage's own; nil where that is none, or is not what was written.
func (c *collector) read(ctx context.Context, key string) (*plan.Action, []plan.Digest, error) {
	data, err := bucket.Read(ctx, c.store.Bucket(), key)
	var irregular *bucket.IrregularError
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &irregular) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	body, _, err := store.Unseal("action", data)
	a := &plan.Action{}
	if err != nil || json.Unmarshal(body, a) != nil {
		return nil, nil, nil
	}
	brief := &plan.Action{Fingerprint: a.Fingerprint, Address: a.Address, Component: a.Component, Inputs: a.Inputs, Outputs: a.Outputs, StartedAt: a.StartedAt}
	a.Inputs = nil
	own, err := json.Marshal(a)
	return brief, garbage.Mentions(own), err
}

// used are the keys of all that is needed, as the store is now.
func (c *collector) used(ctx context.Context) (map[string]bool, error) {
	if err := c.look(ctx); err != nil {
		return nil, err
	}
	roots, err := c.journals(ctx)
	if err != nil {
		return nil, err
	}
	logs, err := c.logs(ctx)
	if err != nil {
		return nil, err
	}
	none, _ := plan.Policy(nil).Keep()
	c.kept, c.alone = ledger.Kept{States: []ledger.KeptRule{}}, none
	if c.keep != nil {
		c.alone = *c.keep
	}
	for _, log := range logs {
		of, err := c.roots(ctx, log)
		if err != nil {
			return nil, fmt.Errorf("nothing is collected while a state cannot be read: %w", err)
		}
		roots = append(roots, of...)
	}
	reached := map[string]bool{}
	if err := c.index.Reach(ctx, roots, reached); err != nil {
		return nil, err
	}
	return reached, c.recent(ctx, reached)
}

// recent adds results that are in no state and were made within the time that is kept, such as those of a branch; tables in another
// format as long as the table is needed; and records that cannot be read, which people are to look at.
func (c *collector) recent(ctx context.Context, reached map[string]bool) error {
	for _, key := range c.index.Keys() {
		d, ok := garbage.Of(key)
		if reached[key] || !ok || !strings.HasPrefix(key, records.Prefix) {
			continue
		}
		a := c.records[key]
		if a == nil {
			reached[key] = true
			continue
		}
		converted := strings.HasPrefix(a.Component, "convert.")
		if converted {
			has := map[string]bool{}
			if err := c.index.Reach(ctx, []plan.Digest{a.Inputs["table"]}, has); err != nil {
				return err
			}
			converted = slices.ContainsFunc(sortedKeys(has), func(key string) bool { return reached[key] })
		}
		if converted || c.within(a.StartedAt, c.alone) {
			if err := c.index.Reach(ctx, []plan.Digest{d}, reached); err != nil {
				return err
			}
		}
	}
	return nil
}

// within reports whether something was so long ago at most.
func (c *collector) within(at time.Time, keep time.Duration) bool { return c.began.Sub(at) < keep }

// logs are those of all pipelines and workspaces in the store: of whose module is not here too, since all share the objects.
func (c *collector) logs(ctx context.Context) ([]*state.Log, error) {
	var out []*state.Log
	pipelines, err := bucket.Folders(ctx, c.store.Bucket(), "log/")
	for _, pipeline := range pipelines {
		workspaces, err := bucket.Folders(ctx, c.store.Bucket(), "log/"+pipeline+"/")
		if err != nil {
			return nil, err
		}
		for _, workspace := range workspaces {
			log, err := state.Open(c.store, pipeline, workspace)
			if err != nil {
				return nil, err
			}
			out = append(out, log)
		}
	}
	return out, err
}

// roots are the digests that a state keeps: those that it has, all that it had within the time that is kept, and those of all releases that there
// ever were with what they come from.
func (c *collector) roots(ctx context.Context, log *state.Log) ([]plan.Digest, error) {
	history, err := log.History(ctx)
	if err != nil {
		return nil, err
	}
	now := log.At(history, int64(len(history)))
	roots, err := stateRoots(now)
	if err != nil {
		return nil, err
	}
	if now.Answers != "" {
		roots = append(roots, now.Answers)
	}
	keep := c.keepOf(now)
	// What the first revision within the time took the place of was in use until then.
	if first := slices.IndexFunc(history, func(r *state.Revision) bool { return c.within(r.At, keep) }); first > 0 {
		had, err := stateRoots(log.At(history, int64(first)))
		if err != nil {
			return nil, err
		}
		roots = append(roots, had...)
	}
	for i, r := range history {
		recent := c.within(r.At, keep)
		for _, e := range r.Events {
			if e.Release == nil && !recent {
				continue
			}
			text, err := json.Marshal(e)
			if err != nil {
				return nil, err
			}
			roots = append(roots, garbage.Mentions(text)...)
			if e.Release != nil {
				roots = append(roots, evidence(history[:i+1], e.Release)...)
			}
		}
	}
	return roots, nil
}

// stateRoots are the digests that a state mentions.
func stateRoots(st *plan.State) ([]plan.Digest, error) {
	st.Looks = nil // a model that was measured once is not kept for that
	text, err := json.Marshal(st)
	return garbage.Mentions(text), err
}

// evidence are the results that a release comes from: its model's, those of the evaluations that its gate read, and all behind them. history
// ends with the revision of the release, in which its evaluations are those of then: the last that were recorded before.
func evidence(history []*state.Revision, r *plan.ReleaseState) []plan.Digest {
	from := map[string]plan.Digest{r.From: r.Fingerprint}
	past := pastOf(history)
	for address := range r.Figures {
		for _, revision := range slices.Backward(history) {
			i := slices.IndexFunc(revision.Events, func(e plan.Event) bool { return e.Key == "node/"+address && e.Node != nil })
			if i >= 0 {
				from[address] = revision.Events[i].Node.Fingerprint
				break
			}
		}
	}
	var out []plan.Digest
	for _, s := range trace.Follow(from, past, func(plan.Digest) *plan.Action { return nil }) {
		out = append(out, s.Fingerprint)
		for _, d := range s.Outputs {
			out = append(out, d)
		}
	}
	return out
}

// longestDigest is how many bytes a digest takes in JSON.
const longestDigest = 80

// journals are the digests of logs of stages, also of those that failed, by journals that are kept; and all that is told by those of applies that
// run here.
func (c *collector) journals(ctx context.Context) ([]plan.Digest, error) {
	var out []plan.Digest
	for key, err := range bucket.Keys(ctx, c.store.Bucket(), "journal/", "") {
		if err != nil {
			return nil, err
		}
		text, err := bucket.Read(ctx, c.store.Bucket(), key)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // the oldest go as new ones come
			return nil, err
		}
		for rest, found := text, true; found; { // of an apply that ended: the state says which of its results are needed
			var log []byte
			if _, rest, found = bytes.Cut(rest, []byte(`"log":"`)); found {
				log = rest[:min(len(rest), longestDigest)]
				out = append(out, garbage.Mentions(log)...)
			}
		}
	}
	// Of applies that go on, on other machines, all that they told: pieces of their journals, or of the journals of those that were killed.
	for key, err := range bucket.Keys(ctx, c.store.Bucket(), "running/", "") {
		if err != nil {
			return nil, err
		}
		text, err := bucket.Read(ctx, c.store.Bucket(), key)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // its apply has just ended
			return nil, err
		}
		out = append(out, garbage.Mentions(text)...)
	}
	err := filepath.WalkDir(c.store.Place().Path("live"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // it has just ended
			return nil
		}
		out = append(out, garbage.Mentions(text)...)
		return err
	})
	return out, err
}
