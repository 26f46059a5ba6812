// Package file takes figures that were computed elsewhere: a JSON file.
//
// A gate may so decide on what a training script of the user's own reports, before anything else of it is known here. Of {"auc":
// 0.91, "test": {"recall": "n/a"}} and metrics = ["auc", "test.recall", "f1"] the figures are metrics.auc 0.91, and two that are
// undefined: text is no number, and f1 is not there. What is not listed is not read, so that a file with hundreds of figures
// changes nothing but its digest.
package file

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Component is the evaluation that reads a file.
var Component = component.Component{
	Kind: "evaluate",
	Type: schema.Type{
		Name:     "file",
		Version:  2,
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

// config is the block. Metrics are names, dotted where they lead into objects.
type config struct {
	Path    string   `json:"path"`
	Metrics []string `json:"metrics"`
}

// shape types the figures by the names that the block lists: the file is not read before the stage runs.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	if err := json.Unmarshal(req.Config, &c); err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}}
	}
	out := Named(req.Config)
	if c.Path == "" {
		out.Problems = append(out.Problems, schema.Problem{Path: "path", Summary: "The path is empty"})
	}
	return out
}

// Named types figures by the names that a block lists in its attribute metrics: what an evaluation yields whose figures are computed elsewhere.
func Named(data json.RawMessage) schema.ShapeResult {
	var c config
	if err := json.Unmarshal(data, &c); err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}}
	}
	out := schema.ShapeResult{Problems: c.check()}
	out.Figures = schema.Object(map[string]*schema.FigureType{"metrics": tree(c.Metrics)})
	out.Out = map[string]schema.Shape{"": {Type: schema.FiguresPort, Figures: out.Figures}}
	return out
}

// tree makes nested objects of dotted names.
// Of test.auc and test.recall it is {test: {auc, recall}}, each a number without bounds: nothing is known of what the
// file's author calls auc.
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

// check holds the names to what rules can read, and no name may lead into another: "a" and "a.b" cannot both be numbers.
// A name that rules could not spell (`roc-auc` would be roc less auc) is told here, and not at the rule, where the
// message would be of arithmetic.
func (c *config) check() []schema.Problem {
	var out []schema.Problem
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

// identifier reports whether rules can read a name behind a dot: ASCII letters, digits and underscores, no digit first.
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
// The path is no pattern: a * in it is a character of the name.
// files returns the folder in root, as the path names it, and the file's name in it, so that the lock and the plan name
// the file as the block does. A missing file is the mistake of whoever should have run the script before, and says so.
func files(dir string, raw json.RawMessage) (root string, names []string, err error) {
	c, err := component.Decode[config](raw)
	if err != nil {
		return "", nil, err
	}
	p := filepath.ToSlash(c.Path)
	full := filepath.FromSlash(p)
	if !filepath.IsAbs(full) {
		full = filepath.Join(dir, full)
	}
	info, err := os.Stat(full)
	switch {
	case err != nil:
		return "", nil, &component.InputError{Summary: fmt.Sprintf("there is no file %s", c.Path), Detail: "It is to hold the figures as JSON; the program that computes them writes it.", Err: err}
	case !info.Mode().IsRegular():
		return "", nil, &component.InputError{Summary: fmt.Sprintf("%s is no file", c.Path)}
	}
	return path.Dir(p), []string{path.Base(p)}, nil
}

// run takes the figures named out of the file. One that is missing or no number is undefined, with the reason; rules that
// read it do not pass.
// A file that is no JSON object ends the stage; a figure that is missing does not, since the others may be all that a
// gate asks for. Text of the file is quoted in warnings only where the module's data may be shown (Stage.Unquoted): the
// reason that is recorded is the same in both cases.
func run(ctx context.Context, s *component.Stage) error {
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
		return &component.InputError{Summary: fmt.Sprintf("%s: %s", c.Path, err), Detail: "Expected one JSON object of figures.", Bare: c.Path + " is not one JSON object of figures"}
	}
	metrics, undefined := map[string]any{}, map[string]string{}
	for _, m := range c.Metrics {
		x, reason, quoted := lookup(found, m)
		if reason != "" {
			undefined["metrics."+m] = reason // the same whether the file may be quoted or not
			if quoted != "" && !s.Unquoted {
				reason += ": " + quoted
			}
			s.Warnf("%s: %s: %s", c.Path, m, reason)
		}
		place(metrics, strings.Split(m, "."), x)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.WriteFigures(map[string]any{"metrics": metrics, "undefined": undefined})
}
