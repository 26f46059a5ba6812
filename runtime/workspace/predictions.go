package workspace

// The log of what a deployment answered is tables in the store, predictions/<pipeline>/<workspace>/<deployment>/<table>. Servers put them there, each table once and whole; a plan
// lists them, and goes by the names that it found. A store that is a folder has them as files. Of one elsewhere this machine keeps a copy of the log, in
// .mlp/cache/predictions: what is new there is fetched before a plan is made, and what is gone there is removed, so that every machine plans with the same tables.

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// logName is a deployment as names of folders have it, by the name under which it is served: deploy.scorer["eu"] is scorer-eu, and no name of a block has a -.
func logName(deployment string) string {
	return strings.NewReplacer(`["`, "-", `"]`, "").Replace(strings.TrimPrefix(deployment, "deploy."))
}

// logPrefix is what the keys of a deployment's log begin with.
func logPrefix(pipeline, workspace, deployment string) string {
	return "predictions/" + pipeline + "/" + workspace + "/" + logName(deployment) + "/"
}

// logFolder is where this machine has the log of a deployment.
func (w *Workspace) logFolder(deployment string) (string, error) {
	name, ok := w.pipelineName()
	if !ok {
		return "", errors.New("the module has no pipeline block that names its log")
	}
	return w.logAt(logPrefix(name, w.served(), deployment))
}

// served is the workspace whose deployments' logs are read: that which this one goes by, as a pull request by production.
func (w *Workspace) served() string { return cmp.Or(w.goesBy, w.Base, w.Name) }

func (w *Workspace) logAt(prefix string) (string, error) {
	url, err := w.storeURL()
	if err != nil {
		return "", err
	}
	dir := w.StoreDir(filepath.FromSlash(prefix))
	if url != nil {
		sum := sha256.Sum256([]byte(url.Place()))
		dir = w.StoreDir("cache", "predictions", hex.EncodeToString(sum[:8]), filepath.FromSlash(strings.TrimPrefix(prefix, "predictions/")))
	}
	return filepath.Abs(dir)
}

// relative is a folder as seen from that of the module, with forward slashes.
func (w *Workspace) relative(dir string) (string, error) {
	home, err := filepath.Abs(w.Dir)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(home, dir)
	return filepath.ToSlash(rel), err
}

// logged are the tables of a log that a configuration means. That there are none is an fs.ErrNotExist, but where that is all right.
func (r DataRoots) logged(src *component.Source, config json.RawMessage) (root string, names []string, err error) {
	deployment, _, err := src.Log(config, nil)
	if err != nil {
		return "", nil, err
	}
	if r.log == nil {
		return "", nil, noneLogged(deployment)
	}
	if root, err = r.log(deployment); err != nil {
		return "", nil, err
	}
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", nil, err
	}
	for _, e := range entries {
		if _, ok := schema.ParseLogged(e.Name()); ok {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		if src.NoLog(config) {
			return root, nil, nil
		}
		return root, nil, noneLogged(deployment)
	}
	_, names, err = src.Log(config, names)
	return root, names, err
}

// noneLogged says that a deployment has logged nothing.
type noneLogged string

func (e noneLogged) Error() string {
	return "nothing that " + string(e) + " answered is in the store: mlp serve --predictions DIR --predictions-to-store keeps it there"
}
func (noneLogged) Is(target error) bool { return target == fs.ErrNotExist }

// fetchLog brings this machine's copy of a log up to date, where the block reads one and the store is elsewhere.
func (s *Session) fetchLog(ctx context.Context, b *check.Block) error {
	src := sourceOf(b.Kind, b.Type)
	if src == nil || src.Log == nil || !s.Store.IsFar() || s.Offline {
		return nil
	}
	deployment, _, err := src.Log(b.Config, nil)
	if err != nil {
		return err
	}
	return s.mirror(ctx, logPrefix(s.Pipeline, s.w.served(), deployment))
}

// mirror makes a folder of this machine hold what the store has below a prefix.
func (s *Session) mirror(ctx context.Context, prefix string) error {
	dir, err := s.w.logAt(prefix)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for key, err := range bucket.Keys(ctx, s.Store.Bucket(), prefix, "") {
		if err != nil {
			return errors.Join(fmt.Errorf("listing what was answered: %w", err), g.Wait())
		}
		name := path.Base(key)
		if _, ok := schema.ParseLogged(name); !ok {
			continue
		}
		there[name] = true
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			g.Go(func() error { return s.fetchTable(gctx, key, filepath.Join(dir, name)) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if !there[e.Name()] {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// fetchTable fetches a table whole, and holds it to the digest that its name has.
func (s *Session) fetchTable(ctx context.Context, key, to string) (err error) {
	v, err := s.Store.Bucket().Get(ctx, key, bucket.Range{})
	if errors.Is(err, fs.ErrNotExist) { // removed since it was listed
		return nil
	}
	if err != nil {
		return err
	}
	defer v.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".fetched-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removed(f.Name())) }()
	d, _, err := digest.Read(io.TeeReader(v, f))
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("fetching %s: %w", key, err)
	}
	if t, _ := schema.ParseLogged(path.Base(key)); strings.TrimPrefix(string(d), digest.Prefix)[:len(t.Digest)] != t.Digest {
		return fmt.Errorf("%s is not what its name says: it is damaged", key)
	}
	return os.Rename(f.Name(), to)
}

// removed removes a file that may be gone.
func removed(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// fetchPlanned brings the tables that a saved plan names to this machine.
func (s *Session) fetchPlanned(ctx context.Context, p *plan.Plan) error {
	if !s.Store.IsFar() {
		return nil
	}
	for _, n := range p.Nodes {
		src := sourceOf(n.Kind, n.Type)
		if src == nil || src.Log == nil {
			continue
		}
		deployment, _, err := src.Log(n.Config, nil)
		if err == nil {
			err = s.mirror(ctx, logPrefix(p.Pipeline, s.w.served(), deployment))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keepTable puts a table of predictions into the store, under a name that says its rows and its content. One that is there already is the same.
func (s *Session) keepTable(ctx context.Context, deployment, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	d, _, err := digest.Read(f)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	rows, err := table.Rows(ctx, file)
	if err != nil {
		return err
	}
	stem := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	key := logPrefix(s.Pipeline, s.w.Name, deployment) + schema.LoggedName(stem, rows, strings.TrimPrefix(string(d), digest.Prefix))
	if err := s.Store.Bucket().PutNew(ctx, key, f); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("moving what was answered to the store: %w", err)
	}
	return nil
}

// expireTables removes tables of all deployments from the store that began before a time.
func (s *Session) expireTables(ctx context.Context, before time.Time) error {
	var old []string
	for key, err := range bucket.Keys(ctx, s.Store.Bucket(), "predictions/"+s.Pipeline+"/"+s.w.Name+"/", "") {
		if err != nil {
			return err
		}
		if t, ok := schema.ParseLogged(path.Base(key)); ok && t.Began.Before(before) {
			old = append(old, key)
		}
	}
	return bucket.DeleteAll(ctx, s.Store.Bucket(), old)
}
