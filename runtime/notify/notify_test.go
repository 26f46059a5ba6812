package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/runtime/store/bucket/local"
)

var event = Event{
	ID: ID("gate_failed", "gate.release", "7"), Type: "gate_failed", At: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC), Pipeline: "fraud", Workspace: "default",
	Address: "gate.release", Revision: 7, By: "alice", Summary: "gate.release does not let pass", Why: []string{"recall: evaluate.holdout.metrics.recall >= 0.7 <is> 0.62 & falls"}, Next: []string{"mlp report gate.release"},
}

func folder(t *testing.T) bucket.Bucket {
	t.Helper()
	dir := t.TempDir()
	return local.Open(dir, scratch.At(dir))
}

// received are the requests of a server that answers with the statuses in turn, the last one for ever.
type received struct {
	mu      sync.Mutex
	answers []int
	all     []*http.Request
	bodies  []string
}

func (r *received) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, _ := io.ReadAll(req.Body)
	r.all, r.bodies = append(r.all, req), append(r.bodies, string(body))
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(r.answers[min(len(r.all), len(r.answers))-1])
}

// TestWebhook: the receiver can check who sent it by the key alone, and has what it needs to take it once.
func TestWebhook(t *testing.T) {
	raw := []byte("a key of the test")
	for name, key := range map[string]string{"bytes": string(raw), "whsec": "whsec_" + base64.StdEncoding.EncodeToString(raw)} {
		t.Run(name, func(t *testing.T) {
			got := &received{answers: []int{204}}
			server := httptest.NewServer(got)
			defer server.Close()
			if err := (&Webhook{URL: server.URL, Key: []byte(key)}).Send(t.Context(), event); err != nil {
				t.Fatal(err)
			}
			h := got.all[0].Header
			mac := hmac.New(sha256.New, raw)
			io.WriteString(mac, event.ID+"."+h.Get("Webhook-Timestamp")+"."+got.bodies[0])
			if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); h.Get("Webhook-Signature") != want || h.Get("Webhook-Id") != event.ID {
				t.Errorf("got %v, want the signature %s", h, want)
			}
			var back Event
			if err := json.Unmarshal([]byte(got.bodies[0]), &back); err != nil || back.Summary != event.Summary || !back.At.Equal(event.At) || len(back.Next) != 1 {
				t.Errorf("got %s, %v", got.bodies[0], err)
			}
		})
	}
}

// TestOnce: an event is told once to each target, whoever sends it and how often.
func TestOnce(t *testing.T) {
	got := &received{answers: []int{200}}
	server := httptest.NewServer(got)
	defer server.Close()
	b := folder(t)
	target := func(address string, on ...string) Target {
		return Target{Address: address, On: on, Workspaces: []string{"default"}, To: &Slack{URL: server.URL}}
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			n := &Notifier{Bucket: b, Targets: []Target{target("notify.a"), target(`notify.b["eu"]`), target("notify.c", "released")}}
			if err := n.Send(t.Context(), event); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	elsewhere := event
	elsewhere.Workspace = "pr-7"
	if err := (&Notifier{Bucket: b, Targets: []Target{target("notify.a")}}).Send(t.Context(), elsewhere); err != nil {
		t.Error(err)
	}
	if len(got.all) != 2 {
		t.Errorf("got %d messages, want one for a and one for b", len(got.all))
	}
	if want := "*fraud: gate.release does not let pass*\n"; !strings.Contains(textOf(t, got.bodies[0]), want) ||
		!strings.Contains(textOf(t, got.bodies[0]), "&lt;is&gt; 0.62 &amp; falls") || !strings.Contains(textOf(t, got.bodies[0]), "mlp report gate.release") {
		t.Errorf("got %s", got.bodies[0])
	}
}

func textOf(t *testing.T, body string) string {
	t.Helper()
	var m struct{ Text string }
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	return m.Text
}

// TestTries: what may pass is tried again, what cannot is not, and an event that was not told is told by whoever sends it next.
func TestTries(t *testing.T) {
	for _, tc := range []struct {
		answers  []int
		requests int
		want     string
	}{
		{[]int{503, 429, 200}, 3, ""},
		{[]int{503}, 4, "notify.a was not told that fraud: gate.release does not let pass: the answer is 503 Service Unavailable: \"\" (tried 4 times)"},
		{[]int{401}, 1, "401 Unauthorized"},
		{[]int{307}, 1, "307 Temporary Redirect"},
	} {
		got := &received{answers: tc.answers}
		server := httptest.NewServer(got)
		n := &Notifier{Bucket: folder(t), Waits: make([]time.Duration, 3), Targets: []Target{{Address: "notify.a", Workspaces: []string{"default"}, To: &Webhook{URL: server.URL + "/very-secret", Key: []byte("k")}}}}
		err := n.Send(t.Context(), event)
		if (err == nil) != (tc.want == "") || err != nil && (!strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "very-secret")) || len(got.all) != tc.requests {
			t.Errorf("%v: got %v after %d requests, want %q after %d", tc.answers, err, len(got.all), tc.want, tc.requests)
		}
		got.answers, got.all, got.bodies = []int{200}, nil, nil
		for range 2 {
			if err := n.Send(t.Context(), event); err != nil {
				t.Error(err)
			}
		}
		if again := len(got.all); again != 1 && tc.want != "" || again != 0 && tc.want == "" {
			t.Errorf("%v: sent again, it is told %d times", tc.answers, again)
		}
		server.Close()
		if err := n.Send(t.Context(), Event{ID: "other", Pipeline: "fraud", Workspace: "default"}); err == nil || strings.Contains(err.Error(), "very-secret") {
			t.Errorf("of a server that is gone: got %v", err)
		}
	}
}

// TestKilled: a claim of one who was killed is taken over, and not before it must be one.
func TestKilled(t *testing.T) {
	b, at := folder(t), event.At
	killed, cancel := context.WithCancelCause(t.Context())
	stops := sender(func(ctx context.Context, _ Event) error {
		cancel(errors.New("killed"))
		panic("killed")
	})
	of := func(s Sender) *Notifier {
		return &Notifier{Bucket: b, Now: func() time.Time { return at }, Waits: []time.Duration{}, Targets: []Target{{Address: "notify.a", Workspaces: []string{"default"}, To: s}}}
	}
	func() {
		defer func() { recover() }()
		of(stops).once(killed, &of(stops).Targets[0], event)
	}()
	told := 0
	counts := sender(func(context.Context, Event) error { told++; return nil })
	for _, tc := range []struct {
		after time.Duration
		want  int
	}{{time.Minute, 0}, {5 * time.Minute, 1}, {time.Hour, 1}} {
		at = event.At.Add(tc.after)
		if err := of(counts).Send(t.Context(), event); err != nil || told != tc.want {
			t.Errorf("after %v: told %d times, %v, want %d", tc.after, told, err, tc.want)
		}
	}
}

type sender func(context.Context, Event) error

func (s sender) Send(ctx context.Context, e Event) error { return s(ctx, e) }

// TestCommand: a program gets the event, and says whether it told.
func TestCommand(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "page.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ncat > \"$1\"\necho no pager >&2\nexit $2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]string{"0": "", "3": "page.sh: exit status 3: \"no pager\\n\"", "75": "exit status 75"} {
		err := (&Command{Dir: dir, Args: []string{"./page.sh", "got.json", code}}).Send(t.Context(), event)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) || errors.Is(err, ErrAgain) != (code == "75") {
			t.Errorf("exit code %s: got %v, want %q", code, err, want)
		}
		data, err := os.ReadFile(filepath.Join(dir, "got.json"))
		var back Event
		if err != nil || json.Unmarshal(data, &back) != nil || back.ID != event.ID {
			t.Errorf("the program got %s, %v", data, err)
		}
	}
	// An error quotes no secret that the program printed, however much of it there is.
	long := strings.Repeat("x", 600) + "opensesame"
	hide := func(text string) string { return strings.ReplaceAll(text, long, "(secret.door)") }
	err := (&Command{Dir: dir, Args: []string{"sh", "-c", "echo key=" + long + " >&2; exit 1"}, Hide: hide}).Send(t.Context(), event)
	if err == nil || !strings.HasSuffix(err.Error(), "exit status 1: \"key=(secret.door)\\n\"") {
		t.Errorf("a program that prints a secret: got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := (&Command{Dir: dir, Args: []string{"sh", "-c", "sleep 60 & sleep 60"}}).Send(ctx, event); err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("a program that hangs: got %v after %v", err, time.Since(began))
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]bool{
		"https://oncall.example.com/x": true, "http://localhost:8080/x": true, "http://127.0.0.1/": true, "http://[::1]:1/": true,
		"http://oncall.example.com/x": false, "ftp://a/b": false, "oncall": false, "https://": false,
	} {
		if err := address(text); (err == nil) != want {
			t.Errorf("%s: got %v", text, err)
		}
	}
}
