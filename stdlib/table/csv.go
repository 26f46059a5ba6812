package table

// How CSV is read.
//
// The engine reads CSV fast, and forgives much without a word. So each file is looked at before, and its values are looked at after:
//
//	look      the first 64 KiB: encoding, ends of lines, delimiter. A file that is written otherwise than it is read is refused
//	firstRow  the header
//	survey    all lines: rows with delimiters at their end that the engine would drop, and how long the longest is
//	match     which field is which column
//	plain     which columns have nothing but values that need no second look (csvplain.go)
//	copy      the engine reads the files, the other columns as text, casts each value by the rule of exact, sorts and writes
//	explain   only where copy failed: which value of which file it was, with its line
//
// Files with the same header are one scan (group), so that a thousand daily files are not a thousand queries.

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
)

// CSV is a set of files of comma-separated values (RFC 4180; UTF-8; gzip is unpacked) that make one table.
//
// An empty field is null, unless it is quoted; so are fields spelt like one of Nulls. Whole numbers may be written
// with a fraction of zeros ("5.0"); a timestamp with an offset is taken to UTC, one without is in UTC.
type CSV struct {
	Files     []File
	Delimiter string   // one character; "" is a comma
	Header    bool     // the first row of each file names its columns
	Nulls     []string // spellings of null in all columns, besides the empty field: "NA"
	Trim      bool     // blanks around fields and names are no part of them
	Unsorted  bool     // rows are stored in the order of files and lines, not of their values
	Threads   int      // that may be used; below 2: one
}

// File is a file: the path that it is read by, and the name that messages have for it. The path may be a place in the store;
// the name is the one that the user knows, "customers.csv".
type File struct{ Path, Name string }

// CSVColumn is a column of the table, and what the files' first row calls it if that is not its name.
type CSVColumn struct {
	schema.Column
	Header string
	Nulls  []string // spellings of null in this column, besides the files'
	// Optional, of Parquet files: a column that a file does not have is null in its rows. One that no file has is an error.
	Optional bool
}

// header is what the files call the column.
func (c CSVColumn) header() string {
	if c.Header != "" {
		return c.Header
	}
	return c.Name
}

// Load writes the files as one Parquet file with these columns and returns the number of rows. Columns of the files
// that are not asked for are left out. What does not fit is a *component.InputError that names file, line, column,
// value and the type that was expected.
//
// Fields of plain numbers are read by the engine as numbers, which is quicker (plain). If any of them turns out to be none, all is
// read once more as text, and what then fails is looked for value by value: the slow ways are taken for files that need them.
func (c CSV) Load(ctx context.Context, columns []CSVColumn, out string) (int64, error) {
	s, err := open(ctx)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	groups, err := c.groups(columns)
	if err != nil {
		return 0, err
	}
	for _, g := range groups {
		if g.fields, err = c.match(g, columns); err != nil {
			return 0, err
		}
		if g.types, err = c.plain(g, columns); err != nil {
			return 0, err
		}
	}
	var e *Error
	n, err := c.copy(ctx, s, groups, columns, out)
	if errors.As(err, &e) && e.DataError() && slices.ContainsFunc(groups, (*group).typed) {
		for _, g := range groups {
			g.types = nil
		}
		n, err = c.copy(ctx, s, groups, columns, out)
	}
	if errors.As(err, &e) && e.DataError() {
		return 0, c.explain(ctx, s, groups, columns, e)
	}
	return n, err
}

// copy writes the columns of all groups. Files with the same header are scanned together, and the scans are united: files of one source
// may have their columns in different orders.
func (c CSV) copy(ctx context.Context, s *session, groups []*group, columns []CSVColumn, out string) (int64, error) {
	scans := make([]string, len(groups))
	for i, g := range groups {
		scan, err := c.scan(s, g, g.files, g.fields)
		if err != nil {
			return 0, err
		}
		terms := make([]string, len(columns))
		for k, f := range g.origins(columns) {
			terms[k] = f.read()
		}
		scans[i] = "select " + strings.Join(terms, ", ") + " from " + scan
	}
	query := strings.Join(scans, "\nunion all\n")
	if !c.Unsorted {
		order, err := totalOrder(plainColumns(columns), nil)
		if err != nil {
			return 0, err
		}
		query = "select * from (" + query + ") order by " + order
	}
	rows, known := 0, !c.Unsorted
	for _, g := range groups {
		rows, known = rows+g.rows, known && g.followed
	}
	if !known {
		return s.copyParquet(ctx, query, out)
	}
	// Each thread looks by itself for where a line ends. What they found is held to the number of lines.
	n, err := s.copyWide(ctx, c.Threads, c.Files, query, out)
	if err == nil && n != int64(rows) {
		return s.copyParquet(ctx, query, out)
	}
	return n, err
}

// missing says what to do about a column that files lack which have these: if it is no slip, the files may have changed since they were looked at.
func missing(name string, have []string) string {
	return cmp.Or(suggest.DidYouMean(name, have), "If mlp.lock pins it: 'mlp init --upgrade' finds the columns of now.")
}

// plainColumns are the columns without what is of CSV.
func plainColumns(columns []CSVColumn) []schema.Column {
	out := make([]schema.Column, len(columns))
	for i, c := range columns {
		out[i] = c.Column
	}
	return out
}

// packed reports whether a file is gzip's, by what it begins with.
func (f File) packed() (bool, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return false, fmt.Errorf("opening %s: %w", f.Name, err)
	}
	defer file.Close()
	return isPacked(bufio.NewReader(file)), nil
}

// group is a run of files with the same columns.
type group struct {
	header  []string
	skip    int // blank lines before the first row
	longest int // bytes of the longest line
	packed  bool
	files   []File
	fields  []int          // for each column of the table, the field of a row that holds it
	types   map[int]string // of fields that are scanned by their type; others are text
	// followed says that each line of the files is a row, or their header; rows is how many there are.
	followed bool
	rows     int
}

// typed reports whether any field is scanned by its type.
func (g *group) typed() bool { return len(g.types) > 0 }

// groups looks at each file. columns are those that are asked for, nil where they are to be found.
// They stand in the order in which their first files do. Where rows keep the files' order (Unsorted) each file is a group.
func (c CSV) groups(columns []CSVColumn) ([]*group, error) {
	var out []*group
	byHeader := map[string]*group{}
	for _, f := range c.Files {
		if err := c.look(f, columns); err != nil {
			return nil, err
		}
		header, skip, err := c.firstRow(f)
		if err != nil {
			return nil, err
		}
		longest, err := c.survey(f, len(header))
		if err != nil {
			return nil, err
		}
		packed, err := f.packed()
		if err != nil {
			return nil, err
		}
		// One scan has one header, one number of lines before it and one compression.
		key := fmt.Sprint(skip, len(header), packed)
		if c.Header {
			key += "\x00" + strings.Join(header, "\x00")
		}
		g := byHeader[key]
		if g == nil || c.Unsorted {
			g = &group{header: header, skip: skip, packed: packed}
			byHeader[key] = g
			out = append(out, g)
		}
		g.files, g.longest = append(g.files, f), max(g.longest, longest)
	}
	return out, nil
}

// firstRow reads the first row of a file, and counts the blank lines before it.
func (c CSV) firstRow(f File) (row []string, skip int, err error) {
	r, done, err := c.reader(f)
	if err != nil {
		return nil, 0, err
	}
	defer done()
	row, err = r.Read()
	if err == io.EOF {
		return nil, 0, &component.InputError{Summary: fmt.Sprintf("%s is empty", f.Name), Detail: "A row that names the columns was expected.", Bare: f.Name + " is empty"}
	}
	if err != nil {
		return nil, 0, &component.InputError{Summary: fmt.Sprintf("the first row of %s cannot be read", f.Name), Detail: err.Error(), Bare: fmt.Sprintf("the first row of %s cannot be read", f.Name)}
	}
	for i := range row {
		if c.Trim {
			row[i] = strings.TrimSpace(row[i])
		}
	}
	line, _ := r.FieldPos(0)
	return row, line - 1, nil
}

// reader reads a file row by row in Go: for its header, and to find the line of a row that the engine speaks of.
func (c CSV) reader(f File) (*csv.Reader, func() error, error) {
	b, done, err := f.text()
	if err != nil {
		return nil, nil, err
	}
	r := csv.NewReader(b)
	r.LazyQuotes, r.FieldsPerRecord = true, -1
	r.Comma, _ = utf8.DecodeRuneInString(c.delimiter())
	return r, done, nil
}

// delimiter is the character between fields.
func (c CSV) delimiter() string {
	if c.Delimiter == "" {
		return ","
	}
	return c.Delimiter
}

// match finds the field of each column: by name where the files have a header, else by place.
// Of the header id,Amount,note and the columns amount and id the result is {1, 0}.
func (c CSV) match(g *group, columns []CSVColumn) ([]int, error) {
	// Without a header all columns must be declared: which are left out could not be said.
	file := g.files[0].Name
	if !c.Header {
		if len(g.header) != len(columns) {
			return nil, &component.InputError{Summary: fmt.Sprintf("%s has %d columns, the block declares %d", file, len(g.header), len(columns)),
				Detail: "Without a header columns are taken by their place, so all must be declared."}
		}
		out := make([]int, len(columns))
		for i := range out {
			out[i] = i
		}
		return out, nil
	}
	at := map[string][]int{}
	for i, name := range g.header {
		at[strings.ToLower(name)] = append(at[strings.ToLower(name)], i)
	}
	out := make([]int, len(columns))
	for i, column := range columns {
		found := at[strings.ToLower(column.header())]
		switch len(found) {
		case 0:
			return nil, &component.InputError{Summary: fmt.Sprintf("%s has no column %q", file, column.header()), Bare: fmt.Sprintf("%s has no column %q", file, column.header()),
				Detail: "Its header names " + strings.Join(g.header, ", ") + ". " + missing(column.header(), g.header)}
		case 1:
			out[i] = found[0]
		default:
			return nil, &component.InputError{Summary: fmt.Sprintf("%s has %d columns named %q", file, len(found), column.header()),
				Detail: "Names in the header must differ, regardless of case. Rename one in the file, or leave the column out."}
		}
	}
	return out, nil
}

// origins are what the columns are read from in a scan of the group's files.
func (g *group) origins(columns []CSVColumn) []origin {
	out := make([]origin, len(columns))
	for i, c := range columns {
		expr := fmt.Sprintf("f%d", g.fields[i])
		if t, ok := g.types[g.fields[i]]; ok {
			out[i] = origin{expr, t, c}
			continue
		}
		for _, null := range c.Nulls {
			expr = fmt.Sprintf("nullif(%s, %s)", expr, literal(null))
		}
		out[i] = origin{expr, "varchar", c}
	}
	return out
}

// limits lets the engine read lines that are longer than it takes by itself.
func (g *group) limits() string {
	if g.longest < longestLine {
		return ""
	}
	return fmt.Sprintf(", max_line_size = %d, buffer_size = %d", g.longest+2, 2*g.longest+4)
}

// scan reads some of the fields of a group's files, by their place, as text or by their type.
func (c CSV) scan(s *session, g *group, files []File, wanted []int) (string, error) {
	paths := make([]string, len(files))
	for i, f := range files {
		p, err := s.plain(f.Path)
		if err != nil {
			return "", err
		}
		paths[i] = literal(p)
	}
	fields := make([]string, len(g.header))
	for i := range fields {
		fields[i] = fmt.Sprintf("'f%d': '%s'", i, cmp.Or(g.types[i], "varchar"))
	}
	compression := "none"
	if g.packed {
		compression = "gzip"
	}
	scan := fmt.Sprintf(`read_csv([%s], auto_detect = false, compression = '%s', skip = %d, header = %t, delim = %s, quote = '"', escape = '"', `+
		`nullstr = '', allow_quoted_nulls = false, hive_partitioning = false%s, columns = {%s})`,
		strings.Join(paths, ", "), compression, g.skip, c.Header, literal(c.delimiter()), g.limits(), strings.Join(fields, ", "))
	var clean []string
	seen := map[int]bool{}
	for _, n := range wanted { // two columns may be of one field
		field := fmt.Sprintf("f%d", n)
		if _, typed := g.types[n]; !typed && !seen[n] {
			field = c.clean(field)
		}
		if !seen[n] {
			clean = append(clean, field)
		}
		seen[n] = true
	}
	if len(clean) == 0 {
		clean = []string{"true"}
	}
	return "(select " + strings.Join(clean, ", ") + " from " + scan + ")", nil
}

// clean trims a field and makes null what stands for it.
func (c CSV) clean(field string) string {
	expr := field
	if c.Trim {
		// So a field of blanks alone becomes null like an empty one, and "" stays a text.
		expr = fmt.Sprintf(`case when %s = '' then '' else nullif(trim(%[1]s, ' ' || chr(9)), '') end`, expr)
	}
	for _, null := range c.Nulls {
		expr = fmt.Sprintf("nullif(%s, %s)", expr, literal(null))
	}
	return expr + " as " + field
}
