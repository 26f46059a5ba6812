package local

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	tests := []struct{ pattern, root, rest string }{
		{"data/*.csv", "data", "*.csv"},
		{"x.csv", ".", "x.csv"},
		{"./a/b/x.csv", "a/b", "x.csv"},
		{"a/**/b/*.csv", "a", "**/b/*.csv"},
		{"../d/x[12].csv", "../d", "x[12].csv"},
		{"/abs/x.csv", "/abs", "x.csv"},
		{"/x.csv", "/", "x.csv"},
		{"*", ".", "*"},
	}
	for _, test := range tests {
		root, rest := Split(test.pattern)
		if root != test.root || rest != test.rest {
			t.Errorf("%s: got %q %q, want %q %q", test.pattern, root, rest, test.root, test.rest)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"data/b.csv", "data/a.csv", "data/.hidden.csv", "data/x/c.csv", "data/x/y/d.csv", "data/.git/e.csv", "data/note.txt", "data/dir.csv/f",
		"named/a\xffb.csv", "named/a\x1b[2Jb.txt", "named/a\u00a0\u3000b.json"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "data/note.txt"), filepath.Join(dir, "data/link.csv")); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{
		"data/x/loop": "..", "data/self": ".", "data/folder.csv": "x", // links to folders
		"odd/gone/broken.csv": "nowhere", "odd/gone/other.csv": "elsewhere", "odd/partial/b.csv": "nowhere", "odd/circle/a.csv": "a.csv", "odd/device/zero.csv": "/dev/zero",
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink(to, path)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"odd/partial/a.csv", "odd/partial/c.csv"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "odd/pipe"), 0o755), syscall.Mkfifo(filepath.Join(dir, "odd/pipe/p.csv"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if l, err := net.Listen("unix", filepath.Join(dir, "odd/s.csv")); err != nil {
		t.Fatal(err)
	} else {
		defer l.Close()
	}
	tests := []struct {
		pattern, root string
		want          []string
	}{
		{"data/*.csv", "data", []string{"a.csv", "b.csv", "link.csv"}},
		{"data/a.csv", "data", []string{"a.csv"}},
		{"data/[ab].csv", "data", []string{"a.csv", "b.csv"}},
		{"data/**/*.csv", "data", []string{"a.csv", "b.csv", "link.csv", "x/c.csv", "x/y/d.csv"}},
		{"data/**/y/*.csv", "data", []string{"x/y/d.csv"}},
		{"data/*/*.csv", "data", []string{"x/c.csv"}},
		{"named/*.json", "named", []string{"a\u00a0\u3000b.json"}},
		{"data/.h*.csv", "data", []string{".hidden.csv"}},
		{filepath.Join(dir, "data/x/*.csv"), filepath.Join(dir, "data/x"), []string{"c.csv"}},
	}
	for _, test := range tests {
		root, names, err := Find(dir, test.pattern)
		if err != nil || root != test.root {
			t.Errorf("%s: got %q, %v", test.pattern, root, err)
		}
		if d := cmp.Diff(test.want, names); d != "" {
			t.Errorf("%s: %s", test.pattern, d)
		}
	}
	for pattern, want := range map[string]string{
		"odd/gone/*.csv":            "odd/gone/broken.csv is a link to a file that is not there",
		"odd/partial/*":             "odd/partial/b.csv is a link to a file that is not there, and others are there: odd/partial/a.csv",
		"odd/*/a.csv":               "odd/circle/a.csv is a link that cannot be followed: too many levels",
		"odd/device/*.csv":          "odd/device/zero.csv is a pipe, socket or device",
		"odd/*/p.csv":               "odd/pipe/p.csv is a pipe, socket or device",
		"odd/*.csv":                 "odd/s.csv is a pipe, socket or device",
		"data/*.parquet":            `no file matches "data/*.parquet"`,
		"nodata/*.csv":              `no folder nodata`,
		"data/a.parquet":            `no file matches "data/a.parquet"; did you mean "a.csv"?`,
		"dat/*.csv":                 `there is no folder dat; did you mean "data"?`,
		"dat/x/*.csv":               `there is no folder dat/x; did you mean "data"?`,
		"https://example.com/a.csv": `"https://example.com/a.csv" is an address, and only local files are read`,
		"s3://bucket/a.csv":         `aws s3 cp`,
		"data/[a.csv":               "a [ is not closed",
		"named/*.csv":               `the name of "named/a\xffb.csv" is not UTF-8`,
		"named/*.txt":               `the name of "named/a\x1b[2Jb.txt" has a control character`,
	} {
		if _, _, err := Find(dir, pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", pattern, err)
		}
	}
	for pattern, want := range map[string]bool{"odd/gone/*.csv": true, "nodata/*.csv": true, "odd/partial/*.csv": false, "odd/partial/[ab].csv": false, "odd/partial/b.csv": true, "odd/pipe/*.csv": false, "odd/circle/*.csv": false} {
		if _, _, err := Find(dir, pattern); errors.Is(err, fs.ErrNotExist) != want {
			t.Errorf("%s: got %v; is it that nothing is there: want %v", pattern, err, want)
		}
	}
}
