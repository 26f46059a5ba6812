// Package dvc reads the pipelines of DVC, dvc.yaml, as its documentation defines them (https://dvc.org/doc/user-guide/project-structure/dvcyaml-files):
// stages with their commands, dependencies, outputs, metrics and parameters; templates (`${…}`) and the stages of `foreach` and `matrix` are written out.
//
// What is not understood is an error with its line. What DVC does and a stage elsewhere does not, such as outputs that persist between runs, is in the
// notes of a stage.
//
// # Resolution
//
// The values of templates are those of `vars` and of params.yaml beside dvc.yaml, which is read whether it is named or not; of two objects under one name
// the members are merged, of anything else two values are an error. In a stage of `foreach`, `item` (and `key`, of an object) come before all others.
//
//	vars: [{ regions: [eu, us] }]
//	stages:
//	  train:
//	    foreach: ${regions}
//	    do:
//	      cmd: python train.py ${item}        # the stages train@eu and train@us
//	      outs: [models/${item}.pkl]
package dvc

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlp-lang/mlp/runtime/yamlfile"
)

// Stage is one stage, its templates resolved. Paths are relative to the folder of dvc.yaml, clean, with forward slashes.
type Stage struct {
	Name        string // of an item of foreach or matrix train@eu
	Description string
	Line        int      // in dvc.yaml
	Commands    []string // for a shell, one after the other, in the folder Dir
	Dir         string
	Deps        []string
	Outs        []string // with metrics and plots
	Metrics     []string // those of Outs that are files of figures
	Params      []Params
	Notes       []string // what DVC does with the stage and others do not

	named []named
}

// Params are what a stage is told of a file of parameters: of YAML or JSON, and none that is among Deps, which is read as it is.
type Params struct {
	File   string
	Values map[string]any // nested as in the file: map[string]any, []any, string, bool, int64, float64, nil
}

// Error is a mistake in a file, or something in it that is not understood.
type Error = yamlfile.Error

// reader reads one dvc.yaml.
type reader struct {
	files  fs.FS
	file   string
	vars   map[string]any
	values int // that were read so far
}

// Read gives the stages of a file in an order in which they can run: each behind those whose outputs it reads, else as they stand.
func Read(files fs.FS, file string) ([]Stage, error) {
	r := &reader{files: files, file: file, vars: map[string]any{}}
	top, err := yamlfile.Document(files, file)
	if err != nil {
		return nil, err
	}
	m, err := r.mapping(top, "dvc.yaml", "stages", "vars", "params", "metrics", "plots", "artifacts", "datasets")
	if err != nil {
		return nil, err
	}
	if n := m["datasets"]; n != nil {
		return nil, r.errorf(n, "datasets are not read: have their files in the folder, as deps of stages")
	}
	if err := r.readVars(m["vars"]); err != nil {
		return nil, err
	}
	if m["stages"] == nil {
		return nil, r.errorf(top, "there are no stages")
	}
	var out []Stage
	for name, n := range yamlfile.Pairs(m["stages"]) {
		more, err := r.stages(name, n)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	if len(out) == 0 {
		return nil, r.errorf(top, "there are no stages")
	}
	for i := range out {
		if err := r.params(&out[i], out); err != nil {
			return nil, err
		}
	}
	return r.ordered(out)
}

func (r *reader) errorf(n *yaml.Node, format string, args ...any) error {
	return yamlfile.Errorf(r.file, n, format, args...)
}

// mapping are the values of an object by key; other keys than those are an error.
func (r *reader) mapping(n *yaml.Node, what string, keys ...string) (map[string]*yaml.Node, error) {
	return yamlfile.Mapping(r.file, n, what, keys...)
}

// ordered puts stages behind those that they read of.
func (r *reader) ordered(stages []Stage) ([]Stage, error) {
	for i, a := range stages {
		for _, b := range stages[:i] {
			if a.Name == b.Name { // foreach and matrix name stages by their values
				return nil, &Error{File: r.file, Line: a.Line, Err: fmt.Errorf("there are two stages %s: a value is listed twice", a.Name)}
			}
			for _, out := range a.Outs {
				if at := slices.IndexFunc(b.Outs, func(o string) bool { return Within(out, o) || Within(o, out) }); at >= 0 {
					return nil, &Error{File: r.file, Line: a.Line, Err: fmt.Errorf("%s is an output of both %s and %s", out, b.Name, a.Name)}
				}
			}
		}
	}
	var out []Stage
	done := map[string]bool{}
	for len(out) < len(stages) {
		before := len(out)
		for _, s := range stages {
			if !done[s.Name] && !slices.ContainsFunc(Upstream(stages, s), func(u Stage) bool { return !done[u.Name] }) {
				out, done[s.Name] = append(out, s), true
				break
			}
		}
		if len(out) == before {
			at := slices.IndexFunc(stages, func(s Stage) bool { return !done[s.Name] })
			return nil, &Error{File: r.file, Line: stages[at].Line, Err: fmt.Errorf("the stage %s reads, by way of others or at once, what it writes", stages[at].Name)}
		}
	}
	return out, nil
}

// Upstream are the stages of which one reads outputs.
func Upstream(stages []Stage, s Stage) []Stage {
	var out []Stage
	for _, u := range stages {
		if slices.ContainsFunc(s.Deps, func(dep string) bool {
			return slices.ContainsFunc(u.Outs, func(o string) bool { return Within(dep, o) || Within(o, dep) })
		}) {
			out = append(out, u)
		}
	}
	return out
}

// Within reports whether a path is a folder's, or lies in it.
func Within(p, folder string) bool {
	return p == folder || folder == "." || strings.HasPrefix(p, folder+"/")
}

// placed is a path of a stage, relative to the folder of dvc.yaml.
func (r *reader) placed(n *yaml.Node, dir, p string) (string, error) {
	switch {
	case strings.Contains(p, "://"):
		return "", r.errorf(n, "%s lies elsewhere: fetch it with a source, or have it in the folder", p)
	case path.IsAbs(p) || strings.HasPrefix(p, "~"):
		return "", r.errorf(n, "%s is no path within the folder of %s", p, r.file)
	}
	at := path.Join(dir, p)
	if at == ".." || strings.HasPrefix(at, "../") {
		return "", r.errorf(n, "%s leads out of the folder of %s", p, r.file)
	}
	return at, nil
}
