package scratch

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The test binary is also a process that makes a folder and is killed.
func TestMain(m *testing.M) {
	if os.Getenv("MLP_TEST_HOLD") != "" {
		f, err := New(Table)
		if err != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString(f.Dir)
		time.Sleep(time.Minute)
	}
	os.Exit(m.Run())
}

// TestSweep: what a killed process left goes; what is used, is being made or is not of this package stays.
func TestSweep(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "MLP_TEST_HOLD=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := out.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	left := string(buf[:n])
	mine, err := New(Secrets)
	if err != nil {
		t.Fatal(err)
	}
	old, young := filepath.Join(tmp, hidden+"mlp-table-1"), filepath.Join(tmp, hidden+"mlp-table-2")
	other, link := filepath.Join(tmp, "mlp-of-somebody"), filepath.Join(tmp, "mlp-table-link")
	for _, dir := range []string{old, young, other} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-2 * forgotten)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	Sweep()
	look(t, left, true)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	Sweep()
	for path, want := range map[string]bool{left: false, mine.Dir: true, old: false, young: true, other: true, link: true} {
		look(t, path, want)
	}
	if info, err := os.Stat(mine.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v; want a folder that is closed to others", info, err)
	}
	if err := mine.Close(); err != nil {
		t.Fatal(err)
	}
	look(t, mine.Dir, false)
}

func look(t *testing.T, path string, want bool) {
	t.Helper()
	if _, err := os.Lstat(path); (err == nil) != want {
		t.Errorf("%s is there: %t, want %t", path, err == nil, want)
	}
}
