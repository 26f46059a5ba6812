package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/runtime/serve"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const serveHelp = `Serves the models that deploy "http" blocks have released, in the foreground, and follows the state: when an apply
releases another model, it is loaded and takes over without a request lost. With a canary, a shadow or blue_green in the block it is
served beside the live one first, until 'mlp release promote' or 'mlp release abort'.

The protocol is the Open Inference Protocol v2 (GET /v2/models/NAME, POST /v2/models/NAME/infer, and gRPC at the same address); POST
/v1/models/NAME/predict takes rows as objects, whose schema is at /v1/models/NAME/openapi.json. The model's name is that of the
deploy block. Metrics are at /metrics.

With --predictions each row and its answer are kept, durably before it is answered, in Parquet files that a source "parquet" reads;
with --predictions-to-store these go to the pipeline's store, where source "predictions" { of = deploy.NAME } is their table.

With --tls-cert and --tls-key it speaks TLS; with --tls-clients it answers to clients whose certificate is signed by one of the file,
with --tokens to callers whose token is in the file.

What a request says is taken or refused: text that is not UTF-8, names that stand twice, fields and parameters that nothing
reads. A row that cannot be scored is answered with the reason, the others of the request are scored. Categories that the model
was not trained on, and nulls, are told in the answer and counted in the metrics.

Events and requests are logged to standard error, a line each, with the request's id (X-Request-Id, or one that is made and
given back). With a key in the deploy block each row has a line too: the key and what was answered.`

// serveCommand listens on this machine alone unless an address is given: models answer to whoever asks.
func (a *app) serveCommand() *cobra.Command {
	var o serve.Options
	var p workspace.Predictions
	var format string
	var vars workspace.Settings
	var released string
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve released models over HTTP", Long: serveHelp, Args: cobra.NoArgs,
		Example: "  mlp serve --addr 127.0.0.1:8080\n" +
			"  curl -s localhost:8080/v1/models/scorer/predict -d '{\"rows\": [{\"amount\": 12.5}]}'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log = logger(format, a.err)
			if released != "" {
				return a.serve(cmd.Context(), o, func(ctx context.Context, o serve.Options) error { return workspace.ServeReleased(ctx, released, o, p) })
			}
			s, err := a.openRecorded(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			return a.serve(cmd.Context(), o, func(ctx context.Context, o serve.Options) error { return s.Serve(ctx, o, p) })
		},
	}
	settingsFlags(cmd, &vars)
	flags := cmd.Flags()
	flags.StringVar(&o.Addr, "addr", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	flags.StringSliceVar(&o.Hosts, "host", nil, "`name` to answer to beside localhost, when listening on this machine only")
	flags.StringVar(&o.Cert, "tls-cert", "", "`file` with the certificate and those that signed it, PEM; read again when it changes")
	flags.StringVar(&o.Key, "tls-key", "", "`file` with the certificate's key, PEM")
	flags.StringVar(&o.Signers, "tls-clients", "", "`file` with the certificates that sign those of clients, PEM: requests must come with one; read again when it changes")
	flags.StringVar(&o.Tokens, "tokens", "", "`file` with a line for each caller, a name and a token: requests must bear one of them; read again when it changes")
	flags.IntVar(&o.MaxRequests, "concurrent", 256, "`requests` worked on at the same time; more are answered with 429")
	flags.DurationVar(&o.Drain, "drain", 0, "`duration` to go on answering, while not ready, before stopping")
	flags.StringVar(&p.Dir, "predictions", "", "`folder` in which each row and its answer are kept, durably before it is answered, as Parquet")
	flags.BoolVar(&p.ToStore, "predictions-to-store", false, "move them to the store, where a source \"predictions\" reads them; the folder holds what is on its way")
	flags.DurationVar(&p.Keep, "keep-predictions", 0, "`duration` after which predictions are removed; 0 keeps them")
	flags.StringVar(&released, "released", "", "`folder` of released models to serve, without a pipeline, as images of 'mlp export image' have it")
	flags.BoolVar(&o.Access, "access-log", true, "log each request")
	flags.StringVar(&format, "log-format", "text", "`format` of the log: text or json")
	return cmd
}

// logger writes the log in the wanted form. JSON goes one object a line, as log collectors read it.
func logger(format string, to io.Writer) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(to, nil))
	}
	return slog.New(slog.NewTextHandler(to, nil))
}

// serve runs the model server until it is interrupted. "Serving on" goes to standard output when the socket is open, so
// that a script may wait for that line; with port 0 it is the only place that tells the port.
func (a *app) serve(ctx context.Context, o serve.Options, run func(context.Context, serve.Options) error) error {
	stop, _, release := interrupts(ctx)
	defer release()
	o.Ready = func(url string) { fmt.Fprintf(a.out, "Serving on %s\n", url) }
	return run(stop, o)
}
