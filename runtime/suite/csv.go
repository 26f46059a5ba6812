package suite

import "strings"

// tidy takes out of CSV the blanks around fields, by which people align columns, also around fields in quotes, where CSV has
// no room for them. Line breaks stay where they are, so that lines keep their numbers; blank lines stay blank.
// For example, to the table
//
//	id , amount , merchant
//	1  ,  12.50 , " ACME, Inc. "
//
// with fields read as they are "id " would be no column of ours. Commas within quotes separate nothing.
func tidy(text string) string {
	var out strings.Builder
	for len(text) > 0 {
		text = strings.TrimLeft(text, " \t")
		var field string
		if strings.HasPrefix(text, `"`) {
			end := closing(text)
			field, text = text[:end], strings.TrimLeft(text[end:], " \t")
		}
		end := strings.IndexAny(text, ",\n")
		if end < 0 {
			end = len(text)
		}
		out.WriteString(field)                             // in quotes, as it is
		out.WriteString(strings.Trim(text[:end], " \t\r")) // else, or what wrongly stands behind the quotes
		if end < len(text) {
			out.WriteByte(text[end])
			end++
		}
		text = text[end:]
	}
	return out.String()
}

// closing is where the quoted field that a text begins with has ended: the offset behind its closing quote, or the end
// of the text where there is none. Quotes in the field are doubled (RFC 4180).
func closing(text string) int {
	for i := 1; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		if i+1 < len(text) && text[i+1] == '"' {
			i++
			continue
		}
		return i + 1
	}
	return len(text)
}
