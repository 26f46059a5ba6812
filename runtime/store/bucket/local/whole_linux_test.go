package local

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestTells: a Linux is known by its release.
func TestTells(t *testing.T) {
	for release, want := range map[string]bool{
		"5.16.20": false, "5.17.0-rc1": true, "5.4.0-150-generic": false, "6.1.0-18-amd64": true, "4.19": false, "10.0.1": true, "linux": false, "": false,
	} {
		if got := tells(release); got != want {
			t.Errorf("%q: got %t, want %t", release, got, want)
		}
	}
}

// TestSyncAll: the first call is not made, nor one for few files, for files of two file systems, or while much is to be written; that is written
// beside.
func TestSyncAll(t *testing.T) {
	dir, m := t.TempDir(), &machine{}
	var paths []string
	for i := range many {
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	for _, c := range []struct {
		what  string
		paths []string
		most  int64
		want  bool
	}{
		{"the first", paths, 1 << 50, false},
		{"few", paths[:fewest-1], 1 << 50, false},
		{"two file systems", append([]string{"/proc/self/stat"}, paths...), 1 << 50, false},
		{"one is gone", append([]string{dir + "/none"}, paths...), 1 << 50, false},
		{"many", paths, 1 << 50, true},
		{"much is to be written", paths, -1, false},
	} {
		m.whole.most = c.most
		if done, err := m.SyncAll(c.paths); done != c.want || err != nil {
			t.Errorf("%s: got %t, %v, want %t", c.what, done, err, c.want)
		}
		m.whole.fit = true // where it is not, the call is made for nothing
	}
	cleared := func() bool {
		m.whole.mu.Lock()
		defer m.whole.mu.Unlock()
		return !m.whole.again.IsZero()
	}
	for end := time.Now().Add(time.Minute); !cleared(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("much is to be written, and it is not")
		}
	}
}
