package objects

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// What is moved within a second is not told of, what takes longer once a second, and its end.
func TestMeter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var told []bucket.Transfer
	meterOf := func(total int64) *meter {
		told = nil
		return &meter{tell: func(x bucket.Transfer) { told = append(told, x) }, now: func() time.Time { return now }, began: now, told: now, moved: bucket.Transfer{Total: total}}
	}
	m := meterOf(100)
	for range 10 {
		now = now.Add(90 * time.Millisecond)
		m.add(10)
	}
	if len(told) > 0 {
		t.Errorf("of something quick was told: %v", told)
	}
	m = meterOf(100)
	for range 10 {
		now = now.Add(400 * time.Millisecond)
		m.add(10)
	}
	sec := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	want := []bucket.Transfer{{Done: 30, Total: 100, Elapsed: sec(1.2)}, {Done: 60, Total: 100, Elapsed: sec(2.4)}, {Done: 90, Total: 100, Elapsed: sec(3.6)}, {Done: 100, Total: 100, Elapsed: sec(4)}}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Bytes that are sent once more after a lost request count once, and a value that is there counts whole.
func TestMeterOfASecondAttempt(t *testing.T) {
	m := &meter{tell: func(bucket.Transfer) {}, now: time.Now, moved: bucket.Transfer{Total: 20}}
	first, second := &sending{m: m, size: 10}, &sending{m: m, size: 10}
	sent := bucket.Sent(first.count(t.Context()))
	for _, c := range []struct{ add, want int }{{6, 6}, {3, 9}, {5, 10}, {10, 10}} {
		if sent(c.add); m.moved.Done != int64(c.want) {
			t.Errorf("got %d, want %d", m.moved.Done, c.want)
		}
	}
	first.all()
	second.all() // of a bucket that does not tell
	if m.moved.Done != 20 || m.moved.Total != 20 {
		t.Errorf("at the end: %+v", m.moved)
	}
	unwatched := &sending{size: 10}
	if unwatched.all(); bucket.Sent(unwatched.count(t.Context())) != nil {
		t.Error("counted for nobody")
	}
}
