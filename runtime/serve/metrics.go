package serve

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics of one server, in a registry of its own. The label model is empty for requests that name no model served.
type metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec   // model, endpoint, code
	errors     *prometheus.CounterVec   // model, endpoint: status 400 and above
	duration   *prometheus.HistogramVec // model, endpoint; seconds
	rows       *prometheus.CounterVec   // model, version: rows scored
	failed     *prometheus.CounterVec   // model, version: rows that could not be scored
	scoring    *prometheus.HistogramVec // model, version; seconds
	shadowed   *prometheus.CounterVec   // model, version, compared: rows of a shadow
	explored   *prometheus.CounterVec   // model, version: rows that were decided otherwise by chance
	unseen     *prometheus.CounterVec   // model, feature
	missing    *prometheus.CounterVec   // model, feature
	info       *prometheus.GaugeVec     // model, version, digest, route: 1
	failing    *prometheus.GaugeVec     // model: 1 while the current release cannot be served
	pollErrors prometheus.Counter
}

// newMetrics registers all metrics at once. Vectors without a series yet are not exposed: a model's come with its first request or
// load.
func newMetrics() *metrics {
	name := func(n, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "mlp", Subsystem: "serve", Name: n, Help: help}
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(name("requests_total", "Requests by model, endpoint and status code."), []string{"model", "endpoint", "code"}),
		errors:   prometheus.NewCounterVec(name("errors_total", "Requests answered with status 400 or above."), []string{"model", "endpoint"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "mlp", Subsystem: "serve", Name: "request_duration_seconds", Help: "Time from a request's headers to its answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"model", "endpoint"}),
		rows:   prometheus.NewCounterVec(name("rows_total", "Rows scored."), []string{"model", "version"}),
		failed: prometheus.NewCounterVec(name("rows_failed_total", "Rows that could not be scored: a value that is missing, none of the feature's, or out of the model's range."), []string{"model", "version"}),
		scoring: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "mlp", Subsystem: "serve", Name: "scoring_duration_seconds", Help: "Time to score the rows that a request has for a model.",
			Buckets: []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"model", "version"}),
		shadowed:   prometheus.NewCounterVec(name("shadow_rows_total", "Rows of a shadow, by how its answer compares with the one that was given."), []string{"model", "version", "compared"}),
		explored:   prometheus.NewCounterVec(name("explored_total", "Rows that were decided otherwise than the model does, by chance."), []string{"model", "version"}),
		unseen:     prometheus.NewCounterVec(name("unseen_total", "Rows scored with a category that the model was not trained on, which counts as missing."), []string{"model", "feature"}),
		missing:    prometheus.NewCounterVec(name("missing_total", "Rows scored with no value for the feature, or without the field of the key."), []string{"model", "feature"}),
		info:       prometheus.NewGaugeVec(prometheus.GaugeOpts(name("model_info", "The models served under a name, and the rows that they answer; always 1.")), []string{"model", "version", "digest", "route"}),
		failing:    prometheus.NewGaugeVec(prometheus.GaugeOpts(name("release_failing", "1 while the current release cannot be served.")), []string{"model"}),
		pollErrors: prometheus.NewCounter(name("poll_errors_total", "Times that the releases could not be read.")),
	}
	m.registry.MustRegister(m.requests, m.errors, m.duration, m.rows, m.failed, m.scoring, m.shadowed, m.explored, m.unseen, m.missing, m.info, m.failing, m.pollErrors,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// handler exposes the registry in Prometheus' text format.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// observe counts one request, after its answer was written.
func (m *metrics) observe(model, endpoint string, code int, took time.Duration) {
	m.requests.WithLabelValues(model, endpoint, strconv.Itoa(code)).Inc()
	m.duration.WithLabelValues(model, endpoint).Observe(took.Seconds())
	if code >= 400 {
		m.errors.WithLabelValues(model, endpoint).Inc()
	}
}

// serving notes which models are served under a name, and whether its release and the candidate of its rollout are.
// There is one series of info for each: that of a version before goes.
func (m *metrics) serving(name string, of slot) {
	m.info.DeletePartialMatch(prometheus.Labels{"model": name})
	failing := of.fault != ""
	if of.now != nil {
		m.info.WithLabelValues(name, of.now.version, string(of.now.digest), liveRoute).Set(1)
	}
	if c := of.next; c != nil {
		failing = failing || c.model == nil
		if c.model != nil {
			m.info.WithLabelValues(name, c.model.version, string(c.digest), string(c.role)).Set(1)
		}
	}
	m.failing.WithLabelValues(name).Set(0)
	if failing {
		m.failing.WithLabelValues(name).Set(1)
	}
}

// forget removes a model that is withdrawn; its counters stay.
func (m *metrics) forget(name string) {
	m.info.DeletePartialMatch(prometheus.Labels{"model": name})
	m.failing.DeleteLabelValues(name)
}
