package table

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/runtime/component"
)

// CheckKey holds the rows of a Parquet file to a key: its columns are not null, and tell the rows apart. What to do where
// they are null, or do not, is added to the *component.InputError.
// Names are found as SQL finds them, without regard to case. The error names one value that several rows share, the least as text.
func CheckKey(ctx context.Context, path string, key []string, whenNull, whenShared string) error {
	if len(key) == 0 {
		return nil
	}
	r, err := OpenReader(ctx, map[string]string{"rows": path})
	if err != nil {
		return err
	}
	defer r.Close()
	// Nulls first: a null differs from every value, also from another null, and so would pass as unique.
	quoted, nulls, text := make([]string, len(key)), make([]string, len(key)), make([]string, len(key))
	for i, k := range key {
		quoted[i] = Quote(k)
		nulls[i] = quoted[i] + " is null"
		text[i] = fmt.Sprintf("%s || coalesce(%s::varchar, 'null')", literal(k+" = "), quoted[i])
	}
	name := strings.Join(key, ", ")
	row, err := r.Row(ctx, "select count(*) from rows where "+strings.Join(nulls, " or "))
	if err != nil {
		return fmt.Errorf("checking the key: %w", err)
	}
	if n := row[0].(int64); n > 0 {
		return &component.InputError{Summary: fmt.Sprintf("the key (%s) is null in %d rows", name, n), Detail: whenNull}
	}
	row, err = r.Row(ctx, fmt.Sprintf(`select count(*), coalesce(sum(n), 0)::bigint, coalesce(min(example), '') from (
		select count(*) as n, %s as example from rows group by %s having count(*) > 1)`, strings.Join(text, " || ', ' || "), strings.Join(quoted, ", ")))
	if err != nil {
		return fmt.Errorf("checking the key: %w", err)
	}
	if n := row[0].(int64); n > 0 {
		return &component.InputError{
			Summary: fmt.Sprintf("the key (%s) is not unique: %d of its values are shared by %d rows, such as %s", name, n, row[1], row[2]), Detail: whenShared}
	}
	return nil
}
