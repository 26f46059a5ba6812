package serve

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// exchange is one request and its answer, as metrics and the access log tell of them. It is filled in as the request is worked on: of one that
// named no model there is the id alone.
type exchange struct {
	id      string // of the request: the client's, or one made here
	at      time.Time
	trace   string // of the request's span, where one is kept
	caller  string // whose token it bears; "" on a server that asks for none
	asked   string // the name that the request has for a model, be there one or not
	model   string // "" until it is found
	version string
	batches []*batch // what was scored, by one model or by two
}

// requestID is the header by which a client names a request, and finds it in the log.
const requestID = "X-Request-Id"

// newExchange takes the client's name for the request if that is fit for headers and logs.
// Else a random one is made, of 26 letters and digits. What is logged was so never written by a client who hides a line end in it.
func newExchange(r *http.Request) *exchange {
	id := r.Header.Get(requestID)
	strange := strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c > '~' })
	if id == "" || len(id) > 128 || strange {
		id = rand.Text()
	}
	return &exchange{id: id, at: time.Now()}
}

// atOnce is how many rows models score without a look at the time: of fewer a timer would cost much and end nothing.
const atOnce = 1024

// score runs the model and counts what it was given.
// Only what was answered counts as scored; rows at fault are counted in either case.
func (s *server) score(ctx context.Context, b *batch, x *exchange) error {
	if values := b.rows * (1 + len(b.model.outputs)); values > s.MaxValues {
		return badRequest("%d rows of %d outputs are more than is answered at once; send fewer rows at a time", b.rows, len(b.model.outputs))
	}
	if b.values > atOnce {
		timed, cancel := context.WithTimeout(ctx, s.Timeout)
		defer cancel()
		ctx = timed
	}
	start := time.Now()
	ctx, ended := s.step(ctx, "score", b)
	err := b.score(ctx)
	ended(err)
	b.model.took.Observe(time.Since(start).Seconds())
	b.model.failed.Add(float64(len(b.faults)))
	if err != nil {
		return err
	}
	x.batches = append(x.batches, b)
	b.model.scored.Add(float64(b.rows - b.away - len(b.faults)))
	b.count()
	for name, n := range b.unseen {
		s.metrics.unseen.WithLabelValues(b.model.name, name).Add(float64(n))
	}
	for name, n := range b.missing {
		s.metrics.missing.WithLabelValues(b.model.name, name).Add(float64(n))
	}
	return nil
}

// log writes one line for the request and, where the deployment declares a key, one for each row: who it is about, and
// what was answered. Features are not logged.
// Without Access only answers with a status of 500 and above are logged, but for 503, which says that a model is not ready yet.
func (s *server) log(r *http.Request, x *exchange, status int, took time.Duration, err error) {
	broken := status >= 500 && status != http.StatusServiceUnavailable
	if !s.Access && !broken {
		return
	}
	attrs := []slog.Attr{slog.String("id", x.id), slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", status),
		slog.Float64("ms", float64(took.Microseconds())/1000)}
	if x.trace != "" {
		attrs = append(attrs, slog.String("trace", x.trace))
	}
	if x.caller != "" {
		attrs = append(attrs, slog.String("caller", x.caller))
	}
	if x.model != "" {
		attrs = append(attrs, slog.String("model", x.model), slog.String("version", x.version))
	}
	if len(x.batches) > 0 {
		failed := 0
		for _, b := range x.batches {
			failed += len(b.faults)
		}
		attrs = append(attrs, slog.Int("rows", x.batches[0].rows), slog.Int("failed", failed))
	}
	level := slog.LevelInfo
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
		level = slog.LevelWarn
	}
	if broken {
		level = slog.LevelError
	}
	s.logAttrs(r.Context(), level, "request", attrs)
	if !s.Access {
		return
	}
	for _, b := range x.batches {
		if len(b.model.key) == 0 {
			continue
		}
		for row := range b.rows {
			if b.held[row] != elsewhere {
				s.logAttrs(r.Context(), slog.LevelInfo, "answer", x.answer(b, row))
			}
		}
	}
}

// logAttrs is slog's LogAttrs without the search for the line of code that logs, of which lines do not tell.
func (s *server) logAttrs(ctx context.Context, level slog.Level, message string, attrs []slog.Attr) {
	if !s.Log.Enabled(ctx, level) {
		return
	}
	line := slog.NewRecord(time.Now(), level, message, 0)
	line.AddAttrs(attrs...)
	_ = s.Log.Handler().Handle(ctx, line) // as Logger has it: a log that cannot be written stops nobody
}

// answer is what the log has of one row: the request, the row's key, and what was answered. Features are left out, since
// they may be personal; the key is by which a label is joined later.
func (x *exchange) answer(b *batch, row int) []slog.Attr {
	attrs := []slog.Attr{slog.String("id", x.id), slog.String("model", x.model), slog.String("version", b.model.version), slog.Int("row", row)}
	if b.model.route != liveRoute {
		attrs = append(attrs, slog.String("route", b.model.route))
	}
	var key []any
	for i, name := range b.model.key {
		key = append(key, slog.Any(name, plain(b.keys[i][row])))
	}
	attrs = append(attrs, slog.Group("key", key...))
	p := b.prediction(row)
	if p.Error != "" {
		return append(attrs, slog.String("error", p.Error))
	}
	attrs = append(attrs, slog.Any("predicted", p.Predicted))
	if p.Arm != "" {
		attrs = append(attrs, slog.String("arm", p.Arm))
	}
	if p.Score != nil {
		attrs = append(attrs, slog.Float64("score", *p.Score))
	}
	for i, c := range b.model.model.Classes() {
		if p.Scores != nil {
			attrs = append(attrs, slog.Float64("score_"+c, b.answers[row].Scores[i]))
		}
	}
	if p.Unseen != nil {
		attrs = append(attrs, slog.Any("unseen", p.Unseen))
	}
	if p.Missing != nil {
		attrs = append(attrs, slog.Any("missing", p.Missing))
	}
	return attrs
}

// plain is a field of a key as a log has it: strings without their quotes, numbers as they were written, nil of null or none.
func plain(v string) any {
	if isNull(v) {
		return nil
	}
	if v[0] == '"' {
		return unquote(v)
	}
	return v
}
