package kubernetestest

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Trouble is a proxy before the API server through which requests go wrong.
type Trouble struct {
	Config string // the file of a kubeconfig that goes through it

	mu    sync.Mutex
	rand  *rand.Rand
	share float64
	met   map[string]int
}

// troubles are what happens to a request.
//
//	429, 500, 503   it is refused, and not carried out
//	dropped         it is not carried out, and nobody answers
//	lost            it is carried out, and the answer is lost
//	cut             the answer ends in the middle; a log that is followed, after a moment
//	late            it takes a while
var troubles = []string{"429", "500", "503", "dropped", "lost", "cut", "late"}

// Trouble starts a proxy through which a share of requests, drawn by a seed, goes wrong. It ends with the test.
func (c *Cluster) Trouble(t testing.TB, seed uint64, share float64) *Trouble {
	t.Helper()
	to, err := url.Parse(c.server)
	if err != nil {
		t.Fatal(err)
	}
	p := &Trouble{rand: rand.New(rand.NewPCG(seed, 0)), share: share, met: map[string]int{}}
	forward := httputil.NewSingleHostReverseProxy(to)
	forward.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // as Start's
	forward.FlushInterval = -1
	forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch trouble := p.draw(); trouble {
		case "429":
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		case "500":
			w.WriteHeader(http.StatusInternalServerError)
		case "503":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "dropped":
			panic(http.ErrAbortHandler)
		case "lost":
			if !strings.HasSuffix(r.URL.Path, "/log") { // which has no end to wait for
				forward.ServeHTTP(httptest.NewRecorder(), r)
			}
			panic(http.ErrAbortHandler)
		case "cut":
			if strings.HasSuffix(r.URL.Path, "/log") {
				ctx, cancel := context.WithTimeout(r.Context(), 500*time.Millisecond)
				defer cancel()
				forward.ServeHTTP(w, r.WithContext(ctx)) // which ends the connection where the answer breaks off
				return
			}
			whole := httptest.NewRecorder()
			forward.ServeHTTP(whole, r)
			w.Header().Set("Content-Type", whole.Header().Get("Content-Type"))
			w.WriteHeader(whole.Code)
			_, _ = io.CopyN(w, bytes.NewReader(whole.Body.Bytes()), int64(whole.Body.Len()/2))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "late":
			time.Sleep(2 * time.Second)
			forward.ServeHTTP(w, r)
		default:
			forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	text, err := os.ReadFile(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	p.Config = filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(p.Config, []byte(strings.ReplaceAll(string(text), c.server, server.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *Trouble) draw() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rand.Float64() >= p.share {
		p.met[""]++
		return ""
	}
	kind := troubles[p.rand.IntN(len(troubles))]
	p.met[kind]++
	return kind
}

// Met is how many requests met which trouble; under "" those that met none.
func (p *Trouble) Met() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.met)
}
