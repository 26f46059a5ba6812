package program

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Container is a command in an image that the engine has.
type Container struct {
	Run
	Image   string   `json:"image"`
	Command []string `json:"command"`
}

// ContainerAttrs are the attributes of Container, without those of Run.
func ContainerAttrs() []schema.Attr {
	return []schema.Attr{
		{Name: "image", Type: schema.String, Required: true,
			Doc: "The image, an input of the stage: `name:tag`, `name@sha256:…` or an image's id, which the engine has locally (nothing is pulled by itself). " +
				"What the name means is found out when the plan is made, or when the stage runs if it is not built before; another image is another fingerprint."},
		{Name: "command", Type: schema.StringList, Required: true,
			Doc: "The command, program and arguments. It takes the place of the image's entrypoint; no shell is involved."},
	}
}

// Program is what the block means.
func (c *Container) Program() schema.Program {
	return schema.Program{Image: schema.Image{Name: c.Image, Path: "image"}, Command: c.Command, Env: c.Variables(), Network: c.Network, Format: c.Format}
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
