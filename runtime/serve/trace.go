package serve

// Traces of requests, where there is a tracer: a span for each request, below the caller's own where the header traceparent names one
// (https://www.w3.org/TR/trace-context/), and below it one for the scoring of each model and one for what is kept. Names and attributes are OpenTelemetry's
// where it has them.

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traced begins the span of a request. ended tells how it ended; without a tracer nothing happens.
func (s *server) traced(r *http.Request, x *exchange) (with *http.Request, ended func(status int, err error)) {
	if s.Tracer == nil {
		return r, func(int, error) {}
	}
	// Of all paths that lead nowhere there is one name.
	route := r.Pattern
	if route == "/" {
		route = "none"
	}
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := s.Tracer.Start(ctx, r.Method+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(x.at), trace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("http.route", route), attribute.String("url.path", r.URL.Path), attribute.String("mlp.request_id", x.id)))
	if c := span.SpanContext(); c.IsSampled() {
		x.trace = c.TraceID().String()
	}
	return r.WithContext(ctx), func(status int, err error) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if x.model != "" {
			span.SetAttributes(attribute.String("mlp.model", x.model), attribute.String("mlp.version", x.version))
		}
		if len(x.batches) > 0 {
			span.SetAttributes(attribute.Int("mlp.rows", x.batches[0].rows))
		}
		if status >= 500 { // what a client did wrong is none of the server's errors
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}

// step is a span of a request's, for the work on a batch.
func (s *server) step(ctx context.Context, name string, b *batch) (within context.Context, ended func(error)) {
	if s.Tracer == nil {
		return ctx, func(error) {}
	}
	ctx, span := s.Tracer.Start(ctx, name, trace.WithAttributes(attribute.String("mlp.version", b.model.version), attribute.String("mlp.route", b.model.route), attribute.Int("mlp.rows", b.rows-b.away)))
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		} else if len(b.faults) > 0 {
			span.SetAttributes(attribute.Int("mlp.failed", len(b.faults)))
		}
		span.End()
	}
}
