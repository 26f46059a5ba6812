package expr

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"
)

// TestFilesAreRegular: nothing but a regular file of the module is read, and nothing is waited for.
func TestFilesAreRegular(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"text": "hello", ".git/config": "token", "sub/.GIT/config": "token"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"to-pipe": "pipe", "to-device": "/dev/zero", "to-text": "text"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"text": "", "to-text": "", "pipe": "no regular file", "to-pipe": "no regular file", "to-device": "cannot be read",
		"sub": "no regular file", "../x": "leads out", ".git/config": "belongs to git", "sub/.GIT/config": "belongs to git", "sub/../.git/config": "belongs to git",
	} {
		for name, f := range map[string]interface {
			Call([]cty.Value) (cty.Value, error)
		}{"file": fileFunction(dir), "filehash": filehashFunction(dir)} {
			done := make(chan error, 1)
			go func() { _, err := f.Call([]cty.Value{cty.StringVal(path)}); done <- err }()
			select {
			case err := <-done:
				if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
					t.Errorf("%s(%q): got %v, want %q", name, path, err, want)
				}
			case <-time.After(20 * time.Second):
				t.Errorf("%s(%q) waits", name, path)
			}
		}
	}
}
