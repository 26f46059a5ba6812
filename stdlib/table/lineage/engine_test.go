package lineage_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// session is an engine in memory, set as the one that runs queries is.
type session struct {
	connector *duckdb.Connector
	conn      *duckdb.Conn
}

func open(ctx context.Context) (*session, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, errors.Join(err, connector.Close())
	}
	s := &session{connector, conn.(*duckdb.Conn)}
	for _, set := range []string{"set threads = 1", "set TimeZone = 'UTC'", "set preserve_insertion_order = true"} {
		if err := s.exec(ctx, set); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

func (s *session) Close() error { return errors.Join(s.conn.Close(), s.connector.Close()) }

func (s *session) exec(ctx context.Context, query string) error {
	_, err := s.conn.ExecContext(ctx, query, nil)
	return err
}

// each calls f with every row of the query; the slice is reused.
func (s *session) each(ctx context.Context, query string, f func(row []driver.Value) error) error {
	rows, err := s.conn.QueryContext(ctx, query, nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := f(row); err != nil {
			return err
		}
	}
}
