package serve

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mlp-lang/mlp/lang/schema"
)

// inferRequest is the body of POST …/infer (Open Inference Protocol v2, "Inference Request JSON Object").
type inferRequest struct {
	id      string
	inputs  []requestTensor
	outputs []string
}

type requestTensor struct {
	name     string
	shape    []int64
	datatype string
	data     jsontext.Value // as it stands: the datatype may follow it
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

type answerTensor struct {
	Name     string `json:"name"`
	Shape    []int  `json:"shape"`
	Datatype string `json:"datatype"`
	Data     []any  `json:"data"`
}

// infer answers POST /v2/models/{m}/infer: tensors of features in, tensors of outputs out, one element for each row. The
// error output is in the answer if a row failed, or if it was asked for.
func (s *server) infer(r *http.Request, x *exchange) (any, error) {
	m, err := s.model(r, x)
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
	outputs, err := m.chosenOutputs(request.outputs)
	if err != nil {
		return nil, err
	}
	b := s.newBatch(m)
	if err := b.readTensors(request.inputs); err != nil {
		return nil, err
	}
	if err := s.score(r.Context(), b, x); err != nil {
		return nil, err
	}
	answer := inferAnswer{ModelName: m.name, ModelVersion: m.version, ID: request.id, Parameters: b.parameters(), Outputs: []answerTensor{}}
	for _, o := range outputs {
		if o.name == errorOutput && len(b.faults) == 0 && request.outputs == nil {
			continue
		}
		t := answerTensor{Name: o.name, Datatype: o.datatype, Shape: []int{b.rows}, Data: make([]any, b.rows)}
		for row := range t.Data {
			t.Data[row] = o.of(b, row)
		}
		answer.Outputs = append(answer.Outputs, t)
	}
	return answer, nil
}

// parameters counts what a caller should know of the whole request: rows with categories the model does not know, with
// nulls, and rows that failed.
func (b *batch) parameters() map[string]int {
	out := map[string]int{}
	for name, n := range b.unseen {
		out["unseen."+name] = n
	}
	for name, n := range b.missing {
		out["missing."+name] = n
	}
	if len(b.faults) > 0 {
		out["failed"] = len(b.faults)
	}
	return out
}

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

func (r *reader) string(what string) (string, error) {
	text, err := r.raw()
	if err == nil && text.Kind() != '"' {
		err = badRequest("%s: %v", what, expected("a string", scalarOf(text)))
	}
	if err != nil {
		return "", err
	}
	return scalarOf(text).text, nil
}

func (r *reader) shape() (shape []int64, err error) {
	err = r.list(`"shape" must be a list of whole numbers`, func(int) error {
		text, err := r.raw()
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(text), 10, 64)
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
		if plain && value.Kind() == 'f' {
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

// outputs of a model, named like the columns of an evaluation's predictions. A row that cannot be scored has nulls.
func (m *served) outputs() []output {
	failed := output{errorOutput, "BYTES", func(b *batch, row int) any {
		if why := b.answers[row].Fault; why != "" {
			return why
		}
		return nil
	}}
	score := func(b *batch, row int) any { return orNull(b.answers[row].Score) }
	if m.model.Task() == schema.Regression {
		return []output{{"predicted", "FP64", score}, failed}
	}
	out := []output{{"predicted", "BYTES", func(b *batch, row int) any {
		if b.answers[row].Fault != "" {
			return nil
		}
		return b.answers[row].Decision
	}}}
	if m.model.Task() == schema.Binary {
		return append(out, output{"score", "FP64", score}, failed)
	}
	for i, c := range m.model.Classes() {
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
func (m *served) chosenOutputs(asked []string) ([]output, error) {
	all := m.outputs()
	if asked == nil {
		return all, nil
	}
	var names []string
	for _, o := range all {
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
		out = append(out, all[at])
	}
	return out, nil
}

// readTensors turns tensors, one a feature or field of the key, into rows.
func (b *batch) readTensors(inputs []requestTensor) error {
	given := make([]bool, len(b.features))
	for at := range inputs {
		t := &inputs[at]
		i, isFeature := b.model.columns[t.name]
		key := b.model.keyAt(t.name)
		switch {
		case !isFeature && key < 0:
			return badRequest("%s", unknown("input", t.name, b.model.names()))
		case slices.ContainsFunc(inputs[:at], func(o requestTensor) bool { return o.name == t.name }):
			return badRequest("input %q is given twice", t.name)
		}
		if isFeature {
			given[i] = true
		}
		values := 0
		err := t.values(func(row int, v jsontext.Value) error {
			values++
			return b.fill(at, row, t, v)
		})
		if err != nil {
			return err
		}
		if values != b.rows {
			return badRequest("input %q has %d rows, input %q has %d", t.name, values, inputs[0].name, b.rows)
		}
	}
	for i, ok := range given {
		if !ok {
			return badRequest("input %q is missing; give nulls where its values are not known", b.features[i].Name)
		}
	}
	return nil
}

// fill puts one value of the tensor at that place of the request into its row. The first tensor says how many rows there are.
func (b *batch) fill(at, row int, t *requestTensor, v jsontext.Value) error {
	if at == 0 {
		if err := b.grow(); err != nil {
			return err
		}
	}
	if row >= b.rows {
		return nil // told by readTensors
	}
	if key := b.model.keyAt(t.name); key >= 0 {
		b.keys[key][row] = v
	}
	if i, isFeature := b.model.columns[t.name]; isFeature {
		if err := b.features[i].set(row, scalarOf(v)); err != nil {
			b.fault(row, "input %q: %v", t.name, err)
		}
	}
	return nil
}

// values checks a tensor's shape and datatype and gives its values, one a row: the shape is [rows] or [rows, 1], the data
// flat or nested like the shape.
func (t *requestTensor) values(value func(row int, v jsontext.Value) error) error {
	if len(t.shape) == 0 || len(t.shape) > 2 || len(t.shape) == 2 && t.shape[1] != 1 {
		return badRequest("input %q: shape %v is not [rows] or [rows, 1]", t.name, t.shape)
	}
	if err := checkDatatype(t.datatype, scalar{kind: 'n'}); err != nil {
		return badRequest("input %q: %v", t.name, err)
	}
	r, rows := newReader(t.data), 0
	if t.data == nil {
		return badRequest("input %q: \"data\" is missing", t.name)
	}
	err := r.list(fmt.Sprintf("input %q: \"data\" must be a list", t.name), func(i int) error {
		v, err := t.element(r, i)
		if err != nil {
			return err
		}
		if err := checkDatatype(t.datatype, scalarOf(v)); err != nil {
			return badRequest("input %q: value %d: %v", t.name, i, err)
		}
		rows++
		return value(i, v)
	})
	if err == nil && int64(rows) != t.shape[0] {
		err = badRequest("input %q: shape %v means %d values, there are %d", t.name, t.shape, t.shape[0], rows)
	}
	return err
}

// element is the next value, out of a list of its own where the data is nested.
func (t *requestTensor) element(r *reader, i int) (v jsontext.Value, err error) {
	if r.d.PeekKind() != '[' {
		return r.raw()
	}
	nested := badRequest("input %q: data is nested at %d in another way than the shape says", t.name, i)
	if len(t.shape) != 2 {
		return nil, nested
	}
	err = r.list("", func(j int) error {
		if j > 0 {
			return nested
		}
		v, err = r.raw()
		return err
	})
	if err == nil && v == nil {
		err = nested
	}
	return v, err
}

// integerBounds are the limits of an integer datatype.
func integerBounds(datatype string) (low, high float64, ok bool) {
	switch datatype {
	case "INT8":
		return math.MinInt8, math.MaxInt8, true
	case "INT16":
		return math.MinInt16, math.MaxInt16, true
	case "INT32":
		return math.MinInt32, math.MaxInt32, true
	case "INT64":
		return math.MinInt64, math.MaxInt64, true
	case "UINT8":
		return 0, math.MaxUint8, true
	case "UINT16":
		return 0, math.MaxUint16, true
	case "UINT32":
		return 0, math.MaxUint32, true
	case "UINT64":
		return 0, math.MaxUint64, true
	}
	return 0, 0, false
}

// checkDatatype holds a value to the datatype that its tensor declares. Null is no value and fits all.
func checkDatatype(datatype string, v scalar) error {
	low, high, integer := integerBounds(datatype)
	switch {
	case datatype == "BOOL":
		if v.kind != 't' && v.kind != 'f' && !v.null() {
			return expected("true or false (BOOL)", v)
		}
	case datatype == "BYTES":
		if v.kind != '"' && !v.null() {
			return expected("a string (BYTES)", v)
		}
	case integer || datatype == "FP32" || datatype == "FP64":
		if v.null() {
			return nil
		}
		if v.kind != '0' {
			return expected("a number ("+datatype+")", v)
		}
		f, err := strconv.ParseFloat(v.text, 64)
		if err != nil || datatype == "FP32" && math.Abs(f) > math.MaxFloat32 || integer && !(whole(v.text, f) && within(v.text, f, low, high)) {
			return fmt.Errorf("%s is no %s", shorten(v.text), datatype)
		}
	default:
		return fmt.Errorf("datatype %q is not one of BOOL, INT8 to INT64, UINT8 to UINT64, FP32, FP64, BYTES", datatype)
	}
	return nil
}
