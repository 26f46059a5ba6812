package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/fetch/fetchtest"
	fetch "github.com/mlp-lang/mlp/stdlib/fetch/postgres"
	"github.com/mlp-lang/mlp/stdlib/fetch/postgrestest"
)

func TestPostgres(t *testing.T) {
	server := postgrestest.Start(t)
	subject := func(query string) fetchtest.Subject {
		return fetchtest.Subject{Component: &fetch.Component, Secret: postgrestest.Password, Config: fetch.Config{URL: server.URL(), Query: query, MaxBytes: 1 << 20}}
	}
	server.Exec(`create table laws (id bigint, name text); insert into laws select i, 'name ' || i from generate_series(1, 5000) as i`)
	t.Run("laws", func(t *testing.T) {
		s := subject("select * from laws;")
		s.Change = func() { server.Exec("update laws set name = 'other' where id = 7") }
		fetchtest.Laws(t, s)
	})
	t.Run("laws with a version of the block's", func(t *testing.T) {
		s := subject("select * from laws")
		config := s.Config.(fetch.Config)
		config.Version = "select max(id), count(*) from laws"
		s.Config, s.Change = config, func() { server.Exec("insert into laws values (9999, 'new')") }
		fetchtest.Laws(t, s)
	})
	t.Run("order and place of rows are no part of them", func(t *testing.T) {
		s := subject("select * from laws")
		before, err := s.Version(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		server.Exec("create table copy as select * from laws order by id desc; drop table laws; alter table copy rename to laws")
		if after, err := s.Version(t.Context()); err != nil || after != before {
			t.Errorf("got %q, %v, want %q", after, err, before)
		}
	})
	t.Run("names of columns are part of the rows", func(t *testing.T) {
		before, _ := subject("select id as a from laws").Version(t.Context())
		if after, err := subject("select id as b from laws").Version(t.Context()); err != nil || after == before {
			t.Errorf("got %q, %v", after, err)
		}
	})
	t.Run("errors", func(t *testing.T) { testErrors(t, server, subject) })
	t.Run("server that ends while it is read", func(t *testing.T) {
		s := subject("select i, repeat('x', 100) as text, pg_sleep(0.001)::text as slept from generate_series(1, 1000000) as i")
		config := s.Config.(fetch.Config)
		config.Version, config.MaxBytes = "select 1", 1<<30
		s.Config = config
		version, err := s.Version(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ended := time.AfterFunc(time.Second, server.Down)
		defer server.Up()
		defer ended.Stop()
		if _, _, err := s.Fetch(t.Context(), t, version); !errors.Is(err, component.ErrUnreachable) || !strings.Contains(err.Error(), "does not answer") ||
			strings.Contains(err.Error(), s.Secret) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("server down", func(t *testing.T) {
		server.Down()
		defer server.Up()
		if _, err := subject("select 1 as a").Version(t.Context()); !errors.Is(err, component.ErrUnreachable) || !strings.Contains(err.Error(), "does not answer") {
			t.Errorf("got %v", err)
		}
	})
}

func testErrors(t *testing.T, server *postgrestest.Server, subject func(string) fetchtest.Subject) {
	server.Exec("create user nosy password 'nosy-password'")
	with := func(change func(*fetch.Config)) fetchtest.Subject {
		s := subject("select * from laws")
		config := s.Config.(fetch.Config)
		change(&config)
		s.Config = config
		return s
	}
	wrong := subject("select 1 as a")
	wrong.Secret = "not-the-password"
	for _, test := range []struct {
		name    string
		subject fetchtest.Subject
		want    string
	}{
		{"wrong password", wrong, "the secret of password"},
		{"no such table", subject("select * from nowhere"), `relation "nowhere" does not exist (SQLSTATE 42P01)`},
		{"no such column", subject("select naem from laws"), `column "naem" does not exist`},
		{"no SELECT", subject("selct 1"), "syntax error"},
		{"two statements", subject("select 1) as q) as r; drop table laws; --"), "syntax error"},
		{"writing", subject("insert into laws values (1, 'x') returning id"), "syntax error"},
		{"writing by a function", subject("select nextval('s') as n"), "read-only transaction"},
		{"no such database", with(func(c *fetch.Config) { c.URL = strings.Replace(c.URL, "/postgres", "/nowhere", 1) }), "names the database"},
		{"no TLS", with(func(c *fetch.Config) { c.URL += "?sslmode=verify-full" }), "add ?sslmode=disable to url"},
		{"too large", with(func(c *fetch.Config) { c.MaxBytes = 1000 }), "max_bytes = 1000"},
		{"a version of no row", with(func(c *fetch.Config) { c.Version = "select 1 where false" }), "yields 0 rows"},
		{"a version of many rows", with(func(c *fetch.Config) { c.Version = "select id from laws" }), "yields 2 rows, or more"},
		{"a long version", with(func(c *fetch.Config) { c.Version = "select repeat('x', 300)" }), "too long"},
		{"a table that is another's", func() fetchtest.Subject {
			s := with(func(c *fetch.Config) { c.URL = fmt.Sprintf("postgres://nosy@127.0.0.1:%d/postgres", server.Port) })
			s.Secret = "nosy-password"
			return s
		}(), "Have the right to read it granted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "writing by a function" {
				server.Exec("create sequence s")
			}
			version, err := test.subject.Version(t.Context())
			if err == nil {
				_, _, err = test.subject.Fetch(t.Context(), t, version)
			}
			var input *component.InputError
			if !errors.As(err, &input) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), test.subject.Secret) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for address, want := range map[string]string{
		"postgres://reader@db.example.com/shop":                        "",
		"postgresql://reader@db.example.com:5433/shop?sslmode=require": "",
		"postgres://reader:secret@db.example.com/shop":                 "has a password",
		"postgres://reader@db.example.com/shop?password=x":             "has a password",
		"postgres://db.example.com/shop":                               "lacks its host, user or database",
		"postgres://reader@db.example.com":                             "lacks its host, user or database",
		"mysql://reader@db.example.com/shop":                           "does not begin with postgres://",
		"postgres://reader@db.example.com/shop?sslmode=perhaps":        "sslmode",
	} {
		err := fetch.Check(address)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v", address, err)
		}
	}
}
