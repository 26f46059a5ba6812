package table

import (
	"context"
	"strings"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// To have the engine write down the syntax tree of a text is a query too, which is parsed, bound and planned for each text: that takes longer
// than the text itself. Whoever asks for many trees prepares it once.

// syntaxOf is the query for the tree of a text, which is an expression. Members that are as by default stay (skip_default): some of those
// defaults are true, and who looks for one that is not there would take it for false.
func syntaxOf(text string) string { return "select json_serialize_sql(" + text + ")" }

// serializer is the query, prepared on a connection. The zero value is none.
type serializer struct{ statement mapping.PreparedStatement }

// tree writes down a text's tree; false where that fails, for whatever reason.
func (z *serializer) tree(conn mapping.Connection, query string) (text string, ok bool) {
	if z.statement.Ptr == nil && mapping.Prepare(conn, syntaxOf("$1::varchar"), &z.statement) != mapping.StateSuccess {
		z.close()
		return "", false
	}
	if mapping.BindVarcharLength(z.statement, 1, query, mapping.IdxT(len(query))) != mapping.StateSuccess {
		return "", false
	}
	var result mapping.Result
	defer mapping.DestroyResult(&result)
	if mapping.ExecutePrepared(z.statement, &result) != mapping.StateSuccess {
		return "", false
	}
	chunk := mapping.FetchChunk(result)
	if chunk.Ptr == nil {
		return "", false
	}
	defer mapping.DestroyDataChunk(&chunk)
	columns := make([]vector, 1)
	vectorsOf(chunk, columns)
	if columns[0].rows != 1 {
		return "", false
	}
	columns[0].texts(func(_ int, s []byte, valid bool) { text, ok = string(s), valid })
	return text, ok
}

// close gives the prepared query up.
func (z *serializer) close() { mapping.DestroyPrepare(&z.statement) }

// syntax is the tree of a text as the engine writes it. An engine that is kept has a prepared query of its own for all its sessions: it sees
// nothing of them, and reads no table. A binder, which has a session for thousands of texts, has one too.
func (s *session) syntax(ctx context.Context, query string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	switch {
	case strings.IndexByte(query, 0) >= 0: // where the engine's parser ends, and what is behind it would not be seen
	case s.engine != nil:
		if text, ok := s.engine.syntax(query); ok {
			return text, nil
		}
	case s.trees != nil:
		if text, ok := s.serializer.tree(s.handle(), query); ok {
			return text, nil
		}
	}
	return s.word(ctx, syntaxOf(literal(query))) // and where that fails, this one says why
}

func (e *engine) syntax(query string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	own := session{conn: e.own}
	return e.serializer.tree(own.handle(), query)
}
