package cli

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// done holds examples/fraud after its first apply; it is made once for all tests of this package.
var done struct {
	once sync.Once
	dir  string
}

// appliedFraud is a copy of examples/fraud in which everything has run and is released, for a test to work in.
func appliedFraud(t *testing.T) string {
	t.Helper()
	done.once.Do(func() {
		dir, err := os.MkdirTemp(during, "fraud")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(dir, os.DirFS(exampleCopy(t, "fraud"))); err != nil {
			t.Fatal(err)
		}
		mustRun(t, dir, "apply", "--auto-approve", "--executor", "process", "--parallelism", "1") // so that revisions have an order
		done.dir = dir
	})
	if done.dir == "" {
		t.Fatal("examples/fraud could not be applied; another test says why")
	}
	dir := filepath.Join(t.TempDir(), "fraud")
	if err := os.CopyFS(dir, os.DirFS(done.dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}
