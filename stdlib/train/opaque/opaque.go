// Package opaque is what trainers share whose model only their own program can score: what the block must say of it, since nothing of the program is known to the
// compiler.
package opaque

import (
	"encoding/json"
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// Config is what such a block says beside what all trainers say.
type Config struct {
	train.Config
	Classes []string `json:"classes"`
}

// told are the attributes that the predict command finds as its configuration.
// Parameters are not among them: they shaped the model, and scoring has only the model to go by.
var told = []string{"target", "features", "task", "positive", "classes", "env", "format"}

// Told are the names of these attributes.
func Told() []string { return told }

// tasks: what the command makes of the data is not known, so it may be any.
var tasks = []schema.Task{schema.Binary, schema.Multiclass, schema.Regression}

// Attrs are those of every trainer. The tables come to the command as they stand, with rows that other trainers leave out.
func Attrs() []schema.Attr {
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

// Params is the block of parameters.
func Params() schema.Block {
	return schema.Block{Name: "params", FreeAttrs: true,
		Doc: "Whatever the command wants to be told: it finds them under `config.params` in stage.json."}
}

// Out is the model.
func Out() []schema.Port {
	return []schema.Port{{Name: train.ModelPort, Type: schema.ModelPort,
		Doc: "Whatever files the command writes. Opaque: scored by `predict` only, and not served by `mlp serve`."}}
}

// Shape types the model by the block alone: nothing of the image is known, so its features, classes and positive class must
// be said.
// The model's figures are of no type: what a script reports is read by evaluate "file", whose names the block lists.
func Shape(req schema.ShapeRequest, config json.RawMessage) schema.ShapeResult {
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
