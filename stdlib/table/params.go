package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"sort"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// Expanded is a query whose parameters have been replaced by literals. It remembers where, so that problems can be
// shown in the text that was written.
type Expanded struct {
	SQL  string
	cuts []cut
}

// cut is one replacement: the literal begins at byte in of the result, and stands for the text from at to end. With $min = 100 in
// "x > $min" the result is "x > (100)", and the cut {in: 4, length: 5, at: 4, end: 8}.
type cut struct{ in, length, at, end int }

// Expand replaces $name in a query by the value of that name (JSON: text, number, boolean, null, a list of them) as a
// literal, in parentheses if it is no list. What stands in quotes or comments is left alone. Names without a value are problems; values
// that the query does not use are warnings.
func Expand(query string, params map[string]json.RawMessage) (Expanded, []schema.Problem) {
	var out strings.Builder
	var e Expanded
	var problems []schema.Problem
	used := map[string]bool{}
	// cuts note where a literal stands for a name, so that an error in the expanded text is told at the name in the written
	// one.
	done := 0
	for _, p := range parameters(query) {
		name := query[p.at+1 : p.end]
		used[name] = true
		value, ok := params[name]
		if !ok {
			problems = append(problems, schema.Problem{Offset: p.at, Length: p.end - p.at, Summary: fmt.Sprintf("there is no parameter %q", name),
				Detail: "Values are given in the params block.", Hint: suggest.DidYouMean(name, sorted(params))})
			continue
		}
		text, err := paramLiteral(value)
		if err != nil {
			problems = append(problems, schema.Problem{Offset: p.at, Length: p.end - p.at, Summary: fmt.Sprintf("parameter %q %v", name, err)})
			continue
		}
		out.WriteString(query[done:p.at])
		e.cuts = append(e.cuts, cut{in: out.Len(), length: len(text), at: p.at, end: p.end})
		out.WriteString(text)
		done = p.end
	}
	out.WriteString(query[done:])
	e.SQL = out.String()
	for _, name := range sorted(params) {
		if !used[name] {
			problems = append(problems, schema.Problem{Summary: fmt.Sprintf("the query does not use parameter %q", name), Warning: true})
		}
	}
	return e, problems
}

// sorted are the names of parameters, in their order.
func sorted(params map[string]json.RawMessage) []string {
	out := make([]string, 0, len(params))
	for name := range params {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

// Place moves the offset of a problem from the expanded query to the text that was written. With $min replaced by (100),
// a place in the literal becomes the place of $min.
func (e Expanded) Place(p schema.Problem) schema.Problem {
	if p.Length == 0 {
		return p
	}
	start, end := e.back(p.Offset, false), e.back(p.Offset+p.Length, true)
	p.Offset, p.Length = start, end-start
	return p
}

// back is the place in the written query of one in the expanded query. All of a literal is its name: its beginning if a
// range begins there, its end if one ends.
func (e Expanded) back(at int, isEnd bool) int {
	shift := 0
	for _, c := range e.cuts {
		switch {
		case at < c.in || at == c.in && isEnd:
			return at + shift
		case at < c.in+c.length:
			if isEnd {
				return c.end
			}
			return c.at
		}
		shift = c.end - (c.in + c.length)
	}
	return at + shift
}

// paramLiteral writes a JSON value for SQL. Whole numbers are integers of all their digits, others doubles.
func paramLiteral(value json.RawMessage) (string, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "", err
	}
	text, err := valueLiteral(v)
	if _, list := v.([]any); list { // x in ([1]) would look for a list among lists
		return text, err
	}
	return "(" + text + ")", err
}

// valueLiteral is a value of JSON in SQL. Objects are refused: SQL has no one form for them.
func valueLiteral(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "null", nil
	case bool:
		return strconv.FormatBool(v), nil
	case string:
		return literal(v), nil
	case json.Number:
		return numberLiteral(v.String())
	case []any:
		items := make([]string, len(v))
		for i := range v {
			var err error
			if items[i], err = valueLiteral(v[i]); err != nil {
				return "", err
			}
		}
		return "[" + strings.Join(items, ", ") + "]", nil
	}
	return "", fmt.Errorf("is no text, number, boolean or list")
}

// maxDigits is how many digits the engine's whole numbers have.
const maxDigits = 38

// numberLiteral writes a number of the configuration for SQL, or says why the query would see another one.
// 100 is an integer, 0.1 becomes 0.1::double. 12345678901234567.5 is refused, for the double next to it is another number.
func numberLiteral(text string) (string, error) {
	exact, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", fmt.Errorf("is no number: %s", text)
	}
	if digits := exact.Num().String(); exact.IsInt() && len(strings.TrimPrefix(digits, "-")) <= maxDigits && !strings.ContainsAny(text, "eE") {
		return digits, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !schema.SameDigits(text, x) {
		return "", fmt.Errorf("is %s, which has more digits than a double keeps: write it as text, and cast it in the query, as in $x::decimal(38, 20)", text)
	}
	return strconv.FormatFloat(x, 'g', -1, 64) + "::double", nil
}

// parameters finds every $name outside of quotes and comments.
func parameters(query string) []cut {
	var out []cut
	for i := 0; i < len(query); {
		if n := quotedLength(query, i); n > 0 {
			i += n
			continue
		}
		if query[i] == '$' {
			if n := nameLength(query[i+1:]); n > 0 {
				out = append(out, cut{at: i, end: i + 1 + n})
				i += n
			}
		}
		i++
	}
	return out
}

// nameLength is how many bytes a parameter's name has; 0 where there is none, as of $1, which is SQL's own.
func nameLength(s string) int {
	n := strings.IndexFunc(s, func(r rune) bool {
		return !(r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9')
	})
	if n < 0 {
		n = len(s)
	}
	if n > 0 && '0' <= s[0] && s[0] <= '9' {
		return 0
	}
	return n
}

// quotedLength is the length of the text in quotes, or of the comment, that begins at byte i; 0 if none does. What is not closed goes on to the
// end of the query, which the engine then refuses. The forms are the engine's: '…', e'…' with escapes, "…", $$…$$, $tag$…$tag$, and
// comments of both kinds.
func quotedLength(query string, i int) int {
	rest := query[i:]
	switch {
	case rest[0] == '\'' || rest[0] == '"':
		escapes := rest[0] == '\'' && i > 0 && (query[i-1] == 'e' || query[i-1] == 'E') && (i == 1 || !isWord(query[i-2]))
		return quoteEnd(rest, escapes)
	case strings.HasPrefix(rest, "--"):
		if n := strings.IndexByte(rest, '\n'); n >= 0 {
			return n + 1
		}
		return len(rest)
	case strings.HasPrefix(rest, "/*"):
		return commentEnd(rest)
	case rest[0] == '$': // $$text$$, $tag$text$tag$
		tag := rest[:1+nameLength(rest[1:])]
		if !strings.HasPrefix(rest[len(tag):], "$") {
			return 0
		}
		tag += "$"
		if n := strings.Index(rest[len(tag):], tag); n >= 0 {
			return n + 2*len(tag)
		}
		return len(rest)
	}
	return 0
}

// isWord reports whether a byte may be part of a name or a number.
func isWord(c byte) bool { return nameLength(string(c)) > 0 || '0' <= c && c <= '9' }

// quoteEnd is the length of a quoted text. A quote within it is doubled, or after a backslash where that escapes.
func quoteEnd(s string, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == s[0] && i+1 < len(s) && s[i+1] == s[0]:
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return len(s)
}

// commentEnd is the length of a comment; comments nest.
func commentEnd(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}
