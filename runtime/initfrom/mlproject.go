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

	"github.com/mlp-lang/mlp/runtime/mlproject"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// mlprojectScript runs an entry point as a stage of mlp. It is written beside the pipeline: a team may read and change it.
//
//go:embed mlproject.py
var mlprojectScript string

// mlprojectScriptName is what it is called there.
const mlprojectScriptName = "mlp_mlproject.py"

// entryPoint is one with what it is as a block.
type entryPoint struct {
	mlproject.EntryPoint
	name      string            // of the block
	variables map[string]string // by parameter
	figures   []foundFigure     // those that its last run logged
}

// parameter is a variable of the pipeline: the same of all entry points that have it with one type and default.
type parameter struct {
	mlproject.Parameter
	name string
}

// isMLproject reports whether the file that a pipeline is to begin with is one of MLflow, by its name.
func isMLproject(given string) bool { return filepath.Base(given) == mlproject.Name }

// MLproject writes a pipeline that does what an MLproject file says: a variable for each parameter, a stage block for each entry point, which runs the same
// command on the project's files, and where runs of it are recorded beside it, an evaluation and a gate over what the last one logged. MLflow's runner is not needed.
func MLproject(dir, given string) (*BegunElsewhere, error) {
	if err := canBegin(dir, given); err != nil {
		return nil, err
	}
	files := os.DirFS(dir)
	p, err := mlproject.Read(files)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noFile(given)
	}
	if err != nil {
		return nil, &workspace.Failure{Err: err, Hint: "What MLflow itself makes of the file: 'mlflow run . --entry-point NAME'."}
	}
	pipeline := pipelineName(dir)
	if p.Name != "" {
		pipeline = nameOf(p.Name)
	}
	begun := &BegunElsewhere{Stages: len(p.EntryPoints), Image: pipeline + ":1", Notes: p.Notes}
	image := begun.Image
	if p.Env.Image != "" {
		image, begun.Image = p.Env.Image, ""
	}
	code, err := projectFiles(files, p, begun)
	if err != nil {
		return nil, err
	}
	entries, parameters, err := entryPoints(files, p, begun)
	if err != nil {
		return nil, err
	}
	wrote := []writtenFile{{mlprojectScriptName, mlprojectScript}, {"pipeline.mlp", mlprojectPipeline(pipeline, p, entries, parameters, code, image)}}
	if begun.Image != "" {
		wrote = slices.Insert(wrote, 0, writtenFile{"Dockerfile", mlprojectDockerfile(p.Env)})
	}
	return begun, writeBegun(dir, begun, wrote)
}

// projectFiles are the patterns of the project's files, which commands see all of: those at its top, and all below its folders. What tools put there is none.
func projectFiles(files fs.FS, p *mlproject.Project, begun *BegunElsewhere) ([]string, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	none := append([]string{mlproject.Name, mlprojectScriptName, "mlruns", "mlartifacts", "mlp.lock", "Dockerfile", "__pycache__", "venv", p.Env.Conda}, p.Env.Files...)
	var out []string
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || slices.Contains(none, name) || slices.Contains([]string{".mlp", ".mlpvars", ".mlptest", ".pyc"}, path.Ext(name)) || name == p.Env.File {
			continue
		}
		if e.IsDir() {
			if below, err := fs.ReadDir(files, name); err == nil && len(below) > 0 {
				out = append(out, name+"/**/*")
			}
			continue
		}
		out = append(out, name)
	}
	err = fs.WalkDir(files, ".", func(at string, d fs.DirEntry, err error) error {
		if err != nil || path.Ext(at) != ".py" || d.IsDir() || at == mlprojectScriptName {
			if d != nil && d.IsDir() && at != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains(none, d.Name())) {
				return fs.SkipDir
			}
			return err
		}
		text, err := fs.ReadFile(files, at)
		for i, line := range strings.Split(string(text), "\n") {
			if strings.Contains(line, "mlflow.run(") || strings.Contains(line, "mlflow.projects.run(") {
				begun.Notes = append(begun.Notes, fmt.Sprintf("%s:%d: it runs an entry point itself, for which a stage has no environment: read the other's stage with from instead", at, i+1))
			}
		}
		return err
	})
	return out, err
}

// entryPoints finds what entry points and their parameters are as blocks.
func entryPoints(files fs.FS, p *mlproject.Project, begun *BegunElsewhere) ([]*entryPoint, []parameter, error) {
	var out []*entryPoint
	var parameters []parameter
	blocks, variables := map[string]string{}, map[string]string{}
	for _, e := range p.EntryPoints {
		b := &entryPoint{EntryPoint: e, name: blockName(e.Name, blocks), variables: map[string]string{}, figures: loggedFigures(files, e.Name)}
		blocks[e.Name] = b.name
		if len(b.figures) == 0 {
			begun.Notes = append(begun.Notes, fmt.Sprintf("%s:%d: no run of %s that logged figures is in mlruns, so nothing says what they are called, and no rule reads them", mlproject.Name, e.Line, e.Name))
		}
		begun.Figures += len(b.figures)
		for _, param := range e.Parameters {
			if err := placedDefault(files, param, begun); err != nil {
				return nil, nil, err
			}
			i := slices.IndexFunc(parameters, func(o parameter) bool {
				return o.Name == param.Name && o.Type == param.Type && o.Default == param.Default
			})
			if i < 0 {
				name := param.Name
				if slices.ContainsFunc(parameters, func(o parameter) bool { return o.Name == name }) {
					name = b.name + "_" + name
				}
				v := parameter{param, blockName(name, variables)}
				variables[fmt.Sprintf("%s %s", e.Name, name)] = v.name
				parameters = append(parameters, v)
				i = len(parameters) - 1
				if param.Default == nil {
					begun.Notes = append(begun.Notes, fmt.Sprintf("%s:%d: the parameter %s has no default: give it with --var %s=…, or a default in pipeline.mlp", mlproject.Name, param.Line, param.Name, v.name))
				}
			}
			b.variables[param.Name] = parameters[i].name
		}
		out = append(out, b)
	}
	return out, parameters, nil
}

// placedDefault looks at the file that a parameter names by default.
func placedDefault(files fs.FS, p mlproject.Parameter, begun *BegunElsewhere) error {
	value, ok := p.Default.(string)
	if !ok || p.Type != "path" && p.Type != "uri" {
		return nil
	}
	if strings.Contains(value, "://") {
		begun.Notes = append(begun.Notes, fmt.Sprintf("%s:%d: %s lies elsewhere, and a stage has no network: have a source fetch it, or set network = true", mlproject.Name, p.Line, value))
		return nil
	}
	if !fs.ValidPath(path.Clean(value)) {
		return &workspace.Failure{Err: fmt.Errorf("%s:%d: %s is no path within the project", mlproject.Name, p.Line, value), Hint: "A stage reads files of the module: have it in the folder."}
	}
	if _, err := fs.Stat(files, path.Clean(value)); err != nil {
		begun.Notes = append(begun.Notes, fmt.Sprintf("%s:%d: there is no %s, which the parameter %s names", mlproject.Name, p.Line, value, p.Name))
	}
	return nil
}
