package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	fetch "github.com/mlp-lang/mlp/stdlib/fetch/postgres"
	"github.com/mlp-lang/mlp/stdlib/fetch/postgrestest"
)

// writing is a write of n rows to a table, of which the customer from is the first.
func writing(url, table, id string, mode schema.WriteMode, from, n int) fetch.Writing {
	var b strings.Builder
	b.WriteString("customer,predicted,score,\"by \"\"hand\"\"\"\n")
	for i := range n {
		b.WriteString("c" + strconv.Itoa(from+i) + ",true,0.5,\"\"\n")
	}
	return fetch.Writing{ID: id, Pipeline: "churn", Workspace: "default", Deploy: "deploy.scores", URL: url, Table: table, Mode: mode, Key: []string{"customer"}, CSV: strings.NewReader(b.String()), Rows: int64(n),
		Columns: []schema.Column{{Name: "customer", Type: "varchar"}, {Name: "predicted", Type: "boolean"}, {Name: "score", Type: "double"}, {Name: `by "hand"`, Type: "varchar"}}}
}

func TestWrite(t *testing.T) {
	server := postgrestest.Start(t)
	secret := []byte(postgrestest.Password)
	write := func(w fetch.Writing, want int64, wrong string) {
		t.Helper()
		n, err := fetch.Write(t.Context(), w, secret)
		var input *component.InputError
		switch {
		case wrong == "" && (err != nil || n != want):
			t.Errorf("%s: got %d, %v, want %d", w.ID, n, err, want)
		case wrong != "" && (!errors.As(err, &input) || !strings.Contains(err.Error()+input.Detail, wrong)):
			t.Errorf("%s: got %v, want %q", w.ID, err, wrong)
		}
	}
	is := func(sql, want string) {
		t.Helper()
		if got := server.Ask(sql); got != want {
			t.Errorf("%s: got %s, want %s", sql, got, want)
		}
	}
	url := server.URL()
	write(writing(url, "scores", "a", schema.Overwrite, 0, 5), 5, "")
	write(writing(url, "scores", "a", schema.Overwrite, 0, 5), 5, "")
	write(writing(url, "scores", "b", schema.Overwrite, 3, 4), 4, "")
	is("select string_agg(customer, ' ' order by customer) from scores", "c3 c4 c5 c6")
	is(`select count(*) from scores where "by ""hand""" = '' and predicted and score = 0.5`, "4")
	write(writing(url, "scores", "a", schema.Overwrite, 0, 5), 5, "") // not the last any more: the rows go back
	is("select count(*) from scores", "5")

	server.Exec("alter table scores add column note text; update scores set note = 'ours'")
	write(writing(url, "scores", "c", schema.Upsert, 4, 2), 2, "")
	write(writing(url, "scores", "c", schema.Upsert, 4, 2), 2, "")
	is("select count(*) || ' ' || count(note) from scores", "6 5") // what others have beside a row stays
	write(writing(url, "scores", "d", schema.Append, 5, 2), 0, "1 of the rows have a key (customer) that the table scores has already")
	write(writing(url, "scores", "e", schema.Append, 6, 2), 2, "")
	write(writing(url, "scores", "e", schema.Append, 6, 2), 2, "")
	is("select count(*) from scores", "8")
	is("select count(*) from mlp_writes", "4")

	other := writing(url, "scores", "f", schema.Overwrite, 0, 1)
	other.Pipeline = "fraud"
	write(other, 0, "has what pipeline churn, workspace default, wrote")
	server.Exec(`create table theirs (customer text, score float8); insert into theirs values ('x', 1); create schema crm`)
	write(writing(url, "theirs", "g", schema.Overwrite, 0, 1), 0, "rows that mlp did not write")
	write(writing(url, "theirs", "h", schema.Append, 0, 1), 0, "needs the columns of the predictions: customer, predicted, score")
	write(writing(url, `crm."Scores"`, "i", schema.Append, 0, 3), 3, "")
	is(`select count(*) || ' ' || (select count(*) from crm.mlp_writes) from crm."Scores"`, "3 1")
	is("select count(*) from theirs", "1")
	write(writing(url, "nowhere.scores", "j", schema.Append, 0, 1), 0, `schema "nowhere" does not exist`)
	list := writing(url, "lists", "k", schema.Append, 0, 1)
	list.Columns[2].Type = "bigint[]"
	write(list, 0, "the column score is bigint[], which is not written to a table")
	short := writing(url, "scores", "l", schema.Append, 100, 3)
	short.Rows = 4
	if _, err := fetch.Write(t.Context(), short, secret); err == nil || !strings.Contains(err.Error(), "3 of 4 rows came") {
		t.Errorf("fewer rows than there are: got %v", err)
	}
	is("select count(*) from scores", "8")
}

// TestWriteIsCut cuts the connection after each message that either side sends, which is where a writer can be killed, and writes again.
// Every row is there once, whatever the cut one came to.
func TestWriteIsCut(t *testing.T) {
	server := postgrestest.Start(t)
	secret := []byte(postgrestest.Password)
	server.Exec("create table kept (customer text primary key, predicted boolean, score float8, \"by \"\"hand\"\"\" text); insert into kept values ('c-1')")
	cuts, whole := 0, false
	for commit := false; !commit; cuts++ { // in the end once more, at the answer to the commit
		commit = whole
		for i, mode := range []schema.WriteMode{schema.Append, schema.Upsert, schema.Overwrite} {
			id := strconv.Itoa(cuts) + string(mode)
			table := "kept"
			if mode == schema.Overwrite {
				table = "replaced"
			}
			cut := afterPieces(cuts)
			if commit {
				cut = answerToCommit()
			}
			url, uncut := cutting(t, server, cut)
			first := 1000 * (3*cuts + i)
			_, err := fetch.Write(t.Context(), writing(url, table, id, mode, first, 3), secret)
			whole = uncut()
			if whole && err != nil {
				t.Fatalf("cut %d, %s: got %v, and nothing was cut", cuts, mode, err)
			}
			recorded := server.Ask("select (to_regclass('mlp_writes') is not null)::text") == "true" && server.Ask("select count(*) from mlp_writes where id = '"+id+"'") == "1"
			// A write that succeeds though its connection was cut was over by then: the cut met the goodbye.
			if err == nil && !recorded || commit && (err == nil || !recorded) {
				t.Fatalf("cut %d, %s: got %v, recorded %t", cuts, mode, err, recorded)
			}
			if n, err := fetch.Write(t.Context(), writing(server.URL(), table, id, mode, first, 3), secret); err != nil || n != 3 {
				t.Fatalf("cut %d, %s, again: got %d, %v", cuts, mode, n, err)
			}
			want := "3 3"
			if mode != schema.Overwrite {
				want = "3 " + strconv.Itoa(1+6*cuts+3*(i+1))
			}
			got := server.Ask("select count(*) filter (where customer in ('c" + strconv.Itoa(first) + "', 'c" + strconv.Itoa(first+1) + "', 'c" + strconv.Itoa(first+2) + "')) || ' ' || count(*) from " + table)
			if got != want {
				t.Fatalf("cut %d, %s: got %s rows, want %s", cuts, mode, got, want)
			}
		}
	}
	t.Logf("%d cuts", cuts)
	if cuts < 20 {
		t.Errorf("%d cuts: they miss something", cuts)
	}
}

// afterPieces cuts after a number of pieces of both directions.
func afterPieces(most int) func(asked bool, piece []byte) bool {
	var passed atomic.Int64
	return func(bool, []byte) bool { return passed.Add(1) > int64(most) }
}

// answerToCommit cuts once the server answers a commit: it has committed, and the client is not told.
func answerToCommit() func(asked bool, piece []byte) bool {
	var commits atomic.Bool
	return func(asked bool, piece []byte) bool {
		if asked && bytes.Contains(piece, []byte("commit\x00")) {
			commits.Store(true)
		}
		return !asked && commits.Load()
	}
}

// cutting is the address of a server in front of another, which passes on pieces until cut says of one, which is asked of the server or answered by it, that both connections are closed instead.
// uncut reports whether it did not come to that.
func cutting(t *testing.T, server *postgrestest.Server, cut func(asked bool, piece []byte) bool) (url string, uncut func() bool) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var was atomic.Bool
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(server.Port))
			if err != nil {
				in.Close()
				return
			}
			pass := func(to, from net.Conn, asked bool) {
				defer to.Close()
				defer from.Close()
				buffer := make([]byte, 1<<16)
				for ctx.Err() == nil {
					n, err := from.Read(buffer)
					if err != nil {
						return
					}
					if was.Load() || cut(asked, buffer[:n]) {
						was.Store(true)
						return
					}
					if _, err := to.Write(buffer[:n]); err != nil && !errors.Is(err, io.EOF) {
						return
					}
				}
			}
			go pass(out, in, true)
			go pass(in, out, false)
		}
	}()
	return strings.Replace(server.URL(), ":"+strconv.Itoa(server.Port), ":"+strconv.Itoa(l.Addr().(*net.TCPAddr).Port), 1), func() bool { l.Close(); return !was.Load() }
}
