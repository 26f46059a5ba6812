package program

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/image/archive"
)

// Container is a command in an image that the engine has.
type Container struct {
	Run
	Image   string   `json:"image"`
	Archive string   `json:"archive"`
	Command []string `json:"command"`

	made bool // the image is one of a block
}

// ContainerAttrs are the attributes of Container, without those of Run.
func ContainerAttrs() []schema.Attr {
	return []schema.Attr{
		{Name: "image", Type: schema.Ref, OrText: true, Ports: []schema.PortType{schema.ImagePort},
			Doc: "The image, an input of the stage: one that a block makes, `image.trainer`, or the name of one: `name:tag`, `name@sha256:…` or an image's id, which the engine has locally; `registry.example/name:tag`, which it has, or else that registry, which is asked with the credentials of `docker login`. " +
				"What a name means is found out when the plan is made, or when the stage runs if it is not built before; another image is another fingerprint."},
		{Name: "archive", Type: schema.String,
			Doc: "The image in a file of the module, in place of `image`: `trainer.tar`, as `docker save` writes it (also `.tar.gz`), or the tar or folder of an OCI image layout. Its content is an input of the stage, which needs no registry and no engine to be planned. " +
				"Of one with images for several machines `architecture` says which."},
		{Name: "command", Type: schema.StringList, Required: true,
			Doc: "The command, program and arguments. It takes the place of the image's entrypoint; no shell is involved."},
	}
}

// Takes notes what flows into the block: the image may be one of another block.
func (c *Container) Takes(in map[string]schema.Shape) { _, c.made = in["image"] }

// Program is what the block means.
func (c *Container) Program() (schema.Program, error) {
	p := schema.Program{Image: schema.Image{Name: c.Image, Path: "image"}, Command: c.Command, Env: c.Variables(), Network: c.Network, Replicas: c.count(), Format: c.Format}
	if c.Archive == "" {
		return p, nil
	}
	made, err := archive.Make(archive.Config{Path: path.Clean(c.Archive), Architecture: c.Architecture})
	p.Image = schema.Image{Path: "archive", Made: made}
	return p, err
}

// Problems are what is wrong with the image, the command and what it runs with.
func (c *Container) Problems() []schema.Problem {
	var out []schema.Problem
	switch {
	case (c.Image != "" || c.made) && c.Archive != "":
		out = append(out, schema.Problem{Path: "archive", Summary: "The block names an image and an archive of one", Hint: "Leave one of them out."})
	case c.Archive == "" && !c.made:
		out = ImageProblems("image", c.Image)
	}
	return slices.Concat(out, CommandProblems("command", c.Command), c.Run.Problems())
}

// ImageProblems are those of an image's name.
func ImageProblems(path, name string) []schema.Problem {
	if name != "" && !strings.ContainsAny(name, " \t\n") {
		return nil
	}
	return []schema.Problem{{Path: path, Summary: fmt.Sprintf("%q is no name of an image", name), Hint: fmt.Sprintf(`Write it as %s = "name:tag".`, path)}}
}

// CommandProblems are those of the command at a path. A shell's habits are the usual mistake: ["python3 train.py"] names a program with a space in it.
func CommandProblems(path string, command []string) []schema.Problem {
	switch {
	case len(command) == 0 || command[0] == "":
		return []schema.Problem{{
			Path:    path,
			Summary: path + " names no program",
			Detail:  "It is a program and its arguments.",
			Hint:    fmt.Sprintf(`Write it as %s = ["python3", "/app/%s.py"].`, path, path),
		}}
	case len(command) == 1 && strings.Contains(command[0], " "):
		return []schema.Problem{{
			Path:    path,
			Summary: fmt.Sprintf("The program of %s is %q, with a space in it", path, command[0]),
			Detail:  "No shell takes the command apart.",
			Hint:    fmt.Sprintf("Write it as %s = [%s].", path, quotedFields(command[0])),
		}}
	}
	return nil
}

// quotedFields is how a command written as one string would be written as a list.
func quotedFields(command string) string {
	fields := strings.Fields(command)
	for i, f := range fields {
		fields[i] = fmt.Sprintf("%q", f)
	}
	return strings.Join(fields, ", ")
}
