// Package mlflowtest is a tracking server that takes what the published REST API says, and nothing else: names, values and numbers of
// parameters, metrics and tags within its limits, no parameter twice with two values, no field that it does not know.
package mlflowtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// Run is what the server has of one.
type Run struct {
	ID, Experiment, Name, Status string
	Start, End                   int64
	Params                       map[string]string
	Metrics                      map[string]float64
	Tags                         map[string]string
	Artifacts                    map[string]string
}

// Server is a tracking server in memory.
type Server struct {
	URL         string
	Experiments map[string]string // id by name
	Runs        []*Run
	Artifacts   string // what artifact_uri begins with
	Token       string // that is asked for; empty: none
	Left        int    // requests that are answered before the server goes down; negative: all
	mu          sync.Mutex
}

// New starts a server that takes artifacts itself.
func New(t *testing.T) *Server {
	s := &Server{Experiments: map[string]string{}, Artifacts: "mlflow-artifacts:", Left: -1}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	s.URL = h.URL
	return s
}

var key = lazyregexp.New(`^[A-Za-z0-9_\-. :/]{1,250}$`)

type pair struct{ Key, Value string }

type refusal struct{ code, message string }

func refuse(code, format string, args ...any) { panic(refusal{code, fmt.Sprintf(format, args...)}) }

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Left == 0 {
		panic(http.ErrAbortHandler)
	}
	s.Left--
	defer func() {
		if told, ok := recover().(refusal); ok {
			status := map[string]int{"RESOURCE_DOES_NOT_EXIST": 404, "UNAUTHENTICATED": 401}[told.code]
			if status == 0 {
				status = 400
			}
			w.WriteHeader(status)
			json.NewEncoder(w).Encode(map[string]string{"error_code": told.code, "message": told.message})
		}
	}()
	if s.Token != "" && r.Header.Get("Authorization") != "Bearer "+s.Token {
		refuse("UNAUTHENTICATED", "who are you?")
	}
	if path, ok := strings.CutPrefix(r.URL.Path, "/api/2.0/mlflow-artifacts/artifacts/"); ok && r.Method == http.MethodPut {
		data, _ := io.ReadAll(r.Body)
		parts := strings.SplitN(path, "/", 4) // experiment, run, artifacts, file
		if len(parts) != 4 || parts[2] != "artifacts" {
			refuse("INVALID_PARAMETER_VALUE", "invalid path %s", path)
		}
		s.run(parts[1]).Artifacts[parts[3]] = string(data)
		return
	}
	json.NewEncoder(w).Encode(s.api(r))
}

// api answers a call of the API; what is wrong panics with a refusal.
func (s *Server) api(r *http.Request) any {
	var q struct {
		Name, Filter, Status string
		Experiment           string   `json:"experiment_id"`
		Experiments          []string `json:"experiment_ids"`
		Run                  string   `json:"run_id"`
		RunName              string   `json:"run_name"`
		Start                int64    `json:"start_time"`
		End                  int64    `json:"end_time"`
		Most                 int      `json:"max_results"`
		Params, Tags         []pair
		Metrics              []struct {
			Key       string
			Value     *float64
			Timestamp *int64
			Step      int64
		}
	}
	if r.Method == http.MethodPost {
		if r.Header.Get("Content-Type") != "application/json" || r.ContentLength > 1<<20 {
			refuse("BAD_REQUEST", "no JSON of at most 1 MB")
		}
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		if err := d.Decode(&q); err != nil {
			refuse("BAD_REQUEST", "%v", err)
		}
	}
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api/2.0/mlflow/") {
	case "GET experiments/get-by-name":
		name := r.URL.Query().Get("experiment_name")
		id, ok := s.Experiments[name]
		if !ok {
			refuse("RESOURCE_DOES_NOT_EXIST", "Could not find experiment with name '%s'", name)
		}
		return map[string]any{"experiment": map[string]string{"experiment_id": id, "name": name, "lifecycle_stage": "active"}}
	case "POST experiments/create":
		if _, ok := s.Experiments[q.Name]; ok || q.Name == "" {
			refuse("RESOURCE_ALREADY_EXISTS", "Experiment '%s' already exists.", q.Name)
		}
		s.Experiments[q.Name] = fmt.Sprint(len(s.Experiments) + 1)
		return map[string]string{"experiment_id": s.Experiments[q.Name]}
	case "POST runs/search":
		m := regexp.MustCompile("^tags\\.`([^`]+)` = '([^']*)'$").FindStringSubmatch(q.Filter)
		if m == nil || len(q.Experiments) != 1 || q.Most < 1 || q.Most > 50000 {
			refuse("INVALID_PARAMETER_VALUE", "Invalid clause(s) in filter string: %s", q.Filter)
		}
		var found []any
		for _, run := range s.Runs {
			if run.Experiment == q.Experiments[0] && run.Tags[m[1]] == m[2] {
				found = append(found, map[string]any{"info": s.info(run)})
			}
		}
		return map[string]any{"runs": found}
	case "POST runs/create":
		run := &Run{ID: fmt.Sprintf("%032x", len(s.Runs)+1), Experiment: q.Experiment, Name: q.RunName, Status: "RUNNING", Start: q.Start,
			Params: map[string]string{}, Metrics: map[string]float64{}, Tags: map[string]string{}, Artifacts: map[string]string{}}
		s.Runs = append(s.Runs, run)
		run.tag(q.Tags)
		return map[string]any{"run": map[string]any{"info": s.info(run)}}
	case "POST runs/log-batch":
		run := s.run(q.Run)
		if len(q.Params) > 100 || len(q.Tags) > 100 || len(q.Metrics) > 1000 || len(q.Params)+len(q.Tags)+len(q.Metrics) > 1000 {
			refuse("INVALID_PARAMETER_VALUE", "A batch logging request can contain at most 100 params, 100 tags and 1000 metrics.")
		}
		for _, p := range q.Params {
			if old, there := run.Params[p.Key]; there && old != p.Value || !key().MatchString(p.Key) || p.Value == "" || len(p.Value) > 500 {
				refuse("INVALID_PARAMETER_VALUE", "Changing param values is not allowed, or invalid: %s", p.Key)
			}
			run.Params[p.Key] = p.Value
		}
		for _, m := range q.Metrics {
			if !key().MatchString(m.Key) || m.Value == nil || m.Timestamp == nil {
				refuse("INVALID_PARAMETER_VALUE", "Invalid metric: %s", m.Key)
			}
			run.Metrics[m.Key] = *m.Value
		}
		run.tag(q.Tags)
		return map[string]any{}
	case "POST runs/update":
		run := s.run(q.Run)
		run.Status, run.End = q.Status, q.End
		return map[string]any{"run_info": s.info(run)}
	}
	refuse("ENDPOINT_NOT_FOUND", "%s %s", r.Method, r.URL.Path)
	return nil
}

func (r *Run) tag(tags []pair) {
	for _, t := range tags {
		if !key().MatchString(t.Key) || len(t.Value) > 5000 {
			refuse("INVALID_PARAMETER_VALUE", "Invalid tag: %s", t.Key)
		}
		r.Tags[t.Key] = t.Value
	}
}

func (s *Server) info(r *Run) map[string]any {
	return map[string]any{"run_id": r.ID, "experiment_id": r.Experiment, "status": r.Status, "artifact_uri": fmt.Sprintf("%s/%s/%s/artifacts", s.Artifacts, r.Experiment, r.ID)}
}

func (s *Server) run(id string) *Run {
	for _, r := range s.Runs {
		if r.ID == id {
			return r
		}
	}
	refuse("RESOURCE_DOES_NOT_EXIST", "Run with id=%s not found", id)
	return nil
}
