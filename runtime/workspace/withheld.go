package workspace

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// withheld are the names of columns that were found in files which messages may not quote: a header is a line of a
// file. For /etc/passwd read as CSV it is the first user with all that stands there. The names that the module itself
// uses are known to whoever wrote it, and are told.
type withheld map[string]bool

// add withholds the names of columns, unless a file of the module has them (unknown).
func (w withheld) add(columns []schema.Column) {
	for _, c := range columns {
		w[c.Name] = true
	}
}

// withheldText stands where a name is left out. Names of one character are not looked for: they would be found
// anywhere.
const withheldText = "…"

// withheldDetail stands in the place of a detail that has one of the names. It is the same for every diagnostic, so
// that a saved plan can be made again and compared.
const withheldDetail = "Names of columns are not told, since the file lies outside of the pipeline's folder; whoever runs mlp may allow it with --data-root."

// from takes the names out of diagnostics. A hint that has one goes, and so does a detail, which lists what there is.
// The diagnostics given are changed; without names to withhold they are returned as they are.
func (w withheld) from(diags source.Diagnostics, files map[string][]byte) source.Diagnostics {
	names := w.unknown(files)
	if len(names) == 0 {
		return diags
	}
	for i := range diags {
		d := &diags[i]
		d.Summary = names.cut(d.Summary)
		if names.cut(d.Hint) != d.Hint {
			d.Hint = ""
		}
		if names.cut(d.Detail) != d.Detail {
			d.Detail = withheldDetail
		}
		d.Related = slices.Clone(d.Related)
		for j := range d.Related {
			d.Related[j].Message = names.cut(d.Related[j].Message)
		}
	}
	return diags
}

// cutter finds names in texts, as words of their own and in any case.
type cutter []*regexp.Regexp

// unknown are the names that stand in no file of the module.
func (w withheld) unknown(files map[string][]byte) cutter {
	var out cutter
	for name := range w {
		if len(name) < 2 || known(name, files) {
			continue
		}
		for _, form := range forms(name) {
			out = append(out, regexp.MustCompile(`(?i)(^|[^\pL\pN_])`+regexp.QuoteMeta(form)+`($|[^\pL\pN_])`))
		}
	}
	return out
}

// forms are the ways in which messages write a name: as it is, on one line, quoted, and cut where it is long.
func forms(name string) []string {
	quoted := fmt.Sprintf("%q", name)
	out := []string{name, strings.Join(strings.Fields(name), " "), quoted[1 : len(quoted)-1]}
	if runes := []rune(name); len(runes) > 40 {
		out = append(out, string(runes[:40]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// known reports whether a name stands as a word in any of the texts: then it is no secret to their author.
func known(name string, files map[string][]byte) bool {
	word := regexp.MustCompile(`(?i)(^|[^\pL\pN_])` + regexp.QuoteMeta(name) + `($|[^\pL\pN_])`)
	for _, text := range files {
		if bytes.Contains(bytes.ToLower(text), bytes.ToLower([]byte(name))) && word.Match(text) {
			return true
		}
	}
	return false
}

// cut returns the text without the names, and the text itself where none is in it. Each name is replaced twice over: of
// two that stand with one character between them the first match takes that character, and the second name is found
// only in the next turn.
func (c cutter) cut(text string) string {
	for _, name := range c {
		for range 2 {
			text = name.ReplaceAllString(text, "${1}"+withheldText+"${2}")
		}
	}
	return text
}
