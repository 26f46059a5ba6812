package table

// What a small query's stage need not ask.
//
// A query was typed on empty tables when files were checked, and where its tables have the columns now that they had there, it has the types that it
// had there: what they are is settled by the text and these columns. To have the engine say it again takes a tiny stage a tenth of its time, and
// the views that the query would be typed over another. So the columns are read from the footers of the files (known), and the tables are named by WITH
// in front of the statement that is run. A file whose columns are not plain to see is asked for.

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/mlp-lang/mlp/lang/schema"
)

// with names the small tables of a query whose columns are known, in front of it: with "s" as not materialized (select * from read_parquet(…)).
// False: the engine has to be asked. The files are those of the tables, in the order of their names.
func (s *session) with(q Query) (with string, files []string, ok bool) {
	if q.Columns == nil || len(q.Tables) == 0 || len(q.Frames) > 0 || asksColumns(q.SQL) {
		return "", nil, false
	}
	var terms []string
	for _, name := range slices.Sorted(maps.Keys(q.Tables)) {
		if !hasColumns(q.Tables[name], q.Typed[name]) {
			return "", nil, false
		}
		path, err := s.plain(q.Tables[name])
		if err != nil {
			return "", nil, false
		}
		files = append(files, path)
		terms = append(terms, Quote(name)+" as not materialized (select * from "+scanParquet(path)+")")
	}
	return "with " + strings.Join(terms, ", ") + " ", files, !large(files)
}

// hasColumns reports whether a Parquet file is sure to have these columns, in their order.
func hasColumns(path string, columns []schema.Column) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	meta, _, err := readFooter(f)
	if err != nil || meta == nil || len(columns) == 0 || len(meta.Schema) != 1+len(columns) {
		return false
	}
	for i, c := range columns {
		if e := &meta.Schema[1+i]; e.Name != c.Name || e.NumChildren.Valid || typeOf(e) != c.Type {
			return false
		}
	}
	return true
}

// typeOf is the type that the engine reads a column of a Parquet file as; "" of those that it is not sure of.
func typeOf(e *format.SchemaElement) string {
	if !e.Type.Valid || !e.RepetitionType.Valid || e.RepetitionType.V == format.Repeated {
		return ""
	}
	kind := parquetType{e.Type.V, -1, e.LogicalType.String()}
	if e.ConvertedType.Valid {
		kind.converted = e.ConvertedType.V
	}
	if kind.converted == deprecated.Decimal && (e.Type.V == format.Int32 || e.Type.V == format.Int64) && kind.logical == fmt.Sprintf("DECIMAL(%d,%d)", e.Precision.V, e.Scale.V) {
		return strings.ToLower(kind.logical)
	}
	return plainly[kind]
}

// parquetType is how a file says what a column is: how its values lie there, and by either of two annotations what they stand for.
type parquetType struct {
	physical  format.Type
	converted deprecated.ConvertedType // -1: none
	logical   string                   // "": none
}

// plainly are the engine's types of columns that the engine itself wrote.
var plainly = map[parquetType]string{
	{format.Int64, deprecated.Int64, ""}:    "bigint",
	{format.Int32, deprecated.Int32, ""}:    "integer",
	{format.Int32, deprecated.Int16, ""}:    "smallint",
	{format.Int32, deprecated.Int8, ""}:     "tinyint",
	{format.Double, -1, ""}:                 "double",
	{format.Float, -1, ""}:                  "float",
	{format.Boolean, -1, ""}:                "boolean",
	{format.ByteArray, deprecated.UTF8, ""}: "varchar",
	{format.Int32, deprecated.Date, ""}:     "date",
	{format.Int64, deprecated.TimestampMicros, "TIMESTAMP(isAdjustedToUTC=false,unit=MICROS)"}: "timestamp",
}
