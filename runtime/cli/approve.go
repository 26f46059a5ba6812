package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/runtime/state"
)

// approversVariable names the file of approvers where --approvers does not.
const approversVariable = "MLP_APPROVERS"

const approveHelp = `Records a person's yes to what the gate decided on last: these figures, this model. Other figures or another model need
another yes. What is not asked for is refused. The next apply goes on from there.

Who may give it stands in the gate's "from". Without a file of approvers the names there are those of people, taken literally. With one
(--approvers FILE, or ` + approversVariable + `), which the operator keeps apart from what is reviewed, they are its groups, and people in them:
  {"risk-officers": ["alice", "bob"]}

--as is what somebody says of themselves; the user of the operating system and the host are recorded beside it.`

func (a *app) approveCommand() *cobra.Command {
	by, reason := "", ""
	var vars settings
	cmd := &cobra.Command{
		Use: "approve GATE APPROVAL", Short: "Give the approval that a gate waits for", Args: cobra.ExactArgs(2), Long: approveHelp,
		Example: "  mlp approve gate.release risk --reason 'seen with the risk committee'\n  mlp approve gate.release risk --as alice --approvers /etc/mlp/approvers.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			approvers, err := a.approvers()
			if err != nil {
				return err
			}
			s, err := a.open(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			lock, err := s.log.Lock(state.Holder{Who: userName(), What: "approve"})
			if err != nil {
				return stateError(err)
			}
			defer lock.Unlock()
			if s.state, err = s.log.Load(cmd.Context()); err != nil {
				return stateError(err)
			}
			asked, err := s.asked(addressOf(args[0]), args[1], approvers)
			if err != nil {
				return err
			}
			if !approvers.May(by, asked.From) {
				return mayNot(by, addressOf(args[0]), asked, approvers)
			}
			event := s.approval(addressOf(args[0]), args[1], by, reason)
			after, err := s.log.As(by, "").On(userName(), hostName()).Append(cmd.Context(), s.state, []plan.Event{event})
			if err != nil {
				return stateError(err)
			}
			fmt.Fprintf(a.out, "%s is approved for %q by %s (revision %d), asked of %s. Go on with: %s\n",
				args[0], render.Line(args[1]), render.Line(by), after.Revision, render.Line(strings.Join(asked.From, ", ")), a.command("apply"))
			return nil
		},
	}
	vars.flags(cmd)
	cmd.Flags().StringVar(&by, "as", userName(), "who approves: a `name`")
	cmd.Flags().StringVar(&reason, "reason", "", "`why`, for the record")
	return cmd
}

// approvers reads the operator's file of who may approve; nil if there is none. It must not lie in the pipeline's folder:
// what is reviewed would say who may review it.
func (a *app) approvers() (plan.Approvers, error) {
	path, from := a.approversFile, "--approvers"
	if path == "" {
		path, from = os.Getenv(approversVariable), approversVariable
	}
	if path == "" {
		return nil, nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return nil, fmt.Errorf("reading who may approve: %s: %w", from, err)
	}
	dir, err := filepath.EvalSymlinks(a.dir)
	if err != nil {
		dir = a.dir
	}
	if rel, err := filepath.Rel(dir, real); err == nil && filepath.IsLocal(rel) {
		return nil, &failure{err: fmt.Errorf("%s %s lies in the pipeline's folder, and so is part of what is reviewed", from, path),
			hint: "Keep it where only operators write; in CI take it from the protected branch: git show origin/main:approvers.json"}
	}
	data, err := readDocument(real)
	if err != nil {
		return nil, fmt.Errorf("reading who may approve: %w", err)
	}
	groups, err := plan.ReadApprovers(data)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", from, path, err)
	}
	return groups, nil
}

// mayNot is the error of somebody who may not give an approval.
func mayNot(by, gate string, asked *plan.Approval, approvers plan.Approvers) error {
	err := fmt.Errorf("%s may not give the approval %q of %s, which is asked of %s", by, asked.Name, gate, strings.Join(asked.From, ", "))
	if approvers == nil {
		return &failure{err: err, hint: "Without a file of approvers (--approvers, " + approversVariable + ") these are names of people, and --as is one of them."}
	}
	var may []string
	for _, name := range asked.From {
		switch members, group := approvers[name]; {
		case group:
			may = append(may, name+": "+strings.Join(members, ", "))
		case !approvers.May(name, []string{name}):
			may = append(may, name+" is in no group")
		default:
			may = append(may, name)
		}
	}
	return &failure{err: err, hint: "By the file of approvers: " + strings.Join(may, "; ") + "."}
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// gates names those of the module.
func (s *session) gates() string {
	var all []string
	for _, address := range sortedKeys(s.module.Blocks) {
		if s.module.Blocks[address].Kind == "gate" {
			all = append(all, address)
		}
	}
	if len(all) == 0 {
		return "The module has no gate."
	}
	return "The module has " + strings.Join(all, ", ") + "."
}

func asksFor(approvals []string) string {
	if len(approvals) == 0 {
		return "It asks for none."
	}
	return "It asks for " + strings.Join(approvals, ", ") + "."
}

// asked is the approval that a gate waits for. One that it does not wait for is refused.
func (s *session) asked(gate, name string, approvers plan.Approvers) (*plan.Approval, error) {
	block := s.module.Blocks[gate]
	if block == nil || block.Kind != "gate" {
		return nil, &failure{err: fmt.Errorf("there is no gate %s", gate), hint: s.gates()}
	}
	decided, ok := s.state.Gates[gate]
	if !ok {
		return nil, &failure{err: fmt.Errorf("%s has not been decided yet, so there is nothing to approve", gate), hint: "Run 'mlp apply' first; it stops where approvals are missing."}
	}
	var names []string
	var asked *plan.Approval
	for i, a := range decided.Approvals {
		names = append(names, a.Name)
		if a.Name == name {
			asked = &decided.Approvals[i]
		}
	}
	given, was := s.state.Approvals[gate+"/"+name]
	switch {
	case asked == nil:
		return nil, &failure{err: fmt.Errorf("%s asks for no approval %q", gate, name), hint: asksFor(names)}
	case decided.Verdict == plan.Fail || decided.Verdict == plan.RuleError:
		return nil, fmt.Errorf("%s failed by its rules; an approval does not overrule them", gate)
	case asked.Needed == plan.Fail:
		return nil, &failure{err: fmt.Errorf("%s does not ask for the approval %q: its condition does not hold, or what it lets pass is live already", gate, name),
			hint: "Nothing was recorded. " + s.app.command("explain "+gate) + " shows what it asks for."}
	case was && given.Subject == decided.Subject && approvers.May(given.By, asked.From):
		return nil, &failure{err: errors.New(gate + " has the approval " + fmt.Sprintf("%q", name) + " already, for just this: given by " + review.GivenText(*given.Given())),
			hint: "Nothing was recorded. Go on with: " + s.app.command("apply")}
	case decided.Verdict == plan.Pass:
		return nil, fmt.Errorf("%s has passed; nothing is asked for", gate)
	}
	return asked, nil
}

// approval is the event of a yes to what a gate decided last.
func (s *session) approval(gate, name, by, reason string) plan.Event {
	return plan.Event{Key: "approval/" + gate + "/" + name, Approval: &plan.ApprovalState{
		Gate: gate, Name: name, Subject: s.state.Gates[gate].Subject, By: by, User: userName(), Host: hostName(), Reason: reason, At: now(),
	}}
}
