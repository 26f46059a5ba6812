package garbage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/objects"
	"github.com/mlp-lang/mlp/runtime/store/records"
)

const (
	stages = 5
	// byChance is the stage whose result is another each time that it is made.
	byChance = 4
	grace    = time.Hour
)

// result is what a stage yields: a directory with one file. Stages 0 and 1 yield the same one, and the file of 2 and 3 is the same.
type result struct {
	fingerprint, dir, file plan.Digest
	list, action, content  []byte
}

func resultOf(i, nonce int) result {
	name, content := max(i, 1), max(i, 1)
	if i == 3 {
		content = 2
	}
	r := result{content: fmt.Appendf(nil, "file %d", content), fingerprint: digest.Of(fmt.Appendf(nil, "fingerprint %d", i))}
	if i == byChance {
		r.content = fmt.Appendf(nil, "file %d of attempt %d", content, nonce)
	}
	r.file = digest.Of(r.content)
	r.list = fmt.Appendf(nil, `{"format":"mlp.directory/1","files":[{"name":"f%d","size":%d,"digest":%q}]}`, name, len(r.content), r.file)
	r.dir = digest.Of(r.list)
	r.action, _ = json.Marshal(recorded{r.fingerprint, r.dir, r.file})
	return r
}

// recorded is what a record and a revision of the model hold.
type recorded struct{ Fingerprint, Dir, File plan.Digest }

func (r recorded) keys() (record, dir, file string) {
	hex, _ := r.Fingerprint.Hex()
	dir, _ = objects.Key(r.Dir)
	file, _ = objects.Key(r.File)
	return records.Prefix + hex + ".json", dir, file
}

// session is one process of a machine: what it believes of the store.
type session struct {
	*actor
	holder *Holder
	near   map[string][]byte // copies of records; nil: none is kept
}

// begin asks how far collections are, as a store does that is opened.
func begin(ctx context.Context, a *actor) (*session, error) {
	since, sweeping, err := Since(ctx, a, a.now())
	if err != nil {
		return nil, err
	}
	s := &session{actor: a, holder: &Holder{Bucket: a, Since: since, Now: a.now, Wait: func(context.Context) error { return a.step("wait", "") }}}
	era := since
	if a.rules.oneEra {
		era = 0
	}
	if !sweeping || a.rules.oneEra {
		if s.near = a.near[a.machine][era]; s.near == nil {
			s.near = map[string][]byte{}
			a.near[a.machine][era] = s.near
		}
	}
	if a.rules.noHold {
		s.holder.Bucket = &memory{values: map[string][]byte{}} // in which nothing is marked
	}
	return s, nil
}

// record reads one, from near where it is.
func (s *session) record(ctx context.Context, key string) (r recorded, err error) {
	data, ok := s.near[key]
	if ok {
		s.counts.fromNear++
	} else {
		if data, err = bucket.Read(ctx, s.actor, key); err != nil {
			return r, err
		}
		if s.near != nil {
			s.near[key] = data
		}
	}
	return r, json.Unmarshal(data, &r)
}

// errChance is what a user sees whose stage gives something else than what was recorded first.
var errChance = errors.New("another result than before")

// result takes a stage's result from the store, or makes it.
func (s *session) result(ctx context.Context, i int) (recorded, error) {
	key, _, _ := recorded{Fingerprint: resultOf(i, 0).fingerprint}.keys()
	r, err := s.record(ctx, key)
	whole := err == nil
	for _, is := range []func(recorded) string{func(r recorded) string { _, dir, _ := r.keys(); return dir }, func(r recorded) string { _, _, file := r.keys(); return file }} {
		if whole {
			if whole, err = bucket.Has(ctx, s.actor, is(r)); err != nil {
				return r, err
			}
		}
	}
	if whole || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	s.made++
	m := resultOf(i, s.made)
	r = recorded{m.fingerprint, m.dir, m.file}
	record, dir, file := r.keys()
	for _, x := range []struct {
		key  string
		data []byte
	}{{file, m.content}, {dir, m.list}} {
		if err := bucket.Put(ctx, s.actor, x.key, x.data); err != nil && !errors.Is(err, fs.ErrExist) {
			return r, err
		}
	}
	if err := bucket.Put(ctx, s.actor, record, m.action); !errors.Is(err, fs.ErrExist) {
		return r, err
	}
	first, err := s.record(ctx, key)
	if err == nil && first != r {
		err = errChance
	}
	return r, err
}

// apply records a stage's result as what the state has.
func (s *session) apply(ctx context.Context, i int) error {
	for range 4 {
		r, err := s.result(ctx, i)
		if errors.Is(err, errChance) || errors.Is(err, fs.ErrNotExist) {
			return nil // the user reads an error
		}
		if err != nil {
			return err
		}
		text, _ := json.Marshal(r)
		s.holding.Store(true)
		err = s.holder.Hold(ctx, text)
		var gone *GoneError
		if errors.As(err, &gone) {
			s.counts.gone++
			s.holding.Store(false)
			continue
		}
		for n := len(s.keys("log/")) + 1; err == nil; n++ {
			if err = bucket.Put(ctx, s.actor, fmt.Sprintf("log/%06d", n), text); err == nil {
				s.counts.recorded++
				s.holding.Store(false)
				return nil
			} else if errors.Is(err, fs.ErrExist) {
				err = nil
			}
		}
		return err
	}
	return nil
}

// used is what the last revision leads to.
func used(a *actor, x *Index) func(context.Context) (map[string]bool, error) {
	return func(ctx context.Context) (map[string]bool, error) {
		if err := x.Refresh(ctx); err != nil {
			return nil, err
		}
		reached := map[string]bool{}
		logs := a.keys("log/")
		if len(logs) == 0 {
			return reached, nil
		}
		text, err := bucket.Read(ctx, a, logs[len(logs)-1])
		if err != nil {
			return nil, err
		}
		return reached, x.Reach(ctx, Mentions(text), reached)
	}
}

// collect marks, waits for the grace, and sweeps.
func collect(ctx context.Context, a *actor) error {
	x, err := NewIndex(ctx, a)
	if err != nil {
		return err
	}
	reached, err := used(a, x)(ctx)
	if err != nil {
		return err
	}
	began := a.now()
	if err := Mark(ctx, a, slices.DeleteFunc(x.Keys(), func(key string) bool { return reached[key] }), began); err != nil {
		if errors.Is(err, ErrRunning) {
			return nil
		}
		return err
	}
	for a.now().Before(began.Add(grace)) {
		if err := a.step("wait", ""); err != nil {
			return err
		}
	}
	s := &Sweeper{Bucket: a, Now: a.now, Late: Late, Used: used(a, x)}
	if a.rules.notLate {
		s.Late = 0
	}
	if _, err := s.Sweep(ctx); err != nil && !errors.Is(err, ErrRunning) && !strings.Contains(err.Error(), "collect again") {
		return err
	}
	return nil
}

// broken is what the last revision names and is not there. That a record has another result, of a stage that leaves something to chance, loses
// nothing: the revision has its own.
func (w *world) broken() string {
	logs := w.keys("log/")
	if len(logs) == 0 {
		return ""
	}
	var r recorded
	_ = json.Unmarshal(w.values[logs[len(logs)-1]], &r)
	record, dir, file := r.keys()
	for _, key := range []string{record, dir, file} {
		if w.values[key] == nil {
			return logs[len(logs)-1] + " names " + key
		}
	}
	return ""
}

// schedule makes one schedule.
func schedule(t *testing.T, seed uint64, without rules) (counts, string) {
	w := &world{memory: memory{values: map[string][]byte{}}, rules: without, chance: rand.New(rand.NewPCG(seed, 1)), clock: time.Unix(1e9, 0)}
	for i := range w.near {
		w.near[i] = map[int]map[string][]byte{}
	}
	ctx := context.Background()
	var actors []*actor
	for range 5 {
		todo := []int{w.chance.IntN(stages), w.chance.IntN(stages), w.chance.IntN(stages)}
		oneProcess := w.chance.IntN(2) == 0
		actors = append(actors, w.start(t, func(a *actor) (err error) {
			var s *session
			for n, i := range todo {
				if n == 0 || !oneProcess {
					s, err = begin(ctx, a)
				}
				if err == nil {
					err = s.apply(ctx, i)
				}
				for range 30 {
					if err == nil {
						err = a.step("idle", "")
					}
				}
				if err != nil {
					return err
				}
			}
			return nil
		}))
	}
	for i := range 3 {
		actors = append(actors, w.start(t, func(a *actor) error {
			for range 25 * (i + 1) {
				if err := a.step("idle", ""); err != nil {
					return err
				}
			}
			return collect(ctx, a)
		}))
	}
	broken := w.run(actors, w.broken)
	return w.counts, broken
}

// TestNothingUsedIsSwept: applies of two machines with caches that take results from the store, or make them, three collections, clocks that differ,
// lists that lag, deletes that are carried out once more after they were taken for lost, whoever is killed at whichever operation: what the last
// revision names is there at every step.
func TestNothingUsedIsSwept(t *testing.T) {
	var all counts
	for seed := range uint64(400) {
		c, broken := schedule(t, seed, rules{})
		if broken != "" {
			t.Fatalf("seed %d: %s", seed, broken)
		}
		all.recorded, all.deleted, all.gone, all.lateDone, all.fromNear = all.recorded+c.recorded, all.deleted+c.deleted, all.gone+c.gone, all.lateDone+c.lateDone, all.fromNear+c.fromNear
	}
	if all.recorded < 3000 || all.deleted < 800 || all.gone < 20 || all.lateDone < 100 || all.fromNear < 500 {
		t.Errorf("the schedules try too little: %s", all)
	}
	t.Log(all)
}

// TestTheModelFinds: without any one of the rules the same schedules find a revision that names what was swept.
func TestTheModelFinds(t *testing.T) {
	for name, without := range map[string]rules{
		"what is used is not held":                    {noHold: true},
		"records that were swept stay near":           {oneEra: true},
		"a sweep is over while deletes are under way": {notLate: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20000) {
				if _, broken := schedule(t, seed, without); broken != "" {
					t.Logf("seed %d: %s", seed, broken)
					return
				}
			}
			t.Error("no schedule breaks the store")
		})
	}
}
