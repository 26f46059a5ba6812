package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/cache"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/stdlib"
)

// StoreName is the folder of the local store, beside the .mlp files.
const StoreName = ".mlp"

// Session is a module with its store and state: what plan, apply and show work on. It is for one goroutine, though
// others read in the background until Close. Refresh, Offline and Look are set before Plan.
type Session struct {
	Recorded
	Pipeline string
	Module   *check.Module // nil where only a saved plan is worked on, or what is recorded
	Library  *Library      // nil with it
	Refresh  bool          // the files of sources must be there to plan
	Offline  bool          // nothing outside is asked to plan, but for files
	Look     bool          // a recorded result counts only if its objects are there
	Part     Part          // what is planned; empty: all

	// ahead is the plan that the session's is made on top of (OnTopOf); nil: none.
	ahead *planner.Ahead

	w       *Workspace
	answers *cache.File       // what was asked to check the module, or the saved plan; nil before
	written map[string]string // the revision that last wrote a key; read when first asked for
	stop    func()            // ends what is read in the background
	absent  map[string]bool   // sources that the plan took from what is recorded, since their files are not here
}

// Open reads the module and what is recorded of it. Mistakes in the module are a *front.Error. Close the session.
func (w *Workspace) Open(ctx context.Context, vars Settings) (*Session, error) {
	return w.openFor(ctx, vars, false)
}

// OpenRecorded is Open for what needs no more of the module than the pipeline's name, such as the log of an apply that fails while
// somebody edits the module. Of a module that cannot be compiled, the session has no Module and no Library, and unread says why.
func (w *Workspace) OpenRecorded(ctx context.Context, vars Settings) (s *Session, unread, err error) {
	if s, err = w.Open(ctx, vars); err == nil {
		return s, nil, nil
	}
	name, ok := w.pipelineName()
	if !ok {
		return nil, nil, err
	}
	unread, s = firstOf(err), &Session{w: w, Pipeline: name}
	if s.Recorded, err = w.readStored(ctx, name, false); err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, unread, nil
}

// firstOf is the first mistake of a module that has some, with its place: "train.mlp:12: there is no source.payment".
func firstOf(err error) error {
	var mistakes *front.Error
	if !errors.As(err, &mistakes) {
		return err
	}
	i := slices.IndexFunc(mistakes.Diagnostics, func(d source.Diagnostic) bool { return d.Severity == source.Error })
	if i < 0 {
		return err
	}
	if d := mistakes.Diagnostics[i]; d.Subject.File != "" {
		return fmt.Errorf("%s:%d: %s", d.Subject.File, d.Subject.Start.Line, d.Summary)
	}
	return errors.New(mistakes.Diagnostics[i].Summary)
}

// pipelineName is the name in the module's pipeline block, if there is one; what is wrong elsewhere is passed over,
// since who asks wants to know which state is meant.
func (w *Workspace) pipelineName() (name string, ok bool) {
	files, _ := syntax.ReadDir(w.Dir)
	parsed, _ := syntax.Parse(files, stdlib.Catalog())
	return resolve.PipelineName(parsed)
}

// OpenToPlan is Open for a session that plans: it also reads the recorded results of stages.
func (w *Workspace) OpenToPlan(ctx context.Context, vars Settings) (*Session, error) {
	return w.openFor(ctx, vars, true)
}

// openFor is Open or OpenToPlan.
func (w *Workspace) openFor(ctx context.Context, vars Settings, planning bool) (*Session, error) {
	lock, err := ReadLock(w.Dir)
	if err != nil {
		return nil, err
	}
	return w.openWith(ctx, vars, lock, planning, nil)
}

// openWith is openFor with other pins than those of mlp.lock. Where tell is not nil, sources elsewhere are asked for columns. The state is
// read while the module is checked, which also asks it what is known of queries and rules. If the module has mistakes, reading is ended.
func (w *Workspace) openWith(ctx context.Context, vars Settings, lock *LockFile, planning bool, tell func(string)) (*Session, error) {
	reading, stop := context.WithCancel(ctx)
	found := w.readAhead(reading, planning)
	lib := w.keptLibrary(lock)
	lib.tell = tell
	lib.behind(found.answers)
	m, err := w.checkWith(ctx, vars, lib)
	if err != nil {
		stop()
		return nil, errors.Join(err, found.close())
	}
	w.Told = vars.Told(m.SensitiveVariables)
	s := &Session{w: w, Pipeline: m.Pipeline.Name, Module: m, Library: lib, answers: lib.answers, stop: stop}
	if s.Recorded, err = found.recorded(s.Pipeline); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// StoreDir is a path in the store's folder, or that folder without elements.
func (w *Workspace) StoreDir(elem ...string) string {
	return filepath.Join(append([]string{w.Dir, StoreName}, elem...)...)
}

// Close ends what is read in the background, and closes the library and the store. It may be called on a session that
// was opened half way.
func (s *Session) Close() (err error) {
	if s.stop != nil {
		s.stop()
	}
	if s.Library != nil {
		err = s.Library.Close()
	}
	if s.Store != nil {
		err = errors.Join(err, s.Store.Close())
	}
	return err
}

// Plan makes the plan of the session's module. Force lists addresses of stages, such as train.model, that run although their results
// are recorded; an address that is no stage's is a Failure. The state is not changed.
func (s *Session) Plan(ctx context.Context, force []string) (*plan.Plan, error) {
	images := &Images{}
	defer images.Close()
	forced := make([]string, len(force))
	for i, address := range force {
		address = AddressOf(address)
		forced[i] = address
		if b := s.Module.Blocks[address]; (b == nil || b.TypeSpec.Version == 0) && !s.fetches(address) && !s.makesImage(address) {
			return nil, &Failure{Err: fmt.Errorf("--force %s: no stage has this address", address), Hint: "'mlp graph' lists all addresses."}
		}
	}
	targets, err := s.targets()
	if err != nil {
		return nil, err
	}
	approvers, err := s.w.ReadApprovers()
	if err != nil {
		return nil, err
	}
	found := &sources{s: s, images: images, unknown: map[string]bool{}, before: s.State.Renamed(planner.Moves(s.Module, s.State))}
	if s.actions == nil {
		s.actions = readActions(ctx, s.Store, s.State)
	}
	if s.Look {
		s.actions.lookAhead(ctx, s.State)
	}
	// git answers while the plan is made; the commit stands in the envelope, which is no part of what is signed.
	type told struct {
		d   *plan.Diagnostic
		err error
	}
	head, behind := make(chan plan.Origin, 1), make(chan told, 1)
	go func() { head <- s.w.origin(ctx, os.Getenv) }()
	go func() {
		d, err := s.behind(ctx)
		behind <- told{d, err}
	}()
	against := s.State
	if s.ahead != nil {
		against = s.ahead.State
	}
	sample, err := s.sample()
	if err != nil {
		return nil, err
	}
	p, diags := planner.Make(ctx, s.Module, planner.Options{
		Workspace: s.w.Name, Sample: sample, State: against, Ahead: s.ahead, Own: s.Own, Actions: s.results(), Sources: found, Rules: s.Library.rules, Force: forced, Targets: targets, Approvers: approvers, Looked: s.Log.Looked,
	})
	if diags.HasErrors() {
		return nil, &front.Error{Diagnostics: diags, Files: s.Module.Files}
	}
	if err := s.unlooked(p); err != nil {
		return nil, err
	}
	// Warnings added from here on are part of the plan, so that it is signed anew.
	signed, err := len(p.Diagnostics), error(nil)
	s.addWarnings(p)
	s.addDamaged(p)
	if err := s.addOthers(ctx, p); err != nil {
		return nil, err
	}
	if b := <-behind; b.err != nil {
		return nil, b.err
	} else if b.d != nil {
		p.Diagnostics = append(p.Diagnostics, *b.d)
	}
	s.absent = found.absent
	p.Diagnostics = append(p.Diagnostics, found.said...)
	if len(p.Diagnostics) > signed {
		if err := p.Sign(); err != nil {
			return nil, err
		}
	}
	from := <-head
	p.Envelope = &plan.Envelope{CreatedAt: time.Now().UTC(), ToolVersion: Version(), Commit: from.Commit, Dirty: from.Dirty}
	p.Envelope.Durations, p.Envelope.Scaled = s.durations(p)
	p.Envelope.Used = s.used(s.State.Renamed(p.Moves))
	p.Envelope.Failed, err = s.failed(ctx, p)
	return p, err
}

// failed says why stages that are to run failed when they last did, by address. It stands in the envelope: a reviewer
// wants to know, and the plan is the same without.
func (s *Session) failed(ctx context.Context, p *plan.Plan) (map[string]string, error) {
	runs := func(n *plan.Node) bool { return n.Verdict == plan.Run || n.Verdict == plan.MayRun }
	if !slices.ContainsFunc(p.Nodes, runs) {
		return nil, nil // the journal of the last run need not be read
	}
	all, err := s.Journals().LastFailures(ctx)
	if err != nil {
		return nil, err
	}
	for address := range all {
		if n := p.Node(address); n == nil || !runs(n) {
			delete(all, address)
		}
	}
	return all, nil
}

// addOthers tells where nothing is recorded of this pipeline in this workspace, but of others in the same store, what is live there:
// a name may have changed or be mistyped, and what was released is compared with by nobody then.
func (s *Session) addOthers(ctx context.Context, p *plan.Plan) error {
	if s.State.Recorded() {
		return nil
	}
	others, err := state.Live(ctx, s.Store)
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
		p.Diagnostics = append(p.Diagnostics, plan.Diagnostic{Severity: "warning", Code: source.CodeOtherPipelines,
			Summary: fmt.Sprintf("Nothing is recorded of pipeline %s in workspace %s; this store also has %s, with %s", p.Pipeline, p.Workspace, what, counted(o.Releases, "live release")),
			Hint:    "If it is meant, give it the former name, or name the workspace: --workspace NAME. What is recorded under another name is not taken along."})
	}
	return nil
}

// results are what the planner is told to be recorded.
func (s *Session) results() planner.Actions {
	if s.Look {
		return present{s.actions}
	}
	return s.actions
}

// addDamaged warns of records that cannot be relied on: why a stage runs whose result was there. A record is damaged if
// it is there and its bytes are not those that were written.
func (s *Session) addDamaged(p *plan.Plan) {
	for _, n := range p.Nodes {
		for _, fp := range slices.Compact([]plan.Digest{n.Replaces, n.Fingerprint}) {
			if d := s.actions.damaged(fp); d != nil {
				p.Diagnostics = append(p.Diagnostics, plan.Diagnostic{Severity: "warning", Code: source.CodeDamaged,
					Summary: fmt.Sprintf("The record of the result of %s is damaged, and taken for missing: %s %s", n.Address, s.w.inFolder(d.File), d.Why)})
			}
		}
	}
}

// inFolder is a path relative to the module's folder, so that plans say the same on every machine.
func (w *Workspace) inFolder(path string) string {
	if rel, err := filepath.Rel(w.Dir, path); err == nil {
		return filepath.ToSlash(rel)
	}
	return path
}

// addWarnings carries the module's warnings in the plan, where reviewers see them.
func (s *Session) addWarnings(p *plan.Plan) {
	for _, d := range s.Library.Warnings {
		p.Diagnostics = append(p.Diagnostics, plan.Diagnostic{
			Severity: "warning", Code: d.Code, Summary: d.Summary, Detail: d.Detail, Hint: d.Hint, Subject: d.Subject})
	}
	for _, what := range slices.Sorted(slices.Values(s.Library.moved)) {
		p.Diagnostics = append(p.Diagnostics, plan.Diagnostic{Severity: "warning", Code: source.CodeUnpinned, Summary: what})
	}
	slices.Sort(s.Library.Unpinned)
	for _, address := range s.Library.Unpinned {
		d := plan.Diagnostic{Severity: "warning", Code: source.CodeUnpinned, Summary: "The columns of " + address + " are not pinned: 'mlp init' writes them to " + LockName}
		if found := s.Library.Guessed(address); found != "" {
			d.Summary += ". Guessed from its files: " + found
		}
		p.Diagnostics = append(p.Diagnostics, d)
	}
}

// durations are how long stages are expected to take, by address, and what that is otherwise by than their recorded results.
func (s *Session) durations(p *plan.Plan) (map[string]int64, map[string]string) {
	return planner.Durations(s.Module, s.State.Renamed(p.Moves), p, s.took)
}
