package alerts

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// schemaVersion is that of Grafana's dashboard JSON; later versions of Grafana migrate it by themselves.
const schemaVersion = 39

type target struct {
	Datasource source `json:"datasource"`
	Expr       string `json:"expr"`
	Legend     string `json:"legendFormat"`
	RefID      string `json:"refId"`
	Instant    bool   `json:"instant,omitempty"`
	Format     string `json:"format,omitempty"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type grid struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

type step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"` // nil of the first: from below
}

type panel struct {
	ID          int            `json:"id"`
	Type        string         `json:"type"`
	Title       string         `json:"title"`
	Description string         `json:"description"`
	Datasource  source         `json:"datasource"`
	GridPos     grid           `json:"gridPos"`
	FieldConfig map[string]any `json:"fieldConfig"`
	Options     map[string]any `json:"options"`
	Targets     []target       `json:"targets"`
}

// prometheus is the datasource that who looks at the dashboard chooses.
var prometheus = source{Type: "prometheus", UID: "${datasource}"}

// query is an expression and what its lines are called.
type query struct{ expr, legend string }

// lines is the sort of a panel that shows what was when; any other shows what is now.
const lines = "timeseries"

// panels puts them side by side, two in a row.
type panels struct{ all []panel }

func (p *panels) add(chart, title, description, unit string, limit float64, queries ...query) {
	i := len(p.all)
	x := panel{ID: i + 1, Type: chart, Title: title, Description: description, Datasource: prometheus, GridPos: grid{H: 8, W: 12, X: 12 * (i % 2), Y: 8 * (i / 2)}}
	steps := []step{{Color: "green"}}
	style := "off"
	if limit > 0 {
		steps, style = append(steps, step{Color: "red", Value: &limit}), "line"
	}
	x.FieldConfig = map[string]any{"overrides": []any{}, "defaults": map[string]any{"unit": unit, "min": 0, "thresholds": map[string]any{"mode": "absolute", "steps": steps}}}
	x.Options = map[string]any{"showHeader": true}
	if chart == lines {
		x.FieldConfig["defaults"].(map[string]any)["custom"] = map[string]any{"drawStyle": "line", "fillOpacity": 10, "showPoints": "never", "thresholdsStyle": map[string]any{"mode": style}}
		x.Options = map[string]any{"legend": map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true}, "tooltip": map[string]any{"mode": "multi", "sort": "desc"}}
	}
	for j, q := range queries {
		x.Targets = append(x.Targets, target{Datasource: prometheus, Expr: q.expr, Legend: q.legend, RefID: string(rune('A' + j))})
		if chart != lines {
			x.Targets[j].Instant, x.Targets[j].Format = true, "table"
		}
	}
	p.all = append(p.all, x)
}

// Dashboard is a dashboard of Grafana. Limits are lines in it.
func Dashboard(d Deployment) ([]byte, error) {
	var p panels
	l := d.Limits
	rate := func(metric, by string) string { return fmt.Sprintf("sum by (%s) (rate(%s[5m]))", by, d.of(metric)) }
	p.add(lines, "Requests", "Answered a second, by status code.", "reqps", 0, query{rate("mlp_serve_requests_total", "code"), "{{code}}"})
	p.add(lines, "Latency", "From a request's headers to its answer.", "s", l.Latency, query{d.latency("0.5"), "half of the requests"}, query{d.latency("0.95"), "95 of 100"}, query{d.latency("0.99"), "99 of 100"})
	p.add(lines, "Requests that fail", "Of all: what the server fails at (5xx), turns away since it is busy (429), and refuses (other 4xx).", "percentunit", l.Errors,
		query{share(d.requests(`code=~"5.."`), d.requests(""), ""), "fails"}, query{share(d.requests(`code="429"`), d.requests(""), ""), "busy"}, query{share(d.requests(`code=~"4..",code!="429"`), d.requests(""), ""), "refused"})
	p.add(lines, "Rows", "Scored a second, by the version of the model.", "rowsps", 0, query{rate("mlp_serve_rows_total", "version"), "{{version}}"})
	p.add(lines, "Rows that cannot be scored", "Of all rows that a version gets.", "percentunit", l.Failed, query{d.failedShare(), "{{version}}"})
	p.add(lines, "Time to score", "The rows of a request, 99 of 100, by version.", "s", 0,
		query{fmt.Sprintf("histogram_quantile(0.99, sum by (le, version) (rate(%s[5m])))", d.of("mlp_serve_scoring_duration_seconds_bucket")), "{{version}}"})
	p.add(lines, "Categories that the model has not seen", "Of all rows, by feature. They count as missing.", "percentunit", l.Unseen, query{d.unseenShare(), "{{feature}}"})
	p.add(lines, "Missing values", "Of all rows, by feature.", "percentunit", 0,
		query{fmt.Sprintf("sum by (feature) (rate(%s[15m])) / scalar(sum(rate(%s[15m])))", d.of("mlp_serve_missing_total"), d.of("mlp_serve_rows_total")), "{{feature}}"})
	p.add("table", "What is served", "The models, and the rows that they answer.", "none", 0, query{"max by (version, digest, route) (" + d.of("mlp_serve_model_info") + ")", ""})
	p.add(lines, "Servers", "Those that have the live model, and those of which a release cannot be served.", "short", 0,
		query{"count(" + d.of("mlp_serve_model_info", `route="live"`) + ")", "have it"}, query{"sum(" + d.of("mlp_serve_release_failing") + ")", "cannot serve a release"})
	p.add(lines, "Memory", "Of each server.", "bytes", 0, query{"process_resident_memory_bytes and on (instance, job) " + d.of("mlp_serve_model_info", `route="live"`), "{{instance}}"})
	if d.Strategy != nil {
		p.add(lines, "Share of the candidate", "Of all rows, those that the "+string(d.Strategy.Role)+" scored.", "percentunit", 0,
			query{fmt.Sprintf("(%s * on (version) group_left () max by (version) (%s)) / scalar(sum(rate(%s[5m])))", rate("mlp_serve_rows_total", "version"), d.of("mlp_serve_model_info", `route="`+string(d.Strategy.Role)+`"`), d.of("mlp_serve_rows_total")), "{{version}}"})
	}
	board := map[string]any{
		"uid": d.uid(), "title": d.Pipeline + " " + d.Address + titleOf(d.Workspace), "description": "Written by: " + d.Command("export grafana "+d.Address), "tags": []string{"mlp"},
		"schemaVersion": schemaVersion, "version": 1, "editable": true, "graphTooltip": 1, "refresh": "30s", "timezone": "browser",
		"time": map[string]any{"from": "now-6h", "to": "now"}, "annotations": map[string]any{"list": []any{}}, "links": []any{}, "panels": p.all,
		"templating": map[string]any{"list": []any{map[string]any{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": map[string]any{}, "hide": 0, "refresh": 1}}},
	}
	var b bytes.Buffer
	to := json.NewEncoder(&b)
	to.SetEscapeHTML(false)
	to.SetIndent("", "  ")
	err := to.Encode(board)
	return b.Bytes(), err
}

func titleOf(workspace string) string {
	if workspace == "default" {
		return ""
	}
	return " (" + workspace + ")"
}
