package table

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/runtime/component"
)

// csvLine finds the line and the reason in the engine's message on a row that is malformed.
var csvLine = lazyregexp.New(`(?s)^CSV Error on Line: (\d+)\n(?:Original Line: (.*?)\n)?([A-Z][^\n]*)\n.*\n  file = ([^\n]*)\n`)

// explain finds the first value that made loading fail.
func (c CSV) explain(ctx context.Context, s *session, groups []*group, columns []CSVColumn, cause *Error) error {
	for _, g := range groups {
		for _, f := range g.files {
			if m := csvLine().FindStringSubmatch(cause.Message); m != nil && sameFile(s, f, m[4]) {
				return c.malformed(f, cause)
			}
			if err := c.explainFile(ctx, s, g, f, columns); err != nil {
				return err
			}
		}
	}
	return cause
}

// sameFile tells whether the engine means f when it names a path.
func sameFile(s *session, f File, path string) bool {
	p, err := filepath.Abs(f.Path)
	return err == nil && (p == path || s.linked[path] == p)
}

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

func (c CSV) malformed(f File, e *Error) error {
	m := csvLine().FindStringSubmatch(e.Message)
	if m == nil {
		return &component.InputError{Summary: f.Name + " cannot be read", Detail: e.Message, Bare: f.Name + " cannot be read as CSV"}
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
	if err != nil {
		return n
	}
	text, done, err := f.text()
	if err != nil {
		return n
	}
	defer done()
	delimiter, _ := utf8.DecodeRuneInString(c.delimiter())
	line, quoted, begins := int64(1), false, true // begins: a value does, so that a quote opens it
	for rows := int64(1); rows < n; {
		r, _, err := text.ReadRune()
		switch {
		case err != nil:
			return n
		case r == '"' && (quoted || begins):
			quoted, begins = !quoted, quoted // one that follows at once is a quote of the value
			continue
		case r == '\n':
			if line++; !quoted {
				rows++
			}
		}
		begins = !quoted && (r == delimiter || r == '\n')
	}
	return line
}

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

// line is where row n of a file (from 1, the header not counted) has a field.
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
