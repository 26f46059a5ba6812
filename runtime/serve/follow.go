package serve

// How a server follows the releases.
//
// One goroutine (follow) reads the releases of the workspace at each poll and makes a new map of slots, one a deployment of type "http";
// the map is stored in one atomic step and never changed. A request loads the map once, and holds the model that it found until it
// has answered. So a model is exchanged between two requests, no lock is taken to score, and a request sees one version throughout.
//
//	deploy.scorer has model a1…                     slot scorer: now a1…
//	an apply releases b2…; it loads                 slot scorer: now b2…; requests that began before end with a1…
//	an apply releases c3…; its file is damaged      slot scorer: now b2…, fault "loading the model: …"
//	                                                tried again after Poll, then twice as long each time, up to a minute
//	the deployment is removed                       no slot: requests get 404
//	the store cannot be reached                     all slots stay as they are
//
// Only follow's goroutine uses the fields that are marked as its own.

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// server is the state behind the routes.
type server struct {
	Options
	metrics  *metrics
	slots    atomic.Pointer[map[string]slot] // by model name; a map is never changed, only replaced
	looked   atomic.Bool                     // the releases were read at least once
	stopping atomic.Bool
	bytes    *semaphore.Weighted // of bodies that are read and not answered yet
	working  *semaphore.Weighted // requests whose body is read and that are not answered yet

	shadowing chan struct{}  // holds an element for each request whose rows a shadow scores
	shadows   sync.WaitGroup // the goroutines that do

	certificate *watched[*tls.Certificate] // nil: HTTP
	signers     *watched[signers]          // nil: clients are asked for no certificate
	callers     *watched[callers]          // nil: nobody is asked for a token

	local    bool           // listens on this machine only
	tries    map[string]try // of follow alone: releases that could not be loaded, by model name
	lastFail string         // of follow alone: why the releases could not be read, "" if they could
}

// slot is one deployment: the model that is served under its name, and why a newer release is not, if there is one.
type slot struct {
	now    *served // nil: none could be loaded yet
	opaque bool    // the release can be scored only by its own image
	fault  string  // why the current release is not served; empty if it is

	next *candidate // of the deployment's rollout; nil: there is none
}

// try is a release that could not be loaded, and when that is tried again.
type try struct {
	digest plan.Digest // of the release's model; another release is tried at once
	next   time.Time   // not before
	wait   time.Duration
}

// longestWait bounds the pauses between attempts at a release that cannot be loaded.
const longestWait = time.Minute

// newServer bounds the bytes of bodies that are read at the same time: two of the largest, so that one client cannot hold
// all.
func newServer(o Options) *server {
	s := &server{Options: o, metrics: newMetrics(), tries: map[string]try{}, shadowing: make(chan struct{}, shadows), bytes: semaphore.NewWeighted(max(2*o.MaxBody, 4*chunk)),
		working: semaphore.NewWeighted(int64(o.MaxRequests))}
	s.slots.Store(&map[string]slot{})
	return s
}

func (s *server) logf(format string, args ...any)  { s.Log.Info(fmt.Sprintf(format, args...)) }
func (s *server) warnf(format string, args ...any) { s.Log.Warn(fmt.Sprintf(format, args...)) }

// follow looks at the releases until ctx ends.
func (s *server) follow(ctx context.Context) {
	ticker := time.NewTicker(s.Poll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.look(ctx)
		}
	}
}

// look reads the releases once and converges on them.
func (s *server) look(ctx context.Context) {
	releases, err := s.Releases.Current(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.pollFailed(err)
		}
		return
	}
	if s.lastFail != "" {
		s.lastFail = ""
		s.logf("the releases can be read again")
	}
	// Requests go on with the slots of before until the new ones are stored, all at once.
	before := *s.slots.Load()
	after := make(map[string]slot, len(releases))
	for _, address := range slices.Sorted(maps.Keys(releases)) {
		if release := releases[address]; release.Type == "http" {
			name := strings.TrimPrefix(address, "deploy.")
			after[name] = s.converge(ctx, name, release, before[name])
		}
	}
	if ctx.Err() != nil {
		return
	}
	for name, old := range before {
		if _, stays := after[name]; !stays {
			s.withdraw(name, old)
		}
	}
	if len(after) == 0 && (!s.looked.Load() || len(before) > 0) {
		s.logf("nothing is released yet; a deploy \"http\" block is served as soon as an apply releases it")
	}
	s.slots.Store(&after)
	s.looked.Store(true)
}

// pollFailed warns of an error once, until it is another one: a store that is away for an hour is one line.
func (s *server) pollFailed(err error) {
	s.metrics.pollErrors.Inc()
	if s.lastFail != err.Error() {
		s.lastFail = err.Error()
		s.warnf("reading the releases failed, what is loaded stays: %v", err)
	}
}

// withdraw stops a name that is no longer released; its metrics go with it.
func (s *server) withdraw(name string, old slot) {
	delete(s.tries, name)
	delete(s.tries, triesOf(name))
	s.metrics.forget(name)
	if old.now != nil {
		s.logf("%s %s is withdrawn", name, old.now.version)
	}
}

// converge gives the slot that a release leads to, with the candidate of its rollout.
func (s *server) converge(ctx context.Context, name string, release plan.ReleaseState, old slot) slot {
	out := s.withCandidate(ctx, name, release, old, s.live(ctx, name, release, old))
	s.metrics.serving(name, out)
	return out
}

// live gives the slot of a release without a rollout. A release that failed to load is tried again after a while.
func (s *server) live(ctx context.Context, name string, release plan.ReleaseState, old slot) slot {
	if old.now != nil && old.now.digest == release.Model {
		old.now = s.asConfigured(name, release, old.now)
		if old.fault != "" {
			s.logf("%s %s is the release again", name, old.now.version)
		}
		delete(s.tries, name)
		return slot{now: old.now}
	}
	// A model that failed to load is not tried with each look: reading a large one again and again would slow down those
	// that are served.
	last, tried := s.tries[name]
	if tried && last.digest == release.Model && time.Now().Before(last.next) {
		return slot{now: old.now, opaque: old.opaque, fault: old.fault}
	}
	next, err := s.promoted(name, release, old)
	if next == nil && err == nil {
		next, err = s.load(ctx, name, release)
	}
	if err != nil {
		return s.loadFailed(ctx, name, release, old, err)
	}
	delete(s.tries, name)
	if old.now == nil {
		s.logf("%s %s is served, from %s", name, next.version, release.From)
	} else {
		s.logf("%s %s replaces %s, from %s", name, next.version, old.now.version, release.From)
	}
	return slot{now: next}
}

// asConfigured is a loaded model with the key and the exploration that a release asks for now.
func (s *server) asConfigured(name string, release plan.ReleaseState, m *served) *served {
	key, err := keyOf(release)
	if err == nil {
		var e *schema.Exploration
		if e, err = schema.ExplorationOf(release.Config); err == nil && slices.Equal(key, m.key) && e.Same(m.explored.as()) {
			return m
		}
	}
	if err == nil {
		var next *served
		if next, err = s.prepare(name, release, m.model, key); err == nil {
			return next
		}
	}
	s.warnf("%s keeps the key and the exploration of before: %v", name, err)
	return m
}

// promoted is the candidate of before where that is the release now: it is loaded already. Nil: it is not.
func (s *server) promoted(name string, release plan.ReleaseState, old slot) (*served, error) {
	c := old.next
	if c == nil || c.model == nil || c.digest != release.Model {
		return nil, nil
	}
	key, err := keyOf(release)
	if err != nil {
		return nil, err
	}
	return s.prepare(name, release, c.model.model, key)
}

// load fetches a released model and opens it. One that only its own image can score is refused: there is no container here.
func (s *server) load(ctx context.Context, name string, release plan.ReleaseState) (*served, error) {
	if s := release.Scoring; s != nil && s.Image != nil {
		return nil, fmt.Errorf("%w: it was made by the image %s", component.ErrOpaque, s.Image.Root)
	} else if s != nil {
		return nil, component.ErrOpaque
	}
	dir, err := s.Open(ctx, release.Model)
	if err != nil {
		return nil, fmt.Errorf("fetching the model: %w", err)
	}
	model, err := s.Load(dir)
	if err != nil {
		return nil, fmt.Errorf("loading the model: %w", err)
	}
	key, err := keyOf(release)
	if err != nil {
		return nil, err
	}
	return s.prepare(name, release, model, key)
}

// prepare makes a loaded model ready, with the layout of its log where there is one.
func (s *server) prepare(name string, release plan.ReleaseState, model component.Model, key []string) (m *served, err error) {
	m = s.newServed(name, release.Model, model, key)
	asked, err := schema.ExplorationOf(release.Config)
	if err != nil {
		return nil, err
	}
	if asked != nil {
		if m.explored, err = m.explores(asked); err != nil {
			return nil, err
		}
		m.outputs = outputsWhere(m.outputs)
		s.logf("%s %s: %s", name, m.version, m.explored)
	}
	if s.Predictions != nil {
		m.recorded, err = m.records(release.Signature)
	}
	return m, err
}

// keyOf reads the deployment's key out of its configuration.
func keyOf(release plan.ReleaseState) ([]string, error) {
	var config struct {
		Key []string `json:"key"`
	}
	if len(release.Config) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(release.Config, &config); err != nil {
		return nil, fmt.Errorf("reading the deployment's configuration: %w", err)
	}
	return config.Key, nil
}

// loadFailed returns the slot of a release that could not be loaded: the old model stays. It logs the failure once for each release
// and each reason, and doubles the wait before the next try.
func (s *server) loadFailed(ctx context.Context, name string, release plan.ReleaseState, old slot, err error) slot {
	if ctx.Err() != nil {
		return old
	}
	last := s.tries[name]
	if first := last.digest != release.Model; first || old.fault != err.Error() {
		s.reportFailure(name, release, old, err)
		if first {
			last.wait = 0
		}
	}
	wait := min(max(2*last.wait, s.Poll), longestWait)
	s.tries[name] = try{digest: release.Model, wait: wait, next: time.Now().Add(wait)}
	return slot{now: old.now, opaque: errors.Is(err, component.ErrOpaque), fault: err.Error()}
}

// reportFailure says what is served meanwhile: a release that cannot be loaded does not take down the one before.
func (s *server) reportFailure(name string, release plan.ReleaseState, old slot, err error) {
	stays := "nothing is served under this name"
	if old.now != nil {
		stays = old.now.version + " stays"
	}
	s.warnf("%s %s cannot be served, %s: %v", name, VersionOf(release.Model), stays, err)
}

// VersionOf a model is what servers call it: the first twelve digits of its digest.
func VersionOf(d plan.Digest) string {
	_, digits, found := strings.Cut(string(d), ":")
	if !found {
		digits = string(d)
	}
	return digits[:min(12, len(digits))]
}
