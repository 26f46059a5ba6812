package source_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/source/csv"
	"github.com/mlp-lang/mlp/stdlib/source/parquet"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// run takes a source through all that the compiler and the engine ask of it, and returns the table, its columns and
// the log.
func run(t *testing.T, c component.Component, dir, config string) (path string, columns []schema.Column, log string, err error) {
	t.Helper()
	root, names, err := c.Source.Files(dir, json.RawMessage(config))
	if err != nil {
		return "", nil, "", err
	}
	base := filepath.Join(dir, root)
	var m map[string]any
	if err := json.Unmarshal([]byte(config), &m); err != nil {
		t.Fatal(err)
	}
	if m["column"] == nil {
		if m["column"], err = c.Source.Sniff(t.Context(), base, names, json.RawMessage(config)); err != nil {
			return "", nil, "", err
		}
	}
	full, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	b := table.NewBinder(nil)
	defer b.Close()
	shape := c.Shape(t.Context(), b, schema.ShapeRequest{Address: "source.x", Config: full})
	if len(shape.Problems) > 0 {
		t.Fatalf("%+v", shape.Problems)
	}
	stage := t.TempDir()
	if err := os.Mkdir(filepath.Join(stage, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(base, filepath.Join(stage, "in", "files")); err != nil {
		t.Fatal(err)
	}
	spec, err := json.Marshal(component.Spec{Protocol: component.Protocol, Address: "source.x", Config: full, Out: shape.Out, Files: map[string][]string{"files": names}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(stage, "stage.json"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s, err := component.Open(stage, 1, &out)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Run(t.Context(), s)
	return filepath.Join(stage, "out", "table", component.TableFile), shape.Out["table"].Table.Columns, out.String(), err
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func text(t *testing.T, path string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "x.csv")
	if err := table.ToCSV(t.Context(), path, out); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCSV(t *testing.T) {
	dir := folder(t, map[string]string{
		"data/2.csv":     "amount,id,extra\ninf,3,x\n2.5,1,y\n",
		"data/1.csv":     "id,amount\n2,\n",
		"data/other.tsv": "not read",
	})
	path, columns, log, err := run(t, csv.Component, dir,
		`{"path": "data/*.csv", "column": [{"name": "id", "type": "INT", "pii": true}, {"name": "Money", "type": "double", "header": "amount"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := text(t, path), "id,Money\n1,2.5\n2,\n3,inf\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := (schema.Column{Name: "id", Type: "integer", PII: true}); columns[0] != want {
		t.Errorf("got %+v", columns[0])
	}
	if !strings.Contains(log, `column \"Money\" holds 1 infinite values`) || !strings.Contains(log, `"mlp":"warning"`) {
		t.Errorf("got log %s", log)
	}
}

func TestCSVErrors(t *testing.T) {
	tests := []struct {
		name, files, config, want string
	}{
		{"a bad value", "id,amount\n1,2\n2,x\n", `{"path": "data/*.csv", "column": [{"name": "amount", "type": "double"}]}`,
			`a.csv line 3: column "amount" holds "x", which is no double`},
		{"no rows", "id,amount\n", `{"path": "data/*.csv", "column": [{"name": "amount", "type": "double"}]}`, "holds no rows"},
		{"a missing column", "id,amount\n1,2\n", `{"path": "data/*.csv", "column": [{"name": "amuont", "type": "double"}]}`, `did you mean "amount"?`},
		{"no file", "id,amount\n1,2\n", `{"path": "data/*.txt"}`, `no file matches "data/*.txt"`},
		{"sniffing a malformed file", "id,amount\n1,2\n1,2,3\n", `{"path": "data/*.csv"}`, `a.csv line 3`},
	}
	for _, test := range tests {
		dir := folder(t, map[string]string{"data/a.csv": test.files})
		if _, _, _, err := run(t, csv.Component, dir, test.config); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
}

// TestDeclaredTypes: a declared type is one that values are held to, or is refused with what to write instead.
func TestDeclaredTypes(t *testing.T) {
	b := table.NewBinder(nil)
	defer b.Close()
	for kind, hint := range map[string]string{
		"enum('a', 'b')": "in_set", "ENUM('a')": "in_set", "enum('a')[]": "in_set", "struct(e enum('a'))": "in_set", "map(varchar, enum('a'))": "in_set",
		"bit": "matches", "bitstring": "matches", "timestamp_s": "write timestamp", "TIMESTAMP_MS": "write timestamp", "varchar(3)": "max_length", "char (2)": "max_length",
		"text(5)": "max_length", "integer[3]": "leave the length out", "struct(a double[2])": "leave the length out",
		"varchar": "", "text": "", "decimal(10,2)": "", "numeric": "", "integer[]": "", "timestamp_ns": "", "timestamptz": "", `struct("bit" integer, "enum" varchar)`: "",
		`struct("char(2)" integer)`: "", "map(varchar, integer)": "", "uuid": "", "json": "", "blob": "",
	} {
		config, err := json.Marshal(map[string]any{"path": "x", "column": []any{map[string]any{"name": "a", "type": kind}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []component.Component{csv.Component, parquet.Component} {
			r := c.Shape(t.Context(), b, schema.ShapeRequest{Config: config})
			switch {
			case hint == "" && len(r.Problems) > 0, hint != "" && len(r.Problems) != 1:
				t.Errorf("%s %s: got %+v", c.Type.Name, kind, r.Problems)
			case hint != "" && (!strings.Contains(r.Problems[0].Hint, hint) || r.Problems[0].Path != "column[a].type"):
				t.Errorf("%s %s: got %+v", c.Type.Name, kind, r.Problems[0])
			}
		}
	}
}

func TestShapeProblems(t *testing.T) {
	b := table.NewBinder(nil)
	defer b.Close()
	tests := []struct{ config, path, summary, hint string }{
		{`{"path": "x", "column": [{"name": "a", "type": "doubel"}]}`, "column[a].type", `"doubel" is no type`, ``},
		{`{"path": "x", "column": [{"name": "a", "type": "int), (1"}]}`, "column[a].type", "is no type", ""},
		{`{"path": "x", "column": [{"name": "a", "type": "interval"}]}`, "column[a].type", "is no type", "cast it to varchar"},
		{`{"path": "x", "column": [{"name": "a", "type": "int"}, {"name": "A", "type": "int"}]}`, "column[A]", `two columns are named "A"`, ""},
		{`{"path": "x", "delimiter": "ab", "column": [{"name": "a", "type": "int"}]}`, "delimiter", `"ab" is no delimiter`, ""},
		{`{"path": "x", "header": false, "column": [{"name": "a", "type": "int", "header": "A"}]}`, "column[a].header", "no header", ""},
		{`{"path": "x"}`, "", "no columns are known", ""},
	}
	for _, test := range tests {
		r := csv.Component.Shape(t.Context(), b, schema.ShapeRequest{Config: json.RawMessage(test.config)})
		if len(r.Problems) != 1 {
			t.Errorf("%s: got %+v", test.config, r.Problems)
			continue
		}
		if p := r.Problems[0]; p.Path != test.path || !strings.Contains(p.Summary, test.summary) || !strings.Contains(p.Hint, test.hint) {
			t.Errorf("%s: got %+v", test.config, p)
		}
	}
}

func TestParquet(t *testing.T) {
	dir := t.TempDir()
	write := func(name, sql string) {
		if _, err := table.Run(t.Context(), table.Query{SQL: sql, Out: filepath.Join(dir, name)}); err != nil {
			t.Fatal(err)
		}
	}
	write("a.parquet", "select 2 as id, 1.5::double x, 'b' s")
	write("b.parquet", "select 1 as id, 2.0::double x, 'a' s")
	path, columns, _, err := run(t, parquet.Component, dir, `{"path": "*.parquet"}`)
	if err != nil || len(columns) != 3 {
		t.Fatalf("got %v, %v", columns, err)
	}
	if got, want := text(t, path), "id,x,s\n1,2.0,a\n2,1.5,b\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	path, _, _, err = run(t, parquet.Component, dir, `{"path": "*.parquet", "column": [{"name": "S", "type": "varchar"}, {"name": "id", "type": "double"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := text(t, path), "S,id\na,1.0\nb,2.0\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for config, want := range map[string]string{
		`{"path": "*.parquet", "column": [{"name": "x", "type": "bigint"}]}`: `a.parquet row 1: column "x" holds "1.5", which is no bigint`,
		`{"path": "*.parquet", "column": [{"name": "s", "type": "double"}]}`: `a.parquet row 1: column "s" holds "b", which is no double`,
		`{"path": "*.parquet", "column": [{"name": "y", "type": "double"}]}`: `a.parquet has no column "y"`,
	} {
		_, _, _, err := run(t, parquet.Component, dir, config)
		var input *component.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", config, err)
		}
	}
	write("c.parquet", "select 1 as id, 2 as x, 'a' s")
	if _, _, _, err := run(t, parquet.Component, dir, `{"path": "*.parquet"}`); err == nil || !strings.Contains(err.Error(), `column "x" is double in a.parquet and integer in c.parquet`) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "d.parquet"), []byte("PAR1 it is not"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := run(t, parquet.Component, dir, `{"path": "d.parquet"}`); err == nil || !strings.Contains(err.Error(), "d.parquet cannot be read as Parquet") {
		t.Errorf("got %v", err)
	}
}

// TestRealDataSameBytes reads a real file twice, and split in two, on one processor and on two.
// TestEmpty has files without rows: an error, unless that is said to be all right.
func TestEmpty(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.csv"), []byte("id,x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := table.Run(t.Context(), table.Query{SQL: "select 1 as id, 1.5 as x where false", Out: filepath.Join(dir, "a.parquet")}); err != nil {
		t.Fatal(err)
	}
	const columns = `"column": [{"name": "id", "type": "bigint"}, {"name": "x", "type": "double"}]`
	for path, c := range map[string]component.Component{"a.csv": csv.Component, "a.parquet": parquet.Component} {
		_, _, _, err := run(t, c, dir, `{"path": "`+path+`", `+columns+`}`)
		if err == nil || !strings.Contains(err.Error(), "holds no rows") || !strings.Contains(err.Error(), "allow_empty = true") {
			t.Errorf("%s: got %v", path, err)
		}
		out, _, _, err := run(t, c, dir, `{"path": "`+path+`", "allow_empty": true, `+columns+`}`)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if n, err := table.Rows(t.Context(), out); n != 0 || err != nil {
			t.Errorf("%s: got %d rows, %v", path, n, err)
		}
	}
}

func TestRealDataSameBytes(t *testing.T) {
	data, err := os.ReadFile("../../../shared/data/diamonds.csv")
	if err != nil {
		t.Skip("../shared/data/diamonds.csv is not there")
	}
	header, rows, _ := strings.Cut(string(data), "\n")
	half := strings.Index(rows[len(rows)/2:], "\n") + len(rows)/2 + 1
	whole := folder(t, map[string]string{"d/all.csv": string(data)})
	parts := folder(t, map[string]string{"d/a.csv": header + "\n" + rows[half:], "d/b.csv": header + "\n" + rows[:half]})
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	var first []byte
	for i, dir := range []string{whole, parts, whole} {
		runtime.GOMAXPROCS(1 + i%2)
		path, _, _, err := run(t, csv.Component, dir, `{"path": "d/*.csv"}`)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = got
		} else if !bytes.Equal(got, first) {
			t.Errorf("reading %s the second time gave other bytes", dir)
		}
	}
}
