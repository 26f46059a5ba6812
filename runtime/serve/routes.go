package serve

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/lang/suggest"
)

// failure is an error with the status that it is answered with.
type failure struct {
	status  int
	message string
}

// Error is the message, which the client is shown.
func (f *failure) Error() string { return f.message }

// badRequest is a failure with status 400.
func badRequest(format string, args ...any) error {
	return &failure{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// handler answers with a value to be written as JSON, or with an error, which is a *failure where the client can do something about it. It writes
// nothing itself. What it finds out of model, version and rows it notes in the exchange, for the log and the metrics.
type handler func(r *http.Request, x *exchange) (any, error)

// routes are all paths of the server. Everything is answered in JSON, errors as {"error": "…"}, but for /metrics, which is Prometheus' text. The
// second argument of get and post is the endpoint's name in the metrics, so that a path with a model's name in it makes no series of its own.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	get := func(path, endpoint string, h handler) { mux.Handle(path, s.answer(http.MethodGet, endpoint, h)) }
	post := func(path, endpoint string, h handler) { mux.Handle(path, s.answer(http.MethodPost, endpoint, h)) }
	get("/v2", "server", s.serverMetadata)
	get("/v2/health/live", "live", func(*http.Request, *exchange) (any, error) { return map[string]bool{"live": true}, nil })
	get("/v2/health/ready", "ready", s.ready)
	for _, prefix := range []string{"/v2/models/{model}", "/v2/models/{model}/versions/{version}"} {
		get(prefix, "metadata", s.modelMetadata)
		get(prefix+"/ready", "model_ready", s.modelReady)
		post(prefix+"/infer", "infer", s.infer)
	}
	get("/v1/models/{model}/openapi.json", "openapi", s.openAPI)
	get("/v1/models/{model}/rollout", "rollout", s.rollout)
	post("/v1/models/{model}/predict", "predict", s.predict)
	post("/v1/models/{model}/counterfactual", "counterfactual", s.counterfactual)
	s.calls(mux)
	mux.Handle("/metrics", s.known(s.metrics.handler()))
	mux.Handle("/", s.answer("", "none", func(r *http.Request, _ *exchange) (any, error) {
		return nil, &failure{http.StatusNotFound, fmt.Sprintf("there is nothing at %s; models are at /v2/models/NAME and /v1/models/NAME/predict", r.URL.Path)}
	}))
	return s.fromElsewhere(mux)
}

// bearer tells a client what it is asked for (RFC 6750, section 3).
const bearer = `Bearer realm="mlp"`

// known lets through who bears a token, where one is asked for: for a handler that writes its answer itself.
func (s *server) known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.caller(r); err != nil {
			w.Header().Set("WWW-Authenticate", bearer)
			write(w, r, statusOf(err), map[string]string{"error": err.Error()})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// fromElsewhere refuses what a web page of another site makes a browser send: POSTs across origins, and, on a server that
// listens on this machine only, names other than this machine's, which a page can point here (DNS rebinding).
func (s *server) fromElsewhere(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var refused *failure
		if !s.answersTo(r.Host) {
			refused = &failure{http.StatusMisdirectedRequest, fmt.Sprintf("this server listens on this machine only and does not answer to %q; see mlp serve --host", shorten(r.Host))}
		} else if err := origins.Check(r); err != nil {
			refused = &failure{http.StatusForbidden, "a web page of another site may not send requests here"}
		}
		if refused == nil {
			next.ServeHTTP(w, r)
			return
		}
		write(w, r, refused.status, map[string]string{"error": refused.message})
		s.metrics.observe("", "none", refused.status, 0)
		s.log(r, newExchange(r), refused.status, 0, refused)
	})
}

// answersTo says whether a request that names that host is meant for this server.
// An address is no name that a page could point here, so any is taken.
func (s *server) answersTo(host string) bool {
	name := strings.ToLower(host)
	if bare, _, err := net.SplitHostPort(host); err == nil {
		name = strings.ToLower(bare)
	}
	_, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return !s.local || err == nil || name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") || slices.Contains(s.Hosts, name)
}

// answer runs a handler and writes what it gives in JSON, whatever happens in it. An empty method takes all.
func (s *server) answer(method, endpoint string, h handler) http.Handler {
	return s.answered(method, endpoint, h, func(w http.ResponseWriter, r *http.Request, status int, value any, err error) {
		if err != nil {
			value = map[string]string{"error": err.Error()}
		}
		switch status {
		case http.StatusMethodNotAllowed:
			w.Header().Set("Allow", method)
		case http.StatusTooManyRequests:
			w.Header().Set("Retry-After", "1")
		case http.StatusUnauthorized:
			w.Header().Set("WWW-Authenticate", bearer)
		}
		write(w, r, status, value)
	})
}

// answered runs a handler and has what it gives written.
// Body and headers are bounded before the handler sees them; the time that is measured ends with the last byte written.
func (s *server) answered(method, endpoint string, h handler, written func(w http.ResponseWriter, r *http.Request, status int, value any, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, x := time.Now(), newExchange(r)
		r.Body = http.MaxBytesReader(w, r.Body, s.MaxBody)
		r, ended := s.traced(r, x)
		status := http.StatusOK
		value, err := s.guarded(method, h, r, x)
		if err != nil {
			status = statusOf(err)
		}
		w.Header().Set(requestID, x.id)
		written(w, r, status, value, err)
		ended(status, err)
		took := time.Since(start)
		s.metrics.observe(s.label(cmp.Or(r.PathValue("model"), x.asked)), endpoint, status, took)
		s.log(r, x, status, took, err)
	})
}

// guarded runs a handler; a panic is an answer with status 500 and not the end of the server. HEAD goes where GET does.
func (s *server) guarded(method string, h handler, r *http.Request, x *exchange) (value any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error: %v", p)
		}
	}()
	if x.caller, err = s.caller(r); err != nil {
		return nil, err
	}
	if method != "" && r.Method != method && (method != http.MethodGet || r.Method != http.MethodHead) {
		return nil, &failure{http.StatusMethodNotAllowed, fmt.Sprintf("%s takes %s, not %s", r.URL.Path, method, r.Method)}
	}
	return h(r, x)
}

// statusOf is the HTTP status of an error: what a handler chose, 504 if scoring took too long, else 500.
func statusOf(err error) int {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f.status
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

// write writes an answer, which may have bytes behind its JSON, compressed for a client that takes it so where that is worth it.
func write(w http.ResponseWriter, r *http.Request, status int, value any) {
	mixed, ok := value.(withBytes)
	if !ok {
		data, err := json.Marshal(value)
		if err != nil { // NaN, which JSON lacks, is no value of an answer
			status, data = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written as JSON"}`)
		}
		w.Header().Set("Content-Type", "application/json")
		send(w, r, status, append(data, '\n'))
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set(inferenceHeader, strconv.Itoa(len(mixed.text)))
	send(w, r, status, append(mixed.text, mixed.behind...))
}

// send writes what an answer says.
func send(w http.ResponseWriter, r *http.Request, status int, data []byte) {
	if len(data) >= worthPacking {
		w.Header().Add("Vary", "Accept-Encoding")
		if takesGzip(r.Header) {
			w.Header().Set("Content-Encoding", "gzip")
			data = pack(data)
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(data) // the client may be gone
}

// label is the model for the metrics; names that are not served would make a series for every typo.
func (s *server) label(name string) string {
	if _, ok := (*s.slots.Load())[name]; ok {
		return name
	}
	return ""
}

// target is who a request is for: a model, and the candidate that may have some of its rows; nil where the request names a version, or there is none.
type target struct {
	model  *served
	beside *candidate
}

// model is the target's model, for requests that no candidate has a share of.
func (s *server) model(r *http.Request, x *exchange) (*served, error) {
	to, err := s.target(r, x)
	return to.model, err
}

// target finds the model that a request names, and its version if it names one. 404 is for what is not released, 503 for what is released and
// cannot be answered for now: a client may try the second again.
func (s *server) target(r *http.Request, x *exchange) (target, error) {
	// Until the first look nobody knows whether the model is there: 503, which callers try again, and not 404.
	slots := *s.slots.Load()
	name := r.PathValue("model")
	x.asked = name
	slot, ok := slots[name]
	switch {
	case !ok && !s.looked.Load():
		return target{}, &failure{http.StatusServiceUnavailable, "the releases have not been read yet"}
	case !ok:
		return target{}, &failure{http.StatusNotFound, unknown("model", name, sortedNames(slots))}
	case slot.now == nil && slot.opaque:
		return target{}, &failure{http.StatusServiceUnavailable, fmt.Sprintf("model %q cannot be served here: %s", name, slot.fault)}
	case slot.now == nil:
		return target{}, &failure{http.StatusServiceUnavailable, fmt.Sprintf("model %q could not be loaded: %s", name, slot.fault)}
	}
	to := target{model: slot.now, beside: slot.next}
	if to.beside != nil && to.beside.model == nil {
		to.beside = nil
	}
	if v := r.PathValue("version"); v != "" {
		switch c := to.beside; {
		case v == slot.now.version:
			to.beside = nil
		case c != nil && v == c.model.version:
			to = target{model: c.model}
		case c != nil:
			return target{}, &failure{http.StatusNotFound, fmt.Sprintf("version %q of model %q is not served; %s is, and %s as its %s", v, name, slot.now.version, c.model.version, c.role)}
		default:
			return target{}, &failure{http.StatusNotFound, fmt.Sprintf("version %q of model %q is not served; %s is", v, name, slot.now.version)}
		}
	}
	x.model, x.version = to.model.name, to.model.version
	return to, nil
}

// unknown says that there is nothing of that name, and what there is.
// The nearest name is suggested where one is like it; else the names are listed, the first twenty of many.
func unknown(what, name string, names []string) string {
	message := fmt.Sprintf("there is no %s %q", what, name)
	if hint := suggest.DidYouMean(name, names); hint != "" {
		return message + "; " + hint
	}
	if len(names) == 0 {
		return message + "; there are none"
	}
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("%s; there are %s and %d more", message, strings.Join(names[:most], ", "), len(names)-most)
	}
	return fmt.Sprintf("%s; there are: %s", message, strings.Join(names, ", "))
}

// sortedNames are the keys of a map, sorted, for answers that are the same each time.
func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
