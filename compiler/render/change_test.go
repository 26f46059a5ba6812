package render

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

func rawOf(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

func TestChangeText(t *testing.T) {
	long := strings.Repeat("select a, b from payments ", 5)
	for _, c := range []struct {
		name          string
		before, after any
		want          string
	}{
		{"numbers", 300, 400, "300 → 400"},
		{"short texts", "a", "b", "a → b"},
		{"long texts", long + "where amount > 0 " + long, long + "where amount > 10 " + long, "… where amount > 0 select a, b fr… → … where amount > 10 select a, b fr…"},
		{"text grows", long, long + "limit 5", "… b from payments → … b from payments limit 5"},
		{"long lists", strings.Fields(long), append(strings.Fields(long), "extra"), "+ extra"},
		{"order", strings.Fields("aaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbb ccccccccccc"), strings.Fields("ccccccccccc aaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbb"), "the same in another order"},
		{"a script in a list", []string{"sh", "-c", long + "echo 3"}, []string{"sh", "-c", long + "echo 4"}, "+ …m payments echo 4  - …m payments echo 3"},
		{"other type", "1", 2, "1 → 2"},
	} {
		if got := ChangeText(rawOf(c.before), rawOf(c.after)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// pieces that values of users are made of: what looks alike, is cut, rounded or made harmless.
var pieces = []string{"", "a", "b", " ", "  ", "\t", "\n", "\n\n", "\r\n", "\u200b", `\u{200B}`, "…", "##[", "::", "x\n    y", "é", `"`, strings.Repeat("select a ", 20),
	strings.Repeat("\n  line of a script", 30), strings.Repeat(" ", 150), "0.123456781", "0.123456782", "absent", "null"}

func anyText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(6) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

// edited is a text in which a piece was put in, taken out or replaced.
func edited(r *rand.Rand, s string) string {
	runes := []rune(s)
	from := r.IntN(len(runes) + 1)
	to := min(len(runes), from+r.IntN(3))
	return string(runes[:from]) + pieces[r.IntN(len(pieces))] + string(runes[to:])
}

// TestDifferencesAreShown: of two texts that differ, and of two values that hold them somewhere, what is shown differs: in one line,
// and as lines.
func TestDifferencesAreShown(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	forms := map[string]func(s string) any{
		"text":           func(s string) any { return s },
		"list":           func(s string) any { return []string{"sh", "-c", s} },
		"longer list":    func(s string) any { return []string{"sh", "-c", s, strings.Repeat("other ", 12)} },
		"list of blocks": func(s string) any { return []any{map[string]any{"a": 1, "script": s}} },
		"block":          func(s string) any { return map[string]any{"a": strings.Repeat("x", 80), "z": s} },
	}
	for range 1500 {
		a := anyText(r)
		b := edited(r, a)
		if r.IntN(4) == 0 {
			b = anyText(r)
		}
		if a == b {
			continue
		}
		if got := TextChange(a, b); got[0] == got[1] {
			t.Fatalf("%q and %q are both shown as %q", a, b, got[0])
		}
		for name, form := range forms {
			before, after := rawOf(form(a)), rawOf(form(b))
			one := ChangeText(before, after)
			if x, y, ok := strings.Cut(one, " → "); ok && x == y {
				t.Fatalf("%s: %q and %q are shown as %s", name, a, b, one)
			}
			if gained, lost, ok := strings.Cut(strings.TrimPrefix(one, "+ "), "  - "); ok && gained == lost {
				t.Fatalf("%s: %q and %q are shown as %s", name, a, b, one)
			}
			_, lines := Change(before, after)
			if (severalLines(a) || severalLines(b)) && (name == "text" || name == "block") && len(lines) == 0 {
				t.Fatalf("%s: no lines are shown of %q and %q", name, a, b)
			}
			if was, is := side(lines, "+"), side(lines, "-"); len(lines) > 0 && was == is {
				t.Fatalf("%s: %q and %q are both shown as\n%s", name, a, b, was)
			}
		}
	}
	for _, c := range [][2]any{{1.23456789, 1.23456788}, {"1", 1}, {nil, "null"}, {true, "true"}, {map[string]any{"a": "b  c"}, map[string]any{"a": "b c"}}} {
		one := ChangeText(rawOf(c[0]), rawOf(c[1]))
		if x, y, _ := strings.Cut(one, " → "); x == y {
			t.Errorf("%v and %v are shown as %s", c[0], c[1], one)
		}
	}
}

// side is one of the two texts as lines show it: all but those of the other.
func side(lines []DiffLine, other string) string {
	var b strings.Builder
	for _, l := range lines {
		if l.Sign != other && l.Sign != "…" {
			b.WriteString(strings.TrimRight(l.Text, " ") + "\n")
		}
	}
	return b.String()
}

func TestChangeOfLines(t *testing.T) {
	script := "set -e\nfor f in data/*; do\n  train $f\ndone\necho \"weights v3\"\n"
	later := strings.Replace(script, "v3", "v4", 1)
	for _, c := range []struct {
		name          string
		before, after any
		want          string
	}{
		{"a query", "select a\nfrom b\nwhere c > 0\n", "select a\nfrom b\nwhere c > 10\n",
			"lines: 1 removed, 1 added|  select a|  from b|- where c > 0|+ where c > 10"},
		{"a script in a command", []string{"sh", "-c", script}, []string{"sh", "-c", later},
			"lines: 1 removed, 1 added|  for f in data/*; do|    train $f|  done|- echo \"weights v3\"|+ echo \"weights v4\""},
		{"and one more argument", []string{"sh", "-c", script}, []string{"sh", "-e", "-c", later},
			"+ -e; lines: 1 removed, 1 added|  for f in data/*; do|    train $f|  done|- echo \"weights v3\"|+ echo \"weights v4\""},
		{"indented otherwise", "select\n  a\n", "select\n    a\n", "the same with other white space; lines: 1 removed, 1 added|  select|-   a|+     a"},
		{"a blank at the end", "select\n  a\n", "select\n  a \n", "the same with other white space; lines: 1 removed, 1 added|  select|- \" \\x20a\"|+ \" \\x20a \""},
		{"one line", "select 1\n", "select 2\n", "select 1 → select 2"},
	} {
		got, lines := Change(rawOf(c.before), rawOf(c.after))
		for _, l := range lines {
			got += "|" + strings.TrimRight(l.Sign+" "+l.Text, " ")
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// An image is told as docker shows it, in full where that does not tell two apart.
func TestImageCauses(t *testing.T) {
	const id, other = "sha256:0123456789abcdef0123", "sha256:fedcba9876543210fedc"
	for _, tt := range []struct{ before, after, want string }{
		{`"` + id + ` linux/amd64"`, `"` + other + ` linux/amd64"`, "0123456789ab → fedcba987654"},
		{`"` + id + ` linux/amd64"`, ``, "0123456789ab → not known yet"},
		{``, `"` + id + ` linux/amd64"`, "not recorded → 0123456789ab"},
		{`"` + id + ` linux/amd64"`, `"` + id + ` linux/arm64"`, id + " linux/amd64 → " + id + " linux/arm64"},
		{`"sha256:\u001b[2J"`, `{}`, `\u{1B}[2J → not known yet`},
	} {
		got := CauseText("train.m", plan.Cause{Kind: plan.ImageCause, Path: "i:1", Before: json.RawMessage(tt.before), After: json.RawMessage(tt.after)})
		if want := "image i:1 of train.m  " + tt.want; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
