package initfrom

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/runtime/dvc"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// dvcScript runs a stage of DVC as a stage of mlp. It is written beside the pipeline: a team may read and change it.
//
//go:embed dvc.py
var dvcScript string

// dvcScriptName is what it is called there.
const dvcScriptName = "mlp_dvc.py"

// dvcStage is a stage of DVC with what it is as a block.
type dvcStage struct {
	dvc.Stage
	name    string            // of the block
	files   []string          // patterns of what it reads of the module
	reads   map[string]*reads // what it reads of other stages, by the name of their blocks
	figures []foundFigure     // those that its files of metrics hold now
	image   string
}

// reads are outputs of another stage.
type reads struct{ paths []string }

// isDVC reports whether the file that a pipeline is to begin with is one of DVC, by its name.
func isDVC(given string) bool {
	return slices.Contains([]string{"dvc.yaml", "dvc.yml"}, filepath.Base(given))
}

// DVC writes a pipeline that does what a dvc.yaml says: a stage block for each of its stages, which runs the same commands on the same files, an
// evaluation of each stage with files of metrics, and a gate over the figures that these hold now. DVC is not needed, neither now nor by the pipeline.
func DVC(dir, given string) (*BegunElsewhere, error) {
	if err := canBegin(dir, given); err != nil {
		return nil, err
	}
	files := os.DirFS(dir)
	stages, err := dvc.Read(files, given)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noFile(given)
	}
	if err != nil {
		return nil, &workspace.Failure{Err: err, Hint: "What DVC itself makes of the file: 'dvc dag', and 'dvc repro --dry'."}
	}
	pipeline := pipelineName(dir)
	begun := &BegunElsewhere{Stages: len(stages), Image: pipeline + ":1"}
	blocks, err := dvcBlocks(dir, files, stages, begun)
	if err != nil {
		return nil, err
	}
	requirements := ""
	if _, err := fs.Stat(files, "requirements.txt"); err == nil {
		requirements = "requirements.txt"
	}
	return begun, writeBegun(dir, begun, []writtenFile{
		{"Dockerfile", dvcDockerfile(requirements)}, {dvcScriptName, dvcScript}, {"pipeline.mlp", dvcPipeline(pipeline, given, blocks, begun.Image)},
	})
}

// dvcBlocks finds what the stages are as blocks.
func dvcBlocks(dir string, files fs.FS, stages []dvc.Stage, begun *BegunElsewhere) ([]*dvcStage, error) {
	var out []*dvcStage
	names := map[string]string{}
	for _, s := range stages {
		b := &dvcStage{Stage: s, name: blockName(s.Name, names), reads: map[string]*reads{}, image: begun.Image}
		names[s.Name] = b.name
		for _, u := range dvc.Upstream(stages, s) {
			r := &reads{}
			for _, dep := range s.Deps {
				for _, o := range u.Outs {
					if dvc.Within(dep, o) {
						r.paths = append(r.paths, dep)
					} else if dvc.Within(o, dep) {
						return nil, &workspace.Failure{Err: fmt.Errorf("the stage %s reads the folder %s, and %s writes only %s in it", s.Name, dep, u.Name, o),
							Hint: "Name what it reads of the folder, one dep each, in dvc.yaml."}
					}
				}
			}
			b.reads[names[u.Name]] = r
		}
		if err := b.ofModule(files); err != nil {
			return nil, err
		}
		for _, note := range s.Notes {
			begun.Notes = append(begun.Notes, fmt.Sprintf("%s: %s", s.Name, note))
		}
		if err := dvcFigures(dir, b, begun); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// ofModule finds the files of the module that a stage reads.
func (b *dvcStage) ofModule(files fs.FS) error {
	read := func(dep string) bool {
		for _, r := range b.reads {
			if slices.Contains(r.paths, dep) {
				return true
			}
		}
		return false
	}
	for _, dep := range b.Deps {
		if read(dep) {
			continue
		}
		info, err := fs.Stat(files, dep)
		switch {
		case err != nil:
			hint := "Every dep must be there: a pipeline is planned with the content of its files."
			if _, err := fs.Stat(files, dep+".dvc"); err == nil {
				hint = fmt.Sprintf("DVC keeps it elsewhere: 'dvc pull %s' brings it.", dep)
			}
			return &workspace.Failure{Err: fmt.Errorf("%s, which the stage %s reads, is not there", dep, b.Name), Hint: hint}
		case info.IsDir():
			b.files = append(b.files, dep+"/**/*")
		default:
			b.files = append(b.files, dep)
		}
	}
	slices.Sort(b.files)
	b.files = slices.Compact(b.files)
	return nil
}

// dvcFigures reads the figures that a stage's files of metrics hold now. Those in other forms than JSON, or not there, have none.
func dvcFigures(dir string, b *dvcStage, begun *BegunElsewhere) error {
	for _, m := range b.Metrics {
		if path.Ext(m) != ".json" {
			begun.Notes = append(begun.Notes, fmt.Sprintf("%s: figures are read of JSON; rules cannot read those of %s", b.Name, m))
			continue
		}
		found, err := readFigures(filepath.Join(dir, filepath.FromSlash(m)))
		if err != nil {
			begun.Notes = append(begun.Notes, fmt.Sprintf("%s: the figures of %s are not known now (%v), so no rule reads them; write an evaluation like that of other stages once they are", b.Name, m, err))
			continue
		}
		for _, f := range found {
			if len(b.Metrics) > 1 {
				f.name = strings.TrimSuffix(path.Base(m), ".json") + "." + f.name
			}
			b.figures = append(b.figures, f)
		}
	}
	begun.Figures += len(b.figures)
	return nil
}

// blockName is the name of a stage as one of a block: train@eu-west is train_eu_west. Names that are taken get a number.
func blockName(name string, taken map[string]string) string {
	name = strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(name))
	if name[0] < 'a' || name[0] > 'z' {
		name = "s" + name
	}
	if !syntax.ValidName(name) {
		name += "_"
	}
	used := func(n string) bool {
		for _, was := range taken {
			if was == n {
				return true
			}
		}
		return false
	}
	out := name
	for i := 2; used(out); i++ {
		out = fmt.Sprintf("%s_%d", name, i)
	}
	return out
}
