package serve

import (
	"fmt"
	"math"
	"net/http"

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
	doc := object{
		"openapi": "3.1.0",
		"info":    object{"title": m.name, "version": m.version, "description": "Scores rows with the model that is released as deploy." + m.name + "."},
		"paths": object{
			"/v1/models/" + m.name + "/predict": object{"post": object{
				"operationId": "predict", "summary": "Score rows given as objects",
				"requestBody": object{"required": true, "content": content(object{"$ref": "#/components/schemas/Request"})},
				"responses":   s.responses(object{"$ref": "#/components/schemas/Answer"}),
			}},
			"/v2/models/" + m.name: object{"get": object{
				"operationId": "metadata", "summary": "Inputs and outputs, as the Open Inference Protocol v2 has them", "responses": s.responses(object{"type": "object"}),
			}},
		},
		"components": object{"schemas": m.schemas(s.MaxRows)},
	}
	if s.callers != nil {
		doc["components"].(object)["securitySchemes"] = object{"token": object{"type": "http", "scheme": "bearer"}}
		doc["security"] = []object{{"token": []string{}}}
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
	if s.callers != nil {
		told[http.StatusUnauthorized] = "The token is missing, or is none that is known"
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
	scored := object{"error": object{"type": "string", "description": "Why the row could not be scored; predicted is null then."}}
	for _, name := range []string{"unseen", "missing"} {
		scored[name] = object{"type": "array", "items": object{"type": "string"}}
	}
	share := object{"type": "number", "minimum": 0, "maximum": 1}
	switch m.model.Task() {
	case schema.Regression:
		scored["predicted"] = object{"type": []string{"number", "null"}}
	case schema.Binary:
		scored["predicted"], scored["score"] = classes(m.model.Classes()), share
	default:
		scored["predicted"], scored["scores"] = classes(m.model.Classes()), object{"type": "object", "additionalProperties": share}
	}
	return object{
		"Row": object{"type": "object", "properties": fields, "required": required, "additionalProperties": false},
		"Request": object{"type": "object", "required": []string{"rows"}, "additionalProperties": false, "properties": object{
			"rows":    object{"type": "array", "maxItems": most, "items": object{"$ref": "#/components/schemas/Row"}},
			"explain": object{"type": "boolean", "description": "Also tells which features each score comes from."},
		}},
		"Answer": object{"type": "object", "required": []string{"model_name", "model_version", "predictions"}, "properties": object{
			"model_name": object{"type": "string"}, "model_version": object{"type": "string"},
			"predictions": object{"type": "array", "items": object{"type": "object", "required": []string{"predicted"}, "properties": scored}},
		}},
		"Error": object{"type": "object", "required": []string{"error"}, "properties": object{"error": object{"type": "string"}}},
	}
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
