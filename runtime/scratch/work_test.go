package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// stage lays out what an attempt does, with a file of the stage in each folder but the executor's.
func stage(t *testing.T, p *Place) string {
	t.Helper()
	work, err := p.Work()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"in/from.a/table", "out/table/x", "checkpoint/x", "log"} {
		file := filepath.Join(work, f)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return work
}

// TestWorkIsUsedAgain: the next stage gets the folder of one that is over, with nothing of that one in it, and only then.
func TestWorkIsUsedAgain(t *testing.T) {
	p := At(filepath.Join(t.TempDir(), ".mlp"))
	first := stage(t, p)
	if second := stage(t, p); second == first {
		t.Fatal("two stages have one folder")
	}
	if err := os.MkdirAll(filepath.Join(first, executors, "home"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(first, "out", "b"), 0o755), os.WriteFile(filepath.Join(first, "out", "b", "y"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	p.Rest(first)
	again, err := p.Work()
	if err != nil || again != first {
		t.Fatalf("got %s, %v, want %s", again, err, first)
	}
	var left []string
	err = filepath.WalkDir(again, func(path string, e os.DirEntry, err error) error {
		name, _ := filepath.Rel(again, path)
		left = append(left, name)
		return err
	})
	if want := []string{".", "checkpoint", "in", "out", "out/b", executors, executors + "/home"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("got %q, %v, want %q", left, err, want)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if other := stage(t, p); other == first {
		t.Error("a folder is used again that went with its session")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// TestWorkIsNotUsedAgain: a folder that cannot be emptied is gone, and the next stage has another.
func TestWorkIsNotUsedAgain(t *testing.T) {
	for name, spoil := range map[string]func(work string) error{
		"handed over":        func(work string) error { return os.Chmod(filepath.Join(work, "out"), 0) },
		"no folder any more": func(work string) error { return os.RemoveAll(work) },
	} {
		p := At(filepath.Join(t.TempDir(), ".mlp"))
		first := stage(t, p)
		if err := spoil(first); err != nil {
			t.Fatal(err)
		}
		p.Rest(first)
		if _, err := os.Lstat(first); !os.IsNotExist(err) {
			t.Errorf("%s: got %v, want it gone", name, err)
		}
		if again := stage(t, p); again == first {
			t.Errorf("%s: it is used again", name)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestLeftSaysWhatRan: of a process that was killed, a folder in which nothing ran is no stage that was running.
func TestLeftSaysWhatRan(t *testing.T) {
	p := At(filepath.Join(t.TempDir(), ".mlp"))
	work := stage(t, p)
	p.Rest(work)
	if err := p.session.lock.Close(); err != nil { // what the kernel does when a process dies
		t.Fatal(err)
	}
	if At(p.dir).Left() {
		t.Error("an idle folder counts as a stage that was running")
	}
	if _, err := p.Work(); err != nil || !At(p.dir).Left() {
		t.Errorf("got %v; a stage that was running is not seen", err)
	}
}

// TestOnly: whatever stands there, a folder with empty folders of the names does afterwards, and what links lead to is as it was.
func TestOnly(t *testing.T) {
	elsewhere := t.TempDir()
	if err := os.WriteFile(filepath.Join(elsewhere, "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	write := func(path string, mode os.FileMode) error {
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Chmod(filepath.Dir(path), mode), os.WriteFile(path, nil, 0o600))
	}
	for name, lay := range map[string]func(dir string) error{
		"nothing":            func(string) error { return nil },
		"a file":             func(dir string) error { return os.WriteFile(dir, nil, 0o600) },
		"a link to a folder": func(dir string) error { return os.Symlink(elsewhere, dir) },
		"another name":       func(dir string) error { return write(filepath.Join(dir, "c", "x"), 0o755) },
		"a name":             func(dir string) error { return write(filepath.Join(dir, "a", "x"), 0o755) },
		"a name, but closed": func(dir string) error { return write(filepath.Join(dir, "a", "x"), 0o700) },
		"a name, but a file": func(dir string) error { return write(filepath.Join(dir, "b"), 0o755) },
		"a name, but a link": func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o755), os.Symlink(elsewhere, filepath.Join(dir, "b")))
		},
		"folders in a name":    func(dir string) error { return write(filepath.Join(dir, "b", "a", "b", "x"), 0o755) },
		"a file beside a name": func(dir string) error { return write(filepath.Join(dir, "x"), 0o755) },
	} {
		dir := filepath.Join(t.TempDir(), "x")
		if err := errors.Join(lay(dir), Only(dir, "a", "b")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var left []string
		_ = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			info, _ := e.Info()
			rel, _ := filepath.Rel(dir, path)
			left = append(left, rel)
			if rel != "." && (err != nil || !info.IsDir() || info.Mode().Perm() != 0o755) {
				t.Errorf("%s: %s is %v, %v", name, rel, info.Mode(), err)
			}
			return nil
		})
		if want := []string{".", "a", "b"}; !slices.Equal(left, want) {
			t.Errorf("%s: got %q, want %q", name, left, want)
		}
	}
	if left, err := os.ReadDir(elsewhere); err != nil || len(left) != 1 {
		t.Errorf("what a link leads to: got %v, %v, want it as it was", left, err)
	}
}

// TestEmptied: whatever stands there, an empty folder does afterwards, and what a link leads to is as it was.
func TestEmptied(t *testing.T) {
	elsewhere := t.TempDir()
	if err := os.WriteFile(filepath.Join(elsewhere, "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, lay := range map[string]func(dir string) error{
		"nothing":            func(string) error { return nil },
		"a file":             func(dir string) error { return os.WriteFile(dir, nil, 0o600) },
		"a link":             func(dir string) error { return os.Symlink("nowhere", dir) },
		"a link to a folder": func(dir string) error { return os.Symlink(elsewhere, dir) },
		"a folder":           func(dir string) error { return os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700) },
	} {
		dir := filepath.Join(t.TempDir(), "x")
		if err := errors.Join(lay(dir), Emptied(dir)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: got %v, %v", name, left, err)
		}
	}
	if left, err := os.ReadDir(elsewhere); err != nil || len(left) != 1 {
		t.Errorf("what a link leads to: got %v, %v, want it as it was", left, err)
	}
}
