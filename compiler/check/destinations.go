package check

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/storeurl"
)

// destinations holds blocks that say where predictions are written to what they say, and to each other: of two deployments that write to one
// place the last would win.
func (c *checker) destinations() {
	taken := map[string]*resolve.Block{}
	for _, b := range c.m.Module.Blocks {
		all, err := b.TypeSpec.Destinations(b.Policy)
		if err != nil {
			c.add(place(b, schema.Problem{Summary: "The destinations cannot be read: " + err.Error()}))
			continue
		}
		for i := range b.TypeSpec.Body.Blocks {
			name := b.TypeSpec.Body.Blocks[i].Name
			d, ok := all[name]
			if !ok {
				continue
			}
			var predictions *schema.Table
			for _, s := range c.m.Blocks[b.Address].Out {
				if s.Type == schema.TablePort {
					predictions = s.Table
				}
			}
			problems := d.Problems(predictions)
			if strings.Contains(d.Path, "://") && len(problems) == 0 {
				var wrong *storeurl.Error
				if _, err := storeurl.Parse(d.Path); errors.As(err, &wrong) {
					problems = append(problems, schema.Problem{Path: "path", Summary: "The bucket of predictions: " + wrong.Why, Hint: wrong.Hint})
				}
			}
			for _, p := range problems {
				p.Path = name + "." + p.Path
				c.add(place(b, p))
			}
			if other := taken[d.Place()]; other != nil && len(problems) == 0 {
				c.add(source.Diagnostic{Severity: source.Error, Code: source.CodeStage, Subject: b.Ranges[name],
					Summary: fmt.Sprintf("%s writes to %s, and so does %s", b.Address, d.Place(), other.Address),
					Detail:  "Each would take the other's rows for foreign ones.", Hint: "give each a table or folder of its own",
					Related: []source.Related{{Message: "the other block stands here", Range: other.Range}}})
			}
			taken[d.Place()] = b
		}
	}
}
