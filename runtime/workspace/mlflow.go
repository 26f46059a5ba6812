package workspace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/mlp-lang/mlp/compiler/render"
	page "github.com/mlp-lang/mlp/compiler/render/report"
	"github.com/mlp-lang/mlp/compiler/runs"
	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/runtime/mlflow"
)

// MLflow sends every recorded result of blocks to a tracking server, the first one first. to is its URL, "": MLFLOW_TRACKING_URI; experiment "": the
// pipeline's name. Who one is there is said by MLFLOW_TRACKING_USERNAME and _PASSWORD, or _TOKEN.
func (s *Session) MLflow(ctx context.Context, patterns []string, to, experiment string) (*mlflow.Sent, error) {
	if to == "" {
		to = os.Getenv("MLFLOW_TRACKING_URI")
	}
	if u, err := url.Parse(to); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, &Failure{Err: errors.New("it is not said where the MLflow tracking server is"), Hint: "Name its URL, such as http://localhost:5000, with --to or MLFLOW_TRACKING_URI."}
	} else if u.User != nil {
		return nil, &Failure{Err: errors.New("the URL of the MLflow tracking server has a password in it"), Hint: "Passwords go by MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN."}
	}
	if experiment == "" {
		experiment = s.Pipeline
	}
	all, err := s.Runs(ctx, patterns, false)
	if err != nil {
		return nil, err
	}
	out := make([]mlflow.Run, len(all))
	for i, r := range all {
		if out[len(all)-1-i], err = s.tracked(r); err != nil {
			return nil, err
		}
	}
	server := &mlflow.Server{URL: to, User: os.Getenv("MLFLOW_TRACKING_USERNAME"), Password: os.Getenv("MLFLOW_TRACKING_PASSWORD"), Token: os.Getenv("MLFLOW_TRACKING_TOKEN"),
		Client: &http.Client{Timeout: time.Minute}}
	sent, err := server.Export(ctx, experiment, out)
	if err != nil {
		return sent, fmt.Errorf("exporting to MLflow at %s: %w", to, err)
	}
	return sent, nil
}

// tracked is a run as MLflow is to have it. A figure's interval is two metrics more, name.low and name.high; one that is undefined is a tag that says why.
func (s *Session) tracked(r *runs.Run) (mlflow.Run, error) {
	out := mlflow.Run{Name: r.Address, Result: fmt.Sprintf("%s/%s/%s", s.Pipeline, r.Address, r.Fingerprint), Params: map[string]string{}, Metrics: map[string]float64{},
		Tags: map[string]string{"mlp.pipeline": s.Pipeline, "mlp.workspace": s.w.Name, "mlp.address": r.Address, "mlp.fingerprint": string(r.Fingerprint), "mlp.component": r.Component, "mlflow.source.name": s.Pipeline}}
	for name, value := range map[string]string{"mlflow.user": r.By, "mlflow.source.git.commit": r.Commit} {
		if value != "" {
			out.Tags[name] = value
		}
	}
	if r.Dirty {
		out.Tags["mlp.dirty"] = "true"
	}
	if at, err := time.Parse(time.RFC3339, r.At); err == nil {
		out.End, out.Start = at.UnixMilli(), at.UnixMilli()-r.DurationMS
	}
	for name, raw := range r.Parameters {
		text := ""
		if json.Unmarshal(raw, &text) != nil || text == "" {
			text = string(raw) // an empty text as "", since MLflow takes no empty value
		}
		out.Params[name] = text
	}
	for port, d := range r.Data {
		out.Tags["mlp.data."+port] = string(d)
	}
	for name, f := range r.Figures {
		switch {
		case f.Value == nil:
			out.Tags["mlp.undefined."+name] = f.Why
		case f.Low != nil:
			out.Metrics[name+".low"], out.Metrics[name+".high"] = *f.Low, *f.High
			fallthrough
		default:
			out.Metrics[name] = *f.Value
		}
	}
	var err error
	out.Report, err = s.pageOf(r)
	return out, err
}

// pageOf is the report of a run as a page; nil if it has none, or the store has it no more.
func (s *Session) pageOf(r *runs.Run) ([]byte, error) {
	action, err := s.Store.Action(r.Fingerprint)
	if err != nil || action.Report == "" {
		return nil, nil
	}
	data, err := s.Store.Get(action.Report)
	if err != nil {
		return nil, nil
	}
	read, err := report.Read(data)
	if err != nil {
		return nil, fmt.Errorf("the report of %s: %w", r.Address, err)
	}
	var b bytes.Buffer
	d := &page.Document{Title: s.Pipeline + " · " + r.Address, Entries: []page.Entry{{Address: r.Address, Report: read, Facts: []page.Fact{
		{Name: "result", Value: r.Fingerprint.Short()}, {Name: "component", Value: action.Component}}}}}
	err = page.Write(&b, d, "html", render.Options{})
	return b.Bytes(), err
}
