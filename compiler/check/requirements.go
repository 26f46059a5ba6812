package check

import (
	"strings"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// requirements warns of those that no gate verifies: a gate among what verifies them, or a check that a gate waits for.
// A monitor looks at what is live already, and stops no release. It is a warning, for a requirement may be verified
// outside of mlp.
func (c *checker) requirements() {
	gating := c.gating()
	for _, b := range c.m.Module.Blocks {
		if !b.KindSpec.Poses {
			continue
		}
		named, verified := map[string][]string{}, map[string]bool{}
		for _, r := range b.Refs {
			block := blockOfPath(r.Path)
			named[block] = append(named[block], r.Target)
			verified[block] = verified[block] || gating[r.Target]
		}
		for _, path := range sortedPaths(b.Ranges) {
			if label, ok := requirementOf(path); ok && !verified[path] {
				c.add(unverified(b, path, label, named[path]))
			}
		}
	}
}

// gating are the gates, and the blocks whose verdict a gate waits for.
// A requirement that none of these verifies is measured perhaps, but stops nothing.
func (c *checker) gating() map[string]bool {
	out := map[string]bool{}
	for _, b := range c.m.Module.Blocks {
		if !b.TypeSpec.IsGate() {
			continue
		}
		out[b.Address] = true
		for _, r := range b.Refs {
			if r.Edge == schema.OrderEdge {
				out[r.Target] = true
			}
		}
	}
	return out
}

// unverified is the warning; named are the blocks that are said to verify the requirement, none of which a gate waits for.
func unverified(b *resolve.Block, path, label string, named []string) source.Diagnostic {
	d := source.Diagnostic{
		Severity: source.Warning, Code: source.CodeUnverified, Subject: b.Ranges[path],
		Summary: "nothing verifies requirement " + label,
		Hint:    "name the gate that does: verified_by = [gate.release]",
	}
	if len(named) > 0 {
		d.Summary = "no gate verifies requirement " + label
		d.Detail = "It is verified by " + strings.Join(named, ", ") + " alone: no release is stopped where that does not hold."
	}
	return d
}
