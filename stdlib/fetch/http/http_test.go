package http_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/fetch/fetchtest"
	fetch "github.com/mlp-lang/mlp/stdlib/fetch/http"
)

// server serves one text at every path, and what a test adds to that.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	text   string
	ranges []string // that were asked for
	serve  func(w http.ResponseWriter, r *http.Request, text string)
}

func serve(t *testing.T, text string, f func(w http.ResponseWriter, r *http.Request, text string)) *server {
	s := &server{text: text, serve: f}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		text := s.text
		if r.Method == http.MethodGet {
			s.ranges = append(s.ranges, r.Header.Get("Range"))
		}
		s.mu.Unlock()
		s.serve(w, r, text)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) set(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = text
}

// tag is the ETag of a text.
func tag(text string) string { return fmt.Sprintf("%q", sum(text)[:16]) }

func sum(text string) string {
	d := sha256.Sum256([]byte(text))
	return hex.EncodeToString(d[:])
}

// content answers as a good server does.
func content(w http.ResponseWriter, r *http.Request, text string) {
	w.Header().Set("ETag", tag(text))
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
}

func TestLaws(t *testing.T) {
	const token = "token-of-the-test"
	s := serve(t, "id\n1\n", func(w http.ResponseWriter, r *http.Request, text string) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		content(w, r, text)
	})
	fetchtest.Laws(t, fetchtest.Subject{Component: &fetch.Component, Config: fetch.Config{URL: s.URL + "/a.csv", MaxBytes: 1000}, Secret: token,
		Change: func() { s.set("id\n2\n") }})
}

// TestLawsByDate is of a server that has no ETags, nor HEAD.
func TestLawsByDate(t *testing.T) {
	at := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	s := serve(t, "id\n1\n", func(w http.ResponseWriter, r *http.Request, text string) {
		if r.Method != http.MethodGet {
			http.Error(w, "no", http.StatusMethodNotAllowed)
			return
		}
		http.ServeContent(w, r, "", at.Add(time.Duration(len(text))*time.Minute), strings.NewReader(text))
	})
	fetchtest.Laws(t, fetchtest.Subject{Component: &fetch.Component, Config: fetch.Config{URL: s.URL, MaxBytes: 1000}, Change: func() { s.set("id\n2\n3\n") }})
}

// dropping serves at most most bytes of an answer, though more are announced, and then drops the connection.
func dropping(most int, weak bool) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, text string) {
		from := 0
		if r.Header.Get("If-Range") == tag(text) {
			fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		}
		rest, name := text[from:], tag(text)
		if weak {
			name = "W/" + name
		}
		w.Header().Set("ETag", name)
		w.Header().Set("Content-Length", strconv.Itoa(len(rest)))
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(text)-1, len(text)))
			w.WriteHeader(http.StatusPartialContent)
		}
		if r.Method == http.MethodHead {
			return
		}
		_, _ = w.Write([]byte(rest[:min(most, len(rest))]))
		if len(rest) > most {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}
}

// TestResume: a connection that drops goes on where it was, by the strong ETag.
func TestResume(t *testing.T) {
	text := strings.Repeat("0123456789", 5000)
	s := serve(t, text, dropping(20_000, false))
	subject := fetchtest.Subject{Component: &fetch.Component, Config: fetch.Config{URL: s.URL + "/a.csv", MaxBytes: 1 << 20, SHA256: sum(text)}}
	files, _, err := subject.Fetch(t.Context(), t, "sha256 "+sum(text))
	if err != nil || files["a.csv"] != text {
		t.Fatalf("got %d bytes, %v", len(files["a.csv"]), err)
	}
	if got := strings.Join(s.ranges, " "); !strings.HasPrefix(got, " bytes=") || len(s.ranges) < 3 {
		t.Errorf("asked for %q", got)
	}
}

func TestErrors(t *testing.T) {
	text := strings.Repeat("x", 100)
	config := fetch.Config{MaxBytes: 1000}
	tests := []struct {
		name   string
		serve  func(w http.ResponseWriter, r *http.Request, text string)
		config fetch.Config
		want   string
	}{
		{"not there", func(w http.ResponseWriter, r *http.Request, _ string) { http.NotFound(w, r) }, config, "answers 404 Not Found\nThere is no such file"},
		{"not allowed", func(w http.ResponseWriter, r *http.Request, _ string) { http.Error(w, "secret", http.StatusForbidden) }, config, "answers 403 Forbidden\nIf it wants a token"},
		{"no version", func(w http.ResponseWriter, r *http.Request, text string) { fmt.Fprint(w, text) }, config, "Write its checksum"},
		{"too large by its length", content, fetch.Config{MaxBytes: 99}, "has 100 bytes or more, and max_bytes = 99"},
		{"too large, and nothing said of its length", func(w http.ResponseWriter, r *http.Request, text string) {
			w.Header().Set("ETag", tag(text))
			w.(http.Flusher).Flush()
			fmt.Fprint(w, text)
		}, fetch.Config{MaxBytes: 99}, "and max_bytes = 99"},
		{"another checksum", content, fetch.Config{MaxBytes: 1000, SHA256: sum("y")}, `is demanded`},
		{"without end", func(w http.ResponseWriter, r *http.Request, _ string) {
			http.Redirect(w, r, "/again", http.StatusFound)
		}, config, "redirects more than 10 times"},
		{"another part", func(w http.ResponseWriter, r *http.Request, text string) {
			if r.Header.Get("Range") == "" {
				dropping(10, false)(w, r, text)
				return
			}
			w.Header().Set("ETag", tag(text))
			w.Header().Set("Content-Range", "bytes 0-99/100")
			w.WriteHeader(http.StatusPartialContent)
			fmt.Fprint(w, text)
		}, config, "answers with another part of the file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, text, test.serve)
			test.config.URL = s.URL
			subject := fetchtest.Subject{Component: &fetch.Component, Config: test.config}
			version, err := subject.Version(t.Context())
			if err == nil {
				var said string
				if _, said, err = subject.Fetch(t.Context(), t, version); strings.Contains(said, "secret") {
					t.Error("the log quotes what the server said")
				}
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestChangedWhileRead: what another version follows is no part of the first.
func TestChangedWhileRead(t *testing.T) {
	text := strings.Repeat("a", 100)
	var s *server
	s = serve(t, text, func(w http.ResponseWriter, r *http.Request, text string) {
		if r.Method == http.MethodGet {
			s.set(strings.Repeat("b", 100))
		}
		dropping(50, false)(w, r, text)
	})
	subject := fetchtest.Subject{Component: &fetch.Component, Config: fetch.Config{URL: s.URL, MaxBytes: 1000}}
	if _, _, err := subject.Fetch(t.Context(), t, "ETag "+tag(text)); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Errorf("got %v", err)
	}
}

// TestUnreachable: what does not answer is told apart from what answers that it has no such file.
func TestUnreachable(t *testing.T) {
	s := serve(t, "", func(w http.ResponseWriter, _ *http.Request, _ string) {
		http.Error(w, "", http.StatusServiceUnavailable)
	})
	for _, url := range []string{"http://127.0.0.1:1/a.csv", s.URL, "http://no-such-host.invalid/a.csv"} {
		subject := fetchtest.Subject{Component: &fetch.Component, Config: fetch.Config{URL: url, MaxBytes: 1000}}
		if _, err := subject.Version(t.Context()); !errors.Is(err, component.ErrUnreachable) {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

// TestTLS: a server whose certificate nobody vouches for is not believed.
func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	subject := fetchtest.Subject{Component: &fetch.Component, Config: fetch.Config{URL: s.URL, MaxBytes: 1000}}
	if _, err := subject.Version(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
}
