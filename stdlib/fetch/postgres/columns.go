package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// columns are those that the server describes the query with; no row is read. Each has a type that takes all values of the
// server's one, but for those that no type here takes, such as infinity as a time.
func columns(ctx context.Context, o component.Outside) ([]schema.Column, error) {
	s, err := begin(ctx, o.Config, o.Secret)
	if err != nil {
		return nil, err
	}
	defer s.close()
	described, err := s.conn.Prepare(ctx, "", "select q.* from ("+strings.TrimRight(strings.TrimSpace(s.Query), ";")+"\n) as q")
	if err != nil {
		return nil, s.told("asking for the columns", err)
	}
	types, err := s.types(ctx, described.Fields)
	if err != nil {
		return nil, err
	}
	var out []schema.Column
	seen := map[string]bool{}
	for _, f := range described.Fields {
		if folded := strings.ToLower(f.Name); seen[folded] {
			return nil, &component.InputError{Summary: fmt.Sprintf("the query yields two columns %q", f.Name), Detail: "Names of columns differ, regardless of case. Name one of them otherwise: select a as b."}
		} else if f.Name == "?column?" {
			return nil, &component.InputError{Summary: "the query yields a column without a name", Detail: "Name it: select 1 + 1 as two."}
		} else {
			seen[folded] = true
		}
		out = append(out, schema.Column{Name: f.Name, Type: types[f.DataTypeOID].column(f.TypeModifier)})
	}
	if len(out) == 0 {
		return nil, &component.InputError{Summary: "the query yields no columns", Detail: "A table needs at least one."}
	}
	return out, nil
}

// kind is a type of the server: of pg_type, what its name is, and of an array the name of its elements' type. Composite types are
// records of several fields, whose text has no type here.
type kind struct {
	Name      string // int8, numeric, mood
	Composite bool
	Array     bool
}

// types are those of the fields, by their numbers. A domain is the type that it is made of.
func (s *session) types(ctx context.Context, fields []pgconn.FieldDescription) (map[uint32]kind, error) {
	var asked []uint32
	for _, f := range fields {
		asked = append(asked, f.DataTypeOID)
	}
	rows, err := s.tx.Query(ctx, `select t.oid, coalesce(b.typname, e.typname, t.typname)::text, coalesce(b.typtype, e.typtype, t.typtype) = 'c', e.oid is not null
		from pg_catalog.pg_type t
		left join pg_catalog.pg_type e on e.oid = t.typelem and t.typcategory = 'A'
		left join pg_catalog.pg_type b on b.oid = e.typbasetype
		where t.oid = any($1)`, asked)
	if err != nil {
		return nil, s.told("asking for the types of columns", err)
	}
	out := map[uint32]kind{}
	var oid uint32
	var k kind
	if _, err := pgx.ForEachRow(rows, []any{&oid, &k.Name, &k.Composite, &k.Array}, func() error { out[oid] = k; return nil }); err != nil {
		return nil, s.told("asking for the types of columns", err)
	}
	return out, nil
}

// scalars are the types that are not stored as text, by the server's names of them.
var scalars = map[string]string{
	"bool": "boolean", "int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "float", "float8": "double",
	"date": "date", "time": "time", "timestamp": "timestamp", "timestamptz": "timestamp",
	"uuid": "uuid", "bytea": "blob", "json": "json", "jsonb": "json",
}

// column is the type of a column that takes all values of a type. The modifier is that of the server: of numeric(12,2) ((12 << 16)
// | 2) + 4. For example numeric(12,2) is decimal(12,2), int8[] is bigint[], and mood, an enumeration, is varchar. Lists of bytes
// are lists of text, for lists have no blobs.
func (k kind) column(modifier int32) string {
	scalar := scalars[k.Name]
	switch {
	case k.Composite:
		return "json" // an object, or a list of objects
	case k.Name == "numeric":
		scalar = decimal(modifier)
	case scalar == "":
		scalar = "varchar"
	}
	switch {
	case !k.Array:
		return scalar
	case scalar == "json":
		return "json"
	case scalar == "blob":
		scalar = "varchar"
	}
	return scalar + "[]"
}

// decimal is the type of a numeric with a modifier. One without, such as a sum, has any number of digits, which text alone keeps.
// The engine's decimals have at most 38 digits.
func decimal(modifier int32) string {
	if modifier < 4 {
		return "varchar"
	}
	precision, scale := (modifier-4)>>16, (modifier-4)&0x7ff
	if scale >= 0x400 { // of 11 bits, with a sign
		scale -= 0x800
	}
	if scale < 0 { // numeric(3,-2) is of hundreds, up to 99900
		precision, scale = precision-scale, 0
	}
	precision = max(precision, scale) // numeric(2,4) is of values below 0.01
	if precision > 38 {
		return "varchar"
	}
	return fmt.Sprintf("decimal(%d,%d)", precision, scale)
}
