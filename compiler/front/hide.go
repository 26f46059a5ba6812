package front

import (
	"path/filepath"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// HideValues masks files of values (prod.mlpvars) of a module with sensitive variables, so that no message can quote a secret. What is
// left are names, and values of variables that are declared and not sensitive. All else is masked: a name that no variable has may be a
// sensitive one misspelt, and text that does not look like `name = value` may be the rest of a broken one. Without sensitive variables
// nothing is masked. The map is changed, its texts are not.
func HideValues(m *syntax.Module, files map[string][]byte) {
	open, sensitive := map[string]bool{}, m.Incomplete
	for _, b := range m.Blocks {
		if b.Kind != "variable" {
			continue
		}
		open[b.Name] = b.Attrs["sensitive"] == nil
		sensitive = sensitive || !open[b.Name]
	}
	if !sensitive {
		return
	}
	for name, text := range files {
		if filepath.Ext(name) != syntax.Extension {
			files[name] = HideValuesOf(name, text, open)
		}
	}
}

// valueLine is a line with a name and its value.
var valueLine = lazyregexp.New(`(?m)^[ \t]*([A-Za-z_][A-Za-z0-9_-]*)[ \t]*(=).*$`)

// HideValuesOf masks all of a file of values but names, and the lines of values that are open.
func HideValuesOf(name string, text []byte, open map[string]bool) []byte {
	var hidden []source.Range
	hide := func(from, to int) {
		hidden = append(hidden, source.Range{File: name, Start: source.Pos{Byte: from}, End: source.Pos{Byte: to}})
	}
	at := 0
	for _, m := range valueLine().FindAllSubmatchIndex(text, -1) {
		hide(at, m[0])
		if at = m[5]; open[string(text[m[2]:m[3]])] {
			at = m[1]
		}
	}
	hide(at, len(text))
	return source.Hide(map[string][]byte{name: text}, hidden)[name]
}
