package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
)

// ApproversVariable names the file of approvers where --approvers does not.
const ApproversVariable = "MLP_APPROVERS"

// ReadApprovers reads the operator's file of who may approve; nil if there is none. It must not lie in the pipeline's folder:
// what is reviewed would say who may review it.
func (w *Workspace) ReadApprovers() (plan.Approvers, error) {
	path, from := w.ApproversFile, "--approvers"
	if path == "" {
		path, from = os.Getenv(ApproversVariable), ApproversVariable
	}
	if path == "" {
		return nil, nil
	}
	// Links are resolved on both sides: one that leads into the folder from outside is in it.
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return nil, fmt.Errorf("reading who may approve: %s: %w", from, err)
	}
	dir, err := filepath.EvalSymlinks(w.Dir)
	if err != nil {
		dir = w.Dir
	}
	if rel, err := filepath.Rel(dir, real); err == nil && filepath.IsLocal(rel) {
		return nil, &Failure{Err: fmt.Errorf("%s %s lies in the pipeline's folder, and so is part of what is reviewed", from, path),
			Hint: "Keep it where only operators write; in CI take it from the protected branch: git show origin/main:approvers.json"}
	}
	data, err := ReadDocument(real)
	if err != nil {
		return nil, fmt.Errorf("reading who may approve: %w", err)
	}
	groups, err := plan.ReadApprovers(data)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", from, path, err)
	}
	return groups, nil
}

// mayNot is the error of somebody who may not give an approval. It says who may: with a file of approvers the members
// of each group that is asked, and names that the file does not have, which nobody can approve for.
func mayNot(by, gate string, asked *plan.Approval, approvers plan.Approvers) error {
	err := fmt.Errorf("%s may not give the approval %q of %s, which is asked of %s", by, asked.Name, gate, strings.Join(asked.From, ", "))
	if approvers == nil {
		return &Failure{Err: err, Hint: "Without a file of approvers (--approvers, " + ApproversVariable + ") these are names of people, and --as is one of them."}
	}
	return &Failure{Err: err, Hint: "By the file of approvers: " + strings.Join(members(asked.From, approvers), "; ") + "."}
}

// HostName is what records call this machine, "unknown" where the system does not tell.
func HostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// Approval is a person's yes to what a gate waits for. All but Reason must be given.
type Approval struct {
	Gate   string // its address
	Name   string // of the approval
	By     string // who approves, by their own word
	Reason string // for the record
}

// Approved is an approval that was recorded.
type Approved struct {
	Revision int64    // of the state with it
	From     []string // whom it was asked of
}

// Approve records an approval of what the gate decided on last. What is not asked for is refused, by a Failure: an
// unknown gate or approval, one that is given already, one that would overrule rules, and a person who may not give it.
// The workspace's lock is held meanwhile, so that an apply that runs is refused with a state.LockedError.
func (w *Workspace) Approve(ctx context.Context, vars Settings, a Approval) (*Approved, error) {
	if strings.TrimSpace(a.By) == "" {
		return nil, &Failure{Err: errors.New("nobody is said to approve"), Hint: "Name who does: --as alice."}
	}
	approvers, err := w.ReadApprovers()
	if err != nil {
		return nil, err
	}
	s, err := w.Open(ctx, vars)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	held, err := s.hold(ctx, "approve", ApplyOptions{})
	if err != nil {
		return nil, err
	}
	defer held.Release()
	// The state is read again under the lock: what was decided may be another thing than when the session began.
	if s.State, err = held.Log().Load(ctx); err != nil {
		return nil, err
	}
	asked, err := s.asked(a.Gate, a.Name, approvers)
	if err != nil {
		return nil, err
	}
	if !approvers.May(a.By, asked.From) {
		return nil, mayNot(a.By, a.Gate, asked, approvers)
	}
	after, err := held.Log().As(a.By, "").On(UserName(), HostName()).From(w.origin(ctx, os.Getenv)).Append(ctx, s.State, []plan.Event{s.approval(a)})
	if err != nil {
		return nil, err
	}
	return &Approved{Revision: after.Revision, From: asked.From}, nil
}

// gates names those of the module.
func (s *Session) gates() string {
	var all []string
	for _, address := range sortedKeys(s.Module.Blocks) {
		if s.Module.Blocks[address].TypeSpec.IsGate() {
			all = append(all, address)
		}
	}
	if len(all) == 0 {
		return "The module has no gate."
	}
	return "The module has " + strings.Join(all, ", ") + "."
}

// asksFor lists the approvals that a gate asks for, as a sentence.
func asksFor(approvals []string) string {
	if len(approvals) == 0 {
		return "It asks for none."
	}
	return "It asks for " + strings.Join(approvals, ", ") + "."
}

// asked is the approval that a gate waits for. One that it does not wait for is refused.
// The refusals are in the order in which a person would look: is there such a gate, was it decided, does it ask for
// this, would it make a difference.
func (s *Session) asked(gate, name string, approvers plan.Approvers) (*plan.Approval, error) {
	block := s.Module.Blocks[gate]
	if block == nil || !block.TypeSpec.IsGate() {
		return nil, &Failure{Err: fmt.Errorf("there is no gate %s", gate), Hint: s.gates()}
	}
	decided, ok := s.State.Gates[gate]
	if !ok {
		return nil, &Failure{Err: fmt.Errorf("%s has not been decided yet, so there is nothing to approve", gate), Hint: "Run 'mlp apply' first; it stops where approvals are missing."}
	}
	var names []string
	var asked *plan.Approval
	for i, a := range decided.Approvals {
		names = append(names, a.Name)
		if a.Name == name {
			asked = &decided.Approvals[i]
		}
	}
	// An approval is refused where it would change nothing, so that what is recorded is what somebody decided.
	given, was := s.State.Approvals[gate+"/"+name]
	switch {
	case asked == nil:
		return nil, &Failure{Err: fmt.Errorf("%s asks for no approval %q", gate, name), Hint: asksFor(names)}
	case decided.Verdict == plan.Fail || decided.Verdict == plan.RuleError:
		return nil, fmt.Errorf("%s failed by its rules; an approval does not overrule them", gate)
	case asked.Needed == plan.Fail:
		return nil, &Failure{Err: fmt.Errorf("%s does not ask for the approval %q: its condition does not hold, or what it lets pass is live already", gate, name),
			Hint: "Nothing was recorded. " + s.w.Command("explain "+render.ShellWord(gate)) + " shows what it asks for."}
	case was && given.Subject == decided.Subject && approvers.May(given.By, asked.From):
		return nil, &Failure{Err: errors.New(gate + " has the approval " + fmt.Sprintf("%q", name) + " already, for just this: given by " + review.GivenText(*given.Given())),
			Hint: "Nothing was recorded. Go on with: " + s.w.Command("apply")}
	case decided.Verdict == plan.Pass:
		return nil, fmt.Errorf("%s has passed; nothing is asked for", gate)
	}
	return asked, nil
}

// approval is the event of a yes to what a gate decided last.
func (s *Session) approval(a Approval) plan.Event {
	return plan.Event{Key: "approval/" + a.Gate + "/" + a.Name, Approval: &plan.ApprovalState{
		Gate: a.Gate, Name: a.Name, Subject: s.State.Gates[a.Gate].Subject, By: a.By, User: UserName(), Host: HostName(), Reason: a.Reason, At: s.w.Now(),
	}}
}
