// Package container is the trainer that is anyone's image: a command that reads tables and writes a model under the
// stage protocol (spec/protocol.md), in whatever language. Its model is opaque: only a command of the same image scores
// it. The executor runs the image; this package says what the block takes and what is wrong with it.
package container

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// Component is train "container". It has no Run: its stages carry a container of their own.
var Component = component.Component{
	Kind: "train",
	Type: schema.Type{
		Name:    "container",
		Foreign: true,
		Version: 1,
		Summary: "A model trained by a command of your own image",
		Doc:     doc,
		Body: schema.Body{
			Attrs: attrs(),
			Blocks: []schema.Block{{Name: "params", FreeAttrs: true,
				Doc: "Whatever the command wants to be told: it finds them under `config.params` in stage.json."}},
		},
		Out: []schema.Port{{Name: train.ModelPort, Type: schema.ModelPort,
			Doc: "Whatever files the command writes. Opaque: scored by `predict` only, and not served by `mlp serve`."}},
		Examples: []schema.Example{{Title: "A scikit-learn script", Code: example}},
	},
	Shape:   shape,
	Program: program,
}

// told are the attributes that the predict command finds as its configuration.
// Parameters are not among them: they shaped the model, and scoring has only the model to go by.
var told = []string{"target", "features", "task", "positive", "classes", "env", "format"}

// program reads what the block's commands are and run in.
// What is wrong in it shape tells; an error here is a configuration that is not of this block at all.
// Of a block that has format = "csv", task = "binary", seed = 3 and a block params, the scoring command finds
// {"features": […], "format": "csv", "target": "churned", "task": "binary"} as its configuration.
func program(config json.RawMessage) (*schema.Program, error) {
	var c struct {
		Image   string            `json:"image"`
		Command []string          `json:"command"`
		Predict []string          `json:"predict"`
		Env     map[string]string `json:"env"`
		Network bool              `json:"network"`
		Format  string            `json:"format"`
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(config, &all); err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return !slices.Contains(told, name) })
	known, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return &schema.Program{Image: c.Image, Command: c.Command, Predict: c.Predict, Env: c.Env, Network: c.Network, Format: c.Format, Told: known}, nil
}

// tasks: what the command makes of the data is not known, so it may be any.
var tasks = []schema.Task{schema.Binary, schema.Multiclass, schema.Regression}

// attrs are those of every trainer and those of a program of the user's own. The tables come to the command as they stand, with rows
// that other trainers leave out.
func attrs() []schema.Attr {
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
			Doc: "Of a multiclass task: the values of the target. The scoring command yields a column `score_<class>` for each."},
		schema.Attr{Name: "image", Type: schema.String, Required: true,
			Doc: "The image, an input of the stage: `name:tag`, `name@sha256:…` or an image's id, which the engine has locally (nothing is pulled by itself). " +
				"What the name means is found out when the plan is made, or when the stage runs if it is not built before; another image is another fingerprint."},
		schema.Attr{Name: "command", Type: schema.StringList, Required: true,
			Doc: "The training command, program and arguments. It takes the place of the image's entrypoint; no shell is involved."},
		schema.Attr{Name: "predict", Type: schema.StringList,
			Doc: "The scoring command of the same image. Needed as soon as an `evaluate` or a `deploy` uses the model."},
		schema.Attr{Name: "format", Type: schema.String, Default: "parquet", OneOf: []string{"parquet", "csv", "ndjson"},
			Doc: "How tables come to both commands, and how predictions are taken: `table.parquet`, `table.csv` or `table.ndjson`."},
		schema.Attr{Name: "env", Type: schema.Any,
			Doc: "Further variables of the environment of both commands, as `{ NAME = \"value\" }`. Not for secrets: they are part of the plan."},
		schema.Attr{Name: "secrets", Type: schema.RefList, Unordered: true, Ports: []schema.PortType{schema.SecretPort}, Kinds: []string{"secret"}, Edge: schema.DefinitionEdge,
			Doc: "`secret` blocks whose values both commands find as files in `/mlp/secrets/<name>`. Their versions are part of the fingerprint, the values are not."},
		schema.Attr{Name: "network", Type: schema.Bool, Default: false,
			Doc: "Whether the commands may use the network. What they fetch is not part of the fingerprint."},
	)
}

const doc = `The command reads the tables in ` + "`$MLP_IN_DATA`" + ` (and ` + "`$MLP_IN_VALIDATION`" + `), finds target, features, task and its
parameters under ` + "`config`" + ` in ` + "`$MLP_ROOT/stage.json`" + `, and writes any files to ` + "`$MLP_OUT_MODEL`" + `. It is to read the columns
named in ` + "`features`" + ` and no others: what else the table holds may not be there, or not be known, when the model is used.

The ` + "`predict`" + ` command gets the model at ` + "`$MLP_IN_MODEL`" + ` and a table at ` + "`$MLP_IN_DATA`" + `, and writes a table to
` + "`$MLP_OUT_PREDICTIONS`" + `: one row for each row of the data, in its order, with one column ` + "`score`" + ` (binary: the probability of the
positive class), ` + "`predicted`" + ` (regression), or ` + "`score_<class>`" + ` for each class. The decision of a binary model is at 0.5.

Neither command has a network, privileges, or anywhere to write but its outputs, ` + "`/tmp`" + ` and ` + "`/mlp/checkpoint`" + `. The same inputs
should give the same model: draw from ` + "`$MLP_SEED`" + `. The whole protocol is in spec/protocol.md.`

const example = `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "customer_id"     { type = "varchar" }
  column "tenure"          { type = "bigint" }
  column "monthly_charges" { type = "double" }
  column "churned"         { type = "boolean" }
}

dataset "customers" {
  from = [source.customers]
  key  = ["customer_id"]
  sql  = "select * from customers"
}

split "hash" "parts" {
  from = dataset.customers
  test = 0.25
}

train "container" "forest" {
  data     = split.parts.train
  target   = "churned"
  task     = "binary_classification"
  features = ["tenure", "monthly_charges"]
  image    = "churn-forest:1"
  command  = ["python3", "/app/train.py"]
  predict  = ["python3", "/app/predict.py"]
  format   = "csv"
  seed     = 7
  params {
    trees = 300
  }
}
`

// config is the block as shape looks at it. Env is of any values, so that one that is no string is told by its name.
// # The two commands
//
//	            training                              scoring
//	command     command                               predict
//	reads       $MLP_IN_DATA, $MLP_IN_VALIDATION      $MLP_IN_MODEL, $MLP_IN_DATA
//	writes      $MLP_OUT_MODEL, any files             $MLP_OUT_PREDICTIONS, a table
//	is told     the whole block, with params          told: target, features, task, …
//	is a stage  of the train block                    derived, where an evaluation or a deployment uses the model
//
// A change of params trains again and, since the model is another, scores again; a change of predict only scores again,
// because the training command's stage does not have it in its fingerprint.
//
// # What is checked before it runs
//
// Nothing of the image is known to the compiler, so whatever others find in data must be said: the task, the features,
// the classes of several. What can be seen to fail is refused here, before anybody waits for an hour of training: a
// command line in one string, a class that is listed twice, a variable that no process can have.
type config struct {
	train.Config
	Classes []string       `json:"classes"`
	Image   string         `json:"image"`
	Command []string       `json:"command"`
	Predict []string       `json:"predict"`
	Env     map[string]any `json:"env"`
}

// shape types the model by the block alone: nothing of the image is known, so its features, classes and positive class must
// be said.
// The model's figures are of no type: what a script reports is read by evaluate "file", whose names the block lists.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	env, problems := takeEnv(req.Config)
	var c config
	if err := json.Unmarshal(env, &c); err != nil {
		return schema.ShapeResult{Problems: append(problems, schema.Problem{Summary: "The block cannot be read: " + err.Error()})}
	}
	res := train.Shape(req, &c.Config, tasks)
	out, ok := res.Out[train.ModelPort]
	if !ok {
		return schema.ShapeResult{Problems: append(res.Problems, problems...)}
	}
	problems = append(problems, c.problems(out.Model.Task)...)
	out.Model.Opaque = true
	if out.Model.Task == schema.Multiclass {
		out.Model.Classes = c.Classes
	} else if out.Model.Task == schema.Binary {
		out.Model.Positive = c.positive(req.In[train.DataPort].Table)
	}
	// What figures the command writes is not known before it has run, so rules can't read them.
	return schema.ShapeResult{Out: res.Out, Problems: append(res.Problems, problems...)}
}

// takeEnv leaves env out of a configuration where it is no object, and says so.
// The rest of the block is then still checked, and its mistakes told at once.
func takeEnv(data json.RawMessage) (json.RawMessage, []schema.Problem) {
	var all map[string]json.RawMessage
	var env map[string]any
	if json.Unmarshal(data, &all) != nil || all["env"] == nil || json.Unmarshal(all["env"], &env) == nil {
		return data, nil
	}
	delete(all, "env")
	rest, err := json.Marshal(all)
	if err != nil {
		return data, nil
	}
	return rest, []schema.Problem{{Path: "env", Summary: "env is no map of strings", Hint: `Write it as env = { NAME = "value" }.`}}
}

// positive is the class whose probability is the score, as text.
// Of a text target without positive it is never used: that is a problem of its own.
func (c *config) positive(data *schema.Table) string {
	if c.Positive != "" {
		return c.Positive
	}
	if t := data.Column(c.Target); t != nil && t.Type == "boolean" {
		return "true"
	}
	return "1"
}

// problems of the attributes that only this trainer has.
func (c *config) problems(task schema.Task) []schema.Problem {
	var out []schema.Problem
	add := func(p schema.Problem) { out = append(out, p) }
	if c.Image == "" || strings.ContainsAny(c.Image, " \t\n") {
		add(schema.Problem{Path: "image", Summary: fmt.Sprintf("%q is no name of an image", c.Image), Hint: `Write it as image = "name:tag".`})
	}
	// A shell's habits are the usual mistake: ["python3 train.py"] names a program with a space in it.
	commands := map[string][]string{"command": c.Command, "predict": c.Predict}
	for _, path := range slices.Sorted(maps.Keys(commands)) {
		command := commands[path]
		if (command != nil || path == "command") && (len(command) == 0 || command[0] == "") {
			add(schema.Problem{
				Path:    path,
				Summary: path + " names no program",
				Detail:  "It is a program and its arguments.",
				Hint:    fmt.Sprintf(`Write it as %s = ["python3", "/app/%s.py"].`, path, path),
			})
		}
		if len(command) == 1 && strings.Contains(command[0], " ") {
			add(schema.Problem{
				Path:    path,
				Summary: fmt.Sprintf("The program of %s is %q, with a space in it", path, command[0]),
				Detail:  "No shell takes the command apart.",
				Hint:    fmt.Sprintf("Write it as %s = [%s].", path, quotedFields(command[0])),
			})
		}
	}
	switch {
	case task == schema.Multiclass && len(c.Classes) < 2:
		add(schema.Problem{
			Path:    "classes",
			Summary: "The classes are not listed",
			Detail:  "The columns of the predictions of an opaque model are named by them.",
			Hint:    `Set classes = ["…", "…"].`,
		})
	case task != schema.Multiclass && task != "" && c.Classes != nil:
		add(schema.Problem{Path: "classes", Summary: "classes is for multiclass tasks", Detail: fmt.Sprintf("The task is %s.", task)})
	}
	seen := map[string]bool{}
	for i, class := range c.Classes {
		if seen[class] {
			add(schema.Problem{Path: fmt.Sprintf("classes[%d]", i), Summary: fmt.Sprintf("The class %q is listed twice", class)})
		}
		seen[class] = true
	}
	return append(out, c.envProblems()...)
}

// quotedFields is how a command written as one string would be written as a list.
func quotedFields(command string) string {
	fields := strings.Fields(command)
	for i, f := range fields {
		fields[i] = fmt.Sprintf("%q", f)
	}
	return strings.Join(fields, ", ")
}

// variableName is a name that every shell and language can read (POSIX.1-2017, Base Definitions, 8.1, and small letters).
var variableName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// envProblems holds the variables to names that a process can have, and that are not the protocol's.
// A name is told once, by the first thing that is wrong with it. Values are in the plan, which is why secrets have an
// attribute of their own.
func (c *config) envProblems() []schema.Problem {
	var out []schema.Problem
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		problem := schema.Problem{Path: "env"}
		_, text := c.Env[name].(string)
		switch {
		case !variableName().MatchString(name):
			problem.Summary = fmt.Sprintf("%q is no name of a variable", name)
			problem.Detail = "It has letters, digits and _, and begins with no digit."
		case strings.HasPrefix(name, "MLP_"):
			problem.Summary = fmt.Sprintf("The variable %q is the protocol's", name)
			problem.Detail = "Names that begin with MLP_ are set by mlp."
		case !text:
			problem.Summary = fmt.Sprintf("The variable %q is no string", name)
			problem.Hint = fmt.Sprintf("Write it as %s = %q.", name, fmt.Sprint(c.Env[name]))
		default:
			continue
		}
		out = append(out, problem)
	}
	return out
}
