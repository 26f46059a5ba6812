package rule

import (
	"fmt"
	"strings"
	"testing"
)

// written is a claim as it could be written.
func (c Claim) written() string {
	join := func(parts []Claim, by string) string {
		var out []string
		for _, p := range parts {
			out = append(out, p.written())
		}
		return "(" + strings.Join(out, by) + ")"
	}
	switch {
	case c.All != nil:
		return join(c.All, " && ")
	case c.Any != nil:
		return join(c.Any, " || ")
	case c.Path != nil:
		return fmt.Sprintf("%s %s %g", strings.Join(c.Path, "."), c.Op, c.Value)
	}
	return "[" + c.Text + "]"
}

func TestClaim(t *testing.T) {
	e := spanned(t)
	for text, want := range map[string]string{
		"a.rate > 1":                             "a.rate > 1",
		"1 > a.rate":                             "a.rate < 1",
		"a.rate >= -0.5 && n < 3":                "(a.rate >= -0.5 && n < 3)",
		"!(a.rate > 1 || n <= 3)":                "(a.rate <= 1 && n > 3)",
		"!(a.rate > 1 && !(n <= 3))":             "(a.rate <= 1 || n <= 3)",
		"a.rate > b.rate || n >= 3":              "([a.rate > b.rate] || n >= 3)",
		"!(a.rate > b.rate)":                     "[!(a.rate > b.rate)]",
		"abs(a.rate) < 1 && (n > 1 || b.rate<2)": "([abs(a.rate) < 1.0] && (n > 1 || b.rate < 2))",
	} {
		if got := ruleOf(t, e, text).Claim().written(); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
