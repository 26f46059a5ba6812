package garbage

import (
	"bytes"
	"context"
	"encoding/json"
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

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/objects"
	"github.com/mlp-lang/mlp/runtime/store/records"
)

// memory is a bucket whose operations are one step each.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
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
	return err
}

func (m *memory) Replace(_ context.Context, key string, content io.Reader) error {
	data, err := io.ReadAll(content)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[key] = data
	return err
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

// world is a schedule of actors over one bucket. At each step the chance picks who makes the next operation, who is killed instead, and
// whether hours go by.
type world struct {
	memory
	chance *rand.Rand
	mu2    sync.Mutex
	clock  time.Time
}

func (w *world) now() time.Time {
	w.mu2.Lock()
	defer w.mu2.Unlock()
	return w.clock
}

// actor makes operations when it is its turn.
type actor struct {
	*world
	name string
	at   chan string   // what it is about to do
	turn chan bool     // go on; false: it is killed
	done chan struct{} // it has ended

	holding atomic.Bool // it has asked what is marked, and has not recorded yet
}

var errKilled = errors.New("killed")

func (a *actor) step(what, key string) error {
	a.at <- what + " " + key
	if !<-a.turn {
		panic(errKilled)
	}
	return nil
}

func (a *actor) Get(ctx context.Context, key string, r bucket.Range) (*bucket.Value, error) {
	_ = a.step("get", key)
	return a.memory.Get(ctx, key, r)
}
func (a *actor) PutNew(ctx context.Context, key string, c io.Reader) error {
	_ = a.step("put", key)
	return a.memory.PutNew(ctx, key, c)
}
func (a *actor) List(ctx context.Context, prefix, after string) (bucket.Page, error) {
	_ = a.step("list", prefix)
	return a.memory.List(ctx, prefix, after)
}
func (a *actor) Delete(ctx context.Context, key string) error {
	_ = a.step("delete", key)
	return a.memory.Delete(ctx, key)
}

func (w *world) start(name string, do func(*actor)) *actor {
	a := &actor{world: w, name: name, at: make(chan string), turn: make(chan bool), done: make(chan struct{})}
	go func() {
		defer close(a.done)
		defer func() {
			if p := recover(); p != nil && p != any(errKilled) {
				panic(p)
			}
		}()
		do(a)
	}()
	return a
}

// stage is what the tests record: a directory with one file, which stages 0 and 1 share.
type stage struct {
	fingerprint, dir, file plan.Digest
	list, action, content  []byte
}

func stageOf(i int) stage {
	s := stage{content: fmt.Appendf(nil, "file %d", i/2), fingerprint: digest.Of(fmt.Appendf(nil, "fingerprint %d", i))}
	s.file = digest.Of(s.content)
	s.list = fmt.Appendf(nil, `{"format":"mlp.directory/1","files":[{"name":"f%d","size":6,"digest":%q}]}`, i, s.file)
	s.dir = digest.Of(s.list)
	s.action, _ = json.Marshal(map[string]any{"fingerprint": s.fingerprint, "outputs": map[string]plan.Digest{"out": s.dir}})
	return s
}

func (s stage) keys() (record, dir, file string) {
	hex, _ := s.fingerprint.Hex()
	dir, _ = objects.Key(s.dir)
	file, _ = objects.Key(s.file)
	return records.Prefix + hex + ".json", dir, file
}

// apply takes a stage's result from the store, or makes it, and records it as what the state has.
func apply(t *testing.T, a *actor, h *Holder, i int) {
	s := stageOf(i)
	record, dir, file := s.keys()
	ctx := context.Background()
	for range 4 {
		whole := true
		for _, key := range []string{record, dir, file} {
			has, err := bucket.Has(ctx, a, key)
			if err != nil {
				t.Error(err)
			}
			whole = whole && has
		}
		if !whole {
			for _, x := range []struct {
				key  string
				data []byte
			}{{file, s.content}, {dir, s.list}, {record, s.action}} {
				if err := bucket.Put(ctx, a, x.key, x.data); err != nil && !errors.Is(err, fs.ErrExist) {
					t.Error(err)
				}
			}
		}
		text, _ := json.Marshal(map[string]any{"fingerprint": s.fingerprint, "outputs": []plan.Digest{s.dir}})
		a.holding.Store(true)
		err := h.Hold(ctx, text)
		var gone *GoneError
		if errors.As(err, &gone) {
			a.holding.Store(false)
			continue
		}
		if err != nil {
			t.Error(err)
		}
		for n := len(revisions(&a.memory)) + 1; ; n++ {
			if bucket.Put(ctx, a, fmt.Sprintf("log/%06d", n), text) == nil {
				a.holding.Store(false)
				return
			}
		}
	}
}

func revisions(m *memory) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(m.values)), func(key string) bool { return !strings.HasPrefix(key, "log/") })
}

// grace of the collections here.
const grace = time.Hour

// used is what the last revision leads to.
func used(a bucket.Bucket, m *memory) func(context.Context) (map[string]bool, error) {
	return func(ctx context.Context) (map[string]bool, error) {
		reached := map[string]bool{}
		logs := revisions(m)
		if len(logs) == 0 {
			return reached, nil
		}
		text, err := bucket.Read(ctx, a, logs[len(logs)-1])
		if err != nil {
			return nil, err
		}
		return reached, Reach(ctx, a, Mentions(text), reached)
	}
}

// collect marks, waits for the grace, and sweeps.
func collect(t *testing.T, a *actor) {
	ctx := context.Background()
	reached, err := used(a, &a.memory)(ctx)
	if err != nil {
		t.Error(err)
	}
	all, err := Candidates(ctx, a)
	if err != nil {
		t.Error(err)
	}
	all = slices.DeleteFunc(all, func(key string) bool { return reached[key] })
	began := a.now()
	if err := Mark(ctx, a, all, began); err != nil {
		if !errors.Is(err, ErrRunning) {
			t.Error(err)
		}
		return
	}
	for a.now().Before(began.Add(grace)) {
		_ = a.step("wait", "")
	}
	if _, err := Sweep(ctx, a, used(a, &a.memory), a.now); err != nil && !errors.Is(err, ErrRunning) && !strings.Contains(err.Error(), "collect again") {
		t.Error(err)
	}
}

// broken is what the last revision names and is not there.
func (w *world) broken() string {
	logs := revisions(&w.memory)
	if len(logs) == 0 {
		return ""
	}
	text := w.values[logs[len(logs)-1]]
	for i := range 4 {
		if s := stageOf(i); bytes.Contains(text, []byte(s.fingerprint)) {
			record, dir, file := s.keys()
			for _, key := range []string{record, dir, file} {
				if w.values[key] == nil {
					return logs[len(logs)-1] + " names " + key
				}
			}
		}
	}
	return ""
}

// run makes one schedule. It returns how many revisions and how many deletes there were.
func run(t *testing.T, seed uint64, hold bool) (recorded, deleted int, broken string) {
	w := &world{memory: memory{values: map[string][]byte{}}, chance: rand.New(rand.NewPCG(seed, 1)), clock: time.Unix(1e9, 0)}
	var actors []*actor
	for i := range 4 {
		first, second := w.chance.IntN(4), w.chance.IntN(4)
		actors = append(actors, w.start(fmt.Sprint("apply ", i), func(a *actor) {
			h := &Holder{Bucket: a, Now: a.now, Poll: 1}
			if !hold {
				h.Bucket = &memory{values: map[string][]byte{}} // in which nothing is marked
			}
			apply(t, a, h, first)
			for range 30 {
				_ = a.step("idle", "")
			}
			apply(t, a, h, second)
		}))
	}
	for i := range 2 {
		actors = append(actors, w.start(fmt.Sprint("gc ", i), func(a *actor) {
			for range 20 * (i + 1) {
				_ = a.step("idle", "")
			}
			collect(t, a)
		}))
	}
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
			return len(revisions(&w.memory)), deleted, broken
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
			w.mu2.Lock()
			w.clock = w.clock.Add(time.Duration(w.chance.IntN(90)) * time.Minute)
			w.mu2.Unlock()
		}
		if strings.HasPrefix(waits[a], "delete") {
			deleted++
		}
		delete(waits, a)
		a.turn <- true
		select { // until it is about to do the next
		case waits[a] = <-a.at:
		case <-a.done:
			actors = slices.DeleteFunc(actors, func(x *actor) bool { return x == a })
		}
		if broken == "" {
			broken = w.broken()
		}
	}
}

// calm reports whether nobody is between a look at the clock, or at marks, and what rests on that: a grace does not go by there. Who waits
// for the end of a sweep looks at the marks again and again.
func (w *world) calm(actors []*actor, waits map[*actor]string) bool {
	return !slices.ContainsFunc(actors, func(a *actor) bool {
		return strings.HasPrefix(waits[a], "delete") || a.holding.Load() && waits[a] != "list gc/"
	})
}

// TestNothingUsedIsSwept: applies that take results from the store, or make them, two collections, whoever is killed at whichever operation:
// what the last revision names is there at every step.
func TestNothingUsedIsSwept(t *testing.T) {
	recorded, deleted := 0, 0
	for seed := range uint64(500) {
		r, d, broken := run(t, seed, true)
		if broken != "" {
			t.Fatalf("seed %d: %s", seed, broken)
		}
		recorded, deleted = recorded+r, deleted+d
	}
	if recorded < 2500 || deleted < 250 {
		t.Errorf("%d revisions and %d deletes in all schedules: they try too little", recorded, deleted)
	}
	t.Logf("%d revisions, %d deletes", recorded, deleted)
}

// TestTheModelFinds: without Hold the same schedules find a revision that names what was swept.
func TestTheModelFinds(t *testing.T) {
	for seed := range uint64(3000) {
		if _, _, broken := run(t, seed, false); broken != "" {
			return
		}
	}
	t.Error("no schedule breaks a store in which nobody holds what is used")
}
