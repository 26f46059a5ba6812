package source_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/fetch/fetchtest"
	fetch "github.com/mlp-lang/mlp/stdlib/fetch/postgres"
	"github.com/mlp-lang/mlp/stdlib/fetch/postgrestest"
	"github.com/mlp-lang/mlp/stdlib/source/postgres"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// fetched takes a source through its fetch and its own stage, and returns the table as text.
func fetched(t *testing.T, c component.Component, fetch *component.Component, secret, config string) (string, error) {
	t.Helper()
	b := table.NewBinder(nil)
	defer b.Close()
	shape := c.Shape(t.Context(), b, schema.ShapeRequest{Address: "source.x", Config: json.RawMessage(config)})
	if len(shape.Problems) > 0 {
		t.Fatalf("%+v", shape.Problems)
	}
	derived, err := c.Derive(schema.DeriveRequest{Config: json.RawMessage(config)})
	if err != nil || len(derived) != 1 {
		t.Fatalf("got %v, %v", derived, err)
	}
	s := fetchtest.Subject{Component: fetch, Config: derived[0].Config, Secret: secret}
	version, err := s.Version(t.Context())
	if err != nil {
		return "", err
	}
	files, _, err := s.Fetch(t.Context(), t, version)
	if err != nil {
		return "", err
	}
	stage := t.TempDir()
	for name, text := range files {
		path := filepath.Join(stage, "in", "files", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	spec, err := json.Marshal(component.Spec{Protocol: component.Protocol, Address: "source.x", Config: json.RawMessage(config), Out: shape.Out})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(stage, "stage.json"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	run, err := component.Open(stage, 1, &log)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context(), run); err != nil {
		return "", err
	}
	return text(t, filepath.Join(stage, "out", "table", component.TableFile)), nil
}

// TestPostgresValues: each value is what it is in the database, or is refused by row, column and value.
func TestPostgresValues(t *testing.T) {
	server := postgrestest.Start(t)
	server.Exec(`
		create type mood as enum ('sad', 'ok');
		create table v (id bigint, big numeric, money numeric(12,2), d double precision, r real, at timestamptz, plain timestamp, day date, clock time,
			raw bytea, ids bigint[], names text[], doc jsonb, u uuid, m mood, t text, b boolean, few interval);
		insert into v values
			(9223372036854775807, 12345678901234567890.12345, 0.10, 'NaN', 0.1, '2026-01-31 10:00:00.123456+02', '2026-01-31 10:00', '2026-02-28', '10:00:01.5',
				'\x00ff68', '{1,NULL,-9223372036854775808}', '{"a b","c\"d",NULL}', '{"a": [1, 1.50], "b": {"ü": null}}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'ok', E'line\nbreak \\ "quoted"', true, '1 day 02:00'),
			(-1, null, null, '-Infinity', null, null, null, null, null, '', '{}', '{}', 'null', null, null, '', null, null);`)
	config := func(table, columns string) string {
		return `{"url": "` + server.URL() + `", "table": "` + table + `", "column": [` + columns + `]}`
	}
	all := `{"name": "id", "type": "bigint"}, {"name": "big", "type": "decimal(30,5)"}, {"name": "money", "type": "decimal(12,2)"}, {"name": "d", "type": "double"}, {"name": "r", "type": "float"},
		{"name": "at", "type": "timestamp"}, {"name": "plain", "type": "timestamp"}, {"name": "day", "type": "date"}, {"name": "clock", "type": "time"}, {"name": "raw", "type": "blob"},
		{"name": "ids", "type": "bigint[]"}, {"name": "names", "type": "varchar[]"}, {"name": "doc", "type": "json"}, {"name": "u", "type": "uuid"}, {"name": "m", "type": "varchar"},
		{"name": "t", "type": "varchar"}, {"name": "b", "type": "boolean"}, {"name": "few", "type": "varchar"}`
	got, err := fetched(t, postgres.Component, &fetch.Component, postgrestest.Password, config("v", all))
	if err != nil {
		t.Fatal(err)
	}
	want := `id,big,money,d,r,at,plain,day,clock,raw,ids,names,doc,u,m,t,b,few
-1,,,-inf,,,,,,"",[],[],,,,"",,
9223372036854775807,12345678901234567890.12345,0.10,nan,0.1,2026-01-31T08:00:00.123456,2026-01-31T10:00:00.000000,2026-02-28,10:00:01.5,\x00\xFFh,"[1, NULL, -9223372036854775808]","[a b, 'c""d', NULL]","{""a"":[1,1.50],""b"":{""ü"":null}}",a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,ok,"line
break \ ""quoted""",true,1 day 02:00:00
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, test := range []struct{ value, kind, want string }{
		{"'NaN'::numeric", "decimal(12,2)", `w row 1: column "x" holds "NaN", which is no decimal(12,2)`},
		{"'Infinity'::numeric", "decimal(12,2)", `holds "Infinity"`},
		{"12345678901234567890", "bigint", `holds "12345678901234567890"`},
		{"0.12345678901234567890", "double", "which is no double"},
		{"'infinity'::timestamptz", "timestamp", `holds "infinity"`},
		{"'0044-03-15 BC'::date", "date", "which is no date"},
		{"'a'", "blob", "which is no blob"},
		{"array[array[1,2],array[3,4]]", "bigint[]", "which is no bigint[]"},
		{"array[0.1234567890123456789]", "double[]", "which is no double[]"},
		{"(select v from v limit 1)", "bigint", "which is no bigint"},
	} {
		server.Exec("drop view if exists w; create view w as select " + test.value + " as x")
		got, err := fetched(t, postgres.Component, &fetch.Component, postgrestest.Password, config("w", `{"name": "x", "type": "`+test.kind+`"}`))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s as %s: got %q, %v", test.value, test.kind, got, err)
		}
	}
}
