package plan

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Rollback says that a release that was live before was put in the place of others, and which of these are held: an apply does not
// release them again by itself.
//
// An example: train.model 4eb1e9 is live, and misbehaves. A rollback makes 4adeb1 live again and holds 4eb1e9. The module still says
// 4eb1e9, so its release has the action none. Another candidate is released as ever, by its gate, and ends the rollback. Lifted, the
// rollback holds nothing, and 4eb1e9 goes through its gate again.
type Rollback struct {
	Given         // who rolled back, when and why
	To     int64  `json:"to"` // the revision in which what is live was released first
	Held   []Held `json:"held"`
	Lifted *Given `json:"lifted,omitempty"` // who lifted it; what it held may be released again
}

// Held is a release that was rolled back.
type Held struct {
	Model     Digest `json:"model"`
	From      string `json:"from" is:"address"` // the stage that made it
	Candidate Digest `json:"candidate"`         // as ReleaseState.Candidate
	Revision  int64  `json:"revision"`          // since when it was live, or a candidate
	// Role is there of one that was not live: what it was for as the candidate of a rollout.
	Role schema.RouteRole `json:"role,omitempty" is:"word"`
	// Config is there where the release that is live has the same candidate: what was rolled back are the block's attributes.
	Config json.RawMessage `json:"config,omitempty"`
}

// Holds returns what a rollback holds of a candidate with the attributes of its block; nil if that may be released.
func (s *ReleaseState) Holds(candidate Digest, config json.RawMessage) *Held {
	if s == nil || s.Rollback == nil || s.Rollback.Lifted != nil || candidate == "" {
		return nil
	}
	for i, h := range s.Rollback.Held {
		if h.Candidate == candidate && (len(h.Config) == 0 || sameJSON(h.Config, config)) {
			return &s.Rollback.Held[i]
		}
	}
	return nil
}

// Holds returns what a rollback holds of the candidate of the plan; nil if it may be released, or is not known yet.
func (r *Release) Holds() *Held {
	return r.Current.Holds(Candidate(r.Model.Digest, r.Scoring), r.Config)
}

// RollBack is the release to be recorded when target takes the place of what is live. It holds what is live, and what was held before.
func (s *ReleaseState) RollBack(target ReleaseState, by Given) ReleaseState {
	held := Held{Model: s.Model, From: s.From, Candidate: s.Candidate(), Revision: s.Revision}
	if held.Candidate == target.Candidate() {
		held.Config = s.Config
	}
	r := &Rollback{Given: by, To: target.Revision, Held: []Held{held}}
	if before := s.Rollback; before != nil && before.Lifted == nil {
		r.Held = append(slices.Clone(before.Held), held)
	}
	if target.Rollback != nil { // it had come back before
		r.To = target.Rollback.To
	}
	target.Rollout = nil // a candidate that was beside it then
	target.Rollback, target.Revision, target.Since, target.By, target.Host = r, 0, by.At, by.User, by.Host
	return target
}

// RollbackPolicy is what a gate asks of who rolls a release behind it back.
type RollbackPolicy struct {
	From  []string `json:"from,omitempty" is:"text"`  // who may; none: whoever may write to the store
	Rules []string `json:"rules,omitempty" is:"text"` // of the gate, by name, that must hold on the figures that the former release was let pass by
}

// policy adds what rollbacks are asked.
func (r *RollbackPolicy) policy(p Policy) error {
	if r == nil {
		return nil
	}
	for path, list := range map[string][]string{rollbackFrom: r.From, rollbackRules: r.Rules} {
		if err := p.addresses(path, list); err != nil {
			return err
		}
	}
	return nil
}

const (
	rollbackFrom  = "rollback.from"
	rollbackRules = "rollback.rules"
)

// Rollback is what a policy, as a gate was last decided by, asks of rollbacks; the zero value where it asks nothing.
func (p Policy) Rollback() (r RollbackPolicy, err error) {
	for path, list := range map[string]*[]string{rollbackFrom: &r.From, rollbackRules: &r.Rules} {
		if v, ok := p[path]; ok {
			if err := json.Unmarshal(v, list); err != nil {
				return r, fmt.Errorf("the recorded policy of rollbacks, %s: %w", path, err)
			}
		}
	}
	return r, nil
}
