package dvc

import (
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// defaultParams is the file that parameters and the values of templates are in, where none is named.
const defaultParams = "params.yaml"

// mostValues bounds what aliases can grow to; one that is within itself has no end.
const mostValues = 100_000

// template is ${name} in a text, and \${name}, which stands for itself.
var template = lazyregexp.New(`\\?\$\{\s*([^{}]*?)\s*\}`)

// readVars reads the values of templates.
func (r *reader) readVars(n *yaml.Node) error {
	if _, err := fs.Stat(r.files, path.Join(path.Dir(r.file), defaultParams)); err == nil {
		if err := r.readVarsOf(n, defaultParams); err != nil {
			return err
		}
	}
	for _, v := range list(n) {
		if v.Kind == yaml.MappingNode {
			x, err := r.plain(v)
			if err != nil {
				return err
			}
			if err := merge(r.vars, x.(map[string]any)); err != nil {
				return r.errorf(v, "%w", err)
			}
			continue
		}
		if v.Value == defaultParams {
			continue // read whether it is named or not
		}
		if err := r.readVarsOf(v, v.Value); err != nil {
			return err
		}
	}
	return nil
}

// readVarsOf reads those of a file, params.json or, of some of its members, params.json:train,data.
func (r *reader) readVarsOf(n *yaml.Node, name string) error {
	file, members, _ := strings.Cut(name, ":")
	if n == nil {
		n = &yaml.Node{Line: 1}
	}
	values, err := r.paramsOf(n, file)
	if err != nil {
		return err
	}
	if members != "" {
		values, err = chosen(values, strings.Split(members, ","))
	}
	if err == nil {
		err = merge(r.vars, values)
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
	n = followed(n)
	if r.values++; r.values > mostValues {
		return nil, r.errorf(n, "the file has more than %d values, those of aliases counted where they stand", mostValues)
	}
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for key, v := range pairs(n) {
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
	return r.scalar(n)
}

func (r *reader) scalar(n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		err := n.Decode(&b)
		return b, err
	case "!!int":
		var i int64
		if err := n.Decode(&i); err != nil {
			return nil, r.errorf(n, "%s is no number of 64 bits", n.Value)
		}
		return i, nil
	case "!!float":
		var f float64
		if err := n.Decode(&f); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, r.errorf(n, "%s is no finite number", n.Value)
		}
		return f, nil
	}
	return n.Value, nil
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
		return pythonFloat(v), true
	}
	return "", false
}

// pythonFloat is a number as Python writes it (https://docs.python.org/3/library/functions.html#repr): the fewest digits that give it back, 1.0 and not 1,
// 1e-05 below 1e-4 and 1e+16 from there on.
func pythonFloat(v float64) string {
	if abs := math.Abs(v); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// templated is a text with its templates resolved.
func (r *reader) templated(n *yaml.Node, scope map[string]any) (string, error) {
	n = followed(n)
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
