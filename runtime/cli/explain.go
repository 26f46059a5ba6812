package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/graph"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const explainHelp = `Says of a stage whether it would run and why: all that its fingerprint is made of, as recorded and as it is now, side by
side, with what differs marked; the accept block that would keep the recorded result; and on how many threads its SQL runs. Of a gate: its rules with the
values they read. Of a deployment: which model is live and which would be. Of a code, such as MLP1203: what causes the
error or warning, and what cures it.`

// explainCommand answers two questions that are asked with one word: what a code means, which needs no module, and why a
// block would run, which makes a plan of the module as it is.
func (a *app) explainCommand() *cobra.Command {
	var vars workspace.Settings
	cmd := &cobra.Command{
		Use: "explain ADDRESS|CODE", Short: "Why a block would run or not; what an error's code means", Long: explainHelp, Args: cobra.ExactArgs(1),
		Example: "  mlp explain train.model\n  mlp explain gate.release\n  mlp explain MLP1203",
		RunE: func(cmd *cobra.Command, args []string) error {
			// Before addresses: a bare number, or one behind "mlp", is no address of anything.
			if code := codeForm().FindStringSubmatch(strings.ToUpper(args[0])); code != nil {
				if err := unread(cmd, "a code", "var", "var-file"); err != nil {
					return err
				}
				return a.explainCode("MLP" + code[1])
			}
			return a.explainAddress(cmd.Context(), workspace.AddressOf(args[0]), vars)
		},
	}
	settingsFlags(cmd, &vars)
	return cmd
}

// codeForm takes a code as people write one from memory: MLP1203, mlp-1203, 1203.
var codeForm = lazyregexp.New(`^(?:MLP)?[-_ ]?([0-9]+)$`)

// explainCode prints cause and cure of a code of an error or warning. It needs no module, and reads none.
func (a *app) explainCode(code string) error {
	var known []string
	for _, c := range source.Codes() {
		if c.Code == code {
			fmt.Fprintf(a.out, "%s\n  cause  %s\n  cure   %s\n", c.Code, c.Cause, c.Cure)
			return nil
		}
		known = append(known, c.Code)
	}
	return &failure{err: fmt.Errorf("there is no code %s", code), hint: suggest.DidYouMean(code, known)}
}

// explainAddress explains what becomes of a block in a plan that is made for this, and not kept. Blocks that are not in
// the plan, such as a problem or a feature set, are looked for in the module; an address that is in neither is refused.
func (a *app) explainAddress(ctx context.Context, address string, vars workspace.Settings) error {
	s, err := a.OpenToPlan(ctx, vars)
	if err != nil {
		return err
	}
	p, err := s.Plan(ctx, nil)
	// Closed before printing: the plan holds all that is printed.
	threads, other := s.Threads(ctx, address)
	if err = errors.Join(err, other, s.Close()); err != nil {
		return err
	}
	found, err := review.Explain(a.out, p, s.State, address, threads, render.Options{Color: a.color(a.out)})
	if accept := s.AcceptBlock(p, address); err == nil && found && accept != "" {
		_, err = fmt.Fprintf(a.out, "\nTo take the recorded result for this definition, without a run:\n%s", accept)
	}
	if err != nil || found {
		return err
	}
	if b := s.Module.Blocks[address]; b != nil {
		return a.screen().Uncomputed(b.Address, s.Module.NeededBy[b.Address])
	}
	known := addressesOf(graph.OfPlan(p))
	for other := range s.Module.Blocks {
		known = append(known, other)
	}
	return workspace.UnknownAddress(address, known)
}
