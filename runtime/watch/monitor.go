package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
	"github.com/mlp-lang/mlp/lang/schedule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/notify"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// Monitored is what became of a monitor in a round.
type Monitored struct {
	Address string
	Due     bool      // a time of its schedule has come, or it was asked for
	Slot    time.Time // that time; zero: it was asked for
	Missed  int       // times before that were missed
	Next    time.Time // where it is not due
	Same    bool      // data are as they were, and so is its result
	Looked  *Figures  // nil where it was not looked at
	Err     error
}

// Figures are what a monitor found.
type Figures struct {
	Figures  json.RawMessage
	Findings []plan.Finding // what moved
	Checks   []string       // checks that failed on the way
}

// Alarm reports whether a look found something.
func (m *Monitored) Alarm() bool {
	return m.Looked != nil && (len(m.Looked.Checks) > 0 || slices.ContainsFunc(m.Looked.Findings, func(f plan.Finding) bool { return f.Severity == plan.DriftFinding }))
}

func (m *Monitored) state() string {
	switch {
	case m.Err != nil:
		return m.Err.Error()
	case !m.Due:
		return "next " + m.Next.String()
	}
	return "at " + m.Slot.String()
}

// monitors are those with a schedule, as they were last applied, sorted.
func monitors(st *plan.State) []string {
	var out []string
	for at, n := range st.Nodes {
		if scheduleOf(n.Meta).Schedule != "" {
			out = append(out, at)
		}
	}
	slices.Sort(out)
	return out
}

// scheduleOf is the schedule that the arguments of a block say.
func scheduleOf(meta json.RawMessage) (r schema.Retrain) {
	if len(meta) > 0 {
		_ = json.Unmarshal(meta, &r) // of another kind, which has no schedule
	}
	return r
}

// monitorsOnce looks at each monitor whose time has come.
func monitorsOnce(ctx context.Context, s *workspace.Session, o *Options) ([]Monitored, error) {
	if err := forget(ctx, s, o); err != nil {
		return nil, err
	}
	var out []Monitored
	for _, at := range monitors(s.State) {
		m, err := monitor(ctx, s, o, at)
		if err != nil {
			return out, err
		}
		out = append(out, m)
	}
	return out, nil
}

// forget takes what is recorded of blocks that are not watched any more out of the state, and notes since when others are.
func forget(ctx context.Context, s *workspace.Session, o *Options) error {
	if o.DryRun {
		return nil
	}
	watched := append(monitors(s.State), workspace.Retrainings(s.State)...)
	var events []plan.Event
	for at := range s.State.Watched {
		if !slices.Contains(watched, at) {
			events = append(events, plan.Event{Key: "watch/" + at, Removed: true})
		}
	}
	for _, at := range watched {
		if _, known := s.State.Watched[at]; !known {
			events = append(events, plan.Event{Key: "watch/" + at, Watch: &plan.WatchState{Since: s.Now()}})
		}
	}
	if len(events) == 0 {
		return nil
	}
	return s.Record(ctx, o.By, events...)
}

// monitor looks at one, where its time has come. The error is of the state.
func monitor(ctx context.Context, s *workspace.Session, o *Options, at string) (Monitored, error) {
	m := Monitored{Address: at}
	said := scheduleOf(s.State.Nodes[at].Meta)
	times, err := schedule.Parse(said.Schedule, said.Timezone)
	if err != nil {
		m.Err = err
		return m, nil
	}
	now := s.Now()
	w := s.State.Watched[at]
	since := latest(w.Since, w.Slot)
	if since.IsZero() { // of a dry run
		since = now
	}
	if m.Slot, m.Missed = times.Due(since, now); m.Slot.IsZero() {
		m.Next = times.Next(now)
		return m, nil
	}
	m.Due = true
	if o.DryRun {
		return m, nil
	}
	m.measure(ctx, o)
	if ctx.Err() != nil {
		return m, ctx.Err()
	}
	look := &plan.MonitorLook{At: now, By: o.By}
	if m.Err != nil {
		if busy(m.Err) { // it is tried again in the next round
			return m, nil
		}
		look.Failure = m.Err.Error()
	}
	if err := s.Reload(ctx); err != nil {
		return m, err
	}
	w.Slot, w.Missed, w.Looked = m.Slot, m.Missed, look
	if err := s.Record(ctx, o.By, plan.Event{Key: "watch/" + at, Watch: &w}); err != nil {
		return m, err
	}
	if m.Err != nil {
		id := at + " " + m.Slot.Format(time.RFC3339)
		m.Err = errors.Join(m.Err, s.Tell(ctx, notify.Event{ID: notify.ID(s.Pipeline, s.Workspace(), schema.StageFailedEvent, id), Type: schema.StageFailedEvent, Address: at, Revision: s.State.Revision, By: o.By,
			Summary: at + " could not be looked at", Why: []string{look.Failure}, Next: []string{s.Command("monitor " + at)}}))
	}
	return m, nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// busy reports whether somebody else applies.
func busy(err error) bool { return workspace.IsLocked(err) }

// Monitors looks at monitors now, whatever their schedules say: at those named, or at all.
func Monitors(ctx context.Context, o Options, named []string) []Monitored {
	var out []Monitored
	for _, at := range named {
		m := Monitored{Address: at, Due: true}
		m.measure(ctx, &o)
		out = append(out, m)
	}
	return out
}

// measure applies the monitor and what it rests on, with data as they are now.
func (m *Monitored) measure(ctx context.Context, o *Options) {
	s, err := o.Open(ctx)
	if err != nil {
		m.Err = err
		return
	}
	defer s.Close()
	var made *plan.Plan
	r, err := o.apply(ctx, s, workspace.Part{Targets: []string{m.Address}}, func(p *plan.Plan) error {
		made = p
		if other := planner.NotData(p); len(other) > 0 {
			return fmt.Errorf("the files say otherwise than what was applied, which somebody has to review and apply: %s", strings.Join(other, ", "))
		}
		return nil
	})
	switch {
	case err != nil:
		m.Err = err
	case r == nil: // nothing to do
		m.Same = true
		m.Looked = &Figures{}
		if n := made.Node(m.Address); n != nil {
			m.Looked.Findings = n.Findings
		}
	default:
		m.result(r)
	}
}

// result takes from a run what it says of the monitor.
func (m *Monitored) result(r *engine.Result) {
	m.Looked = &Figures{}
	for _, n := range r.Nodes {
		switch {
		case n.Failure != nil:
			m.Err = errors.Join(m.Err, fmt.Errorf("%s: %s", n.Address, n.Failure.Summary))
		case n.Check != nil && !n.Check.Passed:
			m.Looked.Checks = append(m.Looked.Checks, n.Address)
		case n.Address == m.Address:
			m.Looked.Figures, m.Looked.Findings = n.Figures, n.Findings
			if n.Status == engine.Blocked {
				m.Err = fmt.Errorf("%s is held by %s", n.Address, strings.Join(n.BlockedBy, ", "))
			}
		}
	}
	if r.Interrupted {
		m.Err = errors.Join(m.Err, errors.New("it was interrupted"))
	}
}
