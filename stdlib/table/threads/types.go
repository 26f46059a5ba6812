package threads

import "strings"

// equals says of a type that is not exact which of its values are equal and not the same.
func equals(typ string) string {
	switch {
	case floating(typ):
		return "0.0 and -0.0 are equal, and which of them it shows depends on the order of rows"
	case typ == "VARCHAR":
		return "texts that its collation takes for equal are not the same, and which of them it shows depends on the order of rows"
	}
	return "equal values of that type are not always the same, and which of them it shows depends on the order of rows"
}

// exactTypes are those of which equal values are the same bits. Of DOUBLE 0.0 equals -0.0, of INTERVAL 30 days a month, of TIME WITH TIME ZONE
// one moment another.
var exactTypes = map[string]bool{
	"BOOLEAN": true, "TINYINT": true, "SMALLINT": true, "INTEGER": true, "BIGINT": true, "HUGEINT": true, "UTINYINT": true, "USMALLINT": true,
	"UINTEGER": true, "UBIGINT": true, "UHUGEINT": true, "DECIMAL": true, "VARCHAR": true, "BLOB": true, "UUID": true, "DATE": true, "TIME": true,
	"TIMESTAMP": true, "TIMESTAMP_S": true, "TIMESTAMP_MS": true, "TIMESTAMP_NS": true, "TIMESTAMP WITH TIME ZONE": true, "ENUM": true,
	"NULL": true,
}

// small are the whole numbers of which 10^18 are added up in 128 bits.
var small = map[string]bool{"BOOLEAN": true, "TINYINT": true, "SMALLINT": true, "INTEGER": true, "BIGINT": true, "UTINYINT": true, "USMALLINT": true,
	"UINTEGER": true, "UBIGINT": true}

// floating reports whether values of a type are floating-point numbers.
func floating(typ string) bool { return typ == "DOUBLE" || typ == "FLOAT" }

// columnOf is a column of a type, as the plan writes types.
// A value of an exact type has one way of being written for each that it can equal: integers have, doubles (0.0 = -0.0)
// and texts under a collation ('a' = 'A') have not. Of lists and structs that holds if it does of all that they hold.
func columnOf(v any) column {
	t, _ := v.(tree)
	id := word(t, "id")
	info, _ := t["type_info"].(tree)
	switch id {
	case "LIST", "ARRAY", "MAP": // a map is a list of pairs
		of := columnOf(info["child_type"])
		return column{typ: of.typ + "[]", exact: of.exact && id != "MAP", one: of.one}
	case "STRUCT":
		c := column{typ: id, exact: true, one: true}
		for _, f := range list(info["child_types"]) {
			field, _ := f.(tree)
			of := columnOf(field["second"])
			c.exact, c.one = c.exact && of.exact, c.one && of.one
		}
		return c
	case "VARCHAR":
		plain := word(info, "collation") == ""
		return column{typ: id, exact: plain, one: plain}
	}
	return column{typ: id, exact: exactTypes[id], one: exactTypes[id] || floating(id)}
}

// addsExactly reports whether values of a type are added up without rounding, and without an overflow that depends on the order.
func addsExactly(v any) bool {
	t, _ := v.(tree)
	if word(t, "id") == "DECIMAL" {
		info, _ := t["type_info"].(tree)
		width := whole(info["width"])
		return width > 0 && width <= 18
	}
	return small[strings.ToUpper(word(t, "id"))]
}

// rowNumber stands for the type of what the engine reads where no column is asked for, as in count(*).
const rowNumber = "row number"
