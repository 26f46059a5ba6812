package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/heap"
	"github.com/mlp-lang/mlp/runtime/predlog"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/serve"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/counts"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Predictions say where what is answered is kept, and how long.
type Predictions struct {
	Dir  string        // a folder; "": nowhere
	Keep time.Duration // after which a table is removed; 0: never
	// ToStore: tables go to the store, where a source "predictions" reads them; the folder has what is not there yet.
	ToStore bool
}

// Serve answers requests for what is live until ctx ends. Of the options, what is served, how models are loaded and where predictions go is
// set here.
func (s *Session) Serve(ctx context.Context, o serve.Options, p Predictions) error {
	bundles, err := scratch.New(scratch.Serve)
	if err != nil {
		return err
	}
	defer bundles.Close()
	o.Releases = &releases{log: s.Log}
	o.Counts = kept{counts.Place{Bucket: s.Store.Bucket(), Pipeline: s.Pipeline, Workspace: s.w.Name}, HostName()}
	o.Open = func(ctx context.Context, d plan.Digest) (string, error) { return bundle(ctx, s.Store, d, bundles.Dir) }
	var to predlog.Options
	if p.ToStore {
		if err := s.prepare(ctx, nil); err != nil {
			return err
		}
		to.Deliver, to.Expire = s.keepTable, s.expireTables
	}
	return serveLogged(ctx, o, p, to)
}

// serveLogged answers requests, and keeps what is answered where that is asked for; of the options of its log the folder and how long are set here.
func serveLogged(ctx context.Context, o serve.Options, p Predictions, to predlog.Options) (err error) {
	switch {
	case p.Keep < 0 || p.Dir == "" && (p.Keep > 0 || p.ToStore):
		return &Failure{Err: errors.New("predictions are kept for a time that is not negative, and in a folder, also on their way to the store"), Hint: "Give both: --predictions DIR --keep-predictions 2160h."}
	case p.Dir != "":
		to.Dir, to.Keep, to.Convert = p.Dir, p.Keep, table.WritePacked
		to.Warn = func(format string, args ...any) { o.Log.Warn(fmt.Sprintf(format, args...)) }
		log, e := predlog.Open(to)
		if e != nil {
			return e
		}
		defer func() { err = errors.Join(err, log.Close()) }()
		o.Predictions = log
	}
	tracer, stop, err := tracing(ctx, o.Log)
	if err != nil {
		return err
	}
	defer stop()
	o.Tracer, o.Load, o.Version = tracer, model.ServeModel, Version()
	heap.Room(64 << 20) // what requests leave would else be collected a hundred times a second
	return serve.Run(ctx, o)
}

// bundle materialises a model's files in a folder of the server's own, named by their digest, once. A folder that was
// not finished is removed, so that the next try does not take it for whole.
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

// releases follows the state, for one reader: Current remembers what it read last.
type releases struct {
	log  *state.Log
	read int64       // the last revision that was read
	seal plan.Digest // its digest
}

// Current refuses a log that ends before the revision that it ended with when it was read last: a folder that is not mounted any more is
// empty, and is no order to withdraw what is served.
func (r *releases) Current(ctx context.Context) (map[string]plan.ReleaseState, error) {
	st, err := r.log.Load(ctx)
	if err != nil {
		return nil, err
	}
	if st.Revision < r.read || st.Revision == r.read && st.Digest != r.seal {
		return nil, fmt.Errorf("the state's log ends with revision %d, and is not the log that was read up to revision %d before. "+
			"See that the store is in its place: mlp store verify. If another one was put there on purpose, start the server again", st.Revision, r.read)
	}
	r.read, r.seal = st.Revision, st.Digest
	return st.Releases, nil
}
