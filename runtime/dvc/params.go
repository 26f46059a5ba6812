package dvc

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlp-lang/mlp/runtime/yamlfile"
)

// named is what a stage names of a file of parameters.
type named struct {
	at    *yaml.Node
	file  string
	names []string // dotted
	whole bool     // all of it
}

// named reads names in params.yaml, or an object of a file and the names in it. A file without names is read whole.
func (r *reader) named(n *yaml.Node, dir string, scope map[string]any) ([]named, error) {
	var out []named
	of := func(at *yaml.Node, file string) *named {
		i := slices.IndexFunc(out, func(x named) bool { return x.file == file })
		if i < 0 {
			i, out = len(out), append(out, named{at: at, file: file})
		}
		return &out[i]
	}
	for _, p := range yamlfile.List(n) {
		if p.Kind != yaml.MappingNode {
			name, err := r.templated(p, scope)
			if err != nil {
				return nil, err
			}
			x := of(p, path.Join(dir, defaultParams))
			x.names = append(x.names, name)
			continue
		}
		for file, keys := range yamlfile.Pairs(p) {
			file, err := r.placed(p, dir, file)
			if err != nil {
				return nil, err
			}
			x := of(p, file)
			if len(yamlfile.List(keys)) == 0 || keys.Tag == "!!null" {
				x.whole = true
				continue
			}
			for _, key := range yamlfile.List(keys) {
				name, err := r.templated(key, scope)
				if err != nil {
					return nil, err
				}
				x.names = append(x.names, name)
			}
		}
	}
	return out, nil
}

// params says what a stage is told of the files that it names values of. DVC's commands find such a file as it is, whatever they name of it. A file that is a
// dep besides, that a stage writes, or that is neither YAML nor JSON is a dep: commands find it as it is, and an edit of any value in it runs the stage.
func (r *reader) params(s *Stage, all []Stage) error {
	for _, x := range s.named {
		if slices.ContainsFunc(s.Deps, func(dep string) bool { return Within(x.file, dep) }) {
			continue
		}
		written := slices.ContainsFunc(all, func(u Stage) bool {
			return slices.ContainsFunc(u.Outs, func(o string) bool { return Within(x.file, o) })
		})
		if written || !slices.Contains(valueFiles, path.Ext(x.file)) {
			s.Deps = append(s.Deps, x.file)
			if !x.whole {
				s.Notes = append(s.Notes, fmt.Sprintf("DVC goes by those values of %s that the stage names; here an edit of any value in it runs the stage", x.file))
			}
			continue
		}
		values, err := r.paramsOf(x.at, x.file)
		if err != nil {
			return err
		}
		told := values
		if !x.whole {
			if told, err = chosen(values, x.names); err != nil {
				return r.errorf(x.at, "%s: %w", x.file, err)
			}
		}
		if left := unnamed("", values, told); len(left) > 0 {
			s.Notes = append(s.Notes, fmt.Sprintf("the commands find %s whole; here they find it without what the stage does not name: %s", x.file, some(left)))
		}
		s.Params = append(s.Params, Params{File: x.file, Values: told})
	}
	slices.Sort(s.Notes)
	return nil
}

// valueFiles are the endings of files whose values are read.
var valueFiles = []string{".yaml", ".yml", ".json"}

// unnamed are the members of an object that another does not have, by dotted names.
func unnamed(prefix string, all, told map[string]any) []string {
	var out []string
	for _, key := range sortedKeys(all) {
		v, ok := told[key]
		if !ok {
			out = append(out, prefix+key)
			continue
		}
		a, okA := all[key].(map[string]any)
		t, okT := v.(map[string]any)
		if okA && okT {
			out = append(out, unnamed(prefix+key+".", a, t)...)
		}
	}
	return out
}

// some are the first few of a list, for a line of text.
func some(list []string) string {
	const few = 5
	if len(list) <= few {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:few], ", "), len(list)-few)
}

// paramsOf are the values of a file of parameters.
func (r *reader) paramsOf(n *yaml.Node, file string) (map[string]any, error) {
	if !slices.Contains(valueFiles, path.Ext(file)) {
		return nil, r.errorf(n, "%s: values for templates are read of YAML and JSON; write those that templates take under vars", file)
	}
	doc, err := yamlfile.Document(r.files, file)
	if err != nil {
		return nil, r.errorf(n, "%w", err)
	}
	v, err := (&reader{files: r.files, file: file}).plain(doc)
	if err != nil {
		return nil, r.errorf(n, "%w", err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, r.errorf(n, "%s is no object", file)
	}
	return m, nil
}

// chosen are the members that dotted names mean, nested as they were. Of a place in a list it is the list.
func chosen(values map[string]any, names []string) (map[string]any, error) {
	out := map[string]any{}
	for _, name := range names {
		if _, err := member(values, name); err != nil {
			return nil, err
		}
		steps := steps(name)
		for i := range steps[1:] {
			if x, err := member(values, strings.Join(steps[:i+1], ".")); err == nil {
				if _, ok := x.([]any); ok {
					steps = steps[:i+1]
					break
				}
			}
		}
		v, err := member(values, strings.Join(steps, "."))
		if err != nil {
			return nil, err
		}
		into := out
		for _, step := range steps[:len(steps)-1] {
			next, ok := into[step].(map[string]any)
			if !ok {
				next = map[string]any{}
				into[step] = next
			}
			into = next
		}
		if _, ok := into[steps[len(steps)-1]]; !ok {
			into[steps[len(steps)-1]] = v
		}
	}
	return out, nil
}

// steps are those of a dotted name, in which a place in a list may stand in brackets: a.b[1] is a, b, 1.
func steps(name string) []string {
	return strings.Split(strings.NewReplacer("[", ".", "]", "").Replace(name), ".")
}

// member is what a dotted name means within an object.
func member(v any, name string) (any, error) {
	for _, step := range steps(name) {
		switch x := v.(type) {
		case map[string]any:
			next, ok := x[step]
			if !ok {
				return nil, fmt.Errorf("there is no %s", name)
			}
			v = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(x) {
				return nil, fmt.Errorf("there is no %s", name)
			}
			v = x[i]
		default:
			return nil, fmt.Errorf("there is no %s", name)
		}
	}
	return v, nil
}
