package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
)

func (a *app) logsCommand() *cobra.Command {
	var vars settings
	cmd := &cobra.Command{
		Use: "logs ADDRESS", Short: "What a block's stage printed", Args: cobra.ExactArgs(1),
		Long: "Prints the log of the last run of a stage, also of one that failed, but for lines that only say how far it was. On a terminal, and where GitHub Actions runs mlp,\n" +
			"characters that would steer what shows them are shown as their code points; elsewhere the log is written as it is.",
		Example: "  mlp logs train.model",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.open(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			digest, err := s.logOf(addressOf(args[0]))
			if err != nil {
				return err
			}
			data, err := s.store.Get(digest)
			if err != nil {
				return err
			}
			return a.writeLog(data)
		},
	}
	vars.flags(cmd)
	return cmd
}

// writeLog prints what a stage printed. Whoever wrote the stage may not play with a person's terminal, nor with a build.
func (a *app) writeLog(data []byte) error {
	data = withoutProgress(data)
	if !a.terminal(a.out) && os.Getenv("GITHUB_ACTIONS") != "true" {
		_, err := a.out.Write(data)
		return err
	}
	_, err := fmt.Fprintln(a.out, render.Lines(strings.ReplaceAll(string(data), "\r\n", "\n")))
	return err
}

// withoutProgress leaves out the lines by which a stage moved its progress bar.
func withoutProgress(log []byte) []byte {
	var out []byte
	for line := range bytes.Lines(log) {
		if m, ok := component.ParseMessage(string(line)); !ok || m.Kind != "progress" {
			out = append(out, line...)
		}
	}
	return out
}

// logOf is the log of the last attempt at a stage: of a failure since, or else of the recorded run.
func (s *session) logOf(address string) (plan.Digest, error) {
	last, ran, err := engine.LastRunOf(s.store, s.log.Pipeline(), s.log.Workspace(), address)
	if err != nil {
		return "", err
	}
	if ran && last.Log != "" {
		return last.Log, nil
	}
	node, ok := s.state.Nodes[address]
	if !ok {
		return "", s.notRecorded(address)
	}
	action, err := s.store.Action(node.Fingerprint)
	var damaged *store.DamagedError
	if errors.As(err, &damaged) {
		return "", err
	}
	if errors.Is(err, store.ErrMissing) || err == nil && action.Log == "" {
		return "", fmt.Errorf("the log of %s is not in the store", address)
	}
	if err != nil {
		return "", err
	}
	return action.Log, nil
}

func (a *app) approveCommand() *cobra.Command {
	by, reason := "", ""
	var vars settings
	cmd := &cobra.Command{
		Use: "approve GATE APPROVAL", Short: "Give the approval that a gate waits for", Args: cobra.ExactArgs(2),
		Long: "Records a person's yes to what the gate decided on last: these figures, this model. Other figures or another model need\n" +
			"another yes. The next apply goes on from there.",
		Example: "  mlp approve gate.release risk --reason 'seen with the risk committee'",
		RunE: func(cmd *cobra.Command, args []string) error {
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
			event, err := s.approval(addressOf(args[0]), args[1], by, reason)
			if err != nil {
				return err
			}
			after, err := s.log.As(by, "").Append(cmd.Context(), s.state, []plan.Event{*event})
			if err != nil {
				return stateError(err)
			}
			fmt.Fprintf(a.out, "%s is approved for %q by %s (revision %d), asked of %s. Go on with: %s\n",
				args[0], args[1], by, after.Revision, s.asked(addressOf(args[0]), args[1]), a.command("apply"))
			return nil
		},
	}
	vars.flags(cmd)
	cmd.Flags().StringVar(&by, "as", userName(), "who approves: a `name`")
	cmd.Flags().StringVar(&reason, "reason", "", "`why`, for the record")
	return cmd
}

// asked are the roles or people that an approval is asked of. Who is one of them is for the team to know: the record
// says who gave it.
func (s *session) asked(gate, name string) string {
	for _, a := range s.state.Gates[gate].Approvals {
		if a.Name == name {
			return strings.Join(a.From, ", ")
		}
	}
	return ""
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

// approval is the event of a yes to what a gate decided last.
func (s *session) approval(gate, name, by, reason string) (*plan.Event, error) {
	block := s.module.Blocks[gate]
	if block == nil || block.Kind != "gate" {
		return nil, &failure{err: fmt.Errorf("there is no gate %s", gate), hint: s.gates()}
	}
	decided, ok := s.state.Gates[gate]
	if !ok {
		return nil, &failure{err: fmt.Errorf("%s has not been decided yet, so there is nothing to approve", gate), hint: "Run 'mlp apply' first; it stops where approvals are missing."}
	}
	var names []string
	for _, a := range decided.Approvals {
		names = append(names, a.Name)
	}
	if !slices.Contains(names, name) {
		return nil, &failure{err: fmt.Errorf("%s asks for no approval %q", gate, name), hint: asksFor(names)}
	}
	if decided.Verdict == plan.Fail || decided.Verdict == plan.RuleError {
		return nil, fmt.Errorf("%s failed by its rules; an approval does not overrule them", gate)
	}
	return &plan.Event{Key: "approval/" + gate + "/" + name, Approval: &plan.ApprovalState{
		Gate: gate, Name: name, Subject: decided.Subject, By: by, Reason: reason, At: now(),
	}}, nil
}
