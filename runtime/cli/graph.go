package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/check"
)

func parent(path string) string { return filepath.Dir(path) }

func (a *app) graphCommand() *cobra.Command {
	format := "text"
	var vars settings
	cmd := &cobra.Command{
		Use: "graph", Short: "What depends on what", Args: cobra.NoArgs,
		Long:    "Lists all blocks, each behind what it needs; or draws the graph for Graphviz (dot) or Mermaid.",
		Example: "  mlp graph\n  mlp graph --format dot | dot -Tsvg -o graph.svg",
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, lib, err := a.module(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer lib.Close()
			switch format {
			case "text":
				a.graphText(m)
			case "dot":
				a.graphDot(m)
			case "mermaid":
				a.graphMermaid(m)
			default:
				return &failure{err: fmt.Errorf("--format %s is not known", format), hint: "Use text, dot or mermaid."}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "`text`, dot or mermaid")
	vars.flags(cmd)
	return cmd
}

// drawn leaves out what nothing flows through.
func drawn(m *check.Module) []*check.Block {
	var out []*check.Block
	for _, address := range m.Order {
		b := m.Blocks[address]
		if len(b.Needs) > 0 || len(m.NeededBy[address]) > 0 {
			out = append(out, b)
		}
	}
	return out
}

func (a *app) graphText(m *check.Module) {
	for _, b := range drawn(m) {
		if len(b.Needs) == 0 {
			fmt.Fprintln(a.out, b.Address)
			continue
		}
		fmt.Fprintf(a.out, "%s ← %s\n", b.Address, strings.Join(b.Needs, ", "))
	}
}

func (a *app) graphDot(m *check.Module) {
	fmt.Fprintln(a.out, "digraph pipeline {\n  rankdir = LR\n  node [shape = box]")
	for _, b := range drawn(m) {
		fmt.Fprintf(a.out, "  %q\n", b.Address)
		for _, n := range b.Needs {
			fmt.Fprintf(a.out, "  %q -> %q\n", n, b.Address)
		}
	}
	fmt.Fprintln(a.out, "}")
}

func (a *app) graphMermaid(m *check.Module) {
	fmt.Fprintln(a.out, "graph LR")
	id := strings.NewReplacer(".", "__")
	for _, b := range drawn(m) {
		fmt.Fprintf(a.out, "  %s[%s]\n", id.Replace(b.Address), b.Address)
		for _, n := range b.Needs {
			fmt.Fprintf(a.out, "  %s --> %s\n", id.Replace(n), id.Replace(b.Address))
		}
	}
}
