package serve

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// inferRequest is a request of the Open Inference Protocol v2: the body of POST …/infer, or the message of gRPC.
type inferRequest struct {
	id      string          // the client's, which the answer repeats; "": none
	inputs  []requestTensor // one or more, in their order
	outputs []wanted        // nil: all
	binary  bool            // outputs that do not say otherwise are wanted as bytes
}

// wanted is an output that is asked for.
type wanted struct {
	name   string
	binary *bool // as bytes; nil: as the request has it
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
	Name       string         `json:"name"`
	Shape      []int          `json:"shape"`
	Datatype   string         `json:"datatype"`
	Parameters map[string]int `json:"parameters,omitempty"`
	Data       []any          `json:"data,omitzero"` // nil: they are bytes behind the JSON

	binary bool // it is wanted as bytes
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
	text, behind, release, err := s.tensors(r)
	defer release()
	if err != nil {
		return nil, err
	}
	request, err := to.model.readInfer(newReader(text))
	if err == nil {
		err = request.place(behind)
	}
	if err != nil {
		return nil, err
	}
	answer, err := s.inferred(r.Context(), to, request, x)
	if err != nil {
		return nil, err
	}
	return answer.written(), nil
}

// inferred is the answer to a request, however it came.
func (s *server) inferred(ctx context.Context, to target, request *inferRequest, x *exchange) (*inferAnswer, error) {
	outputs, err := to.model.chosenOutputs(request.outputs)
	if err != nil {
		return nil, err
	}
	a, err := s.scored(ctx, to, x, func(b *batch) error { return b.readTensors(request.inputs) })
	if err != nil {
		return nil, err
	}
	m, parameters := a.first.model, a.parameters()
	answer := &inferAnswer{ModelName: m.name, ModelVersion: m.version, ID: request.id, Parameters: parameters, Outputs: []answerTensor{}}
	if a.other != nil {
		outputs = append(slices.Clone(outputs), versionOutput)
	}
	for i, o := range outputs {
		if o.name == errorOutput && parameters["failed"] == 0 && request.outputs == nil {
			continue
		}
		t := answerTensor{Name: o.name, Datatype: o.datatype, Shape: []int{a.first.rows}, Data: make([]any, a.first.rows), binary: request.binary}
		if i < len(request.outputs) && request.outputs[i].binary != nil {
			t.binary = *request.outputs[i].binary
		}
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
func (m *served) readInfer(r *reader) (*inferRequest, error) {
	request := &inferRequest{}
	err := r.object(wantInputs, func(name string) (err error) {
		switch name {
		case "id":
			request.id, err = r.string(`"id"`)
		case "parameters":
			err = r.parameters("the request", map[string]taken{"binary_data_output": flag(&request.binary)})
		case "inputs":
			err = r.list(wantInputs, func(n int) error {
				if err := m.notMore("inputs", n, len(m.fields)); err != nil {
					return err
				}
				return request.readInput(r)
			})
		case "outputs":
			request.outputs = []wanted{}
			err = r.list(`"outputs" must be a list of {"name": …}`, func(n int) error {
				if err := m.notMore("outputs", n, len(m.outputs)); err != nil {
					return err
				}
				return request.readOutput(r)
			})
		default:
			err = badRequest("%s", unknown("field", name, []string{"id", "inputs", "outputs", "parameters"}))
		}
		return err
	})
	if err == nil {
		err = r.end()
	}
	if err == nil {
		err = request.whole()
	}
	return request, err
}

// whole says what a request lacks.
func (q *inferRequest) whole() error {
	if len(q.inputs) == 0 {
		return badRequest("\"inputs\" is missing or empty; each feature is an input of its own")
	}
	if len(q.outputs) == 0 {
		q.outputs = nil
	}
	return nil
}

// notMore refuses what is more than the model has, and so wrong, before it takes memory: there is room for one too many, which is named where it is used.
func (m *served) notMore(what string, there, known int) error {
	if there > known {
		return badRequest("there are more than %d %s, and the model has %d", known, what, known)
	}
	return nil
}

// readInput reads one input. What of it is left out is empty, and told where the tensor is used.
func (q *inferRequest) readInput(r *reader) error {
	t := requestTensor{size: -1}
	err := r.object(wantInputs, func(name string) (err error) {
		switch name {
		case "name":
			t.name, err = r.string(`"name" of an input`)
		case "shape":
			t.shape, err = r.shape()
		case "datatype":
			t.datatype, err = r.string(`"datatype" of an input`)
		case "parameters":
			err = r.parameters(fmt.Sprintf("input %q", t.name), map[string]taken{"binary_data_size": length(&t.size), "binary_data": never, "nulls": line(&t.nulls)})
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
	var output wanted
	err := r.object(`"outputs" must be a list of {"name": …}`, func(name string) (err error) {
		switch name {
		case "name":
			output.name, err = r.string(`"name" of an output`)
		case "parameters":
			err = r.parameters(fmt.Sprintf("output %q", output.name), map[string]taken{"binary_data": choice(&output.binary)})
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

// taken takes a parameter's value, as JSON, and says whether it is one that the parameter can have.
type taken func(value string) bool

// parameters reads those that are taken, and refuses all others: a caller that sets one expects another answer than the one that would be given.
func (r *reader) parameters(of string, known map[string]taken) error {
	return r.object("\"parameters\" of "+of+" must be an object", func(name string) error {
		value, err := r.raw()
		if err != nil {
			return err
		}
		return parameter(of, name, value, known)
	})
}

// parameter takes one.
func parameter(of, name, value string, known map[string]taken) error {
	take, ok := known[name]
	if !ok {
		return badRequest("%s has the parameter %q, which is not understood here; leave it out", of, name)
	}
	if !take(value) {
		return badRequest("%s has the parameter %q with a value that it cannot have: %s", of, name, shorten(value))
	}
	return nil
}

// flag and choice are parameters that are true or false, never one that is false, length a number of bytes, line a text.
func flag(to *bool) taken {
	return func(value string) bool {
		*to = value == "true"
		return *to || value == "false"
	}
}

func choice(to **bool) taken {
	return func(value string) bool {
		*to = new(bool)
		return flag(*to)(value)
	}
}

func never(value string) bool { return value == "false" }

func length(to *int64) taken {
	return func(value string) (ok bool) {
		n, err := strconv.ParseInt(value, 10, 64)
		*to = n
		return err == nil && n >= 0
	}
}

func line(to *string) taken {
	return func(value string) bool {
		if value[0] != '"' {
			return false
		}
		*to = unquote(value)
		return true
	}
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
		return b.taken(row)
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
func (m *served) chosenOutputs(asked []wanted) ([]output, error) {
	if asked == nil {
		return m.outputs, nil
	}
	names := m.outputNames()
	var out []output
	for i, w := range asked {
		at := slices.Index(names, w.name)
		switch {
		case at < 0:
			return nil, badRequest("%s", unknown("output", w.name, names))
		case slices.ContainsFunc(asked[:i], func(before wanted) bool { return before.name == w.name }):
			return nil, badRequest("output %q is asked for twice", w.name)
		}
		out = append(out, m.outputs[at])
	}
	return out, nil
}
