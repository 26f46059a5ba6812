package dvc

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/runtime/yamlfile"
)

// defaultParams is the file that parameters and the values of templates are in, where none is named.
const defaultParams = "params.yaml"

// mostValues bounds what aliases can grow to; one that is within itself has no end.
const mostValues = 100_000

// template is ${name} in a text, and \${name}, which stands for itself.
var template = lazyregexp.New(`\\?\$\{\s*([^{}]*?)\s*\}`)

// readVars reads the values of templates, those of params.yaml first.
func (r *reader) readVars(n *yaml.Node) error {
	if _, err := fs.Stat(r.files, defaultParams); err == nil {
		if err := r.readVarsOf(r.vars, &yaml.Node{Line: 1}, defaultParams, ""); err != nil {
			return err
		}
	}
	return r.addVars(r.vars, n, ".")
}

// within are the values of templates in a stage that has some of its own. Its files are relative to the folder that it runs in. None may be another than that
// of the same name elsewhere.
func (r *reader) within(scope map[string]any, n *yaml.Node, dir string) (map[string]any, error) {
	if n == nil {
		return scope, nil
	}
	own := copied(scope).(map[string]any)
	return own, r.addVars(own, n, dir)
}

// copied is a value that shares no object with another.
func copied(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := make(map[string]any, len(m))
	for k, x := range m {
		out[k] = copied(x)
	}
	return out
}

// addVars adds the values of vars: objects, and files such as params.json or, of some of its members, params.json:train,data.
func (r *reader) addVars(into map[string]any, n *yaml.Node, dir string) error {
	for _, v := range yamlfile.List(n) {
		if err := r.noTemplates(v); err != nil {
			return err
		}
		if v.Kind == yaml.MappingNode {
			x, err := r.plain(v)
			if err != nil {
				return err
			}
			if err := merge(into, x.(map[string]any)); err != nil {
				return r.errorf(v, "%w", err)
			}
			continue
		}
		name, members, _ := strings.Cut(v.Value, ":")
		file, err := r.placed(v, dir, name)
		if err != nil {
			return err
		}
		if file == defaultParams && members == "" {
			continue // read whether it is named or not
		}
		if err := r.readVarsOf(into, v, file, members); err != nil {
			return err
		}
	}
	return nil
}

// noTemplates refuses them where DVC has none: in vars.
func (r *reader) noTemplates(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		for _, m := range template().FindAllString(n.Value, -1) {
			if m[0] == '$' {
				return r.errorf(n, "%s: vars have no templates", m)
			}
		}
	}
	for _, c := range n.Content {
		if err := r.noTemplates(c); err != nil {
			return err
		}
	}
	return nil
}

// readVarsOf reads those of a file.
func (r *reader) readVarsOf(into map[string]any, n *yaml.Node, file, members string) error {
	values, err := r.paramsOf(n, file)
	if err != nil {
		return err
	}
	if members != "" {
		values, err = chosen(values, strings.Split(members, ","))
	}
	if err == nil {
		err = merge(into, values)
	}
	if err != nil {
		return r.errorf(n, "%w", err)
	}
	return nil
}

func merge(into, more map[string]any) error {
	for _, key := range sortedKeys(more) {
		was, ok := into[key]
		if !ok {
			into[key] = more[key]
			continue
		}
		a, okA := was.(map[string]any)
		b, okB := more[key].(map[string]any)
		if !okA || !okB {
			return fmt.Errorf("%s has two values", key)
		}
		if err := merge(a, b); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// plain is a value as it stands, templates untouched.
func (r *reader) plain(n *yaml.Node) (any, error) { return r.value(n, nil) }

// value is a value with the templates of its texts resolved, where there is a scope. A text that is one template and nothing else is the value itself.
func (r *reader) value(n *yaml.Node, scope map[string]any) (any, error) {
	n = yamlfile.Followed(n)
	if r.values++; r.values > mostValues {
		return nil, r.errorf(n, "the file has more than %d values, those of aliases counted where they stand", mostValues)
	}
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for key, v := range yamlfile.Pairs(n) {
			if key == "<<" {
				return nil, r.errorf(n, "merge keys are not read")
			}
			x, err := r.value(v, scope)
			if err != nil {
				return nil, err
			}
			out[key] = x
		}
		return out, nil
	case yaml.SequenceNode:
		out := []any{}
		for _, v := range n.Content {
			x, err := r.value(v, scope)
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
		return out, nil
	}
	if scope != nil && n.Tag == "!!str" {
		if m := template().FindStringSubmatch(n.Value); m != nil && m[0] == n.Value && n.Value[0] == '$' {
			v, err := member(scope, m[1])
			if err != nil {
				return nil, r.errorf(n, "%s: %w", n.Value, err)
			}
			return v, nil
		}
		return r.templated(n, scope)
	}
	return yamlfile.Scalar(r.file, n)
}

// text is a scalar as it stands in a command.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return yamlfile.PythonFloat(v), true
	}
	return "", false
}

// templated is a text with its templates resolved.
func (r *reader) templated(n *yaml.Node, scope map[string]any) (string, error) {
	n = yamlfile.Followed(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", r.errorf(n, "this is no text")
	}
	var wrong error
	out := template().ReplaceAllStringFunc(n.Value, func(m string) string {
		if m[0] == '\\' {
			return m[1:]
		}
		name := template().FindStringSubmatch(m)[1]
		v, err := member(scope, name)
		if err != nil {
			wrong = r.errorf(n, "%s: %w", m, err)
			return ""
		}
		s, ok := text(v)
		if !ok && wrong == nil {
			wrong = r.errorf(n, "%s is no text, number or truth value: name its members", m)
		}
		return s
	})
	return out, wrong
}
