package state

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/buckettest"
)

// on is a log in a bucket that is not as good as a folder.
func on(t *testing.T, wrap func(bucket.Bucket) bucket.Bucket) *Log {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "mlp-bench-") // whose name no sweep takes: what is shown is not how fast a disk syncs
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l := openLog(t, dir)
	l.bucket = wrap(l.bucket)
	return l
}

// TestLagOfLists: what lists leave out is found by its key: no revision is lost, none is taken for a gap.
func TestLagOfLists(t *testing.T) {
	for _, lag := range []int{1, 3, 70, 1000} {
		l := on(t, func(b bucket.Bucket) bucket.Bucket { return &buckettest.Lagging{Bucket: b, Lag: lag} })
		st := load(t, l)
		for i := range 80 {
			st = add(t, l, st, node(fmt.Sprint("train.m", i%7), fmt.Sprint(i)))
			if i%13 == 0 || i > 77 {
				if got := load(t, l); got.Revision != st.Revision || got.Digest != st.Digest {
					t.Errorf("lag %d: got revision %d, want %d", lag, got.Revision, st.Revision)
				}
			}
		}
		if all, err := l.History(t.Context()); err != nil || len(all) != 80 {
			t.Errorf("lag %d: got %d revisions, %v", lag, len(all), err)
		}
	}
}

// TestLostAnswers: a revision that was put though the answer was lost is this writer's, and nobody's else.
func TestLostAnswers(t *testing.T) {
	n := 0
	var mu sync.Mutex
	l := on(t, func(b bucket.Bucket) bucket.Bucket {
		return buckettest.Dropping{Bucket: b, Lose: func(string) bool { mu.Lock(); defer mu.Unlock(); n++; return n%2 == 0 }}
	})
	const each = 10
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			st, err := l.Load(t.Context())
			for i := range each {
				if err == nil {
					st, err = l.Append(t.Context(), st, []plan.Event{node(fmt.Sprintf("train.w%d", w), fmt.Sprint(i))})
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := l.History(t.Context())
	if err != nil || len(all) != 8*each {
		t.Fatalf("got %d revisions, %v, want %d", len(all), err, 8*each)
	}
	seen := map[string]bool{}
	for _, r := range all {
		for _, e := range r.Events {
			what := e.Key + string(e.Node.Fingerprint)
			if seen[what] {
				t.Errorf("%s is recorded twice", what)
			}
			seen[what] = true
		}
	}
}

// TestFewReads: the state of a long log is a checkpoint and what follows.
func TestFewReads(t *testing.T) {
	var counting *buckettest.Counting
	l := on(t, func(b bucket.Bucket) bucket.Bucket { counting = &buckettest.Counting{Bucket: b}; return counting })
	st := load(t, l)
	for i := range 200 {
		st = add(t, l, st, node("train.m", fmt.Sprint(i)))
	}
	counting.Take()
	load(t, l)
	if c := counting.Take(); c.Lists != 1 || c.Listed != 1 || c.Gets > 12 || c.Puts+c.Replaces > 0 {
		t.Errorf("got %+v, want a list of the last, the head, a checkpoint, 8 revisions and a look for one more", c)
	}
}

// TestGaps: a revision that is missing is told by whoever reads it: from the last checkpoint on by all, before it by who reads the log
// whole. Whatever the head says: it is of the last revision, of an earlier one, or gone.
func TestGaps(t *testing.T) {
	const revisions = 130
	for _, headed := range []string{"the last", "an earlier one", "none"} {
		for _, gap := range []int64{1, 63, 64, 65, 127, 128, 129, 130} {
			l := openLog(t, t.TempDir())
			st := load(t, l)
			var early []byte
			for i := range revisions {
				st = add(t, l, st, node(fmt.Sprint("train.m", i%7), fmt.Sprint(i)))
				if i == 100 {
					var err error
					if early, err = os.ReadFile(l.headPath()); err != nil {
						t.Fatal(err)
					}
				}
			}
			err := os.Remove(l.path(gap))
			switch headed {
			case "an earlier one":
				err = errors.Join(err, os.WriteFile(l.headPath(), early, 0o644))
			case "none":
				err = errors.Join(err, os.Remove(l.headPath()))
			}
			if err != nil {
				t.Fatal(err)
			}
			ends := gap == revisions && headed != "the last" // as if it had not been written
			var c *CorruptError
			_, err = l.History(t.Context())
			if told := errors.As(err, &c) && c.File == l.path(gap); told == ends {
				t.Errorf("head: %s, without %d: History says %v", headed, gap, err)
			}
			got, err := l.Load(t.Context())
			told := errors.As(err, &c) && c.File == l.path(gap)
			switch {
			case gap < 128: // before the checkpoint
				if !told && (err != nil || got.Digest != st.Digest) {
					t.Errorf("head: %s, without %d: Load says %v", headed, gap, err)
				}
			case told == ends:
				t.Errorf("head: %s, without %d: Load says %v", headed, gap, err)
			}
		}
	}
}

// TestLiveOfMany: pipelines and workspaces are found by their keys, sorted.
func TestLiveOfMany(t *testing.T) {
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var want []Other
	for _, name := range [][2]string{{"a", "x"}, {"a", "y"}, {"a-b", "default"}, {"b", "default"}} {
		l, err := Open(s, name[0], name[1])
		if err != nil {
			t.Fatal(err)
		}
		add(t, l, load(t, l), release("deploy.d"))
		want = append(want, Other{name[0], name[1], 1})
	}
	if got, err := Live(t.Context(), s); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// TestFenced: who goes on after its lease was over writes nothing once the next holder has written, whatever the keys.
func TestFenced(t *testing.T) {
	l := openLog(t, t.TempDir())
	first, second := l.Under(1), l.Under(2)
	asleep := add(t, first, load(t, l), node("train.a", "1"))
	st := add(t, second, load(t, l), node("train.b", "1"))
	var fenced *FencedError
	if _, err := first.Append(t.Context(), asleep, []plan.Event{node("train.c", "1")}); !errors.As(err, &fenced) || fenced.Revision != 2 {
		t.Errorf("got %v, want a FencedError at revision 2", err)
	}
	st = add(t, second, st, node("train.d", "1"))
	other := load(t, l)
	if other.Revision != 3 || other.Digest != st.Digest {
		t.Errorf("got revision %d, want that of the second holder", other.Revision)
	}
	add(t, l, asleep, node("train.e", "1")) // under a lock, as an approval
}
