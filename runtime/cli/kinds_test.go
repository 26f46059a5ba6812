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
	"compiler/check/check.go":            {1, "a problem is a core kind, of the language itself"},
	"compiler/check/requirements.go":     {1, "a problem is a core kind"},
	"compiler/check/samefiles.go":        {1, "sources alone have files"},
	"compiler/check/shape.go":            {3, "sources have columns to be found, trainers and monitors the problem's task"},
	"compiler/decide/findings.go":        {4, "a check's and a monitor's figures are read by their names"},
	"compiler/front/hide.go":             {1, "a variable is a core kind"},
	"compiler/plan/champion.go":          {1, "a plan has no schema: what a model is trained on stands at data"},
	"compiler/planner/policy.go":         {1, "of a check that is gone, only its recorded kind is known"},
	"compiler/planner/release.go":        {2, "a release is of what stands at model"},
	"compiler/policy/expect.go":          {4, "attributes whose loosening is told are named with their kinds"},
	"compiler/policy/policy.go":          {2, "gates and checks that are gone, by their recorded kind"},
	"compiler/render/graph/graph.go":     {1, "a plan has no schema"},
	"compiler/render/review/document.go": {4, "a plan has no schema"},
	"compiler/render/review/gate.go":     {1, "a plan has no schema"},
	"compiler/trace/trace.go":            {2, "a problem is a core kind; what a check came to is recorded apart"},
	"lang/lsp/completion.go":             {3, "core kinds that take requires"},
	"lang/schema/synonyms.go":            {9, "words of other tools, by the kind that has them here"},
	"runtime/attempt/log.go":             {3, "kinds of messages, not of blocks"},
	"runtime/cli/logs.go":                {1, "kinds of messages, not of blocks"},
	"runtime/workspace/modules_fetch.go": {1, "a module is a core kind"},
	"runtime/workspace/versions.go":      {1, "sources alone have pinned columns"},
	"runtime/component/runner.go":        {3, "kinds of messages, not of blocks"},
	"runtime/engine/node.go":             {1, "a plan has no schema"},
	"runtime/engine/release.go":          {1, "a release is of what stands at model"},
	"runtime/state/fold.go":              {11, "kinds of events; and a state has no schema to tell evaluations by"},
	"runtime/suite/given.go":             {2, "figures of an evaluation may be given with a comparison; a release is of what stands at model"},
	"runtime/suite/outcome.go":           {1, "a given check may have no verdict among its ports"},
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
