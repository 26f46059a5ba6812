package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/store"
)

func openLog(t *testing.T, root string) *Log {
	t.Helper()
	s, err := store.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	l, err := Open(s, "fraud", "default")
	if err != nil {
		t.Fatal(err)
	}
	return l.As("ada", "apply-1")
}

func load(t *testing.T, l *Log) *plan.State {
	t.Helper()
	st, err := l.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func node(address, fp string) plan.Event {
	return plan.Event{Key: "node/" + address, Node: &plan.NodeState{Fingerprint: digest.Of([]byte(fp)), Config: json.RawMessage(`{"a":1}`)}}
}

func release(address string) plan.Event {
	return plan.Event{Key: "release/" + address, Release: &plan.ReleaseState{Type: "http", Config: json.RawMessage(`{}`)}}
}

func add(t *testing.T, l *Log, base *plan.State, events ...plan.Event) *plan.State {
	t.Helper()
	st, err := l.Append(context.Background(), base, events)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestAppendAndLoad(t *testing.T) {
	l := openLog(t, t.TempDir())
	first := load(t, l)
	if first.Revision != 0 || first.Nodes == nil || first.Gates == nil || first.Releases == nil || first.Approvals == nil {
		t.Errorf("empty log: got %+v", first)
	}
	st := add(t, l, first, node("a", "1"), node("b", "1"), release("deploy.x"))
	st = add(t, l, st, node("a", "2"), plan.Event{Key: "node/b", Removed: true},
		plan.Event{Key: "approval/gate.release/risk", Approval: &plan.ApprovalState{Gate: "gate.release", Name: "risk"}},
		plan.Event{Key: "gate/gate.release", Gate: &plan.GateState{Verdict: plan.Open}})
	got := load(t, l)
	if a, b := asJSON(t, got), asJSON(t, st); a != b {
		t.Errorf("loaded: got %s, want %s", a, b)
	}
	if got.Revision != 2 || len(got.Nodes) != 1 || got.Nodes["a"].Fingerprint != digest.Of([]byte("2")) ||
		got.Releases["deploy.x"].Revision != 1 || got.Approvals["gate.release/risk"].Name != "risk" || got.Gates["gate.release"].Verdict != plan.Open {
		t.Errorf("got %s", asJSON(t, got))
	}
	if len(first.Nodes) != 0 || first.Revision != 0 {
		t.Error("Append changed its base")
	}
	if again := add(t, l, got); again.Revision != 2 {
		t.Errorf("no events made revision %d", again.Revision)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAppendRefuses(t *testing.T) {
	l := openLog(t, t.TempDir())
	st := load(t, l)
	for name, events := range map[string][]plan.Event{
		"no address":     {{Key: "node/", Removed: true}},
		"unknown kind":   {{Key: "thing/x", Removed: true}},
		"no value":       {{Key: "node/x"}},
		"other value":    {{Key: "gate/x", Node: &plan.NodeState{}}},
		"two values":     {{Key: "node/x", Node: &plan.NodeState{}, Gate: &plan.GateState{}}},
		"removed, value": {{Key: "node/x", Removed: true, Node: &plan.NodeState{}}},
		"same key twice": {node("a", "1"), node("a", "2")},
	} {
		if _, err := l.Append(context.Background(), st, events); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	if got := load(t, l).Revision; got != 0 {
		t.Errorf("refused events made revision %d", got)
	}
}

func TestRebase(t *testing.T) {
	l := openLog(t, t.TempDir())
	base := add(t, l, load(t, l), node("a", "1"), node("b", "1"))
	add(t, l, base, node("a", "2"), node("c", "1"))
	if _, err := l.Append(context.Background(), base, []plan.Event{node("a", "3")}); !errors.Is(err, ErrMoved) || !strings.Contains(err.Error(), "node/a") || !strings.Contains(err.Error(), "revision 2") || !strings.Contains(err.Error(), "ada") {
		t.Errorf("touched key: got %v", err)
	}
	st := add(t, l, base, node("b", "3"), release("deploy.x"))
	if st.Revision != 3 || st.Nodes["a"].Fingerprint != digest.Of([]byte("2")) || st.Releases["deploy.x"].Revision != 3 {
		t.Errorf("untouched keys: got %s", asJSON(t, st))
	}
	add(t, l, base, node("a", "2"), node("c", "1")) // just as somebody else did: nothing to write
	if got, want := asJSON(t, load(t, l)), asJSON(t, st); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestManyWriters(t *testing.T) {
	root := t.TempDir()
	base := load(t, openLog(t, root))
	const writers, each = 8, 10
	var wg sync.WaitGroup
	for w := range writers {
		l := openLog(t, root)
		wg.Go(func() {
			for i := range each {
				if _, err := l.Append(context.Background(), base, []plan.Event{node(fmt.Sprintf("n%d_%d", w, i), "1")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	st := load(t, openLog(t, root))
	if len(st.Nodes) != writers*each || st.Revision != writers*each {
		t.Errorf("got %d nodes in %d revisions, want %d", len(st.Nodes), st.Revision, writers*each)
	}
	history, err := openLog(t, root).History(context.Background())
	if err != nil || len(history) != writers*each {
		t.Errorf("history: got %d, %v", len(history), err)
	}
}

// Reading from a checkpoint gives what reading everything gives, and needs none of the older files' content.
func TestCheckpoint(t *testing.T) {
	root := t.TempDir()
	l := openLog(t, root)
	st := load(t, l)
	for i := range checkpointEvery + 3 {
		st = add(t, l, st, node(fmt.Sprintf("n%d", i%7), fmt.Sprint(i)))
	}
	if got, want := asJSON(t, load(t, l)), asJSON(t, st); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := os.WriteFile(l.path(3), []byte("broken"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Load(context.Background()); err != nil {
		t.Errorf("reading from the checkpoint: %v", err)
	}
	if _, err := l.History(context.Background()); err == nil {
		t.Error("reading everything: got no error")
	}
}

// The more is recorded, the rarer it is written whole: what checkpoints hold stays in proportion to what was recorded, and
// so does what is read after the last.
func TestCheckpointsOfMuch(t *testing.T) {
	st, last, written := empty("fraud", "default"), int64(0), 0
	const stages = 50_000
	for r := int64(1); r <= 2*stages; r++ {
		if checkpointed(r, st) {
			last, written = r, written+len(st.Nodes)
		}
		if r <= stages {
			st.Nodes[fmt.Sprint(r)] = plan.NodeState{}
		}
		if most := max(checkpointEvery, int64(len(st.Nodes))/4); r-last > most {
			t.Fatalf("revision %d: the last checkpoint is %d, want at most %d before", r, last, most)
		}
	}
	if most := 32 * stages; written > most {
		t.Errorf("checkpoints hold %d keys, want at most %d", written, most)
	}

	l := openLog(t, t.TempDir())
	var many []plan.Event
	for i := range 1_100 {
		many = append(many, node(fmt.Sprintf("n%04d", i), "1"))
	}
	st = load(t, l)
	for i := range 300 {
		if i > 0 {
			many = []plan.Event{node(fmt.Sprintf("n%04d", i), fmt.Sprint(i))}
		}
		if err := l.Extend(context.Background(), st, many); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := asJSON(t, load(t, l)), asJSON(t, st); got != want {
		t.Errorf("got %.2000s, want %.2000s", got, want)
	}
	for _, n := range []int64{64, 128, 256} {
		r, err := l.readRevision(t.Context(), n, "")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := r.State != nil, n == 256; got != want {
			t.Errorf("revision %d holds the state: got %t, want %t", n, got, want)
		}
	}
}

// What Extend changes is the state that it is given, not one that it was copied from; where others were first, their
// revisions are in it.
func TestExtend(t *testing.T) {
	l := openLog(t, t.TempDir())
	base := add(t, l, load(t, l), node("a", "1"))
	st := Copy(base)
	add(t, l, base, node("b", "1"))
	if err := l.Extend(context.Background(), st, []plan.Event{node("c", "1")}); err != nil {
		t.Fatal(err)
	}
	if got, want := asJSON(t, st), asJSON(t, load(t, l)); got != want || st.Revision != 3 {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(base.Nodes) != 1 || base.Revision != 1 {
		t.Errorf("the state it was copied from: got %s", asJSON(t, base))
	}
	if err := l.Extend(context.Background(), base, []plan.Event{node("c", "2")}); !errors.Is(err, ErrMoved) {
		t.Errorf("a key that another changed: got %v", err)
	}
}

func TestDamagedLog(t *testing.T) {
	for name, damage := range map[string]struct {
		do   func(l *Log) error
		file string
	}{
		"missing in between": {func(l *Log) error { return os.Remove(l.path(2)) }, "000002.json"},
		"cut short":          {func(l *Log) error { return os.Truncate(l.path(3), 40) }, "000003.json"},
		"empty":              {func(l *Log) error { return os.Truncate(l.path(2), 0) }, "000002.json"},
		"changed":            {func(l *Log) error { return replace(l.path(2), "train.b", "train.x") }, "000002.json"},
		"changed at the end": {func(l *Log) error { return replace(l.path(3), "train.c", "train.x") }, "000003.json"},
		"other log's":        {func(l *Log) error { return swap(l, "other", 2) }, "000002.json"},
		"one from elsewhere": {func(l *Log) error { return swap(l, "fraud", 2) }, "000002.json"},
		"two exchanged":      {func(l *Log) error { return os.Rename(l.path(3), l.path(2)) }, "000002.json"},
		"strange name": {func(l *Log) error {
			return os.Rename(l.path(3), filepath.Join(filepath.Dir(l.path(1)), "0000003.json"))
		}, "0000003.json"},
	} {
		l := openLog(t, t.TempDir())
		st := load(t, l)
		for _, a := range []string{"train.a", "train.b", "train.c"} {
			st = add(t, l, st, node(a, "1"))
		}
		if err := damage.do(l); err != nil {
			t.Fatal(err)
		}
		_, err := l.Load(context.Background())
		var c *CorruptError
		if !errors.As(err, &c) || filepath.Base(c.File) != damage.file {
			t.Errorf("%s: got %v, want an error that names %s", name, err, damage.file)
		}
	}
}

func replace(path, from, to string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.Replace(string(data), from, to, 1)), 0o644)
}

// swap puts a valid revision n of another log in l's place.
func swap(l *Log, pipeline string, n int64) error {
	root, err := os.MkdirTemp(l.store.Root(), "other-")
	if err != nil {
		return err
	}
	s, err := store.Open(root)
	if err != nil {
		return err
	}
	defer s.Close()
	other, err := Open(s, pipeline, "default")
	if err != nil {
		return err
	}
	st, err := other.Load(context.Background())
	for i := int64(0); i < n && err == nil; i++ {
		st, err = other.Append(context.Background(), st, []plan.Event{node(fmt.Sprintf("x%d", i), "1")})
	}
	if err != nil {
		return err
	}
	return os.Rename(other.path(n), l.path(n))
}

func TestNamesOfFolders(t *testing.T) {
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "..", "a/b", ".hidden", "a b", strings.Repeat("x", 200)} {
		if _, err := Open(s, "fraud", name); err == nil {
			t.Errorf("workspace %q: got no error", name)
		}
	}
}

func TestLock(t *testing.T) {
	root := t.TempDir()
	l := openLog(t, root)
	lock, err := l.Lock(Holder{Who: "ada", What: "apply"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = openLog(t, root).Lock(Holder{Who: "bob"})
	var locked *LockedError
	if !errors.As(err, &locked) || !errors.Is(err, ErrLocked) || locked.Holder.Who != "ada" || locked.Holder.PID != os.Getpid() {
		t.Fatalf("second: got %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := l.Lock(Holder{Who: "bob"})
	if err != nil {
		t.Fatalf("after unlocking: %v", err)
	}
	if err := again.Unlock(); err != nil {
		t.Error(err)
	}
}

// A process that holds the lock and is killed frees it.
func TestLockOfAKilledProcess(t *testing.T) {
	root := os.Getenv("MLP_TEST_LOCK")
	if root != "" {
		lock, err := openLog(t, root).Lock(Holder{Who: "child", What: "apply"})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("locked")
		time.Sleep(time.Minute) // it is killed before; a process that waits for nothing at all would end by itself
		_ = lock.Unlock()
		return
	}
	root = t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestLockOfAKilledProcess$")
	cmd.Env = append(os.Environ(), "MLP_TEST_LOCK="+root)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	_, err = openLog(t, root).Lock(Holder{})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder.Who != "child" || locked.Holder.PID != cmd.Process.Pid {
		t.Errorf("held by the child: got %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	lock, err := openLog(t, root).Lock(Holder{})
	if err != nil {
		t.Fatalf("after the child died: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Error(err)
	}
}

func TestHistory(t *testing.T) {
	l := openLog(t, t.TempDir())
	add(t, l, add(t, l, load(t, l), node("a", "1")), node("b", "1"))
	got, err := l.History(context.Background())
	if err != nil || len(got) != 2 {
		t.Fatalf("got %d revisions, %v", len(got), err)
	}
	if r := got[1]; r.By != "ada" || r.Apply != "apply-1" || r.Previous != got[0].Digest || r.At.IsZero() || !reflect.DeepEqual(r.Events[0].Key, "node/b") {
		t.Errorf("got %+v", r)
	}
}
