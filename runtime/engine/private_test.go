package engine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/attempt"
)

// nobody is a user of the machine who has no part in the apply.
const nobody = 65534

// TestRunningStageIsPrivate: what a stage writes while it runs, and keeps between attempts, is out of the reach of other users.
func TestRunningStageIsPrivate(t *testing.T) {
	old := syscall.Umask(0) // at its worst
	defer syscall.Umask(old)
	r := newRig(t)
	done := make(chan *Result)
	n := stage("stage.a", script{SleepMS: 1500, Write: map[string]string{"files/data": "honest"}})
	n.Config, _ = plan.Canonical(script{SleepMS: 1500, Write: map[string]string{"files/data": "honest", "../checkpoint/kept": "honest"}, Exits: []int{5}})
	go func() {
		res, _ := r.try(t.Context(), newPlan(n))
		done <- res
	}()
	var folders []string
	for end := time.Now().Add(time.Minute); len(folders) < 2 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		out, _ := filepath.Glob(r.store.Place().Path("tmp", "session-*", "stage-*", "out"))
		kept, _ := filepath.Glob(r.store.Place().Path("tmp", "session-*", "stage-*", "checkpoint"))
		folders = append(out, kept...)
	}
	if len(folders) < 2 {
		t.Fatalf("got %v, want the running stage's out and checkpoint", folders)
	}
	for _, f := range folders {
		closed(t, r.store.Root(), f)
		tamper(t, r.dir, f)
	}
	res := <-done
	if f := res.node("stage.a").Failure; f == nil || f.Kind != attempt.ExitFailure {
		t.Errorf("got %+v, want the stage's own failure", f)
	}
	left, err := filepath.Glob(r.store.Place().Path("checkpoint", "*", "kept"))
	if err != nil || len(left) != 1 {
		t.Fatalf("got %v, %v, want what the stage kept", left, err)
	}
	closed(t, r.store.Root(), left[0])
	tamper(t, r.dir, filepath.Dir(left[0]))
}

// closed holds that nobody but the owner can come to a path from the store on.
func closed(t *testing.T, from, path string) {
	t.Helper()
	for dir := filepath.Dir(path); strings.HasPrefix(dir, from); dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 == 0 {
			return
		}
	}
	t.Errorf("%s can be reached by other users", path)
}

// tamper tries, as another user, what such a user would. Only root can try.
func tamper(t *testing.T, dir, folder string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	for at := dir; at != os.TempDir() && at != "/"; at = filepath.Dir(at) { // as with the usual umask
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, try := range []string{"ls " + folder, "cat " + folder + "/*", "mv " + folder + " " + folder + ".gone", "touch " + folder + "/evil"} {
		cmd := exec.Command("sh", "-c", try)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Errorf("another user can %q: %s", try, out)
		}
	}
}
