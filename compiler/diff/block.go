package diff

import (
	"cmp"
	"encoding/json"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/policy"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
)

// changed lists the stages in which something differs by itself, and what each reaches.
func (c *comparison) changed() []Changed {
	var out []Changed
	roots := map[string]bool{}
	for _, n := range c.after.Nodes {
		old := c.oldNodes[c.oldName(n.Address)]
		if n.Verdict == plan.Remove || old == nil || n.Derived() {
			continue
		}
		if f := c.nodeFields(old, n); len(f) > 0 {
			x := Changed{Address: n.Address, Kind: n.Kind, Fields: f, Range: n.Range}
			roots[n.Address] = x.Rebuilds()
			out = append(out, x)
		}
	}
	c.reach(out, roots)
	return append(c.described(), out...)
}

// described are the blocks that are no stage and no gate and say something else of themselves, or nothing any more.
func (c *comparison) described() []Changed {
	var out []Changed
	all := map[string]bool{}
	for _, p := range []*plan.Plan{c.before, c.after} {
		for address := range p.Described {
			all[address] = true
		}
		for address := range p.Policies {
			all[address] = true
		}
	}
	for _, a := range sortedKeys(all) {
		f := as(plan.MetadataChange, Fields(c.before.Described[a], c.after.Described[a]))
		f = append(f, policyFields(c.before.Policies[a].Renamed(c.newName), c.after.Policies[a])...)
		if len(f) > 0 {
			out = append(out, Changed{Address: a, Kind: address.Kind(a), Fields: f})
		}
	}
	return out
}

// unknown stands for a version that is not known yet: an image that is not built, a file that nobody could be asked for.
const unknown = "not known yet"

// nodeFields is what differs at a stage itself, in the order in which it is shown: component, configuration, wiring, what lies outside, columns,
// acceptance, policy, description. Each field says what it means for results (Category), and of policy whether it became weaker.
func (c *comparison) nodeFields(a, b *plan.Node) []Field {
	var out []Field
	add := func(path string, before, after any) {
		if x, y := encode(before), encode(after); string(x) != string(y) {
			out = append(out, Field{Path: path, Before: x, After: y})
		}
	}
	add("type", a.Type, b.Type)
	if a.Type == b.Type {
		add("component_version", a.Version, b.Version)
		add("component_engine", a.Engine, b.Engine)
	}
	out = append(out, Fields(a.Config, b.Config)...)
	out = append(out, c.wiring(a, b)...)
	out = append(out, outside(a, b)...)
	x, y := a.Remote(), b.Remote()
	for _, was := range a.Remotes() {
		for _, is := range b.Remotes() {
			if was.External.Root == is.External.Root { // another name is told where it is written
				add("image "+is.External.Root, cmp.Or(was.External.Version, unknown), cmp.Or(is.External.Version, unknown))
			}
		}
	}
	// Columns are compared only at stages that differ by themselves: those behind yield other columns because of these,
	// and would drown them.
	if len(out) > 0 {
		out = append(out, columnFields(a, b)...)
	}
	for i := range out {
		out[i].Weaker = policy.Loosened(b.HasVerdict(), out[i].Path, out[i].Before, out[i].After)
		switch {
		case out[i].Category != "":
		case out[i].Path == plan.ImagePort && x != nil && y != nil && x.Digest != "" && x.Digest == y.Digest: // another name of the same image
			out[i].Category = plan.MetadataChange
		case b.Verdict == plan.Accepted:
			out[i].Category = plan.AcceptedChange
		default:
			out[i].Category = plan.Rebuild
		}
	}
	if a.Type == b.Type {
		out = Written(a.Config, b.Config, out, typeOf(c.catalog, b.Kind, b.Type))
	}
	if reason(a) != reason(b) {
		out = append(out, Field{Path: "accept", Before: encodeText(reason(a)), After: encodeText(reason(b)), Category: plan.AcceptedChange})
	}
	out = append(out, c.asked(a.Policy, b.Policy)...)
	return append(out, as(plan.MetadataChange, Fields(a.Meta, b.Meta))...)
}

// asked compares the policies of two stages or gates.
func (c *comparison) asked(before, after func() (plan.Policy, error)) []Field {
	a, errA := before()
	b, errB := after()
	if errA != nil || errB != nil { // they came from a planner, or from JSON that it wrote
		return nil
	}
	return policyFields(a.Renamed(c.newName), b)
}

// policyFields are the differences between two policies, with what makes one weaker ("the limit is higher").
func policyFields(before, after plan.Policy) []Field {
	var out []Field
	for _, d := range policy.Compare(before, after) {
		out = append(out, Field{Path: d.Path, Before: d.Before, After: d.After, Category: plan.PolicyChange, Weaker: d.Weaker})
	}
	return out
}

// reason is why a stage's recorded result is taken for that of its definition; empty if it is its own.
func reason(n *plan.Node) string {
	if n.Accepted == nil {
		return ""
	}
	return n.Accepted.Reason
}

// encodeText is a string as JSON; nil for the empty one, so that it counts as absent and not as changed to "".
func encodeText(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return encode(s)
}

// as puts fields into a category, in place.
func as(c plan.Category, list []Field) []Field {
	for i := range list {
		list[i].Category = c
	}
	return list
}

// wiring lists inputs that come from another block or port. What only has another name is the same.
func (c *comparison) wiring(a, b *plan.Node) []Field {
	old, now := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for _, in := range a.Inputs {
		if in.From != "" {
			old[in.Port] = encode(c.newName(in.From) + ":" + in.FromPort)
		}
	}
	for _, in := range b.Inputs {
		if in.From != "" {
			now[in.Port] = encode(in.From + ":" + in.FromPort)
		}
	}
	return fields(old, now)
}

// outside compares the files and objects that a stage reads from outside.
// Paths are "content of data/payments" with how many files there are, how large and by which digest: a reader compares
// these.
func outside(a, b *plan.Node) []Field {
	// What lies elsewhere has a version, which stands among the inputs of its own stage.
	content := func(n *plan.Node) map[string]json.RawMessage {
		out := map[string]json.RawMessage{}
		for _, in := range n.Inputs {
			switch {
			case in.External != nil && in.External.Remote:
			case in.External != nil:
				var size int64
				for _, f := range in.External.Files {
					size += f.Size
				}
				out["content of "+in.External.Root] = encode(map[string]any{"files": len(in.External.Files), "bytes": size, "digest": in.Digest})
			case in.From == "":
				out["content of "+in.Port] = encode(in.Digest)
			}
		}
		return out
	}
	return fields(content(a), content(b))
}

// columnFields are the columns that a stage yields, by their types. It breaks others that one is gone or of another type.
func columnFields(a, b *plan.Node) []Field {
	columns := func(n *plan.Node) map[string]json.RawMessage {
		out := map[string]json.RawMessage{}
		for _, o := range n.Outputs {
			if o.Shape == nil || o.Shape.Type != schema.TablePort || o.Shape.Table == nil {
				continue
			}
			for _, col := range o.Shape.Table.Columns {
				out["yields "+o.Port+"."+col.Name] = encode(col.Type)
			}
		}
		return out
	}
	out := fields(columns(a), columns(b))
	for i := range out {
		if out[i].Before != nil {
			out[i].Category = plan.Breaking
		}
	}
	return out
}
