package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// inferRequest is the body of POST …/infer (Open Inference Protocol v2, "Inference Request JSON Object").
type inferRequest struct {
	ID         string          `json:"id"`
	Parameters map[string]any  `json:"parameters"`
	Inputs     []requestTensor `json:"inputs"`
	Outputs    []requestOutput `json:"outputs"`
}

type requestTensor struct {
	Name       string         `json:"name"`
	Shape      []int64        `json:"shape"`
	Datatype   string         `json:"datatype"`
	Parameters map[string]any `json:"parameters"`
	Data       any            `json:"data"`
}

type requestOutput struct {
	Name       string         `json:"name"`
	Parameters map[string]any `json:"parameters"`
}

type inferAnswer struct {
	ModelName    string         `json:"model_name"`
	ModelVersion string         `json:"model_version"`
	ID           string         `json:"id,omitempty"`
	Outputs      []answerTensor `json:"outputs"`
}

type answerTensor struct {
	Name     string `json:"name"`
	Shape    []int  `json:"shape"`
	Datatype string `json:"datatype"`
	Data     []any  `json:"data"`
}

func (s *server) infer(r *http.Request) (any, error) {
	m, err := s.model(r)
	if err != nil {
		return nil, err
	}
	var request inferRequest
	if err := s.decode(r, &request); err != nil {
		return nil, err
	}
	outputs, err := m.chosenOutputs(request.Outputs)
	if err != nil {
		return nil, err
	}
	rows, err := m.rowsOf(request.Inputs)
	if err != nil {
		return nil, err
	}
	scored, err := s.score(r.Context(), m, rows)
	if err != nil {
		return nil, err
	}
	answer := inferAnswer{ModelName: m.name, ModelVersion: m.version, ID: request.ID, Outputs: []answerTensor{}}
	for _, o := range outputs {
		t := answerTensor{Name: o.name, Datatype: o.datatype, Shape: []int{len(scored)}, Data: make([]any, len(scored))}
		for i, p := range scored {
			t.Data[i] = o.of(p)
		}
		answer.Outputs = append(answer.Outputs, t)
	}
	return answer, nil
}

// output is one tensor of an answer, one value a row.
type output struct {
	name     string
	datatype string
	of       func(component.Prediction) any
}

// outputs of a model, named like the columns of an evaluation's predictions.
func (m *served) outputs() []output {
	score := func(p component.Prediction) any { return p.Score }
	if m.model.Task() == schema.Regression {
		return []output{{"predicted", "FP64", score}}
	}
	out := []output{{"predicted", "BYTES", func(p component.Prediction) any { return p.Decision }}}
	if m.model.Task() == schema.Binary {
		return append(out, output{"score", "FP64", score})
	}
	for i, c := range m.model.Classes() {
		out = append(out, output{"score_" + c, "FP64", func(p component.Prediction) any {
			if i >= len(p.Scores) {
				return nil
			}
			return p.Scores[i]
		}})
	}
	return out
}

func (m *served) chosenOutputs(asked []requestOutput) ([]output, error) {
	all := m.outputs()
	if len(asked) == 0 {
		return all, nil
	}
	var names []string
	for _, o := range all {
		names = append(names, o.name)
	}
	var out []output
	for _, a := range asked {
		i := slices.Index(names, a.Name)
		if i < 0 {
			return nil, badRequest("%s", unknown("output", a.Name, names))
		}
		out = append(out, all[i])
	}
	return out, nil
}

// rowsOf turns tensors, one a feature, into rows.
func (m *served) rowsOf(inputs []requestTensor) ([]map[string]any, error) {
	if len(inputs) == 0 {
		return nil, badRequest("\"inputs\" is missing or empty; each feature is an input of its own")
	}
	var rows []map[string]any
	for i, t := range inputs {
		if _, ok := m.columns[t.Name]; !ok {
			return nil, badRequest("%s", unknown("input", t.Name, sortedNames(m.columns)))
		}
		values, err := t.values()
		if err != nil {
			return nil, badRequest("input %q: %v", t.Name, err)
		}
		if i == 0 {
			rows = make([]map[string]any, len(values))
			for j := range rows {
				rows[j] = make(map[string]any, len(inputs))
			}
		}
		if len(values) != len(rows) {
			return nil, badRequest("input %q has %d rows, input %q has %d", t.Name, len(values), inputs[0].Name, len(rows))
		}
		if err := m.fill(rows, t.Name, values); err != nil {
			return nil, err
		}
	}
	return rows, m.complete(inputs)
}

// fill puts the values of one feature into the rows.
func (m *served) fill(rows []map[string]any, name string, values []any) error {
	for i, v := range values {
		if _, twice := rows[i][name]; twice {
			return badRequest("input %q is given twice", name)
		}
		value, err := checkValue(m.columns[name], v)
		if err != nil {
			return badRequest("input %q, row %d: %v", name, i, err)
		}
		rows[i][name] = value
	}
	return nil
}

func (m *served) complete(inputs []requestTensor) error {
	for _, c := range m.model.Inputs() {
		if !slices.ContainsFunc(inputs, func(t requestTensor) bool { return t.Name == c.Name }) {
			return badRequest("input %q is missing; give nulls where its values are not known", c.Name)
		}
	}
	return nil
}

// values checks a tensor's shape and datatype and gives its values, one a row: the shape is [rows] or [rows, 1].
func (t *requestTensor) values() ([]any, error) {
	if len(t.Shape) == 0 || len(t.Shape) > 2 || len(t.Shape) == 2 && t.Shape[1] != 1 {
		return nil, fmt.Errorf("shape %v is not [rows] or [rows, 1]", t.Shape)
	}
	if err := checkDatatype(t.Datatype, nil); err != nil {
		return nil, err
	}
	data, ok := t.Data.([]any)
	if !ok {
		return nil, fmt.Errorf("\"data\" must be a list")
	}
	flat, err := flatten(data, len(t.Shape))
	if err != nil {
		return nil, err
	}
	if int64(len(flat)) != t.Shape[0] {
		return nil, fmt.Errorf("shape %v means %d values, there are %d", t.Shape, t.Shape[0], len(flat))
	}
	for i, v := range flat {
		if err := checkDatatype(t.Datatype, v); err != nil {
			return nil, fmt.Errorf("value %d: %w", i, err)
		}
	}
	return flat, nil
}

// flatten takes data that is given flat or nested like its shape.
func flatten(data []any, dimensions int) ([]any, error) {
	out := make([]any, 0, len(data))
	for i, v := range data {
		inner, nested := v.([]any)
		if !nested {
			out = append(out, v)
			continue
		}
		if dimensions != 2 || len(inner) != 1 {
			return nil, fmt.Errorf("data is nested at %d in another way than the shape says", i)
		}
		out = append(out, inner[0])
	}
	return out, nil
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
func checkDatatype(datatype string, v any) error {
	low, high, integer := integerBounds(datatype)
	switch {
	case datatype == "BOOL":
		if _, ok := v.(bool); !ok && v != nil {
			return wrongType("true or false (BOOL)", v)
		}
	case datatype == "BYTES":
		if _, ok := v.(string); !ok && v != nil {
			return wrongType("a string (BYTES)", v)
		}
	case integer || datatype == "FP32" || datatype == "FP64":
		n, ok := v.(json.Number)
		if !ok && v != nil {
			return wrongType("a number ("+datatype+")", v)
		}
		f, err := n.Float64()
		if v != nil && (err != nil || integer && (f != math.Trunc(f) || f < low || f > high)) {
			return fmt.Errorf("%s is no %s", n, datatype)
		}
	default:
		return fmt.Errorf("datatype %q is not one of BOOL, INT8 to INT64, UINT8 to UINT64, FP32, FP64, BYTES", datatype)
	}
	return nil
}
