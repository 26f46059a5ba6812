package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestSweepTakesTheDeadAndLeavesTheLiving(t *testing.T) {
	root := filepath.Join(t.TempDir(), ".mlp")
	alive := At(root)
	defer alive.Close()
	work, err := alive.Temp("work-")
	if err != nil {
		t.Fatal(err)
	}
	dead := At(root)
	left, err := dead.Temp("work-")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(left, "sub"), 0o755), os.WriteFile(filepath.Join(left, "sub", "file"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(left, "sub"), 0o500); err != nil {
		t.Fatal(err)
	}
	if err := dead.session.lock.Close(); err != nil { // what the kernel does when a process dies
		t.Fatal(err)
	}
	n, err := alive.SweepSessions()
	if err != nil || n != 1 {
		t.Errorf("swept: got %d, %v, want 1", n, err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("the dead one's folder: got %v, want it gone", err)
	}
	if _, err := os.Stat(work); err != nil {
		t.Errorf("the living one's folder: %v", err)
	}
}

func TestSweepOfNothing(t *testing.T) {
	s := At(filepath.Join(t.TempDir(), "none"))
	if n, err := s.SweepSessions(); n != 0 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if _, err := os.Stat(s.Path()); !os.IsNotExist(err) {
		t.Error("looking created the store")
	}
}
