package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/store/garbage"
	"github.com/mlp-lang/mlp/runtime/store/objects"
	"github.com/mlp-lang/mlp/runtime/store/records"
)

// TestCopiesAreNoProof: a machine that has copies of a result which a collection deleted takes it for missing, when it begins after the sweep; where it
// began before, it cannot hold it for a revision.
func TestCopiesAreNoProof(t *testing.T) {
	b, _ := shared(t)
	ada, bob := machine(t, b), machine(t, b)
	ctx := t.Context()
	dir, err := ada.PutDir(ctx, folder(t, map[string]string{"x": "some content"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	fp := digest.Of([]byte("a fingerprint"))
	if _, err := ada.PutAction(plan.Action{Fingerprint: fp, Address: "train.m", Outputs: map[string]plan.Digest{"out": dir}}); err != nil {
		t.Fatal(err)
	}
	out := map[string]plan.Digest{"out": dir}
	if _, err := bob.Action(fp); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.ReadFile(dir, "x"); err != nil || bob.Present(out) != nil {
		t.Fatal(err, bob.Present(out))
	}
	x, err := garbage.NewIndex(ctx, b)
	if err != nil || len(x.Keys()) != 3 {
		t.Fatalf("got keys %q, %v; want a record, a list and a file", x.Keys(), err)
	}
	if err := garbage.Mark(ctx, b, x.Keys(), time.Now()); err != nil {
		t.Fatal(err)
	}
	s := garbage.Sweeper{Bucket: b, Now: time.Now, Used: func(context.Context) (map[string]bool, error) { return nil, nil }}
	if deleted, err := s.Sweep(ctx); err != nil || len(deleted) != 3 {
		t.Fatalf("deleted %q, %v", deleted, err)
	}

	var gone *garbage.GoneError
	if err := bob.Hold(ctx, []byte(string(fp)+" "+string(dir))); !errors.As(err, &gone) {
		t.Errorf("who began before the sweep may record what it deleted: %v", err)
	}
	late, err := over(t, b, bob.Root())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.Action(fp); !errors.Is(err, ErrMissing) {
		t.Errorf("a record that was deleted is there for a machine that has a copy: %v", err)
	}
	if err := late.Present(out); !errors.Is(err, ErrMissing) {
		t.Errorf("objects that were deleted are there for a machine that has copies: %v", err)
	}
	if _, err := late.PutDir(ctx, folder(t, map[string]string{"x": "some content"}), nil); err != nil || late.Present(out) != nil {
		t.Errorf("what is made again is not there: %v, %v", err, late.Present(out))
	}
	if err := late.Hold(ctx, []byte(dir)); err != nil {
		t.Errorf("what was made again cannot be held: %v", err)
	}
	key, _ := objects.Key(dir)
	if x.Has(records.Prefix) || !x.Has(key) {
		t.Error("the index does not say what was listed")
	}
}
