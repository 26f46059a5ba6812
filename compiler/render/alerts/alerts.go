// Package alerts writes what a deployment that is served is watched by elsewhere: alerting rules of Prometheus and a dashboard of Grafana, over the metrics that `mlp serve` has at /metrics.
//
//	rules, err := alerts.Rules(alerts.Deployment{Pipeline: "fraud", Address: "deploy.scorer", Model: "scorer", …})
//
// The same deployment gives the same bytes.
package alerts

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Deployment is what is watched.
type Deployment struct {
	Pipeline  string
	Workspace string
	Address   string           // "deploy.scorer"
	Model     string           // the label of its metrics: the name that it is served by
	Strategy  *schema.Strategy // by which releases follow each other; nil: at once
	Limits    Limits
	Command   func(string) string // a command of mlp, as it is typed
}

// Limits are what is alarming.
type Limits struct {
	Latency  float64 // seconds that 99 of 100 requests are answered within
	Errors   float64 // share of requests that the server fails at
	Failed   float64 // share of rows that cannot be scored
	Unseen   float64 // share of rows with a category that the model has not seen, of one feature
	Busy     float64 // share of requests that are turned away since too many are worked on
	StepDays float64 // that a candidate may stay beside what is live
}

// DefaultLimits are those where nothing else is said. The share of rows that fail is what the deployment declares of its traffic, twice over.
func DefaultLimits(s *schema.Strategy) Limits {
	l := Limits{Latency: 0.5, Errors: 0.01, Failed: 0.02, Unseen: 0.05, Busy: 0.01, StepDays: 7}
	if s != nil && s.Rules != nil && s.Rules.Traffic != nil && s.Rules.Traffic.ErrorRate > 0 {
		l.Failed = 2 * s.Rules.Traffic.ErrorRate
	}
	return l
}

// Metrics are the names of the metrics that rules and dashboards read.
var Metrics = []string{
	"mlp_serve_requests_total", "mlp_serve_request_duration_seconds_bucket", "mlp_serve_rows_total", "mlp_serve_rows_failed_total", "mlp_serve_scoring_duration_seconds_bucket",
	"mlp_serve_unseen_total", "mlp_serve_missing_total", "mlp_serve_model_info", "mlp_serve_release_failing", "mlp_serve_poll_errors_total", "process_resident_memory_bytes",
}

// alert is one rule.
type alert struct {
	name, expr, wait, severity string
	summary, description, next string
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func percent(x float64) string { return strconv.FormatFloat(100*x, 'g', 4, 64) + " %" }

// of is a selector of the deployment's series.
func (d Deployment) of(metric string, more ...string) string {
	return metric + "{" + strings.Join(append([]string{"model=" + strconv.Quote(d.Model)}, more...), ",") + "}"
}

// share is how much of the one is the other, over some minutes; without anything in them there is none.
func share(part, whole, by string) string {
	return fmt.Sprintf("sum%s(rate(%s[5m])) / sum%s(rate(%s[5m]))", by, part, by, whole)
}

func (d Deployment) requests(codes string) string {
	if codes == "" {
		return d.of("mlp_serve_requests_total")
	}
	return d.of("mlp_serve_requests_total", codes)
}

// latency is the time that a share of the requests is answered within.
func (d Deployment) latency(q string) string {
	return fmt.Sprintf("histogram_quantile(%s, sum by (le) (rate(%s[5m])))", q, d.of("mlp_serve_request_duration_seconds_bucket"))
}

// failedShare is the share of rows that cannot be scored, by version. Rows that fail are none of those that are scored.
func (d Deployment) failedShare() string {
	failed, scored := d.of("mlp_serve_rows_failed_total"), d.of("mlp_serve_rows_total")
	return fmt.Sprintf("sum by (version) (rate(%s[5m])) / (sum by (version) (rate(%s[5m])) + sum by (version) (rate(%[1]s[5m])))", failed, scored)
}

func (d Deployment) unseenShare() string {
	return fmt.Sprintf("sum by (feature) (rate(%s[15m])) / scalar(sum(rate(%s[15m])))", d.of("mlp_serve_unseen_total"), d.of("mlp_serve_rows_total"))
}

// alerts are the rules of a deployment, the gravest first.
func (d Deployment) alerts() []alert {
	show, back := d.Command("release show "+d.Address), d.Command("rollback "+d.Address+" --reason '…'")
	l := d.Limits
	out := []alert{
		{"MLPNotServed", "absent(" + d.of("mlp_serve_model_info", `route="live"`) + ")", "5m", "critical", "no server answers for " + d.Address,
			"Either no server runs, or those that run do not have its release. Callers get no answers.", show},
		{"MLPRequestsFail", share(d.requests(`code=~"5.."`), d.requests(""), "") + " > " + number(l.Errors), "5m", "critical", "{{ $value | humanizePercentage }} of the requests of " + d.Address + " fail",
			"The server itself fails at more than " + percent(l.Errors) + " of them.", back},
		{"MLPRowsFail", d.failedShare() + " > " + number(l.Failed), "10m", "critical", "{{ $value | humanizePercentage }} of the rows of " + d.Address + " cannot be scored by {{ $labels.version }}",
			"A value is missing, is none of the feature's, or gives no number, in more than " + percent(l.Failed) + " of them: often another program sends them otherwise than before.", back},
		{"MLPReleaseNotLoaded", "max by (model) (" + d.of("mlp_serve_release_failing") + ") == 1", "5m", "critical", "a release of " + d.Address + " cannot be served",
			"The one before goes on answering. The server's log says what is wrong with the release.", show},
		{"MLPSlow", d.latency("0.99") + " > " + number(l.Latency), "10m", "warning", "one of 100 requests of " + d.Address + " takes {{ $value | humanizeDuration }}",
			"99 of 100 are to be answered within " + number(l.Latency) + " s.", show},
		{"MLPBusy", share(d.requests(`code="429"`), d.requests(""), "") + " > " + number(l.Busy), "5m", "warning", "{{ $value | humanizePercentage }} of the requests of " + d.Address + " are turned away",
			"More come at a time than are worked on (--concurrent): add servers, or let each have more.", show},
		{"MLPUnseenCategories", d.unseenShare() + " > " + number(l.Unseen), "30m", "warning", "{{ $value | humanizePercentage }} of the rows of " + d.Address + " have a {{ $labels.feature }} that its model has not seen",
			"Such a category counts as missing. Where it stays, the model is to be trained again.", d.Command("report " + d.Address)},
		{"MLPStateUnread", "increase(mlp_serve_poll_errors_total[15m]) > 0", "15m", "warning", "a server of " + d.Pipeline + " cannot read the releases",
			"It goes on answering with those that it has, and sees none that is made meanwhile.", show},
	}
	if d.Strategy != nil {
		role := string(d.Strategy.Role)
		candidate := d.of("mlp_serve_model_info", `route="`+role+`"`)
		out = append(out,
			alert{"MLPCandidateStays", fmt.Sprintf("count_over_time((count by (version) (%s))[%s:1h]) >= %s", candidate, hours(l.StepDays), number(24*l.StepDays)),
				"1h", "warning", "the " + role + " {{ $labels.version }} of " + d.Address + " is neither live nor taken away for " + number(l.StepDays) + " days", "Its rules do not decide, or nobody moves it.", show})
		if d.Strategy.Role != schema.ShadowRoute {
			out = append(out, alert{"MLPCandidateFails",
				fmt.Sprintf("(%s) * on (version) group_left () max by (version) (%s) > scalar(2 * max((%s) * on (version) group_left () max by (version) (%s))) + 0.001", d.failedShare(), candidate, d.failedShare(), d.of("mlp_serve_model_info", `route="live"`)),
				"10m", "warning", "the " + role + " {{ $labels.version }} of " + d.Address + " fails at twice as many rows as what is live", "This is no test, as rules of a canary are: it pages before they decide.",
				d.Command("release abort " + d.Address + " --reason '…'")})
		}
	}
	return out
}

func hours(days float64) string { return strconv.Itoa(int(24*days)) + "h" }

// Rules are the alerting rules, a file of Prometheus.
func Rules(d Deployment) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# Alerting rules of %s in pipeline %s, workspace %s, over the metrics of mlp serve.\n# Written by: %s\n", d.Address, d.Pipeline, d.Workspace, d.Command("export prometheus "+d.Address))
	fmt.Fprintf(&b, "groups:\n  - name: %s\n    rules:\n", strconv.Quote(strings.Join([]string{"mlp", d.Pipeline, d.Workspace, d.Address}, " ")))
	for _, a := range d.alerts() {
		fmt.Fprintf(&b, "      - alert: %s\n        expr: %s\n        for: %s\n        labels:\n          severity: %s\n          pipeline: %s\n          workspace: %s\n          deployment: %s\n", a.name, strconv.Quote(a.expr), a.wait, a.severity,
			strconv.Quote(d.Pipeline), strconv.Quote(d.Workspace), strconv.Quote(d.Address))
		fmt.Fprintf(&b, "        annotations:\n          summary: %s\n          description: %s\n          next: %s\n", strconv.Quote(a.summary), strconv.Quote(a.description), strconv.Quote(a.next))
	}
	return []byte(b.String())
}

// uid is the dashboard's, by which it is found again when it is imported anew.
func (d Deployment) uid() string {
	_, hex, _ := strings.Cut(string(digest.Of([]byte(strings.Join([]string{d.Pipeline, d.Workspace, d.Address}, "\x00")))), ":")
	return "mlp-" + hex[:16]
}
