package workspace

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render/tables"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// firstRows is how many rows of a table are shown.
const firstRows = 10

// TablePorts are the ports of a recorded stage at which tables come out, sorted; nil of what has none.
func (s *Session) TablePorts(address string) []string {
	var out []string
	for _, port := range sortedKeys(s.State.Nodes[address].Outputs) {
		if s.tableShape(address, port) != nil {
			out = append(out, port)
		}
	}
	return out
}

// Port takes an address with a port apart, split.fixed.test: the stage and the port, where a table of that name is recorded.
func (s *Session) Port(arg string) (address, port string, ok bool) {
	i := strings.LastIndexByte(arg, '.')
	if i < 0 {
		return "", "", false
	}
	address, port = arg[:i], arg[i+1:]
	return address, port, s.tableShape(address, port) != nil
}

// tableShape is the form of a table that is recorded; nil if there is none.
func (s *Session) tableShape(address, port string) *schema.Table {
	if shape := s.State.Nodes[address].Shapes[port]; shape != nil {
		return shape.Table
	}
	return nil
}

// hides says of which columns of a recorded table no value may be shown: those that were marked pii when it was recorded, or are
// in the module of now.
func (s *Session) hides(address, port string) func(column string) bool {
	shapes := []*schema.Table{s.tableShape(address, port)}
	if s.Module != nil {
		if b := s.Module.Blocks[address]; b != nil {
			shapes = append(shapes, b.Out[port].Table)
		}
	}
	return func(column string) bool {
		for _, t := range shapes {
			if t == nil {
				continue
			}
			if c := t.Column(column); c != nil && c.PII {
				return true
			}
		}
		return false
	}
}

// ShowTable looks through the rows of a table that is recorded. A table that is no longer in the store is a Failure.
func (s *Session) ShowTable(ctx context.Context, address, port string) (*tables.Table, error) {
	folder, err := scratch.New(scratch.Table)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	path, err := s.tableFile(ctx, address, port, filepath.Join(folder.Dir, "shown"))
	if err != nil {
		return nil, err
	}
	p, err := table.ProfileOf(ctx, path, s.hides(address, port), firstRows, runtime.NumCPU())
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", port, address, err)
	}
	out := &tables.Table{Address: address, Port: port, Rows: p.Rows, Columns: []tables.Column{}, Head: [][]tables.Cell{}}
	number := make([]bool, len(p.Columns))
	for i, c := range p.Columns {
		number[i] = table.Numeric(c.Type)
		x := tables.Column{Name: c.Name, Type: c.Type, PII: c.Hidden, Nulls: c.Nulls, Distinct: c.Distinct}
		for _, q := range c.Quantiles {
			x.Quantiles = append(x.Quantiles, tables.Cell{Text: q, Number: number[i]})
		}
		for _, v := range c.Top {
			x.Top = append(x.Top, tables.Counted{Value: tables.Cell{Text: v.Value, Number: number[i]}, Rows: v.Rows})
		}
		out.Columns = append(out.Columns, x)
	}
	for _, row := range p.Head {
		cells := make([]tables.Cell, len(row))
		for i, v := range row {
			if cells[i] = (tables.Cell{Null: v == nil, Number: number[i]}); v != nil {
				cells[i].Text = *v
			}
		}
		out.Head = append(out.Head, cells)
	}
	return out, nil
}

// tableFile copies a recorded table out of the store, into a folder that is made, and returns the file.
func (s *Session) tableFile(ctx context.Context, address, port, folder string) (string, error) {
	var d plan.Digest
	if d = s.State.Nodes[address].Outputs[port]; d == "" {
		return "", s.NotRecorded(address)
	}
	err := s.copyOut(ctx, d, folder)
	if errors.Is(err, store.ErrMissing) {
		return "", &Failure{Err: fmt.Errorf("the rows of %s.%s are not in the store: %w", address, port, err), Hint: "To have them made again: " + s.w.Command("apply")}
	}
	return filepath.Join(folder, component.TableFile), err
}
