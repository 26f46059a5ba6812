package objects

import (
	"bytes"
	"io"
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

// Bytes that are sent once more after a lost request count once.
func TestMeterOfASecondAttempt(t *testing.T) {
	m := &meter{tell: func(bucket.Transfer) {}, now: time.Now, moved: bucket.Transfer{Total: 10}}
	r := m.seeker(bytes.NewReader([]byte("0123456789")))
	for _, n := range []int64{10, 4, 10} {
		if _, err := r.Seek(0, io.SeekEnd); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if got, err := io.CopyN(io.Discard, r, n); err != nil || got != n {
			t.Fatal(got, err)
		}
		if m.moved.Done != 10 || m.moved.Total != 10 {
			t.Errorf("after %d bytes: %+v", n, m.moved)
		}
	}
}
