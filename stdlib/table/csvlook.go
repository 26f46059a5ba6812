package table

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/runtime/component"
)

const (
	lookedAt = 1 << 16 // bytes of a file that say how it is written
	lookRows = 20      // rows that say what parts its fields
	// longestLine is what the engine is told that a line may have, unless there is a longer one; most is what any may have.
	longestLine, mostLine = 2_000_000, 256 << 20
)

// look tells of a file that is written otherwise than it is read: encoding, ends of lines, delimiter. It goes by the first 64 KiB,
// and refuses what the engine would read as something else without a word: UTF-16 as text full of zeros, a file of semicolons as
// one column. Each refusal says how to mend the file or the block.
func (c CSV) look(f File, columns []CSVColumn) error {
	text, done, err := f.text()
	if err != nil {
		return err
	}
	defer done()
	head, err := text.Peek(lookedAt)
	if err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
		return &component.InputError{Summary: f.Name + " cannot be read", Detail: err.Error(), Bare: f.Name + " cannot be read", Err: err}
	}
	refuse := func(what, cure string) error {
		return &component.InputError{Summary: f.Name + " " + what, Detail: cure, Bare: f.Name + " " + what}
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")), 4*bytes.Count(head, []byte{0}) > len(head):
		return refuse("is UTF-16, and UTF-8 is read", "Save it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE > OTHER.")
	case bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(bytes.TrimRight(head, "\r"), '\r') >= 0:
		return refuse("has carriage returns at the ends of its lines, and no line feeds", `Write line feeds: tr '\r' '\n' < FILE > OTHER.`)
	}
	if err == nil { // the last line is not whole
		head = head[:bytes.LastIndexByte(head, '\n')+1]
	}
	other, counts := c.otherDelimiter(head, columns)
	if other == 0 {
		return nil
	}
	cure := fmt.Sprintf("Write delimiter = %s in the block.", strconv.Quote(string(other)))
	if other != ',' && decimalComma().Match(head) {
		cure += " Its numbers have decimal commas: declare these columns varchar, and make numbers of them in a dataset: replace(x, ',', '.')::double."
	}
	return refuse(fmt.Sprintf("has fields parted by %s, not by %s: %d in each row", strconv.Quote(string(other)), strconv.Quote(c.delimiter()), counts), cure)
}

// decimalComma is a comma between digits, which in a file of semicolons is a decimal point of other languages.
var decimalComma = lazyregexp.New(`[0-9],[0-9]`)

// otherDelimiter guesses the delimiter of a file for whose first rows the declared one does not work: it finds a single field, or
// numbers of fields that differ from row to row. Of comma, semicolon, tab and bar the guess is the one that finds the most fields,
// at least two and equally many in all rows: a semicolon of the rows a;b and 1;2 with a declared comma. found is 0 where there is
// none, or where the declared delimiter works.
func (c CSV) otherDelimiter(head []byte, columns []CSVColumn) (found rune, fields int) {
	said, _ := utf8.DecodeRuneInString(c.delimiter())
	first, same := fieldCounts(head, said)
	if first == 0 || first > 1 && same {
		return 0, 0
	}
	if first == 1 && same {
		if !c.Header && len(columns) == 1 {
			return 0, 0
		}
		line, _, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte("\n"))
		for _, column := range columns { // the one that is meant is named so
			if strings.EqualFold(strings.Trim(strings.TrimSpace(string(line)), `"`), column.header()) {
				return 0, 0
			}
		}
	}
	for _, r := range ",;\t|" {
		if n, all := fieldCounts(head, r); r != said && all && n > max(fields, 1) {
			found, fields = r, n
		}
	}
	return found, fields
}

// fieldCounts is how many fields a delimiter makes of the first row, and whether it makes as many of those that follow.
func fieldCounts(head []byte, delimiter rune) (first int, same bool) {
	r := csv.NewReader(bytes.NewReader(head))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = delimiter, true, -1, true
	same = true
	for range lookRows {
		row, err := r.Read()
		if err != nil {
			break
		}
		if first == 0 {
			first = len(row)
		}
		same = same && len(row) == first
	}
	return first, same && first > 0
}

// survey reads a file through for what the engine does not tell: rows that end in more delimiters than there are fields, which it
// drops, and how long the longest line is. Only a line that is a row by itself is looked at: within a quoted value, commas at the
// end of a line part nothing. A line of more than 256 MiB is an error.
func (c CSV) survey(f File, fields int) (longest int, err error) {
	text, done, err := f.text()
	if err != nil {
		return 0, err
	}
	defer done()
	delimiter := []byte(c.delimiter())
	quoted := false // a quoted value goes on
	var part []byte
	for n := 1; ; n++ {
		line, err := text.ReadSlice('\n')
		part = part[:0]
		for errors.Is(err, bufio.ErrBufferFull) && len(part) < mostLine {
			part = append(part, line...)
			line, err = text.ReadSlice('\n')
		}
		if len(part) > 0 {
			part = append(part, line...)
			line = part
		}
		if err != nil && err != io.EOF {
			return 0, &component.InputError{Summary: fmt.Sprintf("%s line %d cannot be read", f.Name, n), Detail: err.Error(), Bare: fmt.Sprintf("%s line %d cannot be read", f.Name, n)}
		}
		longest = max(longest, len(line))
		whole := !quoted
		if bytes.Count(line, []byte{'"'})%2 == 1 {
			quoted, whole = !quoted, false
		}
		row := bytes.TrimRight(line, "\r\n")
		if whole && bytes.HasSuffix(row, delimiter) && countFields(row, delimiter) > fields {
			place := fmt.Sprintf("%s line %d: ", f.Name, n)
			what := fmt.Sprintf("%d values, and %d columns are expected", countFields(row, delimiter), fields)
			return 0, &component.InputError{Summary: place + what, Bare: place + what,
				Detail: fmt.Sprintf("The last ones are empty: the line ends in a %s too many. The line is %s.", strconv.Quote(c.delimiter()), shown(string(row)))}
		}
		if err == io.EOF {
			return longest, nil
		}
	}
}

// countFields counts the fields of a row whose quotes are whole. Of a,"b,c", it is 3: the last is empty.
func countFields(row, delimiter []byte) int {
	n, quoted := 1, false
	for i := 0; i < len(row); i++ {
		switch {
		case row[i] == '"':
			quoted = !quoted
		case !quoted && bytes.HasPrefix(row[i:], delimiter):
			n++
			i += len(delimiter) - 1
		}
	}
	return n
}

// namedHeader refuses a header with a column that has no name, or with two of one name. It is asked where the block declares no columns: declared
// ones are found by their names, and the others do not matter.
func (c CSV) namedHeader(file string, header []string) error {
	refuse := func(what, cure string) error {
		return &component.InputError{Summary: file + what, Detail: cure, Bare: file + what}
	}
	const differ = "Names in the header must differ, regardless of case. Rename one in the file."
	const declare = ` Or declare the columns that are wanted: column "NAME" { type = "TYPE" }.`
	seen := map[string]bool{}
	for i, name := range header {
		switch {
		case name == "" && i == 0 && len(header) > 1:
			return refuse(": its first column has no name", "Such a column is the row numbers that pandas and R write: leave them out, with to_csv(…, index=False) or row.names = FALSE."+declare)
		case name == "" && i == len(header)-1:
			return refuse(fmt.Sprintf(": its header ends in %s, behind which no column is named", strconv.Quote(c.delimiter())), "Take it off the end of each line."+declare)
		case name == "":
			return refuse(fmt.Sprintf(": column %d has no name in the header", i+1), "Name it in the file."+declare)
		case seen[strings.ToLower(name)]:
			return &component.InputError{Summary: fmt.Sprintf("%s has two columns named %q", file, name), Detail: differ, Bare: file + " has two columns of one name"}
		}
		seen[strings.ToLower(name)] = true
	}
	return nil
}
