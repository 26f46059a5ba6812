package attempt

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

func honest(t *testing.T) Task {
	t.Helper()
	n := &plan.Node{
		Address: "dataset.a", Kind: "dataset", Type: "sql", Phase: "data", Version: 1, Verdict: plan.Run, Config: json.RawMessage(`{}`),
		Inputs:  []plan.Input{{Port: "from", From: "source.b", FromPort: "table"}},
		Outputs: []plan.Output{{Port: "table", Type: schema.TablePort}},
	}
	var err error
	if n.Definition, err = n.Define(); err != nil {
		t.Fatal(err)
	}
	in, err := plan.Sum("test", "a table")
	if err != nil {
		t.Fatal(err)
	}
	inputs := map[string]plan.Digest{"from": in}
	return Task{Pipeline: "p", Workspace: "default", Apply: "a", Node: n, Inputs: inputs, Fingerprint: plan.Fingerprint(n.Definition, inputs)}
}

// TestRead: a task is what it says, or nothing is run for it.
func TestRead(t *testing.T) {
	for name, change := range map[string]func(*Task){
		"":                           func(*Task) {},
		"has no node":                func(x *Task) { x.Node = nil },
		"defined otherwise":          func(x *Task) { x.Node.Config = json.RawMessage(`{"sql":"select 1"}`) },
		"not that of its":            func(x *Task) { x.Fingerprint = x.Node.Definition },
		"is no address":              func(x *Task) { x.Node.Address = "../../a" },
		"is no name of a port":       func(x *Task) { x.Node.Outputs[0].Port = "../../a" },
		"has 1 inputs, and the":      func(x *Task) { x.Inputs = nil },
		`input "from"`:               func(x *Task) { x.Inputs = map[string]plan.Digest{"from": "../../a"} },
		"files outside of the store": func(x *Task) { x.Node.Inputs[0].External = &plan.External{Root: "/etc"} },
	} {
		task := honest(t)
		change(&task)
		text, err := json.Marshal(task)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Read(bytes.NewReader(text))
		if name == "" && err != nil || name != "" && (err == nil || !strings.Contains(err.Error(), name)) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
	if _, err := Read(strings.NewReader(`{"folder":"/etc"}`)); err == nil {
		t.Error("a task with a folder is read")
	}
}
