package mlflow_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/runtime/mlflow"
	"github.com/mlp-lang/mlp/runtime/mlflow/mlflowtest"
)

// full has more of everything than fits into one request, and names that MLflow does not take.
func full(name string) mlflow.Run {
	r := mlflow.Run{Name: name, Result: "churn/" + name + "/blake3:1", Start: 1000, End: 2000, Params: map[string]string{"trained.on[\"eu\"]": "x", "long": strings.Repeat("é", 400)},
		Metrics: map[string]float64{"auc": 0.9, "auc.low": 0.8}, Tags: map[string]string{"mlp.address": name}, Report: []byte("<!doctype html>")}
	for i := range 130 {
		r.Params[fmt.Sprint("p", i)], r.Tags[fmt.Sprint("t", i)] = "v", "w"
	}
	for i := range 1100 {
		r.Metrics[fmt.Sprint("m", i)] = float64(i)
	}
	return r
}

func client(s *mlflowtest.Server) *mlflow.Server {
	return &mlflow.Server{URL: s.URL + "/", Client: http.DefaultClient, Token: s.Token}
}

// TestExport sends runs, and sends them again: nothing is there twice.
func TestExport(t *testing.T) {
	s := mlflowtest.New(t)
	s.Token = "secret"
	for round, want := range []mlflow.Sent{{Created: 2, Cut: []string{"a: long", "b: long"}}, {There: 2}} {
		got, err := client(s).Export(t.Context(), "churn", []mlflow.Run{full("a"), full("b")})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("round %d: %s", round, diff)
		}
	}
	if len(s.Runs) != 2 || len(s.Experiments) != 1 {
		t.Fatalf("got %d runs of %d experiments", len(s.Runs), len(s.Experiments))
	}
	r := s.Runs[0]
	if r.Status != "FINISHED" || r.Start != 1000 || r.End != 2000 || len(r.Params) != 132 || len(r.Metrics) != 1102 || r.Params["trained.on__eu__"] != "x" || r.Tags["mlp.address"] != "a" ||
		r.Artifacts["report.html"] != "<!doctype html>" || r.Metrics["m1099"] != 1099 {
		t.Errorf("got %+v", r)
	}
	if long := r.Params["long"]; len(long) > 500 || !strings.HasSuffix(long, "é … (800 bytes)") {
		t.Errorf("got %q", long)
	}
}

// TestExportGoesOn has the server go down after each number of requests: the next export ends what was begun.
func TestExportGoesOn(t *testing.T) {
	whole := mlflowtest.New(t)
	if _, err := client(whole).Export(t.Context(), "churn", []mlflow.Run{full("a"), full("b")}); err != nil {
		t.Fatal(err)
	}
	for left := 0; ; left++ {
		s := mlflowtest.New(t)
		s.Left = left
		_, err := client(s).Export(t.Context(), "churn", []mlflow.Run{full("a"), full("b")})
		if s.Left = -1; err == nil {
			if left < 10 {
				t.Errorf("all was sent with %d requests", left)
			}
			return
		}
		if _, err := client(s).Export(t.Context(), "churn", []mlflow.Run{full("a"), full("b")}); err != nil {
			t.Fatalf("after %d requests: %v", left, err)
		}
		if diff := cmp.Diff(whole.Runs, s.Runs); diff != "" {
			t.Fatalf("after %d requests:\n%s", left, diff)
		}
	}
}

func TestRefused(t *testing.T) {
	twice := mlflow.Run{Name: "a", Params: map[string]string{"x[1]": "1", "x(1)": "2"}}
	for name, c := range map[string]struct {
		run   mlflow.Run
		serve func(*mlflowtest.Server)
		want  string
	}{
		"two names that are one": {run: twice, want: `a: parameters: "x(1)" and "x[1]" would both be called "x_1_"`},
		"a long name":            {run: mlflow.Run{Name: "a", Metrics: map[string]float64{strings.Repeat("x", 251): 1}}, want: "longer than the 250 characters"},
		"nobody":                 {run: full("a"), serve: func(s *mlflowtest.Server) { s.Token = "secret" }, want: "the server refuses: UNAUTHENTICATED: who are you?"},
	} {
		t.Run(name, func(t *testing.T) {
			s := mlflowtest.New(t)
			if c.serve != nil {
				c.serve(s)
			}
			_, err := (&mlflow.Server{URL: s.URL, Client: http.DefaultClient}).Export(t.Context(), "churn", []mlflow.Run{c.run})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if len(s.Runs) != 0 {
				t.Errorf("%d runs were made", len(s.Runs))
			}
		})
	}
}

// TestArtifactsElsewhere: a bucket of the server's is not written to by clients of this package.
func TestArtifactsElsewhere(t *testing.T) {
	s := mlflowtest.New(t)
	s.Artifacts = "s3://bucket"
	sent, err := client(s).Export(t.Context(), "churn", []mlflow.Run{full("a")})
	if err != nil || !strings.HasPrefix(sent.NoReports, "s3://bucket/") || s.Runs[0].Status != "FINISHED" {
		t.Errorf("got %+v, %v", sent, err)
	}
}

// TestNoMLflow: what answers is no tracking server.
func TestNoMLflow(t *testing.T) {
	s := &mlflow.Server{URL: mlflowtest.New(t).URL + "/elsewhere", Client: http.DefaultClient}
	if _, err := s.Export(t.Context(), "churn", nil); err == nil || !strings.Contains(err.Error(), "ENDPOINT_NOT_FOUND") {
		t.Errorf("got %v", err)
	}
}
