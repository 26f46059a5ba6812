package workspace

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/state"
)

// editing is a pipeline in a folder that is planned and applied over and over: by the real front end, library, planner,
// engine and store. Made up are only the results of stages, so that none takes longer than writing a few bytes, and what names of
// images mean.
type editing struct {
	t      *testing.T
	dir    string
	moving bool // something else is applied than what the files say
}

// editingOf copies a pipeline, without what was recorded of it.
func editingOf(t *testing.T, from string) *editing {
	t.Helper()
	e := &editing{t: t, dir: inMemory(t)}
	if err := os.CopyFS(e.dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(e.dir, StoreName)); err != nil {
		t.Fatal(err)
	}
	e.logged()
	e.former()
	e.pin()
	return e
}

// logged lays out what deployments of the workbench answered.
func (e *editing) logged() {
	e.t.Helper()
	for _, deployment := range []string{"served", "by_steps", "in_shadow"} {
		dir := filepath.Join(e.dir, StoreName, "predictions", "workbench", "default", deployment)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			e.t.Fatal(err)
		}
		for _, began := range []string{"20260101", "20260301"} {
			if err := os.WriteFile(filepath.Join(dir, schema.LoggedName(began+"T000000.000000000Z-00000000", 10, strings.Repeat("a", 64))), []byte(deployment+began), 0o600); err != nil {
				e.t.Fatal(err)
			}
		}
	}
}

// definitionOf stands in a text for the definition of a stage.
var definitionOf = regexp.MustCompile(`DEFINITION [a-z_]+\.[a-z_]+`)

// former applies what the pipeline was before, where its folder was/ has that, and gives accept blocks the definitions that they mean.
func (e *editing) former() {
	e.t.Helper()
	was, err := filepath.Glob(filepath.Join(e.dir, "was", "*.mlp"))
	if err != nil {
		e.t.Fatal(err)
	}
	for _, path := range was {
		name := filepath.Base(path)
		now, err := os.ReadFile(filepath.Join(e.dir, name))
		if err != nil {
			e.t.Fatal(err)
		}
		if err := os.Rename(path, filepath.Join(e.dir, name)); err != nil {
			e.t.Fatal(err)
		}
		e.apply()
		e.write(name, definitionOf.ReplaceAllString(string(now), "blake3:0000000000000000"))
		p, err := e.plan()
		if err != nil {
			e.t.Fatal(err)
		}
		e.write(name, definitionOf.ReplaceAllStringFunc(string(now), func(of string) string {
			return string(p.Node(strings.TrimPrefix(of, "DEFINITION ")).Definition)
		}))
		e.moving = true
	}
}

// pin writes the columns of sources to mlp.lock, as mlp init does, so that no plan has to look for them in the files.
func (e *editing) pin() {
	e.t.Helper()
	lock := NewLock()
	s, err := e.workspace("default").openWith(context.Background(), Settings{}, lock, true, nil)
	if err == nil {
		_, err = lock.write(e.dir)
		err = errors.Join(err, s.Close())
	}
	if err != nil {
		e.t.Fatal(err)
	}
}

// inMemory is a folder in memory where there is one: stores sync what they write.
func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "mlp-edits-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// workspace is one as commands enter it.
func (e *editing) workspace(name string) *Workspace {
	w := &Workspace{Dir: e.dir, Name: name}
	w.Roots = w.Roots.Of(e.dir)
	w.Roots.log = w.logFolder
	return w
}

// open is a session as commands have it.
func (e *editing) open() (*Session, error) {
	return e.workspace("default").OpenToPlan(context.Background(), Settings{})
}

func (e *editing) make(s *Session) (*plan.Plan, error) {
	ctx := context.Background()
	s.actions = readActions(ctx, s.Store, s.State)
	p, diags := planner.Make(ctx, s.Module, planner.Options{Workspace: s.w.Name, State: s.State, Actions: s.actions, Rules: s.Library.Rules(),
		Sources: namedVersions{&sources{s: s, before: s.State.Renamed(planner.Moves(s.Module, s.State))}}})
	if diags.HasErrors() {
		return nil, fmt.Errorf("%s", diags[0].Summary)
	}
	s.addWarnings(p)
	return p, nil
}

// plan of the files as they are; an error where they are no module.
func (e *editing) plan() (*plan.Plan, error) {
	s, err := e.open()
	var told *front.Error
	if errors.As(err, &told) {
		return nil, fmt.Errorf("%s", told.Diagnostics[0].Summary)
	}
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return e.make(s)
}

// apply carries a plan of the files out, twice where the first made something live that gates compare with, so that a further one would
// do nothing.
func (e *editing) apply() {
	e.t.Helper()
	for range 2 {
		s, err := e.open()
		if err == nil {
			_, err = s.locked(context.Background(), ApplyOptions{}, func(_ context.Context, held *state.Held) (*engine.Result, error) {
				return nil, e.carryOut(s, held.Lock())
			})
			err = errors.Join(err, s.Close())
		}
		if err != nil {
			e.t.Fatal(err)
		}
	}
}

func (e *editing) carryOut(s *Session, lock *state.Lock) error {
	p, err := e.make(s)
	if err != nil {
		return err
	}
	e.haveSecrets(p)
	ran, err := engine.Run(context.Background(), engine.Options{Plan: p, Store: s.Store, Log: s.Log.For(p.ID), Lock: lock, State: s.State, Placement: engine.On(newMadeUp(p)),
		Dir: e.dir, Files: s.w.Roots.Planned, Backoff: time.Millisecond, Write: func(context.Context, engine.Write) (int64, error) { return 3, nil },
		Convert: func(_ context.Context, from, to string, _ *schema.Table, src, dst string) error {
			if from == to { // a table that a program wrote is put in order
				return os.Link(src, dst)
			}
			return os.WriteFile(dst, []byte("PAR1 rewritten PAR1"), 0o644)
		}})
	if err != nil {
		return err
	}
	for _, n := range ran.Nodes {
		if n.Failure != nil {
			return n.Failure
		}
	}
	return nil
}

// recorded are the addresses of the stages of which the state has a result.
func (e *editing) recorded() []string {
	s, err := e.open()
	if err != nil {
		e.t.Fatal(err)
	}
	defer s.Close()
	return slices.Sorted(maps.Keys(s.State.Nodes))
}

// files are the files and folders beside the module, as texts name them.
func (e *editing) files() (out []string) {
	in, err := os.ReadDir(e.dir)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, f := range in {
		name := f.Name()
		if f.IsDir() {
			name = "./" + name
		}
		if f.Name() != StoreName && f.Name() != LockName && filepath.Ext(name) != ".mlp" {
			out = append(out, strconv.Quote(name))
		}
	}
	return out
}

// haveSecrets puts a value wherever the stages of a plan are to find one.
func (e *editing) haveSecrets(p *plan.Plan) {
	for _, n := range p.Nodes {
		secrets := n.Secrets
		if n.Container != nil {
			secrets = append(slices.Clone(secrets), n.Container.Secrets...)
		}
		for _, s := range secrets {
			if s.Env != "" {
				e.t.Setenv(s.Env, "a value that nobody sees")
			} else if _, err := os.Stat(filepath.Join(e.dir, s.File)); err != nil {
				e.write(s.File, "a value that nobody sees")
			}
		}
	}
}

// write puts a text in place of a file.
func (e *editing) write(name, text string) {
	e.t.Helper()
	if err := os.WriteFile(filepath.Join(e.dir, name), []byte(text), 0o644); err != nil {
		e.t.Fatal(err)
	}
}

// namedVersions take the location of data elsewhere, and the name of an image, for its version.
type namedVersions struct{ *sources }

func (namedVersions) Version(_ context.Context, n *plan.Node, location string) (string, error) {
	if n.Container != nil {
		return plan.ImageVersion("sha256:"+fmt.Sprintf("%x", sha256.Sum256([]byte(location))), "linux/amd64"), nil
	}
	return "of " + location, nil
}

// madeUp runs stages in no time: a table or model is its stage's fingerprint, figures are good ones of their declared types.
type madeUp struct{ nodes map[string]*plan.Node }

func newMadeUp(p *plan.Plan) *madeUp {
	m := &madeUp{map[string]*plan.Node{}}
	for _, n := range p.Nodes {
		m.nodes[n.Address] = n
	}
	return m
}

func (m *madeUp) Name() string { return "process" }
func (m *madeUp) Close() error { return nil }

func (m *madeUp) Run(_ context.Context, t executor.Task) (executor.Result, error) {
	for _, out := range m.nodes[t.Address].Outputs {
		name, text := filepath.Join(out.Port, "file"), t.Fingerprint+out.Port
		switch out.Type {
		case schema.ImagePort:
			if err := os.WriteFile(filepath.Join(t.Out, out.Port, "image.json"), []byte(`{"image": 1, "base": "sha256:1 linux/amd64", "layers": ["file"]}`), 0o644); err != nil {
				return executor.Result{}, err
			}
		case schema.TablePort:
			name, text = filepath.Join(out.Port, "table."+orParquet(out.Format)), "PAR1"+text+"PAR1"
		case schema.FiguresPort, schema.VerdictPort:
			name, text = "metrics.json", "{}"
			if rules := m.nodes[t.Address].Rules; rules != nil {
				all := goodFigures(t.Address, "", rules.Env).(map[string]any)
				delete(all, "variable") // values, no figures
				delete(all, "local")
				text = string(canonicalOf(all))
			}
			if out.Shape != nil && out.Shape.Figures != nil {
				text = string(canonicalOf(goodFigures(t.Address, "", out.Shape.Figures)))
			}
			if _, err := os.Stat(filepath.Join(t.Out, name)); err == nil && text == "{}" {
				continue
			}
		}
		path := filepath.Join(t.Out, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return executor.Result{}, err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return executor.Result{}, err
		}
	}
	return executor.Result{}, nil
}

func orParquet(format string) string {
	if format == "" {
		return "parquet"
	}
	return format
}

func canonicalOf(v any) []byte {
	data, err := plan.Canonical(v)
	if err != nil {
		panic(err) // it was made here
	}
	return data
}

// goodFigures are such that the gates of the examples pass.
func goodFigures(address, name string, t *schema.FigureType) any {
	switch t.Kind {
	case schema.ObjectFigure:
		out := map[string]any{}
		for field, of := range t.Fields {
			out[field] = goodFigures(address, field, of)
		}
		return out
	case schema.MapFigure:
		out := map[string]any{}
		for _, key := range t.Keys {
			out[key] = goodFigures(address, key, t.Elem)
		}
		return out
	case schema.ListFigure:
		return []any{}
	case schema.BoolFigure:
		return false
	case schema.StringFigure:
		return strings.Join(t.OneOf[:min(1, len(t.OneOf))], "")
	}
	if strings.Contains(address, "nothing") {
		return 0.5
	}
	switch name {
	case "failed", "warned":
		return 0
	case "fpr", "log_loss", "brier", "low", "share":
		return 0.001
	case "rows":
		return 20_000
	}
	return 0.9
}

// replace puts other text in the place of some of a file's, which must be there.
func (e *editing) replace(name, old, with string) {
	e.t.Helper()
	text, err := os.ReadFile(filepath.Join(e.dir, name))
	if err != nil || !strings.Contains(string(text), old) {
		e.t.Fatalf("%s has no %q: %v", name, old, err)
	}
	e.write(name, strings.Replace(string(text), old, with, 1))
}
