package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/executor/docker"
	"github.com/mlp-lang/mlp/runtime/state"
)

// storeName is the folder of the local store, beside the .mlp files.
const storeName = ".mlp"

// session is a module with its store and state: what plan, apply and show work on.
type session struct {
	stored
	app      *app
	pipeline string
	module   *check.Module     // nil where only a saved plan is worked on
	lib      *library          // nil with it
	refresh  bool              // the files of sources must be there to plan
	look     bool              // a recorded result counts only if its objects are there
	written  map[string]string // the revision that last wrote a key; read when first asked for
	stop     func()            // ends what is read in the background
	absent   map[string]bool   // sources that the plan took from what is recorded, since their files are not here
}

// open reads the module and what is recorded of it.
func (a *app) open(ctx context.Context, vars settings) (*session, error) {
	return a.openFor(ctx, vars, false)
}

// openToPlan does so for a plan, which needs the recorded results too.
func (a *app) openToPlan(ctx context.Context, vars settings) (*session, error) {
	return a.openFor(ctx, vars, true)
}

func (a *app) openFor(ctx context.Context, vars settings, planning bool) (*session, error) {
	lock, err := readLock(a.dir)
	if err != nil {
		return nil, err
	}
	return a.openWith(ctx, vars, lock, planning)
}

// openWith does so with pins that are not those of mlp.lock.
func (a *app) openWith(ctx context.Context, vars settings, lock *lockFile, planning bool) (*session, error) {
	reading, stop := context.WithCancel(ctx)
	found := a.readAhead(reading, planning)
	m, lib, err := a.moduleWith(ctx, vars, lock)
	if err != nil {
		stop()
		return nil, err
	}
	a.set = vars.told(m.SensitiveVariables)
	s := &session{app: a, pipeline: m.Pipeline.Name, module: m, lib: lib, stop: stop}
	if s.stored, err = found(s.pipeline); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (a *app) storeDir(elem ...string) string {
	return filepath.Join(append([]string{a.dir, storeName}, elem...)...)
}

// Close frees what the session holds.
func (s *session) Close() (err error) {
	if s.stop != nil {
		s.stop()
	}
	if s.lib != nil {
		err = s.lib.Close()
	}
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	return err
}

// stateError gives errors about what is recorded their exit codes.
func stateError(err error) error {
	var moved *state.MovedError
	var locked *state.LockedError
	var stale *engine.StaleError
	switch {
	case errors.As(err, &locked), errors.As(err, &moved):
		return &failure{err: err, code: exitLocked}
	case errors.As(err, &stale):
		return &failure{err: err, code: exitStale}
	}
	return err
}

// plan makes the plan of the session's module.
func (s *session) plan(ctx context.Context, force []string) (*plan.Plan, error) {
	images := &images{}
	defer images.Close()
	forced := make([]string, len(force))
	for i, address := range force {
		address = addressOf(address)
		forced[i] = address
		if b := s.module.Blocks[address]; b == nil || b.TypeSpec.Version == 0 {
			return nil, &failure{err: fmt.Errorf("--force %s: no stage has this address", address), hint: "'mlp graph' lists all addresses."}
		}
	}
	approvers, err := s.app.approvers()
	if err != nil {
		return nil, err
	}
	found := &sources{s: s, before: s.state.Renamed(planner.Moves(s.module, s.state))}
	if s.actions == nil {
		s.actions = readActions(ctx, s.store, s.state)
	}
	head := make(chan string, 1)
	go func() { head <- commit(ctx, s.app.dir) }()
	p, diags := planner.Make(ctx, s.module, planner.Options{
		Workspace: s.app.workspace, State: s.state, Actions: s.results(), Sources: found, Images: images, Rules: s.lib.rules, Force: forced, Approvers: approvers,
	})
	if diags.HasErrors() {
		return nil, &diagnosed{diags, s.module.Files}
	}
	signed, err := len(p.Diagnostics), error(nil)
	s.addWarnings(p)
	s.addDamaged(p)
	if err := s.addOthers(ctx, p); err != nil {
		return nil, err
	}
	s.absent = found.absent
	p.Diagnostics = append(p.Diagnostics, found.said...)
	if len(p.Diagnostics) > signed {
		if err := p.Sign(); err != nil {
			return nil, err
		}
	}
	p.Envelope = &plan.Envelope{CreatedAt: time.Now().UTC(), ToolVersion: version(), Commit: <-head, Durations: s.durations(p)}
	p.Envelope.Failed, err = s.failed(p)
	return p, err
}

// failed says why stages that are to run failed when they last did.
func (s *session) failed(p *plan.Plan) (map[string]string, error) {
	all, err := engine.LastFailures(s.store, p.Pipeline, p.Workspace)
	if err != nil {
		return nil, err
	}
	for address := range all {
		if n := p.Node(address); n == nil || n.Verdict != plan.Run && n.Verdict != plan.MayRun {
			delete(all, address)
		}
	}
	return all, nil
}

// addOthers tells where nothing is recorded of this pipeline in this workspace, but of others in the same store, what is live there:
// a name may have changed or be mistyped, and what was released is compared with by nobody then.
func (s *session) addOthers(ctx context.Context, p *plan.Plan) error {
	if s.state.Revision > 0 {
		return nil
	}
	others, err := state.Live(ctx, s.store)
	if err != nil {
		return err
	}
	for _, o := range others {
		what := "pipeline " + o.Pipeline
		if o.Pipeline == p.Pipeline {
			what = "workspace " + o.Workspace
		} else if o.Workspace != p.Workspace {
			what += " in workspace " + o.Workspace
		}
		p.Diagnostics = append(p.Diagnostics, plan.Diagnostic{Severity: "warning", Code: codeOthers,
			Summary: fmt.Sprintf("Nothing is recorded of pipeline %s in workspace %s; this store also has %s, with %s", p.Pipeline, p.Workspace, what, counted(o.Releases, "live release")),
			Hint:    "If it is meant, give it the former name, or name the workspace: --workspace NAME. What is recorded under another name is not taken along."})
	}
	return nil
}

// results are what the planner is told to be recorded.
func (s *session) results() planner.Actions {
	if s.look {
		return present{s.actions}
	}
	return s.actions
}

// addDamaged warns of records that cannot be relied on: why a stage runs whose result was there.
func (s *session) addDamaged(p *plan.Plan) {
	for _, n := range p.Nodes {
		for _, fp := range slices.Compact([]plan.Digest{n.Replaces, n.Fingerprint}) {
			if d := s.actions.damaged(fp); d != nil {
				p.Diagnostics = append(p.Diagnostics, plan.Diagnostic{Severity: "warning", Code: codeDamaged,
					Summary: fmt.Sprintf("The record of the result of %s is damaged, and taken for missing: %s %s", n.Address, s.inFolder(d.File), d.Why)})
			}
		}
	}
}

// inFolder is a path relative to the module's folder, so that plans say the same on every machine.
func (s *session) inFolder(path string) string {
	if rel, err := filepath.Rel(s.app.dir, path); err == nil {
		return filepath.ToSlash(rel)
	}
	return path
}

// addWarnings carries the module's warnings in the plan, where reviewers see them.
func (s *session) addWarnings(p *plan.Plan) {
	for _, d := range s.lib.warnings {
		p.Diagnostics = append(p.Diagnostics, plan.Diagnostic{
			Severity: "warning", Code: d.Code, Summary: d.Summary, Detail: d.Detail, Hint: d.Hint, Subject: d.Subject})
	}
	slices.Sort(s.lib.unpinned)
	for _, address := range s.lib.unpinned {
		d := plan.Diagnostic{Severity: "warning", Code: "MLP1701", Summary: "The columns of " + address + " are not pinned: 'mlp init' writes them to " + lockName}
		if found := guessed(s.lib, address); found != "" {
			d.Summary += ". Guessed from its files: " + found
		}
		p.Diagnostics = append(p.Diagnostics, d)
	}
}

// durations of past runs, by address: of the node's recorded result.
func (s *session) durations(p *plan.Plan) map[string]int64 {
	out, recorded := make(map[string]int64, len(p.Nodes)), s.state.Renamed(p.Moves)
	for _, n := range p.Nodes {
		before, ok := recorded.Nodes[n.Address]
		if !ok {
			continue
		}
		if a, ok, err := s.actions.Action(before.Fingerprint); ok && err == nil {
			out[n.Address] = a.DurationMS
		}
	}
	return out
}

// commit is the checked-out revision of the folder; empty where there is none.
func commit(ctx context.Context, dir string) string {
	out, err := exec.CommandContext(ctx, "git", "-C", dir, "rev-parse", "HEAD").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// images resolves the images of foreign stages with the local engine, which is asked only if there are any.
type images struct{ engine *docker.Executor }

func (i *images) Resolve(ctx context.Context, image string) (id, platform string, err error) {
	if i.engine == nil {
		if i.engine, err = docker.New(ctx, docker.Options{}); err != nil {
			return "", "", err
		}
	}
	return i.engine.Resolve(ctx, image)
}

func (i *images) Close() error {
	if i.engine == nil {
		return nil
	}
	return i.engine.Close()
}
