package sides

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// HashDoc says how rows are hashed, for the documentation of the types that do.
const HashDoc = "A row's position is a number of 52 bits: the first 13 hexadecimal digits of the MD5 of the text `<seed>` followed, " +
	"for each key column in the key's order, by `|<n>:<value>`, where value is the column cast to varchar and n its length in " +
	"bytes, or by `|-` for null. A table without a key is hashed by all its columns. So a row keeps its position whatever other " +
	"rows there are, on every machine, and rows with the same key are never parted."

// positions is how many positions there are.
const positions = 1 << 52

// Position is an SQL expression for a row's position, from 0 to positions - 1, as HashDoc says.
func Position(t *schema.Table, seed int64) string {
	names := t.Key
	if len(names) == 0 {
		names = t.Names()
	}
	return PositionBy(names, seed)
}

// PositionBy is the same of some columns.
func PositionBy(names []string, seed int64) string {
	return PositionOf(names, strconv.FormatInt(seed, 10))
}

// PositionOf is the same, where the text begins with salt, which has no quotes: positions with another salt are others, independent of these.
func PositionOf(names []string, salt string) string {
	parts := []string{"'" + salt + "'"}
	for _, n := range names {
		q := table.Quote(n) + "::varchar"
		parts = append(parts, fmt.Sprintf("coalesce('|' || strlen(%s) || ':' || %[1]s, '|-')", q))
	}
	return fmt.Sprintf("('0x' || substr(md5(%s), 1, 13))::ubigint", strings.Join(parts, " || "))
}

// Below is an SQL condition that holds for the given share of all positions, the lowest: every row below 0.2 is below 0.3 too.
func Below(position string, share float64) string {
	return fmt.Sprintf("%s < %d", position, int64(share*positions))
}
