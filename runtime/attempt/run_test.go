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

// foreign is a task of a stage that runs in an image.
func foreign(t *testing.T) Task {
	t.Helper()
	x := honest(t)
	n, image := x.Node, plan.Outside(plan.ImagePort, "i:1", "sha256:1 linux/amd64")
	n.Container, n.Inputs = &plan.Container{Command: []string{"t"}}, append(n.Inputs, image)
	var err error
	if n.Definition, err = n.Define(); err != nil {
		t.Fatal(err)
	}
	x.Inputs[plan.ImagePort] = image.Digest
	x.Fingerprint = plan.Fingerprint(n.Definition, x.Inputs)
	return x
}

// TestRead: a task is what it says, or nothing is run for it.
func TestRead(t *testing.T) {
	for name, tt := range map[string]struct {
		task   func(*testing.T) Task
		change func(*Task)
		want   string // part of the error; empty: it is read
	}{
		"honest":               {honest, func(*Task) {}, ""},
		"no node":              {honest, func(x *Task) { x.Node = nil }, "has no node"},
		"configuration":        {honest, func(x *Task) { x.Node.Config = json.RawMessage(`{"sql":"select 1"}`) }, "defined otherwise"},
		"fingerprint":          {honest, func(x *Task) { x.Fingerprint = x.Node.Definition }, "not that of its"},
		"address":              {honest, func(x *Task) { x.Node.Address = "../../a" }, "is no address"},
		"port":                 {honest, func(x *Task) { x.Node.Outputs[0].Port = "../../a" }, "is no name of a port"},
		"no inputs":            {honest, func(x *Task) { x.Inputs = nil }, "has 1 inputs, and the"},
		"no digest":            {honest, func(x *Task) { x.Inputs = map[string]plan.Digest{"from": "../../a"} }, `input "from"`},
		"files outside":        {honest, func(x *Task) { x.Node.Inputs[0].External = &plan.External{Root: "/etc"} }, "files outside of the store"},
		"in an image":          {foreign, func(*Task) {}, ""},
		"in another image":     {foreign, func(x *Task) { x.Node.Inputs[1].External.Version = "sha256:2 linux/amd64" }, `not that of the version "sha256:2 linux/amd64"`},
		"in an unknown image":  {foreign, func(x *Task) { x.Node.Inputs[1].External.Version = "" }, "not that of the version"},
		"in whatever is named": {foreign, func(x *Task) { x.Node.Inputs[1].External.Version = "i:2 linux/amd64" }, "no version of an image"},
		"in no image":          {foreign, func(x *Task) { x.Node.Inputs = x.Node.Inputs[:1] }, "has a container, and no image"},
	} {
		t.Run(name, func(t *testing.T) {
			task := tt.task(t)
			tt.change(&task)
			text, err := json.Marshal(task)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Read(bytes.NewReader(text))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := Read(strings.NewReader(`{"folder":"/etc"}`)); err == nil {
		t.Error("a task with a folder is read")
	}
}
