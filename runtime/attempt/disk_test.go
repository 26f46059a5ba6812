package attempt

import (
	"os"
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
