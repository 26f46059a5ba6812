package serve

// The binary tensor extension of the protocol, as Triton and KServe have it
// (https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md): the values of some tensors stand as bytes
// behind the JSON, in the order of the tensors, and the header says how long the JSON is.
//
//	Inference-Header-Content-Length: 92
//	{"inputs": [{"name": "tenure", "shape": [2], "datatype": "INT64", "parameters": {"binary_data_size": 16}}]} 16 bytes
//
// Outputs come so where the request says "binary_data_output": true, or an output "binary_data": true.

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
)

// binaryExtension is its name among the server's extensions.
const binaryExtension = "binary_tensor_data"

// inferenceHeader is the header that says how long the JSON is.
const inferenceHeader = "Inference-Header-Content-Length"

// tensors reads a body: the JSON, and the bytes behind it, nil where the headers speak of none.
func (s *server) tensors(r *http.Request) (text, behind []byte, release func(), err error) {
	given := r.Header.Get(inferenceHeader)
	if given == "" {
		text, release, err = s.body(r)
		return text, nil, release, err
	}
	all, release, err := s.read(r)
	if err != nil {
		return nil, nil, release, err
	}
	n, err := strconv.ParseUint(given, 10, 63)
	if err != nil || n > uint64(len(all)) {
		return nil, nil, release, badRequest("%s is %q; it must be how many of the body's %d bytes are JSON", inferenceHeader, shorten(given), len(all))
	}
	return all[:n], all[n:len(all):len(all)], release, nil
}

// place gives the tensors the bytes that stand behind the JSON; all of them, and no more, are theirs.
func (q *inferRequest) place(behind []byte) error {
	all := len(behind)
	for i := range q.inputs {
		t := &q.inputs[i]
		if t.size < 0 {
			continue
		}
		if t.size > int64(len(behind)) {
			return badRequest(`input %q: "binary_data_size" is %d, and %d of the %d bytes behind the JSON are left; see the header %s`, t.name, t.size, len(behind), all, inferenceHeader)
		}
		t.raw, behind = behind[:t.size:t.size], behind[t.size:]
		if t.raw == nil {
			t.raw = []byte{}
		}
	}
	if len(behind) > 0 {
		return badRequest(`%d of the %d bytes behind the JSON are no input's; see "binary_data_size"`, len(behind), all)
	}
	return nil
}

// withBytes is an answer with bytes behind its JSON.
type withBytes struct {
	text, behind []byte
}

// written is the answer as it goes to a client of REST: with bytes behind it where an output is wanted so.
func (a *inferAnswer) written() any {
	var behind []byte
	mixed := false
	for i := range a.Outputs {
		t := &a.Outputs[i]
		if !t.binary {
			continue
		}
		from := len(behind)
		behind = t.bytes(behind)
		t.Parameters, t.Data, mixed = map[string]int{"binary_data_size": len(behind) - from}, nil, true
	}
	if !mixed {
		return a
	}
	text, err := json.Marshal(a)
	if err != nil {
		return a // which says so
	}
	return withBytes{text, behind}
}

// bytes adds the values of an output, little-endian: what is null is NaN, of text an empty one.
func (t *answerTensor) bytes(to []byte) []byte {
	for _, v := range t.Data {
		switch v := v.(type) {
		case float64:
			to = binary.LittleEndian.AppendUint64(to, math.Float64bits(v))
		case string:
			to = append(binary.LittleEndian.AppendUint32(to, uint32(len(v))), v...)
		default:
			if t.Datatype == "FP64" {
				to = binary.LittleEndian.AppendUint64(to, math.Float64bits(math.NaN()))
			} else {
				to = binary.LittleEndian.AppendUint32(to, 0)
			}
		}
	}
	return to
}
