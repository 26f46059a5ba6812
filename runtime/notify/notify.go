// Package notify tells people what happened: once each, by whatever notify blocks say.
//
//	n := &notify.Notifier{Bucket: store.Bucket(), Targets: targets}
//	err := n.Send(ctx, notify.Event{ID: notify.ID("rollout_step", "deploy.scorer", "42"), Type: "rollout_step", …})
package notify

// Once.
//
// What was told stands in the store, one value for an event and a target: notified/<pipeline>/<workspace>/<event>/<target>.json. Who wants to tell claims it
// by PutNew, sends, and marks the claim as told. So an apply that is repeated, and two watchers that see the same, tell once. A claim that is
// not marked is of one who is telling now, or was killed: after some minutes another takes it over. A message may then come twice, with the
// same id; one that was claimed is never lost. An event whose target does not answer gives its claim back: whoever sends it next tries again.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mlp-lang/mlp/runtime/store/bucket"
)

// Event is something that happened and that people want to know of. In JSON it is what webhooks and commands are given.
type Event struct {
	ID        string    `json:"id"`   // as ID makes it: events of one id are one event
	Type      string    `json:"type"` // one of schema.NotifyEvents
	At        time.Time `json:"at"`
	Pipeline  string    `json:"pipeline"`
	Workspace string    `json:"workspace"`
	Address   string    `json:"address"`            // of the block that it is about
	Revision  int64     `json:"revision,omitempty"` // of the state with it; 0: it is in none
	By        string    `json:"by,omitempty"`
	Summary   string    `json:"summary"`        // what happened, in a line
	Why       []string  `json:"why,omitempty"`  // lines: rules that do not hold with their figures, reasons that were given
	Next      []string  `json:"next,omitempty"` // commands to run next
}

// ID is that of the event which is told apart by these parts: what happened, to what, and in which revision or by which result. It is the same
// whoever sees the event, and whenever.
func ID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// Subject is an event in a line: "fraud: gate.release does not let pass". A workspace is named where it is not the default one.
func (e Event) Subject() string {
	of := e.Pipeline
	if e.Workspace != "default" {
		of += " (" + e.Workspace + ")"
	}
	return of + ": " + e.Summary
}

// Text is what stands below the subject.
func (e Event) Text() string {
	var b strings.Builder
	for _, line := range e.Why {
		b.WriteString(line + "\n")
	}
	if len(e.Next) > 0 {
		b.WriteString("\nNext:\n")
		for _, command := range e.Next {
			b.WriteString("  " + command + "\n")
		}
	}
	fmt.Fprintf(&b, "\n%s of %s, %s", e.Type, e.Address, e.At.UTC().Format(time.RFC3339))
	if e.Revision > 0 {
		fmt.Fprintf(&b, ", revision %d", e.Revision)
	}
	if e.By != "" {
		b.WriteString(", by " + e.By)
	}
	return b.String() + " (event " + e.ID + ")\n"
}

// encoded is an event as JSON, with < and > as they are in rules.
func (e Event) encoded() ([]byte, error) {
	var b bytes.Buffer
	to := json.NewEncoder(&b)
	to.SetEscapeHTML(false)
	err := to.Encode(e)
	return bytes.TrimSpace(b.Bytes()), err
}

// Sender tells one place. A failure that may pass when it is tried again is one that ErrAgain wraps. Errors have no secrets in them.
type Sender interface {
	Send(ctx context.Context, e Event) error
}

// ErrAgain marks a failure that may pass.
var ErrAgain = errors.New("it may pass")

// again marks an error as ErrAgain, and says what it says.
type again struct{ error }

func (a again) Unwrap() error        { return a.error }
func (a again) Is(target error) bool { return target == ErrAgain }

// Target is a notify block.
type Target struct {
	Address    string   // "notify.oncall"
	On         []string // types of events; none: all
	Workspaces []string
	To         Sender
}

// takes reports whether a target is told of an event.
func (t *Target) takes(e Event) bool {
	return slices.Contains(t.Workspaces, e.Workspace) && (len(t.On) == 0 || slices.Contains(t.On, e.Type))
}

// Notifier tells targets of events. It may be used by several goroutines.
type Notifier struct {
	Bucket  bucket.Bucket // remembers what was told
	Targets []Target
	Waits   []time.Duration  // between tries; nil: 1, 4 and 16 seconds
	Now     func() time.Time // nil: time.Now
}

const (
	// patience is how long a try may take.
	patience = 20 * time.Second
	// abandoned is the age of a claim whose owner must be gone: longer than all tries take.
	abandoned = 5 * time.Minute
)

// claim is what the store remembers of an event and a target.
type claim struct {
	Target  string    `json:"target"`
	Event   Event     `json:"event"`
	Claimed time.Time `json:"claimed_at"`
	Told    time.Time `json:"told_at,omitzero"`
}

// Send tells all targets that take the event, side by side, and returns when each was told, or gave up. The error names those that were not told; it is no
// reason to undo anything.
func (n *Notifier) Send(ctx context.Context, e Event) error {
	var all sync.WaitGroup
	failed := make([]error, len(n.Targets))
	for i := range n.Targets {
		if t := &n.Targets[i]; t.takes(e) {
			all.Go(func() {
				if err := n.once(ctx, t, e); err != nil {
					failed[i] = fmt.Errorf("%s was not told that %s: %w", t.Address, e.Subject(), err)
				}
			})
		}
	}
	all.Wait()
	return errors.Join(failed...)
}

// once tells a target unless that was done, or is being done.
func (n *Notifier) once(ctx context.Context, t *Target, e Event) error {
	sum := sha256.Sum256([]byte(t.Address))
	key := strings.Join([]string{"notified", e.Pipeline, e.Workspace, e.ID, hex.EncodeToString(sum[:8]) + ".json"}, "/")
	c := claim{Target: t.Address, Event: e, Claimed: n.now()}
	mine, err := n.claim(ctx, key, c)
	if err != nil || !mine {
		return err
	}
	after := context.WithoutCancel(ctx) // what was told is remembered, and what was not is given back, also when ctx has ended meanwhile
	if err := n.try(ctx, t.To, e); err != nil {
		return errors.Join(err, n.Bucket.Delete(after, key))
	}
	c.Told = n.now()
	return n.put(c, func(data []byte) error { return n.Bucket.Replace(after, key, bytes.NewReader(data)) })
}

// claim reports whether this process is the one that tells.
func (n *Notifier) claim(ctx context.Context, key string, c claim) (bool, error) {
	err := n.put(c, func(data []byte) error { return bucket.Put(ctx, n.Bucket, key, data) })
	if !errors.Is(err, fs.ErrExist) {
		return err == nil, err
	}
	data, err := bucket.Read(ctx, n.Bucket, key)
	if errors.Is(err, fs.ErrNotExist) { // given back in this moment by one whose target does not answer
		return false, nil
	}
	var other claim
	if err == nil {
		err = json.Unmarshal(data, &other)
	}
	if err != nil {
		return false, fmt.Errorf("reading what was told: %w", err)
	}
	if !other.Told.IsZero() || n.now().Sub(other.Claimed) < abandoned {
		return false, nil
	}
	return true, n.put(c, func(data []byte) error { return n.Bucket.Replace(ctx, key, bytes.NewReader(data)) })
}

// put hands a claim over as it is written.
func (n *Notifier) put(c claim, write func([]byte) error) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return write(append(data, '\n'))
}

// try sends until it succeeds, cannot succeed, or was tried often enough.
func (n *Notifier) try(ctx context.Context, to Sender, e Event) error {
	waits := n.Waits
	if waits == nil {
		waits = []time.Duration{time.Second, 4 * time.Second, 16 * time.Second}
	}
	for i := 0; ; i++ {
		within, cancel := context.WithTimeout(ctx, patience)
		err := to.Send(within, e)
		cancel()
		if err == nil || !errors.Is(err, ErrAgain) {
			return err
		}
		if i == len(waits) {
			return fmt.Errorf("%w (tried %d times)", err, i+1)
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(waits[i]):
		}
	}
}

func (n *Notifier) now() time.Time {
	if n.Now != nil {
		return n.Now()
	}
	return time.Now().UTC().Truncate(time.Second)
}
