package attempt

// The replicas of a stage that run on several machines meet where rank 0 is. Each has a Rally: a Leader that listens there, or a Member that connects to it. A
// connection is one JSON object a line, and lasts as long as the attempt:
//
//	member                              leader
//	{"rank":2,"fingerprint":"…"}                            its inputs are laid out
//	                                    {"go":true}         all are there: programs start
//	{"failed":true}                                         its program failed; at once, so that the first one is known
//	                                    {"stop":true}       another one failed: it ends its program
//	{"outcome":"blake3:…"}                                  it has ended; the object is in the store
//	                                    (the end)           all have
//
// So no program starts before those that it talks to are there, the time-out of the stage begins for all at once, and the leader records a result
// only when all have succeeded. A connection that ends early is a machine that is lost. What a member says of itself is an object of the store, which
// only who has its credentials can write; a stranger who connects can end the attempt and no more.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor"
)

const (
	// rallyPort is where the leader listens.
	rallyPort = "29499"
	// settling is how long it is waited, once a rank has failed, for another one that failed before it or by it.
	settling = 500 * time.Millisecond
	// gathering is how long those that are told to stop may take to say what became of them.
	gathering = 20 * time.Second
	// redial is the time between two tries to reach the leader, who may not be there yet.
	redial = 500 * time.Millisecond
)

// Rally is where a replica meets the others.
type Rally interface {
	// Begin waits until all are there, and returns a context that ends when another one failed.
	Begin(ctx context.Context) (context.Context, error)
	// Fell tells that this one's program failed.
	Fell()
	// Close ends it, with the digest of the object that has this one's outcome; the leader has none to tell.
	Close(outcome plan.Digest)
}

// told is what a member says.
type told struct {
	Rank        int         `json:"rank,omitempty"`
	Fingerprint plan.Digest `json:"fingerprint,omitempty"`
	Failed      bool        `json:"failed,omitempty"`
	Outcome     plan.Digest `json:"outcome,omitempty"`
}

// asked is what the leader says.
type asked struct {
	Go   bool `json:"go,omitempty"`
	Stop bool `json:"stop,omitempty"`
}

// errStopped ends a program since that of another rank failed.
var errStopped = errors.New("another rank failed")

// NewRally is that of one rank. The leader listens from now on.
func NewRally(r executor.Rank, fingerprint plan.Digest) (Rally, error) {
	if r.Number > 0 {
		return &Member{rank: r, fingerprint: fingerprint}, nil
	}
	l, err := net.Listen("tcp", ":"+rallyPort)
	if err != nil {
		return nil, fmt.Errorf("waiting for the other replicas: %w", err)
	}
	return newLeader(l, r.World, fingerprint), nil
}

// Leader is the Rally of rank 0.
type Leader struct {
	listener    net.Listener
	fingerprint plan.Digest
	stop        context.CancelCauseFunc // of what runs

	mu      sync.Mutex
	ranks   []member      // by rank; the first is the leader itself
	stopped bool          // the others were told
	changed chan struct{} // closed and made anew at each change
}

// member is what the leader knows of a rank.
type member struct {
	conn    net.Conn    // nil: it is not there yet
	fell    time.Time   // when it said that it failed, or was lost; zero: it did not
	outcome plan.Digest // empty: it has not ended
	lost    bool        // its connection ended before it had
}

func newLeader(l net.Listener, world int, fingerprint plan.Digest) *Leader {
	lead := &Leader{listener: l, fingerprint: fingerprint, ranks: make([]member, world), changed: make(chan struct{}), stop: func(error) {}}
	go lead.accept()
	return lead
}

func (l *Leader) accept() {
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.hear(conn)
	}
}

// hear listens to one member until its connection ends.
func (l *Leader) hear(conn net.Conn) {
	defer conn.Close()
	dec := json.NewDecoder(conn)
	var hello told
	_ = conn.SetReadDeadline(time.Now().Add(gathering))
	if dec.Decode(&hello) != nil || hello.Fingerprint != l.fingerprint || hello.Rank < 1 || hello.Rank >= len(l.ranks) {
		return // none of them
	}
	_ = conn.SetReadDeadline(time.Time{})
	taken := false
	l.change(hello.Rank, func(m *member) {
		if taken = m.conn != nil; !taken {
			m.conn = conn
		}
	})
	if taken {
		return
	}
	for {
		var t told
		if err := dec.Decode(&t); err != nil {
			l.change(hello.Rank, func(m *member) { m.leave() })
			return
		}
		l.change(hello.Rank, func(m *member) {
			if t.Failed && m.fell.IsZero() {
				m.fell = time.Now()
			}
			if t.Outcome != "" {
				m.outcome = t.Outcome
			}
		})
	}
}

// leave notes that the connection of a member has ended.
func (m *member) leave() {
	if m.outcome != "" {
		return
	}
	m.lost = true
	if m.fell.IsZero() {
		m.fell = time.Now()
	}
}

// change changes what is known of a rank. The first that fails has all others told, a moment later.
func (l *Leader) change(rank int, do func(*member)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do(&l.ranks[rank])
	if !l.ranks[rank].fell.IsZero() && !l.stopped {
		l.stopped = true
		time.AfterFunc(settling, func() {
			l.tell(asked{Stop: true})
			l.stop(errStopped)
		})
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// tell tells all members something. One that cannot be told is lost, which its connection says.
func (l *Leader) tell(a asked) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.ranks {
		if m.conn != nil {
			_ = m.conn.SetWriteDeadline(time.Now().Add(gathering))
			_ = json.NewEncoder(m.conn).Encode(a)
		}
	}
}

// wait waits until something holds of the members, and reports whether it does; false: ctx ended first.
func (l *Leader) wait(ctx context.Context, holds func([]member) bool) bool {
	for {
		l.mu.Lock()
		ok, changed := holds(l.ranks[1:]), l.changed
		l.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
}

// Begin waits for all members. One that failed before it began ends the others too.
func (l *Leader) Begin(ctx context.Context) (context.Context, error) {
	running, stop := context.WithCancelCause(ctx)
	l.mu.Lock()
	l.stop = stop
	l.mu.Unlock()
	if !l.wait(ctx, func(all []member) bool {
		for _, m := range all {
			if m.conn == nil && m.fell.IsZero() {
				return l.stopped
			}
		}
		return true
	}) {
		return nil, ctx.Err()
	}
	l.mu.Lock()
	stopped := l.stopped
	l.mu.Unlock()
	if stopped {
		return nil, errStopped
	}
	l.tell(asked{Go: true})
	return running, nil
}

// Fell tells that the leader's own program failed.
func (l *Leader) Fell() {
	l.change(0, func(m *member) {
		if m.fell.IsZero() {
			m.fell = time.Now()
		}
	})
}

// gather waits until all members have ended: as long as they run, and for a while once one has failed. It returns what is known of each, by rank.
func (l *Leader) gather(ctx context.Context) []member {
	ended := func(all []member) bool {
		for _, m := range all {
			if m.outcome == "" && !m.lost {
				return false
			}
		}
		return true
	}
	l.wait(ctx, func(all []member) bool { return l.stopped || ended(all) })
	late, cancel := context.WithTimeout(ctx, gathering)
	defer cancel()
	l.wait(late, ended)
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]member(nil), l.ranks...)
}

// Close ends all connections.
func (l *Leader) Close(plan.Digest) {
	_ = l.listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.ranks {
		if m.conn != nil {
			_ = m.conn.Close()
		}
	}
}

// Member is the Rally of another rank.
type Member struct {
	rank        executor.Rank
	fingerprint plan.Digest
	port        string // empty: rallyPort
	conn        net.Conn
	ended       chan struct{} // closed when the connection has ended
}

// reach connects to the leader, who may not be there yet.
func (m *Member) reach(ctx context.Context) error {
	at := m.port
	if at == "" {
		at = rallyPort
	}
	for {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(m.rank.Master, at))
		if err == nil {
			m.conn = conn
			return json.NewEncoder(conn).Encode(told{Rank: m.rank.Number, Fingerprint: m.fingerprint})
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("reaching rank 0 at %s: %w", m.rank.Master, errors.Join(ctx.Err(), err))
		case <-time.After(redial):
		}
	}
}

// Begin waits until all are there.
func (m *Member) Begin(ctx context.Context) (context.Context, error) {
	if err := m.reach(ctx); err != nil {
		return nil, err
	}
	running, stop := context.WithCancelCause(ctx)
	m.ended = make(chan struct{})
	begun := make(chan struct{})
	go func() {
		defer close(m.ended)
		dec := json.NewDecoder(m.conn)
		for first := true; ; {
			var a asked
			err := dec.Decode(&a)
			if err != nil || a.Stop {
				stop(errStopped)
			}
			if err != nil {
				return
			}
			if a.Go && first {
				first = false
				close(begun)
			}
		}
	}()
	select {
	case <-begun:
		return running, nil
	case <-running.Done():
		return nil, context.Cause(running)
	}
}

// Fell tells the leader at once.
func (m *Member) Fell() { m.say(told{Failed: true}) }

func (m *Member) say(t told) {
	_ = m.conn.SetWriteDeadline(time.Now().Add(gathering))
	_ = json.NewEncoder(m.conn).Encode(t) // a leader who is gone hears nothing, and his machine is what failed
}

// Close tells the leader what became of this one, and waits until all have ended, for a while: an attempt that failed before it began is told too.
func (m *Member) Close(outcome plan.Digest) {
	if m.conn == nil {
		ctx, cancel := context.WithTimeout(context.Background(), gathering)
		defer cancel()
		if m.reach(ctx) != nil {
			return
		}
		m.say(told{Failed: true})
	}
	m.say(told{Outcome: outcome})
	_ = m.conn.Close()
}
