package serve

import (
	"fmt"
	"net/http"

	"github.com/mlp-lang/mlp/lang/schema"
)

// serverName and extensions are those of GET /v2 and of ServerMetadata.
const serverName = "mlp"

var extensions = []string{binaryExtension}

// serverMetadata answers GET /v2.
func (s *server) serverMetadata(*http.Request, *exchange) (any, error) {
	return map[string]any{"name": serverName, "version": s.Version, "extensions": extensions}, nil
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

// modelAbout describes a model. Key and levels are additions to the protocol.
type modelAbout struct {
	Name     string           `json:"name"`
	Versions []string         `json:"versions"`
	Platform string           `json:"platform"`
	Inputs   []tensorMetadata `json:"inputs"`
	Outputs  []tensorMetadata `json:"outputs"`
}

// modelMetadata answers GET /v2/models/{m} of the Open Inference Protocol. A shape of -1 is any number of rows.
func (s *server) modelMetadata(r *http.Request, x *exchange) (any, error) {
	to, err := s.target(r, x)
	if err != nil {
		return nil, err
	}
	m := to.model
	out := modelAbout{Name: m.name, Versions: []string{m.version}, Platform: "mlp", Inputs: []tensorMetadata{}, Outputs: []tensorMetadata{}}
	for i, c := range m.model.Inputs() {
		levels := m.model.Levels(i)
		out.Inputs = append(out.Inputs, tensorMetadata{Name: c.Name, Datatype: datatypeOf(c.Type), Shape: []int{-1}, Levels: levels,
			Text: schema.KindOf(c.Type) == schema.TextValue && levels == nil})
	}
	for _, name := range m.key {
		if _, isFeature := m.columns[name]; !isFeature {
			out.Inputs = append(out.Inputs, tensorMetadata{Name: name, Datatype: "BYTES", Shape: []int{-1}, Key: true})
		}
	}
	for _, o := range m.outputs {
		out.Outputs = append(out.Outputs, tensorMetadata{Name: o.name, Datatype: o.datatype, Shape: []int{-1}})
	}
	if to.beside != nil {
		out.Versions = append(out.Versions, to.beside.model.version)
	}
	return out, nil
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
