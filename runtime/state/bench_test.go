package state

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/store"
)

// BenchmarkLoad reads the state from a log of 5,000 revisions on 500 stages: from the last checkpoint, and with the whole
// history for comparison.
func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	if memory, err := os.MkdirTemp("/dev/shm", "mlp-bench-"); err == nil { // not how fast a disk syncs
		dir = memory
		defer os.RemoveAll(memory)
	}
	s, err := store.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	l, err := Open(s, "test", "default")
	if err != nil {
		b.Fatal(err)
	}
	ctx, st := context.Background(), empty("test", "default")
	for i := range 5_000 {
		d := digest.Of([]byte(fmt.Sprint(i)))
		n := &plan.NodeState{Kind: "dataset", Type: "sql", Version: 1, Definition: d, Fingerprint: d, Config: []byte(`{"sql":"select * from t where a > 1"}`),
			Outputs: map[string]plan.Digest{"table": d}}
		if st, err = l.Append(ctx, st, []plan.Event{{Key: fmt.Sprintf("node/dataset.d%03d", i%500), Node: n}}); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("state", func(b *testing.B) {
		for b.Loop() {
			if got, err := l.Load(ctx); err != nil || got.Revision != 5_000 || len(got.Nodes) != 500 {
				b.Fatalf("got revision %d of %d stages, %v", got.Revision, len(got.Nodes), err)
			}
		}
	})
	b.Run("history", func(b *testing.B) {
		for b.Loop() {
			if got, err := l.History(ctx); err != nil || len(got) != 5_000 {
				b.Fatalf("got %d revisions, %v", len(got), err)
			}
		}
	})
}
