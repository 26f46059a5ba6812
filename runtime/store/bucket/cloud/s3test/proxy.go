package s3test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Faults are how often a proxy misbehaves, of a thousand requests each. A request has one fault at most, so that their sum is
// 1,000 at most: with Faults{Drop: 100, Refuse: 50} one request in ten loses its answer, one in twenty is refused, the others pass.
//
// They differ in what a client may conclude. After Refuse nothing was done. After Drop, Cut, Late and Answers the client cannot
// know: a put-if-absent whose answer was lost finds its own object there when it is tried again, and must not take it for that of
// another writer. Late is worst: a request that the client has given up comes after its own repetition.
type Faults struct {
	Drop    int // the request is carried out, and its answer is lost
	Cut     int // the connection is lost in the middle of the answer
	Refuse  int // 429, 500 or 503, and the request is not carried out
	Repeat  int // the request is carried out twice, and the second answer is given
	Delay   int // the request waits, while later ones pass
	Late    int // the connection is lost, and the request is carried out a while after
	Answers int // 500 or 503, and the request was carried out
}

// Bad is a network that does all of it: a third of all requests meet a fault, which is far more than any network that people
// work with, so that a test of some hundred requests sees each kind several times.
var Bad = Faults{Drop: 60, Cut: 30, Refuse: 60, Repeat: 60, Delay: 60, Late: 20, Answers: 30}

// Proxy is a bad network in front of a server. It serves any number of requests at a time.
type Proxy struct {
	faults Faults
	to     string // the server's endpoint: "http://127.0.0.1:41234"

	mu     sync.Mutex     // for random and done
	random *rand.Rand     // what happens to the next request
	done   map[string]int // requests by what happened to them: "drop", …, "none"
	late   sync.WaitGroup // requests that are still to be carried out
}

// Behind returns the server as it is seen through a bad network. What the network does is said in the test's log.
//
// The seed in the log says which faults came in which order of requests. Requests of several goroutines come in another order the
// next time, so a failure is found again by repetition rather than by its seed. At its end the test waits for requests that are
// late: the server has to be started before, so that it ends after them.
func (s *Server) Behind(t *testing.T, f Faults) *Server {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	p := &Proxy{faults: f, to: s.Endpoint, random: rand.New(rand.NewPCG(seed, 0)), done: map[string]int{}}
	server := httptest.NewServer(p)
	t.Cleanup(func() {
		server.Close()
		p.late.Wait()
		t.Logf("seed %d; requests by fault: %v", seed, p.done)
	})
	return &Server{Endpoint: server.URL, Dir: s.Dir}
}

// longest is how long a request is held back, at most: long enough for a client's repetition to overtake it, since the first
// pause before one is a tenth of a second, and short beside the minute that a client waits for an answer.
const longest = 300 * time.Millisecond

// pick chooses what happens to a request, and how long it waits where it does. A number below 1,000 falls into one of the
// faults' intervals, which lie one behind the other from 0, or behind all of them: "none".
func (p *Proxy) pick() (fault string, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fault = "none"
	n := p.random.IntN(1000)
	for _, f := range []struct {
		name string
		of   int
	}{{"drop", p.faults.Drop}, {"cut", p.faults.Cut}, {"refuse", p.faults.Refuse}, {"repeat", p.faults.Repeat}, {"delay", p.faults.Delay}, {"late", p.faults.Late}, {"answers", p.faults.Answers}} {
		if n < f.of {
			fault = f.name
			break
		}
		n -= f.of
	}
	p.done[fault]++
	return fault, time.Duration(p.random.Int64N(int64(longest)))
}

// ServeHTTP carries a request out, or not. The body is read whole before anything is decided, since a request may be carried
// out twice, or after the client has gone.
//
// http.ErrAbortHandler closes the connection without an answer, and is the one panic of which the server writes no stack.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	fault, wait := p.pick()
	switch fault {
	case "refuse":
		p.complain(w, int(wait))
		return
	case "late":
		p.late.Go(func() {
			time.Sleep(wait)
			_, _ = p.forward(r, body)
		})
		panic(http.ErrAbortHandler)
	case "delay":
		time.Sleep(wait)
	case "repeat":
		_, _ = p.forward(r, body)
	}
	answer, err := p.forward(r, body)
	if err != nil || fault == "drop" {
		panic(http.ErrAbortHandler)
	}
	if fault == "answers" {
		p.complain(w, 1+int(wait)%2)
		return
	}
	for name, values := range answer.header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.status)
	if fault == "cut" {
		// Half of what Content-Length promises; flushed, or the client would not even see the status.
		_, _ = w.Write(answer.body[:len(answer.body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(answer.body) // the client may be gone
}

// complain answers as a service does that has too much to do, in the form of S3's errors. n chooses by its remainder of 3:
// 0 is 429, 1 is 500, 2 is 503. Clients of S3 try again after each of them.
func (p *Proxy) complain(w http.ResponseWriter, n int) {
	of := []struct {
		status int
		code   string
	}{{http.StatusTooManyRequests, "TooManyRequests"}, {http.StatusInternalServerError, "InternalError"}, {http.StatusServiceUnavailable, "SlowDown"}}[n%3]
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(of.status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>by the proxy</Message></Error>", of.code)
}

// answer is what the server said, read to its end: a part of it may be handed on, or nothing.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// forward has the server carry a request out; the host, which is signed, stays that of the proxy. The request is a new one, not
// bound to the client's: one that the client has given up is carried out all the same.
func (p *Proxy) forward(r *http.Request, body []byte) (*answer, error) {
	request, err := http.NewRequest(r.Method, p.to+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header, request.Host, request.ContentLength = r.Header.Clone(), r.Host, int64(len(body))
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return &answer{response.StatusCode, response.Header, data}, err
}
