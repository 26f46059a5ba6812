package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/mlp-lang/mlp/runtime/component"
)

// Parquet's INT96 is how Spark, Impala and Hive write times: nanoseconds of the day in 8 bytes, the Julian day in 4. The
// engine reads it as microseconds and drops what is below without a word, and has no way to see the bytes. So a file with
// such columns is read through a copy whose footer calls them what they also are, 12 bytes each: pages are alike for both
// types. The bytes are taken apart in SQL.

// int96 is the name of the type among the engine's, for a column whose bytes are at hand.
const int96 = "int96"

// times96 finds the columns of a file that are INT96. What is no Parquet file has none: the engine tells what is wrong with it.
func times96(path string) (top, nested []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	meta, _, err := readFooter(f)
	if meta == nil || err != nil {
		return nil, nil, err
	}
	// Types are asked of each group's chunks, by the path of the column: one of a single name is a column of its own, a
	// longer one is within a struct or list.
	for _, group := range meta.RowGroups {
		for _, c := range group.Columns {
			switch name := c.MetaData.PathInSchema; {
			case c.MetaData.Type != format.Int96 || len(name) == 0:
			case len(name) == 1 && !slices.Contains(top, name[0]):
				top = append(top, name[0])
			case len(name) > 1 && !slices.Contains(nested, name[0]):
				nested = append(nested, name[0])
			}
		}
	}
	return top, nested, nil
}

// footerEnd is what stands behind a footer: its length and the magic word.
const footerEnd = 8

// readFooter returns what a Parquet file says of itself, and where that begins; nil if it is no such file.
func readFooter(f *os.File) (*format.FileMetaData, int64, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	// A file ends in its footer, the footer's length in 4 bytes, and PAR1 (https://parquet.apache.org/docs/file-format/).
	end := make([]byte, footerEnd)
	if _, err := f.ReadAt(end, max(info.Size()-footerEnd, 0)); err != nil || string(end[4:]) != "PAR1" {
		return nil, 0, nil
	}
	length := int64(binary.LittleEndian.Uint32(end))
	at := info.Size() - footerEnd - length
	if at < 4 {
		return nil, 0, nil
	}
	text := make([]byte, length)
	if _, err := f.ReadAt(text, at); err != nil {
		return nil, 0, fmt.Errorf("reading the footer of %s: %w", f.Name(), err)
	}
	meta := &format.FileMetaData{}
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), text, meta); err != nil {
		return nil, 0, nil
	}
	return meta, at, nil
}

// withBytes writes a copy of a Parquet file, to where the engine spills to, in which INT96 columns are of 12 bytes each.
func (s *session) withBytes(path string) (string, error) {
	if s.dir == "" {
		return "", fmt.Errorf("%s has times of Parquet's type INT96, and there is no folder for temporary files to read them through", path)
	}
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	meta, at, err := readFooter(in)
	if err != nil || meta == nil {
		return "", errors.Join(err, fmt.Errorf("%s is no Parquet file any more", path))
	}
	// Only the footer is written anew: 12 bytes are stored as they are, whatever they are called.
	asBytes(meta)
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), meta)
	if err != nil {
		return "", fmt.Errorf("writing the footer of a copy of %s: %w", path, err)
	}
	out, err := os.Create(s.large(fmt.Sprintf("bytes%d.parquet", len(s.linked))))
	if err != nil {
		return "", err
	}
	s.linked[out.Name()] = path
	_, err = io.Copy(out, io.NewSectionReader(in, 0, at))
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	_, failed := out.Write(append(footer, "PAR1"...))
	return out.Name(), errors.Join(err, failed, out.Close())
}

// asBytes calls INT96 columns 12 bytes, wherever a footer names their type. Their statistics, which no order is declared for, go.
func asBytes(meta *format.FileMetaData) {
	for i, e := range meta.Schema {
		if e.Type.Valid && e.Type.V == format.Int96 {
			meta.Schema[i].Type.V = format.FixedLenByteArray
			meta.Schema[i].TypeLength = thrift.New[int32](12)
		}
	}
	for _, group := range meta.RowGroups {
		for i := range group.Columns {
			if c := &group.Columns[i]; c.MetaData.Type == format.Int96 {
				c.MetaData.Type = format.FixedLenByteArray
				c.MetaData.Statistics = format.Statistics{}
				c.ColumnIndexOffset, c.ColumnIndexLength, c.OffsetIndexOffset, c.OffsetIndexLength = 0, 0, 0, 0
			}
		}
	}
}

// nestedTimes refuses a column that holds INT96 in a list or struct.
func nestedTimes(file, column string) *component.InputError {
	e := &component.InputError{Summary: fmt.Sprintf("%s: column %q holds times of Parquet's type INT96 in a list or struct", file, column),
		Detail: "They are read as columns of their own alone. Write them as TIMESTAMP (Spark: spark.sql.parquet.outputTimestampType), or leave the column out."}
	e.Bare = e.Summary
	return e
}

// parts96 are the Julian day and the nanoseconds of the day in the bytes of a time, least byte first.
func parts96(expr string) (day, nanos string) {
	number := func(from, to int, kind string) string {
		var digits []string
		for at := to; at >= from; at-- {
			digits = append(digits, fmt.Sprintf("substr(hex(%s), %d, 2)", expr, 2*at+1))
		}
		return "('0x' || " + strings.Join(digits, " || ") + ")::" + kind
	}
	return number(8, 11, "bigint"), number(0, 7, "ubigint")
}

const (
	julian1970 = 2440588
	dayMicros  = 86400 * 1000000
)

// micros96 is the time in microseconds, what is below dropped.
func micros96(expr string) string {
	day, nanos := parts96(expr)
	return fmt.Sprintf("make_timestamp((%s - %d) * %d + (%s // 1000)::bigint)", day, julian1970, dayMicros, nanos)
}

// exact96 is exact of a time in 12 bytes.
func exact96(expr, want string) string {
	day, nanos := parts96(expr)
	switch want {
	case "timestamp_ns":
		return fmt.Sprintf("try(make_timestamp_ns((%s - %d) * %d + %s::bigint))", day, julian1970, dayMicros*1000, nanos)
	case "varchar":
		return shown96(expr)
	}
	return fmt.Sprintf("case when %s %% 1000 = 0 then %s end", nanos, exact(micros96(expr), "timestamp", want))
}

// shown96 is the time as text, with all of its places.
func shown96(expr string) string {
	_, nanos := parts96(expr)
	return fmt.Sprintf("strftime(%s, '%%Y-%%m-%%d %%H:%%M:%%S.') || lpad((%s %% 1000000000)::varchar, 9, '0')", micros96(expr), nanos)
}
