package serve

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
)

func TestReleasesAreFollowed(t *testing.T) {
	s := newStore(t)
	r := start(t, s, nil)
	if status, body := r.call("/v2/health/ready", ""); status != 503 || !strings.Contains(body, "no deployment") {
		t.Errorf("nothing released: got %d %s, want 503", status, body)
	}
	s.release("scorer", 100, "100 binary_classification")
	r.eventually("the first release", func() bool { return r.version("scorer") == "000000000100" })
	s.release("scorer", 200, "200 binary_classification")
	r.eventually("the second release", func() bool { return r.version("scorer") == "000000000200" })
	if status, body := r.call("/v2/models/scorer/versions/000000000100", ""); status != 404 {
		t.Errorf("the old version: got %d %s, want 404", status, body)
	}
	s.withdraw("scorer")
	r.eventually("the withdrawal", func() bool { status, _ := r.call("/v2/models/scorer", ""); return status == 404 })
	for _, want := range []string{"scorer 000000000100 is served, from train.model", "scorer 000000000200 replaces 000000000100", "scorer 000000000200 is withdrawn"} {
		if strings.Count(r.log.String(), want) != 1 {
			t.Errorf("the log does not say once %q:\n%s", want, r.log)
		}
	}
}

func TestBadReleaseLeavesTheOldOne(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, nil)
	s.release("scorer", 200, "corrupt")
	r.eventually("the failure", func() bool {
		_, m := r.call("/metrics", "")
		return strings.Contains(m, `mlp_serve_release_failing{model="scorer"} 1`)
	})
	if status, body := r.call("/v2/health/ready", ""); status != 200 {
		t.Errorf("ready: got %d %s, want 200", status, body)
	}
	if got, want := r.version("scorer"), "000000000100"; got != want {
		t.Errorf("got version %s, want %s", got, want)
	}
	if want := "scorer 000000000200 cannot be served, 000000000100 stays: loading the model"; strings.Count(r.log.String(), want) != 1 {
		t.Errorf("the log does not say once %q:\n%s", want, r.log)
	}
	s.release("scorer", 200, "200 binary_classification") // the bundle is whole now
	r.eventually("the second attempt", func() bool { return r.version("scorer") == "000000000200" })
	r.eventually("the all-clear", func() bool {
		_, m := r.call("/metrics", "")
		return strings.Contains(m, `mlp_serve_release_failing{model="scorer"} 0`)
	})
}

func TestMissingObject(t *testing.T) {
	s := newStore(t)
	s.set("scorer", plan.ReleaseState{Type: "http", Model: digest(7)})
	r := start(t, s, nil)
	status, body := r.call("/v1/models/scorer/predict", `{"rows": []}`)
	if status != 503 || !strings.Contains(body, "could not be loaded: fetching the model") {
		t.Errorf("got %d %s, want 503", status, body)
	}
	if status, _ := r.call("/v2/health/ready", ""); status != 503 {
		t.Errorf("ready: got %d, want 503", status)
	}
}

func TestOpaqueModels(t *testing.T) {
	s := newStore(t)
	s.release("one", 1, "opaque")
	s.set("two", plan.ReleaseState{Type: "http", Model: digest(2), Scoring: &plan.Scoring{Container: &plan.Container{}, Image: &plan.External{Root: "acme/model:3"}}})
	r := start(t, s, nil)
	for name, want := range map[string]string{"one": "only its own image can score this model", "two": "acme/model:3"} {
		status, body := r.call("/v1/models/"+name+"/predict", `{"rows": []}`)
		if status != 503 || !strings.Contains(body, "cannot be served here") || !strings.Contains(body, want) {
			t.Errorf("%s: got %d %s, want 503 with %q", name, status, body, want)
		}
		if !strings.Contains(r.log.String(), name+" 00000000000") {
			t.Errorf("the log does not speak of %s:\n%s", name, r.log)
		}
	}
}

func TestStoreThatDoesNotAnswer(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	s.fail(errors.New("no such bucket"))
	r := start(t, s, nil)
	if status, body := r.call("/v2/models/scorer", ""); status != 503 || !strings.Contains(body, "have not been read yet") {
		t.Errorf("got %d %s, want 503", status, body)
	}
	s.fail(nil)
	r.eventually("the store", func() bool { return r.version("scorer") == "000000000100" })
	s.fail(errors.New("gone again"))
	r.eventually("the second failure", func() bool { return strings.Contains(r.log.String(), "what is loaded stays: gone again") })
	if got, want := r.version("scorer"), "000000000100"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := strings.Count(r.log.String(), "no such bucket"); got != 1 {
		t.Errorf("the log tells %d times of one failure:\n%s", got, r.log)
	}
}

// TestNoRequestIsDropped swaps models under load: every request is answered by one of them, whole.
func TestNoRequestIsDropped(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, nil)
	var bad, answered atomic.Int64
	versions := sync.Map{}
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				status, body := r.call("/v1/models/scorer/predict", `{"rows": [`+goodRow+`]}`)
				answered.Add(1)
				_, after, _ := strings.Cut(body, `"model_version":"`)
				v, _, _ := strings.Cut(after, `"`)
				versions.Store(v, true)
				limit := strings.TrimLeft(v, "0")
				if status != 200 || !strings.Contains(body, fmt.Sprintf(`"score":%v`, map[string]float64{"100": 0.5, "200": 0.25, "400": 0.125}[limit])) {
					bad.Add(1)
				}
			}
		})
	}
	for _, limit := range []int{200, 400, 100, 200, 400} {
		s.release("scorer", limit, fmt.Sprintf("%d binary_classification", limit))
		want := fmt.Sprintf("%012d", limit)
		r.eventually("version "+want, func() bool { return r.version("scorer") == want })
		seen := answered.Load()
		r.eventually("more answers", func() bool { return answered.Load() > seen+20 })
	}
	close(stop)
	wait.Wait()
	if bad.Load() > 0 {
		t.Errorf("%d of %d requests were not answered as they should", bad.Load(), answered.Load())
	}
	for _, v := range []string{"000000000100", "000000000200", "000000000400"} {
		if _, ok := versions.Load(v); !ok {
			t.Errorf("no answer came from version %s", v)
		}
	}
}

func TestShutdownLetsRequestsFinish(t *testing.T) {
	s := newStore(t)
	s.gate = &stepModel{enter: make(chan struct{}), leave: make(chan struct{})}
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, nil)
	answer := make(chan int, 1)
	go func() {
		status, _ := r.call("/v1/models/scorer/predict", `{"rows": [`+goodRow+`]}`)
		answer <- status
	}()
	<-s.gate.enter
	r.stop()
	r.eventually("the closed port", func() bool {
		_, err := http.Get(r.base + "/v2/health/live")
		return err != nil
	})
	close(s.gate.leave)
	if got := <-answer; got != 200 {
		t.Errorf("got %d for the request that ran, want 200", got)
	}
	if err := <-r.done; err != nil {
		t.Errorf("got %v, want a clean end", err)
	}
	r.done <- nil
}

func TestShutdownDoesNotWaitForever(t *testing.T) {
	s := newStore(t)
	s.gate = &stepModel{enter: make(chan struct{}), leave: make(chan struct{})}
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) { o.Grace = 20 * time.Millisecond })
	go func() {
		request, _ := http.NewRequest(http.MethodPost, r.base+"/v1/models/scorer/predict", strings.NewReader(`{"rows": [`+goodRow+`]}`))
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
	}()
	<-s.gate.enter
	r.stop()
	if err := <-r.done; err == nil || !strings.Contains(err.Error(), "were cut off") {
		t.Errorf("got %v, want an error about requests cut off", err)
	}
	close(s.gate.leave)
	r.done <- nil
}

func TestMetrics(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, nil)
	r.call("/v1/models/scorer/predict", `{"rows": [`+goodRow+`, `+goodRow+`]}`)
	r.call("/v1/models/scorer/predict", `{"rows": [{}]}`)
	r.call("/v2/models/typo", "")
	_, got := r.call("/metrics", "")
	for _, want := range []string{
		`mlp_serve_requests_total{code="200",endpoint="predict",model="scorer"} 1`,
		`mlp_serve_requests_total{code="400",endpoint="predict",model="scorer"} 1`,
		`mlp_serve_requests_total{code="404",endpoint="metadata",model=""} 1`,
		`mlp_serve_errors_total{endpoint="predict",model="scorer"} 1`,
		`mlp_serve_rows_total{model="scorer",version="000000000100"} 2`,
		`mlp_serve_request_duration_seconds_count{endpoint="predict",model="scorer"} 2`,
		`mlp_serve_model_info{digest="` + string(digest(100)) + `",model="scorer",route="live",version="000000000100"} 1`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}
