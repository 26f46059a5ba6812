package table

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/runtime/component"
)

// csvLine finds the line and the reason in the engine's message on a row that is malformed.
var csvLine = lazyregexp.New(`(?s)^CSV Error on Line: (\d+)\n(?:Original Line: (.*?)\n)?([A-Z][^\n]*)\n.*\n  file = ([^\n]*)\n`)

// How a failed load is explained. The engine stops somewhere, and says so in words of its own: a line counted in its way, options of its reader that
// nobody can set here. What is told is file, line, column, value and the type that was expected, of the first in the order of the files.
//
//  1. A file whose lines end in several ways is told as such (ends): all else that the engine says of it is wrong.
//  2. A row with too few or too many fields, or with a stray quote, is told by its line in the text (malformed, lineOfRow).
//  3. Else each value is held to its column's type, in the order of rows and columns, until one does not fit (explainFile).
//
// This reads the files again, once or twice, after a failure alone. Summary and Detail quote the value; Bare does not, for who may not see the data.

// explain finds the first value that made loading fail.
// Files are gone through in the order of the source, so that the same files always tell the same value. Where nothing is found the
// engine's own words are told.
func (c CSV) explain(ctx context.Context, s *session, groups []*group, columns []CSVColumn, cause *Error) error {
	for _, g := range groups {
		for _, f := range g.files {
			if err := c.ends(f); err != nil { // first: the engine tells of quotes and columns then
				return err
			}
			if m := csvLine().FindStringSubmatch(cause.Message); m != nil && sameFile(s, f, m[4]) {
				return c.malformed(f, cause)
			}
			if err := c.explainFile(ctx, s, g, f, columns); err != nil {
				return err
			}
		}
	}
	said := *cause
	said.Message = withoutOptions(said.Message)
	return &said
}

// withoutOptions is a message of the engine without the options of its reader, which nobody of ours can set.
func withoutOptions(message string) string {
	for _, from := range []string{"\nPossible fixes:", "\nPossible Solution", "\n  file = "} {
		message, _, _ = strings.Cut(message, from)
	}
	return strings.TrimSpace(message)
}

// ends tells of a file whose lines end in more than one way, which the engine reads none of.
// Nil: they all end alike, in line feeds or in carriage returns with line feeds.
func (c CSV) ends(f File) error {
	text, done, err := f.text()
	if err != nil {
		return err
	}
	defer done()
	refuse := func(line int, what, cure string) error {
		said := fmt.Sprintf("%s line %d %s", f.Name, line, what)
		return &component.InputError{Summary: said, Detail: cure + ` tr -d '\r' < FILE > OTHER.`, Bare: said}
	}
	// The file is read rune by rune, and what stands in quotes is left alone: a quoted value may hold any line end.
	line, first, last := 1, "", rune(0)
	return c.runes(text, func(r rune, quoted bool) error {
		end := string(r)
		if last == '\r' && !quoted {
			if end = "\r" + end; r != '\n' {
				return refuse(line, "holds a carriage return", "A value that holds one stands in quotes. If lines are to end there, let all end in line feeds; else take it out:")
			}
		}
		last = 0
		if !quoted {
			last = r
		}
		if r != '\n' {
			return nil
		}
		if !quoted && first != "" && first != end {
			return refuse(line, fmt.Sprintf("ends in %q, and those before it in %q", end, first), "Let all lines end alike:")
		}
		if !quoted {
			first = end
		}
		line++
		return nil
	})
}

// runes calls a function with each rune of a text, but for quotes around values, and whether it stands between such.
func (c CSV) runes(text *bufio.Reader, each func(r rune, quoted bool) error) error {
	delimiter, _ := utf8.DecodeRuneInString(c.delimiter())
	quoted, begins := false, true // begins: a value does, so that a quote opens it
	for {
		r, _, err := text.ReadRune()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case r == '"' && (quoted || begins):
			quoted, begins = !quoted, quoted // one that follows at once is a quote of the value
			continue
		}
		if err := each(r, quoted); err != nil {
			return err
		}
		begins = !quoted && (r == delimiter || r == '\n')
	}
}

// sameFile reports whether the engine means f when it names a path.
func sameFile(s *session, f File, path string) bool {
	p, err := filepath.Abs(f.Path)
	return err == nil && (p == path || s.linked[path] == p)
}

// explainFile finds what is wrong with one file; nil if it can be read. The line is that of the text, which differs from the
// row where values hold line feeds.
func (c CSV) explainFile(ctx context.Context, s *session, g *group, f File, columns []CSVColumn) error {
	scan, err := c.scan(s, g, []File{f}, g.fields)
	if err != nil {
		return err
	}
	fields := g.origins(columns)
	found, err := s.refused(ctx, fields, scan)
	var e *Error
	switch {
	case errors.As(err, &e):
		return c.malformed(f, e)
	case err != nil:
		return err
	case found != nil:
		place := fmt.Sprintf("%s line %d", f.Name, c.line(f, found.row, g.fields[found.field]))
		return fields[found.field].told(place, found, "Change the column's type, add the value to null_values, or correct the file.")
	}
	return nil
}

// malformed puts an error of the engine's CSV reader in words; where its message is not understood it is told as it is. Bare
// leaves out values from the file, for whoever may not see them.
func (c CSV) malformed(f File, e *Error) error {
	m := csvLine().FindStringSubmatch(e.Message)
	if m == nil {
		return &component.InputError{Summary: f.Name + " cannot be read", Detail: withoutOptions(e.Message), Bare: f.Name + " cannot be read as CSV"}
	}
	reason, cure := csvReason(m[3])
	at := fmt.Sprintf("%s line %d: ", f.Name, c.lineOfRow(f, m[1]))
	bare := at + reason
	if strings.ContainsAny(reason, `"'`) { // the engine quotes something
		bare = at + "it is malformed"
	}
	if line := strings.TrimSpace(m[2]); line != "" {
		cure += " The line is " + shown(line) + "."
	}
	return &component.InputError{Summary: at + reason, Detail: strings.TrimSpace(cure), Bare: bare}
}

// lineOfRow is the line that a row begins on. The engine counts rows, empty ones too, and calls them lines: where quoted
// values hold line breaks they are fewer.
func (c CSV) lineOfRow(f File, row string) int64 {
	n, err := strconv.ParseInt(row, 10, 64)
	if err != nil || n < 2 {
		return n
	}
	text, done, err := f.text()
	if err != nil {
		return n
	}
	defer done()
	line, rows := int64(1), int64(1)
	err = c.runes(text, func(r rune, quoted bool) error {
		if r == '\n' {
			if line++; !quoted {
				rows++
			}
		}
		if rows == n {
			return errFound
		}
		return nil
	})
	if err != errFound {
		return n
	}
	return line
}

// errFound ends a walk through a file at what was looked for.
var errFound = errors.New("found")

// csvCounts is what the engine says of a line with too few or too many values.
var csvCounts = lazyregexp.New(`^Expected Number of Columns: (\d+) Found: (\d+)`)

// csvReason says in other words what the engine says of a line, and what to do where that is known.
func csvReason(said string) (reason, cure string) {
	if m := csvCounts().FindStringSubmatch(said); m != nil {
		return fmt.Sprintf("%s values, and %s columns are expected", m[2], m[1]), "Values that hold the delimiter stand in quotes."
	}
	if strings.HasPrefix(said, "Invalid unicode") {
		return "the text is not UTF-8", "Save the file as UTF-8."
	}
	return strings.TrimSuffix(said, "."), ""
}

// line is the line, from 1, where row n of a file (from 1, the header not counted) has a field. It is n where the file cannot be read so far.
func (c CSV) line(f File, n int64, field int) int64 {
	if c.Header {
		n++
	}
	r, done, err := c.reader(f)
	if err != nil {
		return n
	}
	defer done()
	for i := int64(1); ; i++ {
		row, err := r.Read()
		if err != nil {
			return n
		}
		if i == n {
			at, _ := r.FieldPos(min(field, len(row)-1))
			return int64(at)
		}
	}
}

// shown quotes a value for a message, cut where it is long.
func shown(v any) string {
	text := []rune(fmt.Sprint(v))
	if len(text) > 80 {
		text = append(text[:80], '…')
	}
	return fmt.Sprintf("%q", string(text))
}
