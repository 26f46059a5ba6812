// Package program is what blocks share whose stage is somebody's code: the attributes that say what runs, in which image and with what, what is wrong
// with them, and the program that they mean. A block of type "container" names an image and a command in it; one of type "python" a script of the module
// and what it needs, of which an image is made.
package program

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Run are the attributes that say with what a command runs, whatever it is in.
type Run struct {
	Env     map[string]any `json:"env"` // of any values, so that one that is no string is told by its name
	Network bool           `json:"network"`
	Format  string         `json:"format"`

	Architecture string `json:"architecture"`

	Replicas *int `json:"replicas"` // of kinds with ReplicasAttr; nil: one
}

// ReplicasAttr says that a command may run several times at once.
func ReplicasAttr(command string) schema.Attr {
	return schema.Attr{Name: "replicas", Type: schema.Integer,
		Doc: "How many times " + command + " runs at once, as the ranks of one training: each in a container of its own with all inputs, and with `RANK`, `WORLD_SIZE`, `LOCAL_RANK`, `MASTER_ADDR` and `MASTER_PORT` as PyTorch has them. They reach each other and, without `network`, nobody else. " +
			"The outputs, figures, progress and checkpoint are those of rank 0; a rank that fails ends them all. `memory_mb`, `cpus` and `gpus` are those of each."}
}

// mostReplicas bounds what a typing error may ask for.
const mostReplicas = 1024

// ranks are the variables that a replica has (spec/protocol.md).
var ranks = []string{"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"}

// count is the number of replicas, 0 where that is not valid.
func (r *Run) count() int {
	switch {
	case r.Replicas == nil:
		return 1
	case *r.Replicas < 1 || *r.Replicas > mostReplicas:
		return 0
	}
	return *r.Replicas
}

// RunAttrs are those of Run, and the secrets that the command finds. commands is how messages and documentation name what runs: "both commands".
func RunAttrs(commands string) []schema.Attr {
	return []schema.Attr{
		{Name: "format", Type: schema.String, Default: "parquet", OneOf: []string{"parquet", "csv", "ndjson"},
			Doc: "How tables come to " + commands + ", and how they are taken: `table.parquet`, `table.csv` or `table.ndjson`."},
		{Name: "env", Type: schema.Any,
			Doc: "Further variables of the environment of " + commands + ", as `{ NAME = \"value\" }`. Not for secrets: they are part of the plan."},
		{Name: "secrets", Type: schema.RefList, Unordered: true, Ports: []schema.PortType{schema.SecretPort}, Kinds: []string{"secret"}, Edge: schema.DefinitionEdge,
			Doc: "`secret` blocks whose values " + commands + " find as files in `/mlp/secrets/<name>`. Their versions are part of the fingerprint, the values are not."},
		{Name: "network", Type: schema.Bool, Default: false,
			Doc: "Whether " + commands + " may use the network. What is fetched is not part of the fingerprint."},
		{Name: "gpus", Type: schema.Integer, Metadata: true,
			Doc: "How many GPUs there are for " + commands + ". The container engine hands them out, with NVIDIA's container toolkit."},
		{Name: "architecture", Type: schema.String, OneOf: []string{"amd64", "arm64"}, Metadata: true,
			Doc: "What the image must be built for. A plan is refused whose image is for another; without it an image for another architecture fails when it runs, unless the machine emulates that."},
	}
}

// Variables are the block's own variables of the environment.
func (r *Run) Variables() map[string]string {
	if len(r.Env) == 0 {
		return nil
	}
	out := map[string]string{}
	for name, v := range r.Env {
		out[name], _ = v.(string) // another is refused (Problems)
	}
	return out
}

// TakeEnv leaves env out of a configuration where it is no object, and says so.
// The rest of the block is then still checked, and its mistakes told at once.
func TakeEnv(data json.RawMessage) (json.RawMessage, []schema.Problem) {
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

// variableName is a name that every shell and language can read (POSIX.1-2017, Base Definitions, 8.1, and small letters).
var variableName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Problems holds the variables to names that a process can have, and that are not the protocol's, nor taken: those that the block itself sets.
// A name is told once, by the first thing that is wrong with it. Values are in the plan, which is why secrets have an
// attribute of their own.
func (r *Run) Problems(taken ...string) []schema.Problem {
	var out []schema.Problem
	if r.count() == 0 {
		out = append(out, schema.Problem{Path: "replicas", Summary: fmt.Sprintf("replicas = %d is no number of replicas", *r.Replicas), Detail: fmt.Sprintf("It is from 1 to %d.", mostReplicas)})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Env)) {
		problem := schema.Problem{Path: "env"}
		_, text := r.Env[name].(string)
		switch {
		case !variableName().MatchString(name):
			problem.Summary = fmt.Sprintf("%q is no name of a variable", name)
			problem.Detail = "It has letters, digits and _, and begins with no digit."
		case strings.HasPrefix(name, "MLP_"):
			problem.Summary = fmt.Sprintf("The variable %q is the protocol's", name)
			problem.Detail = "Names that begin with MLP_ are set by mlp."
		case slices.Contains(taken, name):
			problem.Summary = fmt.Sprintf("The variable %q is set by the block", name)
			problem.Detail = "It says where code and packages lie."
		case r.count() > 1 && slices.Contains(ranks, name):
			problem.Summary = fmt.Sprintf("The variable %q is set by the block", name)
			problem.Detail = "Each replica has its own."
		case !text:
			problem.Summary = fmt.Sprintf("The variable %q is no string", name)
			problem.Hint = fmt.Sprintf("Write it as %s = %q.", name, fmt.Sprint(r.Env[name]))
		default:
			continue
		}
		out = append(out, problem)
	}
	return out
}

// Told is the part of a configuration that further commands of a block find as theirs: these attributes.
// Of a block that has format = "csv", task = "binary", seed = 3 and a block params, and the names format and task, that is
// {"format": "csv", "task": "binary"}.
func Told(config json.RawMessage, names ...string) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(config, &all); err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return !slices.Contains(names, name) })
	return json.Marshal(all)
}
