package stdlib

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// elsewhere are attributes that no component reads when it runs, and where each is read: a file of the tree, and the words in it
// that do so. A release runs nothing; what is declared of tables and columns travels with them.
var elsewhere = map[string]struct{ file, words string }{
	"dataset.container from":       {"runtime/attempt/spec.go", "s.In[in.Port]"},
	"stage.container from":         {"runtime/attempt/spec.go", "s.In[in.Port]"},
	"source.container version":     {"runtime/attempt/spec.go", "n.Config"}, // which the program gets whole
	"feature.container entity":     {"stdlib/feature/foreign/foreign.go", "out.Entity = append(out.Entity, carry(name))"},
	"feature.container max_age":    {"stdlib/feature/foreign/foreign.go", "MaxAge: c.MaxAge"},
	"dataset.python from":          {"runtime/attempt/spec.go", "s.In[in.Port]"},
	"stage.python from":            {"runtime/attempt/spec.go", "s.In[in.Port]"},
	"source.python version":        {"runtime/attempt/spec.go", "n.Config"}, // which the program gets whole
	"feature.python entity":        {"stdlib/feature/foreign/foreign.go", "out.Entity = append(out.Entity, carry(name))"},
	"feature.python max_age":       {"stdlib/feature/foreign/foreign.go", "MaxAge: c.MaxAge"},
	"dataset.sql pii":              {"stdlib/dataset/sql/sql.go", "c.Mark(out, nil)"},
	"dataset.sql protected":        {"stdlib/dataset/sql/sql.go", "c.Mark(out, nil)"},
	"image.build images":           {"runtime/attempt/program.go", "b.Images[name]"},
	"deploy.http key":              {"runtime/serve/follow.go", `json:"key"`},
	"source.csv sha256":            {"stdlib/source/remote/remote.go", "SHA256: c.SHA256"},
	"source.csv max_bytes":         {"stdlib/source/remote/remote.go", "MaxBytes: Bytes(c.MaxBytes)"},
	"source.csv token":             {"compiler/planner/secrets.go", "Yields(schema.SecretPort)"},
	"source.json sha256":           {"stdlib/source/remote/remote.go", "SHA256: c.SHA256"},
	"source.json max_bytes":        {"stdlib/source/remote/remote.go", "MaxBytes: Bytes(c.MaxBytes)"},
	"source.json token":            {"compiler/planner/secrets.go", "Yields(schema.SecretPort)"},
	"source.parquet sha256":        {"stdlib/source/remote/remote.go", "SHA256: c.SHA256"},
	"source.parquet max_bytes":     {"stdlib/source/remote/remote.go", "MaxBytes: Bytes(c.MaxBytes)"},
	"source.parquet token":         {"compiler/planner/secrets.go", "Yields(schema.SecretPort)"},
	"evaluate.backtest of":         {"stdlib/evaluate/backtest/backtest.go", "windows(s.In)"},
	"model.file sha256":            {"stdlib/source/remote/remote.go", "SHA256: c.SHA256"},
	"model.file max_bytes":         {"stdlib/source/remote/remote.go", "MaxBytes: Bytes(c.MaxBytes)"},
	"model.file trained_on":        {"compiler/check/seen.go", "r.Spec.Rows == schema.FittedRows"},
	"select.best backtests":        {"stdlib/select/best/windows.go", "s.Input(backtestsPort"},
	"select.best candidates":       {"stdlib/select/best/run.go", "model.Named(c.stage.In, candidatesPort)"},
	"source.postgres pii":          {"stdlib/source/local/columns.go", "PII: c.PII"},
	"source.postgres protected":    {"stdlib/source/local/columns.go", "Protected: c.Protected"},
	"source.postgres url":          {"stdlib/source/postgres/postgres.go", "URL: c.URL"},
	"source.postgres query":        {"stdlib/source/postgres/postgres.go", "Query: c.query()"},
	"source.postgres version":      {"stdlib/source/postgres/postgres.go", "Version: c.Version"},
	"source.postgres max_bytes":    {"stdlib/source/postgres/postgres.go", "MaxBytes: remote.Bytes(c.MaxBytes)"},
	"source.postgres password":     {"compiler/planner/secrets.go", "Yields(schema.SecretPort)"},
	"source.sqlite pii":            {"stdlib/source/local/columns.go", "PII: c.PII"},
	"source.sqlite protected":      {"stdlib/source/local/columns.go", "Protected: c.Protected"},
	"source.csv pii":               {"stdlib/source/local/columns.go", "PII: c.PII"},
	"source.csv protected":         {"stdlib/source/local/columns.go", "Protected: c.Protected"},
	"source.parquet pii":           {"stdlib/source/local/columns.go", "PII: c.PII"},
	"source.parquet protected":     {"stdlib/source/local/columns.go", "Protected: c.Protected"},
	"source.predictions pii":       {"stdlib/source/local/columns.go", "PII: c.PII"},
	"source.predictions protected": {"stdlib/source/local/columns.go", "Protected: c.Protected"},
	"deploy.http above":            {"runtime/serve/explore.go", "x > *l.Above"},
	"deploy.http among":            {"runtime/serve/explore.go", "slices.Contains(l.Among"},
	"deploy.http below":            {"runtime/serve/explore.go", "x < *l.Below"},
	"deploy.http by":               {"runtime/serve/explore.go", "asked.By == schema.ByRequest"},
	"deploy.http of":               {"runtime/serve/explore.go", "of: asked.Of"},
	"train.ensemble models":        {"stdlib/train/ensemble/ensemble.go", "model.Named(s.In, modelsPort)"},
}

// TestEveryAttributeIsRead: for each attribute that a component declares there is a field of its configuration, and the field is
// read by what runs: not only by what checks it, since a value that is checked and then does nothing says something that does
// not hold.
func TestEveryAttributeIsRead(t *testing.T) {
	tree := parseTree(t)
	for _, c := range Components() {
		name := c.Kind + "." + c.Type.Name
		for _, a := range declared(c.Type.Body) {
			if at, ok := elsewhere[name+" "+a]; ok {
				text, err := os.ReadFile(filepath.Join("..", at.file))
				if err != nil || !strings.Contains(string(text), at.words) {
					t.Errorf("%s: %q is said to be read in %s by %s, and that is not there", name, a, at.file, at.words)
				}
				continue
			}
			if !tree.reads(tree.folder(c), a) {
				t.Errorf("%s: nothing that runs reads %q", name, a)
			}
		}
	}
}

// folder of a component: its own, that of its kind's one type, or its kind's where that has all types.
func (s *sources) folder(c *component.Component) string {
	kind := "stdlib/" + c.Kind
	if own := kind + "/" + c.Type.Name; s.fields[own] != nil {
		return own
	}
	for folder := range s.fields {
		if c.Type.Name == "" && filepath.Dir(folder) == kind && !slices.Contains([]string{"foreign", "container", "python"}, filepath.Base(folder)) {
			return folder
		}
	}
	return kind
}

// declared are the attributes of a body and of its nested blocks that hold values for the stage. References are its inputs.
func declared(b schema.Body) []string {
	var names []string
	for _, a := range b.Attrs {
		if a.Type != schema.Ref && a.Type != schema.RefList && !a.Policy && !a.Metadata {
			names = append(names, a.Name)
		}
	}
	for _, nested := range b.Blocks {
		if !nested.Policy {
			names = append(names, declared(nested.Body)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// sources is the tree of Go files, by folder.
type sources struct {
	fields map[string]map[string][]string // by folder and name in JSON: names of the fields
	used   map[string]map[string]bool     // by folder: names selected, but where attributes are only checked
	uses   map[string][]string            // by folder: folders of stdlib that it imports
}

func parseTree(t *testing.T) *sources {
	t.Helper()
	s := &sources{map[string]map[string][]string{}, map[string]map[string]bool{}, map[string][]string{}}
	set := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, "../"))
		s.add(filepath.Dir(name), file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sources) add(folder string, file *ast.File) {
	if s.fields[folder] == nil {
		s.fields[folder], s.used[folder] = map[string][]string{}, map[string]bool{}
	}
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		if own, ok := strings.CutPrefix(path, "github.com/mlp-lang/mlp/stdlib/"); ok {
			s.uses[folder] = append(s.uses[folder], "stdlib/"+own)
		}
	}
	for _, d := range file.Decls {
		f, isFunc := d.(*ast.FuncDecl)
		checks := isFunc && onlyChecks(f.Name.Name)
		ast.Inspect(d, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.Field:
				s.field(folder, x)
			case *ast.SelectorExpr:
				if !checks {
					s.used[folder][x.Sel.Name] = true
				}
			}
			return true
		})
	}
}

func (s *sources) field(folder string, f *ast.Field) {
	if f.Tag == nil {
		return
	}
	tag, _ := strconv.Unquote(f.Tag.Value)
	name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
	for _, ident := range f.Names {
		s.fields[folder][name] = append(s.fields[folder][name], ident.Name)
	}
}

// onlyChecks tells by a function's name whether it looks at a configuration when the module is loaded, and not when the stage runs.
func onlyChecks(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "shape") || strings.HasPrefix(name, "validate") || strings.HasPrefix(name, "problems")
}

// reads tells whether code in the folder, or in those of stdlib that it imports, reads the field of that name in JSON.
func (s *sources) reads(folder, attribute string) bool {
	folders := []string{folder}
	for i := 0; i < len(folders); i++ {
		for _, next := range s.uses[folders[i]] {
			if !slices.Contains(folders, next) {
				folders = append(folders, next)
			}
		}
	}
	for _, declaring := range folders {
		for _, field := range s.fields[declaring][attribute] {
			for _, reading := range folders {
				if s.used[reading][field] {
					return true
				}
			}
		}
	}
	return false
}
