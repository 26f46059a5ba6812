package table

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

func TestExpand(t *testing.T) {
	params := map[string]json.RawMessage{"x": json.RawMessage("-5"), "s": json.RawMessage(`"it's"`), "f": json.RawMessage("0.1"),
		"l": json.RawMessage(`["a", "b"]`), "b": json.RawMessage("true"), "n": json.RawMessage("null")}
	tests := []struct{ query, want string }{
		{"a-$x", "a-(-5)"},
		{"$s || $f", "('it''s') || (0.1::double)"},
		{"c in $l and $b or $n", "c in ['a', 'b'] and (true) or (null)"},
		{"'$x' \"$x\" -- $x\n/* $x /* */ $x */ $x", "'$x' \"$x\" -- $x\n/* $x /* */ $x */ (-5)"},
		{"'a''$x' || e'a\\'$x' || $x", "'a''$x' || e'a\\'$x' || (-5)"},
		{"$$ $x $$ || $t$ $x $t$ || $x", "$$ $x $$ || $t$ $x $t$ || (-5)"},
		{"$x$s", "$x$s"}, // a quoted text that does not end: the parser tells
	}
	for _, test := range tests {
		if got, _ := Expand(test.query, params); got.SQL != test.want {
			t.Errorf("%s: got %s, want %s", test.query, got.SQL, test.want)
		}
	}
	if _, problems := Expand("select $mim_amount", map[string]json.RawMessage{"min_amount": json.RawMessage("1")}); len(problems) != 2 ||
		problems[0].Offset != 7 || problems[0].Length != 11 || problems[0].Hint != `did you mean "min_amount"?` || !problems[1].Warning {
		t.Errorf("got %+v", problems)
	}
	if _, problems := Expand("select $o", map[string]json.RawMessage{"o": json.RawMessage(`{"a": 1}`)}); len(problems) != 1 || !strings.Contains(problems[0].Summary, "is no text") {
		t.Errorf("got %+v", problems)
	}
}

// TestNumbersOfParams: a number reaches the query with all of its digits, or is refused.
func TestNumbersOfParams(t *testing.T) {
	for text, want := range map[string]string{
		"9007199254740993": "9007199254740993", "-9007199254740993": "-9007199254740993", "12345678901234567890123": "12345678901234567890123",
		"[1, 9007199254740993]": "[1, 9007199254740993]", "1.50": "1.5::double", "0.10000000000000001": "0.1::double", "1e300": "1e+300::double", "1.0": "1",
		"99999999999999999999999999999999999999": "99999999999999999999999999999999999999", "0.1234567890123456789": "", "[12345678901234567.89]": "",
		"123456789012345678901234567890123456789": "",
	} {
		e, problems := Expand("select $x", map[string]json.RawMessage{"x": json.RawMessage(text)})
		switch {
		case want == "":
			if len(problems) != 1 || !strings.Contains(problems[0].Summary, "more digits than a double keeps") {
				t.Errorf("%s: got %s, %v", text, e.SQL, problems)
			}
		case e.SQL != "select ("+want+")" && e.SQL != "select "+want:
			t.Errorf("%s: got %s, %v, want %s", text, e.SQL, problems, want)
		}
	}
}

func TestExpandedPlace(t *testing.T) {
	query := "select $a, foo, $bb + bar"
	e, _ := Expand(query, map[string]json.RawMessage{"a": json.RawMessage(`"a long text"`), "bb": json.RawMessage("1")})
	for _, word := range []string{"select", "foo", "bar"} {
		p := e.Place(schema.Problem{Offset: strings.Index(e.SQL, word), Length: len(word)})
		if got := query[p.Offset : p.Offset+p.Length]; got != word {
			t.Errorf("%s: got %q", word, got)
		}
	}
	p := e.Place(schema.Problem{Offset: strings.Index(e.SQL, "long"), Length: 4})
	if got := query[p.Offset : p.Offset+p.Length]; got != "$a" {
		t.Errorf("got %q", got)
	}
}

func FuzzExpand(f *testing.F) {
	f.Add("select $a, '$a' -- $a")
	f.Add("/*/**/$a e'\\")
	f.Fuzz(func(t *testing.T, query string) {
		e, problems := Expand(query, map[string]json.RawMessage{"a": json.RawMessage("1")})
		for _, p := range problems {
			if p.Offset < 0 || p.Length < 0 || p.Offset+p.Length > len(query) {
				t.Errorf("a problem outside of the query: %+v", p)
			}
		}
		for i := range len(e.SQL) {
			if p := e.Place(schema.Problem{Offset: i, Length: 1}); p.Offset < 0 || p.Length < 0 || p.Offset+p.Length > len(query) {
				t.Errorf("byte %d of %q is placed at %d+%d of %q", i, e.SQL, p.Offset, p.Length, query)
			}
		}
	})
}
