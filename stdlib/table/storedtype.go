package table

import "strings"

// leaves are the engine's types that are not made of others, by the type that their values have once they are in a Parquet
// file. Integers stay exact: a sum of integers, which is a HUGEINT, is a bigint, and one that does not fit is an error when
// it is computed.
var leaves = map[string]string{
	"BOOLEAN": "boolean", "TINYINT": "tinyint", "SMALLINT": "smallint", "INTEGER": "integer", "BIGINT": "bigint",
	"UTINYINT": "utinyint", "USMALLINT": "usmallint", "UINTEGER": "uinteger", "UBIGINT": "ubigint", "HUGEINT": "bigint",
	"FLOAT": "float", "DOUBLE": "double", "VARCHAR": "varchar", "BLOB": "blob", "UUID": "uuid", "JSON": "json",
	"DATE": "date", "TIME": "time", "TIMESTAMP": "timestamp", "TIMESTAMP_S": "timestamp", "TIMESTAMP_MS": "timestamp",
	"TIMESTAMP_NS": "timestamp_ns", "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
	"BIT": "varchar", `"NULL"`: "integer", "NULL": "integer",
}

// unstored is why a type has no place in a stored table, and what to write instead.
type unstored struct{ what, why, write string }

// unstoredLeaves are the other types that are not made of others.
var unstoredLeaves = map[string]unstored{
	"UHUGEINT": {"a uhugeint", hugeWhy, hugeWrite},
	"BIGNUM":   {"a bignum", hugeWhy, hugeWrite},
	"INTERVAL": {"an interval", "Files keep no intervals below zero, and none finer than a millisecond.",
		"write epoch(…) for its seconds as a number, or cast it to varchar"},
	"TIME WITH TIME ZONE": {"a time with a zone", "Files keep times without zones.", "cast it to time or varchar, or take the timestamp"},
	"TIME_NS":             {"a time_ns", "Files keep times in microseconds.", "cast it to time or varchar"},
	"VARIANT":             {"a variant", "A column has one type.", "cast it to the type that it holds, or to json"},
}

const (
	hugeWhy   = "Whole numbers are stored in 64 bits."
	hugeWrite = "cast it to bigint where the values fit, to varchar for all of their digits, or to double for about 16 of them"
)

// madeHuge is a HUGEINT that the query itself asks for, so that nothing says that it fits a bigint.
var madeHuge = &unstored{"a hugeint", hugeWhy, hugeWrite}

// storedType is the type that values of an engine's type have once they are in a Parquet file: what Parquet has no
// type for is stored as the closest that loses nothing. What cannot be stored keeps its name, and the reason is given.
func storedType(t string) (string, *unstored) {
	p := typeParser{rest: t}
	stored := p.parse()
	if p.refused == nil && p.rest != "" {
		p.refused = &unstored{"of type " + lowerType(t), "It is no type that files have.", "cast it to another type"}
	}
	if p.refused != nil {
		return lowerType(t), p.refused
	}
	return stored, nil
}

// holdsHuge reports whether a type is or holds the type of sums.
func holdsHuge(t string) bool {
	for _, part := range strings.FieldsFunc(unquoted(t), func(r rune) bool { return strings.ContainsRune(" ,()[]", r) }) {
		if part == "HUGEINT" {
			return true
		}
	}
	return false
}

// unquoted leaves out what stands in quotes.
func unquoted(t string) string {
	p := typeParser{rest: t}
	var b strings.Builder
	for p.rest != "" {
		if c := p.rest[0]; c == '"' || c == '\'' {
			p.quoted()
			continue
		}
		b.WriteByte(p.rest[0])
		p.rest = p.rest[1:]
	}
	return b.String()
}

// typeParser reads a type as the engine prints it. Names of fields that are not quoted there become small letters.
//
//	INTEGER[3]                                 integer[]
//	STRUCT(Day DATE, amounts DECIMAL(9,2)[])   struct(day date, amounts decimal(9,2)[])
//	MAP(VARCHAR, ENUM('a', 'b'))               map(varchar, varchar)
//	STRUCT(a UNION(n INTEGER, s VARCHAR))      refused: a union
type typeParser struct {
	rest    string
	refused *unstored // the first reason
}

// refuse notes why the type cannot be stored; only the first reason is told.
func (p *typeParser) refuse(u unstored) {
	if p.refused == nil {
		p.refused = &u
	}
}

// parse reads a type as the engine writes it, `STRUCT(a INTEGER, b VARCHAR[])`, and returns the stored one. A member that
// cannot be stored is noted once, and reading goes on.
func (p *typeParser) parse() string {
	out := p.base()
	for strings.HasPrefix(p.rest, "[") { // lists, and arrays, which files keep as lists
		end := strings.IndexByte(p.rest, ']')
		if end < 0 {
			break
		}
		p.rest = p.rest[end+1:]
		out += "[]"
	}
	return out
}

// base reads a type without its brackets.
func (p *typeParser) base() string {
	name := p.word()
	if !p.skip("(") {
		return p.leaf(name)
	}
	defer p.skip(")")
	switch name {
	case "ENUM":
		p.upTo()
		return "varchar"
	case "DECIMAL":
		return "decimal(" + p.upTo() + ")"
	case "MAP":
		key := p.parse()
		p.skip(", ")
		return "map(" + key + ", " + p.parse() + ")"
	case "STRUCT":
		return "struct(" + p.fields() + ")"
	case "UNION":
		p.upTo()
		p.refuse(unstored{"a union", "A column has one type.", "take the member that is wanted, or a column for each"})
	default:
		p.upTo()
		p.refuse(unstored{"of type " + strings.ToLower(name), "It is no type that files have.", "cast it to another type"})
	}
	return ""
}

// leaf is the stored type of one that is not made of others; "" after a refusal.
func (p *typeParser) leaf(name string) string {
	stored, ok := leaves[name]
	switch u, known := unstoredLeaves[name]; {
	case ok:
	case known:
		p.refuse(u)
	default:
		p.refuse(unstored{"of type " + strings.ToLower(name), "It is no type that files have.", "cast it to another type"})
	}
	return stored
}

// word is the name of a type, of several words perhaps: TIMESTAMP WITH TIME ZONE.
func (p *typeParser) word() string {
	if strings.HasPrefix(p.rest, `"`) {
		return p.quoted()
	}
	end := strings.IndexAny(p.rest, ",()[]")
	if end < 0 {
		end = len(p.rest)
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	return word
}

// fields are those of a struct, up to its closing bracket.
func (p *typeParser) fields() string {
	var out []string
	for p.rest != "" && p.rest[0] != ')' {
		name := p.fieldName()
		if name == "" {
			p.refuse(unstored{"a struct without names", "Fields of a stored struct have names.", "name them, as in {'a': x, 'b': y}"})
		}
		p.skip(" ")
		out = append(out, name+" "+p.parse())
		if !p.skip(", ") {
			break
		}
	}
	return strings.Join(out, ", ")
}

// fieldName is the name before a field's type, empty if there is only a type. Names that are words of SQL are quoted, so
// that TIME begins a type.
func (p *typeParser) fieldName() string {
	if strings.HasPrefix(p.rest, `"`) {
		quoted := typeParser{rest: p.rest}
		if name := quoted.quoted(); strings.HasPrefix(quoted.rest, " ") {
			p.rest = quoted.rest
			return name
		}
		return ""
	}
	end := strings.IndexAny(p.rest, " ,()[]")
	if end < 0 || p.rest[end] != ' ' || strings.HasPrefix(p.rest[end:], " WITH TIME ZONE") {
		return ""
	}
	name := p.rest[:end]
	p.rest = p.rest[end:]
	return lowerType(name)
}

// quoted is what stands in quotes, with them; a quote in it is written twice.
func (p *typeParser) quoted() string {
	quote := p.rest[0]
	end := 1
	for end < len(p.rest) {
		if p.rest[end] != quote {
			end++
			continue
		}
		if end++; end >= len(p.rest) || p.rest[end] != quote {
			break
		}
		end++
	}
	text := p.rest[:end]
	p.rest = p.rest[end:]
	return text
}

// upTo passes over all up to the closing bracket, and returns it.
func (p *typeParser) upTo() string {
	start, depth := p.rest, 0
	for p.rest != "" {
		switch c := p.rest[0]; {
		case c == '"' || c == '\'':
			p.quoted()
			continue
		case c == '(':
			depth++
		case c == ')' && depth == 0:
			return start[:len(start)-len(p.rest)]
		case c == ')':
			depth--
		}
		p.rest = p.rest[1:]
	}
	return start
}

// skip takes a text if it stands next, and reports whether it did.
func (p *typeParser) skip(text string) bool {
	rest, ok := strings.CutPrefix(p.rest, text)
	p.rest = rest
	return ok
}
