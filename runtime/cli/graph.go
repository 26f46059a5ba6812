package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/graph"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const graphHelp = `Draws what depends on what: as a tree of text, or for Graphviz (dot), for Markdown (mermaid), or as a picture (svg).

In the tree each block stands once, below the last thing that it needs; what else it needs is named beside it. The
picture groups blocks by the part of the lifecycle they belong to. With --plan it shows stages, gates and deployments with what
would become of each.`

// drawing is what a graph is drawn of and how.
type drawing struct {
	vars                workspace.Settings // --var and --var-file
	format, focus, plan string             // focus is an address, "" for the whole graph. plan is "", planNow, or the file of a saved plan.
}

// planNow is what --plan without a file stands for. A file of this name is reached by --plan=./now.
const planNow = "now"

// --plan has a value that may be left out, so that a file must be given with =: in "--plan plan.json" the second word
// would be an argument, which the command takes none of.
func (a *app) graphCommand() *cobra.Command {
	f := drawing{format: "text"}
	cmd := &cobra.Command{
		Use: "graph", Short: "What depends on what", Args: cobra.NoArgs, Long: graphHelp,
		Example: "  mlp graph\n  mlp graph --plan --format svg > plan.svg\n  mlp graph --focus train.model --format mermaid\n  mlp graph --plan=plan.json",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runGraph(cmd.Context(), f) },
	}
	cmd.Flags().StringVar(&f.format, "format", f.format, "`text`, dot, mermaid or svg")
	cmd.Flags().StringVar(&f.focus, "focus", "", "only this `address` with all it rests on and all that rests on it")
	cmd.Flags().StringVar(&f.plan, "plan", "", "show what a plan does: one made now, or --plan=`file`")
	cmd.Flags().Lookup("plan").NoOptDefVal = planNow
	settingsFlags(cmd, &f.vars)
	return cmd
}

// With --focus only what an address rests on, and what rests on it, is drawn; an address that the graph does not have
// is an error with those that are near.
func (a *app) runGraph(ctx context.Context, f drawing) error {
	g, err := a.graph(ctx, f)
	if err != nil {
		return err
	}
	if f.focus != "" {
		part, ok := g.Focus(workspace.AddressOf(f.focus))
		if !ok {
			return workspace.UnknownAddress(f.focus, addressesOf(g))
		}
		g = part
	}
	switch f.format {
	case "dot":
		return graph.Dot(a.out, g)
	case "mermaid":
		return graph.Mermaid(a.out, g)
	case "svg":
		return graph.SVG(a.out, g)
	}
	return graph.Tree(a.out, g, render.Options{Color: a.color(a.out)})
}

// addressesOf lists the addresses of a graph's nodes in its order, for a message about one that is not there.
func addressesOf(g *graph.Graph) []string {
	out := make([]string, 0, len(g.Nodes))
	for _, n := range g.Nodes {
		out = append(out, n.Address)
	}
	return out
}

// graph is that of the module, of a plan made now, or of a saved plan. Only the last needs no module.
// The plan made now is the one that `mlp plan` shows, and is saved nowhere.
func (a *app) graph(ctx context.Context, f drawing) (*graph.Graph, error) {
	switch f.plan {
	case "":
		m, lib, err := a.Check(ctx, f.vars)
		if err != nil {
			return nil, err
		}
		return graph.OfModule(m), lib.Close()
	case planNow:
		s, err := a.OpenToPlan(ctx, f.vars)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		p, err := s.Plan(ctx, nil)
		if err != nil {
			return nil, err
		}
		return graph.OfPlan(p), nil
	}
	p, err := a.savedPlan(ctx, f.plan, f.vars)
	if err != nil {
		return nil, err
	}
	return graph.OfPlan(p), nil
}
