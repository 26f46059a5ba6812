package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
)

// WriteAction is what an apply does to a destination of a deployment.
type WriteAction string

const (
	NoWrite  WriteAction = "none"
	DoWrite  WriteAction = "write"
	MayWrite WriteAction = "may_write" // whether the predictions differ is not known yet
)

// Write is what a plan does to one destination: where what a deployment predicts is written besides the store.
type Write struct {
	Destination string             `json:"destination" is:"word"` // its block: "postgres"
	To          schema.Destination `json:"to"`
	Action      WriteAction        `json:"action"`
	Why         string             `json:"why,omitempty" is:"text"` // of none that would be a write elsewhere
	Last        *Written           `json:"last,omitempty"`          // what was written there last
}

// Written is what a destination has, as it was recorded when it was written.
type Written struct {
	Destination string             `json:"destination" is:"word"`
	To          schema.Destination `json:"to"`
	Predictions Digest             `json:"predictions"` // directory object of the table
	Rows        int64              `json:"rows"`
	Revision    int64              `json:"revision"` // that records it
}

// WriteID tells one write to a destination from all others: also from another one of the same predictions, with others in between. It is the same however often
// the write is begun, since it counts once it is recorded.
func WriteID(pipeline, workspace, deploy, destination string, predictions Digest, last *Written) string {
	revision := int64(0)
	if last != nil {
		revision = last.Revision
	}
	d := digest.Of([]byte(strings.Join([]string{pipeline, workspace, deploy, destination, string(predictions), strconv.FormatInt(revision, 10)}, "\x00")))
	_, hex, _ := strings.Cut(string(d), ":")
	return hex[:32]
}

// LastWrite is what was written last to a destination of a deployment, nil if nothing was.
func (s *ReleaseState) LastWrite(destination string) *Written {
	if s == nil {
		return nil
	}
	for i := range s.Written {
		if s.Written[i].Destination == destination {
			return &s.Written[i]
		}
	}
	return nil
}

// Wrote is s with what was written, in the order of destinations; those that are not among all are forgotten.
func (s *ReleaseState) Wrote(all []Write, now []Written) ReleaseState {
	out := *s
	out.Written = nil
	for _, w := range all {
		last := s.LastWrite(w.Destination)
		if i := slices.IndexFunc(now, func(x Written) bool { return x.Destination == w.Destination }); i >= 0 {
			last = &now[i]
		}
		if last != nil {
			out.Written = append(out.Written, *last)
		}
	}
	return out
}

// Has reports whether the predictions stand there, by what was recorded.
func (w *Written) Has(to schema.Destination, predictions Digest) bool {
	return w != nil && predictions != "" && w.Predictions == predictions && sameDestination(w.To, to)
}

func sameDestination(a, b schema.Destination) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// DecideWrites says what is done to each destination of a deployment. predictions is its table, as the plan knows it; base is the workspace that the one of the
// plan goes by, "" for none.
func (r *Release) DecideWrites(to map[string]schema.Destination, predictions Digest, verdict Verdict, base string) []Write {
	var out []Write
	for _, name := range slices.Sorted(maps.Keys(to)) {
		w := Write{Destination: name, To: to[name], Action: DoWrite, Last: r.Current.LastWrite(name)}
		switch {
		case r.Sample != "":
			w.Action, w.Why = NoWrite, "rows of a sample are not written"
		case base != "":
			w.Action, w.Why = NoWrite, "the workspace goes by "+base+", which writes"
		case r.Holds() != nil:
			w.Action, w.Why = NoWrite, "its model is held"
		case verdict == Blocked:
			w.Action, w.Why = NoWrite, "its rows are not scored"
		case w.Last.Has(w.To, predictions):
			w.Action = NoWrite
		case predictions == "" && verdict == MayRun && w.Last != nil && sameDestination(w.Last.To, w.To):
			w.Action = MayWrite
		}
		out = append(out, w)
	}
	return out
}

// Pending reports whether something is written, or may be.
func (r *Release) Pending() bool {
	return slices.ContainsFunc(r.Writes, func(w Write) bool { return w.Action != NoWrite })
}

// writes holds what is written to the stage of the predictions, and to what was written last.
func (c *consistency) writes(r *Release) error {
	if len(r.Writes) == 0 {
		return nil
	}
	n := c.nodes[r.Node]
	if n == nil {
		return fmt.Errorf("it writes predictions, and has none")
	}
	to := map[string]schema.Destination{}
	var said map[string]json.RawMessage
	if err := json.Unmarshal(r.Config, &said); err != nil {
		return fmt.Errorf("its configuration cannot be read: %w", err)
	}
	for _, w := range r.Writes {
		var d schema.Destination
		if err := json.Unmarshal(said[w.Destination], &d); err != nil || !sameDestination(d, w.To) {
			return fmt.Errorf("its write to %s is to another place than its configuration says", w.Destination)
		}
		to[w.Destination] = w.To
	}
	base := ""
	if o := c.p.Base.Upstream; o != nil {
		base = o.Workspace
	}
	want := r.DecideWrites(to, n.Predictions(), n.Verdict, base)
	if len(want) != len(r.Writes) {
		return fmt.Errorf("it writes to a destination twice")
	}
	for i, w := range r.Writes {
		if w.Destination != want[i].Destination || w.Action != want[i].Action || w.Why != want[i].Why || !reflect.DeepEqual(w.Last, want[i].Last) {
			return fmt.Errorf("its write to %s is %s, and by what the plan says it is %s", w.Destination, w.Action, want[i].Action)
		}
	}
	return nil
}

// Predictions is the table that a deployment's stage yields, "" while it is not known.
func (n *Node) Predictions() Digest {
	for _, o := range n.Outputs {
		if o.Type == schema.TablePort {
			return o.Digest
		}
	}
	return ""
}
