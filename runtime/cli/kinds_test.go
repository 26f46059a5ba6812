package cli

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

// namedKinds are how often files outside of the standard library compare with the name of a kind or port of it, and why they may. What the
// compiler must know of a kind is else a property of its schema, so that another kind can have it.
var namedKinds = map[string]struct {
	times int
	why   string
}{
	"compiler/front/hide.go":             {1, "a variable is a core kind"},
	"compiler/policy/policy.go":          {2, "gates and checks that are gone, by their recorded kind"},
	"lang/lsp/completion.go":             {1, "a module is a core kind: it has an address, and no ports by its type"},
	"lang/schema/synonyms.go":            {10, "words of other tools, by the kind that has them here"},
	"compiler/render/ledger/history.go":  {11, "kinds of events"},
	"runtime/workspace/history.go":       {7, "kinds of events"},
	"runtime/workspace/modules_fetch.go": {1, "a module is a core kind"},
	"runtime/state/fold.go":              {15, "kinds of events; and a log from before looks were said has evaluations by their kind alone"},
	"runtime/suite/read.go":              {4, "kinds of files of tests"},
	"runtime/suite/variables.go":         {3, "a test adds a pipeline, and sources for variables: core kinds, and the one that has rows of its own"},
}

// TestKindsGoByWhatTheyAre counts comparisons with names of kinds and ports.
func TestKindsGoByWhatTheyAre(t *testing.T) {
	root, got := filepath.Join("..", ".."), map[string]int{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if rel = filepath.ToSlash(rel); strings.HasPrefix(rel, "stdlib/") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			got[rel] += comparisons(n)
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for rel, n := range got {
		total += n
		if want := namedKinds[rel]; n > want.times {
			t.Errorf("%s compares %d times with names of kinds or ports, %d have a reason: go by a property of the schema (lang/schema)", rel, n, want.times)
		} else if n < want.times {
			t.Errorf("%s compares %d times with names of kinds or ports, and has a reason for %d", rel, n, want.times)
		}
	}
	for rel, x := range namedKinds {
		if got[rel] == 0 || x.why == "" {
			t.Errorf("%s: %d comparisons, reason %q", rel, got[rel], x.why)
		}
	}
	t.Logf("%d comparisons", total)
}

var kindName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// comparisons are those of one node of the tree: ==, !=, or the cases of a switch.
func comparisons(n ast.Node) int {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if (n.Op == token.EQL || n.Op == token.NEQ) && (ofKind(n.X) && isName(n.Y) || ofKind(n.Y) && isName(n.X)) {
			return 1
		}
	case *ast.SwitchStmt:
		if n.Tag == nil || !ofKind(n.Tag) {
			return 0
		}
		count := 0
		for _, c := range n.Body.List {
			for _, x := range c.(*ast.CaseClause).List {
				if isName(x) {
					count++
				}
			}
		}
		return count
	}
	return 0
}

// ofKind reports whether an expression is called a kind or port.
func ofKind(x ast.Expr) bool {
	name := ""
	switch x := x.(type) {
	case *ast.Ident:
		name = x.Name
	case *ast.SelectorExpr:
		name = x.Sel.Name
	}
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "kind") || strings.HasSuffix(name, "port")
}

func isName(x ast.Expr) bool {
	lit, ok := x.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return false
	}
	text, err := strconv.Unquote(lit.Value)
	return err == nil && kindName.MatchString(text)
}
