package postgres

// Writing rows, exactly once.
//
// All is one transaction: the rows, and a row in the table mlp_writes beside the table, with the id of the write. So both are there or neither, wherever the
// writer is killed; and one who was killed while the server committed asks the next time for the id, and is told that the rows are there.
//
//	begin
//	select … from mlp_writes where id = '9f2c…'                       found: nothing more is done
//	copy mlp_incoming from stdin                                      the rows, into a table of the transaction
//	update scores set … from mlp_incoming where the keys are alike    of mode upsert
//	insert into scores select … from mlp_incoming …
//	insert into mlp_writes values ('9f2c…', 'scores', …)
//	commit
//
// Two who write to one table wait for each other, by an advisory lock of the transaction. Readers see the rows of before until it is committed: rows of before
// are deleted and not truncated, since TRUNCATE shows an empty table to transactions that began before.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Writing is a write to a table.
type Writing struct {
	ID        string // the same however often it is begun again, and no other write's
	Pipeline  string
	Workspace string
	Deploy    string
	URL       string // as that of Config
	Table     string // as it is written in SQL
	Mode      schema.WriteMode
	Columns   []schema.Column
	Key       []string  // tells the rows apart
	CSV       io.Reader // the rows, with a header: null is an empty field, an empty text ""
	Rows      int64     // that CSV has
}

// ledger is the table that says what was written.
const ledger = "mlp_writes"

// Write writes the rows, or finds that they were written, and returns how many they are.
func Write(ctx context.Context, w Writing, secret []byte) (int64, error) {
	text, err := json.Marshal(Config{URL: w.URL})
	if err != nil {
		return 0, err
	}
	s, err := connect(ctx, text, secret)
	if err != nil {
		return 0, err
	}
	defer s.close()
	if s.tx, err = s.conn.BeginTx(ctx, pgx.TxOptions{}); err != nil {
		return 0, s.told("beginning to write", err)
	}
	x := &writer{session: s, Writing: w}
	rows, err := x.write(ctx)
	if err != nil {
		return 0, x.refused(err)
	}
	if err := s.tx.Commit(ctx); err != nil {
		return 0, x.refused(err)
	}
	return rows, nil
}

// writer is a write that goes on.
type writer struct {
	*session
	Writing
}

// prefix is the schema of the table, with its point; "" for the one that is looked in first.
func (w *writer) prefix() string {
	if strings.HasPrefix(w.Table, `"`) {
		if end := strings.Index(w.Table, `".`); end > 0 {
			return w.Table[:end+2]
		}
		return ""
	}
	schema, _, ok := strings.Cut(w.Table, ".")
	if !ok {
		return ""
	}
	return schema + "."
}

// quoted are names of columns in SQL, each after a prefix.
func quoted(names []string, prefix string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = prefix + pgx.Identifier{n}.Sanitize()
	}
	return out
}

func (w *writer) names() []string {
	out := make([]string, len(w.Columns))
	for i, c := range w.Columns {
		out[i] = c.Name
	}
	return out
}

func (w *writer) exec(ctx context.Context, sql string, args ...any) error {
	_, err := w.tx.Exec(ctx, sql, args...)
	return err
}

func (w *writer) write(ctx context.Context) (int64, error) {
	if err := w.exec(ctx, "select pg_advisory_xact_lock(hashtextextended('mlp writes ' || $1, 0))", w.prefix()+ledger); err != nil {
		return 0, err
	}
	if err := w.exec(ctx, fmt.Sprintf(`create table if not exists %s%s (id text primary key, destination text not null, pipeline text not null, workspace text not null,
		deploy text not null, row_count bigint not null, number bigint generated always as identity, written_at timestamptz not null default now())`, w.prefix(), ledger)); err != nil {
		return 0, err
	}
	var last, pipeline, workspace string
	err := w.tx.QueryRow(ctx, fmt.Sprintf("select id, pipeline, workspace from %s%s where destination = $1 order by number desc limit 1", w.prefix(), ledger), w.Table).Scan(&last, &pipeline, &workspace)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, err
	}
	var rows int64
	switch err := w.tx.QueryRow(ctx, fmt.Sprintf("select row_count from %s%s where id = $1", w.prefix(), ledger), w.ID).Scan(&rows); {
	case err == nil && (w.Mode != schema.Overwrite || last == w.ID):
		return rows, nil
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return 0, err
	}
	if err := w.table(ctx, last, pipeline, workspace); err != nil {
		return 0, err
	}
	if err := w.rows(ctx); err != nil {
		return 0, err
	}
	return w.Rows, w.exec(ctx, fmt.Sprintf(`insert into %s%s (id, destination, pipeline, workspace, deploy, row_count) values ($1, $2, $3, $4, $5, $6)
		on conflict (id) do update set number = default, written_at = now(), row_count = excluded.row_count`, w.prefix(), ledger), w.ID, w.Table, w.Pipeline, w.Workspace, w.Deploy, w.Rows)
}

// table makes the table, or sees that the one which is there may be written to. Rows that nobody wrote by a ledger are somebody's: they are added to, and not overwritten.
func (w *writer) table(ctx context.Context, last, pipeline, workspace string) error {
	var there bool
	if err := w.tx.QueryRow(ctx, "select to_regclass($1) is not null", w.Table).Scan(&there); err != nil {
		return err
	}
	if !there {
		columns := make([]string, len(w.Columns))
		for i, c := range w.Columns {
			t := typeOf(c.Type)
			if t == "" {
				return &component.InputError{Summary: fmt.Sprintf("the column %s is %s, which is not written to a table", c.Name, c.Type), Detail: "Cast it in the dataset: to varchar, for one."}
			}
			columns[i] = pgx.Identifier{c.Name}.Sanitize() + " " + t
		}
		key := ""
		if len(w.Key) > 0 {
			key = ", primary key (" + strings.Join(quoted(w.Key, ""), ", ") + ")"
		}
		return w.exec(ctx, "create table "+w.Table+" ("+strings.Join(columns, ", ")+key+")")
	}
	if w.Mode != schema.Overwrite {
		return nil
	}
	if last != "" && (pipeline != w.Pipeline || workspace != w.Workspace) {
		return &component.InputError{Summary: fmt.Sprintf("the table %s has what pipeline %s, workspace %s, wrote", w.Table, pipeline, workspace), Detail: "Give each a table of its own, or take that one's rows out of " + w.prefix() + ledger + "."}
	}
	var full bool
	if last == "" {
		if err := w.tx.QueryRow(ctx, "select exists (select from "+w.Table+")").Scan(&full); err != nil {
			return err
		}
	}
	if full {
		return &component.InputError{Summary: fmt.Sprintf("the table %s has rows that mlp did not write, and overwrite would delete them", w.Table), Detail: `Name another table, empty this one, or say mode = "upsert".`}
	}
	return nil
}

// rows puts the rows where they belong, and holds their key to what is there.
func (w *writer) rows(ctx context.Context) error {
	all := strings.Join(quoted(w.names(), ""), ", ")
	if err := w.exec(ctx, "create temporary table mlp_incoming on commit drop as select "+all+" from "+w.Table+" with no data"); err != nil {
		return err
	}
	tag, err := w.conn.PgConn().CopyFrom(ctx, w.CSV, "copy pg_temp.mlp_incoming ("+all+") from stdin with (format csv, header true)")
	if err != nil {
		return err
	}
	if tag.RowsAffected() != w.Rows {
		return fmt.Errorf("%d of %d rows came to %s", tag.RowsAffected(), w.Rows, w.place())
	}
	alike := make([]string, len(w.Key))
	for i, k := range quoted(w.Key, "") {
		alike[i] = "t." + k + " = i." + k
	}
	same := strings.Join(alike, " and ")
	insert := "insert into " + w.Table + " (" + all + ") select " + strings.Join(quoted(w.names(), "i."), ", ") + " from pg_temp.mlp_incoming i"
	switch w.Mode {
	case schema.Append:
		var twice int64
		if err := w.tx.QueryRow(ctx, "select count(*) from "+w.Table+" t join pg_temp.mlp_incoming i on "+same).Scan(&twice); err != nil {
			return err
		}
		if twice > 0 {
			return &component.InputError{Summary: fmt.Sprintf("%d of the rows have a key (%s) that the table %s has already", twice, strings.Join(w.Key, ", "), w.Table), Detail: `Score new rows alone, add a column such as the day to the key, or say mode = "upsert".`}
		}
	case schema.Upsert:
		var sets []string
		for _, n := range w.names() {
			if !slices.Contains(w.Key, n) {
				q := pgx.Identifier{n}.Sanitize()
				sets = append(sets, q+" = i."+q)
			}
		}
		if err := w.exec(ctx, "update "+w.Table+" t set "+strings.Join(sets, ", ")+" from pg_temp.mlp_incoming i where "+same); err != nil {
			return err
		}
		insert += " where not exists (select from " + w.Table + " t where " + same + ")"
	default:
		if err := w.exec(ctx, "delete from "+w.Table); err != nil {
			return err
		}
	}
	return w.exec(ctx, insert)
}

// refused says what the server would not do.
func (w *writer) refused(err error) error {
	var input *component.InputError
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &input):
		return input
	case !errors.As(err, &refused):
		return w.told("writing", err)
	}
	what := fmt.Sprintf("%s, writing to %s: %s (SQLSTATE %s)", w.place(), w.Table, refused.Message, refused.Code)
	switch refused.Code {
	case "42501":
		return &component.InputError{Summary: what, Detail: "Have the right to write it granted to the user of url, and that to make tables in its schema: " + ledger + " is made there."}
	case "42703":
		return &component.InputError{Summary: what, Detail: "A table that is there needs the columns of the predictions: " + strings.Join(w.names(), ", ") + "."}
	case "25006":
		return &component.InputError{Summary: what, Detail: "The address is that of a replica, which takes no writes."}
	}
	if class := refused.Code[:min(2, len(refused.Code))]; class == "22" || class == "23" || class == "42" {
		return &component.InputError{Summary: what, Detail: strings.TrimSpace(refused.Detail + " " + refused.Hint)}
	}
	return w.told("writing to "+w.Table, err)
}

// typeOf is the type of a column for values of one of DuckDB's; "" where it has no such.
func typeOf(duck string) string {
	switch t := map[string]string{
		"boolean": "boolean", "tinyint": "smallint", "smallint": "smallint", "utinyint": "smallint", "integer": "integer", "usmallint": "integer",
		"bigint": "bigint", "uinteger": "bigint", "ubigint": "numeric(20)", "hugeint": "numeric(39)", "uhugeint": "numeric(39)", "float": "real", "double": "double precision",
		"varchar": "text", "date": "date", "time": "time", "timestamp": "timestamp", "timestamp_ns": "timestamp", "timestamp with time zone": "timestamptz", "uuid": "uuid", "json": "json",
	}[duck]; {
	case t != "":
		return t
	case strings.HasPrefix(duck, "decimal("):
		return strings.Replace(duck, "decimal", "numeric", 1)
	case strings.HasPrefix(duck, "enum("):
		return "text"
	}
	return ""
}
