package source

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestCodesAreExplained(t *testing.T) {
	last := ""
	for _, c := range Codes() {
		if c.Code <= last {
			t.Errorf("%s does not come after %s", c.Code, last)
		}
		last = c.Code
		if c.Cause == "" || c.Cure == "" {
			t.Errorf("%s has no cause or no cure", c.Code)
		}
	}
}

// TestCodesAreUsed holds all packages of this module to the table: what they report has a code of it, by its name, and
// each code of it is reported by one of them at least.
func TestCodesAreUsed(t *testing.T) {
	explained := map[string]bool{}
	for _, c := range Codes() {
		explained[c.Code] = true
	}
	used := map[string]bool{} // by name, such as "CodeType"
	for path, f := range parsed(t, "../..") {
		for name := range namesOfCodes(f) {
			used[name] = true
		}
		if path == filepath.Join("..", "..", "lang", "source", "codes.go") {
			continue
		}
		for _, at := range writtenCodes(f) {
			t.Errorf("%s:%d: a code in digits: give it the name that it has in lang/source/codes.go", path, at)
		}
	}
	values := map[string]string{} // the name of each code declared
	for name, code := range declared(t) {
		switch other := values[code]; {
		case other != "":
			t.Errorf("%s and %s are both %s", name, other, code)
		case !explained[code]:
			t.Errorf("%s (%s) is not in the table", name, code)
		case !used[name]:
			t.Errorf("%s (%s) is reported nowhere", name, code)
		}
		values[code] = name
	}
	for code := range explained {
		if values[code] == "" {
			t.Errorf("%s is in the table and has no name", code)
		}
	}
}

// parsed is all Go files below a folder but tests.
func parsed(t *testing.T, root string) map[string]*file {
	t.Helper()
	files := map[string]*file{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() && strings.HasPrefix(e.Name(), ".") && path != root {
			return errOrSkip(err)
		}
		if e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		files[path] = &file{f, fset}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("%d files below %s: not the whole module", len(files), root)
	}
	return files
}

type file struct {
	*ast.File
	fset *token.FileSet
}

func errOrSkip(err error) error {
	if err != nil {
		return err
	}
	return fs.SkipDir
}

// namesOfCodes are the codes that a file takes from this package.
func namesOfCodes(f *file) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(f.File, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && strings.HasPrefix(s.Sel.Name, "Code") {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "source" {
				names[s.Sel.Name] = true
			}
		}
		return true
	})
	return names
}

var codeForm = regexp.MustCompile(`^MLP[0-9]{4}$`)

// writtenCodes are the lines with a string that is a code and nothing else.
func writtenCodes(f *file) []int {
	var lines []int
	ast.Inspect(f.File, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if text, err := strconv.Unquote(l.Value); err == nil && codeForm.MatchString(text) {
				lines = append(lines, f.fset.Position(l.Pos()).Line)
			}
		}
		return true
	})
	return lines
}

// declared are the codes of codes.go by name.
func declared(t *testing.T) map[string]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil || !codeForm.MatchString(text) {
			t.Errorf("%s is %s, which is no code", v.Names[0], text)
		}
		codes[v.Names[0].Name] = text
		return true
	})
	return codes
}
