package engine

import (
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// doGate decides a gate, or finds that it was decided on the same facts before.
func (r *run) doGate(u *unit, st *plan.State) *outcome {
	if before, ok := st.Gates[u.address]; ok && u.gate.Cached {
		return r.gateOutcome(u, st, before, true)
	}
	if err := checkChampion(u.gate, st); err != nil {
		return &outcome{gate: &GateResult{Address: u.address, Status: GateNotReached}, fatal: err}
	}
	decided, err := r.decideGate(u.gate)
	if err != nil {
		return &outcome{gate: &GateResult{Address: u.address, Status: GateNotReached}, fatal: fmt.Errorf("deciding %s: %w", u.address, err)}
	}
	return r.gateOutcome(u, st, decided, false)
}

// StaleError: the plan rests on something that is different now.
type StaleError struct{ Why string }

func (e *StaleError) Error() string { return e.Why + "; plan again" }

// checkChampion makes sure that the champion that the plan compares with is still what is released.
func checkChampion(g *plan.Gate, st *plan.State) error {
	c := g.Champion
	if c == nil {
		return nil
	}
	now, exists := st.Releases[c.Deploy]
	if exists != c.Exists || (exists && now.Model != c.Model) {
		return &StaleError{fmt.Sprintf("%s compares with what %s has released, which is another model than when the plan was made", g.Address, c.Deploy)}
	}
	return nil
}

// decideGate decides a gate's rules and which approvals it needs.
func (r *run) decideGate(g *plan.Gate) (plan.GateState, error) {
	f, err := gather(&g.Rules, r.figuresOf)
	if err != nil {
		return plan.GateState{}, err
	}
	gs := plan.GateState{Definition: g.Definition, Verdict: plan.Pass}
	values, err := plan.Canonical(f.values.Known)
	if err != nil {
		return gs, err
	}
	models := map[string]plan.Digest{}
	for _, rel := range guarded(r.Plan, g.Address) {
		if models[rel.Address], err = r.inputDigest(rel.Model); err != nil {
			return gs, fmt.Errorf("model of %s: %w", rel.Address, err)
		}
		gs.Model = models[rel.Address]
	}
	if gs.Subject, err = plan.GateSubject(g.Definition, values, models); err != nil {
		return gs, err
	}
	all := false
	if gs.Rules, all = f.decideAll(g.Rules.Rules); !all {
		gs.Verdict = verdict(gs.Rules)
	}
	for _, a := range g.Approvals {
		gs.Approvals = append(gs.Approvals, f.approval(a))
	}
	return gs, nil
}

// verdict of a gate that doesn't pass: fail if a rule fails, else error.
func verdict(rules []plan.Rule) plan.RuleVerdict {
	for _, ru := range rules {
		if ru.Verdict == plan.Fail && ru.Severity != "warn" {
			return plan.Fail
		}
	}
	return plan.RuleError
}

// approval decides whether an approval is needed. One whose condition cannot be decided is.
func (f *facts) approval(a plan.Approval) plan.Approval {
	a.Needed, a.GivenBy = plan.Pass, ""
	if a.When == "" {
		return a
	}
	if d, err := f.condition(a.When, a.Range); err == nil && d.Verdict == "fail" {
		a.Needed = plan.Fail
	}
	return a
}

// gateOutcome sees to approvals and says what the gate came to.
func (r *run) gateOutcome(u *unit, st *plan.State, gs plan.GateState, before bool) *outcome {
	res := GateResult{Address: u.address, Status: GatePassed, Subject: gs.Subject, Rules: gs.Rules, Before: before}
	gs.Approvals = slices.Clone(gs.Approvals)
	for i, a := range gs.Approvals {
		given, ok := st.Approvals[u.address+"/"+a.Name]
		switch {
		case a.Needed == plan.Fail:
		case ok && given.Subject == gs.Subject:
			gs.Approvals[i].GivenBy = given.By
		default:
			gs.Approvals[i].GivenBy = ""
			res.Missing = append(res.Missing, a.Name)
		}
	}
	res.Approvals = gs.Approvals
	switch {
	case gs.Verdict == plan.Fail || gs.Verdict == plan.RuleError:
		res.Status, res.Missing = GateFailed, nil
	case len(res.Missing) > 0:
		res.Status, gs.Verdict = GateWaits, plan.Open
	default:
		gs.Verdict = plan.Pass
	}
	o := &outcome{gate: &res, ok: true, passed: res.Status == GatePassed, tell: []Event{GateDecided{res}}}
	if old, ok := st.Gates[u.address]; !ok || !equal(old, gs) {
		o.record = []plan.Event{{Key: u.id, Gate: &gs}}
	}
	return o
}
