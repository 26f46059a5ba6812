package workspace

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib"
)

// Threads says on how many threads the queries of a block's stage run: "all cores", or "one thread: sum of DOUBLE column amount is rounded in the
// order of rows, pipeline.mlp:12"; empty: it runs none that are known before.
//
// A result must be the same bytes on every machine, so a query runs on several threads only where its rows do not depend on their order. This says
// what an author can do about one that does: count cents in a decimal, and the sum is exact in any order.
func (s *Session) Threads(ctx context.Context, address string) (string, error) {
	b := s.Module.Blocks[address]
	if b == nil {
		return "", nil
	}
	c := stdlib.Component(ComponentName(b.Kind, b.Type))
	if c == nil || c.Queries == nil {
		return "", nil
	}
	queries, err := c.Queries(ctx, schema.ShapeRequest{Address: b.Address, Config: b.Config, In: b.In})
	if err != nil {
		return "", fmt.Errorf("writing the queries of %s: %w", address, err)
	}
	var reasons []string
	for _, q := range queries {
		why, err := s.Library.binder.OneThread(ctx, q.SQL, q.Tables)
		if err != nil {
			return "", fmt.Errorf("looking at the queries of %s: %w", address, err)
		}
		if why != nil {
			reasons = append(reasons, why.Summary+writtenAt(b, q, *why))
		}
	}
	if len(reasons) == 0 {
		return "all cores", nil
	}
	return "one thread: " + strings.Join(reasons, "; "), nil
}

// writtenAt is where in the module's files stands what a problem of a query is about, behind a comma; empty where the component made the query.
func writtenAt(b *check.Block, q component.Query, p schema.Problem) string {
	for _, t := range b.Texts {
		if q.Path == "" || t.Path != q.Path {
			continue
		}
		if q.Place != nil {
			p = q.Place(p)
		}
		r := t.Text.Range
		if p.Length > 0 {
			r = t.Text.Sub(p.Offset, p.Offset+p.Length)
		}
		return fmt.Sprintf(", %s:%d", r.File, r.Start.Line)
	}
	return ""
}
