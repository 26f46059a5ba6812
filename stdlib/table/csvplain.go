package table

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
)

// Plain values.
//
// Text that is read under a declared type is compared with what the type makes of it (exact.go), for the engine's reader takes more
// for a number than what is one (1_000), and rounds without a word. That costs more than the reading. But most files are written by
// programs: -12, 0.25, 2024-02-29 13:00:00. Of text in these forms, and of nothing else, it is known without the engine that a type keeps
// it, so a pass over the file's bytes looks whether all values of a column are so. Such a column is scanned by its type, others as
// text:
//
//	id,amount,note           id and amount (bigint, double): all values plain, scanned by type
//	1,2.50,"a, b"
//	2,,x                     an empty field is null, in either way
//	id,amount                amount is scanned as text: 1e3 is a number too, and 1_000 is none
//	1,1e3
//
// The pass gives up, and all columns are text, at what it does not follow: values that go on over lines, quotes within a value, blank
// lines, rows of other lengths. A plain value that is none of its type, as 2023-02-29 or 300 of a tinyint, fails the scan, which is
// then done with text: there every error is told.

// plainForms are by type of column; types that are not here are scanned as text.
var plainForms = map[string]func([]byte) bool{
	"tinyint": plainWhole, "smallint": plainWhole, "integer": plainWhole, "bigint": plainWhole,
	"utinyint": plainWhole, "usmallint": plainWhole, "uinteger": plainWhole, "ubigint": plainWhole,
	"double":    plainDouble,
	"float":     func(b []byte) bool { return len(b) <= 6 && plainNumber(b, len(b)) },
	"boolean":   plainBoolean,
	"date":      plainDate,
	"timestamp": plainTimestamp,
}

// plainForm is the form of a column's values; nil: there is none, or a spelling of null has it too.
func (c CSV) plainForm(column CSVColumn) func([]byte) bool {
	form := plainForms[column.Type]
	if width, scale := decimalSize(column.Type); width > 0 {
		form = func(b []byte) bool { return plainNumber(b, scale) }
	}
	isForm := func(null string) bool { return form([]byte(null)) }
	if form == nil || slices.ContainsFunc(c.Nulls, isForm) || slices.ContainsFunc(column.Nulls, isForm) {
		return nil
	}
	return form
}

// leadingDigits is how many digits a text begins with.
func leadingDigits(b []byte) int {
	n := 0
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return n
}

// plainWhole: -12, with so few digits that every type of 64 bits has it.
func plainWhole(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("-"))
	return len(b) > 0 && len(b) <= 18 && leadingDigits(b) == len(b)
}

// plainNumber: -12.50, with no more places than are said.
func plainNumber(b []byte, places int) bool {
	b = bytes.TrimPrefix(b, []byte("-"))
	whole := leadingDigits(b)
	if whole == 0 || whole > 18 {
		return false
	}
	if whole == len(b) {
		return true
	}
	fraction := b[whole+1:]
	return b[whole] == '.' && len(fraction) > 0 && len(fraction) <= places && leadingDigits(fraction) == len(fraction)
}

// plainDouble: a number of so few digits that a double keeps them, or what a double prints.
func plainDouble(b []byte) bool {
	if !plainNumber(b, len(b)) {
		return false
	}
	if len(b) <= 15 {
		return true
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return false
	}
	var printed [32]byte
	return bytes.Equal(strconv.AppendFloat(printed[:0], v, 'f', -1, 64), b)
}

// plainBoolean takes both words as programs write them. t, yes and 1 are booleans too, and are read as text.
func plainBoolean(b []byte) bool {
	switch string(b) {
	case "true", "false", "True", "False", "TRUE", "FALSE":
		return true
	}
	return false
}

// shaped reports whether a text has a shape, in which 0 stands for any digit: 0000-00-00.
func shaped(b []byte, shape string) bool {
	if len(b) != len(shape) {
		return false
	}
	for i := range b {
		if shape[i] == '0' && (b[i] < '0' || b[i] > '9') || shape[i] != '0' && b[i] != shape[i] {
			return false
		}
	}
	return true
}

// plainDate: 2024-02-29, of the years from 1.
func plainDate(b []byte) bool { return shaped(b, "0000-00-00") && !bytes.HasPrefix(b, []byte("0000")) }

// plainTimestamp: 2024-02-29 13:00:00.25, or with a T between, up to the last second of a day.
func plainTimestamp(b []byte) bool {
	const day, clock = len("0000-00-00"), len("00:00:00")
	if len(b) < day+1+clock || !plainDate(b[:day]) || b[day] != ' ' && b[day] != 'T' {
		return false
	}
	time, rest := b[day+1:day+1+clock], b[day+1+clock:]
	if !shaped(time, "00:00:00") || string(time[:2]) > "23" || string(time[6:]) > "59" {
		return false
	}
	return len(rest) == 0 || rest[0] == '.' && len(rest) > 1 && len(rest) <= 7 && leadingDigits(rest[1:]) == len(rest)-1
}

// plain finds the fields of a group's files that are scanned by a type, and which one.
func (c CSV) plain(g *group, columns []CSVColumn) (map[int]string, error) {
	if len(c.delimiter()) != 1 || g.skip > 0 || g.packed { // to unpack files again costs more than the checks
		return nil, nil
	}
	types, forms := map[int]string{}, make([]func([]byte) bool, len(g.header))
	for i, n := range g.fields {
		if had, ok := types[n]; ok && had != columns[i].Type { // two columns are of one field
			forms[n] = nil
			continue
		}
		types[n], forms[n] = columns[i].Type, c.plainForm(columns[i])
	}
	for _, f := range g.files {
		rows, followed, err := c.plainFile(f, forms)
		if !followed || err != nil {
			return nil, err
		}
		g.rows += rows
	}
	g.followed = true
	for n := range types {
		if forms[n] == nil {
			delete(types, n)
		}
	}
	return types, nil
}

// plainFile takes away the forms of fields that do not have them throughout a file. It returns the number of rows, and reports whether it
// could follow the file.
func (c CSV) plainFile(f File, forms []func([]byte) bool) (rows int, followed bool, err error) {
	text, done, err := f.text()
	if err != nil {
		return 0, false, err
	}
	defer done()
	header := c.Header
	for {
		line, err := text.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) || err != nil && err != io.EOF {
			return 0, false, nil
		}
		last := err == io.EOF
		if last && len(line) == 0 {
			return rows, true, nil
		}
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		check := forms
		if header {
			check = make([]func([]byte) bool, len(forms))
			header, rows = false, rows-1
		}
		rows++
		if len(line) == 0 || !plainRow(line, c.delimiter()[0], check) {
			return 0, false, nil
		}
		if last {
			return rows, true, nil
		}
	}
}

// plainRow takes away the forms of fields that do not have them in a row. It reports whether it could follow the row.
func plainRow(line []byte, delimiter byte, forms []func([]byte) bool) bool {
	if bytes.IndexByte(line, '\r') >= 0 {
		return false
	}
	quotes := bytes.IndexByte(line, '"') >= 0 // most lines have none, so that no field need be looked through for them
	for i := range forms {
		end, quoted := 0, quotes && len(line) > 0 && line[0] == '"'
		if quoted {
			if end = closing(line); end < 0 {
				return false
			}
		} else if end = bytes.IndexByte(line, delimiter); end < 0 {
			end = len(line)
		}
		field := line[:end]
		if quotes && !quoted && bytes.IndexByte(field, '"') >= 0 {
			return false
		}
		if forms[i] != nil && len(field) > 0 && !forms[i](field) { // no form has a quote
			forms[i] = nil
		}
		switch last := i == len(forms)-1; {
		case last:
			return end == len(line)
		case end == len(line) || line[end] != delimiter:
			return false
		}
		line = line[end+1:]
	}
	return false
}

// closing is where a quoted value ends that a text begins with: behind its last quote; -1: not in this line.
func closing(line []byte) int {
	for i := 1; i < len(line); i++ {
		if line[i] != '"' {
			continue
		}
		if i+1 < len(line) && line[i+1] == '"' {
			i++
			continue
		}
		return i + 1
	}
	return -1
}
