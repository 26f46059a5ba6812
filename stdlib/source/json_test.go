package source_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/source/csv"
	"github.com/mlp-lang/mlp/stdlib/source/json"
)

func TestJSON(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(`{"id": 3, "big": 12345678901234567890}`)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	dir := folder(t, map[string]string{
		"array.json":  "\xef\xbb\xbf" + `[ {"id": 2, "x": [1, null, 2.5], "o": {"b": 1, "a": [ "ü\u0000" ]}}, {"big": "1", "id": 1, "at": "2026-01-31T10:00:00+02:00"} ]` + "\n",
		"b.ndjson.gz": packed.String(),
		"c.ndjson":    "{\"id\":4,\"s\":\"\",\"x\":[],\"b\":\"\\\\x00\\\\xff\",\"o\":\"a\"}\n\n{\"id\":5,\"s\":null,\"n\":\"NaN\"}{\"id\":6,\"s\":1.50,\"o\":1e400}",
		"empty.json":  " \n",
	})
	path, columns, log, err := run(t, json.Component, dir, `{"path": "*", "column": [{"name": "id", "type": "bigint"}, {"name": "big", "type": "decimal(20,0)"},
		{"name": "x", "type": "double[]"}, {"name": "o", "type": "json"}, {"name": "moment", "header": "at", "type": "timestamp"}, {"name": "s", "type": "varchar"},
		{"name": "b", "type": "blob"}, {"name": "n", "type": "double"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if want := (schema.Column{Name: "moment", Type: "timestamp"}); columns[4] != want {
		t.Errorf("got %+v", columns[4])
	}
	want := `id,big,x,o,moment,s,b,n
1,1,,,2026-01-31T08:00:00.000000,,,
2,,"[1.0, NULL, 2.5]","{""b"":1,""a"":[""ü\u0000""]}",,,,
3,12345678901234567890,,,,,,
4,,[],"""a""",,"",\x00\xFF,
5,,,,,,,nan
6,,,1e400,,1.50,,
`
	if got := text(t, path); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !strings.Contains(log, "1 that are NaN") {
		t.Errorf("got log %s", log)
	}
}

func TestJSONSniff(t *testing.T) {
	dir := folder(t, map[string]string{"a.json": `[
		{"b": true, "i": -5, "d": 1, "big": 12345678901234567890, "post": "01234", "day": "2026-01-31", "at": "2026-01-31T10:00:00Z", "o": {"a": 1}, "mix": 1, "none": null},
		{"b": false, "i": 0, "d": 2.5, "o": [1], "mix": "a", "only_here": "x"}]`})
	_, columns, _, err := run(t, json.Component, dir, `{"path": "a.json"}`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range columns {
		got = append(got, c.Name+" "+c.Type)
	}
	want := []string{"b boolean", "i bigint", "d double", "big varchar", "post varchar", "day date", "at timestamp", "o json", "mix varchar", "none varchar", "only_here varchar"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestJSONErrors(t *testing.T) {
	tests := []struct{ text, kind, want string }{
		{"{\"a\":1}\n{\"a\":12345678901234567890}\n", "bigint", `a.json row 2: column "a" holds "12345678901234567890", which is no bigint`},
		{`[{"a":0.1},{"a":0.12345678901234567890}]`, "double", `row 2: column "a" holds "0.12345678901234567890", which is no double`},
		{`[{"a":1e400}]`, "double", `row 1: column "a" holds "1e400"`},
		{`{"a":1}` + "\n" + `{"a":1,"a":2}`, "bigint", `a.json row 2 has two members "a"`},
		{`{"a":{"b":1,"b":2}}`, "json", `a.json row 1 has two members "b"`},
		{`{"a":{"b":1}}`, "bigint", `holds "{\"b\":1}", which is no bigint`},
		{`{"a":1}`, "bigint[]", `holds "1", which is no bigint[]`},
		{`{"a":[1,"x"]}`, "bigint[]", `which is no bigint[]`},
		{`{"a":[9007199254740993]}`, "double[]", `which is no double[]`},
		{`{"A":1}`, "bigint", `no row of a.json has "a"`},
		{`{"amount":1}`, "bigint", "What the block does not declare is amount."},
		{`[1]`, "bigint", `a.json row 1 is a number, and a row is an object`},
		{`[{"a":1}] {"a":2}`, "bigint", `goes on after its array of 1 rows`},
		{`{"a":1}` + "\n" + `{"a":2`, "bigint", `a.json row 2 is cut off`},
		{`[{"a":1},`, "bigint", `a.json row 1 is cut off`},
		{`{"a":1,}`, "bigint", `a.json row 1 is no JSON`},
		{`{'a':1}`, "bigint", `a.json row 1 is no JSON`},
		{"{\"a\":\"\xff\"}", "varchar", `a.json row 1 is not UTF-8`},
		{``, "bigint", "holds no rows"},
		{`[]`, "bigint", "holds no rows"},
	}
	for _, test := range tests {
		dir := folder(t, map[string]string{"a.json": test.text})
		_, _, _, err := run(t, json.Component, dir, `{"path": "a.json", "column": [{"name": "a", "type": "`+test.kind+`"}]}`)
		var input *component.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s as %s: got %v, want %s", test.text, test.kind, err, test.want)
		}
	}
}

// TestNULStays: a NUL is a character of a text as any other, in a value and in a list, whatever file it stands in: nothing behind it is lost.
func TestNULStays(t *testing.T) {
	dir := folder(t, map[string]string{"a.ndjson": `{"t": "a\u0000b", "l": ["c\u0000", "\u0000d"]}` + "\n", "b.csv": "t,l\n\"a\x00b\",\"[c\x00, \x00d]\"\n"})
	for name, tt := range map[string]struct {
		component component.Component
		config    string
	}{
		"json": {json.Component, `{"path": "a.ndjson", "column": [{"name": "t", "type": "varchar"}, {"name": "l", "type": "varchar[]"}]}`},
		"csv":  {csv.Component, `{"path": "b.csv", "column": [{"name": "t", "type": "varchar"}, {"name": "l", "type": "varchar[]"}]}`},
	} {
		path, _, _, err := run(t, tt.component, dir, tt.config)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, want := text(t, path), "t,l\n\"a\x00b\",\"[c\x00, \x00d]\"\n"; strings.ReplaceAll(got, `"`, "") != strings.ReplaceAll(want, `"`, "") {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
