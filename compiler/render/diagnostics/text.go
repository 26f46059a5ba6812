package diagnostics

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/source"
)

// maxShown is how many diagnostics are written out for people; those after it are counted. Of warnings of one code the
// first maxAlike are, so that one cause in many blocks does not bury the rest.
const (
	maxShown = 100
	maxAlike = 3
)

// Text writes diagnostics for people: all errors, and of many alike warnings the first and the places of the others. files are the texts
// that lines are quoted from, by the names that subjects have; a file that is not among them is named without a quote.
func Text(w io.Writer, diags source.Diagnostics, files map[string][]byte, color bool) {
	shown, alike := unlike(diags)
	source.Render(w, shown[:min(len(shown), maxShown)], files, source.Options{Color: color})
	if more := len(shown) - maxShown; more > 0 {
		fmt.Fprintf(w, "\nAnd %d more.\n", more)
	}
	for _, code := range slices.Sorted(maps.Keys(alike)) {
		at := alike[code]
		places := strings.Join(at[:min(len(at), maxAlike)], ", ")
		if len(at) > maxAlike {
			places += ", …"
		}
		fmt.Fprintf(w, "\nAnd %d more warnings %s, at %s\n", len(at), code, places)
	}
}

// unlike leaves out the warnings of a code that has been shown maxAlike times; alike are their places, such as
// "fraud.mlp:12", by code, in the order of diags. Errors are never left out: each has to be mended.
func unlike(diags source.Diagnostics) (shown source.Diagnostics, alike map[string][]string) {
	alike = map[string][]string{}
	count := map[string]int{}
	for _, d := range diags {
		if d.Severity == source.Warning {
			if count[d.Code]++; count[d.Code] > maxAlike {
				alike[d.Code] = append(alike[d.Code], fmt.Sprintf("%s:%d", d.Subject.File, d.Subject.Start.Line))
				continue
			}
		}
		shown = append(shown, d)
	}
	return shown, alike
}
