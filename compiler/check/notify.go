package check

import (
	"encoding/json"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
)

// notifications holds blocks that say who is told to what they say.
func (c *checker) notifications() {
	for _, b := range c.m.Module.Blocks {
		if !b.KindSpec.Tells {
			continue
		}
		var n schema.Notify
		if err := json.Unmarshal(b.Meta, &n); err != nil {
			c.add(place(b, schema.Problem{Summary: "The arguments cannot be read: " + err.Error()}))
			continue
		}
		for _, p := range append(n.Problems(secretsOf(b)), ofCaller(b)...) {
			c.add(place(b, p))
		}
	}
}

// ofCaller refuses a block of a module that is called: who is told is said by the pipeline, and not by what it is made of.
func ofCaller(b *resolve.Block) []schema.Problem {
	if b.Module == "" {
		return nil
	}
	return []schema.Problem{{Summary: "A module that is called tells nobody", Hint: "Write the block into the pipeline."}}
}

// secretsOf are the arguments of a block that name a secret.
func secretsOf(b *resolve.Block) []string {
	var out []string
	for _, r := range b.Refs {
		out = append(out, r.Path)
	}
	return out
}
