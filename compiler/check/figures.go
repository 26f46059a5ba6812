package check

import (
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Figures are the figures of one block as a rule of another reads them: of evaluate.holdout.metrics.auc, Rest is metrics, auc.
type Figures struct {
	Block *Block
	Path  string   // where they stand: "evaluate.holdout", of an instance "evaluate.holdout.eu"
	Rest  []string // what of them is read; nil where that is not known, because an instance is not spelled out
}

// FiguresAt are the figures that a path in a rule of b reads, sorted by address: of one block, or of all instances of a
// repeated one unless the key is spelled out, or is each.key. There are none for variables, locals and the champion.
func (m *Module) FiguresAt(b *Block, rule string, path []string) []Figures {
	if len(path) < 2 || path[0] == "variable" || path[0] == "local" || path[0] == "each" || path[0] == "champion" {
		return nil
	}
	at := path[0] + "." + path[1]
	if t := m.Blocks[b.Module+at]; t != nil {
		if t.Figures == nil {
			return nil
		}
		return []Figures{{Block: t, Path: at, Rest: path[2:]}}
	}
	key := ""
	switch {
	case len(path) > 2:
		key = path[2]
	case ownInstance(rule, at):
		key = b.Key
	}
	var out []Figures
	for _, other := range m.instances[b.Module+at] {
		f := Figures{Block: m.Blocks[other.Address], Path: at + "." + other.Key}
		if f.Block.Figures == nil || key != "" && key != other.Key {
			continue
		}
		if len(path) > 2 {
			f.Rest = path[3:]
		}
		out = append(out, f)
	}
	return out
}

// instancesOf are the instances of repeated blocks, by what they are called without key, sorted by address.
func instancesOf(m *resolve.Module) map[string][]*resolve.Block {
	out := map[string][]*resolve.Block{}
	for _, b := range m.Blocks {
		if b.Key != "" {
			at := b.Module + b.Kind + "." + b.Name
			out[at] = append(out[at], b)
		}
	}
	return out
}

// ownInstance reports whether a rule reads of a repeated block nothing but the instance with the rule's own key:
// evaluate.holdout[each.key].metrics.auc. Such a gate then waits for its own instance and for no other.
func ownInstance(rule, name string) bool {
	rule = strings.Join(strings.Fields(rule), "")
	own := false
	for {
		i := strings.Index(rule, name)
		if i < 0 {
			return own
		}
		rest, ok := strings.CutPrefix(rule[i+len(name):], "[each.key]")
		if !ok {
			return false
		}
		rule, own = rest, true
	}
}

// merge is the type of the instances of a repeated block: what any of them has. What only some have is missing in the
// others, which makes a rule that reads it there an error. Neither a nor b is changed. Bounds hold for all: the wider
// ones are taken.
func merge(a, b *schema.FigureType) *schema.FigureType {
	if a.Kind != b.Kind {
		return a
	}
	switch a.Kind {
	case schema.ObjectFigure:
		fields := map[string]*schema.FigureType{}
		for name, t := range a.Fields {
			fields[name] = t
		}
		for name, t := range b.Fields {
			if fields[name] != nil {
				t = merge(fields[name], t)
			}
			fields[name] = t
		}
		return schema.Object(fields)
	case schema.MapFigure:
		keys := slices.Concat(a.Keys, b.Keys)
		slices.Sort(keys)
		return &schema.FigureType{Kind: schema.MapFigure, Elem: merge(a.Elem, b.Elem), Keys: slices.Compact(keys), Closed: a.Closed && b.Closed}
	case schema.DoubleFigure:
		out := &schema.FigureType{Kind: schema.DoubleFigure}
		if a.Low != nil && b.Low != nil {
			low := min(*a.Low, *b.Low)
			out.Low = &low
		}
		if a.High != nil && b.High != nil {
			high := max(*a.High, *b.High)
			out.High = &high
		}
		return out
	}
	return a
}
