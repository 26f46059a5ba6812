package suite

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/source"
)

// heredoc reports whether the rows are CSV that is written out in the file of tests, line by line. A text with escapes
// ("a\nb"), or that an expression makes, has no lines in the file, and one with directives may have others than stand
// there; so their lines have no places of their own.
func (g *given) heredoc() bool {
	text, _ := g.attrs["csv"].(string)
	at := g.rangeOf("csv")
	return g.written && at.End.Line-at.Start.Line == strings.Count(text, "\n")+1
}

// inLine is the place of a word in a line of a file of tests, lines counted from 1; of the whole line, without blanks,
// if the word does not stand there or is empty. The zero Range if there is no such line.
func (k *checker) inLine(file string, line int, word string) source.Range {
	text := k.suite.o.Tests[file]
	lines := source.NewLines(text)
	if line < 1 || line > lines.Count() {
		return source.Range{}
	}
	offset := 0
	for range line - 1 {
		offset += bytes.IndexByte(text[offset:], '\n') + 1
	}
	rest, _, _ := bytes.Cut(text[offset:], []byte("\n"))
	start, length := len(rest)-len(bytes.TrimLeft(rest, " \t")), len(bytes.TrimSpace(rest))
	if i := bytes.Index(rest, []byte(word)); i >= 0 && word != "" {
		start, length = i, len(word)
	}
	return source.Range{File: file, Start: lines.Pos(offset + start), End: lines.Pos(offset + start + length)}
}

// overLines reports whether a value of rows that are written as objects goes over several lines, so that lines are no rows.
func (g *given) overLines() bool {
	text, _ := g.text()
	return strings.Count(text, "\n") != 1+len(g.attrs["rows"].([]any))
}

var (
	saidLine  = lazyregexp.New(`^.*? line (\d+): (.*)$`)
	saidValue = lazyregexp.New(` holds "(.*?)"`)
)

// badRow tells of rows that cannot be made into a table, at the line that the engine names: "… line 12: … holds "x"".
// Where the text of the engine is another, the place is the csv as a whole, and the text stays.
func (k *checker) badRow(g *given, summary, detail string) {
	at := g.at
	if r, ok := g.ranges["csv"]; ok {
		at = r
	}
	m := saidLine().FindStringSubmatch(summary)
	if m != nil && g.heredoc() {
		word := ""
		if v := saidValue().FindStringSubmatch(m[2]); v != nil {
			word = v[1]
		}
		n, _ := strconv.Atoi(m[1]) // the pattern takes digits only
		at, summary = k.inLine(at.File, n, word), m[2]
	}
	if m != nil && g.attrs["rows"] != nil && !g.overLines() {
		n, _ := strconv.Atoi(m[1])
		at, summary = g.rangeOf(fmt.Sprintf("rows[%d]", n-2)), fmt.Sprintf("row %d: %s", n-1, m[2]) // behind the header
	}
	if strings.Contains(detail, "null_values") { // what to do in a source
		detail = ""
	}
	k.report(source.Diagnostic{Severity: source.Error, Code: source.CodeTestCell, Subject: at, Summary: strings.TrimSuffix(summary, "."), Detail: detail})
}
