package fetch

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository makes a git repository of links and files, and returns its source.
func repository(t *testing.T, files, links map[string]string) Source {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"commit", "-q", "-m", "one"}, {"tag", "v1"}} {
		args = append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	s, err := Parse("git::file://" + dir + "?ref=v1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGet(t *testing.T) {
	s := repository(t, map[string]string{"a/main.mlp": "x", "b.mlp": "y"}, map[string]string{"a/b.mlp": "../b.mlp"})
	dir := t.TempDir()
	p, err := Get(context.Background(), dir, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	if err := Verify(dir, s, p); err != nil {
		t.Error(err)
	}
	if again, err := Get(context.Background(), dir, s, &p); err != nil || again != p {
		t.Errorf("got %+v, %v; want %+v", again, err, p)
	}
	found, err := os.ReadDir(dir)
	if err != nil || len(found) != 1 || found[0].Name() != s.Name(p) {
		t.Errorf("got %v, %v; want the repository's folder alone", found, err)
	}
	if _, err := os.Stat(filepath.Join(dir, s.Name(p), ".git")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf(".git: %v; want none", err)
	}
}

// TestVerify: whatever is changed, added or taken away is found.
func TestVerify(t *testing.T) {
	s := repository(t, map[string]string{"a.mlp": "x", "b.mlp": "y"}, map[string]string{"c": "a.mlp"})
	for name, change := range map[string]func(dir string) error{
		"changed":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "a.mlp"), []byte("z"), 0o644) },
		"added":      func(dir string) error { return os.WriteFile(filepath.Join(dir, ".hidden"), nil, 0o644) },
		"taken away": func(dir string) error { return os.Remove(filepath.Join(dir, "b.mlp")) },
		"renamed":    func(dir string) error { return os.Rename(filepath.Join(dir, "b.mlp"), filepath.Join(dir, "d.mlp")) },
		"other link": func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "c")), os.Symlink("b.mlp", filepath.Join(dir, "c")))
		},
		"link for file": func(dir string) error {
			return errors.Join(os.Rename(filepath.Join(dir, "a.mlp"), dir+".a"), os.Symlink(dir+".a", filepath.Join(dir, "a.mlp")))
		},
	} {
		dir := t.TempDir()
		p, err := Get(context.Background(), dir, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := change(filepath.Join(dir, s.Name(p))); err != nil {
			t.Fatal(err)
		}
		if err := Verify(dir, s, p); !errors.Is(err, ErrAltered) {
			t.Errorf("%s: got %v, want %v", name, err, ErrAltered)
		}
	}
	if err := Verify(t.TempDir(), s, Pin{Commit: strings.Repeat("0", 40)}); !errors.Is(err, ErrMissing) {
		t.Errorf("nothing there: got %v, want %v", err, ErrMissing)
	}
}

// TestLinksOut: no chain of links leads out of a repository.
func TestLinksOut(t *testing.T) {
	for name, links := range map[string]map[string]string{
		"absolute":                    {"x.mlp": "/etc/passwd"},
		"upwards":                     {"x.mlp": "../../../../../../etc/passwd"},
		"by a link":                   {"here": ".", "x": "here/../../y"},
		"to a file that is not there": {"x": "../nothing"},
	} {
		dir := t.TempDir()
		_, err := Get(context.Background(), dir, repository(t, map[string]string{"a.mlp": "x"}, links), nil)
		if err == nil || !strings.Contains(err.Error(), "leads out") {
			t.Errorf("%s: got %v, want an error", name, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: %v is left", name, left)
		}
	}
}

// TestPinned: a pin of other files is not taken, nor a commit that is not there.
func TestPinned(t *testing.T) {
	s := repository(t, map[string]string{"a.mlp": "x"}, nil)
	p, err := Get(context.Background(), t.TempDir(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	other := p
	other.Digest = "blake3:" + p.Digest[len(p.Digest)-64:len(p.Digest)-1] + "0"
	if other == p {
		other.Digest = other.Digest[:len(other.Digest)-1] + "1"
	}
	if _, err := Get(context.Background(), t.TempDir(), s, &other); !errors.Is(err, ErrOther) {
		t.Errorf("got %v, want %v", err, ErrOther)
	}
	if _, err := Get(context.Background(), t.TempDir(), s, &Pin{Commit: strings.Repeat("0", 40)}); !errors.Is(err, ErrGone) {
		t.Errorf("got %v, want %v", err, ErrGone)
	}
}

func TestSaid(t *testing.T) {
	for in, want := range map[string]string{
		"/usr/bin/git exited with 128: Cloning into '/tmp/x'...\nfatal: unable to access 'https://ann:hunter22@example.com/x.git/': no\n":                                                                                                             "fatal: unable to access 'https://example.com/x.git/': no",
		"/usr/bin/git exited with 128: Cloning into '/tmp/x'...\ngit@example.com: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n": "git@example.com: Permission denied (publickey); fatal: Could not read from remote repository",
		"something else": "something else",
	} {
		if got := said(errors.New(in)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
