package serve

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// described says of a request or an answer how it is other than the schema of that name says. A field that the schema does not speak of counts.
func described(t *testing.T, r *running, name, text string) error {
	t.Helper()
	status, document := r.call("/v1/models/scorer/openapi.json", "")
	if status != 200 {
		t.Fatalf("got %d %s", status, document)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(document)))
	if err != nil {
		t.Fatal(err)
	}
	closed(doc)
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("openapi.json#/components/schemas/" + name)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}

// closed lets objects with properties have no others.
func closed(doc any) {
	switch v := doc.(type) {
	case map[string]any:
		if _, open := v["additionalProperties"]; !open && v["properties"] != nil {
			v["additionalProperties"] = false
		}
		for _, part := range v {
			closed(part)
		}
	case []any:
		for _, part := range v {
			closed(part)
		}
	}
}

// TestOpenAPIOfTensors: requests and answers of infer are what the document says.
func TestOpenAPIOfTensors(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, nil)
	body := tensorsOf(`, "outputs": [{"name": "score"}, {"name": "error"}]`)
	if err := described(t, r, "InferRequest", body); err != nil {
		t.Errorf("%s: %v", body, err)
	}
	status, text := r.call("/v2/models/scorer/infer", body)
	if err := described(t, r, "InferAnswer", text); err != nil || status != 200 {
		t.Errorf("%d %s: %v", status, text, err)
	}
	for _, wrong := range []string{strings.Replace(body, "FP32", "FP8", 1), strings.Replace(body, `"score"`, `"scor"`, 1), strings.Replace(body, "shape", "shapes", 1)} {
		if err := described(t, r, "InferRequest", wrong); err == nil {
			t.Errorf("the schema takes %s", wrong)
		}
	}
}
