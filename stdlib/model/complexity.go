package model

import (
	"fmt"

	"github.com/mlp-lang/mlp/stdlib/model/constant"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/neighbors"
)

// Complexity is how large a model is and what a row costs it, in work rather than time: the same on every machine.
type Complexity struct {
	Bytes    int // of model.json, with those of members
	Features int
	Trees    int // 0 of models without any
	Leaves   int // of all trees
	Depth    int // the most comparisons that one tree makes for a row
	// Operations are the most that a row takes: the comparisons of all trees, the products that a linear model, or what puts members together, adds up, or the differences to all rows that
	// a model of neighbours keeps; and what inputs take that are derived of several features.
	Operations int
	// Unknown is why only Bytes and Features are known; empty: all are.
	Unknown string
}

// Complexity counts.
func (b *Bundle) Complexity() (Complexity, error) {
	data, err := b.estimator.Encode()
	if err != nil {
		return Complexity{}, err
	}
	c := Complexity{Bytes: len(data), Features: len(b.signature.Features)}
	switch m := b.estimator.(type) {
	case *trees:
		c.Trees = len(m.model.Trees)
		for i := range m.model.Trees {
			leaves, depth := m.model.Trees[i].Size()
			c.Leaves, c.Depth, c.Operations = c.Leaves+leaves, max(c.Depth, depth), c.Operations+depth
		}
	case *decisionTrees:
		c.Trees = len(m.model.Trees)
		for i := range m.model.Trees {
			leaves, depth := m.model.Trees[i].Size()
			c.Leaves, c.Depth, c.Operations = c.Leaves+leaves, max(c.Depth, depth), c.Operations+depth
		}
	case *linear.Model:
		for _, coefficients := range m.Coefficients {
			c.Operations += len(coefficients)
		}
	case *neighbors.Model:
		rows, inputs := m.Size()
		c.Operations = rows * inputs
	case *constant.Model:
	case *ensemble:
		for _, member := range m.members {
			of, err := member.Complexity()
			if err != nil {
				return Complexity{}, err
			}
			c.Bytes, c.Trees, c.Leaves, c.Depth = c.Bytes+of.Bytes, c.Trees+of.Trees, c.Leaves+of.Leaves, max(c.Depth, of.Depth)
			if c.Operations += of.Operations; of.Unknown != "" {
				c.Unknown = of.Unknown
			}
		}
		c.Operations += m.outputs * m.inputs()
	default:
		c.Unknown = fmt.Sprintf("the work of a model of the kind %s is not counted", b.kind)
	}
	if b.preparation != nil {
		for i := range b.preparation.Derived {
			c.Operations += b.preparation.Derived[i].operations()
		}
	}
	return c, nil
}
