package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// atSigns are the files outside of lang/address that may have a text of an @ alone, or one that begins with it and a role, and what it
// is there.
var atSigns = map[string]string{
	"compiler/resolve/folder.go": "the user in the address of a repository",
	"runtime/notify/mail.go":     "the address that an e-mail comes from",
	"compiler/render/lines.go":   "the head of a hunk, as diff writes it",
	"lang/schedule/schedule.go":  "how cron names a schedule: @daily",
	"runtime/dvc/stage.go":       "the name that DVC gives a stage of foreach and matrix",
	"runtime/view/formatted.go":  "the head of a hunk, as diff writes it",
}

// TestAddressesAreTakenApartInOnePlace: what a stage is derived from stands in its node, and lang/address alone knows how an address says
// it.
func TestAddressesAreTakenApartInOnePlace(t *testing.T) {
	root, seen, files := filepath.Join("..", ".."), map[string]bool{}, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		files++
		if strings.HasPrefix(rel, "lang/address/") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING && lit.Kind != token.CHAR || !forAddresses(lit.Value) {
				return true
			}
			if seen[rel] = true; atSigns[rel] == "" {
				t.Errorf("%s has %s: ask the node for Of and Role, or lang/address", set.Position(lit.Pos()), lit.Value)
			}
			return true
		})
		return nil
	})
	if err != nil || files < 300 {
		t.Fatalf("read %d files: %v", files, err)
	}
	for rel := range atSigns {
		if !seen[rel] {
			t.Errorf("%s needs no exception", rel)
		}
	}
}

// forAddresses reports whether a literal is an @, or what may stand behind an address in one: "@champion".
func forAddresses(literal string) bool {
	text, err := strconv.Unquote(literal)
	if err != nil {
		return false
	}
	role, ok := strings.CutPrefix(text, "@")
	return ok && strings.Trim(role, "abcdefghijklmnopqrstuvwxyz@") == ""
}

func TestForAddresses(t *testing.T) {
	for literal, want := range map[string]bool{`"@"`: true, `'@'`: true, `"@champion"`: true, "`@champion@predict`": true, `"a@b"`: false, `"@%s"`: false, `"x"`: false} {
		if got := forAddresses(literal); got != want {
			t.Errorf("%s: got %v, want %v", literal, got, want)
		}
	}
}
