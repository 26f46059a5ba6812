package garbage

import (
	"context"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/objects"
)

// Who makes again what a sweep just deleted waits until no late delete can come, and is told of that once, before it waits.
func TestWaitIsTold(t *testing.T) {
	ctx := context.Background()
	b := &memory{values: map[string][]byte{}}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	d := digest.Of([]byte("content"))
	key, err := objects.Key(d)
	if err == nil {
		err = bucket.Put(ctx, b, key, []byte("content"))
	}
	if err == nil {
		err = Mark(ctx, b, []string{key}, now)
	}
	if err != nil {
		t.Fatal(err)
	}
	swept := now.Add(24 * time.Hour)
	now = swept
	s := &Sweeper{Bucket: b, Now: clock, Late: Late, Used: func(context.Context) (map[string]bool, error) { return nil, nil }}
	if deleted, err := s.Sweep(ctx); err != nil || len(deleted) != 1 {
		t.Fatalf("deleted %q: %v", deleted, err)
	}
	var told []time.Time
	waited := 0
	watched := bucket.Watch(ctx, bucket.Watcher{Waits: func(until time.Time) {
		if waited > 0 {
			t.Errorf("told after %d waits", waited)
		}
		told = append(told, until)
	}})
	h := &Holder{Bucket: b, Now: clock, Wait: func(context.Context) error {
		waited++
		now = now.Add(time.Second)
		return nil
	}}
	if err := bucket.Put(ctx, b, key, []byte("content")); err != nil {
		t.Fatal(err)
	}
	if err := h.Hold(watched, []byte(`"`+d+`"`)); err != nil {
		t.Fatal(err)
	}
	if want := swept.Add(Late + Skew); len(told) != 1 || !told[0].Equal(want) {
		t.Errorf("told %v, want once: %v", told, want)
	}
	if want := int((Late + Skew).Seconds()) + 1; waited != want {
		t.Errorf("waited %d s, want %d", waited, want)
	}
	// What nothing collected needs no wait, and nothing is told.
	if err := h.Hold(watched, []byte(`"`+digest.Of([]byte("other"))+`"`)); err != nil || len(told) != 1 {
		t.Errorf("of something else: %v, told %v", err, told)
	}
}
