// Package build makes an image of a Dockerfile and a context, by the builder of the container engine.
//
// # How
//
// The Dockerfile and the files that it may copy are the code of the stage. The images that it rests on are inputs, by what their names mean when the plan is made, so that
// the build takes these and pulls none. The executor hands all of it to the engine's builder, without a network unless the block asks for one, and takes the layers
// that were built (runtime/executor/docker).
//
//	image "build" "trainer" {           in/code      docker/Dockerfile, docker/train.py
//	  dockerfile = "docker/Dockerfile"  base.0       python:3.11-slim, sha256:4ca7d7… linux/amd64
//	  context    = "docker"             out/image/   image.json, layer-0.tar, …
//	}
package build

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/component/image/dockerfile"
)

// Component is image.build.
var Component = component.Component{
	Kind: schema.ImageKind,
	Type: schema.Type{Name: "build", Version: 1, Foreign: true, Summary: "An image built of a Dockerfile", Doc: doc,
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "dockerfile", Type: schema.String, Default: "Dockerfile", Doc: "The Dockerfile, a file of the module. An edit is a cause in the plan, with its line."},
			{Name: "context", Type: schema.String, Default: ".",
				Doc: "The folder of the module that `COPY` copies from. A `.dockerignore` in it leaves files out. Where it is a folder of its own, all that is below it is copied from; of the module's folder itself only `files`."},
			{Name: "files", Type: schema.StringList, Unordered: true,
				Doc: "The files that `COPY` finds: names and patterns such as `src/**/*.py`, relative to the context. Files that are not listed are not there. They are inputs: an edit builds again."},
			{Name: "target", Type: schema.String, Doc: "The stage of the Dockerfile that is the image. Default: the last."},
			{Name: "args", Type: schema.Any, Doc: "Values of the Dockerfile's `ARG`s, as `{ NAME = \"value\" }`. Not for secrets: they are part of the plan, and of the image's history."},
			{Name: "images", Type: schema.RefMap, Ports: []schema.PortType{schema.ImagePort},
				Doc: "Images of other blocks that the Dockerfile rests on: `{ base = image.base }` is the image of `FROM base` and of `COPY --from=base`. All others are images that the engine has, by their names."},
			{Name: "network", Type: schema.Bool, Default: false, Doc: "Whether `RUN` may use the network. What is fetched is not part of the fingerprint."},
			{Name: "architecture", Type: schema.String, OneOf: []string{"amd64", "arm64"}, Metadata: true, Doc: "What the image must be built for. A plan is refused that rests on an image for another."},
		}},
		Out:      []schema.Port{{Name: string(schema.ImagePort), Type: schema.ImagePort, Doc: "The image, for `image` and `base` of blocks that run in it, and for `images` of further builds."}},
		Examples: []schema.Example{{Title: "A Dockerfile", Code: example, Files: []schema.ExampleFile{{Name: "docker/Dockerfile", Code: exampleFile}, {Name: "docker/train.py", Code: "print(\"trained\")\n"}}}}},
	Shape: shape,
	Program: func(data json.RawMessage) (*schema.Program, error) {
		var c config
		if err := json.Unmarshal(data, &c); err != nil {
			return nil, err
		}
		return c.program(), nil
	},
	Bases: bases,
}

type config struct {
	Dockerfile string   `json:"dockerfile"`
	Context    string   `json:"context"`
	Files      []string `json:"files"`
	Target     string   `json:"target"`
	Args       any      `json:"args"`
	Network    bool     `json:"network"`
}

// ignoreFile is beside what it leaves out.
const ignoreFile = ".dockerignore"

// args are the values of arguments; false: one is no text.
func (c *config) args() (map[string]string, bool) {
	if c.Args == nil {
		return nil, true
	}
	all, ok := c.Args.(map[string]any)
	out := map[string]string{}
	for name, v := range all {
		text, is := v.(string)
		out[name], ok = text, ok && is
	}
	return out, ok
}

// program is what the block means.
func (c *config) program() *schema.Program {
	args, _ := c.args() // others are refused (shape)
	from := path.Clean(c.Context)
	p := &schema.Program{Network: c.Network, Build: &schema.Build{Dockerfile: path.Clean(c.Dockerfile), Context: from, Target: c.Target, Args: args},
		Code: []schema.Files{{Path: "dockerfile", Patterns: []string{path.Clean(c.Dockerfile)}}}}
	copied := schema.Files{Path: "files", Ignore: path.Join(from, ignoreFile)}
	for _, pattern := range c.Files {
		copied.Patterns = append(copied.Patterns, path.Join(from, pattern))
	}
	if len(c.Files) == 0 && from != "." {
		copied.Path, copied.Patterns = "context", []string{from + "/**/*"}
	}
	if len(copied.Patterns) > 0 {
		p.Code = append(p.Code, copied)
	}
	return p
}

// shape yields the image.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	res := schema.ShapeResult{Out: map[string]schema.Shape{string(schema.ImagePort): {Type: schema.ImagePort}}}
	var c config
	if err := json.Unmarshal(req.Config, &c); err != nil {
		res.Problems = append(res.Problems, schema.Problem{Summary: "The block cannot be read: " + err.Error()})
		return res
	}
	wrong := func(at, summary, hint string) {
		res.Problems = append(res.Problems, schema.Problem{Path: at, Summary: summary, Hint: hint})
	}
	if _, ok := c.args(); !ok {
		wrong("args", "args is no map of strings", `Write it as args = { NAME = "value" }.`)
	}
	for attr, name := range map[string]string{"dockerfile": c.Dockerfile, "context": c.Context} {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			wrong(attr, fmt.Sprintf("%q is no path below the folder of the module", name), "")
		}
	}
	slices.SortFunc(res.Problems, func(a, b schema.Problem) int { return cmp.Compare(a.Path, b.Path) })
	return res
}

// bases reads the Dockerfile: which images it rests on, and what is wrong with it.
func bases(b schema.Build, network bool, given []string, files fs.FS, left, ignored []string) ([]string, *schema.Problem) {
	text, err := fs.ReadFile(files, b.Dockerfile)
	if err != nil {
		return nil, &schema.Problem{Path: "dockerfile", Summary: err.Error()}
	}
	f, err := dockerfile.Parse(text, b.Target, b.Args)
	if err != nil {
		return nil, told(b, err)
	}
	err = f.Copies(dockerfile.Context{Names: within(b, left), Ignored: within(b, ignored), File: within(b, []string{b.Dockerfile})[0], Network: network, Exists: func(name string) bool {
		_, err := fs.Stat(files, path.Join(b.Context, name))
		return err == nil
	}})
	if err != nil {
		return nil, told(b, err)
	}
	all, err := f.Bases()
	if err != nil {
		return nil, told(b, err)
	}
	used := map[string]bool{}
	var names []string
	for _, base := range all {
		used[base.Name] = true
		if !slices.Contains(given, base.Name) {
			names = append(names, base.Name)
		}
	}
	for _, name := range given {
		if !used[name] {
			return nil, &schema.Problem{Path: "images", Summary: fmt.Sprintf("%s uses no image %q", b.Dockerfile, name),
				Hint: fmt.Sprintf("Write FROM %s there, or leave it out of images.", name)}
		}
	}
	return names, nil
}

// within are names of files relative to the context.
func within(b schema.Build, names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = strings.TrimPrefix(name, b.Context+"/")
	}
	return out
}

// told is a mistake with its place: "docker/Dockerfile:3: …".
func told(b schema.Build, err error) *schema.Problem {
	p := &schema.Problem{Path: "dockerfile", Summary: b.Dockerfile + ": " + err.Error()}
	var wrong *dockerfile.Error
	if errors.As(err, &wrong) {
		p.Detail = wrong.Detail
		if wrong.Line > 0 {
			p.Summary = fmt.Sprintf("%s:%d: %s", b.Dockerfile, wrong.Line, wrong.Summary)
		}
	}
	return p
}

const doc = `The Dockerfile and what it copies are inputs: an edit is a cause in the plan, with its line, and is built once. What ` + "`FROM`" + ` and ` + "`COPY --from`" + ` name is found out when the plan is made, and
the build gets just that image; none is pulled. ` + "`RUN`" + ` has no network unless the block asks for one.

Files of the context have one time, one owner and the mode 755, whatever they have in the module.

The engine's own builder builds it, and not BuildKit: ` + "`RUN --mount`" + `, ` + "`COPY --link`" + ` and texts within the Dockerfile (` + "`<<EOF`" + `) are refused. Files that the build makes have the time of ` + "`SOURCE_DATE_EPOCH`" + `,
1 January 1980, which ` + "`RUN`" + ` finds: what a ` + "`RUN`" + ` writes the same each time is the same image.`

const example = `pipeline "churn" {}

image "build" "trainer" {
  dockerfile = "docker/Dockerfile"
  context    = "docker"
}

stage "container" "report" {
  image   = image.trainer
  command = ["python3", "/app/train.py"]
}
`

const exampleFile = `FROM python:3.11-slim
COPY train.py /app/
`
