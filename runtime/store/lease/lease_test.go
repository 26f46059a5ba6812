package lease

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/buckettest"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
)

const (
	name = "fraud/default"
	ttl  = time.Minute
)

func open(t *testing.T) *local.Bucket {
	dir := t.TempDir()
	return local.Open(dir, scratch.At(dir))
}

// clock is one that the test moves.
type clock struct{ seconds atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(c.seconds.Load(), 0) }
func (c *clock) wait(d time.Duration) { c.seconds.Add(int64(d / time.Second)) }
func (c *clock) take(t *testing.T, b bucket.Bucket, who string) (*Lease, error) {
	return Take(t.Context(), b, name, Holder{Who: who, Host: "h", What: "apply"}, ttl, c.now)
}

func held(err error) string {
	var h *HeldError
	if errors.As(err, &h) {
		return h.Holder.Who
	}
	return fmt.Sprint(err)
}

func lost(err error) bool {
	var l *LostError
	return errors.As(err, &l)
}

func TestLease(t *testing.T) {
	b, c := open(t), &clock{}
	ada, err := c.take(t, b, "ada")
	if err != nil || ada.Term() != 1 {
		t.Fatalf("got %v, %v", ada, err)
	}
	if _, err := c.take(t, b, "bob"); held(err) != "ada" || !strings.Contains(err.Error(), "apply by ada on h") {
		t.Errorf("while it is held: got %v", err)
	}
	c.wait(ttl - time.Second)
	if err := ada.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.wait(ttl - time.Second)
	if _, err := c.take(t, b, "bob"); held(err) != "ada" {
		t.Errorf("renewed: got %v", err)
	}
	c.wait(time.Second + Skew) // ada was killed, or sleeps
	bob, err := c.take(t, b, "bob")
	if err != nil || bob.Term() != 2 {
		t.Fatalf("past its time: got %v, %v", bob, err)
	}
	if err := ada.Renew(t.Context()); !lost(err) {
		t.Errorf("renewed too late: got %v", err)
	}
	if err := ada.Release(t.Context()); err != nil {
		t.Errorf("released too late: got %v", err)
	}
	if _, err := c.take(t, b, "eve"); held(err) != "bob" {
		t.Errorf("a late holder gave up another's lease: got %v", err)
	}
	if err := bob.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := bob.Renew(t.Context()); !lost(err) {
		t.Errorf("renewed after it was given up: got %v", err)
	}
	if eve, err := c.take(t, b, "eve"); err != nil || eve.Term() != 3 {
		t.Errorf("given up: got %v, %v", eve, err)
	}
}

// TestOneTakes: of many that take a lease that is free, or past its time, one has it, also where lists lag and answers are lost.
func TestOneTakes(t *testing.T) {
	var n atomic.Int64
	for what, b := range map[string]bucket.Bucket{
		"local": open(t), "lagging": &buckettest.Lagging{Bucket: open(t), Lag: 3},
		"dropping": buckettest.Dropping{Bucket: open(t), Lose: func(string) bool { return n.Add(1)%2 == 0 }},
	} {
		c := &clock{}
		for round := range 10 {
			var took []string
			var mu sync.Mutex
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					l, err := c.take(t, b, fmt.Sprint("w", i))
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						took = append(took, fmt.Sprint("w", i))
						if l.Term() != int64(round+1) {
							t.Errorf("%s: got term %d, want %d", what, l.Term(), round+1)
						}
					} else if !strings.HasPrefix(held(err), "w") {
						t.Errorf("%s: %v", what, err)
					}
				})
			}
			wg.Wait()
			if len(took) != 1 {
				t.Fatalf("%s, round %d: %q took it, want one", what, round, took)
			}
			if _, err := c.take(t, b, "late"); held(err) != took[0] {
				t.Errorf("%s: got %v, want that %s has it", what, err, took[0])
			}
			c.wait(ttl + Skew) // nobody frees anything by hand
		}
	}
}

// TestDamagedTerm: one that is not whole is nobody's.
func TestDamagedTerm(t *testing.T) {
	b, c := open(t), &clock{}
	if _, err := c.take(t, b, "ada"); err != nil {
		t.Fatal(err)
	}
	if err := b.Replace(t.Context(), key(name, 1), strings.NewReader("{")); err != nil {
		t.Fatal(err)
	}
	if l, err := c.take(t, b, "bob"); err != nil || l.Term() != 2 {
		t.Errorf("got %v, %v", l, err)
	}
}

// TestKeep: a lease that is kept outlasts its time; whoever loses it is told.
func TestKeep(t *testing.T) {
	b := open(t)
	take := func(who string) (*Lease, error) {
		return Take(t.Context(), b, name, Holder{Who: who}, 3*time.Second, time.Now)
	}
	ada, err := take("ada")
	if err != nil {
		t.Fatal(err)
	}
	kept, stop := ada.Keep(t.Context())
	defer stop()
	time.Sleep(4 * time.Second)
	if _, err := take("bob"); held(err) != "ada" || kept.Err() != nil {
		t.Errorf("kept: got %v, %v", err, kept.Err())
	}
	if err := bucket.Put(t.Context(), b, key(name, 2), nil); err != nil { // as if its time had been over
		t.Fatal(err)
	}
	select {
	case <-kept.Done():
	case <-time.After(30 * time.Second):
	}
	if !lost(context.Cause(kept)) {
		t.Errorf("lost: got %v", context.Cause(kept))
	}
}

// TestOldTermsAreForgotten: terms that an old one follows are deleted, few at a time; the last old one and all that are younger
// stay, so that whoever looks finds the last, also in a list that is behind.
func TestOldTermsAreForgotten(t *testing.T) {
	b, c := open(t), &clock{}
	c.wait(1000 * time.Hour)
	take := func(b bucket.Bucket) int64 {
		t.Helper()
		l, err := c.take(t, b, "ada")
		if err == nil {
			err = l.Release(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		return l.Term()
	}
	left := func() (out []int64) {
		for n, err := range terms(t.Context(), b, name) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, n)
		}
		return out
	}
	for range 40 {
		take(b)
		c.wait(time.Hour)
	}
	// Term 40 was put 1 h ago, 17 is the youngest of 24 h; each taker deletes what is before.
	if got := left(); got[0] != 16 || len(got) != 25 {
		t.Errorf("an apply an hour: left are %v, want the last old one, 16, to 40", got)
	}
	c.wait(48 * time.Hour)
	if n := take(b); n != 41 {
		t.Errorf("got term %d, want 41", n)
	}
	if got := left(); len(got) != 10 || got[0] != 32 {
		t.Errorf("after two days: left are %v, want 16 terms deleted", got)
	}
	// Lists of a moment ago: without the terms of now, and with those that were deleted.
	behind := &buckettest.Lagging{Bucket: b, Lag: 5}
	for want := int64(42); want < 60; want++ {
		if n := take(behind); n != want {
			t.Fatalf("with lists that lag: got term %d, want %d", n, want)
		}
	}
	if got := left(); got[0] != 40 {
		t.Errorf("with lists that lag: left are %v, want those from the last old one, 40, on", got)
	}
}
