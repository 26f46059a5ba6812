package attempt

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
)

// TestKeptWhileItRuns: what a program has in its checkpoint folder is in the bucket before it ends, again where it changed, and nothing that has a secret in it.
func TestKeptWhileItRuns(t *testing.T) {
	dir := t.TempDir()
	b := local.Open(filepath.Join(dir, "bucket"), scratch.At(dir))
	machine := func() *store.Store {
		s, err := store.Over(t.Context(), b, filepath.Join(t.TempDir(), ".mlp"), "s3://models")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	task, other := foreign(t), machine()
	a := &Attempt{Task: task, Options: Options{Store: machine(), KeepEach: 5 * time.Millisecond}, node: task.Node, secrets: &secrets{forms: []form{{"open sesame", "door"}}}}
	var err error
	if a.kept, err = a.Store.Checkpoint(a.Fingerprint); err != nil {
		t.Fatal(err)
	}
	defer a.kept.Release()
	a.task.Checkpoint = a.kept.Dir
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(a.kept.Dir, "epoch"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere := func() string {
		t.Helper()
		got := filepath.Join(t.TempDir(), "c")
		if err := os.Mkdir(got, 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Fetch(t.Context(), a.Fingerprint, got); err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(filepath.Join(got, "epoch"))
		return string(text)
	}
	await := func(want string) {
		t.Helper()
		for until := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			got := elsewhere()
			if got == want {
				return
			}
			if time.Now().After(until) {
				t.Fatalf("another machine finds %q, want %q", got, want)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	kept := a.keepOn(ctx)
	write("1")
	await("1")
	write("the second")
	await("the second")
	write("open sesame")
	time.Sleep(50 * time.Millisecond)
	write(base64.StdEncoding.EncodeToString([]byte("the third")))
	await("dGhlIHRoaXJk")
	cancel()
	if !<-kept {
		t.Error("it does not say that something is kept")
	}
	write("after the end")
	time.Sleep(50 * time.Millisecond)
	if got := elsewhere(); got != "dGhlIHRoaXJk" {
		t.Errorf("what was written after the end is kept: %q", got)
	}
	if err := a.Store.Forget(t.Context(), a.Fingerprint); err != nil || elsewhere() != "" {
		t.Errorf("forgotten, and found again, %v", err)
	}
}
