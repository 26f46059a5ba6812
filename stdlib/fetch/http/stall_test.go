package http

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/runtime/component"
)

// TestStalled: of a server that says nothing any more while it holds the connection, the rest is asked for anew; and a server that says
// nothing at all is told.
func TestStalled(t *testing.T) {
	text := strings.Repeat("0123456789", 1000)
	for _, test := range []struct {
		name  string
		heals bool
		want  string
	}{
		{"once", true, ""},
		{"always", false, "nothing came for 200ms, and so it was 4 times"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked atomic.Int64
			ended := make(chan struct{})
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"one"`)
				if asked.Add(1) > 1 && test.heals {
					http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
					return
				}
				w.Header().Set("Content-Length", fmt.Sprint(len(text)))
				if r.Header.Get("Range") == "" {
					_, _ = io.WriteString(w, text[:4000])
				} else {
					w.Header().Set("Content-Range", fmt.Sprintf("bytes 4000-%d/%d", len(text)-1, len(text)))
					w.Header().Set("Content-Length", fmt.Sprint(len(text)-4000))
					w.WriteHeader(http.StatusPartialContent)
				}
				w.(http.Flusher).Flush()
				<-ended
			}))
			defer s.Close()
			defer close(ended)
			path := filepath.Join(t.TempDir(), "file")
			file, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			root := t.TempDir()
			if err := os.WriteFile(filepath.Join(root, "stage.json"), fmt.Appendf(nil, `{"protocol": %d}`, component.Protocol), 0o644); err != nil {
				t.Fatal(err)
			}
			stage, err := component.Open(root, 1, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			d := &download{Config: Config{URL: s.URL, MaxBytes: 1 << 20}, stage: stage, planned: `ETag "one"`, file: file, sum: sha256.New(), quiet: 200 * time.Millisecond}
			err = errors.Join(d.whole(t.Context()), file.Close())
			got, _ := os.ReadFile(path)
			if test.want == "" && (err != nil || string(got) != text) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !errors.Is(err, component.ErrRetry)) {
				t.Errorf("got %v", err)
			}
		})
	}
}
