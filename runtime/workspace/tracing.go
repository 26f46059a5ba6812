package workspace

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// tracing sends traces where the environment says, by OpenTelemetry's own variables, over OTLP in HTTP; nil where it says nothing of it. stop sends what
// is left. That they cannot be sent is logged, once a reason, and keeps nothing from being answered.
func tracing(ctx context.Context, log *slog.Logger) (tracer trace.Tracer, stop func(), err error) {
	none := func() {}
	if os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_TRACES_EXPORTER") == "none" ||
		os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return nil, none, nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p := os.Getenv(name); p != "" && p != "http/protobuf" {
			return nil, none, &Failure{Err: fmt.Errorf("%s is %q, and traces are sent over http/protobuf", name, p), Hint: "Set it to http/protobuf, and name the collector's port for HTTP, mostly 4318; or unset OTEL_EXPORTER_OTLP_ENDPOINT."}
		}
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, none, fmt.Errorf("sending traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "mlp-serve"), attribute.String("service.version", Version())), resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, none, fmt.Errorf("sending traces: %w", err)
	}
	var mu sync.Mutex
	said := ""
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if said != err.Error() {
			said = err.Error()
			log.Warn("traces cannot be sent", "error", said)
		}
	}))
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil { // it is no failure of the server
			log.Warn("the last traces were not sent", "error", err.Error())
		}
	}
	return provider.Tracer("mlp"), stop, nil
}
