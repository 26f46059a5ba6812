package onnx

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages of onnx.proto that a graph of trees is made of, with the numbers of their fields; others are passed over.

// graph is a GraphProto with its ModelProto's producer.
type graph struct {
	producer, version string
	nodes             []*node
	inputs            []input
	initializers      int // constants: of trees there are none
}

// node is a NodeProto.
type node struct {
	op, domain      string
	inputs, outputs []string
	attrs           map[string]*attribute
}

// attribute is an AttributeProto: one value, or a list.
type attribute struct {
	i       int64
	text    string
	floats  []float64
	ints    []int64
	strings []string
	tensor  []float64 // of a TensorProto of floats or doubles
}

// input is a ValueInfoProto of the graph's inputs: its type of elements, and how many columns it has, -1 where that is not said.
type input struct {
	name    string
	element int64
	columns int64
}

// Types of elements.
const (
	floatElement  = 1
	doubleElement = 11
)

// field is one of a message: a whole number, or bytes.
type field struct {
	number protowire.Number
	kind   protowire.Type
	whole  uint64
	bytes  []byte
}

// fields hands over the fields of a message one by one.
func fields(message []byte, take func(f field) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return fmt.Errorf("a field's tag: %w", protowire.ParseError(n))
		}
		message = message[n:]
		f := field{number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			f.whole, n = protowire.ConsumeVarint(message)
		case protowire.Fixed32Type:
			var x uint32
			x, n = protowire.ConsumeFixed32(message)
			f.whole = uint64(x)
		case protowire.Fixed64Type:
			f.whole, n = protowire.ConsumeFixed64(message)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return fmt.Errorf("field %d: %w", number, protowire.ParseError(n))
		}
		message = message[n:]
		if err := take(f); err != nil {
			return err
		}
	}
	return nil
}

// floats adds the values of a repeated float, packed or not.
func (f field) floats(to []float64) ([]float64, error) {
	if f.kind == protowire.Fixed32Type {
		return append(to, float64(math.Float32frombits(uint32(f.whole)))), nil
	}
	if len(f.bytes)%4 != 0 {
		return nil, errors.New("a list of floats ends in the middle of one")
	}
	for b := f.bytes; len(b) > 0; b = b[4:] {
		x, _ := protowire.ConsumeFixed32(b)
		to = append(to, float64(math.Float32frombits(x)))
	}
	return to, nil
}

// doubles adds the values of a repeated double.
func (f field) doubles(to []float64) ([]float64, error) {
	if f.kind == protowire.Fixed64Type {
		return append(to, math.Float64frombits(f.whole)), nil
	}
	if len(f.bytes)%8 != 0 {
		return nil, errors.New("a list of doubles ends in the middle of one")
	}
	for b := f.bytes; len(b) > 0; b = b[8:] {
		x, _ := protowire.ConsumeFixed64(b)
		to = append(to, math.Float64frombits(x))
	}
	return to, nil
}

// wholes adds the values of a repeated int64.
func (f field) wholes(to []int64) ([]int64, error) {
	if f.kind == protowire.VarintType {
		return append(to, int64(f.whole)), nil
	}
	for b := f.bytes; len(b) > 0; {
		x, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		to, b = append(to, int64(x)), b[n:]
	}
	return to, nil
}

// parseModel reads a ModelProto.
func parseModel(data []byte) (*graph, error) {
	g := &graph{}
	found := false
	err := fields(data, func(f field) error {
		switch f.number {
		case 2:
			g.producer = string(f.bytes)
		case 3:
			g.version = string(f.bytes)
		case 7:
			found = true
			return g.parse(f.bytes)
		}
		return nil
	})
	if err == nil && !found {
		err = errors.New("it has no graph")
	}
	return g, err
}

func (g *graph) parse(message []byte) error {
	return fields(message, func(f field) error {
		switch f.number {
		case 1:
			n, err := parseNode(f.bytes)
			g.nodes = append(g.nodes, n)
			return err
		case 5:
			g.initializers++
		case 11:
			in, err := parseInput(f.bytes)
			g.inputs = append(g.inputs, in)
			return err
		}
		return nil
	})
}

func parseNode(message []byte) (*node, error) {
	n := &node{attrs: map[string]*attribute{}}
	return n, fields(message, func(f field) error {
		switch f.number {
		case 1:
			n.inputs = append(n.inputs, string(f.bytes))
		case 2:
			n.outputs = append(n.outputs, string(f.bytes))
		case 4:
			n.op = string(f.bytes)
		case 5:
			name, a, err := parseAttribute(f.bytes)
			if n.attrs[name] != nil {
				return fmt.Errorf("attribute %q stands twice", name)
			}
			n.attrs[name] = a
			return err
		case 7:
			n.domain = string(f.bytes)
		}
		return nil
	})
}

func parseAttribute(message []byte) (name string, a *attribute, err error) {
	a = &attribute{}
	err = fields(message, func(f field) error {
		var err error
		switch f.number {
		case 1:
			name = string(f.bytes)
		case 3:
			a.i = int64(f.whole)
		case 4:
			a.text = string(f.bytes)
		case 5:
			a.tensor, err = parseTensor(f.bytes)
		case 7:
			a.floats, err = f.floats(a.floats)
		case 8:
			a.ints, err = f.wholes(a.ints)
		case 9:
			a.strings = append(a.strings, string(f.bytes))
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("attribute %q: %w", name, err)
	}
	return name, a, err
}

// parseTensor reads a TensorProto of floats or doubles, whose values lie in the message.
func parseTensor(message []byte) ([]float64, error) {
	var kind uint64
	var raw []byte
	var out []float64
	err := fields(message, func(f field) error {
		var err error
		switch f.number {
		case 2:
			kind = f.whole
		case 4:
			out, err = f.floats(out)
		case 9:
			raw = f.bytes
		case 10:
			out, err = f.doubles(out)
		case 13:
			err = errors.New("its values lie in another file")
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case kind != floatElement && kind != doubleElement:
		return nil, fmt.Errorf("a tensor is of elements of type %d; floats (1) and doubles (11) are read", kind)
	case raw == nil:
		return out, nil
	}
	if kind == floatElement { // raw values have the lowest byte first, as fixed fields have
		return field{bytes: raw}.floats(nil)
	}
	return field{bytes: raw}.doubles(nil)
}

// parseInput reads a ValueInfoProto: its type, that of a tensor, and its shape.
func parseInput(message []byte) (input, error) {
	in := input{columns: -1}
	var shape []byte
	err := fields(message, func(f field) error {
		switch f.number {
		case 1:
			in.name = string(f.bytes)
		case 2: // TypeProto
			return fields(f.bytes, func(f field) error {
				if f.number != 1 { // of a tensor
					return nil
				}
				return fields(f.bytes, func(f field) error {
					switch f.number {
					case 1:
						in.element = int64(f.whole)
					case 2:
						shape = f.bytes
					}
					return nil
				})
			})
		}
		return nil
	})
	if err != nil {
		return in, err
	}
	place := 0
	err = fields(shape, func(f field) error {
		if f.number != 1 {
			return nil
		}
		if place++; place != 2 {
			return nil
		}
		return fields(f.bytes, func(f field) error {
			if f.number == 1 {
				in.columns = int64(f.whole)
			}
			return nil
		})
	})
	return in, err
}
