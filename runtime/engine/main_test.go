package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/process"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
)

// The test binary runs stages too, as the real one does: `<binary> worker`.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		os.Exit(component.Work(context.Background(), "", find, func(context.Context) error { return nil }))
	}
	os.Exit(m.Run())
}

func find(string) *component.Component {
	return &component.Component{Kind: "stage", Type: schema.Type{Version: 1}, Run: runScript}
}

// script is what the stages of these tests do, in this order.
type script struct {
	Log     []string          `json:"log,omitempty"`
	Warn    string            `json:"warn,omitempty"`
	SleepMS int               `json:"sleep_ms,omitempty"`
	Touch   string            `json:"touch,omitempty"` // file outside to append to
	Holes   map[string]int64  `json:"holes,omitempty"` // file below out/ → length in bytes, with nothing in it
	Lines   int               `json:"lines,omitempty"` // of a KB each
	Random  bool              `json:"random,omitempty"`
	Write   map[string]string `json:"write,omitempty"`   // file below out/ → content; {in} is all inputs
	Link    map[string]string `json:"link,omitempty"`    // symbolic link below out/ → target
	Figures json.RawMessage   `json:"figures,omitempty"` // written as it is
	Exits   []int             `json:"exits,omitempty"`   // exit codes of the first attempts
	Note    string            `json:"note,omitempty"`    // changes the definition and nothing else
}

func runScript(ctx context.Context, s *component.Stage) error {
	var c script
	if err := s.Decode(&c); err != nil {
		return err
	}
	for _, line := range c.Log {
		s.Logf("%s", line)
	}
	if c.Warn != "" {
		s.Warnf("%s", c.Warn)
	}
	s.Progress(1, 2)
	for range c.Lines {
		s.Logf("%s", strings.Repeat("x", 1023))
	}
	for name, size := range c.Holes {
		path := filepath.Join(s.Root, "out", name)
		if err := writeFile(path, ""); err != nil {
			return err
		}
		if err := os.Truncate(path, size); err != nil {
			return err
		}
	}
	select {
	case <-time.After(time.Duration(c.SleepMS) * time.Millisecond):
	case <-ctx.Done():
		return ctx.Err()
	}
	if c.Touch != "" {
		if err := appendTo(c.Touch, "touched\n"); err != nil {
			return err
		}
	}
	if err := writeOutputs(s, c); err != nil {
		return err
	}
	return exitAsAsked(s, c.Exits)
}

func writeOutputs(s *component.Stage, c script) error {
	in, err := readInputs(s)
	if err != nil {
		return err
	}
	if c.Random {
		in += time.Now().String()
	}
	out := filepath.Join(s.Root, "out")
	for name := range c.Link {
		_ = os.Remove(filepath.Join(out, name)) // the folder of a port
	}
	for name, content := range c.Write {
		_ = os.Remove(filepath.Join(out, name))
		if err := writeFile(filepath.Join(out, name), strings.ReplaceAll(content, "{in}", in)); err != nil {
			return err
		}
	}
	for name, target := range c.Link {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(out, name)), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(target, filepath.Join(out, name)); err != nil {
			return err
		}
	}
	if c.Figures != nil {
		var text string
		if json.Unmarshal(c.Figures, &text) != nil {
			text = string(c.Figures)
		}
		return writeFile(filepath.Join(out, "metrics.json"), text)
	}
	return nil
}

// readInputs joins the content of all files of all ports.
func readInputs(s *component.Stage) (string, error) {
	var b strings.Builder
	ports := make([]string, 0, len(s.In))
	for port := range s.In {
		ports = append(ports, port)
	}
	slices.Sort(ports)
	for _, port := range ports {
		files, err := filepath.Glob(filepath.Join(s.Input(port), "*"))
		if err != nil {
			return "", err
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "[%s/%s:%s]", port, filepath.Base(f), data)
		}
	}
	return b.String(), nil
}

// exitAsAsked counts attempts in the checkpoint, which is kept between them.
func exitAsAsked(s *component.Stage, exits []int) error {
	if len(exits) == 0 {
		return nil
	}
	path := filepath.Join(s.Root, "checkpoint", "attempts")
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := appendTo(path, "x"); err != nil {
		return err
	}
	if len(data) >= len(exits) {
		return nil
	}
	switch exits[len(data)] {
	case 0:
		return nil
	case component.ExitRetry:
		return fmt.Errorf("busy: %w", component.ErrRetry)
	case component.ExitNever:
		return &component.InputError{Summary: "bad row 3", Detail: "Mend it."}
	case 99:
		os.Exit(99)
	}
	return errors.New("the stage broke")
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func writeFile(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644)
}

// rig is a module's folder with a store, for tests to run plans in.
type rig struct {
	t     *testing.T
	dir   string
	store *store.Store
	exec  executor.Executor
	opts  func(*Options)
	space string // the workspace

	mu     sync.Mutex
	events []Event
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return rigAt(t, t.TempDir())
}

func rigAt(t *testing.T, dir string) *rig {
	t.Helper()
	s, err := store.Open(filepath.Join(dir, ".mlp"))
	if err != nil {
		t.Fatal(err)
	}
	return rigOn(t, dir, s)
}

func rigOn(t *testing.T, dir string, s *store.Store) *rig {
	t.Helper()
	t.Cleanup(func() { _ = s.Close() })
	e, err := process.New(process.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, dir: dir, store: s, exec: e, space: "default"}
}

func (r *rig) log() *state.Log {
	l, err := state.Open(r.store, "test", r.space)
	if err != nil {
		r.t.Fatal(err)
	}
	return l
}

func (r *rig) state() *plan.State {
	st, err := r.log().Load(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return st
}

func (r *rig) run(p *plan.Plan) *Result {
	r.t.Helper()
	res, err := r.try(context.Background(), p)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

func (r *rig) try(ctx context.Context, p *plan.Plan) (*Result, error) {
	r.t.Helper()
	l := r.log()
	lock, err := l.Lock(state.Holder{Who: "test"})
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Unlock() }()
	st, err := l.Load(ctx)
	if err != nil {
		return nil, err
	}
	r.events = nil
	o := Options{
		Plan: p, Store: r.store, Log: l, Lock: lock, State: st, Placement: On(r.exec), Dir: r.dir, Parallelism: 2,
		Backoff: time.Millisecond, By: "tester", ToolVersion: "test",
		Events: func(e Event) { r.mu.Lock(); r.events = append(r.events, e); r.mu.Unlock() },
	}
	if r.opts != nil {
		r.opts(&o)
	}
	handed := o.Events
	var events []Event
	o.Events = func(e Event) { events = append(events, e); handed(e) }
	res, err := Run(ctx, o)
	if len(events) > 0 {
		r.checkJournal(res, err, events)
	}
	return res, err
}

// started lists the addresses of attempts, in order.
func (r *rig) started() []string {
	var out []string
	for _, e := range r.events {
		if s, ok := e.(StageStarted); ok {
			out = append(out, s.Address)
		}
	}
	return out
}

// stage makes a node that runs a script and yields files in the port "files". Inputs are addresses of others like it.
func stage(address string, c script, inputs ...string) *plan.Node {
	if c.Write == nil {
		c.Write = map[string]string{"files/data": address + "{in}"}
	}
	config, err := plan.Canonical(c)
	if err != nil {
		panic(err)
	}
	definition, err := plan.Sum("definition", config)
	if err != nil {
		panic(err)
	}
	kind, _, _ := strings.Cut(address, ".")
	n := &plan.Node{
		Address: address, Kind: kind, Version: 1, Verdict: plan.MayRun, Definition: definition, Config: config,
		Outputs: []plan.Output{{Port: "files", Type: schema.FilesPort}}, TimeoutMS: 60_000,
	}
	for i, from := range inputs {
		n.Inputs = append(n.Inputs, plan.Input{Port: fmt.Sprintf("in%d", i), From: from, FromPort: "files"})
	}
	return n
}

func newPlan(nodes ...*plan.Node) *plan.Plan {
	slices.SortFunc(nodes, func(a, b *plan.Node) int { return strings.Compare(a.Address, b.Address) })
	return &plan.Plan{Pipeline: "test", Workspace: "default", Nodes: nodes}
}

func (res *Result) node(address string) NodeResult {
	for _, n := range res.Nodes {
		if n.Address == address {
			return n
		}
	}
	return NodeResult{}
}

// statuses writes what became of nodes, gates and releases in one line.
func (res *Result) statuses() string {
	var out []string
	for _, n := range res.Nodes {
		out = append(out, n.Address+" "+string(n.Status))
	}
	for _, g := range res.Gates {
		out = append(out, g.Address+" "+string(g.Status))
	}
	for _, rel := range res.Releases {
		out = append(out, rel.Address+" "+string(rel.Status))
	}
	return strings.Join(out, ", ")
}

func checkStatuses(t *testing.T, res *Result, want string) {
	t.Helper()
	if got := res.statuses(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
		for _, n := range res.Nodes {
			if n.Failure != nil {
				t.Logf("%s: %v %q", n.Address, n.Failure, n.Failure.Tail)
			}
		}
	}
}
