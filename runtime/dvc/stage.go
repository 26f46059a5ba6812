package dvc

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlp-lang/mlp/runtime/yamlfile"
)

// stages are those that one entry means: itself, or one for each item.
func (r *reader) stages(name string, n *yaml.Node) ([]Stage, error) {
	if n.Kind != yaml.MappingNode {
		return nil, r.errorf(n, "the stage %s is no object", name)
	}
	keys := map[string]*yaml.Node{}
	for key, v := range yamlfile.Pairs(n) {
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
	for key := range yamlfile.Pairs(n) {
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
	if m["cmd"] == nil {
		return s, r.errorf(n, "%s has no cmd", what)
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
	if scope, err = r.within(scope, m["vars"], s.Dir); err != nil {
		return s, err
	}
	for _, c := range yamlfile.List(m["cmd"]) {
		line, err := r.templated(c, scope)
		if err != nil {
			return s, err
		}
		s.Commands = append(s.Commands, strings.TrimSpace(line))
	}
	if d := m["desc"]; d != nil {
		if s.Description, err = r.templated(d, scope); err != nil {
			return s, err
		}
	}
	if err := r.paths(&s, m, scope); err != nil {
		return s, err
	}
	if s.named, err = r.named(m["params"], s.Dir, scope); err != nil {
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
	for _, d := range yamlfile.List(m["deps"]) {
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
		for _, o := range yamlfile.List(m[key]) {
			options := o
			if o.Kind == yaml.MappingNode {
				if len(o.Content) != 2 {
					return r.errorf(o, "an output is a path, or one path with its options")
				}
				o, options = o.Content[0], yamlfile.Followed(o.Content[1])
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
			for option, v := range yamlfile.Pairs(options) {
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
