package view

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/tables"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// Tables shows the rows of a block that yields one table, and how to have those of one that yields several. Rows that are not in the
// store any more are no error here: what is recorded is shown without them.
func (s *Screen) Tables(ctx context.Context, of *workspace.Session, address string) error {
	ports := of.TablePorts(address)
	if len(ports) > 1 {
		fmt.Fprintln(s.Out)
		for _, port := range ports {
			fmt.Fprintf(s.Out, "  its rows     %s\n", s.Command("show "+render.ShellWord(address+"."+port)))
		}
	}
	if len(ports) != 1 {
		return nil
	}
	t, err := of.ShowTable(ctx, address, ports[0])
	if gone := (*workspace.Failure)(nil); errors.As(err, &gone) {
		fmt.Fprintf(s.Out, "\n  %s\n", render.Line(gone.Error()))
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(s.Out)
	return tables.Text(s.Out, t, render.Options{Color: s.Colors})
}

// Table shows what the rows of one recorded table are like, as text, markdown or json.
func (s *Screen) Table(ctx context.Context, of *workspace.Session, address, port, format string) error {
	t, err := of.ShowTable(ctx, address, port)
	if err != nil {
		return err
	}
	switch format {
	case "json":
		e := json.NewEncoder(s.Out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(t)
	case "markdown":
		return tables.Markdown(s.Out, t, render.Options{})
	}
	return tables.Text(s.Out, t, render.Options{Color: s.Colors})
}
