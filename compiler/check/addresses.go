package check

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// addresses holds arguments that name a block of some kind, and are no references, to blocks that are there: a source of what deploy.scorer answered names
// it without coming after it.
func (c *checker) addresses() {
	for _, b := range c.m.Module.Blocks {
		for _, a := range b.TypeSpec.Body.Attrs {
			if a.Type != schema.Address || len(a.Kinds) == 0 {
				continue
			}
			var config map[string]json.RawMessage
			var named string
			if json.Unmarshal(b.Config, &config) != nil || json.Unmarshal(config[a.Name], &named) != nil {
				continue
			}
			if c.m.Blocks[named] != nil && slices.Contains(a.Kinds, address.Kind(named)) {
				continue
			}
			var there []string
			for at := range c.m.Blocks {
				if slices.Contains(a.Kinds, address.Kind(at)) {
					there = append(there, at)
				}
			}
			slices.Sort(there)
			c.add(source.Diagnostic{Severity: source.Error, Code: source.CodeUnknownAddress, Subject: rangeOf(b, a.Name),
				Summary: fmt.Sprintf("there is no %s %s", strings.Join(a.Kinds, " or "), named), Hint: suggest.DidYouMean(named, there)})
		}
	}
}
