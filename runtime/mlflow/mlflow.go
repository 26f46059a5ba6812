// Package mlflow sends results to an MLflow tracking server, by its REST API 2.0 (https://mlflow.org/docs/latest/rest-api.html), so that a team
// sees them beside those that other tools log there.
//
// A result becomes a run of an experiment: parameters, metrics, tags, and its report as an artifact. The tag mlp.result tells which result
// a run is of. A result that has a finished run is not sent again; one whose run was begun and not finished, since somebody pulled the plug, is
// gone on with: MLflow takes the same parameter, metric and tag twice.
package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ResultTag is the tag that tells a run's result.
const ResultTag = "mlp.result"

// Limits of the API: of one log-batch request, of a name, of a parameter's and a tag's value in bytes. Servers before 2.8 take parameters of 500.
const (
	mostParams, mostMetrics, mostTags = 100, 1000, 100
	longestKey, longestParam          = 250, 500
	longestTag                        = 5000
)

// Run is a result as MLflow is to have it.
type Run struct {
	Name       string
	Result     string // tells it from all others
	Start, End int64  // milliseconds since 1970
	Params     map[string]string
	Metrics    map[string]float64
	Tags       map[string]string
	Report     []byte // a page of HTML; nil: none
}

// Server is a tracking server.
type Server struct {
	URL                   string // http://host:5000
	User, Password, Token string // as MLFLOW_TRACKING_USERNAME, _PASSWORD and _TOKEN; empty: none
	Client                *http.Client
}

// Sent is what came of an export.
type Sent struct {
	Created, There int
	Cut            []string // parameters and tags that were too long to be sent whole, as "run: name"
	NoReports      string   // where the server keeps artifacts, if it does not take them itself; reports are not sent then
}

// Export sends runs to an experiment, which is created if it is not there. What was sent before stays as it is.
func (s *Server) Export(ctx context.Context, experiment string, runs []Run) (*Sent, error) {
	for i := range runs {
		if err := runs[i].check(); err != nil {
			return nil, err
		}
	}
	id, err := s.experiment(ctx, experiment)
	if err != nil {
		return nil, err
	}
	sent := &Sent{}
	for i := range runs {
		if err := s.export(ctx, id, &runs[i], sent); err != nil {
			return sent, fmt.Errorf("%s: %w", runs[i].Name, err)
		}
	}
	return sent, nil
}

// keyOf is a name as MLflow takes it: letters, digits and _-. :/ alone, each other character as _.
func keyOf(name string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-. :/", r) {
			return r
		}
		return '_'
	}, name)
}

// check gives names the form that MLflow takes. Two that would be one are an error, and so is one that is too long.
func (r *Run) check() error {
	for what, take := range map[string]func() error{
		"parameters": func() (err error) { r.Params, err = keyed(r.Params); return },
		"metrics":    func() (err error) { r.Metrics, err = keyed(r.Metrics); return },
		"tags":       func() (err error) { r.Tags, err = keyed(r.Tags); return },
	} {
		if err := take(); err != nil {
			return fmt.Errorf("%s: %s: %w", r.Name, what, err)
		}
	}
	return nil
}

func keyed[V any](of map[string]V) (map[string]V, error) {
	out, from := map[string]V{}, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		key := keyOf(name)
		if other, twice := from[key]; twice {
			return nil, fmt.Errorf("%q and %q would both be called %q in MLflow, which takes letters, digits and _-. :/ alone", other, name, key)
		}
		if len(key) > longestKey {
			return nil, fmt.Errorf("%q is longer than the %d characters that MLflow takes", name, longestKey)
		}
		out[key], from[key] = of[name], name
	}
	return out, nil
}

// pair is a parameter or a tag.
type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type metric struct {
	Key       string  `json:"key"`
	Value     float64 `json:"value"`
	Timestamp int64   `json:"timestamp"`
	Step      int64   `json:"step"`
}

// pairs are those of a map by name, each value as long as the API takes; what was cut is told.
func (r *Run) pairs(of map[string]string, longest int, sent *Sent) []pair {
	out := []pair{}
	for _, key := range slices.Sorted(maps.Keys(of)) {
		value := of[key]
		if len(value) > longest {
			sent.Cut = append(sent.Cut, r.Name+": "+key)
			told := fmt.Sprintf(" … (%d bytes)", len(value))
			value = strings.ToValidUTF8(value[:longest-len(told)], "") + told
		}
		out = append(out, pair{key, value})
	}
	return out
}

// experiment is the id of that name.
func (s *Server) experiment(ctx context.Context, name string) (string, error) {
	var found struct {
		Experiment struct {
			ID    string `json:"experiment_id"`
			Stage string `json:"lifecycle_stage"`
		}
	}
	err := s.call(ctx, http.MethodGet, "experiments/get-by-name?experiment_name="+url.QueryEscape(name), nil, &found)
	var refused *Error
	switch {
	case errors.As(err, &refused) && refused.Code == "RESOURCE_DOES_NOT_EXIST":
		var made struct {
			ID string `json:"experiment_id"`
		}
		err := s.call(ctx, http.MethodPost, "experiments/create", map[string]any{"name": name}, &made)
		return made.ID, err
	case err != nil:
		return "", err
	case found.Experiment.Stage == "deleted":
		return "", fmt.Errorf("the experiment %q is deleted there: restore it, or name another", name)
	}
	return found.Experiment.ID, nil
}

// info is what the server says of a run.
type info struct {
	ID       string `json:"run_id"`
	Status   string `json:"status"`
	Artifact string `json:"artifact_uri"`
}

// find is the run of a result; nil if there is none. A finished one goes before one that was begun.
func (s *Server) find(ctx context.Context, experiment, result string) (*info, error) {
	var found struct {
		Runs []struct{ Info info }
	}
	asked := map[string]any{"experiment_ids": []string{experiment}, "filter": fmt.Sprintf("tags.`%s` = '%s'", ResultTag, result), "max_results": 100}
	if err := s.call(ctx, http.MethodPost, "runs/search", asked, &found); err != nil || len(found.Runs) == 0 {
		return nil, err
	}
	for _, r := range found.Runs {
		if r.Info.Status == "FINISHED" {
			return &r.Info, nil
		}
	}
	return &found.Runs[0].Info, nil
}

func (s *Server) export(ctx context.Context, experiment string, r *Run, sent *Sent) error {
	at, err := s.find(ctx, experiment, r.Result)
	if err != nil {
		return err
	}
	if at != nil && at.Status == "FINISHED" {
		sent.There++
		return nil
	}
	if at == nil {
		var made struct{ Run struct{ Info info } }
		asked := map[string]any{"experiment_id": experiment, "start_time": r.Start, "run_name": r.Name, "tags": []pair{{ResultTag, r.Result}, {"mlflow.runName", r.Name}}}
		if err := s.call(ctx, http.MethodPost, "runs/create", asked, &made); err != nil {
			return err
		}
		at = &made.Run.Info
	}
	if err := s.log(ctx, at.ID, r, sent); err != nil {
		return err
	}
	if err := s.report(ctx, at, r, sent); err != nil {
		return err
	}
	if err := s.call(ctx, http.MethodPost, "runs/update", map[string]any{"run_id": at.ID, "status": "FINISHED", "end_time": r.End}, nil); err != nil {
		return err
	}
	sent.Created++
	return nil
}

// log sends parameters, metrics and tags, in as many requests as the API's limits ask for.
func (s *Server) log(ctx context.Context, id string, r *Run, sent *Sent) error {
	metrics := []metric{}
	for _, key := range slices.Sorted(maps.Keys(r.Metrics)) {
		metrics = append(metrics, metric{key, r.Metrics[key], r.End, 0})
	}
	var batches []map[string]any
	for part := range slices.Chunk(r.pairs(r.Params, longestParam, sent), mostParams) {
		batches = append(batches, map[string]any{"run_id": id, "params": part})
	}
	for part := range slices.Chunk(metrics, mostMetrics) {
		batches = append(batches, map[string]any{"run_id": id, "metrics": part})
	}
	for part := range slices.Chunk(r.pairs(r.Tags, longestTag, sent), mostTags) {
		batches = append(batches, map[string]any{"run_id": id, "tags": part})
	}
	for _, b := range batches {
		if err := s.call(ctx, http.MethodPost, "runs/log-batch", b, nil); err != nil {
			return err
		}
	}
	return nil
}

// report sends the page to a server that takes artifacts itself (mlflow-artifacts: in a run's artifact_uri). Where it keeps them in a bucket or a
// folder, which clients would have to write to, it is left out, and told.
func (s *Server) report(ctx context.Context, at *info, r *Run, sent *Sent) error {
	if r.Report == nil {
		return nil
	}
	uri, err := url.Parse(at.Artifact)
	if err != nil || uri.Scheme != "mlflow-artifacts" {
		sent.NoReports = at.Artifact
		return nil
	}
	path := strings.Trim(uri.Path, "/") + "/report.html"
	return s.send(ctx, http.MethodPut, "api/2.0/mlflow-artifacts/artifacts/"+path, "text/html; charset=utf-8", r.Report, nil)
}

// call sends JSON to the API and reads what comes of it.
func (s *Server) call(ctx context.Context, method, path string, body, out any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	return s.send(ctx, method, "api/2.0/mlflow/"+path, "application/json", data, out)
}

// Error is what a server refuses with.
type Error struct {
	Status        int // of HTTP
	Code, Message string
}

func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("the server answers with HTTP %d, as no MLflow tracking server does: %.200q", e.Status, e.Message)
	}
	return fmt.Sprintf("the server refuses: %s: %s", e.Code, e.Message)
}

// mostAnswer is how much of an answer is read at most, in bytes.
const mostAnswer = 8 << 20

func (s *Server) send(ctx context.Context, method, path, kind string, body []byte, out any) error {
	q, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(s.URL, "/")+"/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if body != nil {
		q.Header.Set("Content-Type", kind)
	}
	switch {
	case s.Token != "":
		q.Header.Set("Authorization", "Bearer "+s.Token)
	case s.User != "":
		q.SetBasicAuth(s.User, s.Password)
	}
	a, err := s.Client.Do(q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	data, err := io.ReadAll(io.LimitReader(a.Body, mostAnswer))
	if err != nil {
		return err
	}
	if a.StatusCode != http.StatusOK {
		var told struct {
			Code    string `json:"error_code"`
			Message string `json:"message"`
		}
		if json.Unmarshal(data, &told) != nil || told.Code == "" {
			told.Message = string(data)
		}
		return &Error{a.StatusCode, told.Code, told.Message}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return &Error{Status: a.StatusCode, Message: string(data)}
	}
	return nil
}
