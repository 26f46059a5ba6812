package file

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/source/local"
	"github.com/mlp-lang/mlp/stdlib/source/remote"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// tasks: whatever the file's is.
var tasks = []schema.Task{schema.Binary, schema.Multiclass, schema.Regression}

// config is the block.
type config struct {
	train.Config
	Path      string    `json:"path"`
	Format    string    `json:"format"` // of formats; empty: by what the file looks like
	Classes   []string  `json:"classes"`
	Threshold *float64  `json:"threshold"`
	Rounds    *int      `json:"rounds"`
	Said      []feature `json:"feature"`
	// TrainedElsewhere: the author vouches that no row of the pipeline was trained on.
	TrainedElsewhere bool `json:"trained_elsewhere"`
	remote.Options
}

// feature is what the block says of one of its columns.
type feature struct {
	Column string   `json:"name"`
	Called string   `json:"called"` // in the file; empty: as the column
	Levels []string `json:"levels"` // in the order of codes; nil: as the file has them
}

// of is what is said of a column; what is not said is as in the file.
func (c *config) of(column string) feature {
	for _, f := range c.Said {
		if strings.EqualFold(f.Column, column) {
			return f
		}
	}
	return feature{Column: column}
}

// shape types the model by the table and the block; what of them does not fit the file is found when the stage reads it.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := component.Decode[config](req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: err.Error()}}}
	}
	out := train.Shape(req, &c.Config, tasks)
	out.Problems = append(out.Problems, c.Options.Problems(c.Path)...)
	out.Problems = append(out.Problems, c.checkFeatures()...)
	m := out.Out[train.ModelPort].Model
	if m == nil {
		return out
	}
	declared := false
	for port := range req.In {
		declared = declared || strings.HasPrefix(port, trainedOnPort+".")
	}
	out.Problems = append(out.Problems, c.checkLabels(m.Task)...)
	out.Problems = append(out.Problems, c.checkTrained(declared)...)
	if !declared && !c.TrainedElsewhere {
		m.Seen = []schema.Seen{{Use: schema.UnknownRows, By: req.Address}}
	}
	out.Figures = figureType(m.Features)
	return out
}

// checkFeatures holds each block to a feature that is listed, and its levels to be different.
func (c *config) checkFeatures() []schema.Problem {
	var out []schema.Problem
	for _, f := range c.Said {
		at := "feature[" + f.Column + "]"
		listed := false
		for _, name := range c.Features {
			listed = listed || strings.EqualFold(name, f.Column)
		}
		if !listed {
			out = append(out, schema.Problem{Path: at, Summary: fmt.Sprintf("%q is not among the features", f.Column),
				Detail: "Something is said of features alone.", Hint: suggest.DidYouMean(f.Column, c.Features)})
		}
		if f.Levels != nil && len(f.Levels) == 0 {
			out = append(out, schema.Problem{Path: at + ".levels", Summary: "levels is empty", Detail: "A category needs at least one."})
		}
		seen := map[string]int{}
		for i, level := range f.Levels {
			if first, twice := seen[level]; twice {
				out = append(out, schema.Problem{Path: at + ".levels", Summary: fmt.Sprintf("%q stands twice, as the codes %d and %d", level, first, i)})
			}
			seen[level] = i
		}
	}
	return out
}

// checkLabels holds classes, threshold and rounds to the task and to what they can be.
func (c *config) checkLabels(task schema.Task) []schema.Problem {
	var out []schema.Problem
	add := func(path, summary, detail string) {
		out = append(out, schema.Problem{Path: path, Summary: summary, Detail: detail})
	}
	switch n := len(c.Classes); {
	case c.Classes == nil:
	case task == schema.Regression:
		add("classes", "A regression has no classes", "")
	case task == schema.Binary && n != 2:
		add("classes", fmt.Sprintf("A binary task has two classes, not %d", n), "The positive one is the last.")
	case task == schema.Binary && c.Positive != "" && c.Classes[1] != c.Positive:
		add("classes", fmt.Sprintf("The positive class is %q, and the last of classes is %q", c.Positive, c.Classes[1]), "The positive one is the last.")
	case n < 2:
		add("classes", fmt.Sprintf("There are %d classes", n), "A classification has at least two.")
	}
	seen := map[string]bool{}
	for i, class := range c.Classes {
		if seen[class] {
			add(fmt.Sprintf("classes[%d]", i), fmt.Sprintf("The class %q is listed twice", class), "")
		}
		seen[class] = true
	}
	if x := c.Threshold; x != nil {
		switch {
		case task != schema.Binary:
			add("threshold", "threshold is for binary tasks", fmt.Sprintf("The task is %s.", task))
		case !(*x >= 0 && *x <= 1):
			add("threshold", fmt.Sprintf("threshold is %g", *x), "It is a probability, from 0 to 1.")
		}
	}
	if c.Rounds != nil && *c.Rounds < 1 {
		add("rounds", fmt.Sprintf("rounds is %d", *c.Rounds), "It must be at least 1.")
	}
	return out
}

// checkTrained refuses to vouch for what is said to be otherwise.
func (c *config) checkTrained(declared bool) []schema.Problem {
	if !declared || !c.TrainedElsewhere {
		return nil
	}
	return []schema.Problem{{Path: "trained_elsewhere", Summary: "The model is said to be trained elsewhere, and on tables of this pipeline",
		Hint: "leave out trained_elsewhere or trained_on"}}
}

// figureType is the type of the figures.
func figureType(features []schema.Column) *schema.FigureType {
	names := make([]string, len(features))
	for i, f := range features {
		names[i] = f.Name
	}
	return schema.Object(map[string]*schema.FigureType{
		"rounds": schema.Count, "trees": schema.Count, "rows": schema.Count, "unscored": schema.Count, "threshold": schema.Double,
		"unknown": schema.KeyedMap(schema.Share, names...), "importance": schema.KeyedMap(schema.Double, names...),
	})
}

// files is the one file, below its folder. The path is no pattern: several files are several models.
func files(dir string, text json.RawMessage) (root string, names []string, err error) {
	c, err := component.Decode[config](text)
	if err != nil {
		return "", nil, err
	}
	if root, names, err = remote.Find(dir, c.Path); err != nil {
		return root, names, err
	}
	if len(names) > 1 || path.Join(root, names[0]) != path.Clean(c.Path) {
		what := fmt.Sprintf("%q is a pattern of files", c.Path)
		return root, nil, &component.InputError{Summary: what, Bare: what, Detail: fmt.Sprintf("A model is one file, such as %s.", path.Join(root, names[0]))}
	}
	return root, names, nil
}

// only is the file that the stage reads, and its folder.
func only(s *component.Stage) (name string, err error) {
	names, err := s.Names(filesPort)
	if err != nil {
		return "", err
	}
	if len(names) != 1 {
		return "", fmt.Errorf("%s has %d files, and reads one", s.Address, len(names))
	}
	return local.Paths(s.Input(filesPort), names)[0].Path, nil
}
