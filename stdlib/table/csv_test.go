package table

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// files writes texts as a.csv, b.csv, … and returns them.
func files(t *testing.T, texts ...string) []File {
	t.Helper()
	var out []File
	dir := t.TempDir()
	for i, text := range texts {
		name := string(rune('a'+i)) + ".csv"
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out = append(out, File{Path: path, Name: name})
	}
	return out
}

func columns(list ...string) []CSVColumn {
	var out []CSVColumn
	for i := 0; i < len(list); i += 2 {
		out = append(out, CSVColumn{Column: schema.Column{Name: list[i], Type: list[i+1]}})
	}
	return out
}

// csvOf shows a Parquet file as text.
func csvOf(t *testing.T, parquet string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.csv")
	if err := ToCSV(t.Context(), parquet, path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCSVLoad(t *testing.T) {
	tests := []struct {
		name    string
		csv     CSV
		texts   []string
		columns []CSVColumn
		want    string
	}{
		{"rows are sorted, columns in declared order, others dropped", CSV{Header: true}, []string{"b,x,a\n2,z,1.5\n1,z,\n"},
			columns("a", "double", "b", "bigint"), "a,b\n1.5,2\n,1\n"},
		{"files with other orders of columns", CSV{Header: true}, []string{"a,b\n2,x\n", "b,a\ny,1\n"}, columns("a", "integer", "b", "varchar"), "a,b\n1,y\n2,x\n"},
		{"no header", CSV{Delimiter: ";"}, []string{"1;x\n", "2;y\n"}, columns("n", "integer", "s", "varchar"), "n,s\n1,x\n2,y\n"},
		{"blanks and nulls", CSV{Header: true, Trim: true, Nulls: []string{"?"}}, []string{"n, s\n 1, ?\n 2, a b \n 3,\n"}, columns("n", "integer", "s", "varchar"),
			"n,s\n1,\n2,a b\n3,\n"},
		{"quoted", CSV{Header: true}, []string{"n,s\n1,\"a\"\"b\nc\"\n2,\"\"\n3,\n"}, columns("n", "integer", "s", "varchar"), "n,s\n1,\"a\"\"b\nc\"\n2,\"\"\n3,\n"},
		{"quoted, without blanks", CSV{Header: true, Trim: true}, []string{"n,s\n1, \"a b\" \n2, \"\" \n3, \n"}, columns("n", "integer", "s", "varchar"), "n,s\n1,a b\n2,\"\"\n3,\n"},
		{"byte order mark, CRLF", CSV{Header: true}, []string{"\xef\xbb\xbfn,s\r\n1,x\r\n"}, columns("n", "integer", "s", "varchar"), "n,s\n1,x\n"},
		{"times", CSV{Header: true}, []string{"t,d\n2020-01-02T03:04:05+02:00,2020-01-01\n2020-01-02 03:04:05.5,\n"}, columns("t", "timestamp", "d", "date"),
			"t,d\n2020-01-02T01:04:05.000000,2020-01-01\n2020-01-02T03:04:05.500000,\n"},
		{"whole numbers with a fraction of zeros", CSV{Header: true}, []string{"n\n5.0\n"}, columns("n", "bigint"), "n\n5\n"},
		{"names without regard to case", CSV{Header: true}, []string{"Age\n5\n"}, columns("age", "bigint"), "age\n5\n"},
		{"headers with names of their own", CSV{Header: true}, []string{"Age in years\n5\n"},
			[]CSVColumn{{Column: schema.Column{Name: "age", Type: "bigint"}, Header: "Age in years"}}, "age\n5\n"},
		{"tabs", CSV{Header: true, Delimiter: "\t"}, []string{"n\ts\n1\ta,b\n"}, columns("n", "integer", "s", "varchar"), "n,s\n1,\"a,b\"\n"},
		{"no end of the last line", CSV{Header: true}, []string{"n,s\n1,x"}, columns("n", "integer", "s", "varchar"), "n,s\n1,x\n"},
		{"blank lines", CSV{Header: true}, []string{"\nn,s\n\n1,x\n\n"}, columns("n", "integer", "s", "varchar"), "n,s\n1,x\n"},
		{"only a header", CSV{Header: true}, []string{"n,s"}, columns("n", "integer", "s", "varchar"), "n,s\n"},
		{"a quoted header", CSV{Header: true}, []string{"\"n, in all\",s\n1,x\n"}, []CSVColumn{{Column: schema.Column{Name: "n", Type: "integer"}, Header: "n, in all"}}, "n\n1\n"},
		{"one column with nulls", CSV{Header: true}, []string{"n\n1\n\n2\n"}, columns("n", "integer"), "n\n1\n2\n\n"},
		{"infinities", CSV{Header: true}, []string{"x\ninf\nnan\n-Infinity\n"}, columns("x", "double"), "x\n-inf\ninf\nnan\n"},
	}
	for _, test := range tests {
		out := filepath.Join(t.TempDir(), "out.parquet")
		test.csv.Files = files(t, test.texts...)
		if _, err := test.csv.Load(t.Context(), test.columns, out); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if d := cmp.Diff(test.want, csvOf(t, out)); d != "" {
			t.Errorf("%s: %s", test.name, d)
		}
	}
}

func TestCSVErrors(t *testing.T) {
	abc := columns("id", "bigint", "amount", "double", "day", "date")
	tests := []struct {
		name    string
		csv     CSV
		texts   []string
		columns []CSVColumn
		want    []string
	}{
		{"a value of the wrong type", CSV{Header: true}, []string{"id,amount,day\n1,2,2020-01-01\n", "id,amount,day\n1,2,2020-01-01\n2,x,2020-01-01\n"}, abc,
			[]string{"b.csv line 3", `"amount"`, `"x"`, "double"}},
		{"after a field of two lines", CSV{Header: true}, []string{"id,amount,day,s\n1,2,2020-01-01,\"a\nb\"\n2,1,x,c\n"}, abc, []string{"a.csv line 4", `"day"`, `"x"`, "date"}},
		{"a fraction", CSV{Header: true}, []string{"id,amount,day\n1.5,2,2020-01-01\n"}, abc, []string{"a.csv line 2", `"id"`, `"1.5"`, "bigint"}},
		{"too large", CSV{Header: true}, []string{"id\n99999999999999999999\n"}, columns("id", "bigint"), []string{"line 2", "99999999999999999999"}},
		{"no such day", CSV{Header: true}, []string{"id,amount,day\n1,2,2020-02-30\n"}, abc, []string{"line 2", "2020-02-30", "date"}},
		{"too few fields", CSV{Header: true}, []string{"id,amount,day\n1,2,2020-01-01\n2,3\n"}, abc, []string{"a.csv line 3", "2 values, and 3 columns are expected", `"2,3"`}},
		{"too many fields", CSV{Header: true}, []string{"id,amount,day\n1,2,2020-01-01,9\n"}, abc, []string{"a.csv line 2", "4 values, and 3"}},
		{"too many fields after one of three lines", CSV{Header: true}, []string{"id,s\n1,\"a\nb\"\"\n\"\n2,x\"y\n3,y,z\n"}, columns("id", "bigint", "s", "varchar"), []string{"a.csv line 6", "3 values"}},
		{"too few fields after empty lines", CSV{Header: true}, []string{"id,s\r\n1,\"a\r\n\r\nb\"\r\n\r\n\r\n2,x\r\n3\r\n"}, columns("id", "bigint", "s", "varchar"), []string{"a.csv line 8", "1 values"}},
		{"an open quote after a field of two lines", CSV{Header: true}, []string{"id,s\n1,\"a\nb\"\n2,\"x\n3,y\n"}, columns("id", "bigint", "s", "varchar"), []string{"a.csv line 4", "unterminated quote"}},
		{"an open quote", CSV{Header: true}, []string{"id,amount,day\n1,2,\"2020-01-01\n"}, abc, []string{"a.csv line 2", "unterminated quote"}},
		{"no UTF-8", CSV{Header: true}, []string{"id,s\n1,\xff\n"}, columns("id", "bigint", "s", "varchar"), []string{"a.csv line 2", "not UTF-8"}},
		{"a column that is not there", CSV{Header: true}, []string{"id,amuont,day\n"}, abc, []string{"a.csv has no column", `did you mean "amuont"?`}},
		{"a name twice", CSV{Header: true}, []string{"id,ID\n"}, columns("id", "bigint"), []string{"2 columns named"}},
		{"an empty file", CSV{Header: true}, []string{""}, abc, []string{"a.csv is empty"}},
		{"no header and other columns", CSV{}, []string{"1,2\n"}, abc, []string{"has 2 columns, the block declares 3"}},
	}
	for _, test := range tests {
		test.csv.Files = files(t, test.texts...)
		_, err := test.csv.Load(t.Context(), test.columns, filepath.Join(t.TempDir(), "out.parquet"))
		var input *component.InputError
		if !errors.As(err, &input) {
			t.Errorf("%s: got %v", test.name, err)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q in it", test.name, err, want)
			}
		}
	}
}

func TestCSVGzip(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte("a,b\n1,x\n"))
	w.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{"a.csv.gz": b.String(), "b.csv": b.String(), "c.csv.gz": "a,b\n2,y\n", "d.csv": "a,b\n3,z\n"} { // what is packed is told by its bytes
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var all []File
	for _, name := range []string{"a.csv.gz", "b.csv", "c.csv.gz", "d.csv"} {
		all = append(all, File{filepath.Join(dir, name), name})
	}
	out := filepath.Join(t.TempDir(), "out.parquet")
	c := CSV{Files: all, Header: true}
	if n, err := c.Load(t.Context(), columns("a", "bigint"), out); err != nil || n != 4 {
		t.Errorf("got %d, %v", n, err)
	}
	if got, err := c.Sniff(t.Context()); err != nil || typed(got) != "a bigint, b varchar" {
		t.Errorf("got %s, %v", typed(got), err)
	}
}

// TestWebPages: a page that a server gives instead of a file is none, whatever is asked of it.
func TestWebPages(t *testing.T) {
	for _, page := range []string{"<!DOCTYPE html>\n<html>\n", "\ufeff \n<HTML lang=en>\n"} {
		f := files(t, page)
		for name, sniff := range map[string]func(context.Context) ([]schema.Column, error){"csv": CSV{Files: f, Header: true}.Sniff, "json": JSON{Files: f}.Sniff} {
			if _, err := sniff(t.Context()); err == nil || !strings.Contains(err.Error(), "is a web page") {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
	if got, err := (CSV{Files: files(t, "<htm,b\n1,2\n"), Header: true}).Sniff(t.Context()); err != nil || len(got) != 2 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestSniff(t *testing.T) {
	text := "n,zip,x,flag,day,at,s,empty,mixed\n1,01234,1.5,true,2020-01-01,2020-01-01 10:00:00,a,,1\n-2,,2,FALSE,,2020-01-02T10:00:00Z,b,,x\n"
	c := CSV{Header: true, Files: files(t, text)}
	got, err := c.Sniff(t.Context())
	want := "n bigint, zip varchar, x double, flag boolean, day date, at timestamp, s varchar, empty varchar, mixed varchar"
	if err != nil || typed(got) != want {
		t.Errorf("got %s, %v", typed(got), err)
	}
	c = CSV{Files: files(t, "1,x\n", "2.5,y\n")}
	if got, err := c.Sniff(t.Context()); err != nil || typed(got) != "column1 double, column2 varchar" {
		t.Errorf("got %s, %v", typed(got), err)
	}
	c = CSV{Header: true, Files: files(t, "a,b\n1,2\n", "a,c\n1,2\n")}
	if _, err := c.Sniff(t.Context()); err == nil || !strings.Contains(err.Error(), `b.csv has no column "b"`) {
		t.Errorf("got %v", err)
	}
	c = CSV{Header: true, Files: files(t, "a,b\n1,2\n3\n")}
	if _, err := c.Sniff(t.Context()); err == nil || !strings.Contains(err.Error(), "a.csv line 3") {
		t.Errorf("got %v", err)
	}
}

// TestSniffRealData reads real files and gives their columns and counts.
func TestSniffRealData(t *testing.T) {
	tests := []struct {
		file, want string
		csv        CSV
		rows       int64
	}{
		{"diamonds.csv", "carat double, cut varchar, color varchar, clarity varchar, depth double, table double, x double, y double, z double, target bigint, is_test bigint",
			CSV{Header: true}, 53940},
		{"adult.csv", "age bigint, workclass varchar, fnlwgt bigint, education varchar, education-num bigint, marital-status varchar, occupation varchar, relationship varchar, " +
			"race varchar, sex varchar, capital-gain bigint, capital-loss bigint, hours-per-week bigint, native-country varchar, Salary varchar",
			CSV{Header: true, Trim: true, Nulls: []string{"?"}}, 32561},
	}
	for _, test := range tests {
		path := filepath.Join("../../../shared/data", test.file)
		if _, err := os.Stat(path); err != nil {
			t.Skipf("%s is not there", path)
		}
		test.csv.Files = []File{{path, test.file}}
		got, err := test.csv.Sniff(t.Context())
		if err != nil || typed(got) != test.want {
			t.Errorf("got %s, %v", typed(got), err)
			continue
		}
		var asked []CSVColumn
		for _, c := range got {
			asked = append(asked, CSVColumn{Column: c})
		}
		if n, err := test.csv.Load(t.Context(), asked, filepath.Join(t.TempDir(), "out.parquet")); err != nil || n != test.rows {
			t.Errorf("%s: got %d rows, %v", test.file, n, err)
		}
	}
}

func TestConvert(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.parquet")
	_, err := Run(t.Context(), Query{Out: in, SQL: `select * from (values
		(1, 0.1::float, 1e300, timestamp '2020-01-02 03:04:05.5', timestamptz '2020-01-01 10:00:00+01', date '2020-01-01', 'a"b' || chr(10) || 'c', true, 1.5::decimal(18,3)),
		(2, null, null, null, null, null, null, null, null),
		(3, 'inf', 'nan', null, null, null, '', false, -1)) t(i, f, d, ts, tz, day, s, b, m)`})
	if err != nil {
		t.Fatal(err)
	}
	text := csvOf(t, in)
	want := "i,f,d,ts,tz,day,s,b,m\n1,0.1,1e+300,2020-01-02T03:04:05.500000,2020-01-01T09:00:00.000000Z,2020-01-01,\"a\"\"b\nc\",true,1.500\n2,,,,,,,,\n3,inf,nan,,,,\"\",false,-1.000\n"
	if d := cmp.Diff(want, text); d != "" {
		t.Error(d)
	}
	nd := filepath.Join(dir, "out.ndjson")
	if err := ToNDJSON(t.Context(), in, nd); err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile(nd)
	if err != nil {
		t.Fatal(err)
	}
	wantLine := `{"i":1,"f":0.1,"d":1e300,"ts":"2020-01-02T03:04:05.500000","tz":"2020-01-01T09:00:00.000000Z","day":"2020-01-01","s":"a\"b\nc","b":true,"m":1.500}`
	if got, _, _ := strings.Cut(string(lines), "\n"); got != wantLine {
		t.Errorf("got  %s\nwant %s", got, wantLine)
	}

	schemaColumns := []schema.Column{{Name: "i", Type: "integer"}, {Name: "f", Type: "float"}, {Name: "d", Type: "double"}, {Name: "ts", Type: "timestamp"},
		{Name: "tz", Type: "timestamp with time zone"}, {Name: "day", Type: "date"}, {Name: "s", Type: "varchar"}, {Name: "b", Type: "boolean"}, {Name: "m", Type: "decimal(18,3)"}}
	back := filepath.Join(dir, "back.parquet")
	csv := filepath.Join(dir, "x.csv")
	if err := os.WriteFile(csv, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := FromCSV(t.Context(), csv, schemaColumns, back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(text, csvOf(t, back)); d != "" {
		t.Error(d)
	}
	if err := FromNDJSON(t.Context(), nd, schemaColumns, back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Replace(text, "3,inf,nan,", "3,,,", 1), csvOf(t, back)); d != "" {
		t.Error(d)
	}
}

func TestFromNDJSONErrors(t *testing.T) {
	want := []schema.Column{{Name: "a", Type: "bigint"}, {Name: "b", Type: "double"}}
	for text, part := range map[string]string{
		"{\"a\":1}\n{\"a\":1,\"b\":\"x\"}\n": `row 2: column "b" holds "x", which is no double`,
		"{\"a\":1.5}\n":                      `"a" holds "1.5"`,
		"{\"a\":1\n":                         "cannot be read",
		"{\"a\":1,\"a\":2}\n":                "duplicate key",
		"[1]\n":                              "Expected OBJECT, but got ARRAY",
		"{\"a\":" + "[" + "}":                "Malformed JSON",
	} {
		path := filepath.Join(t.TempDir(), "x.ndjson")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		err := FromNDJSON(t.Context(), path, want, filepath.Join(t.TempDir(), "o"))
		var input *component.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "Try ") {
			t.Errorf("got %v, want %q", err, part)
		}
	}
}

// TestFromNDJSON: members are found by their names as they are written, and are what their text stands for, however long a row is.
func TestFromNDJSON(t *testing.T) {
	columns := []schema.Column{{Name: "a", Type: "varchar"}, {Name: `b "q".c's`, Type: "bigint"}, {Name: "d", Type: "decimal(12,2)"}, {Name: "l", Type: "bigint[]"}, {Name: "t", Type: "timestamp"}}
	long := strings.Repeat("x", 17<<20)
	dir := t.TempDir()
	path, out := filepath.Join(dir, "rows"), filepath.Join(dir, "out.parquet")
	rows := `{"other": 1, "a": "\u00e9\ud83d\ude00"}
{"b \"q\".c's": 9223372036854775807, "d": "1.50", "l": [1, 2], "t": "2024-01-01T00:00:00Z"}

{"a": {"k": [1, "z"]}, "b \"q\".c's": "5", "d": 2, "A": "another"}
{"a": 12345678901234567890123, "b \"q\".c's": 5.0}
{"a": "` + long + `"}`
	if err := os.WriteFile(path, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := FromNDJSON(t.Context(), path, columns, out); err != nil {
		t.Fatal(err)
	}
	if err := ToNDJSON(t.Context(), out, path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	none := `,"d":null,"l":null,"t":null}`
	want := `{"a":"é😀","b \"q\".c's":null` + none + `
{"a":null,"b \"q\".c's":9223372036854775807,"d":1.5,"l":[1,2],"t":"2024-01-01T00:00:00.000000"}
{"a":"{\"k\":[1,\"z\"]}","b \"q\".c's":5,"d":2.0,"l":null,"t":null}
{"a":"12345678901234567890123","b \"q\".c's":5` + none + `
{"a":"` + long + `","b \"q\".c's":null` + none + "\n"
	if string(got) != want {
		t.Errorf("got %.900s", got)
	}
}
