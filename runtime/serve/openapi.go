package serve

import (
	"fmt"
	"math"
	"net/http"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
)

// object is one of JSON, as documents are made of; names are written in their order.
type object = map[string]any

// openAPI answers GET /v1/models/{m}/openapi.json: the endpoints of a model in the form of OpenAPI 3.1, whose schemas are those of JSON Schema
// 2020-12 (https://spec.openapis.org/oas/v3.1.0). The schema of a row is that of the model's inputs: what it refuses cannot be scored.
// What it takes may still be at fault in ways that a schema does not say, as a number of more places than a decimal has.
func (s *server) openAPI(r *http.Request, x *exchange) (any, error) {
	m, err := s.model(r, x)
	if err != nil {
		return nil, err
	}
	ref := func(name string) object { return object{"$ref": "#/components/schemas/" + name} }
	post := func(id, summary, request, answer string) object {
		return object{"post": object{"operationId": id, "summary": summary, "requestBody": object{"required": true, "content": content(ref(request))}, "responses": s.responses(ref(answer))}}
	}
	doc := object{
		"openapi": "3.1.0",
		"info":    object{"title": m.name, "version": m.version, "description": "Scores rows with the model that is released as deploy." + m.name + "."},
		"paths": object{
			"/v1/models/" + m.name + "/predict":        post("predict", "Score rows given as objects", "Request", "Answer"),
			"/v1/models/" + m.name + "/counterfactual": post("counterfactual", "The nearest row that is decided otherwise", "CounterfactualRequest", "CounterfactualAnswer"),
			"/v2/models/" + m.name + "/infer":          post("infer", "Score tensors, as the Open Inference Protocol v2 has them", "InferRequest", "InferAnswer"),
			"/v2/models/" + m.name: object{"get": object{
				"operationId": "metadata", "summary": "Inputs and outputs, as the Open Inference Protocol v2 has them", "responses": s.responses(object{"type": "object"}),
			}},
		},
		"components": object{"schemas": m.schemas(s.MaxRows)},
	}
	schemes, asked := object{}, object{}
	if s.callers != nil {
		schemes["token"], asked["token"] = object{"type": "http", "scheme": "bearer"}, []string{}
	}
	if s.signers != nil {
		schemes["certificate"], asked["certificate"] = object{"type": "mutualTLS"}, []string{}
	}
	if len(asked) > 0 {
		doc["components"].(object)["securitySchemes"], doc["security"] = schemes, []object{asked}
	}
	return doc, nil
}

// content is a body of JSON with that schema.
func content(schema object) object {
	return object{"application/json": object{"schema": schema}}
}

// responses are the answer, and what may come in its place.
func (s *server) responses(answer object) object {
	out := object{"200": object{"description": "The answer", "content": content(answer)}}
	told := map[int]string{
		http.StatusBadRequest: "The request, or each of its rows, cannot be read", http.StatusNotFound: "There is no such model",
		http.StatusRequestEntityTooLarge: "Too many bytes or rows", http.StatusTooManyRequests: "Too much at once; try again after Retry-After seconds",
		http.StatusServiceUnavailable: "The model is not loaded", http.StatusGatewayTimeout: "Scoring took too long",
	}
	if s.callers != nil || s.signers != nil {
		told[http.StatusUnauthorized] = "The token, or the certificate, is missing, or is none that is known"
	}
	for status, text := range told {
		out[fmt.Sprint(status)] = object{"description": text, "content": content(object{"$ref": "#/components/schemas/Error"})}
	}
	return out
}

// schemas of a request, its rows, and what is answered.
func (m *served) schemas(most int) object {
	fields, required := object{}, []string{}
	for i, c := range m.inputs {
		fields[c.Name] = c.schema(m.model.Levels(i))
		required = append(required, c.Name)
	}
	for _, name := range m.key {
		if _, isFeature := m.columns[name]; !isFeature {
			fields[name] = object{"description": "Tells who the row is about; it is logged, and no feature."}
		}
	}
	return object{
		"Row": object{"type": "object", "properties": fields, "required": required, "additionalProperties": false},
		"Request": object{"type": "object", "required": []string{"rows"}, "additionalProperties": false, "properties": object{
			"rows":    object{"type": "array", "maxItems": most, "items": object{"$ref": "#/components/schemas/Row"}},
			"explain": object{"type": "boolean", "description": "Also tells which features each score comes from."},
		}},
		"Answer":     answerOf(object{"predictions": array(object{"$ref": "#/components/schemas/Prediction"})}),
		"Prediction": object{"type": "object", "required": []string{"predicted"}, "properties": m.predictionSchema()},
		"Explanation": object{"type": "object", "required": []string{"method", "base", "margin", "contributions"}, "properties": object{
			"method": object{"type": "string"}, "base": object{"type": "number"}, "margin": object{"type": "number", "description": "What base and contributions add up to."},
			"contributions": object{"type": "object", "additionalProperties": object{"type": "number"}, "description": "By feature."},
		}},
		"CounterfactualRequest": m.counterfactualSchema(),
		"CounterfactualAnswer": answerOf(object{"found": object{"type": "boolean"}, "distance": object{"type": "number"}, "looked": object{"type": "integer"},
			"changes": object{"type": "object", "additionalProperties": object{"type": "object", "required": []string{"from", "to"}}},
			"before":  object{"$ref": "#/components/schemas/Prediction"}, "after": object{"$ref": "#/components/schemas/Prediction"}}, "distance", "changes", "after"),
		"InferRequest": object{"type": "object", "required": []string{"inputs"}, "additionalProperties": false, "properties": object{
			"id": anyText, "parameters": anyObject, "inputs": array(m.tensorSchema(m.names(), true)),
			"outputs": array(object{"type": "object", "required": []string{"name"}, "additionalProperties": false, "properties": object{"name": object{"enum": m.outputNames()}, "parameters": anyObject}}),
		}},
		"InferAnswer": answerOf(object{"id": anyText, "parameters": anyObject, "outputs": array(m.tensorSchema(append(m.outputNames(), versionOutput.name), false))}, "id", "parameters"),
		"Error":       object{"type": "object", "required": []string{"error"}, "properties": object{"error": anyText}},
	}
}

var (
	anyText   = object{"type": "string"}
	anyNumber = object{"type": "number"}
	anyObject = object{"type": "object"}
)

func array(items object) object { return object{"type": "array", "items": items} }

// answerOf are the fields of an answer, beside those of all; others than the optional ones are always there.
func answerOf(fields object, optional ...string) object {
	fields["model_name"], fields["model_version"] = anyText, anyText
	required := slices.DeleteFunc(sortedNames(fields), func(name string) bool { return slices.Contains(optional, name) })
	return object{"type": "object", "required": required, "properties": fields}
}

// predictionSchema are the fields of what is answered for a row.
func (m *served) predictionSchema() object {
	explanation := object{"$ref": "#/components/schemas/Explanation"}
	out := object{
		"error":  object{"type": "string", "description": "Why the row could not be scored; predicted is null then."},
		"unseen": array(anyText), "missing": array(anyText),
		"model_version": object{"type": "string", "description": "Of a row that another model answers than that of the answer as a whole."},
	}
	share := object{"type": "number", "minimum": 0, "maximum": 1}
	switch m.model.Task() {
	case schema.Regression:
		out["predicted"], out["explanation"] = object{"type": []string{"number", "null"}}, explanation
	case schema.Binary:
		out["predicted"], out["score"], out["explanation"] = classes(m.model.Classes()), share, explanation
		if m.explored != nil {
			out[modelPredicted] = object{"enum": m.model.Classes(), "description": "What the model decides; predicted is what was decided."}
			out[propensity] = object{"type": "number", "minimum": 0, "maximum": 1, "description": "The chance with which it was decided so."}
			out[arm] = object{"enum": []string{modelArm, exploredArm}, "description": "explored: decided otherwise than the model does, by chance."}
		}
	default:
		out["predicted"], out["scores"] = classes(m.model.Classes()), object{"type": "object", "additionalProperties": share}
		out["explanations"] = object{"type": "object", "additionalProperties": explanation}
	}
	return out
}

// counterfactualSchema is that of a question for the nearest row that is decided otherwise: what is wanted is a class, or where the score lies.
func (m *served) counterfactualSchema() object {
	between := object{"type": "object", "additionalProperties": false, "properties": object{"from": anyNumber, "to": anyNumber}}
	properties := object{
		"row": object{"$ref": "#/components/schemas/Row"}, "score": between, "at_most": object{"enum": []int{1, 2}},
		"change": object{"type": "object", "additionalProperties": object{"type": "object", "additionalProperties": false, "properties": object{
			"from": anyNumber, "to": anyNumber, "direction": object{"enum": []string{"", "increase", "decrease"}}, "among": object{"type": "array"}}}},
	}
	if m.model.Task() != schema.Regression {
		properties["predicted"] = object{"enum": m.model.Classes()}
	}
	return object{"type": "object", "required": []string{"row", "change"}, "additionalProperties": false, "properties": properties}
}

// tensorSchema is that of a tensor of one of these names. Without data its values are bytes behind the JSON.
func (m *served) tensorSchema(names []string, given bool) object {
	kinds := []string{}
	for _, d := range datatypes {
		kinds = append(kinds, d.name)
	}
	out := object{"type": "object", "required": []string{"name", "shape", "datatype"}, "properties": object{
		"name": object{"enum": names}, "shape": array(object{"type": "integer", "minimum": 0}), "datatype": object{"enum": kinds}, "parameters": anyObject,
		"data": object{"type": "array", "description": "One value a row, null where it is not known."},
	}}
	if given {
		out["additionalProperties"] = false
	}
	return out
}

// outputNames are those of the outputs.
func (m *served) outputNames() (names []string) {
	for _, o := range m.outputs {
		names = append(names, o.name)
	}
	return names
}

// classes are what is predicted: one of them, or null of a row that cannot be scored.
func classes(names []string) object {
	all := []any{nil}
	for _, name := range names {
		all = append(all, name)
	}
	return object{"enum": all}
}

// schema is that of a column's values in JSON. Categories are examples and no enumeration: others are scored too, as missing, and told.
func (c *column) schema(levels []string) object {
	out := object{"description": "A column of type " + c.Type + "."}
	switch c.kind {
	case boolKind:
		out["type"] = []string{"boolean", "null"}
	case wholeKind:
		out["type"] = []string{"integer", "null"}
		if !math.IsInf(c.low, 0) {
			out["minimum"], out["maximum"] = c.low, c.high
		}
	case numberKind:
		out["type"] = []string{"number", "null"}
	case timeKind:
		out["type"], out["description"] = []string{"string", "null"}, "A column of type "+c.Type+", as ISO 8601; UTC where it names no zone."
	default:
		out["type"] = []string{"string", "null"}
		if len(levels) > 0 {
			out["examples"] = levels
		}
	}
	return out
}
