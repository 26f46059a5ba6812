package initfrom

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/format"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// What pipelines that were begun over those of other tools have in common: a script beside the pipeline runs commands as stages, figures come as a table of names and
// values, which an evaluation reads and a gate holds to what they are now.

// BegunElsewhere is a pipeline that was begun over one of another tool.
type BegunElsewhere struct {
	Wrote   []string
	Stages  int
	Figures int
	Image   string // that the stages run in, to be built; "": it is there
	Notes   []string
}

// Elsewhere is what begins a pipeline with a file of another tool; nil of others.
func Elsewhere(given string) func(dir, given string) (*BegunElsewhere, error) {
	switch {
	case isDVC(given):
		return DVC
	case isMLproject(given):
		return MLproject
	}
	return nil
}

// canBegin refuses a folder that has a pipeline, and a file that lies in another one.
func canBegin(dir, given string) error {
	if err := vacant(dir); err != nil {
		return err
	}
	if filepath.Base(given) != given {
		return &workspace.Failure{Err: fmt.Errorf("%s lies in another folder than the pipeline is to", given), Hint: fmt.Sprintf("The paths in it are those of its folder: 'mlp -C %s init --from %s'.", filepath.Dir(given), filepath.Base(given))}
	}
	return nil
}

// noFile is the failure where there is none of that name.
func noFile(given string) error {
	return &workspace.Failure{Err: fmt.Errorf("there is no file %s", given), Hint: "--from takes a dvc.yaml, an MLproject, a file of rows or the folder of a repository, relative to -C."}
}

type writtenFile struct{ name, text string }

// writeBegun writes files that are not there yet. A Dockerfile that is there is the team's own.
func writeBegun(dir string, begun *BegunElsewhere, files []writtenFile) error {
	for _, f := range files {
		err := workspace.WriteNew(filepath.Join(dir, f.name), f.text)
		if errors.Is(err, fs.ErrExist) && f.name == "Dockerfile" {
			continue
		}
		if err != nil {
			return err
		}
		begun.Wrote = append(begun.Wrote, f.name)
	}
	return nil
}

// laidOut is a pipeline in its canonical layout.
func laidOut(text string) string {
	if laid, diags := format.Format([]byte(text), "pipeline.mlp"); !diags.HasErrors() {
		return string(laid)
	}
	return text
}

// figured is a stage with the figures that it yields.
type figured struct {
	name    string
	figures []foundFigure
}

// figuresTable has a stage's table of figures.
const figuresTable = "  format = \"ndjson\"\n  key = [\"name\"]\n  column \"name\" { type = \"varchar\" }\n  column \"value\" { type = \"double\" }\n"

// figuresEvaluation reads that table by the script that wrote it; "" without figures.
func figuresEvaluation(stage, script string, figures []foundFigure) string {
	if len(figures) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "evaluate \"python\" %q {\n  data = stage.%s.table\n  metrics = [\n", stage, stage)
	for _, f := range figures {
		fmt.Fprintf(&b, "    %q,\n", f.name)
	}
	fmt.Fprintf(&b, "  ]\n  script = %s\n  base = local.image\n  format = \"ndjson\"\n}\n\n", syntax.Quote(script))
	return b.String()
}

// figuresGate holds the figures of all stages to what they are now, with some slack; "" without any.
func figuresGate(all []figured) string {
	all = slices.DeleteFunc(slices.Clone(all), func(f figured) bool { return len(f.figures) == 0 })
	var b strings.Builder
	for _, f := range all {
		prefix := ""
		if len(all) > 1 {
			prefix = f.name + "."
		}
		b.WriteString(rules("evaluate."+f.name, prefix, f.figures))
	}
	if b.Len() == 0 {
		return ""
	}
	return "gate \"release\" {\n" + b.String() + "}\n"
}
