package source_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	fetch "github.com/mlp-lang/mlp/stdlib/fetch/postgres"
	"github.com/mlp-lang/mlp/stdlib/fetch/postgrestest"
	"github.com/mlp-lang/mlp/stdlib/source/postgres"
)

// TestPostgresColumns: the columns that the server describes take the values that it has, of every type.
func TestPostgresColumns(t *testing.T) {
	server := postgrestest.Start(t)
	server.Exec(`
		create type mood as enum ('sad', 'ok');
		create type place as (x int, y text);
		create domain positive as bigint check (value > 0);
		create domain price as numeric(10,3);
		create table v (b boolean, i2 smallint, i4 int, i8 bigint, r real, d double precision, n numeric, n122 numeric(12,2), n38 numeric(38,38), n39 numeric(39,2), n2 numeric(2,4), n3 numeric(3,-2),
			t text, v varchar(3), c char(5), m mood, day date, at timestamp, atz timestamptz(3), clock time, clockz timetz, few interval, u uuid, raw bytea, j json, jb jsonb,
			p place, pos positive, pr price, net inet, rng int4range, "Capital" int, ids bigint[], ns numeric(12,2)[], ts text[], ms mood[], ps place[], js jsonb[], poss positive[], raws bytea[], ats timestamptz[]);
		insert into v values (true, 1, -2, 9223372036854775807, 0.1, 0.1, 1234567890123456789012345678901234567890.5, 9999999999.99, 0.12345678901234567890123456789012345678, 1234567890123456789012345678901234567.25, 0.0012, 12345,
			'', 'abc', 'a', 'ok', '2026-01-31', '2026-01-31 10:00:00.000001', '2026-01-31 10:00:00.123+02', '10:00', '10:00+02', '1 day', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\x00ff', '{"a": 1}', '[1]',
			(1, 'a'), 5, 1.5, '10.0.0.1/8', '[1,5)', 7, '{1,null}', '{1.5}', '{a}', '{ok}', array[(1,'a')::place], array['{"a":1}'::jsonb], '{5}', array['\x00'::bytea], '{2026-01-31 10:00+00}');`)
	got, err := describedBy(t.Context(), server, "select * from v")
	if err != nil {
		t.Fatal(err)
	}
	want := "b boolean, i2 smallint, i4 integer, i8 bigint, r float, d double, n varchar, n122 decimal(12,2), n38 decimal(38,38), n39 varchar, n2 decimal(4,4), n3 decimal(5,0), " +
		"t varchar, v varchar, c varchar, m varchar, day date, at timestamp, atz timestamp, clock time, clockz varchar, few varchar, u uuid, raw blob, j json, jb json, " +
		"p json, pos bigint, pr decimal(10,3), net varchar, rng varchar, Capital integer, ids bigint[], ns decimal(12,2)[], ts varchar[], ms varchar[], ps json, js json, poss bigint[], raws varchar[], ats timestamp[]"
	var all []string
	for _, c := range got {
		all = append(all, c.Name+" "+c.Type)
	}
	if text := strings.Join(all, ", "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	columns, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`{"url": %q, "table": "v", "column": %s}`, server.URL(), columns)
	row, err := fetched(t, postgres.Component, &fetch.Component, postgrestest.Password, config)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1234567890123456789012345678901234567890.5,9999999999.99,.12345678901234567890123456789012345678,1234567890123456789012345678901234567.25,.0012,12300", `2026-01-31T08:00:00.123`, `[1.50]`} {
		if !strings.Contains(row, want) {
			t.Errorf("the row has no %s: %s", want, row)
		}
	}
}

func describedBy(ctx context.Context, server *postgrestest.Server, query string) ([]schema.Column, error) {
	config, err := json.Marshal(fetch.Config{URL: server.URL(), Query: query, MaxBytes: 1 << 20})
	if err != nil {
		return nil, err
	}
	return fetch.Component.Columns(ctx, component.Outside{Config: config, Secret: []byte(postgrestest.Password)})
}

// TestPostgresColumnsMistakes: what has no columns, or such as no table has, is told; nothing that the query says is done.
func TestPostgresColumnsMistakes(t *testing.T) {
	server := postgrestest.Start(t)
	server.Exec("create sequence s; create table empty (id bigint)")
	for query, want := range map[string]string{
		"select 1 as a, 2 as a":                 `two columns "a"`,
		`select 1 as a, 2 as "A"`:               `two columns "A"`,
		"select * from order":                   `double quotes: table = "\"order\""`,
		"select 1":                              "a column without a name",
		"select * from nowhere":                 `relation "nowhere" does not exist (SQLSTATE 42P01)`,
		"select":                                "yields no columns",
		"insert into empty values (1)":          "syntax error",
		"select 1) as q; drop table empty; --":  "syntax error",
		"select nextval('s') as n":              "",
		"select id from empty where id = 1 / 0": "",
	} {
		columns, err := describedBy(t.Context(), server, query)
		var input *component.InputError
		if want == "" && (err != nil || len(columns) != 1) || want != "" && (!errors.As(err, &input) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, %v", query, columns, err)
		}
	}
	if columns, err := describedBy(t.Context(), server, "select nextval('s') as n"); err != nil || columns[0].Type != "bigint" {
		t.Errorf("got %v, %v", columns, err)
	}
}
