package serve

// How a release that is on its way to be live gets its rows.
//
// Beside the live model a slot has the candidate of the deployment's rollout, loaded and ready. Each row of a request without a version is assigned to
// one of the two, by a hash of its key and of the candidate:
//
//	share 5     rows whose hash is below 0.05 are the candidate's
//	share 25    those and more: who was with the candidate stays with it
//	another candidate: other rows are below 0.05, so that the same keys do not get every new model first
//
// Every server that follows the deployment assigns alike, and so does one that starts again. A row without a key, and all rows of a deployment
// without one, go by the id of their request. A request whose rows go both ways is read twice, once for the columns of each model; no row is scored twice.
//
// A shadow's rows are answered by the live model, and scored by the candidate once they are answered; where too many wait for that, they are left out
// and counted.

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// candidate is what a rollout has beside the live model.
type candidate struct {
	model  *served // nil: it could not be loaded
	digest plan.Digest
	role   schema.RouteRole
	share  float64   // of the rows, in percent
	fault  string    // why it is not loaded
	counts *observed // of a canary: what its rows came to beside those of the live model

	rollout *plan.Rollout // as it is recorded
}

// withCandidate adds the candidate of the release's rollout to a slot. One that cannot be served gets no rows, and does not keep the live model from
// answering them.
func (s *server) withCandidate(ctx context.Context, name string, release plan.ReleaseState, old, slot slot) slot {
	r := release.Rollout
	if slot.now == nil || r == nil {
		if old.next != nil && (slot.now == nil || slot.now.digest != old.next.digest) {
			s.logf("%s has no %s any more", name, old.next.role)
		}
		delete(s.tries, triesOf(name))
		s.keep(ctx, name, old.next)
		if slot.now != nil {
			slot.now = slot.now.beside(nil)
		}
		return slot
	}
	c := &candidate{digest: r.Next.Model, role: r.Strategy.Role, share: r.Share(), rollout: r}
	switch was := old.next; {
	case was != nil && was.digest == c.digest && was.model != nil:
		if c.model = s.asConfigured(name, r.Next, was.model); was.rollout.Next.Revision == r.Next.Revision {
			c.counts = was.counts
		}
		if was.share != c.share {
			s.logf("%s %s is a %s of %v %% of the rows", name, c.model.version, c.role, c.share)
		}
	default:
		c.model, c.fault = s.loadCandidate(ctx, name, r, was, slot.now)
		if c.model != nil {
			s.logf("%s %s is a %s of %v %% of the rows, from %s", name, c.model.version, c.role, c.share, r.Next.From)
		}
	}
	if old.next != nil && old.next.counts != c.counts {
		s.keep(ctx, name, old.next)
	}
	if c.role == schema.CanaryRoute && c.model != nil {
		if c.counts == nil {
			c.counts = s.observe(name, r)
		}
		c.counts.step(c.share)
	}
	slot.now = slot.now.beside(c.model)
	if c.model != nil {
		c.model = c.model.beside(slot.now)
		c.model.route = string(c.role)
		if c.role == schema.CanaryRoute {
			slot.now.in = &inRollout{r.Next.Revision, c.share}
			c.model.in = slot.now.in
		}
	}
	slot.next = c
	return slot
}

// triesOf is the name under which tries at a deployment's candidate are kept; no deployment can have it.
func triesOf(name string) string { return name + " candidate" }

// loadCandidate opens a candidate, or says why it cannot be served. A failure is told once, and tried again as that of a live model is.
func (s *server) loadCandidate(ctx context.Context, name string, r *plan.Rollout, was *candidate, live *served) (*served, string) {
	last, tried := s.tries[triesOf(name)]
	if tried && last.digest == r.Next.Model && time.Now().Before(last.next) && was != nil {
		return nil, was.fault
	}
	model, err := s.load(ctx, name, r.Next)
	if err == nil {
		err = live.comparable(model)
	}
	if err == nil {
		delete(s.tries, triesOf(name))
		return model, ""
	}
	if ctx.Err() != nil {
		return nil, err.Error()
	}
	if first := last.digest != r.Next.Model; first || was == nil || was.fault != err.Error() {
		s.warnf("%s %s cannot be served as a %s and gets no rows: %v", name, VersionOf(r.Next.Model), r.Strategy.Role, err)
		if first {
			last.wait = 0
		}
	}
	wait := min(max(2*last.wait, s.Poll), longestWait)
	s.tries[triesOf(name)] = try{digest: r.Next.Model, wait: wait, next: time.Now().Add(wait)}
	return nil, err.Error()
}

// comparable says why rows of one request cannot be answered by either model: their answers have other fields.
func (m *served) comparable(next *served) error {
	same := func(a, b output) bool { return a.name == b.name && a.datatype == b.datatype }
	if !slices.EqualFunc(outputsOf(m.model), outputsOf(next.model), same) { // whether rows are explored is no matter
		return errors.New("its answers have other fields than those of the live model: other classes, or another task")
	}
	return nil
}

// beside is a model that takes, and passes over, the fields that only another one reads, so that a request may be answered by either; nil takes none.
func (m *served) beside(other *served) *served {
	out := *m
	out.fields, out.places, out.route, out.in = slices.Clone(m.fields[:m.own]), map[string]int{}, liveRoute, nil
	for i, f := range out.fields {
		out.places[f.name] = i
	}
	if other != nil {
		for _, f := range other.fields[:other.own] {
			if _, known := out.places[f.name]; !known {
				out.places[f.name] = len(out.fields)
				out.fields = append(out.fields, field{f.name, false, -1})
			}
		}
	}
	return &out
}

// liveRoute is the route of rows that the live model answers.
const liveRoute = "live"

// takes reports whether the candidate has the rows of a key.
func (c *candidate) takes(key string) bool {
	hash := sha256.Sum256([]byte(string(c.digest) + "\x00" + key))
	return float64(binary.BigEndian.Uint64(hash[:])) < c.share/100*math.MaxUint64
}

// assign says of each row of a request whether it is the candidate's; n counts those.
func (c *candidate) assign(b *batch, request string) (to []bool, n int) {
	to = make([]bool, b.rows)
	if c.share <= 0 {
		return to, 0
	}
	byRequest := c.takes("request\x00" + request)
	var key []byte
	for row := range to {
		given := false
		to[row] = byRequest
		if key, given = b.key(key[:0], row); given {
			to[row] = c.takes(string(key))
		}
		if to[row] {
			n++
		}
	}
	return to, n
}

// key adds the key of a row as text; given says that one of its fields is.
func (b *batch) key(to []byte, row int) (key []byte, given bool) {
	to = append(to, "key"...)
	for i := range b.keys {
		v := b.keys[i][row]
		given = given || !isNull(v)
		to = append(append(to, 0), fmt.Sprint(plain(v))...)
	}
	return to, given
}

// answered is a request whose rows are scored, each by the model of its route.
type answered struct {
	first *batch // of the live model, of the version that was asked for, or of the candidate where all rows are its
	other *batch // of the candidate where both have rows; nil else
}

// of is the batch that has a row.
func (a *answered) of(row int) *batch {
	if a.other != nil && a.first.held[row] == elsewhere {
		return a.other
	}
	return a.first
}

// batches are those that have rows.
func (a *answered) batches() []*batch {
	if a.other != nil {
		return []*batch{a.first, a.other}
	}
	return []*batch{a.first}
}

// scored reads the rows of a request and has them scored and kept. read fills a batch, and may be called for the live model and for the candidate.
func (s *server) scored(ctx context.Context, to target, x *exchange, read func(*batch) error) (*answered, error) {
	a := &answered{first: s.newBatch(to.model)}
	if err := read(a.first); err != nil {
		return nil, err
	}
	var shadow *batch
	var mine []bool
	if c := to.beside; c != nil {
		var n int
		mine, n = c.assign(a.first, x.id)
		switch {
		case n == 0:
		case c.role == schema.ShadowRoute:
			if shadow = s.newBatch(c.model); read(shadow) != nil {
				shadow = nil // it reads what the live model has read
			} else {
				shadow.keep(mine, true)
			}
		default:
			next := s.newBatch(c.model)
			if err := read(next); err != nil {
				return nil, err
			}
			if n == a.first.rows {
				a.first, x.version = next, next.model.version
				break
			}
			next.keep(mine, true)
			a.first.keep(mine, false)
			a.other = next
		}
	}
	var refused error
	failed, start := 0, time.Now()
	for _, b := range a.batches() {
		if err := s.score(ctx, b, x); err != nil {
			return nil, err
		}
		failed += len(b.faults)
		s.decide(b, x)
		if err := b.refused(); err != nil && refused == nil {
			refused = err
		}
	}
	if to.beside != nil && to.beside.counts != nil {
		took := time.Duration(0)
		if len(mine) == 1 {
			took = time.Since(start)
		}
		to.beside.counts.count(a, mine, x.id, took)
	}
	if refused != nil && failed == a.first.rows {
		return nil, refused
	}
	for _, b := range a.batches() {
		if b.explain {
			if err := s.explain(ctx, b); err != nil {
				return nil, err
			}
		}
		if err := s.record(ctx, b, x); err != nil {
			return nil, err
		}
	}
	if shadow != nil {
		s.shadow(shadow, a, x)
	}
	return a, nil
}

// shadows is how many requests of shadows may wait or be scored at once.
const shadows = 64

// shadow has the rows of a shadow scored beside the answer, and compares.
func (s *server) shadow(b *batch, a *answered, x *exchange) {
	select {
	case s.shadowing <- struct{}{}:
	default:
		s.metrics.shadowed.WithLabelValues(b.model.name, b.model.version, "left out").Add(float64(b.rows - b.away))
		return
	}
	aside := *x
	aside.batches = nil
	s.shadows.Add(1)
	go func() {
		defer s.shadows.Done()
		defer func() { <-s.shadowing }()
		defer func() {
			if p := recover(); p != nil {
				s.warnf("the shadow %s %s failed: %v", b.model.name, b.model.version, p)
			}
		}()
		ctx, cancel := context.WithTimeout(context.Background(), s.Timeout)
		defer cancel()
		if err := s.score(ctx, b, &aside); err != nil {
			s.warnf("the shadow %s %s failed: %v", b.model.name, b.model.version, err)
			return
		}
		for row, at := range b.held {
			if at != elsewhere {
				s.metrics.shadowed.WithLabelValues(b.model.name, b.model.version, agreement(b, a.of(row), row)).Inc()
			}
		}
		_ = s.record(ctx, b, &aside) // told there
	}()
}

// agreement says how a shadow's answer for a row compares with the one that was given.
func agreement(shadow, live *batch, row int) string {
	a, b := &shadow.answers[row], &live.answers[row]
	switch {
	case a.Fault != "" && b.Fault == "":
		return "failed"
	case a.Fault != "" || b.Fault != "":
		return "not answered"
	case shadow.model.model.Task() == schema.Regression && *a.Score == *b.Score, shadow.model.model.Task() != schema.Regression && a.Decision == b.Decision:
		return "same"
	}
	return "other"
}
