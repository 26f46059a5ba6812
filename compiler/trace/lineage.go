package trace

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// Lineage is what a result or a release comes from, down to files outside; its JSON is what scripts read.
type Lineage struct {
	Address string `json:"address"`
	// Of a release, and nil for the result of a stage.
	Release *plan.ReleaseState `json:"release,omitempty"`
	Written *Written           `json:"written,omitempty"` // by whom and of which commit it was first released
	Gate    *plan.GateState    `json:"gate,omitempty"`    // as it let the release pass
	Stages  []Stage            `json:"stages"`            // those that the address rests on, before what they rest on in turn
}

// Written says when and by whom a revision was written.
type Written struct {
	Revision int64       `json:"revision"`
	At       string      `json:"at"` // RFC 3339
	By       string      `json:"by,omitempty"`
	User     string      `json:"user,omitempty"`
	Host     string      `json:"host,omitempty"`
	Plan     plan.Digest `json:"plan,omitempty"`
	plan.Origin
}

// Stage is one stage of a lineage with the code and data that its result was made from.
type Stage struct {
	Address     string                 `json:"address"`
	Component   string                 `json:"component"` // "train.gradient_boosting@1"
	Engine      string                 `json:"engine,omitempty"`
	Fingerprint plan.Digest            `json:"fingerprint"`
	Definition  plan.Digest            `json:"definition"`
	Config      json.RawMessage        `json:"config,omitempty"`
	Command     []string               `json:"command,omitempty"` // of somebody's program
	Inputs      []Source               `json:"inputs,omitempty"`  // by port
	Outputs     map[string]plan.Digest `json:"outputs"`
	Accepted    *plan.Acceptance       `json:"accepted,omitempty"`
	Revision    int64                  `json:"revision"` // that recorded the result
	// How the result was made, where its record is still in the store.
	Made *plan.Action `json:"made,omitempty"`
}

// Source is one input of a stage: the output of another, or what lies outside.
type Source struct {
	Port     string         `json:"port"`
	From     string         `json:"from,omitempty"` // "split.holdout:train"
	Digest   plan.Digest    `json:"digest,omitempty"`
	External *plan.External `json:"external,omitempty"`
	// Unrecorded: no revision that is read has a result of From with this content, so that what it came from is not known.
	Unrecorded bool `json:"unrecorded,omitempty"`
}

// Past finds the last result of a stage that has an output with some content, and which revision recorded it; nil if no revision did. With
// an empty port the result is known by its fingerprint.
type Past func(address, port string, content plan.Digest) (*plan.NodeState, int64)

// Made finds the record of a result; nil where the store has none.
type Made func(fingerprint plan.Digest) *plan.Action

// Follow walks from stages to all that their results were made from, each once, by what is recorded: not by what a module says now, in
// which wires may lead elsewhere.
func Follow(roots map[string]plan.Digest, past Past, made Made) []Stage {
	f := &follower{past: past, made: made, seen: map[string]bool{}}
	for _, address := range slices.Sorted(maps.Keys(roots)) {
		f.follow(address, "", roots[address])
	}
	return f.out
}

// follower is one walk. A stage is in out before what it rests on, and once for each result of it that was used: the
// live model and its challenger may rest on two results of one split.
type follower struct {
	past Past
	made Made
	seen map[string]bool // address and fingerprint
	out  []Stage
}

// follow adds a stage and what it rests on; false if there is no record of it.
func (f *follower) follow(address, port string, content plan.Digest) bool {
	n, revision := f.past(address, port, content)
	if n == nil {
		return false
	}
	if key := address + " " + string(n.Fingerprint); f.seen[key] {
		return true
	} else {
		f.seen[key] = true
	}
	at := len(f.out)
	f.out = append(f.out, Stage{Address: address, Component: n.Component(), Engine: n.Engine, Fingerprint: n.Fingerprint, Definition: n.Definition,
		Config: n.Config, Outputs: n.Outputs, Accepted: n.Accepted, Revision: revision, Made: f.made(n.Fingerprint)})
	if n.Container != nil {
		f.out[at].Command = n.Container.Command
	}
	var inputs []Source
	for _, port := range slices.Sorted(maps.Keys(n.Inputs)) {
		in := Source{Port: port, From: n.Wiring[port], Digest: n.Inputs[port], External: n.External[port]}
		if from, output, wired := cutLast(in.From); wired && in.External == nil {
			in.Unrecorded = !f.follow(from, output, in.Digest)
		}
		inputs = append(inputs, in)
	}
	f.out[at].Inputs = inputs
	return true
}

// cutLast parts "split.holdout:train" at its last colon; addresses of repeated blocks may hold others.
func cutLast(wire string) (address, port string, ok bool) {
	i := strings.LastIndexByte(wire, ':')
	if i < 0 {
		return "", "", false
	}
	return wire[:i], wire[i+1:], true
}
