package check

import "github.com/mlp-lang/mlp/lang/source"

// requirements warns of those that nothing verifies.
func (c *checker) requirements() {
	for _, b := range c.m.Module.Blocks {
		if b.Kind != "problem" {
			continue
		}
		verified := map[string]bool{}
		for _, r := range b.Refs {
			verified[blockOfPath(r.Path)] = true
		}
		for _, path := range sortedPaths(b.Ranges) {
			if label, ok := requirementOf(path); ok && !verified[path] {
				c.add(source.Diagnostic{
					Severity: source.Warning, Code: "MLP1405", Subject: b.Ranges[path],
					Summary: "Nothing verifies requirement " + label,
					Hint:    "Name the gate or monitor that does: verified_by = [gate.release]",
				})
			}
		}
	}
}
