package workspace

import (
	"fmt"
	"testing"
)

// FuzzLock takes any text for a lock file: what is taken for one is written back as the same.
func FuzzLock(f *testing.F) {
	for _, text := range []string{`{"format":1,"schemas":{}}`, `{"format":1,"schemas":{"source.a":[{"name":"x","type":"bigint"}]}}`,
		`{"format":1,"schemas":{},"versions":{"source.a":{"path":"a.csv","digest":"blake3:00","root":".","files":[{"name":"a.csv","size":1,"digest":"blake3:00"}]}}}`,
		`{"format":1,"schemas":{"source.a":[{"name":"x","type":"bigint"}]},"versions":{"source.a":{"path":"postgres://a@b/c d","digest":"","root":"postgres://a@b/c d","files":[],"remote":true}}}`,
		`{"format":1,"schemas":{},"modules":{"git::https://example.com/a.git":{"commit":"00","digest":"blake3:00"}}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parseLock(text)
		if err != nil {
			return
		}
		for _, v := range l.Versions {
			_ = v.summary()
		}
		dir := t.TempDir()
		if _, err := l.write(dir); err != nil {
			t.Fatal(err)
		}
		again, err := ReadLock(dir)
		if err != nil {
			t.Fatalf("%q: written, it cannot be read: %v", text, err)
		}
		if fmt.Sprint(again) != fmt.Sprint(l) {
			t.Errorf("%q: got %v, want %v", text, again, l)
		}
	})
}
