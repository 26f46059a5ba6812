package lazyregexp

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

// TestPatternsCompile compiles every pattern of the tree that is written as a literal, for else a wrong one would be found where
// it is first used; and finds package variables that are compiled at every start.
func TestPatternsCompile(t *testing.T) {
	patterns := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			ast.Inspect(g, func(n ast.Node) bool {
				if _, ok := n.(*ast.FuncLit); ok {
					return false
				}
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				s, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || len(call.Args) != 1 {
					return true
				}
				from, _ := s.X.(*ast.Ident)
				switch {
				case from == nil:
				case from.Name == "regexp" && s.Sel.Name == "MustCompile":
					t.Errorf("%s: a pattern that is compiled whenever the command starts; use lazyregexp.New", files.Position(call.Pos()))
				case from.Name == "lazyregexp" && s.Sel.Name == "New":
					if lit, ok := call.Args[0].(*ast.BasicLit); ok {
						patterns++
						text, err := strconv.Unquote(lit.Value)
						if err != nil {
							t.Fatal(err)
						}
						if _, err := regexp.Compile(text); err != nil {
							t.Errorf("%s: %s", files.Position(call.Pos()), err)
						}
					}
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if patterns < 40 {
		t.Errorf("got %d patterns, want those of the whole tree", patterns)
	}
}
