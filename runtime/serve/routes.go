package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/lang/source"
)

// failure is an error with the status that it is answered with.
type failure struct {
	status  int
	message string
}

func (f *failure) Error() string { return f.message }

func badRequest(format string, args ...any) error {
	return &failure{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// handler answers with a value to be written as JSON.
type handler func(r *http.Request) (any, error)

// routes are all paths of the server. Everything is answered in JSON, errors as {"error": "…"}.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	get := func(path, endpoint string, h handler) { mux.Handle(path, s.answer(http.MethodGet, endpoint, h)) }
	post := func(path, endpoint string, h handler) { mux.Handle(path, s.answer(http.MethodPost, endpoint, h)) }
	get("/v2", "server", s.serverMetadata)
	get("/v2/health/live", "live", func(*http.Request) (any, error) { return map[string]bool{"live": true}, nil })
	get("/v2/health/ready", "ready", s.ready)
	for _, prefix := range []string{"/v2/models/{model}", "/v2/models/{model}/versions/{version}"} {
		get(prefix, "metadata", s.modelMetadata)
		get(prefix+"/ready", "model_ready", s.modelReady)
		post(prefix+"/infer", "infer", s.infer)
	}
	post("/v1/models/{model}/predict", "predict", s.predict)
	mux.Handle("/metrics", s.metrics.handler())
	mux.Handle("/", s.answer("", "none", func(r *http.Request) (any, error) {
		return nil, &failure{http.StatusNotFound, fmt.Sprintf("there is nothing at %s; models are at /v2/models/NAME and /v1/models/NAME/predict", r.URL.Path)}
	}))
	return mux
}

// answer runs a handler and writes what it gives, whatever happens in it. An empty method takes all.
func (s *server) answer(method, endpoint string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		r.Body = http.MaxBytesReader(w, r.Body, s.MaxBody)
		ctx, cancel := context.WithTimeout(r.Context(), s.Timeout)
		defer cancel()
		status := http.StatusOK
		value, err := s.guarded(method, h, r.WithContext(ctx))
		if err != nil {
			status = statusOf(err)
			value = map[string]string{"error": err.Error()}
			if status >= 500 && status != http.StatusServiceUnavailable {
				s.logf("%s %s: %v", r.Method, r.URL.Path, err)
			}
		}
		if status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", method)
		}
		writeJSON(w, status, value)
		s.metrics.observe(s.label(r), endpoint, status, time.Since(start))
	})
}

func (s *server) guarded(method string, h handler, r *http.Request) (value any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error: %v", p)
		}
	}()
	if method != "" && r.Method != method && (method != http.MethodGet || r.Method != http.MethodHead) {
		return nil, &failure{http.StatusMethodNotAllowed, fmt.Sprintf("%s takes %s, not %s", r.URL.Path, method, r.Method)}
	}
	return h(r)
}

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

func writeJSON(w http.ResponseWriter, status int, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // the client may be gone
}

// label is the model for the metrics; names that are not served would make a series for every typo.
func (s *server) label(r *http.Request) string {
	name := r.PathValue("model")
	if _, ok := (*s.slots.Load())[name]; ok {
		return name
	}
	return ""
}

// model finds the model that a request names, and its version if it names one.
func (s *server) model(r *http.Request) (*served, error) {
	slots := *s.slots.Load()
	name := r.PathValue("model")
	slot, ok := slots[name]
	switch {
	case !ok && !s.looked.Load():
		return nil, &failure{http.StatusServiceUnavailable, "the releases have not been read yet"}
	case !ok:
		return nil, &failure{http.StatusNotFound, unknown("model", name, sortedNames(slots))}
	case slot.now == nil && slot.opaque:
		return nil, &failure{http.StatusServiceUnavailable, fmt.Sprintf("model %q cannot be served here: %s", name, slot.fault)}
	case slot.now == nil:
		return nil, &failure{http.StatusServiceUnavailable, fmt.Sprintf("model %q could not be loaded: %s", name, slot.fault)}
	}
	if v := r.PathValue("version"); v != "" && v != slot.now.version {
		return nil, &failure{http.StatusNotFound, fmt.Sprintf("version %q of model %q is not served; %s is", v, name, slot.now.version)}
	}
	return slot.now, nil
}

// unknown says that there is nothing of that name, and what there is.
func unknown(what, name string, names []string) string {
	message := fmt.Sprintf("there is no %s %q", what, name)
	if hint := source.DidYouMean(name, names); hint != "" {
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

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// decode reads a request's body: one JSON value with no fields but those of into.
func (s *server) decode(r *http.Request, into any) error {
	if r.Header.Get("Inference-Header-Content-Length") != "" {
		return badRequest("the binary tensor extension is not spoken here; send the data as JSON")
	}
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &failure{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request is larger than %d bytes; send fewer rows at a time", s.MaxBody)}
	case errors.Is(err, io.EOF):
		return badRequest("the request has no body")
	case err != nil:
		return badRequest("the body is not the JSON expected: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badRequest("the body goes on after its JSON value")
	}
	return nil
}
