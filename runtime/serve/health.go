package serve

import (
	"fmt"
	"net/http"

	"github.com/mlp-lang/mlp/lang/schema"
)

// serverMetadata answers GET /v2. No extension of the protocol is spoken, neither binary tensors nor a repository.
func (s *server) serverMetadata(*http.Request, *exchange) (any, error) {
	return map[string]any{"name": "mlp", "version": s.Version, "extensions": []string{}}, nil
}

// ready: the releases were read, there is at least one model, and each deployment has one loaded, if not the newest.
// All else is 503 with the reason, by which an orchestrator sends no traffic here. One deployment that cannot be served at all makes
// the server not ready, and does not keep the others from answering.
func (s *server) ready(*http.Request, *exchange) (any, error) {
	slots := *s.slots.Load()
	switch {
	case s.stopping.Load():
		return nil, &failure{http.StatusServiceUnavailable, "the server is stopping"}
	case !s.looked.Load():
		return nil, &failure{http.StatusServiceUnavailable, "the releases have not been read yet"}
	case len(slots) == 0:
		return nil, &failure{http.StatusServiceUnavailable, "no deployment of type \"http\" is released"}
	}
	for _, name := range sortedNames(slots) {
		if slots[name].now == nil {
			return nil, &failure{http.StatusServiceUnavailable, fmt.Sprintf("model %q is not loaded: %s", name, slots[name].fault)}
		}
	}
	return map[string]bool{"ready": true}, nil
}

// modelReady answers GET /v2/models/{m}/ready; a model that is not ready is an error, 404 or 503.
func (s *server) modelReady(r *http.Request, x *exchange) (any, error) {
	m, err := s.model(r, x)
	if err != nil {
		return nil, err
	}
	return map[string]any{"name": m.name, "ready": true}, nil
}

// tensorMetadata describes an input or output: -1 is any number of rows.
type tensorMetadata struct {
	Name     string `json:"name"`
	Datatype string `json:"datatype"`
	Shape    []int  `json:"shape"`
	// Levels are the categories that the model was trained on, of text; all others count as missing. Key is set of a field
	// of the deployment's key that is no feature: it may be given, and is logged.
	Levels []string `json:"levels,omitempty"`
	// Text is set of text that is read as such, whatever it says.
	Text bool `json:"text,omitempty"`
	Key  bool `json:"key,omitempty"`
}

// modelMetadata answers GET /v2/models/{m} of the Open Inference Protocol. A shape of -1 is any number of rows; key and
// levels are additions to the protocol.
func (s *server) modelMetadata(r *http.Request, x *exchange) (any, error) {
	to, err := s.target(r, x)
	if err != nil {
		return nil, err
	}
	m := to.model
	inputs := []tensorMetadata{}
	for i, c := range m.model.Inputs() {
		levels := m.model.Levels(i)
		inputs = append(inputs, tensorMetadata{Name: c.Name, Datatype: datatypeOf(c.Type), Shape: []int{-1}, Levels: levels,
			Text: schema.KindOf(c.Type) == schema.TextValue && levels == nil})
	}
	for _, name := range m.key {
		if _, isFeature := m.columns[name]; !isFeature {
			inputs = append(inputs, tensorMetadata{Name: name, Datatype: "BYTES", Shape: []int{-1}, Key: true})
		}
	}
	outputs := []tensorMetadata{}
	for _, o := range m.outputs {
		outputs = append(outputs, tensorMetadata{Name: o.name, Datatype: o.datatype, Shape: []int{-1}})
	}
	versions := []string{m.version}
	if to.beside != nil {
		versions = append(versions, to.beside.model.version)
	}
	return map[string]any{
		"name": m.name, "versions": versions, "platform": "mlp", "inputs": inputs, "outputs": outputs,
	}, nil
}

// datatypeOf is the datatype of the protocol that fits a column. Dates and times go as ISO 8601 text.
func datatypeOf(columnType string) string {
	switch columnType {
	case "boolean":
		return "BOOL"
	case "tinyint":
		return "INT8"
	case "smallint":
		return "INT16"
	case "integer":
		return "INT32"
	case "bigint":
		return "INT64"
	case "utinyint":
		return "UINT8"
	case "usmallint":
		return "UINT16"
	case "uinteger":
		return "UINT32"
	case "ubigint":
		return "UINT64"
	case "float", "real":
		return "FP32"
	}
	if kindOf(schema.Column{Type: columnType}) == numberKind {
		return "FP64"
	}
	return "BYTES"
}
