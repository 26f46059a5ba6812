// Package yamlfile reads YAML files of other tools so that what is not understood in them is told with file and line.
package yamlfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Error is a mistake in a file, or something in it that is not understood.
type Error struct {
	File string
	Line int
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Document is the content of a file; one without any is an error.
func Document(files fs.FS, file string) (*yaml.Node, error) {
	data, err := fs.ReadFile(files, file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(doc.Content) == 0 {
		return nil, &Error{File: file, Line: 1, Err: errors.New("the file is empty")}
	}
	return doc.Content[0], nil
}

// Errorf is an Error about a value of a file.
func Errorf(file string, n *yaml.Node, format string, args ...any) error {
	return &Error{File: file, Line: n.Line, Err: fmt.Errorf(format, args...)}
}

// Mapping are the values of an object by key; other keys than those are an error. what names the object in messages.
func Mapping(file string, n *yaml.Node, what string, keys ...string) (map[string]*yaml.Node, error) {
	if n.Kind != yaml.MappingNode {
		return nil, Errorf(file, n, "%s is no object", what)
	}
	out := map[string]*yaml.Node{}
	for key, v := range Pairs(n) {
		if !slices.Contains(keys, key) {
			return nil, Errorf(file, v, "%s of %s is not understood", key, what)
		}
		if out[key] != nil {
			return nil, Errorf(file, v, "%s of %s stands twice", key, what)
		}
		out[key] = v
	}
	return out, nil
}

// Pairs are the members of an object in their order. Aliases are followed.
func Pairs(n *yaml.Node) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, Followed(n.Content[i+1])) {
				return
			}
		}
	}
}

// Followed is what an alias stands for, and any other value itself.
func Followed(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// List are the elements of a list, or the one value that stands for a list of it.
func List(n *yaml.Node) []*yaml.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind != yaml.SequenceNode:
		return []*yaml.Node{n}
	}
	out := make([]*yaml.Node, len(n.Content))
	for i, x := range n.Content {
		out[i] = Followed(x)
	}
	return out
}

// Scalar is a value that is neither list nor object: nil, bool, int64, float64 or string. Numbers that are not finite, or of more than 64 bits, are an error.
func Scalar(file string, n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		err := n.Decode(&b)
		return b, err
	case "!!int":
		var i int64
		if err := n.Decode(&i); err != nil {
			return nil, Errorf(file, n, "%s is no number of 64 bits", n.Value)
		}
		return i, nil
	case "!!float":
		var f float64
		if err := n.Decode(&f); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, Errorf(file, n, "%s is no finite number", n.Value)
		}
		return f, nil
	}
	return n.Value, nil
}

// PythonFloat is a number as Python writes it (https://docs.python.org/3/library/functions.html#repr): the fewest digits that give it back, 1.0 and not 1,
// 1e-05 below 1e-4 and 1e+16 from there on.
func PythonFloat(v float64) string {
	if abs := math.Abs(v); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
