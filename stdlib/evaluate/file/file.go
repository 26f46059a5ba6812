// Package file takes figures that were computed elsewhere: a JSON file.
package file

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Component is the evaluation that reads a file.
var Component = component.Component{
	Kind: "evaluate",
	Type: schema.Type{
		Name:     "file",
		Version:  1,
		Summary:  "Figures computed elsewhere, read from a JSON file",
		External: true,
		Doc: "The figures named in `metrics` are read from the file's top level or from under its key `metrics`; a dotted name leads into " +
			"objects, so `test.auc` is `{\"test\": {\"auc\": …}}` and stands at `evaluate.x.metrics.test.auc`. A figure that is not there, or is no number, is undefined: a rule on it is an " +
			"error, never a pass.",
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "path", Type: schema.String, Required: true, Doc: "The JSON file, relative to the module."},
			{Name: "metrics", Type: schema.StringList, Required: true, Doc: "The figures to read."},
		}},
		Out: []schema.Port{{Name: "figures", Type: schema.FiguresPort, Doc: "The figures, under `metrics`."}},
		Examples: []schema.Example{{Title: "A gate over a training script's own figures", Code: `pipeline "churn" {}

evaluate "file" "script" {
  path    = "metrics.json"
  metrics = ["auc", "recall"]
}

gate "release" {
  rule "good enough" { assert = "evaluate.script.metrics.auc >= 0.8" }
}
`}},
	},
	Shape:  shape,
	Source: &component.Source{Files: files},
	Run:    run,
}

// Port is the name of the input that holds the file.
const Port = "files"

type config struct {
	Path    string   `json:"path"`
	Metrics []string `json:"metrics"`
}

func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	if err := json.Unmarshal(req.Config, &c); err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}}
	}
	out := schema.ShapeResult{Problems: c.check()}
	out.Figures = schema.Object(map[string]*schema.FigureType{"metrics": tree(c.Metrics)})
	out.Out = map[string]schema.Shape{"": {Type: schema.FiguresPort, Figures: out.Figures}}
	return out
}

// tree makes nested objects of dotted names.
func tree(names []string) *schema.FigureType {
	root := schema.Object(map[string]*schema.FigureType{})
	for _, name := range names {
		at, parts := root, strings.Split(name, ".")
		for i, p := range parts {
			if i == len(parts)-1 {
				at.Fields[p] = schema.Double
				break
			}
			if f := at.Fields[p]; f == nil || f.Kind != schema.ObjectFigure {
				at.Fields[p] = schema.Object(map[string]*schema.FigureType{})
			}
			at = at.Fields[p]
		}
	}
	return root
}

func (c *config) check() []schema.Problem {
	var out []schema.Problem
	if c.Path == "" {
		out = append(out, schema.Problem{Path: "path", Summary: "The path is empty"})
	}
	if len(c.Metrics) == 0 {
		out = append(out, schema.Problem{Path: "metrics", Summary: "No figure is named", Detail: "Rules can read only the figures that are."})
	}
	for i, name := range c.Metrics {
		at := fmt.Sprintf("metrics[%d]", i)
		for _, p := range strings.Split(name, ".") {
			if !identifier(p) {
				out = append(out, schema.Problem{Path: at, Summary: fmt.Sprintf("%q is no name of a figure", name),
					Detail: "Expected names of letters, digits and underscores, parted by dots."})
				break
			}
		}
		for _, other := range c.Metrics[:i] {
			if name == other {
				out = append(out, schema.Problem{Path: at, Summary: fmt.Sprintf("%q is named twice", name)})
			} else if strings.HasPrefix(name, other+".") || strings.HasPrefix(other, name+".") {
				out = append(out, schema.Problem{Path: at, Summary: fmt.Sprintf("%q and %q cannot both be numbers", other, name), Detail: "One leads into the other."})
			}
		}
	}
	return out
}

func identifier(s string) bool {
	for i, r := range s {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// files is the one file, below its folder.
func files(dir string, raw json.RawMessage) (root string, names []string, err error) {
	var c config
	if err := json.Unmarshal(raw, &c); err != nil {
		return "", nil, fmt.Errorf("reading the configuration: %w", err)
	}
	p := filepath.ToSlash(c.Path)
	full := filepath.FromSlash(p)
	if !filepath.IsAbs(full) {
		full = filepath.Join(dir, full)
	}
	info, err := os.Stat(full)
	switch {
	case err != nil:
		return "", nil, &component.InputError{Summary: fmt.Sprintf("there is no file %s", c.Path), Detail: "It is to hold the figures as JSON; the program that computes them writes it."}
	case !info.Mode().IsRegular():
		return "", nil, &component.InputError{Summary: fmt.Sprintf("%s is no file", c.Path)}
	}
	return path.Dir(p), []string{path.Base(p)}, nil
}

func run(_ context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	name := path.Base(filepath.ToSlash(c.Path))
	raw, err := os.ReadFile(filepath.Join(s.Input(Port), name))
	if err != nil {
		return fmt.Errorf("reading %s: %w", c.Path, err)
	}
	found, err := parse(raw)
	if err != nil {
		return &component.InputError{Summary: fmt.Sprintf("%s: %s", c.Path, err), Detail: "Expected one JSON object of figures."}
	}
	metrics, undefined := map[string]any{}, map[string]string{}
	for _, m := range c.Metrics {
		x, reason := lookup(found, m)
		if reason != "" {
			undefined["metrics."+m] = reason
			s.Warnf("%s: %s: %s", c.Path, m, reason)
		}
		place(metrics, strings.Split(m, "."), x)
	}
	return s.WriteFigures(map[string]any{"metrics": metrics, "undefined": undefined})
}

// parse reads the file. NaN and Infinity, which Python writes although they are not JSON, are taken as strings, so
// that only the figure that is one is undefined.
func parse(raw []byte) (map[string]any, error) {
	raw = quoteConstants(raw)
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if out == nil {
		return nil, fmt.Errorf("not a JSON object: null")
	}
	return out, nil
}

// quoteConstants puts quotes around NaN, Infinity and -Infinity outside of strings.
func quoteConstants(raw []byte) []byte {
	out := make([]byte, 0, len(raw)+16)
	inString := false
	for i := 0; i < len(raw); {
		if inString && raw[i] == '\\' && i+1 < len(raw) {
			out = append(out, raw[i], raw[i+1])
			i += 2
			continue
		}
		if raw[i] == '"' {
			inString = !inString
		}
		word := ""
		for _, w := range []string{"NaN", "Infinity", "-Infinity"} {
			if !inString && strings.HasPrefix(string(raw[i:min(i+len(w), len(raw))]), w) {
				word = w
			}
		}
		if word != "" {
			out = append(append(append(out, '"'), word...), '"')
			i += len(word)
			continue
		}
		out = append(out, raw[i])
		i++
	}
	return out
}

// lookup finds a figure at the top level or under "metrics"; a key with dots in it is found before a path.
func lookup(found map[string]any, name string) (any, string) {
	nested, _ := found["metrics"].(map[string]any)
	for _, m := range []map[string]any{found, nested} {
		if x, ok := walk(m, name); ok {
			return number(x)
		}
	}
	var names []string
	for _, m := range []map[string]any{found, nested} {
		for k := range m {
			names = append(names, k)
		}
	}
	if n := nearest(name, names); n != "" {
		return nil, fmt.Sprintf("the file has no figure %q; it has %q", name, n)
	}
	return nil, fmt.Sprintf("the file has no figure %q", name)
}

func walk(m map[string]any, name string) (any, bool) {
	if x, ok := m[name]; ok {
		return x, true
	}
	first, rest, dotted := strings.Cut(name, ".")
	next, ok := m[first].(map[string]any)
	if !dotted || !ok {
		return nil, false
	}
	return walk(next, rest)
}

func number(x any) (any, string) {
	switch x := x.(type) {
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, "it is not finite"
		}
		return x, ""
	case nil:
		return nil, "it is null"
	case string:
		return nil, fmt.Sprintf("it is %q, not a number", shorten(x))
	}
	return nil, fmt.Sprintf("it is a %s, not a number", kindOf(x))
}

func kindOf(x any) string {
	switch x.(type) {
	case bool:
		return "boolean"
	case []any:
		return "list"
	}
	return "group of figures"
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

func place(into map[string]any, parts []string, x any) {
	if len(parts) == 1 {
		into[parts[0]] = x
		return
	}
	next, ok := into[parts[0]].(map[string]any)
	if !ok {
		next = map[string]any{}
		into[parts[0]] = next
	}
	place(next, parts[1:], x)
}

// nearest is the name that was probably meant; of equals the first in order.
func nearest(name string, names []string) string {
	best, dist := "", 4
	for _, n := range names {
		d := levenshtein.Distance(name, n, nil)
		if d < dist || d == dist && best != "" && n < best {
			best, dist = n, d
		}
	}
	return best
}
