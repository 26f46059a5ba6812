package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
	"github.com/mlp-lang/mlp/runtime/store/lease"
)

// checkJournal holds every run of these tests to this: the journal has the events that were handed over, and what they come to is
// what Run returned.
func (r *rig) checkJournal(res *Result, runErr error, events []Event) {
	r.t.Helper()
	var got, want []string
	var replay Replay
	seq := int64(0)
	for e, err := range JournalsOf(r.store, "test", "default").Read(context.Background(), res.Apply) {
		if err != nil {
			r.t.Fatalf("reading the journal: %v", err)
		}
		if seq++; e.Seq != seq {
			r.t.Errorf("event %d of the journal has the number %d", seq, e.Seq)
		}
		if _, left := e.Event.(LinesLeftOut); !left {
			got = append(got, told(e.Event))
		}
		replay.Add(e.Event)
	}
	for _, e := range events {
		want = append(want, told(e))
	}
	if d := cmp.Diff(want, got); d != "" {
		r.t.Errorf("the journal has other events than were handed over:\n%s", d)
	}
	if runErr != nil {
		if replay.Ended == nil || replay.Ended.Error == "" {
			r.t.Errorf("the journal of a run that ended with %v says %+v", runErr, replay.Ended)
		}
		return
	}
	a, _ := json.MarshalIndent(res, "", " ")
	b, _ := json.MarshalIndent(replay.Result(), "", " ")
	if d := cmp.Diff(string(a), string(b)); d != "" {
		r.t.Errorf("what the journal comes to is not what the run returned:\n%s", d)
	}
	if replay.Revision != res.State.Revision || replay.Ended.ExitCode != res.ExitCode() {
		r.t.Errorf("the journal ends with revision %d and exit code %d, the run with %d and %d", replay.Revision, replay.Ended.ExitCode, res.State.Revision, res.ExitCode())
	}
}

func told(e Event) string {
	data, err := json.Marshal(e)
	return fmt.Sprint(e.kind(), " ", string(data), err)
}

// TestEventsReadBack: every type of event is read as it was written, and there is none that no reader knows.
func TestEventsReadBack(t *testing.T) {
	d := newDecoder()
	for kind := range d {
		if e, err := d.read([]byte(`{"type":"` + kind + `","seq":1,"at":"2026-01-01T00:00:00Z","data":{"format":"mlp.events","format_version":"1.7","new":1}}`)); err != nil || e.Event == nil || e.Event.kind() != kind {
			t.Errorf("%s: got %+v, %v", kind, e, err)
		}
	}
	spec, err := os.ReadFile("../../spec/events.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^[|] `([a-z_]+)` [|]").FindAllStringSubmatch(string(spec), -1) {
		listed[m[1]] = true
	}
	if got, want := slices.Sorted(maps.Keys(d)), slices.Sorted(maps.Keys(listed)); !slices.Equal(got, want) {
		t.Errorf("types that are read:\n%v\nthose of spec/events.md:\n%v", got, want)
	}
}

// TestEventVersions: what a later minor version adds is passed over, another major version is refused.
func TestEventVersions(t *testing.T) {
	d := newDecoder()
	e, err := d.read([]byte(`{"type":"stage_sang","seq":7,"at":"2026-01-01T00:00:00Z","data":{"x":1},"more":true}` + "\n"))
	if err != nil || e.Event != nil || e.Type != "stage_sang" || e.Seq != 7 {
		t.Errorf("an event of a later version: got %+v, %v", e, err)
	}
	for _, text := range []string{
		`{"type":"run_started","seq":1,"data":{"format":"mlp.events","format_version":"2.0","apply":"x"}}`,
		`{"type":"run_started","seq":1,"data":{"format":"other","format_version":"1.0","apply":"x"}}`,
	} {
		var version *VersionError
		if _, err := d.read([]byte(text)); !errors.As(err, &version) || version.Apply != "x" {
			t.Errorf("%s: got %v, want a VersionError", text, err)
		}
	}
	for _, text := range []string{``, `{`, `{}`, `[]`, `{"type":"moved"}`, `{"type":"moved","seq":1,"data":[]}`} {
		if e, err := d.read([]byte(text)); err == nil {
			t.Errorf("%q: got %+v, want an error", text, e)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"type":"stage_log","seq":3,"at":"2026-01-01T00:00:00Z","data":{"address":"a.b","line":"x"}}`))
	f.Add([]byte(`{"type":"stage_done","seq":3,"data":{"address":"a.b","figures":null}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := newDecoder().read(text)
		if err != nil || e.Event == nil {
			return
		}
		again, err := encode(e)
		if err != nil {
			t.Fatalf("%q is read and cannot be written: %v", text, err)
		}
		if _, err := newDecoder().read(again); err != nil {
			t.Fatalf("%q is written as %q, which cannot be read: %v", text, again, err)
		}
		(&Replay{nodes: map[string]NodeResult{}, gates: map[string]GateResult{}, releases: map[string]ReleaseResult{}}).Add(e.Event)
	})
}

// TestFollow: who follows a run gets each event of it, in order, and its end.
func TestFollow(t *testing.T) {
	r := newRig(t)
	j := JournalsOf(r.store, "test", "default")
	followed := make(chan []string, 1)
	r.opts = func(o *Options) {
		events := o.Events
		o.Events = func(e Event) {
			if s, ok := e.(RunStarted); ok {
				if running, err := j.Running(t.Context()); err != nil || running != s.Apply {
					t.Errorf("running: got %q, %v, want %s", running, err, s.Apply)
				}
				follow := j.Follow(t.Context(), s.Apply)
				go func() {
					var got []string
					for e, err := range follow {
						if err != nil {
							t.Error(err)
							break
						}
						got = append(got, told(e.Event))
					}
					followed <- got
				}()
			}
			events(e)
		}
	}
	r.run(newPlan(stage("stage.a", script{Log: []string{"one", "two"}, SleepMS: 120}), stage("stage.b", script{Lines: 200}, "stage.a")))
	var want []string
	for _, e := range r.events {
		want = append(want, told(e))
	}
	if d := cmp.Diff(want, <-followed); d != "" {
		t.Errorf("who follows gets other events:\n%s", d)
	}
	if running, err := j.Running(t.Context()); err != nil || running != "" {
		t.Errorf("running after the end: got %q, %v", running, err)
	}
	if left, err := os.ReadDir(j.of.live(r.store.Place())); err != nil || len(left) != 0 {
		t.Errorf("left of the live journal: %v, %v", left, err)
	}
}

// TestFull: lines beyond what a journal takes are left out, which is said, and nothing else is.
func TestFull(t *testing.T) {
	r := newRig(t)
	s := r.store
	j := &journal{store: s, at: journalsOf{"test", "default"}, apply: "full", max: 1000, progress: map[string]time.Time{}}
	if err := j.create(); err != nil {
		t.Fatal(err)
	}
	told := 0
	for range 100 {
		if j.add(StageLog{"stage.a", strings.Repeat("x", 50)}) {
			told++
		}
	}
	if !j.add(StageWarning{"stage.a", "careful"}) || !j.add(RunEnded{}) {
		t.Error("a full journal refuses what is no line of a log")
	}
	if left, err := j.close(t.Context()); left != nil || err != nil {
		t.Fatal(left, err)
	}
	kinds := map[string]int{}
	for e, err := range JournalsOf(s, "test", "default").Read(t.Context(), "full") {
		if err != nil {
			t.Fatal(err)
		}
		kinds[e.Type]++
	}
	if want := map[string]int{"stage_log": told, "lines_left_out": 1, "stage_warning": 1, "run_ended": 1}; cmp.Diff(want, kinds) != "" || told == 0 || told == 100 {
		t.Errorf("got %v, want %v", kinds, want)
	}
}

// TestTorn: a journal that ends anywhere in a line has all events before it, is told to be of a killed run, and is kept without
// the piece. One that is damaged says how many lines are.
func TestTorn(t *testing.T) {
	r := newRig(t)
	res := r.run(chain())
	whole, err := r.store.Bucket().Get(t.Context(), "journal/test/default/"+res.Apply+journalExt, bucket.Range{})
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(whole); err != nil {
		t.Fatal(err)
	}
	text := buf.Bytes()
	j := JournalsOf(r.store, "test", "default")
	for cut := 0; cut < len(text); cut += 97 {
		path := j.of.file(r.store.Place(), "torn")
		if err := os.WriteFile(path, text[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		lines := bytes.Count(text[:cut], []byte("\n"))
		check := func(when string) {
			n, killed := 0, false
			for e, err := range j.Follow(t.Context(), "torn") {
				if err == nil {
					n++
				}
				killed = killed || errors.Is(err, ErrKilled)
				_ = e
			}
			if n != lines || !killed {
				t.Fatalf("cut at %d, %s: got %d events, killed %v, want %d and true", cut, when, n, killed, lines)
			}
		}
		check("live")
		if err := j.of.keep(t.Context(), r.store, path); err != nil {
			t.Fatal(err)
		}
		check("stored")
		if err := r.store.Bucket().Delete(t.Context(), j.of.key("torn")); err != nil {
			t.Fatal(err)
		}
	}
	damaged := bytes.Replace(text, []byte(`{"type":"stage_done"`), []byte(`{"type":stage_done"`), 2)
	if err := r.store.Bucket().PutNew(t.Context(), j.of.key("x"), bytes.NewReader(damaged)); err != nil {
		t.Fatal(err)
	}
	var last error
	for _, err := range j.Read(t.Context(), "x") {
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), "2 lines of the journal of apply x are damaged") {
		t.Errorf("a damaged journal: got %v", last)
	}
}

// TestKilledApplyIsTold: an apply that is killed is told to be, to who follows it and later, with all that it said before; the
// next run puts its journal into the store.
func TestKilledApplyIsTold(t *testing.T) {
	if dir := os.Getenv("MLP_TEST_KILLED"); dir != "" {
		rigAt(t, dir).run(newPlan(stage("stage.a", script{Log: []string{"here"}, SleepMS: 60_000})))
		return
	}
	r := newRig(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledApplyIsTold$")
	cmd.Env = append(os.Environ(), "MLP_TEST_KILLED="+r.dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	j := JournalsOf(r.store, "test", "default")
	apply := ""
	for end := time.Now().Add(20 * time.Second); apply == "" && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		apply, _ = j.Running(t.Context())
	}
	var got []string
	var ended error
	for e, err := range j.Follow(t.Context(), apply) {
		if err != nil {
			ended = err
			break
		}
		got = append(got, e.Type)
		if e.Type == "stage_log" {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
			_ = cmd.Wait() // killed
		}
	}
	if want := []string{"run_started", "stage_started", "stage_log"}; !errors.Is(ended, ErrKilled) || !slices.Equal(got[:min(3, len(got))], want) {
		t.Errorf("followed: got %v and %v, want %v and that it was killed", got, ended, want)
	}
	res := r.run(newPlan(stage("stage.b", script{})))
	if left, err := filepath.Glob(r.store.Place().Path("live", "test", "default", "*")); err != nil || len(left) != 0 {
		t.Errorf("left of live journals: %v, %v", left, err)
	}
	all, err := j.Summaries(t.Context())
	if err != nil || len(all) != 2 || all[0].Apply != res.Apply || all[0].Killed || !all[1].Killed || all[1].Apply != apply || all[1].Running {
		t.Errorf("summaries: got %+v, %v", all, err)
	}
	last, ok, err := j.LastRunOf(t.Context(), "stage.a")
	if err != nil || !ok || last.Ended || last.Apply != apply {
		t.Errorf("last run of the stage that was killed: got %+v, %v, %v", last, ok, err)
	}
}

// machineOver is a store elsewhere, as one more machine opens it: with a cache of its own.
func machineOver(t *testing.T, b bucket.Bucket) *store.Store {
	t.Helper()
	s, err := store.Over(t.Context(), b, filepath.Join(t.TempDir(), ".mlp"), "s3://models")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestFarStoreHasJournals: journals are in the bucket of a store that is elsewhere, for other machines.
func TestFarStoreHasJournals(t *testing.T) {
	far := newRig(t)
	b := local.Open(filepath.Join(far.dir, "bucket"), far.store.Place())
	machine := func() *store.Store { return machineOver(t, b) }
	far.store = machine()
	res := far.run(newPlan(stage("stage.bad", script{Exits: []int{78}})))
	other := JournalsOf(machine(), "test", "default")
	if all, err := other.Summaries(t.Context()); err != nil || len(all) != 1 || all[0].Apply != res.Apply || all[0].ExitCode != ExitError {
		t.Errorf("another machine: got %+v, %v", all, err)
	}
	if failed, err := other.LastFailures(t.Context()); err != nil || failed["stage.bad"] != "bad row 3" {
		t.Errorf("failures on another machine: got %v, %v", failed, err)
	}
}

// TestFarStoreIsFollowed: who follows an apply on another machine sees what it tells before it ends, and its end, each event once. One that is
// killed leaves what it told to the next apply on whatever machine.
func TestFarStoreIsFollowed(t *testing.T) {
	far := newRig(t)
	b := local.Open(filepath.Join(far.dir, "bucket"), far.store.Place())
	machine := func() *store.Store { return machineOver(t, b) }
	far.store = machine()
	other := JournalsOf(machine(), "test", "default")
	held, err := lease.Take(t.Context(), b, "test/default", lease.Holder{Who: "ada", What: "apply"}, time.Minute, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan *Result)
	go func() {
		ended <- far.run(newPlan(stage("stage.slow", script{Log: []string{"half way"}, SleepMS: 2 * int(sendEvery.Milliseconds())})))
	}()
	apply := ""
	for apply == "" {
		if apply, err = other.Running(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	seen, early := 0, false
	for e, err := range other.Follow(t.Context(), apply) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; e.Seq != int64(seen) {
			t.Errorf("event %d has the number %d", seen, e.Seq)
		}
		if line, ok := e.Event.(StageLog); ok && line.Line == "half way" {
			select {
			case <-ended:
				t.Error("the line came after the end")
			default:
				early = true
			}
		}
	}
	res := <-ended
	whole := 0
	for range other.Read(t.Context(), apply) {
		whole++
	}
	if !early || seen != whole || res.Apply != apply {
		t.Errorf("of %d events of %s %d were seen of %s; the line early: %v", whole, res.Apply, seen, apply, early)
	}
	left := func() (keys []string) {
		for key, err := range bucket.Keys(t.Context(), b, "running/", "") {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key)
		}
		return keys
	}
	if keys := left(); len(keys) != 0 {
		t.Errorf("left: %v", keys)
	}
	killed := journalsOf{"test", "default"}
	const dead = "20200101T000000.000Z-00000000"
	for n, text := range []string{"{\"type\":\"one\"}\n", "{\"type\":\"two\"}\n"} {
		if err := bucket.Put(t.Context(), b, killed.piece(dead, n+1), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	far.run(newPlan(stage("stage.next", script{})))
	got, err := bucket.Read(t.Context(), b, killed.key(dead))
	if keys := left(); err != nil || string(got) != "{\"type\":\"one\"}\n{\"type\":\"two\"}\n" || len(keys) != 0 {
		t.Errorf("of the one that was killed: got %q, %v, and left %v", got, err, keys)
	}
	if err := held.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// keeping is a bucket of which pieces of journals cannot be deleted, for a while.
type keeping struct {
	bucket.Bucket
	on atomic.Bool
}

func (k *keeping) Delete(ctx context.Context, key string) error {
	if k.on.Load() && strings.HasPrefix(key, "running/") {
		return errors.New("access denied")
	}
	return k.Bucket.Delete(ctx, key)
}

// TestPiecesThatStay: a run whose pieces cannot be removed is done all the same, says so, and the next run removes them.
func TestPiecesThatStay(t *testing.T) {
	far := newRig(t)
	b := &keeping{Bucket: local.Open(filepath.Join(far.dir, "bucket"), far.store.Place())}
	far.store = machineOver(t, b)
	b.on.Store(true)
	res := far.run(newPlan(stage("stage.slow", script{SleepMS: int(sendEvery.Milliseconds()) + 500})))
	if res.ExitCode() != 0 || res.Left == nil || !strings.Contains(res.Left.Error(), "access denied") {
		t.Errorf("exit code %d, left %v", res.ExitCode(), res.Left)
	}
	pieces := func() (n int) {
		for _, err := range bucket.Keys(t.Context(), b, "running/", "") {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	if pieces() == 0 {
		t.Error("no piece stayed")
	}
	b.on.Store(false)
	next := far.run(newPlan(stage("stage.next", script{})))
	if next.ExitCode() != 0 || next.Left != nil || pieces() > 0 {
		t.Errorf("the next run: exit code %d, left %v, %d pieces", next.ExitCode(), next.Left, pieces())
	}
	all, err := JournalsOf(far.store, "test", "default").Summaries(t.Context())
	if err != nil || len(all) != 2 || all[1].Apply != res.Apply || all[1].Killed || all[1].ExitCode != 0 {
		t.Errorf("journals: %+v, %v", all, err)
	}
}
