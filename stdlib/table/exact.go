package table

import (
	"fmt"
	"strconv"
	"strings"
)

// exact is an expression of a value read as a type, null where the type does not keep it: it stands for the value as it
// was written, or for nothing. It is the one rule for what is read from CSV, Parquet and JSON.
//
// Of typed values the cast must be reversible: cast back they are what they were. Of text what the type prints must be
// the text, but for forms that mean the same: a sign +, zeros before a number and behind a fraction, blanks around it;
// yes/no, y/n, t/f, 1/0 for booleans; days of one digit, slashes and a T in dates; midnight for a date and a date for its
// midnight; an offset, which is taken to UTC.
func exact(expr, have, want string) string {
	switch {
	case have == want:
		return expr
	case have == int96:
		return exact96(expr, want)
	case have == "varchar":
		return exactText(expr, want)
	case have == "varchar[]" && strings.HasSuffix(want, "[]"): // each element by the rule of its own
		read := exactText("x", strings.TrimSuffix(want, "[]"))
		lost := fmt.Sprintf("list_filter(%s, lambda x: x is not null and (%s) is null)", expr, read)
		return fmt.Sprintf("case when len(%s) = 0 then list_transform(%s, lambda x: %s) end", lost, expr, read)
	case have == "blob" && want == "varchar":
		return "try(decode(" + expr + "))"
	case want == "json", want == "timestamp_ns": // the engine checks these for text alone
		return exactText("("+expr+"::varchar)", want)
	}
	return fmt.Sprintf("case when try_cast(try_cast(%s as %s) as %s) is not distinct from %[1]s then try_cast(%[1]s as %[2]s) end", expr, want, have)
}

// Grammars of texts: what else the engine takes for a value of the type (1_000, infinity for a time, epoch) is none here,
// or loses a part.
const (
	wholeText  = `\s*[+-]?[0-9]+(\.0*)?\s*`
	numberText = `\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?\s*`
	noNumber   = `\s*[+-]?([nN][aA][nN]|[iI][nN][fF]([iI][nN][iI][tT][yY])?)\s*`
	yearText   = `([1-9][0-9]{3,5}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])` // the year before 1 is 1 BC
	dayText    = yearText + `[-/][0-9]{1,2}[-/][0-9]{1,2}`
	hourText   = `([01]?[0-9]|2[0-3])` // 24:00 is the next day's
	clockText  = hourText + `:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{0,%d}0*)?)?`
	zoneText   = ` ?(Z|z|UTC|GMT)|[+-]` + hourText + `(:?[0-5][0-9]){0,2}`
	midnight   = `([T ]0?0:00?(:00?(\.0*)?)?(Z|[+-]00(:?00)?)?)?`
)

// exactText is exact of a text.
func exactText(text, want string) string {
	cast := "try_cast(" + text + " as " + want + ")"
	when := func(condition string) string { return "case when " + condition + " then " + cast + " end" }
	is := func(grammar string) string { return "regexp_full_match(" + text + ", '" + grammar + "')" }
	switch want {
	case "varchar", "json":
		return cast
	case "boolean":
		return cast
	case "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint", "hugeint", "uhugeint":
		return when(is(wholeText))
	case "double":
		return when(sameDigits(text, cast, is, 15))
	case "float":
		return when(sameDigits(text, cast, is, 6))
	case "blob": // as the engine prints it, or each byte as \x and two digits
		return when(fmt.Sprintf(`%s::varchar = %s or %s`, cast, text, is(`(\\x[0-9a-fA-F]{2})*`)))
	case "date":
		return when(is(`\s*` + dayText + midnight + `\s*`))
	case "time":
		return when(is(`\s*` + fmt.Sprintf(clockText, 6) + `\s*`))
	case "timestamp":
		cast = "try_cast(" + text + " as timestamptz) at time zone 'UTC'"
		return when(is(moment(6)))
	case "timestamp with time zone":
		return when(is(moment(6)))
	case "timestamp_ns":
		return when(is(moment(9)))
	case "uuid":
		return when(fmt.Sprintf("regexp_replace(lower(%s), '[{}-]', '', 'g') = replace(%s::varchar, '-', '')", text, cast))
	case "interval": // Parquet keeps them in milliseconds, and none that are negative
		return when(fmt.Sprintf(`%s::varchar = %s and regexp_full_match(%[2]s, '[^-.]*(\.[0-9]{1,3})?')`, cast, text))
	}
	if width, scale := decimalSize(want); width > 0 {
		return when(placesKept(text, is, scale))
	}
	return when(fmt.Sprintf("replace(%s::varchar, ' ', '') = replace(%s, ' ', '')", cast, text))
}

// moment is the grammar of a date, or a date with a time of so many places and perhaps an offset.
func moment(places int) string {
	return `\s*` + dayText + `([T ]` + fmt.Sprintf(clockText, places) + `(` + zoneText + `)?)?\s*`
}

// sameDigits reports whether a number of as many digits as the text has is the text's. Up to some length that is sure, and so
// it is where the engine prints the text: both are quicker to see.
func sameDigits(text, cast string, is func(string) string, sure int) string {
	digits := func(number string) string {
		return fmt.Sprintf(`rtrim(ltrim(regexp_replace(regexp_replace(%s, '[eE].*', ''), '[^0-9]', '', 'g'), '0'), '0')`, number)
	}
	written := digits(text)
	printed := digits(fmt.Sprintf("format('{:.{}e}', %s::double, greatest(length(%s), 1) - 1)", cast, written))
	return fmt.Sprintf("case when length(%s) <= %d and %s then true when %s::varchar = %s then true when %s then (%s = '' or isfinite(%s) and %s = %s) else %s end",
		text, sure, is(`[+-]?[0-9]+\.?[0-9]*`), cast, text, is(numberText), written, cast, printed, written, is(noNumber))
}

// placesKept reports whether a decimal has a place for each digit of a number's fraction.
func placesKept(text string, is func(string) string, scale int) string {
	const parts = `^\s*[+-]?[0-9]*\.?([0-9]*?)0*(?:[eE]([+-]?[0-9]+))?\s*$`
	part := func(n int) string { return fmt.Sprintf("regexp_extract(%s, '%s', %d)", text, parts, n) }
	plain := is(`\s*[+-]?([0-9]+(\.[0-9]{0,` + strconv.Itoa(scale) + `}0*)?|\.[0-9]{0,` + strconv.Itoa(scale) + `}0*)\s*`)
	return fmt.Sprintf("case when %s then true when %s then length(%s) - coalesce(try_cast(nullif(%s, '') as integer), 0) <= %d else false end",
		plain, is(numberText), part(1), part(2), scale)
}
