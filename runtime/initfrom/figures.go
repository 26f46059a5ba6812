package initfrom

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// repository is what 'mlp init --from' finds of a team's work so far. Paths are relative to the module, with forward
// slashes; those that were not found are empty.
type repository struct {
	figures      string // the file of figures
	script       string // what trains
	requirements string // what the script needs
	dockerfile   string
}

var (
	figuresName = lazyregexp.New(`^(metrics|scores|results|(test|eval|evaluation|train)_metrics|metrics_(test|eval))\.json$`)
	scriptName  = lazyregexp.New(`(?i)^train.*\.(py|r)$`)
)

// depth is how many folders deep a repository is looked through: results/2026/metrics.json is found, and no deep tree of data is walked.
const depth = 3

// look finds what is there, of several the one nearest to the top, then the first by name. Hidden folders and those of
// installed packages are left out, and so are links, which could lead anywhere. from is an absolute folder, dir that of
// the module, which paths are made relative to.
func look(dir, from string) (*repository, error) {
	var paths []string
	err := filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil || rel == "." {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "venv", "env", "site-packages", "__pycache__", "renv"}, d.Name()) ||
				strings.Count(rel, "/") >= depth {
				return fs.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() {
			paths = append(paths, rel)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking through %s: %w", from, err)
	}
	slices.SortFunc(paths, func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Count(a, "/"), strings.Count(b, "/")), strings.Compare(a, b))
	})
	base, err := filepath.Rel(dir, from)
	if err != nil {
		return nil, err
	}
	first := func(match func(string) bool) string {
		for _, p := range paths {
			if match(path.Base(p)) {
				return path.Join(filepath.ToSlash(base), p)
			}
		}
		return ""
	}
	named := func(names ...string) string {
		return first(func(name string) bool { return slices.Contains(names, name) })
	}
	return &repository{
		figures: cmp.Or(named("metrics.json"), first(figuresName().MatchString)), script: first(scriptName().MatchString),
		requirements: named("requirements.txt", "pyproject.toml", "renv.lock"), dockerfile: named("Dockerfile"),
	}, nil
}

// Begun is a pipeline that was begun over what a team has.
type Begun struct {
	Wrote   []string // files
	Figures int      // how many were found, and in which file
	From    string
}

// Figures writes a pipeline over what a team has: its script's figures, a gate over them, and, if wanted, an image of
// the script. It validates and plans at once, without data and without a container engine.
//
// The folder must have no pipeline yet.
func Figures(dir, given string, container bool) (*Begun, error) {
	if err := vacant(dir); err != nil {
		return nil, err
	}
	from := given
	if !filepath.IsAbs(from) {
		from = filepath.Join(dir, from)
	}
	info, err := os.Stat(from)
	if err == nil && info.Mode().IsRegular() {
		return nil, &workspace.Failure{Err: fmt.Errorf("%s is a file whose ending stands for no form of a table", given),
			Hint: "--from takes a file of rows, .csv, .tsv, .parquet, .json or .ndjson, or the folder of a repository."}
	}
	if err != nil || !info.IsDir() {
		return nil, &workspace.Failure{Err: fmt.Errorf("there is no folder %s", given), Hint: "--from takes the folder of a repository, relative to -C."}
	}
	found, err := look(dir, from)
	if err != nil {
		return nil, err
	}
	switch {
	case found.figures == "":
		return nil, &workspace.Failure{Err: fmt.Errorf("no metrics.json is in the folder %s", given),
			Hint: `Have the training script write its figures as one JSON object, such as {"auc": 0.84}, and try again.`}
	case container && found.script == "":
		return nil, &workspace.Failure{Err: fmt.Errorf("no training script is in the folder %s", given), Hint: "One named train*.py or train*.R is looked for."}
	}
	figures, err := readFigures(filepath.Join(dir, filepath.FromSlash(found.figures)))
	if err != nil {
		return nil, &workspace.Failure{Err: fmt.Errorf("%s: %w", found.figures, err), Hint: `Expected such as {"auc": 0.84}. NaN and Infinity are no JSON.`}
	}
	// The pipeline is written last: it is what makes the folder one that has a module, and what a second try would stop at.
	wrote := []string{"pipeline.mlp"}
	if container && found.dockerfile == "" {
		found.dockerfile = "Dockerfile"
		if err := workspace.WriteNew(filepath.Join(dir, "Dockerfile"), dockerfile(found)); err != nil {
			return nil, err
		}
		wrote = append(wrote, "Dockerfile")
	}
	if err := workspace.WriteNew(filepath.Join(dir, "pipeline.mlp"), brownfield(pipelineName(dir), found, figures, container)); err != nil {
		return nil, err
	}
	return &Begun{Wrote: wrote, Figures: len(figures), From: found.figures}, nil
}
