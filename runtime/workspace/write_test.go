package workspace

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// A plan that is written a node at a time has the bytes that it has as one text.
func TestWritePlan(t *testing.T) {
	files, err := filepath.Glob("../../spec/plans/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no plans: %v", err)
	}
	plans := map[string]*plan.Plan{"empty": {}, "one": {Nodes: []*plan.Node{{Address: "a", Config: []byte(`{"text":"\n  \"nodes\": [<"}`)}}}}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if plans[file], err = plan.Read(data); err != nil {
			t.Fatal(err)
		}
	}
	for name, p := range plans {
		var got, want bytes.Buffer
		if err := WritePlan(&got, p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := writeJSON(&want, p); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%s: got %s, want %s", name, got.Bytes(), want.Bytes())
		}
	}
}
