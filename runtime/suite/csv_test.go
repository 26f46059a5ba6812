package suite

import (
	"strings"
	"testing"
)

func TestTidy(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"as it is", "a,b\n1,2\n", "a,b\n1,2\n"},
		{"aligned", "a,  b \n 1,\t2\n", "a,b\n1,2\n"},
		{"null and an empty text", "a, b\n , \"\" \n", "a,b\n,\"\"\n"},
		{"quoted behind blanks", `1,  "a, ""b""" , 2`, `1,"a, ""b""",2`},
		{"blanks and commas behind doubled quotes stay", `"a ""b,  c"" d" , 2`, `"a ""b,  c"" d",2`},
		{"blanks in quotes stay", `" a ", "b "`, `" a ","b "`},
		{"a quoted field over lines", "1, \"a\n  b\" ,2\n", "1,\"a\n  b\",2\n"},
		{"carriage returns", "a, b\r\n1, 2\r\n", "a,b\n1,2\n"},
		{"a quote that is not closed", `1, "a`, `1,"a`},
		{"more behind the quotes", `"a" b,1`, `"a"b,1`},
		{"blank lines", "\n\na\n \n1\n", "\n\na\n\n1\n"},
		{"nothing", "", ""},
	} {
		got := tidy(tt.text)
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if strings.Count(got, "\n") != strings.Count(tt.text, "\n") {
			t.Errorf("%s: lines are lost", tt.name)
		}
	}
}
