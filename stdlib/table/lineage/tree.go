package lineage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
)

// Tree is a node of a parsed statement: an object of the engine's json_serialize_sql. Its values are trees, lists ([]any), texts, json.Numbers,
// booleans and nil. Members are few, and are looked at one after the other: that takes less than a map of them, above all to make one. A nil tree
// has none.
type Tree struct{ Members []Member }

// Member is a named value of a tree.
type Member struct {
	Name  string
	Value any
}

// Get is the value of a member; nil where there is none.
func (t *Tree) Get(name string) any {
	if t != nil {
		for i := range t.Members {
			if m := &t.Members[i]; m.Name == name {
				return m.Value
			}
		}
	}
	return nil
}

// All are the members in the order in which the engine wrote them.
func (t *Tree) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if t == nil {
			return
		}
		for i := range t.Members {
			if m := &t.Members[i]; !yield(m.Name, m.Value) {
				return
			}
		}
	}
}

// With is the tree with another value for a member, which it has or not. The tree itself stays as it is.
func (t *Tree) With(name string, value any) *Tree {
	out := &Tree{slices.Clone(t.Members)}
	for i := range out.Members {
		if out.Members[i].Name == name {
			out.Members[i].Value = value
			return out
		}
	}
	out.Members = append(out.Members, Member{name, value})
	return out
}

// Each is the tree with each value replaced by what f makes of it. The tree itself stays as it is.
func (t *Tree) Each(f func(v any) any) *Tree {
	out := &Tree{make([]Member, len(t.Members))}
	for i, m := range t.Members {
		out.Members[i] = Member{m.Name, f(m.Value)}
	}
	return out
}

// MarshalJSON writes the members in their order.
func (t *Tree) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range t.Members {
		name, errName := json.Marshal(m.Name)
		value, err := json.Marshal(m.Value)
		if errName != nil || err != nil {
			return nil, fmt.Errorf("member %q of a syntax tree: %w", m.Name, err)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
