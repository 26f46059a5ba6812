package serve

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// inferRequest is the body of POST …/infer (Open Inference Protocol v2, "Inference Request JSON Object").
type inferRequest struct {
	id      string          // the client's, which the answer repeats; "": none
	inputs  []requestTensor // one or more, in their order
	outputs []string        // names of those that are wanted; nil: all
}

// requestTensor is one input of a request: a feature's values, one for each row. The data stays text until all of the object is read,
// since the datatype that says how to read it may come after.
type requestTensor struct {
	name     string
	shape    []int64
	datatype string
	data     string // as it stands: the datatype may follow it; empty: there is none
}

// inferAnswer answers it. Parameters count, by feature, what was scored as missing: "unseen.NAME" categories that the
// model does not know, "missing.NAME" nulls. "failed" counts rows that could not be scored; the tensor "error" says why.
type inferAnswer struct {
	ModelName    string         `json:"model_name"`
	ModelVersion string         `json:"model_version"`
	ID           string         `json:"id,omitempty"`
	Parameters   map[string]int `json:"parameters,omitempty"`
	Outputs      []answerTensor `json:"outputs"`
}

// answerTensor is one output, flat: one element for each row, null for a row that could not be scored.
type answerTensor struct {
	Name     string `json:"name"`
	Shape    []int  `json:"shape"`
	Datatype string `json:"datatype"`
	Data     []any  `json:"data"`
}

// infer answers POST /v2/models/{m}/infer: tensors of features in, tensors of outputs out, one element for each row. The
// error output is in the answer if a row failed, or if it was asked for.
//
//	{"inputs": [{"name": "tenure", "shape": [2], "datatype": "INT64", "data": [3, null]}]}
//	→ {"model_name": "scorer", …, "parameters": {"missing.tenure": 1},
//	   "outputs": [{"name": "predicted", "shape": [2], "datatype": "BYTES", "data": ["true", "false"]}, …]}
func (s *server) infer(r *http.Request, x *exchange) (any, error) {
	to, err := s.target(r, x)
	if err != nil {
		return nil, err
	}
	text, release, err := s.body(r)
	defer release()
	if err != nil {
		return nil, err
	}
	request, err := readInfer(newReader(text))
	if err != nil {
		return nil, err
	}
	outputs, err := to.model.chosenOutputs(request.outputs)
	if err != nil {
		return nil, err
	}
	a, err := s.scored(r.Context(), to, x, func(b *batch) error { return b.readTensors(request.inputs) })
	if err != nil {
		return nil, err
	}
	m, parameters := a.first.model, a.parameters()
	answer := inferAnswer{ModelName: m.name, ModelVersion: m.version, ID: request.id, Parameters: parameters, Outputs: []answerTensor{}}
	if a.other != nil {
		outputs = append(slices.Clone(outputs), versionOutput)
	}
	for _, o := range outputs {
		if o.name == errorOutput && parameters["failed"] == 0 && request.outputs == nil {
			continue
		}
		t := answerTensor{Name: o.name, Datatype: o.datatype, Shape: []int{a.first.rows}, Data: make([]any, a.first.rows)}
		for row := range t.Data {
			t.Data[row] = o.of(a.of(row), row)
		}
		answer.Outputs = append(answer.Outputs, t)
	}
	return answer, nil
}

// versionOutput says which model has answered each row, where not all were answered by one.
var versionOutput = output{"model_version", "BYTES", func(b *batch, _ int) any { return b.model.version }}

// parameters counts what a caller should know of the whole request: rows with categories the model does not know, with
// nulls, and rows that failed.
func (a *answered) parameters() map[string]int {
	out := map[string]int{}
	for _, b := range a.batches() {
		for name, n := range b.unseen {
			out["unseen."+name] += n
		}
		for name, n := range b.missing {
			out["missing."+name] += n
		}
		if len(b.faults) > 0 {
			out["failed"] += len(b.faults)
		}
	}
	return out
}

// wantInputs teaches the form of a request, in every message about a body that has another one.
const wantInputs = `the body must be {"inputs": [{"name": …, "shape": [rows], "datatype": …, "data": […]}, …]}; each feature is an input of its own`

// readInfer reads a request as the protocol has it
// (https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md). A field that the
// protocol lacks is refused: most often it is misspelt.
func readInfer(r *reader) (*inferRequest, error) {
	request := &inferRequest{}
	err := r.object(wantInputs, func(name string) (err error) {
		switch name {
		case "id":
			request.id, err = r.string(`"id"`)
		case "parameters":
			err = r.parameters("the request", false)
		case "inputs":
			err = r.list(wantInputs, func(int) error { return request.readInput(r) })
		case "outputs":
			request.outputs = []string{}
			err = r.list(`"outputs" must be a list of {"name": …}`, func(int) error { return request.readOutput(r) })
		default:
			err = badRequest("%s", unknown("field", name, []string{"id", "inputs", "outputs", "parameters"}))
		}
		return err
	})
	if err == nil {
		err = r.end()
	}
	if err == nil && len(request.inputs) == 0 {
		err = badRequest("\"inputs\" is missing or empty; each feature is an input of its own")
	}
	if len(request.outputs) == 0 {
		request.outputs = nil
	}
	return request, err
}

// readInput reads one input. What of it is left out is empty, and told where the tensor is used.
func (q *inferRequest) readInput(r *reader) error {
	var t requestTensor
	err := r.object(wantInputs, func(name string) (err error) {
		switch name {
		case "name":
			t.name, err = r.string(`"name" of an input`)
		case "shape":
			t.shape, err = r.shape()
		case "datatype":
			t.datatype, err = r.string(`"datatype" of an input`)
		case "parameters":
			err = r.parameters(fmt.Sprintf("input %q", t.name), true)
		case "data":
			t.data, err = r.raw()
		default:
			err = badRequest("%s", unknown("field of an input", name, []string{"data", "datatype", "name", "parameters", "shape"}))
		}
		return err
	})
	q.inputs = append(q.inputs, t)
	return err
}

// readOutput reads one wish for an output.
func (q *inferRequest) readOutput(r *reader) error {
	output := ""
	err := r.object(`"outputs" must be a list of {"name": …}`, func(name string) (err error) {
		switch name {
		case "name":
			output, err = r.string(`"name" of an output`)
		case "parameters":
			err = r.parameters(fmt.Sprintf("output %q", output), true)
		default:
			err = badRequest("%s", unknown("field of an output", name, []string{"name", "parameters"}))
		}
		return err
	})
	q.outputs = append(q.outputs, output)
	return err
}

// string reads a string; what says in the error which one was expected.
func (r *reader) string(what string) (string, error) {
	text, err := r.raw()
	if err == nil && text[0] != '"' {
		err = badRequest("%s: %v", what, expected("a string", scalarOf(text)))
	}
	if err != nil {
		return "", err
	}
	return unquote(text), nil
}

// shape reads a list of whole numbers; 2.0 is none.
func (r *reader) shape() (shape []int64, err error) {
	err = r.list(`"shape" must be a list of whole numbers`, func(int) error {
		text, err := r.raw()
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return badRequest(`"shape" must be a list of whole numbers, and has %v`, scalarOf(text))
		}
		shape = append(shape, n)
		return nil
	})
	return shape, err
}

// parameters reads over parameters that ask for what is done anyway, such as {"binary_data": false}, and refuses all others: a
// caller that sets one expects another answer than the one that would be given.
func (r *reader) parameters(of string, tensor bool) error {
	return r.object("\"parameters\" of "+of+" must be an object", func(name string) error {
		value, err := r.raw()
		if err != nil {
			return err
		}
		plain := tensor && name == "binary_data" || !tensor && name == "binary_data_output"
		if plain && value == "false" {
			return nil
		}
		return badRequest("%s has the parameter %q, which is not understood here; leave it out", of, name)
	})
}

// output is one tensor of an answer, one value a row.
type output struct {
	name     string
	datatype string
	of       func(b *batch, row int) any
}

// errorOutput says of rows that could not be scored why not. It is there if it is asked for, or if there are any.
const errorOutput = "error"

// outputsOf a model are named like the columns of an evaluation's predictions. A row that cannot be scored has nulls.
func outputsOf(model component.Model) []output {
	failed := output{errorOutput, "BYTES", func(b *batch, row int) any {
		if why := b.answers[row].Fault; why != "" {
			return why
		}
		return nil
	}}
	score := func(b *batch, row int) any { return orNull(b.answers[row].Score) }
	if model.Task() == schema.Regression {
		return []output{{"predicted", "FP64", score}, failed}
	}
	out := []output{{"predicted", "BYTES", func(b *batch, row int) any {
		if b.answers[row].Fault != "" {
			return nil
		}
		return b.answers[row].Decision
	}}}
	if model.Task() == schema.Binary {
		return append(out, output{"score", "FP64", score}, failed)
	}
	for i, c := range model.Classes() {
		out = append(out, output{"score_" + c, "FP64", func(b *batch, row int) any {
			if i >= len(b.answers[row].Scores) {
				return nil
			}
			return b.answers[row].Scores[i]
		}})
	}
	return append(out, failed)
}

// chosenOutputs are the outputs asked for, in that order; all of them where none was.
// A list that asks for none is read as one that is left out, nil.
func (m *served) chosenOutputs(asked []string) ([]output, error) {
	if asked == nil {
		return m.outputs, nil
	}
	var names []string
	for _, o := range m.outputs {
		names = append(names, o.name)
	}
	var out []output
	for i, name := range asked {
		at := slices.Index(names, name)
		switch {
		case at < 0:
			return nil, badRequest("%s", unknown("output", name, names))
		case slices.Contains(asked[:i], name):
			return nil, badRequest("output %q is asked for twice", name)
		}
		out = append(out, m.outputs[at])
	}
	return out, nil
}

// readTensors turns tensors, one a feature or field of the key, into rows. What is held is bounded by what the tensors have.
// A feature that is left out is a mistake of the request, since it would be null in every row; a field of the key may be.
//
// All tensors have as many rows as the first. One row that cannot be scored leaves the others alone, but a request whose form is wrong is
// refused as a whole: which of its values belong to which row is not known then.
func (b *batch) readTensors(inputs []requestTensor) error {
	given := make([]bool, len(b.model.fields))
	for n := range inputs {
		t := &inputs[n]
		at, known := b.model.field(t.name, n)
		switch {
		case !known:
			return badRequest("%s", unknown("input", t.name, b.model.names()))
		case given[at]:
			return badRequest("input %q is given twice", t.name)
		}
		given[at] = true
		rows, err := b.readTensor(t, at, n == 0)
		if err != nil {
			return err
		}
		if rows != b.rows {
			return badRequest("input %q has %d rows, input %q has %d", t.name, rows, inputs[0].name, b.rows)
		}
	}
	for i := range b.features {
		if !given[i] {
			return badRequest("input %q is missing; give nulls where its values are not known", b.features[i].Name)
		}
	}
	return nil
}

// readTensor puts the values of a tensor, those of the field at a place, into their rows. The first tensor says how many rows there are.
// A value of another JSON type than the datatype refuses the request; a value that only the column does not hold, such as 300 of a
// tinyint sent as INT64, is the fault of its row.
func (b *batch) readTensor(t *requestTensor, at int, first bool) (rows int, err error) {
	datatype, err := t.check()
	if err != nil {
		return 0, err
	}
	f := &b.model.fields[at]
	if n := min(t.shape[0], int64(len(t.data)/2), int64(b.most)); f.feature && n > 0 {
		b.features[at].reserve(int(n))
	}
	for i, text := range elements(t.data) {
		if text, err = t.element(text, i); err != nil {
			return 0, err
		}
		v := scalarOf(text)
		if err := datatype.check(v); err != nil {
			return 0, badRequest("input %q: value %d: %v", t.name, i, err)
		}
		rows++
		if first {
			if err := b.grow(); err != nil {
				return 0, err
			}
			b.values++
		}
		if i >= b.rows {
			continue // told by readTensors
		}
		if f.key >= 0 {
			b.keys[f.key][i] = text
		}
		if !f.feature {
			continue
		}
		if err := b.features[at].add(v); err != nil {
			b.fault(i, "input %q: %v", t.name, err)
			b.features[at].addNull()
		}
	}
	if int64(rows) != t.shape[0] {
		return 0, badRequest("input %q: shape %v means %d values, there are %d", t.name, t.shape, t.shape[0], rows)
	}
	return rows, nil
}

// check holds a tensor to what is taken: the shape is [rows] or [rows, 1], the data flat or nested like the shape.
func (t *requestTensor) check() (datatype, error) {
	if len(t.shape) == 0 || len(t.shape) > 2 || len(t.shape) == 2 && t.shape[1] != 1 {
		return datatype{}, badRequest("input %q: shape %v is not [rows] or [rows, 1]", t.name, t.shape)
	}
	d, err := newDatatype(t.datatype)
	switch {
	case err != nil:
		return d, badRequest("input %q: %v", t.name, err)
	case t.data == "":
		return d, badRequest("input %q: \"data\" is missing", t.name)
	case t.data[0] != '[':
		return d, badRequest("input %q: \"data\" must be a list", t.name)
	}
	return d, nil
}

// element is an element of the data, out of a list of its own where the data is nested.
func (t *requestTensor) element(text string, i int) (string, error) {
	if text[0] != '[' {
		return text, nil
	}
	only := ""
	for j, v := range elements(text) {
		if only = v; j > 0 {
			only = ""
			break
		}
	}
	if len(t.shape) != 2 || only == "" {
		return "", badRequest("input %q: data is nested at %d in another way than the shape says", t.name, i)
	}
	return only, nil
}

// datatype of a tensor, and of integers its bounds, both ends included. The bounds of 64 bits are rounded as doubles; within compares digits.
type datatype struct {
	name      string
	integer   bool
	low, high float64
}

// newDatatype is the datatype of a name of the protocol.
func newDatatype(name string) (datatype, error) {
	switch name {
	case "INT8":
		return datatype{name, true, math.MinInt8, math.MaxInt8}, nil
	case "INT16":
		return datatype{name, true, math.MinInt16, math.MaxInt16}, nil
	case "INT32":
		return datatype{name, true, math.MinInt32, math.MaxInt32}, nil
	case "INT64":
		return datatype{name, true, math.MinInt64, math.MaxInt64}, nil
	case "UINT8":
		return datatype{name, true, 0, math.MaxUint8}, nil
	case "UINT16":
		return datatype{name, true, 0, math.MaxUint16}, nil
	case "UINT32":
		return datatype{name, true, 0, math.MaxUint32}, nil
	case "UINT64":
		return datatype{name, true, 0, math.MaxUint64}, nil
	case "BOOL", "BYTES", "FP32", "FP64":
		return datatype{name: name}, nil
	}
	return datatype{}, fmt.Errorf("datatype %q is not one of BOOL, INT8 to INT64, UINT8 to UINT64, FP32, FP64, BYTES", name)
}

// check holds a value to the datatype. Null is no value and fits all.
func (d *datatype) check(v scalar) error {
	switch {
	case v.null():
		return nil
	case d.name == "BOOL":
		if v.kind != 't' && v.kind != 'f' {
			return expected("true or false (BOOL)", v)
		}
	case d.name == "BYTES":
		if v.kind != '"' {
			return expected("a string (BYTES)", v)
		}
	case v.kind != '0':
		return expected("a number ("+d.name+")", v)
	case v.over || d.name == "FP32" && math.Abs(v.number) > math.MaxFloat32 || d.integer && !(whole(v.text, v.number) && within(v.text, v.number, d.low, d.high)):
		return fmt.Errorf("%s is no %s", shorten(v.text), d.name)
	}
	return nil
}
