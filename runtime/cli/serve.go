package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/serve"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/stdlib/model"
)

const serveHelp = `Serves the models that deploy "http" blocks have released, in the foreground, and follows the state: when an apply
releases another model, it is loaded and takes over without a request lost.

The protocol is the Open Inference Protocol v2 (GET /v2/models/NAME, POST /v2/models/NAME/infer); POST
/v1/models/NAME/predict takes rows as objects. The model's name is that of the deploy block. Metrics are at /metrics.`

func (a *app) serveCommand() *cobra.Command {
	addr := ""
	var vars settings
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve released models over HTTP", Long: serveHelp, Args: cobra.NoArgs,
		Example: "  mlp serve --addr 127.0.0.1:8080\n" +
			"  curl -s localhost:8080/v1/models/scorer/predict -d '{\"rows\": [{\"amount\": 12.5}]}'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.open(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			return s.serve(cmd.Context(), addr)
		},
	}
	vars.flags(cmd)
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	return cmd
}

// serve runs the model server on the session's state and store until it is interrupted.
func (s *session) serve(ctx context.Context, addr string) error {
	stop, _, release := interrupts(ctx)
	defer release()
	bundles, err := os.MkdirTemp("", "mlp-serve")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bundles)
	return serve.Run(stop, serve.Options{
		Addr: addr, Releases: releases{s.log}, Load: model.ServeModel, Version: version(), Log: s.app.err,
		Open:  func(ctx context.Context, d plan.Digest) (string, error) { return bundle(ctx, s.store, d, bundles) },
		Ready: func(addr string) { fmt.Fprintf(s.app.out, "Serving on http://%s\n", addr) },
	})
}

// bundle materialises a model's files in a folder of the server's own.
func bundle(ctx context.Context, st *store.Store, d plan.Digest, parent string) (string, error) {
	hex, err := d.Hex()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(parent, hex)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := st.Materialize(ctx, d, dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}

// releases follows the state.
type releases struct{ log *state.Log }

func (r releases) Current(ctx context.Context) (map[string]plan.ReleaseState, error) {
	st, err := r.log.Load(ctx)
	if err != nil {
		return nil, err
	}
	return st.Releases, nil
}
