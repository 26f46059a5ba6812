// Package opaque is what trainers share whose model only their own program can score: what the block must say of it, since nothing of the program is known to the
// compiler.
package opaque

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/program"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// Programs are the two programs of a block, read from its configuration: one that trains, and one that scores.
type Programs interface {
	// Programs are what runs, and in what. What is wrong in them Wrong tells: an error is of a configuration that is not of this block at all.
	Programs() (schema.Program, error)
	// Wrong is what can be seen to fail before anything runs.
	Wrong() []schema.Problem
}

// Component is the trainer of a type of programs, with the attributes that say what they are. It has no Run: its stages run the programs.
func Component[C any, P interface {
	*C
	Programs
}](t schema.Type, attrs ...schema.Attr) component.Component {
	t.Foreign, t.Out = true, out()
	t.Body = schema.Body{Attrs: slices.Concat(commonAttrs(), attrs), Blocks: []schema.Block{params()}}
	return component.Component{
		Kind: "train",
		Type: t,
		Shape: func(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
			env, problems := program.TakeEnv(req.Config)
			res := shape(req, env)
			var c C
			if json.Unmarshal(env, &c) != nil {
				return res // which has been told
			}
			if c, ok := any(&c).(interface{ Takes(map[string]schema.Shape) }); ok {
				c.Takes(req.In)
			}
			res.Problems = slices.Concat(res.Problems, problems, P(&c).Wrong())
			return res
		},
		Program: func(config json.RawMessage) (*schema.Program, error) {
			var c C
			if err := json.Unmarshal(config, &c); err != nil {
				return nil, err
			}
			p, err := P(&c).Programs()
			if err != nil {
				return nil, err
			}
			p.Told, err = program.Told(config, told...)
			return &p, err
		},
	}
}

// Config is what such a block says beside what all trainers say.
type Config struct {
	train.Config
	Classes []string `json:"classes"`
}

// told are the attributes that the predict command finds as its configuration.
// Parameters are not among them: they shaped the model, and scoring has only the model to go by.
var told = []string{"target", "features", "task", "positive", "classes", "env", "format"}

// tasks: what the command makes of the data is not known, so it may be any.
var tasks = []schema.Task{schema.Binary, schema.Multiclass, schema.Regression}

// commonAttrs are those of every trainer. The tables come to the command as they stand, with rows that other trainers leave out.
func commonAttrs() []schema.Attr {
	shared := train.Attrs(tasks, true)
	for i := range shared {
		switch shared[i].Name {
		case train.DataPort:
			shared[i].Doc = "The table to train on. The command gets it as it stands: it decides what to do with rows whose target is null."
		case train.ValidationPort:
			shared[i].Doc = "A table with the same columns and other rows, for early stopping and the like. The command gets it as it stands."
		}
	}
	return append(shared,
		train.SeedAttr(),
		schema.Attr{Name: "classes", Type: schema.StringList,
			Doc: "Of a multiclass task: the values of the target. The scoring command yields a column `score_<class>` for each."})
}

// params is the block of parameters.
func params() schema.Block {
	return schema.Block{Name: "params", FreeAttrs: true,
		Doc: "Whatever the command wants to be told: it finds them under `config.params` in stage.json."}
}

// out is the model.
func out() []schema.Port {
	return []schema.Port{{Name: train.ModelPort, Type: schema.ModelPort,
		Doc: "Whatever files the command writes. Opaque: scored by `predict` only, and not served by `mlp serve`."}}
}

// shape types the model by the block alone: nothing of the image is known, so its features, classes and positive class must
// be said.
// The model's figures are of no type: what a script reports is read by evaluate "file", whose names the block lists.
func shape(req schema.ShapeRequest, config json.RawMessage) schema.ShapeResult {
	var c Config
	if err := json.Unmarshal(config, &c); err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The block cannot be read: " + err.Error()}}}
	}
	res := train.Shape(req, &c.Config, tasks)
	out, ok := res.Out[train.ModelPort]
	if !ok {
		return schema.ShapeResult{Problems: res.Problems}
	}
	out.Model.Opaque = true
	if out.Model.Task == schema.Multiclass {
		out.Model.Classes = c.Classes
	} else if out.Model.Task == schema.Binary {
		out.Model.Positive = c.positive(req.In[train.DataPort].Table)
	}
	// What figures the command writes is not known before it has run, so rules can't read them.
	return schema.ShapeResult{Out: res.Out, Problems: append(res.Problems, c.problems(out.Model.Task)...)}
}

// positive is the class whose probability is the score, as text.
// Of a text target without positive it is never used: that is a problem of its own.
func (c *Config) positive(data *schema.Table) string {
	if c.Positive != "" {
		return c.Positive
	}
	if t := data.Column(c.Target); t != nil && t.Type == "boolean" {
		return "true"
	}
	return "1"
}

// problems of the classes.
func (c *Config) problems(task schema.Task) []schema.Problem {
	var out []schema.Problem
	switch {
	case task == schema.Multiclass && len(c.Classes) < 2:
		out = append(out, schema.Problem{
			Path:    "classes",
			Summary: "The classes are not listed",
			Detail:  "The columns of the predictions of an opaque model are named by them.",
			Hint:    `Set classes = ["…", "…"].`,
		})
	case task != schema.Multiclass && task != "" && c.Classes != nil:
		out = append(out, schema.Problem{Path: "classes", Summary: "classes is for multiclass tasks", Detail: fmt.Sprintf("The task is %s.", task)})
	}
	seen := map[string]bool{}
	for i, class := range c.Classes {
		if seen[class] {
			out = append(out, schema.Problem{Path: fmt.Sprintf("classes[%d]", i), Summary: fmt.Sprintf("The class %q is listed twice", class)})
		}
		seen[class] = true
	}
	return out
}
