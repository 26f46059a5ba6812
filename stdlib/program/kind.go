package program

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Kind is what the two forms of a kind have in common: with type "container" a command of an image, with type "python" a script of the module. What a block
// takes and yields is the same in both; only what runs differs.
type Kind struct {
	Name    string
	Summary string // of what it makes: "A table made by"
	Doc     string
	Attrs   []schema.Attr // besides those of the program
	Ranked  bool          // the program may run several times at once
	Blocks  []schema.Block
	Out     []schema.Port
	// Shape says what a block yields by the attributes of the kind; what is wrong with the program is told besides.
	Shape    func(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult
	Example  string // of the type container
	Scripted string // of the type python
}

// runAttrs are the attributes that say with what a program of the kind runs.
func (k Kind) runAttrs(command string) []schema.Attr {
	if !k.Ranked {
		return RunAttrs(command)
	}
	return append(RunAttrs(command), ReplicasAttr(command))
}

// Container is the form that is a command of an image.
func (k Kind) Container() component.Component {
	return component.Component{
		Kind: k.Name,
		Type: schema.Type{Name: "container", Foreign: true, Version: 1, Summary: k.Summary + " a command of your own image", Doc: k.Doc + containerDoc,
			Body: schema.Body{Attrs: slices.Concat(k.Attrs, ContainerAttrs(), k.runAttrs("the command")), Blocks: k.Blocks},
			Out:  k.Out, Examples: []schema.Example{{Title: "A command", Code: k.Example}}},
		Shape: func(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
			var c Container
			return k.shape(ctx, b, req, &c, func() []schema.Problem {
				return c.Problems()
			})
		},
		Program: func(config json.RawMessage) (*schema.Program, error) {
			var c Container
			if err := json.Unmarshal(config, &c); err != nil {
				return nil, err
			}
			p, err := c.Program()
			return &p, err
		},
	}
}

// Python is the form that is a script of the module.
func (k Kind) Python() component.Component {
	return component.Component{
		Kind: k.Name,
		Type: schema.Type{Name: "python", Foreign: true, Version: 1, Summary: k.Summary + " a Python script of the module", Doc: k.Doc + pythonDoc,
			Body: schema.Body{Attrs: slices.Concat(k.Attrs, PythonAttrs("The script."), k.runAttrs("the script")), Blocks: k.Blocks},
			Out:  k.Out, Examples: []schema.Example{{Title: "A script", Code: k.Scripted}}},
		Shape: func(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
			var c Python
			return k.shape(ctx, b, req, &c, func() []schema.Problem { return c.Problems() })
		},
		Program: func(config json.RawMessage) (*schema.Program, error) {
			var c Python
			if err := json.Unmarshal(config, &c); err != nil {
				return nil, err
			}
			p, err := c.Program()
			return &p, err
		},
	}
}

// shape asks the kind, and adds what is wrong with the program that is read into c.
func (k Kind) shape(ctx context.Context, b component.Binder, req schema.ShapeRequest, c any, problems func() []schema.Problem) schema.ShapeResult {
	var wrong []schema.Problem
	req.Config, wrong = TakeEnv(req.Config)
	res := k.Shape(ctx, b, req)
	if err := json.Unmarshal(req.Config, c); err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The block cannot be read: " + err.Error()}}}
	}
	if c, ok := c.(interface{ Takes(map[string]schema.Shape) }); ok {
		c.Takes(req.In)
	}
	res.Problems = slices.Concat(res.Problems, wrong, problems())
	return res
}

const containerDoc = `

The command finds its inputs and outputs in the folders and variables of the stage protocol (spec/protocol.md), and the block as ` + "`config`" + ` in ` + "`$MLP_ROOT/stage.json`" + `. It has no network
unless the block asks for one, no privileges, and nowhere to write but its outputs, ` + "`/tmp`" + ` and ` + "`/mlp/checkpoint`" + `.`

const pythonDoc = `

The script finds its inputs and outputs by the module ` + "`mlp_stage`" + `, or in the folders and variables of the stage protocol (spec/protocol.md). It and ` + "`files`" + ` are inputs: an edit is a cause in
the plan, with its line. What ` + "`requirements`" + ` lists is installed once, by the derived stage ` + "`<block>@image`" + `. The script has no network unless the block asks for one, no privileges, and nowhere
to write but its outputs, ` + "`/tmp`" + ` and ` + "`/mlp/checkpoint`" + `.`
