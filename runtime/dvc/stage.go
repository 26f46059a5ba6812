package dvc

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// stages are those that one entry means: itself, or one for each item.
func (r *reader) stages(name string, n *yaml.Node) ([]Stage, error) {
	if n.Kind != yaml.MappingNode {
		return nil, r.errorf(n, "the stage %s is no object", name)
	}
	keys := map[string]*yaml.Node{}
	for key, v := range pairs(n) {
		keys[key] = v
	}
	switch {
	case keys["foreach"] != nil:
		m, err := r.mapping(n, "the stage "+name, "foreach", "do")
		if err != nil {
			return nil, err
		}
		if m["do"] == nil {
			return nil, r.errorf(n, "the stage %s has foreach, and not what to do", name)
		}
		items, err := r.items(m["foreach"])
		if err != nil {
			return nil, err
		}
		return r.each(name, m["do"], items)
	case keys["matrix"] != nil:
		items, err := r.combinations(keys["matrix"])
		if err != nil {
			return nil, err
		}
		return r.each(name, n, items)
	}
	s, err := r.stage(name, n, r.vars)
	return []Stage{s}, err
}

// item is one of foreach or matrix.
type item struct {
	name string
	key  any // of an object's member, else nil
	val  any
}

func (r *reader) each(name string, n *yaml.Node, items []item) ([]Stage, error) {
	var out []Stage
	for _, it := range items {
		scope := make(map[string]any, len(r.vars)+2)
		for k, v := range r.vars {
			scope[k] = v
		}
		scope["item"] = it.val
		delete(scope, "key")
		if it.key != nil {
			scope["key"] = it.key
		}
		s, err := r.stage(name+"@"+it.name, n, scope)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// items are the elements of foreach: of a list by their text, or by their place where one is no scalar; of an object by its keys.
func (r *reader) items(n *yaml.Node) ([]item, error) {
	v, err := r.value(n, r.vars)
	if err != nil {
		return nil, err
	}
	var out []item
	switch v := v.(type) {
	case []any:
		scalars := !slices.ContainsFunc(v, func(x any) bool { _, ok := text(x); return !ok })
		for i, x := range v {
			at := strconv.Itoa(i)
			if scalars {
				at, _ = text(x)
			}
			out = append(out, item{name: at, val: x})
		}
	case map[string]any:
		for _, key := range r.keys(n, v) {
			out = append(out, item{name: key, key: key, val: v[key]})
		}
	default:
		return nil, r.errorf(n, "foreach takes a list or an object")
	}
	return out, nil
}

// combinations are the items of matrix: every choice of a value for each of its names, the last name changing fastest.
func (r *reader) combinations(n *yaml.Node) ([]item, error) {
	v, err := r.value(n, r.vars)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, r.errorf(n, "matrix takes an object of lists")
	}
	out := []item{{val: map[string]any{}}}
	for _, key := range r.keys(n, m) {
		values, ok := m[key].([]any)
		if !ok {
			return nil, r.errorf(n, "%s of matrix is no list", key)
		}
		var next []item
		for _, o := range out {
			for i, x := range values {
				name, scalar := text(x)
				if !scalar {
					name = key + strconv.Itoa(i)
				}
				val := map[string]any{key: x}
				for k, was := range o.val.(map[string]any) {
					val[k] = was
				}
				next = append(next, item{name: strings.TrimPrefix(o.name+"-"+name, "-"), val: val})
			}
		}
		out = next
	}
	return out, nil
}

// keys are those of an object in the order of the file where it stands there, else sorted.
func (r *reader) keys(n *yaml.Node, m map[string]any) []string {
	var out []string
	for key := range pairs(n) {
		out = append(out, key)
	}
	if len(out) != len(m) {
		out = sortedKeys(m)
	}
	return out
}

// stage reads one, with the values of templates in scope.
func (r *reader) stage(name string, n *yaml.Node, scope map[string]any) (Stage, error) {
	s := Stage{Name: name, Line: n.Line, Dir: "."}
	what := "the stage " + name
	m, err := r.mapping(n, what, "cmd", "wdir", "deps", "params", "outs", "metrics", "plots", "frozen", "always_changed", "meta", "desc", "vars", "matrix")
	if err != nil {
		return s, err
	}
	if m["vars"] != nil {
		return s, r.errorf(m["vars"], "vars of a stage are not read: write them at the top of the file")
	}
	if m["cmd"] == nil {
		return s, r.errorf(n, "%s has no cmd", what)
	}
	for _, c := range list(m["cmd"]) {
		line, err := r.templated(c, scope)
		if err != nil {
			return s, err
		}
		s.Commands = append(s.Commands, strings.TrimSpace(line))
	}
	if d := m["desc"]; d != nil {
		s.Description = d.Value
	}
	if d := m["wdir"]; d != nil {
		line, err := r.templated(d, scope)
		if err != nil {
			return s, err
		}
		if s.Dir, err = r.placed(d, ".", line); err != nil {
			return s, err
		}
	}
	if err := r.paths(&s, m, scope); err != nil {
		return s, err
	}
	if s.Params, err = r.params(m["params"], s.Dir, scope); err != nil {
		return s, err
	}
	for key, note := range map[string]string{
		"frozen":         "frozen: DVC does not run the stage again, whatever its inputs are",
		"always_changed": "always_changed: DVC runs the stage each time, whether its inputs moved or not",
	} {
		if d := m[key]; d != nil && d.Value != "false" {
			s.Notes = append(s.Notes, note)
		}
	}
	slices.Sort(s.Notes)
	return s, nil
}

// paths reads what a stage reads and writes.
func (r *reader) paths(s *Stage, m map[string]*yaml.Node, scope map[string]any) error {
	for _, d := range list(m["deps"]) {
		line, err := r.templated(d, scope)
		if err != nil {
			return err
		}
		at, err := r.placed(d, s.Dir, line)
		if err != nil {
			return err
		}
		s.Deps = append(s.Deps, at)
	}
	for _, key := range []string{"outs", "metrics", "plots"} {
		for _, o := range list(m[key]) {
			options := o
			if o.Kind == yaml.MappingNode {
				if len(o.Content) != 2 {
					return r.errorf(o, "an output is a path, or one path with its options")
				}
				o, options = o.Content[0], followed(o.Content[1])
			}
			line, err := r.templated(o, scope)
			if err != nil {
				return err
			}
			at, err := r.placed(o, s.Dir, line)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(s.Outs, func(was string) bool { return Within(at, was) || Within(was, at) }) {
				return r.errorf(o, "%s is written twice, or lies in another output", at)
			}
			for option, v := range pairs(options) {
				if option == "persist" && v.Value == "true" {
					s.Notes = append(s.Notes, at+" persists: DVC leaves what the last run wrote there, so that the next goes on with it")
				}
			}
			s.Outs = append(s.Outs, at)
			if key == "metrics" {
				s.Metrics = append(s.Metrics, at)
			}
		}
	}
	return nil
}

// params reads what a stage is told of files of parameters: names in params.yaml, or an object of a file and the names in it. A file without names is read whole.
func (r *reader) params(n *yaml.Node, dir string, scope map[string]any) ([]Params, error) {
	names := map[string][]string{}
	var order []string
	add := func(file string, keys ...string) {
		if !slices.Contains(order, file) {
			order = append(order, file)
		}
		names[file] = append(names[file], keys...)
	}
	whole := map[string]bool{}
	for _, p := range list(n) {
		if p.Kind != yaml.MappingNode {
			line, err := r.templated(p, scope)
			if err != nil {
				return nil, err
			}
			add(path.Join(dir, defaultParams), line)
			continue
		}
		for file, keys := range pairs(p) {
			at, err := r.placed(p, dir, file)
			if err != nil {
				return nil, err
			}
			add(at)
			if len(list(keys)) == 0 || keys.Tag == "!!null" {
				whole[at] = true
				continue
			}
			for _, key := range list(keys) {
				line, err := r.templated(key, scope)
				if err != nil {
					return nil, err
				}
				add(at, line)
			}
		}
	}
	var out []Params
	for _, file := range order {
		values, err := r.paramsOf(n, file)
		if err != nil {
			return nil, err
		}
		if !whole[file] {
			if values, err = chosen(values, names[file]); err != nil {
				return nil, r.errorf(n, "%s: %w", file, err)
			}
		}
		out = append(out, Params{File: file, Values: values})
	}
	return out, nil
}

// paramsOf are the values of a file of parameters.
func (r *reader) paramsOf(n *yaml.Node, file string) (map[string]any, error) {
	if ext := path.Ext(file); !slices.Contains([]string{".yaml", ".yml", ".json"}, ext) {
		return nil, r.errorf(n, "%s: parameters are read of YAML and JSON; have the file in deps", file)
	}
	doc, err := r.document(file)
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
