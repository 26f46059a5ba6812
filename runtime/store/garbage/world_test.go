package garbage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

func init() { asked = 1 } // so that a seed says the order of operations

// memory is a bucket whose operations are one step each.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
	recent []string // put last: a list may not have them yet
}

func (m *memory) Get(_ context.Context, key string, r bucket.Range) (*bucket.Value, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	part := v[min(r.Offset, int64(len(v))):]
	if r.Length > 0 {
		part = part[:min(r.Length, int64(len(part)))]
	}
	return &bucket.Value{ReadCloser: io.NopCloser(bytes.NewReader(part)), Size: int64(len(v))}, nil
}

func (m *memory) PutNew(ctx context.Context, key string, content io.Reader) error {
	data, err := io.ReadAll(content)
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.values[key]; ok {
		return fs.ErrExist
	}
	m.values[key] = data
	m.recent = append(m.recent, key)
	return err
}

func (m *memory) Replace(context.Context, string, io.Reader) error {
	return errors.New("nothing is replaced here")
}

func (m *memory) List(_ context.Context, prefix, after string) (bucket.Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for key := range m.values {
		if strings.HasPrefix(key, prefix) && key > after {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return bucket.Page{Keys: out}, nil
}

func (m *memory) Move(context.Context, string, string) error {
	return errors.New("nothing is moved here")
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, key)
	return nil
}

// keys are those below a prefix, sorted.
func (m *memory) keys(prefix string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(m.values)), func(key string) bool { return !strings.HasPrefix(key, prefix) })
}

// world is a schedule of actors over one bucket. At each step the chance picks who makes the next operation, who is killed instead, which
// request is carried out once more after it was taken for lost, and whether hours go by.
type world struct {
	memory
	rules  rules
	chance *rand.Rand
	mu2    sync.Mutex
	clock  time.Time
	late   []lateDelete
	near   [2]map[int]map[string][]byte // of each machine, by era
	made   int                          // results, to tell those apart that leave something to chance
	lag    int                          // how many of the keys put last lists leave out
	counts counts
}

// rules are what a world leaves out, to show that it is needed.
type rules struct{ noHold, oneEra, notLate, sinceNow bool }

// counts say whether schedules try enough.
type counts struct{ recorded, deleted, gone, waited, lateDone, fromNear int }

// lateDelete is a request that is carried out again, at some time before the end.
type lateDelete struct {
	key string
	end time.Time
}

func (w *world) time() time.Time {
	w.mu2.Lock()
	defer w.mu2.Unlock()
	return w.clock
}

// pass lets time go by. Requests that are late come through before their time is over.
func (w *world) pass(d time.Duration) {
	now := w.time().Add(d)
	w.late = slices.DeleteFunc(w.late, func(l lateDelete) bool {
		if now.Before(l.end) {
			return false
		}
		w.again(l.key)
		return true
	})
	w.mu2.Lock()
	defer w.mu2.Unlock()
	w.clock = now
}

func (w *world) again(key string) {
	w.counts.lateDone++
	_ = w.memory.Delete(context.Background(), key)
}

// actor makes operations when it is its turn.
type actor struct {
	*world
	machine int
	skew    time.Duration // by which its clock differs
	at      chan string   // what it is about to do
	turn    chan bool     // go on; false: it is killed
	killed  chan struct{}
	done    chan struct{} // it has ended
	holding atomic.Bool   // it has asked what is marked, and has not recorded yet
}

var errKilled = errors.New("killed")

func (a *actor) now() time.Time { return a.time().Add(a.skew) }

// step waits for its turn. The error is errKilled where it does not come any more.
func (a *actor) step(what, key string) error {
	select {
	case a.at <- what + " " + key:
	case <-a.killed:
		return errKilled
	}
	if !<-a.turn {
		close(a.killed)
		return errKilled
	}
	return nil
}

func (a *actor) Get(ctx context.Context, key string, r bucket.Range) (*bucket.Value, error) {
	if err := a.step("get", key); err != nil {
		return nil, err
	}
	return a.memory.Get(ctx, key, r)
}

func (a *actor) PutNew(ctx context.Context, key string, c io.Reader) error {
	if err := a.step("put", key); err != nil {
		return err
	}
	return a.memory.PutNew(ctx, key, c)
}

// List leaves out what was put a moment ago.
func (a *actor) List(ctx context.Context, prefix, after string) (bucket.Page, error) {
	if err := a.step("list", prefix); err != nil {
		return bucket.Page{}, err
	}
	page, err := a.memory.List(ctx, prefix, after)
	recent := a.recent[max(0, len(a.recent)-a.lag):]
	page.Keys = slices.DeleteFunc(page.Keys, func(key string) bool { return slices.Contains(recent, key) })
	return page, err
}

// Delete is carried out a second time, late, now and then.
func (a *actor) Delete(ctx context.Context, key string) error {
	if err := a.step("delete", key); err != nil {
		return err
	}
	a.counts.deleted++
	if a.chance.IntN(3) == 0 {
		a.late = append(a.late, lateDelete{key, a.time().Add(Late)})
	}
	return a.memory.Delete(ctx, key)
}

// DeleteAll is not one step.
func (a *actor) DeleteAll(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if err := a.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) start(t *testing.T, do func(*actor) error) *actor {
	a := &actor{world: w, machine: w.chance.IntN(2), skew: time.Duration(w.chance.Int64N(int64(Skew))) - Skew/2,
		at: make(chan string), turn: make(chan bool), killed: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(a.done)
		if err := do(a); err != nil && !errors.Is(err, errKilled) {
			t.Error(err)
		}
	}()
	return a
}

// run lets actors act until all have ended. Broken says at each step what is wrong; the first is returned.
func (w *world) run(actors []*actor, broken func() string) (first string) {
	waits := map[*actor]string{}
	for {
		for _, a := range slices.Clone(actors) {
			if _, is := waits[a]; is {
				continue
			}
			select {
			case waits[a] = <-a.at:
			case <-a.done:
				actors = slices.DeleteFunc(actors, func(x *actor) bool { return x == a })
			}
		}
		if len(actors) == 0 {
			return first
		}
		a := actors[w.chance.IntN(len(actors))]
		switch x := w.chance.IntN(1000); {
		case x < 4:
			a.turn <- false
			<-a.done
			delete(waits, a)
			actors = slices.DeleteFunc(actors, func(x *actor) bool { return x == a })
			continue
		case x < 40 && w.calm(actors, waits):
			w.pass(time.Duration(w.chance.IntN(90)) * time.Minute)
		case x < 80 && w.calm(actors, waits):
			w.pass(time.Duration(w.chance.IntN(90)) * time.Second)
		case x < 100 && len(w.late) > 0:
			w.again(w.late[0].key)
			w.late = w.late[1:]
		}
		w.lag = w.chance.IntN(3)
		delete(waits, a)
		a.turn <- true
		select { // until it is about to do the next
		case waits[a] = <-a.at:
		case <-a.done:
			actors = slices.DeleteFunc(actors, func(x *actor) bool { return x == a })
		}
		if first == "" {
			first = broken()
		}
	}
}

// calm reports whether nobody is between a look at the clock, or at marks, and what rests on that: less than Late goes by there, and here
// nothing. Who waits for the end of a sweep looks again.
func (w *world) calm(actors []*actor, waits map[*actor]string) bool {
	return !slices.ContainsFunc(actors, func(a *actor) bool {
		return strings.HasPrefix(waits[a], "delete") || a.holding.Load() && !strings.HasPrefix(waits[a], "wait")
	})
}

// String is for a test that failed.
func (c counts) String() string {
	return fmt.Sprintf("%+v", struct{ recorded, deleted, gone, lateDone, fromNear int }{c.recorded, c.deleted, c.gone, c.lateDone, c.fromNear})
}
