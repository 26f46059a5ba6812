package store

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mlp-lang/mlp/lang/digest"
)

// TestCheckpoint holds that one at a time has a checkpoint's folder, that what is in it stays, and that nothing else does.
func TestCheckpoint(t *testing.T) {
	s, fp := open(t), digest.Of(nil)
	first, err := s.Checkpoint(fp)
	if err != nil || first == nil {
		t.Fatalf("got %v, %v", first, err)
	}
	if second, err := s.Checkpoint(fp); second != nil || err != nil {
		t.Errorf("while it is held: got %v, %v, want none", second, err)
	}
	write(t, filepath.Join(first.Dir, "epoch"), "3")
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := s.Checkpoint(fp)
	if err != nil || again == nil {
		t.Fatalf("once it is free: got %v, %v", again, err)
	}
	if kept, err := os.ReadFile(filepath.Join(again.Dir, "epoch")); string(kept) != "3" {
		t.Errorf("what was kept: got %q, %v", kept, err)
	}
	if err := os.RemoveAll(again.Dir); err != nil {
		t.Fatal(err)
	}
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(s.Place().Path("checkpoint")); err != nil || len(left) != 0 {
		t.Errorf("got %v, %v, want nothing left", left, err)
	}
}

func TestCheckpointOfMany(t *testing.T) {
	s, fp := open(t), digest.Of(nil)
	var holders, most atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				c, err := s.Checkpoint(fp)
				if err != nil {
					t.Error(err)
				}
				if c == nil {
					continue
				}
				most.Store(max(most.Load(), holders.Add(1)))
				holders.Add(-1)
				if err := c.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if most.Load() != 1 {
		t.Errorf("got %d that hold it at once, want 1", most.Load())
	}
}
