package cli

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
)

// clone is a copy of a module of two sources on a machine that has seen nothing of its store.
func clone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"p.mlp": twoSources, "a.csv": "id\n1\n", "b.csv": "id\n2\n"} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	return dir
}

// ends runs mlp and wants an exit code, and texts in what it prints.
func ends(t *testing.T, dir string, code int, wants []string, args ...string) {
	t.Helper()
	stdout, stderr, exit := run(t, dir, args...)
	for _, want := range wants {
		if !strings.Contains(stdout+stderr, want) {
			t.Errorf("%s does not say %q:\n%s%s", strings.Join(args, " "), want, stdout, stderr)
		}
	}
	if exit != code || strings.Contains(stdout+stderr, s3test.SecretKey) {
		t.Fatalf("%s: exit code %d, want %d\n%s%s", strings.Join(args, " "), exit, code, stdout, stderr)
	}
}

var applyHere = []string{"apply", "--auto-approve", "--executor", "process"}

// TestStoreS3 has two clones of a module share a bucket on a real server: what one has applied is nothing to do for the other. The flag counts
// before the environment, and that before the module.
func TestStoreS3(t *testing.T) {
	s := s3test.Start(t, "models")
	url := s.URL("models/two")
	ada, bob := clone(t), clone(t)
	ends(t, ada, 0, []string{"The store is s3://models/two.", "Trying whether s3://models/two"}, "init", "--store", url)
	ends(t, ada, 0, []string{"Applied: 2 ran"}, append(applyHere, "--store", url)...)
	t.Setenv("MLP_STORE", url)
	ends(t, bob, 0, []string{"nothing to do, 2 cached"}, "plan")
	ends(t, bob, 0, []string{"all is as it was written"}, "store", "verify")
	ends(t, bob, 0, []string{"2 to run"}, "plan", "--store", s.URL("models/other"))
	t.Setenv("MLP_STORE", "")
	ends(t, bob, 0, []string{"2 to run"}, "plan")
	writeFile(t, filepath.Join(bob, "p.mlp"), strings.Replace(twoSources, "{}", "{\n  store = \""+url+"\"\n}", 1))
	ends(t, bob, 0, []string{"2 cached", "store of pipeline.two  absent → " + url}, "plan")
	writeFile(t, filepath.Join(bob, "b.csv"), "id\n3\n")
	ends(t, bob, 0, []string{"Applied: 1 ran, 1 cached"}, applyHere...)
	ends(t, bob, 1, []string{"there is no such bucket (NoSuchBucket)", "Create it"}, "plan", "--store", s.URL("nothing"))
	ends(t, bob, 1, []string{"--store: the store's URL has a parameter", "Did you mean region?"}, "plan", "--store", "s3://models?regoin=x")
	if _, err := os.Stat(filepath.Join(ada, ".mlp", "log")); err == nil {
		t.Error("the state is beside the module, too")
	}
	// A bucket that was emptied and filled anew is another store, whatever is kept of the old one.
	if err := os.RemoveAll(filepath.Join(s.Dir, "models", "two")); err != nil {
		t.Fatal(err)
	}
	ends(t, ada, 0, []string{"2 to run"}, "plan", "--store", url)
	ends(t, bob, 0, []string{"Applied: 2 ran"}, applyHere...)
	ends(t, ada, 0, []string{"to run"}, "plan", "--store", url)
}

// TestStoreS3BadNetwork: an apply, and a plan elsewhere, come through a network that loses, repeats, delays and refuses.
func TestStoreS3BadNetwork(t *testing.T) {
	url := s3test.Start(t, "models").Behind(t, s3test.Bad).URL("models/two")
	t.Setenv("MLP_STORE", url)
	ends(t, clone(t), 0, []string{"Applied: 2 ran"}, applyHere...)
	bob := clone(t)
	ends(t, bob, 0, []string{"nothing to do, 2 cached"}, "plan")
	ends(t, bob, 0, []string{"all is as it was written"}, "store", "verify")
}

// TestStoreS3Lease: while one machine applies another is told who does, and once that one was killed the other goes on by itself.
func TestStoreS3Lease(t *testing.T) {
	t.Setenv("MLP_STORE", s3test.Start(t, "models").URL("models/two"))
	ada, bob := clone(t), clone(t)
	cmd := exec.Command(mlp, append([]string{"-C", ada}, applyHere...)...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.HasSuffix(lines.Text(), " started"); {
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ends(t, bob, exitLocked, []string{"two, workspace default, is locked: apply by ", " since ", "nothing is to be freed: the lock ends by itself at "}, applyHere...)
	ends(t, bob, 0, []string{"2 to run"}, "plan")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // it was killed
	ends(t, bob, 0, []string{"Waiting: two, workspace default, is locked: apply by ", "Applied: "}, append(applyHere, "--wait")...)
	ends(t, ada, 0, []string{"nothing to do, 2 cached"}, "plan")
}
