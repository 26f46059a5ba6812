package serve

// Messages of the Open Inference Protocol over gRPC, as its proto file has them
// (https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_grpc.proto): numbers are those of its fields.

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// fieldOf is one field of a message: of numbers the value, of all others the bytes.
type fieldOf struct {
	number protowire.Number
	kind   protowire.Type
	bytes  []byte
	value  uint64
}

// fields calls each for the fields of a message, in their order. Of what is no message, or is none that each knows, it says so.
func fields(message string, b []byte, each func(f fieldOf) (known bool, err error)) error {
	for len(b) > 0 {
		f, n := fieldOf{}, 0
		if f.number, f.kind, n = protowire.ConsumeTag(b); n >= 0 {
			b = b[n:]
			var short uint32
			switch f.kind {
			case protowire.VarintType:
				f.value, n = protowire.ConsumeVarint(b)
			case protowire.Fixed32Type:
				short, n = protowire.ConsumeFixed32(b)
				f.value = uint64(short)
			case protowire.Fixed64Type:
				f.value, n = protowire.ConsumeFixed64(b)
			case protowire.BytesType:
				f.bytes, n = protowire.ConsumeBytes(b)
			default:
				n = -1
			}
		}
		if n < 0 {
			return badRequest("the message is no %s: %v", message, protowire.ParseError(n))
		}
		b = b[n:]
		known, err := each(f)
		if err != nil {
			return err
		}
		if !known {
			return badRequest("%s has no field %d of that kind", message, f.number)
		}
	}
	return nil
}

// text puts a field that is text where it belongs.
func (f fieldOf) text(to *string) (known bool, err error) {
	if f.kind == protowire.BytesType && !utf8.Valid(f.bytes) {
		return false, badRequest("field %d is not UTF-8", f.number)
	}
	*to = string(f.bytes)
	return f.kind == protowire.BytesType, nil
}

// modelOf finds a model's name and version in a message that has them in these fields, and looks at no other.
func modelOf(b []byte, name, version protowire.Number) (model, of string, err error) {
	err = fields("request", b, func(f fieldOf) (bool, error) {
		switch f.number {
		case name:
			return f.text(&model)
		case version:
			return f.text(&of)
		}
		return true, nil
	})
	return model, of, err
}

// inferMessage reads ModelInferRequest.
func (m *served) inferMessage(b []byte) (*inferRequest, error) {
	request, raw := &inferRequest{}, [][]byte(nil)
	err := fields("ModelInferRequest", b, func(f fieldOf) (bool, error) {
		if f.kind != protowire.BytesType {
			return false, nil
		}
		switch f.number {
		case 1, 2: // the model's name and version
			return true, nil
		case 3:
			return f.text(&request.id)
		case 4:
			return true, parameterMessage("the request", f.bytes, map[string]taken{"binary_data_output": flag(&request.binary)})
		case 5:
			if err := m.notMore("inputs", len(request.inputs), len(m.fields)); err != nil {
				return false, err
			}
			t, err := inputMessage(f.bytes)
			request.inputs = append(request.inputs, t)
			return true, err
		case 6:
			if err := m.notMore("outputs", len(request.outputs), len(m.outputs)); err != nil {
				return false, err
			}
			o, err := outputMessage(f.bytes)
			request.outputs = append(request.outputs, o)
			return true, err
		case 7:
			raw = append(raw, f.bytes)
			return true, m.notMore("raw_input_contents", len(raw), len(m.fields)+1)
		}
		return false, nil
	})
	if err == nil {
		err = request.whole()
	}
	if err == nil && raw != nil {
		err = request.filled(raw)
	}
	return request, err
}

// filled gives the inputs their bytes, of which there are some for each, and has the outputs come so.
func (q *inferRequest) filled(raw [][]byte) error {
	if len(raw) != len(q.inputs) {
		return badRequest("there are %d raw_input_contents and %d inputs; each input has its own, in their order", len(raw), len(q.inputs))
	}
	for i, b := range raw {
		t := &q.inputs[i]
		if t.typed != nil {
			return badRequest("input %q has contents, and there are raw_input_contents; give one of both", t.name)
		}
		t.raw = b
		if b == nil {
			t.raw = []byte{}
		}
	}
	q.binary = true
	return nil
}

// inputMessage reads ModelInferRequest.InferInputTensor.
func inputMessage(b []byte) (t requestTensor, err error) {
	err = fields("InferInputTensor", b, func(f fieldOf) (bool, error) {
		switch f.number {
		case 1:
			return f.text(&t.name)
		case 2:
			return f.text(&t.datatype)
		case 3:
			return f.each(protowire.VarintType, func(v uint64) bool { t.shape = append(t.shape, int64(v)); return true })
		case 4:
			return true, parameterMessage(fmt.Sprintf("input %q", t.name), f.bytes, map[string]taken{"nulls": line(&t.nulls)})
		case 5: // looked into where its values are read: here whether it is a message at all, since two that are there are put together
			if err := fields("InferTensorContents", f.bytes, func(fieldOf) (bool, error) { return true, nil }); err != nil {
				return false, err
			}
			if t.typed == nil {
				t.typed = f.bytes[:len(f.bytes):len(f.bytes)]
			} else { // what is there twice counts together
				t.typed = append(t.typed, f.bytes...)
			}
			return f.kind == protowire.BytesType, nil
		}
		return false, nil
	})
	return t, err
}

// outputMessage reads ModelInferRequest.InferRequestedOutputTensor.
func outputMessage(b []byte) (o wanted, err error) {
	err = fields("InferRequestedOutputTensor", b, func(f fieldOf) (bool, error) {
		switch f.number {
		case 1:
			return f.text(&o.name)
		case 2:
			return true, parameterMessage(fmt.Sprintf("output %q", o.name), f.bytes, nil)
		}
		return false, nil
	})
	return o, err
}

// parameterMessage reads an entry of a map of InferParameter, whose value is taken as the JSON that it would be.
func parameterMessage(of string, b []byte, known map[string]taken) error {
	name, value := "", "null"
	err := fields("parameters", b, func(f fieldOf) (bool, error) {
		switch f.number {
		case 1:
			return f.text(&name)
		case 2:
			return true, fields("InferParameter", f.bytes, func(f fieldOf) (bool, error) {
				switch {
				case f.number == 1 && f.kind == protowire.VarintType:
					value = strconv.FormatBool(f.value != 0)
				case f.number == 2 && f.kind == protowire.VarintType:
					value = strconv.FormatInt(int64(f.value), 10)
				case f.number == 3:
					text := ""
					ok, err := f.text(&text)
					value = string(quoted(nil, text))
					return ok, err
				case f.number == 4 && f.kind == protowire.Fixed64Type:
					value = strconv.FormatFloat(math.Float64frombits(f.value), 'g', -1, 64)
				case f.number == 5 && f.kind == protowire.VarintType:
					value = strconv.FormatUint(f.value, 10)
				default:
					return false, nil
				}
				return true, nil
			})
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	return parameter(of, name, value, known)
}

// each calls take for the numbers of a field of a list, which stand there one a field or packed, until it says no.
func (f fieldOf) each(kind protowire.Type, take func(v uint64) bool) (known bool, err error) {
	if f.kind == kind {
		take(f.value)
		return true, nil
	}
	if f.kind != protowire.BytesType {
		return false, nil
	}
	for b := f.bytes; len(b) > 0; {
		var v uint64
		var short uint32
		n := 0
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			short, n = protowire.ConsumeFixed32(b)
			v = uint64(short)
		default:
			v, n = protowire.ConsumeFixed64(b)
		}
		if n < 0 {
			return false, badRequest("field %d: %v", f.number, protowire.ParseError(n))
		}
		if b = b[n:]; !take(v) {
			break
		}
	}
	return true, nil
}

// errEnough is told where nobody wants more values.
var errEnough = errors.New("enough")

// typed gives the values of InferTensorContents, which must stand in the field of the datatype.
func (d *datatype) typed(b []byte, yield func(scalar) bool) error {
	return fields("InferTensorContents", b, func(f fieldOf) (known bool, err error) {
		if f.number != d.field {
			return false, fmt.Errorf("the contents have values in field %d of InferTensorContents, and those of %s are in field %d", f.number, d.name, d.field)
		}
		var wrong error
		give := func(v scalar, err error) bool {
			if wrong = err; wrong == nil && !yield(v) {
				wrong = errEnough
			}
			return wrong == nil
		}
		switch d.name {
		case "BYTES":
			known = f.kind == protowire.BytesType
			give(textScalar(f.bytes))
		case "BOOL":
			known, err = f.each(protowire.VarintType, func(v uint64) bool { return give(boolScalar(v)) })
		case "FP32":
			known, err = f.each(protowire.Fixed32Type, func(v uint64) bool { return give(singleScalar(math.Float32frombits(uint32(v)))) })
		case "FP64":
			known, err = f.each(protowire.Fixed64Type, func(v uint64) bool { return give(doubleScalar(math.Float64frombits(v))) })
		case "UINT8", "UINT16", "UINT32", "UINT64":
			known, err = f.each(protowire.VarintType, func(v uint64) bool { return give(naturalScalar(v), nil) })
		default:
			known, err = f.each(protowire.VarintType, func(v uint64) bool { return give(wholeScalar(int64(v)), nil) })
		}
		if err == nil {
			err = wrong
		}
		return known, err
	})
}

// Answers.

func textField(to []byte, number protowire.Number, text string) []byte {
	if text == "" {
		return to // as the protocol buffers have it
	}
	return protowire.AppendString(protowire.AppendTag(to, number, protowire.BytesType), text)
}

func bytesField(to []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, number, protowire.BytesType), value)
}

func wholeField(to []byte, number protowire.Number, value int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(to, number, protowire.VarintType), uint64(value))
}

// shapeField adds the shape of a tensor of one dimension.
func shapeField(to []byte, number protowire.Number, rows int) []byte {
	return bytesField(to, number, protowire.AppendVarint(nil, uint64(int64(rows))))
}

// truth is ServerLiveResponse, ServerReadyResponse or ModelReadyResponse.
func truth(is bool) []byte {
	if !is {
		return []byte{}
	}
	return wholeField(nil, 1, 1)
}

// serverMessage is ServerMetadataResponse.
func (s *server) serverMessage() []byte {
	out := textField(textField(nil, 1, serverName), 2, s.Version)
	for _, e := range extensions {
		out = textField(out, 3, e)
	}
	return out
}

// message is ModelMetadataResponse, which has no room for what REST adds.
func (m modelAbout) message() []byte {
	out := textField(nil, 1, m.Name)
	for _, v := range m.Versions {
		out = textField(out, 2, v)
	}
	out = textField(out, 3, m.Platform)
	for i, tensors := range [][]tensorMetadata{m.Inputs, m.Outputs} {
		for _, t := range tensors {
			tensor := shapeField(textField(textField(nil, 1, t.Name), 2, t.Datatype), 3, t.Shape[0])
			out = bytesField(out, protowire.Number(4+i), tensor)
		}
	}
	return out
}

// message is ModelInferResponse, with values as bytes or as lists; either has NaN for null, of text an empty one.
func (a *inferAnswer) message(raw bool) []byte {
	out := textField(textField(textField(nil, 1, a.ModelName), 2, a.ModelVersion), 3, a.ID)
	for _, name := range sortedNames(a.Parameters) {
		out = bytesField(out, 4, bytesField(textField(nil, 1, name), 2, wholeField(nil, 2, int64(a.Parameters[name]))))
	}
	for i := range a.Outputs {
		t := &a.Outputs[i]
		tensor := shapeField(textField(textField(nil, 1, t.Name), 2, t.Datatype), 3, t.Shape[0])
		if !raw {
			tensor = bytesField(tensor, 5, t.contents())
		}
		out = bytesField(out, 5, tensor)
	}
	for i := range a.Outputs {
		if raw {
			out = bytesField(out, 6, a.Outputs[i].bytes(nil))
		}
	}
	return out
}

// contents is InferTensorContents.
func (t *answerTensor) contents() (out []byte) {
	if t.Datatype == "FP64" {
		return bytesField(nil, 7, t.bytes(nil)) // packed they are the same bytes
	}
	for _, v := range t.Data {
		text, _ := v.(string) // null is empty
		out = bytesField(out, 8, []byte(text))
	}
	return out
}
