package attempt

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDiskWatch: a stage need not end by itself.
func TestDiskWatch(t *testing.T) {
	dir := t.TempDir()
	q := &quota{bytes: 1 << 20, folders: []string{dir}, interval: time.Millisecond}
	over := make(chan error, 1)
	go q.watch(t.Context(), func(why error) { over <- why })
	if err := os.WriteFile(dir+"/a", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case <-over:
		t.Fatal("ended with nothing written")
	case <-time.After(50 * time.Millisecond):
	}
	if err := os.Truncate(dir+"/a", 2<<20); err != nil {
		t.Fatal(err)
	}
	select {
	case why := <-over:
		if why != errOverQuota {
			t.Errorf("got %v", why)
		}
	case <-time.After(time.Minute):
		t.Error("it is not seen")
	}
}

// TestQuotaFollowsAMovedFolder: what a stage writes counts also where its executor has the folder elsewhere while it runs.
func TestQuotaFollowsAMovedFolder(t *testing.T) {
	dir := t.TempDir()
	moved, link := filepath.Join(dir, "moved"), filepath.Join(dir, "out")
	if err := errors.Join(os.Mkdir(moved, 0o700), os.Symlink(moved, link), os.WriteFile(filepath.Join(moved, "f"), make([]byte, 100), 0o600)); err != nil {
		t.Fatal(err)
	}
	for limit, want := range map[int64]bool{99: true, 100: false} {
		q := &quota{bytes: limit, folders: []string{link}}
		if got := q.exceeded(); got != want {
			t.Errorf("a limit of %d bytes: got %t, want %t", limit, got, want)
		}
	}
}
