package eject

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Components that stand in an ejected folder for what an apply does around stages. No block is of them.
const (
	tableName = "eject.table"
	rulesName = "eject.rules"
)

// Convert rewrites a table file in another format, as attempt.Options.Convert does.
type Convert func(ctx context.Context, from, to string, table *schema.Table, src, dst string) error

// Component is a component that only ejected folders ask for; nil for other names.
func Component(name string, convert Convert) *component.Component {
	c := &component.Component{Kind: "eject", Type: schema.Type{Version: 1}}
	switch name {
	case tableName:
		c.Type.Name, c.Run = "table", func(ctx context.Context, s *component.Stage) error { return rewriteTable(ctx, s, convert) }
	case rulesName:
		c.Type.Name, c.Run = "rules", decideRules
	default:
		return nil
	}
	return c
}

// tableConfig is that of eject.table: a table between Parquet and what a program reads or writes.
type tableConfig struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Settle bool   `json:"settle,omitempty"` // its columns are held to what is declared, and its rows put in order
}

// rewriteTable runs eject.table.
func rewriteTable(ctx context.Context, s *component.Stage, convert Convert) error {
	var c tableConfig
	if err := s.Decode(&c); err != nil {
		return err
	}
	shape := s.In["table"]
	out, err := s.Output("table")
	if err != nil {
		return err
	}
	name := "table." + c.From
	entries, err := os.ReadDir(s.Input("table"))
	if err != nil {
		return err
	}
	if len(entries) != 1 || entries[0].Name() != name || !entries[0].Type().IsRegular() {
		return &component.InputError{Summary: fmt.Sprintf("%s must have exactly one regular file, %s", s.Address, name)}
	}
	src, dst := filepath.Join(s.Input("table"), name), filepath.Join(out, "table."+c.To)
	if c.From != c.To {
		if err := convert(ctx, c.From, c.To, shape.Table, src, dst); err != nil {
			return &component.InputError{Summary: fmt.Sprintf("%s: %v", s.Address, err)}
		}
		src = dst
	}
	if !c.Settle {
		return nil
	}
	settled := filepath.Join(s.Root, "settled.parquet")
	if err := convert(ctx, "parquet", "parquet", shape.Table, src, settled); err != nil {
		return &component.InputError{Summary: fmt.Sprintf("%s is not as its block declares it: %v", s.Address, err)}
	}
	return os.Rename(settled, dst)
}

// rulesConfig is that of eject.rules.
type rulesConfig struct {
	Check string            `json:"check,omitempty"` // the address of the check that they are of, whose expectations count too; empty: a gate
	Rules *plan.Rules       `json:"rules"`
	Ports map[string]string `json:"ports"` // where the figures of a node are, by address
}

// decideRules runs eject.rules: it fails where an apply would not go on behind the check or gate.
func decideRules(_ context.Context, s *component.Stage) error {
	var c rulesConfig
	if err := s.Decode(&c); err != nil {
		return err
	}
	figures := map[string]json.RawMessage{}
	for node, port := range c.Ports {
		text, err := os.ReadFile(filepath.Join(s.Input(port), "metrics.json"))
		if err != nil {
			return fmt.Errorf("the figures of %s: %w", node, err)
		}
		figures[node] = text
	}
	var failed int
	if c.Check != "" {
		failed = decide.Failed(figures[c.Check])
	}
	res := &decide.Result{Verdict: plan.Pass}
	if len(c.Rules.Rules) > 0 {
		d, err := decide.New(c.Rules, func(node string) (json.RawMessage, bool) { f, ok := figures[node]; return f, ok })
		if err == nil {
			res, err = d.Final(c.Rules)
		}
		if err != nil {
			return fmt.Errorf("the rules of %s: %w", s.Address, err)
		}
	}
	for _, r := range res.Rules {
		line := fmt.Sprintf("%s  %s: %s", strings.ToUpper(string(r.Verdict)), r.Name, r.Assert)
		for _, v := range r.Values {
			line += fmt.Sprintf("  [%s = %s]", v.Path, v.Value)
		}
		if r.Reason != "" {
			line += "  " + r.Reason
		}
		s.Logf("%s", line)
	}
	if failed > 0 {
		return &component.InputError{Summary: fmt.Sprintf("%s: %d expectations do not hold", s.Address, failed), Detail: fmt.Sprintf("They are in work/%s/out/metrics.json.", c.Ports[c.Check])}
	}
	if res.Verdict != plan.Pass {
		return &component.InputError{Summary: s.Address + " does not pass"} // its log says by which rules
	}
	if err := os.MkdirAll(filepath.Join(s.Root, "out"), 0o755); err != nil {
		return err
	}
	return s.WriteFigures(map[string]any{"verdict": res.Verdict, "rules": res.Rules})
}
