package check

import (
	"encoding/json"
	"fmt"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schedule"
	"github.com/mlp-lang/mlp/lang/schema"
)

// scheduled holds what is done on a schedule to what it says: retrainings, and monitors that mlp watch looks at.
func (c *checker) scheduled() {
	for _, r := range c.m.Module.Blocks {
		b := c.m.Blocks[r.Address]
		said := b.Meta
		if b.KindSpec.Retrains {
			said = b.Policy
		}
		var block schema.Retrain
		if err := json.Unmarshal(orEmptyObject(said), &block); err != nil || b.TypeSpec.Body.Attr("timezone") == nil {
			continue // no kind with a schedule
		}
		problems := scheduleProblems(&block)
		if b.KindSpec.Retrains {
			problems = append(problems, block.Problems()...)
			problems = append(problems, c.retrained(b)...)
		}
		for _, p := range problems {
			c.add(place(r, p))
		}
	}
}

func orEmptyObject(data json.RawMessage) json.RawMessage {
	if len(data) == 0 {
		return json.RawMessage("{}")
	}
	return data
}

func scheduleProblems(b *schema.Retrain) []schema.Problem {
	if b.Schedule == "" {
		if b.Timezone == "" {
			return nil
		}
		return []schema.Problem{{Path: "timezone", Summary: "timezone is for a schedule, and there is none"}}
	}
	if _, err := schedule.Zone(b.Timezone); err != nil {
		return []schema.Problem{{Path: "timezone", Summary: err.Error()}}
	}
	if _, err := schedule.Parse(b.Schedule, b.Timezone); err != nil {
		return []schema.Problem{{Path: "schedule", Summary: fmt.Sprintf("%q is no schedule: %v", b.Schedule, err), Hint: `Write "0 3 * * 1" for each Monday at three, or @hourly, @daily, @weekly, @monthly.`}}
	}
	return nil
}

// retrained are the problems of a retraining that lie in what it names.
func (c *checker) retrained(b *Block) []schema.Problem {
	if b.Module != "" {
		return []schema.Problem{{Summary: "A module that is called trains nothing again by itself", Hint: "Write the block into the pipeline."}}
	}
	var out []schema.Problem
	for _, r := range b.Rules {
		reads := false
		for _, ref := range r.Rule.Refs() {
			for _, f := range c.m.FiguresAt(b, r.Text.Value, ref.Path) {
				reads = true
				var monitor schema.Retrain
				if f.Block.TypeSpec.Body.Attr("timezone") != nil && json.Unmarshal(orEmptyObject(f.Block.Meta), &monitor) == nil && monitor.Schedule == "" {
					out = append(out, schema.Problem{Path: r.Path, Warning: true, Summary: f.Block.Address + " has no schedule: what this reads of it changes with applies alone",
						Hint: fmt.Sprintf(`Write schedule = "0 * * * *" into %s.`, f.Block.Address)})
				}
			}
		}
		if !reads {
			out = append(out, schema.Problem{Path: r.Path, Summary: "when reads no figure, and never changes", Hint: `Write when = "monitor.live.drift.share > 0.3", or a schedule.`})
		}
	}
	return out
}

// Retrains are the deployment that a block trains again, and the checks that it asks for besides.
func Retrains(b *resolve.Block) (deploy string, checks []string) {
	for _, r := range b.Refs {
		if r.Path == schema.RetrainedDeploy {
			deploy = r.Target
		} else {
			checks = append(checks, r.Target)
		}
	}
	return deploy, checks
}
