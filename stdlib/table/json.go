package table

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mlp-lang/mlp/runtime/component"
)

// JSON is a set of files of JSON objects (RFC 8259; UTF-8; gzip is unpacked) that make one table. The objects of a file stand in
// one array, or one after the other, as in NDJSON. Each is a row, its members are columns.
//
// Values come to the engine as the text that they have in the file, so that a number of twenty digits is not rounded on the way:
// what CSV fields are held to holds for them (exact). A member that is missing is null, one that is there twice is a mistake.
type JSON struct {
	Files []File
	// Cure is what to do about a value that its column does not take; empty: as of files that somebody can correct.
	Cure string
	// HexBlobs: texts of blobs are \x and two digits for each byte, as PostgreSQL writes them.
	HexBlobs bool
	Threads  int // that may be used; below 2: one
}

// Load writes the files as one Parquet file with these columns, ordered by all of them, and returns the number of rows. Members
// are found by their names as they are written; others are left out. What does not fit is a *component.InputError that names
// file, row, column, value and the type that was expected.
// The files are read once, in Go, into a table of texts; the engine then casts and sorts that table.
func (j JSON) Load(ctx context.Context, columns []CSVColumn, out string) (int64, error) {
	s, err := open(ctx)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	r := &jsonRows{JSON: j, columns: columns, met: make([]bool, len(columns)), others: map[string]bool{}}
	if err := r.append(ctx, s); err != nil {
		return 0, err
	}
	if err := r.complete(); err != nil {
		return 0, err
	}
	fields, terms := make([]origin, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		fields[i] = origin{fmt.Sprintf("c%d", i), rawType(c.Type), c}
		terms[i] = fields[i].read()
	}
	order, err := totalOrder(plainColumns(columns), nil)
	if err != nil {
		return 0, err
	}
	n, err := s.copyWide(ctx, j.Threads, j.Files, "select * from (select "+strings.Join(terms, ", ")+" from raw) order by "+order, out)
	var e *Error
	if errors.As(err, &e) && e.DataError() {
		return 0, r.explain(ctx, s, fields, e)
	}
	return n, err
}

// rawType is what the engine holds values as that become the type: text, and lists of text.
func rawType(want string) string {
	if strings.HasSuffix(want, "[]") {
		return "varchar[]"
	}
	return "varchar"
}

// jsonRows are the rows on their way to the engine's table raw, whose column i is c<i>.
type jsonRows struct {
	JSON
	columns []CSVColumn
	ends    []int64         // after each file, how many rows there were by then
	met     []bool          // by column, whether a row has it
	others  map[string]bool // names of members that are no columns, for a hint
}

// append fills the table raw.
// A member may fill several columns, where two are declared with one header.
func (r *jsonRows) append(ctx context.Context, s *session) error {
	// Values are appended as text or lists of text, and cast by the query that copies them: so one that does not fit can be
	// found and told.
	types, defined, at := make([]string, len(r.columns)), make([]string, len(r.columns)), map[string][]int{}
	for i, c := range r.columns {
		types[i] = rawType(c.Type)
		defined[i] = fmt.Sprintf("c%d %s", i, types[i])
		at[c.header()] = append(at[c.header()], i)
	}
	if err := s.exec(ctx, "create temp table raw ("+strings.Join(defined, ", ")+")"); err != nil {
		return err
	}
	appender, err := duckdb.NewAppender(s.conn, "temp", "main", "raw")
	if err != nil {
		return fmt.Errorf("filling a table: %w", s.error(ctx, err))
	}
	row, rows := make([]driver.Value, len(r.columns)), int64(0)
	for _, f := range r.Files {
		before := rows
		err := f.objects(ctx, func(name string, value jsontext.Value) error {
			if len(at[name]) == 0 && len(r.others) < mostHinted {
				r.others[name] = true
			}
			for _, i := range at[name] {
				if value.Kind() != 'n' && value.Kind() != '[' && types[i] == "varchar[]" {
					return r.told(fmt.Sprintf("%s row %d", f.Name, rows-before+1), i, &refusal{value: jsonText(value)})
				}
				r.met[i], row[i] = true, r.rawValue(value, r.columns[i].Type)
			}
			return nil
		}, func() error {
			rows++
			err := appender.AppendRow(row...)
			clear(row)
			if err != nil {
				return fmt.Errorf("filling a table: %w", s.error(ctx, err))
			}
			return nil
		})
		if err != nil {
			_ = appender.Close() // what it says now follows from err
			return err
		}
		r.ends = append(r.ends, rows)
	}
	if err := appender.Close(); err != nil {
		return fmt.Errorf("filling a table: %w", s.error(ctx, err))
	}
	return nil
}

// mostHinted is how many names of members are kept to tell which one was meant.
const mostHinted = 1000

// rawValue is a value as text, as the column's type is read from: a list as the texts of its elements, null as nil. Texts are bytes, since the
// driver ends a string of Go at its first NUL, and takes bytes by their number.
// Of the value {"a":1} it is the text for a json column, and for others too: as a bigint it is then refused.
func (j JSON) rawValue(value jsontext.Value, want string) driver.Value {
	kind := value.Kind()
	switch {
	case kind == 'n':
		return nil
	case want == "blob" && j.HexBlobs:
		return []byte(spelled(jsonText(value)))
	case want == "json":
		return bytes.Clone(value)
	case kind == '[' && strings.HasSuffix(want, "[]"):
		return elements(value)
	}
	return []byte(jsonText(value))
}

// spelled writes \x6869 as the engine does, \x68\x69. What is no such text stays, and is refused.
func spelled(text string) string {
	digits, ok := strings.CutPrefix(text, `\x`)
	switch {
	case !ok:
		return `\x: ` + text // which the engine takes for nothing
	case len(digits)%2 != 0:
		return text
	}
	var b strings.Builder
	for i := 0; i < len(digits); i += 2 {
		b.WriteString(`\x` + digits[i:i+2])
	}
	return b.String()
}

// elements are the texts of a list's elements.
func elements(list jsontext.Value) []any {
	d := jsontext.NewDecoder(bytes.NewReader(list))
	out := []any{}
	if _, err := d.ReadToken(); err != nil {
		return out // it was read before
	}
	for d.PeekKind() != ']' {
		v, err := d.ReadValue()
		if err != nil {
			return out
		}
		if v.Kind() == 'n' {
			out = append(out, nil)
		} else {
			out = append(out, []byte(jsonText(v)))
		}
	}
	return out
}

// jsonText is what a text says, else a value as it is written, without blanks.
func jsonText(value jsontext.Value) string {
	if value.Kind() == '"' {
		text, err := jsontext.AppendUnquote(nil, value)
		if err == nil {
			return string(text)
		}
	}
	return string(value)
}

// complete tells of columns that no row has, where there are rows.
func (r *jsonRows) complete() error {
	if len(r.ends) == 0 || r.ends[len(r.ends)-1] == 0 {
		return nil
	}
	for i, c := range r.columns {
		if r.met[i] {
			continue
		}
		// A member that no row has is most likely misspelt in the block: those that are there are told.
		names := make([]string, 0, len(r.others))
		for name := range r.others {
			names = append(names, name)
		}
		slices.Sort(names)
		detail := "Members are found by their names as they are written, in small and capital letters."
		if len(names) > 0 && len(names) <= 50 {
			detail += " What the block does not declare is " + strings.Join(names, ", ") + "."
		}
		what := fmt.Sprintf("no row of %s has %q", r.named(), c.header())
		return &component.InputError{Summary: what, Bare: what, Detail: detail + " " + missing(c.header(), names)}
	}
	return nil
}

// named is how messages call what was read.
func (r *jsonRows) named() string {
	if len(r.Files) == 1 {
		return r.Files[0].Name
	}
	return fmt.Sprintf("%d files", len(r.Files))
}

// explain finds the value that made loading fail.
func (r *jsonRows) explain(ctx context.Context, s *session, fields []origin, cause *Error) error {
	found, err := s.refused(ctx, fields, "raw")
	if err != nil {
		return err
	}
	if found == nil {
		return cause
	}
	file, before := 0, int64(0)
	for r.ends[file] < found.row {
		before = r.ends[file]
		file++
	}
	return r.told(fmt.Sprintf("%s row %d", r.Files[file].Name, found.row-before), found.field, found)
}

// told says what is wrong with a value of a column.
func (r *jsonRows) told(place string, column int, found *refusal) error {
	return origin{CSVColumn: r.columns[column]}.told(place, found, cmp.Or(r.Cure, "Change the column's type, or correct the file."))
}

// objects reads a file object by object: member is told each member, in their order, then row that the object ends.
func (f File) objects(ctx context.Context, member func(name string, value jsontext.Value) error, row func() error) error {
	text, done, err := f.text()
	if err != nil {
		return err
	}
	defer done()
	d := jsontext.NewDecoder(text)
	// A file is an array of objects or objects one after the other; which of the two its first token tells.
	rows, array := 0, false
	for {
		switch kind := d.PeekKind(); {
		case kind == '[' && rows == 0 && !array && d.StackDepth() == 0:
			array = true
			_, err = d.ReadToken()
		case kind == ']' && array:
			if _, err = d.ReadToken(); err == nil {
				return f.ended(d, rows)
			}
		case kind == '{':
			rows++
			err = readObject(d, member, row)
		default:
			var token jsontext.Value
			if token, err = d.ReadValue(); err == io.EOF && !array {
				return nil
			} else if err == nil {
				return f.noObject(rows+1, token.Kind())
			}
		}
		if err != nil {
			return f.broken(d, rows, err)
		}
		if rows%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// appended is an error that is not the file's.
type appended struct{ error }

// Unwrap returns the error that a callback gave.
func (a appended) Unwrap() error { return a.error }

// readObject reads one object. Lists and objects in it are compacted: the same value is the same text, however it was laid
// out.
func readObject(d *jsontext.Decoder, member func(string, jsontext.Value) error, row func() error) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		if k := value.Kind(); k == '{' || k == '[' {
			value = value.Clone()
			if err := value.Compact(); err != nil {
				return err
			}
		}
		if err := member(key, value); err != nil {
			return appended{err}
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	if err := row(); err != nil {
		return appended{err}
	}
	return nil
}

// ended refuses what comes after the array.
func (f File) ended(d *jsontext.Decoder, rows int) error {
	if _, err := d.ReadValue(); err != io.EOF {
		what := fmt.Sprintf("%s goes on after its array of %d rows", f.Name, rows)
		return &component.InputError{Summary: what, Bare: what, Detail: "A file is one array of objects, or objects one after the other."}
	}
	return nil
}

// noObject is the mistake of a row that is a number, a text or a list.
func (f File) noObject(row int, kind jsontext.Kind) error {
	words := map[jsontext.Kind]string{'"': "a text", '0': "a number", 't': "true", 'f': "false", 'n': "null", '[': "a list"}
	what := fmt.Sprintf("%s row %d is %s, and a row is an object", f.Name, row, words[kind])
	return &component.InputError{Summary: what, Bare: what, Detail: `A file is one array of objects, [{"a": 1}, {"a": 2}], or objects one after the other.`}
}

// broken says what is wrong with the text of a file.
func (f File) broken(d *jsontext.Decoder, rows int, err error) error {
	var own appended
	if errors.As(err, &own) {
		return own.error
	}
	at := fmt.Sprintf("%s row %d", f.Name, max(rows, 1))
	if errors.Is(err, jsontext.ErrDuplicateName) {
		name := string(d.StackPointer())
		var syntax *jsontext.SyntacticError
		if errors.As(err, &syntax) {
			name = syntax.JSONPointer.LastToken()
		}
		return &component.InputError{Summary: fmt.Sprintf("%s has two members %q", at, name), Bare: at + " has two members of one name",
			Detail: "Which of them counts is not said anywhere: programs differ in it. Correct the file."}
	}
	reason, cure := "is no JSON", "Correct the file."
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		reason, cure = "is cut off: the file ends within it", "Copy the file again, whole."
	case strings.Contains(err.Error(), "invalid UTF-8"):
		reason, cure = "is not UTF-8", "Save the file as UTF-8."
	}
	detail := cure
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) && reason == "is no JSON" {
		detail = fmt.Sprintf("At byte %d: %v. %s", syntax.ByteOffset+1, syntax.Err, cure)
	}
	return &component.InputError{Summary: at + " " + reason, Bare: at + " " + reason, Detail: detail}
}

// text opens a file, unpacked and without a byte order mark. Whether it is packed is told by what it begins with: servers give
// packed files under any name, and a text begins otherwise. A web page is no data, whatever a source takes it for.
func (f File) text() (*bufio.Reader, func() error, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, nil, fmt.Errorf("opening %s: %w", f.Name, err)
	}
	b := bufio.NewReaderSize(file, 1<<16)
	// What comes out of gzip is looked at like a file that was never packed: it may be a web page all the same.
	if isPacked(b) {
		text, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, errors.Join(&component.InputError{Summary: f.Name + " is no gzip file", Detail: err.Error(), Bare: f.Name + " is no gzip file"}, file.Close())
		}
		b = bufio.NewReaderSize(text, 1<<16)
	}
	if webPage(b) {
		return nil, nil, errors.Join(f.isWebPage(), file.Close())
	}
	if mark, err := b.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		b.Discard(3)
	}
	return b, file.Close, nil
}

// isPacked reports whether a file begins as gzip does (RFC 1952, section 2.3.1).
func isPacked(b *bufio.Reader) bool {
	head, _ := b.Peek(2) // what is shorter is none
	return string(head) == "\x1f\x8b"
}

// webPage reports whether a text begins as a web page does.
func webPage(b *bufio.Reader) bool {
	head, _ := b.Peek(512)
	head = bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))))
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

// isWebPage says that a file is what a browser would show instead of data.
func (f File) isWebPage() error {
	what := f.Name + " is a web page (HTML), and no data"
	return &component.InputError{Summary: what, Bare: what,
		Detail: "Servers give one instead of a file where somebody has to log in, and where the address is that of a page about the file. Take the address of the file itself, and hand what opens it: token = secret.NAME."}
}
