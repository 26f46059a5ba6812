package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const approveHelp = `Records a person's yes to what the gate decided on last: these figures, this model. Other figures or another model need
another yes. What is not asked for is refused. The next apply goes on from there.

Who may give it stands in the gate's "from". Without a file of approvers the names there are those of people, taken literally. With one
(--approvers FILE, or ` + workspace.ApproversVariable + `), which the operator keeps apart from what is reviewed, they are its groups, and people in them:
  {"risk-officers": ["alice", "bob"]}

--as is what somebody says of themselves; the user of the operating system and the host are recorded beside it.`

// approveCommand gives one approval. It prints what was recorded, with the revision that has it, and the command that
// goes on from there; all that may be refused is refused by Workspace.Approve, before anything is written.
func (a *app) approveCommand() *cobra.Command {
	by, reason := "", ""
	var vars workspace.Settings
	cmd := &cobra.Command{
		Use: "approve GATE APPROVAL", Short: "Give the approval that a gate waits for", Args: gateAndApproval, Long: approveHelp,
		Example: "  mlp approve gate.release risk --reason 'seen with the risk committee'\n  mlp approve gate.release risk --as alice --approvers /etc/mlp/approvers.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			gate := workspace.AddressOf(args[0])
			given, err := a.Approve(cmd.Context(), vars, workspace.Approval{Gate: gate, Name: args[1], By: by, Reason: reason})
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s is approved for %q by %s (revision %d), asked of %s. Go on with: %s\n",
				args[0], render.Line(args[1]), render.Line(by), given.Revision, render.Line(strings.Join(given.From, ", ")), a.Command("apply"))
			return nil
		},
	}
	settingsFlags(cmd, &vars)
	cmd.Flags().StringVar(&by, "as", workspace.UserName(), "who approves: a `name`")
	cmd.Flags().StringVar(&reason, "reason", "", "`why`, for the record")
	return cmd
}

// gateAndApproval checks that there are two arguments, a gate and the name of one of its approvals. A person who was
// sent a link to a waiting gate may not know that a gate can ask for several, so the error has an example.
func gateAndApproval(_ *cobra.Command, args []string) error {
	if len(args) == 2 {
		return nil
	}
	return &failure{err: fmt.Errorf("mlp approve takes two words, a gate and the name of one of its approvals, and not %d", len(args)),
		hint: "Such as: mlp approve gate.release risk. 'mlp plan' shows which approvals are waited for."}
}
