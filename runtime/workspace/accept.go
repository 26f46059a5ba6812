package workspace

import (
	"fmt"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/resolve"
)

// AcceptBlock is the text of the block that would take a stage's recorded result for its definition of now, indented by
// two blanks for a terminal; "" where there is nothing to take: the stage does not run, never ran, is of a kind whose
// results cannot be accepted, or the result is for this definition. The reason is left to the author.
func (s *Session) AcceptBlock(p *plan.Plan, address string) string {
	n, b := p.Node(address), s.Module.Blocks[address]
	if n == nil || b == nil || n.Replaces == "" || n.Verdict != plan.Run && n.Verdict != plan.MayRun || !resolve.Acceptable(b.TypeSpec) {
		return ""
	}
	if before := s.State.Renamed(p.Moves).Nodes[address]; before.Definition == n.Definition {
		return ""
	}
	return fmt.Sprintf("  accept {\n    block      = %s\n    definition = %q\n    reason     = \"…\"\n  }\n", address, resolve.AcceptedDefinition(string(n.Definition)))
}
