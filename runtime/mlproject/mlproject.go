// Package mlproject reads an MLproject file of MLflow, as its documentation defines it (https://mlflow.org/docs/latest/projects.html): the environment, and
// entry points with their parameters and commands.
//
// What is not understood is an error with its line. What MLflow does and a stage elsewhere does not is in the notes, with the line too.
//
//	name: wine
//	python_env: python_env.yaml
//	entry_points:
//	  main:
//	    parameters:
//	      data: {type: path, default: wine.csv}
//	      alpha: {type: float, default: 0.5}
//	    command: python train.py {data} --alpha {alpha}
//
// A command is a format string of Python whose fields are parameters: {alpha} is the value as one word of a shell, {{ is a brace. Parameters that no field names
// are not given to the command, unless whoever runs the project gives others than these.
package mlproject

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlp-lang/mlp/runtime/yamlfile"
)

// Name is what the file is called.
const Name = "MLproject"

// Project is what a file says.
type Project struct {
	Name        string // "": it has none
	Env         Environment
	EntryPoints []EntryPoint // as they stand
	Notes       []string     // what cannot be taken over, each with its place
}

// EntryPoint is a command with parameters.
type EntryPoint struct {
	Name       string
	Line       int
	Command    string
	Parameters []Parameter
}

// Parameter of an entry point.
type Parameter struct {
	Name    string
	Line    int
	Type    string // "string", "float", "int", "path" or "uri"
	Default any    // string, bool, int64 or float64; nil: it has none
}

// Number reports whether values of the parameter are numbers.
func (p Parameter) Number() bool { return p.Type == "float" || p.Type == "int" }

// Environment is what commands run in: an image, or packages of Python.
type Environment struct {
	Image    string      // docker_env
	Env      [][2]string // variables, of docker_env
	File     string      // of conda_env or python_env
	Conda    string      // the same, of conda_env
	Python   string      // the version, "3.11"; "": any
	Packages []string    // requirements as pip takes them, in their order
	Files    []string    // files of the project that packages name: requirements.txt
}

type reader struct {
	files fs.FS
	p     *Project
}

// Read reads the file of a project.
func Read(files fs.FS) (*Project, error) {
	top, err := yamlfile.Document(files, Name)
	if err != nil {
		return nil, err
	}
	m, err := yamlfile.Mapping(Name, top, "MLproject", "name", "conda_env", "docker_env", "python_env", "entry_points")
	if err != nil {
		return nil, err
	}
	r := &reader{files, &Project{}}
	if n := m["name"]; n != nil {
		r.p.Name = n.Value
	}
	if err := r.environment(m); err != nil {
		return nil, err
	}
	if m["entry_points"] == nil || m["entry_points"].Kind != yaml.MappingNode {
		return nil, yamlfile.Errorf(Name, top, "there are no entry_points, so that MLflow would run any script by its name: name those that are to be taken over")
	}
	for name, n := range yamlfile.Pairs(m["entry_points"]) {
		e, err := r.entryPoint(name, n)
		if err != nil {
			return nil, err
		}
		r.p.EntryPoints = append(r.p.EntryPoints, e)
	}
	if len(r.p.EntryPoints) == 0 {
		return nil, yamlfile.Errorf(Name, m["entry_points"], "there are no entry_points")
	}
	return r.p, nil
}

func (r *reader) notef(file string, n *yaml.Node, format string, args ...any) {
	r.p.Notes = append(r.p.Notes, fmt.Sprintf("%s:%d: %s", file, n.Line, fmt.Sprintf(format, args...)))
}

// entryPoint reads one.
func (r *reader) entryPoint(name string, n *yaml.Node) (EntryPoint, error) {
	e := EntryPoint{Name: name, Line: n.Line}
	m, err := yamlfile.Mapping(Name, n, "the entry point "+name, "parameters", "command")
	if err != nil {
		return e, err
	}
	if m["command"] == nil || m["command"].Kind != yaml.ScalarNode {
		return e, yamlfile.Errorf(Name, n, "the entry point %s has no command", name)
	}
	e.Command = strings.TrimSpace(m["command"].Value)
	for param, v := range yamlfile.Pairs(m["parameters"]) {
		p, err := r.parameter(param, v)
		if err != nil {
			return e, err
		}
		e.Parameters = append(e.Parameters, p)
	}
	fields, err := Fields(e.Command)
	if err != nil {
		return e, yamlfile.Errorf(Name, m["command"], "the command of %s: %w", name, err)
	}
	for _, f := range fields {
		if !slices.ContainsFunc(e.Parameters, func(p Parameter) bool { return p.Name == f }) {
			return e, yamlfile.Errorf(Name, m["command"], "the command of %s has {%s}, which is none of its parameters", name, f)
		}
	}
	for _, p := range e.Parameters {
		if !slices.Contains(fields, p.Name) {
			r.p.Notes = append(r.p.Notes, fmt.Sprintf("%s:%d: the command of %s does not read the parameter %s", Name, p.Line, name, p.Name))
		}
	}
	return e, nil
}

// parameter reads one: its type alone, or an object of type and default.
func (r *reader) parameter(name string, n *yaml.Node) (Parameter, error) {
	p := Parameter{Name: name, Line: n.Line, Type: "string"}
	if n.Kind == yaml.ScalarNode {
		if n.Tag != "!!null" {
			p.Type = n.Value
		}
	} else {
		m, err := yamlfile.Mapping(Name, n, "the parameter "+name, "type", "default")
		if err != nil {
			return p, err
		}
		if m["type"] != nil {
			p.Type = m["type"].Value
		}
		if d := m["default"]; d != nil {
			if d.Kind != yaml.ScalarNode {
				return p, yamlfile.Errorf(Name, d, "the default of %s is no text or number", name)
			}
			if p.Default, err = yamlfile.Scalar(Name, d); err != nil {
				return p, err
			}
			if err := r.fits(&p, d); err != nil {
				return p, err
			}
		}
	}
	p.Type = strings.ToLower(p.Type)
	if t, ok := map[string]string{"str": "string", "integer": "int", "double": "float"}[p.Type]; ok {
		p.Type = t
	}
	if !slices.Contains([]string{"string", "float", "int", "path", "uri"}, p.Type) {
		return p, yamlfile.Errorf(Name, n, "the parameter %s has the type %s, which is none of string, float, int, path and uri", name, p.Type)
	}
	return p, nil
}

// fits holds a default to its parameter's type. A text is the text that stands in the file: 007 and yes are no numbers and truth values there.
func (r *reader) fits(p *Parameter, n *yaml.Node) error {
	_, whole := p.Default.(int64)
	_, float := p.Default.(float64)
	switch {
	case p.Default == nil:
		return nil // as if there were none
	case p.Type == "int" && !whole, p.Type == "float" && !whole && !float:
		return yamlfile.Errorf(Name, n, "the default of %s is %q, and no %s", p.Name, n.Value, p.Type)
	case !p.Number():
		p.Default = n.Value
	}
	return nil
}

// Fields are the parameters that a command reads, each once, in order.
func Fields(command string) ([]string, error) {
	var out []string
	for i := 0; i < len(command); i++ {
		switch c := command[i]; {
		case c == '{' && strings.HasPrefix(command[i+1:], "{"), c == '}' && strings.HasPrefix(command[i+1:], "}"):
			i++
		case c == '}':
			return nil, fmt.Errorf("a brace that closes stands alone; one that is meant is written twice")
		case c == '{':
			end := strings.IndexByte(command[i:], '}')
			if end < 0 {
				return nil, fmt.Errorf("a brace that opens is not closed; one that is meant is written twice")
			}
			name := command[i+1 : i+end]
			if name == "" || strings.ContainsAny(name, "{!:.[ ") {
				return nil, fmt.Errorf("{%s} is no name of a parameter", name)
			}
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
			i += end
		}
	}
	return out, nil
}

// environment reads what commands run in.
func (r *reader) environment(m map[string]*yaml.Node) error {
	given := 0
	for _, key := range []string{"docker_env", "conda_env", "python_env"} {
		if m[key] != nil {
			given++
		}
	}
	if given > 1 {
		return yamlfile.Errorf(Name, m["entry_points"], "of conda_env, docker_env and python_env there may be one")
	}
	switch {
	case m["docker_env"] != nil:
		return r.docker(m["docker_env"])
	case m["conda_env"] != nil:
		file, err := r.file(Name, m["conda_env"])
		r.p.Env.File, r.p.Env.Conda = file, file
		return err
	case m["python_env"] != nil:
		file, err := r.file(Name, m["python_env"])
		if err != nil {
			return err
		}
		r.p.Env.File = file
		return r.python(file)
	}
	return nil
}

// file is a file of the project that a value names.
func (r *reader) file(in string, n *yaml.Node) (string, error) {
	name := path.Clean(n.Value)
	if n.Kind != yaml.ScalarNode || !fs.ValidPath(name) {
		return "", yamlfile.Errorf(in, n, "%q is no file of the project", n.Value)
	}
	if info, err := fs.Stat(r.files, name); err != nil || info.IsDir() {
		return "", yamlfile.Errorf(in, n, "there is no file %s", name)
	}
	return name, nil
}

// docker reads docker_env.
func (r *reader) docker(n *yaml.Node) error {
	m, err := yamlfile.Mapping(Name, n, "docker_env", "image", "volumes", "environment")
	if err != nil {
		return err
	}
	if m["image"] == nil || m["image"].Value == "" {
		return yamlfile.Errorf(Name, n, "docker_env has no image")
	}
	r.p.Env.Image = m["image"].Value
	for _, v := range yamlfile.List(m["volumes"]) {
		r.notef(Name, v, "the volume %s is not there: a stage reads files of the module and outputs of other stages", v.Value)
	}
	for _, v := range yamlfile.List(m["environment"]) {
		if pair := v.Content; v.Kind == yaml.SequenceNode && len(pair) == 2 {
			r.p.Env.Env = append(r.p.Env.Env, [2]string{pair[0].Value, pair[1].Value})
			continue
		}
		if v.Kind != yaml.ScalarNode {
			return yamlfile.Errorf(Name, v, "environment is a list of names, and of pairs of name and value")
		}
		r.notef(Name, v, "the variable %s is copied from whoever runs the project; a stage has none of them: give it in env, or as a secret", v.Value)
	}
	return nil
}

// python reads a python_env file.
func (r *reader) python(file string) error {
	top, err := yamlfile.Document(r.files, file)
	if err != nil {
		return err
	}
	m, err := yamlfile.Mapping(file, top, file, "name", "python", "build_dependencies", "dependencies")
	if err != nil {
		return err
	}
	if m["python"] != nil {
		r.p.Env.Python = m["python"].Value
	}
	for _, key := range []string{"build_dependencies", "dependencies"} {
		for _, v := range yamlfile.List(m[key]) {
			if v.Kind != yaml.ScalarNode {
				return yamlfile.Errorf(file, v, "%s is a list of texts", key)
			}
			if name, ok := strings.CutPrefix(v.Value, "-r "); ok {
				at := path.Join(path.Dir(file), strings.TrimSpace(name))
				if _, err := fs.Stat(r.files, at); err != nil {
					return yamlfile.Errorf(file, v, "there is no file %s", at)
				}
				r.p.Env.Files = append(r.p.Env.Files, at)
				r.p.Env.Packages = append(r.p.Env.Packages, "-r "+at)
				continue
			}
			r.p.Env.Packages = append(r.p.Env.Packages, v.Value)
		}
	}
	return nil
}
