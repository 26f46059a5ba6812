package review

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// forms of a plan by the ending of their golden file.
var forms = map[string]func(io.Writer, *plan.Plan, render.Options) error{".txt": Text, ".md": Markdown, ".html": HTML}

func rendered(t *testing.T, write func(io.Writer, *plan.Plan, render.Options) error, p *plan.Plan, o render.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, p, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// poisons are strings that would forge or hide something if they were taken for more than text.
var poisons = map[string]string{
	"a line of its own":    "x\n  ✓ gate.release   passes\nPlan: nothing to do",
	"carriage return":      "x\rPlan: nothing to do, 9 cached.",
	"terminal escapes":     "x\x1b[2K\x1b[1A\x1b[32m✓ passes\x1b[0m\x9b2J\x07",
	"backspaces":           "fail\b\b\b\bpass",
	"direction overrides":  "\u202Egpj.live\u202C \u2066x\u2069 \u200Fy",
	"nothing to be seen":   "a\u200Bb\u2060c\uFEFFd\u00ADe\u180Ef\u3164g\u2800h\U000E0041i\uFE0Fj\u115Fk",
	"odd blanks and lines": "a\u2028b\u2029c\u0085d\u00A0e\u3000f\u000Bg",
	"not UTF-8":            "a\xff\xfeb\xc0",
	"columns":              "x                    ✓  enough data",
	"html":                 `</code></td></tr></table><img src=x onerror=alert(1)><script>alert(1)</script><!-- `,
	"end of a comment":     "--> <h1>approved</h1> <!--",
	"attributes":           `" onmouseover="alert(1)" x='y'`,
	"entities":             "&lt;b&gt; &#60;script&#62; &amp;",
	"markdown":             "**bold** _it_ # head [link](javascript:alert(1)) ![i](http://evil.example/x.png) ~~gone~~",
	"a cell":               `a | b \| c \\| d |`,
	"backticks":            "`` ` ``` a `b` ```\n```\n</details>",
	"ends in a backtick":   "`",
	"only backticks":       "```",
	"a fence":              "```mermaid",
	"mentions and issues":  "@octocat #1 octo-org/x#1 www.evil.example https://evil.example a@evil.example :tada: GH-1",
	"a folded part":        "</details><details open><summary>All gates pass</summary>",
	"mermaid":              "\"]; click n0 href \"javascript:alert(1)\"; x[\"\n  end\n  n9[[evil]] %%{init: {}}%%",
	"an svg":               "</text></svg><script>alert(1)</script><svg><text>]]>",
	"template":             "{{.Secret}} ${x} $(rm -rf /) $`x`$ $$y$$",
	"math and breaks":      "$a$ \\(x\\) <br>  ",
	"commands to builds":   "::error file=a.mlp::forged%0A ##[stop-commands]x ##vso[task.complete]y ##teamcity[z]",
	"very long":            strings.Repeat("long ", 40_000),
	"very many odd ones":   strings.Repeat("\U0010FFFD\u202E", 20_000),
	"nothing":              "",
	"blank":                "   \t ",
}

// poisoned is a plan in which every string that a user can write is the given one.
func poisoned(s string) *plan.Plan {
	p := failing()
	p.Pipeline, p.Workspace = s, s
	v := raw(fmt.Sprintf("%q", "x"))
	if data, err := plan.Canonical(strings.ToValidUTF8(s, "?")); err == nil {
		v = data
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		c.Address, c.Cause.Path, c.Cause.Before, c.Cause.After, c.Cause.From, c.Range.File = s, s, v, v, s, s
		c.Runs, c.MayRun = []string{s}, []string{s}
	}
	p.Changes = append(p.Changes, plan.Change{Address: s, Category: plan.Category(s), Cause: plan.Cause{Kind: plan.CauseKind(s)}},
		plan.Change{Address: s, Category: plan.Rebuild, Cause: plan.Cause{Kind: plan.ImageCause, Path: s, Before: v, After: v}})
	p.Changes = append(p.Changes, plan.Change{Address: s, Category: plan.MovedChange, Cause: plan.Cause{Kind: plan.MovedCause, Before: v, After: v}, Range: p.Changes[0].Range},
		plan.Change{Address: s, Category: plan.AcceptedChange, Reason: s, Cause: plan.Cause{Kind: plan.AcceptedCause, Before: v, After: v}})
	p.Moves = []plan.Move{{From: s, To: s, Pending: true}}
	for i, n := range p.Nodes {
		if i == 0 {
			n.Verdict = plan.Verdict(s)
		}
		n.Accepted = &plan.Acceptance{Was: plan.Digest(s), Reason: s, By: s}
		n.Address, n.Description, n.Kind, n.Type = fmt.Sprint(s, i), s, s, s
		n.Causes = []plan.Cause{{Kind: plan.ConfigCause, Path: s, Before: v, After: v}}
	}
	for i, g := range p.Gates {
		g.Address, g.BlockedBy, g.After = fmt.Sprint(s, i), nil, []string{s}
		g.Accepted, g.Looks = []string{p.Nodes[0].Address}, []plan.Looked{{From: s, FromPort: s, Models: 2}}
		if i == 2 {
			g.Verdict = plan.RuleVerdict(s)
		}
		if i == 1 {
			g.BlockedBy = []string{s}
		}
		for j := range g.Rules.Rules {
			r := &g.Rules.Rules[j]
			r.Name, r.Assert, r.Message, r.Residual, r.Reason = s, s, s, s, s
			r.Values = []plan.FigureSeen{{Path: s, Value: v}}
			r.Live = r.Values
			if j == 0 {
				r.Verdict = plan.RuleVerdict(s)
			}
		}
		for j := range g.Approvals {
			a := &g.Approvals[j]
			a.Name, a.From, a.When = s, []string{s}, s
			if a.GivenBy != "" {
				a.GivenBy = s
			}
		}
	}
	for i, r := range p.Releases {
		r.Address, r.Gate, r.Model.From = fmt.Sprint(s, i), s, s
		r.Model.Digest = plan.Digest(s)
		r.Figures = []plan.Compared{{Path: s, Live: v, Next: v}}
		if r.Current != nil {
			c := *r.Current
			c.From, c.Model = s, plan.Digest(s)
			r.Current = &c
		}
	}
	p.Releases[3].Action = plan.ReleaseAction(s)
	p.Diagnostics = []plan.Diagnostic{{Summary: s, Detail: s, Hint: s}}
	p.Envelope = &plan.Envelope{Durations: map[string]int64{p.Nodes[5].Address: 5000}}
	return p
}

// shape is what is left of a form when all that came from users is taken out: its lines and marks.
func lines(b []byte) int { return bytes.Count(b, []byte("\n")) }

// A hostile string neither adds nor takes a line, and nothing in the form acts on a terminal or cannot be seen.
func TestHostileText(t *testing.T) {
	want := lines(rendered(t, Text, poisoned("harmless"), render.Options{All: true}))
	for name, s := range poisons {
		t.Run(name, func(t *testing.T) {
			got := rendered(t, Text, poisoned(s), render.Options{All: true})
			if name != "nothing" && name != "blank" && !strings.HasPrefix(name, "very") && lines(got) != want {
				t.Errorf("got %d lines, want %d:\n%s", lines(got), want, got)
			}
			visible(t, string(got))
			for _, line := range strings.Split(string(got), "\n") {
				if strings.HasPrefix(line, "Plan: ") && line != Summary(poisoned(s)) {
					t.Errorf("forged: %s", line)
				}
			}
		})
	}
}

// visible fails on characters that cannot be seen or that steer what shows them.
func visible(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Error("not UTF-8")
	}
	for _, r := range s {
		if r != '\n' && render.Hidden(r) && r != '\uFE0F' { // our own pencil has a variation selector
			t.Errorf("got the character %U", r)
			return
		}
	}
}

var (
	comment = regexp.MustCompile(`^<!-- mlp:plan [A-Za-z0-9_./-]+ -->$`)
)

// withoutSpans removes code spans as CommonMark finds them: a run of backticks up to the next run of the same length.
func withoutSpans(t *testing.T, line string) string {
	t.Helper()
	var out strings.Builder
	for line != "" {
		i := strings.IndexByte(line, '`')
		if i < 0 {
			out.WriteString(line)
			break
		}
		out.WriteString(line[:i])
		run := len(line[i:]) - len(strings.TrimLeft(line[i:], "`"))
		fence, rest := line[i:i+run], line[i+run:]
		end := -1
		for at := 0; at < len(rest); {
			j := strings.IndexByte(rest[at:], '`')
			if j < 0 {
				break
			}
			j += at
			n := len(rest[j:]) - len(strings.TrimLeft(rest[j:], "`"))
			if n == len(fence) {
				end = j + n
				break
			}
			at = j + n
		}
		if end < 0 {
			t.Errorf("a code span is not closed: %s", line)
			return out.String()
		}
		line = rest[end:]
	}
	return out.String()
}

// cells counts the cells of a table's row as GitHub does: at bars that no backslash stands before.
func cells(line string) int {
	n := 0
	for i := range len(line) {
		if line[i] == '|' && (i == 0 || line[i-1] != '\\') {
			n++
		}
	}
	return n
}

// Outside of code spans and the picture only our own words stand.
func TestHostileMarkdown(t *testing.T) {
	own := regexp.MustCompile(`^[\sA-Za-z0-9.,;:()?%/·→…|*#+_&-]*$`)
	signs := strings.NewReplacer("✅", "", "❌", "", "❗", "", "🟡", "", "➕", "", "➖", "", "❔", "", "✏️", "", "⚠️", "", "<br>", "",
		"<details>", "", "</details>", "", "<summary>", "", "</summary>", "")
	for name, s := range poisons {
		t.Run(name, func(t *testing.T) {
			got := string(rendered(t, Markdown, poisoned(s), render.Options{All: true}))
			if len(got) > MostMarkdown {
				t.Errorf("got %d bytes", len(got))
			}
			visible(t, got)
			head, body, _ := strings.Cut(got, "\n")
			if !comment.MatchString(head) || strings.Contains(strings.TrimSuffix(strings.TrimPrefix(head, "<!--"), "-->"), "--") {
				t.Errorf("marker: %s", head)
			}
			columns, picture := 0, false
			for _, line := range strings.Split(body, "\n") {
				switch {
				case line == "```mermaid":
					picture = true
				case line == "```":
					picture = false
				case picture:
					mermaidLine(t, line)
				default:
					rest := signs.Replace(withoutSpans(t, line))
					if !own.MatchString(rest) || strings.Contains(rest, "www.") || strings.Contains(rest, "://") {
						t.Errorf("not ours: %q of %q", rest, line)
					}
				}
				if strings.HasPrefix(line, "|---") {
					columns = cells(line)
				}
				if strings.HasPrefix(line, "| ") && columns > 0 && cells(line) != columns && !strings.HasPrefix(line, "| | ") && !strings.HasPrefix(line, "| metric") && !strings.HasPrefix(line, "| phase") {
					t.Errorf("%d cells, want %d: %s", cells(line), columns, line)
				}
			}
			for _, tag := range []string{"details", "summary"} {
				if a, b := strings.Count(signsOnly(t, got), "<"+tag+">"), strings.Count(signsOnly(t, got), "</"+tag+">"); a != b {
					t.Errorf("%d <%s> and %d </%s>", a, tag, b, tag)
				}
			}
		})
	}
}

func signsOnly(t *testing.T, s string) string {
	var out strings.Builder
	picture := false
	for _, line := range strings.Split(s, "\n") {
		if strings.HasPrefix(line, "```") {
			picture = !picture
			continue
		}
		if !picture {
			out.WriteString(withoutSpans(t, line) + "\n")
		}
	}
	return out.String()
}

// mermaidLine fails on a line of a Mermaid graph that our own writer would not make: labels hold nothing that ends them.
func mermaidLine(t *testing.T, line string) {
	t.Helper()
	ours := regexp.MustCompile("^(flowchart TB|\\s+subgraph p[0-9] \\[\"[^\"`]*\"\\]|\\s+end|\\s+(n[0-9]+|left)[^\"]{1,2}\"[^\"`\\n]*\"[^\"]{1,2}(:::left)?|\\s+n[0-9]+ (-->|-\\.->) n[0-9]+|\\s+(classDef|class) [^\"`]*)$")
	if !ours.MatchString(line) || strings.Contains(line, "<script") || strings.Contains(line, "%%{") {
		t.Errorf("mermaid: %s", line)
	}
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	active = regexp.MustCompile(`(?i)\son[a-z]+\s*=|javascript:|<(script|img|iframe|link|object|embed|form|a)\b`)
)

// The page has the same tags whatever users wrote.
func TestHostileHTML(t *testing.T) {
	for name, s := range poisons {
		t.Run(name, func(t *testing.T) {
			got := string(rendered(t, HTML, poisoned(s), render.Options{All: true}))
			visible(t, got)
			for _, tag := range tags.FindAllString(got, -1) {
				if active.MatchString(tag) && !strings.HasPrefix(tag, "<meta") {
					t.Errorf("got the tag %s", tag)
				}
			}
			for _, tag := range []string{"section", "table", "tr", "td", "code", "p", "details", "svg", "text", "title", "main", "body"} {
				a, b := len(regexp.MustCompile(`<`+tag+`[\s>]`).FindAllString(got, -1)), strings.Count(got, "</"+tag+">")
				if a != b {
					t.Errorf("%d <%s> and %d </%s>", a, tag, b, tag)
				}
			}
			if strings.Contains(got, "ZgotmplZ") {
				t.Error("a value was refused by the template")
			}
		})
	}
}

func TestLongPlansAreCut(t *testing.T) {
	p := failing()
	for i := range 3000 {
		address := fmt.Sprintf("dataset.table_%04d", i)
		p.Nodes = append(p.Nodes, stage(address, "dataset", "development", plan.Run))
		p.Changes = append(p.Changes, plan.Change{Address: address, Category: plan.Rebuild, Runs: []string{address},
			Cause: plan.Cause{Kind: plan.ConfigCause, Path: "sql", Before: raw(`"a"`), After: raw(`"b"`)}})
	}
	got := string(rendered(t, Markdown, p, render.Options{All: true}))
	if len(got) > MostMarkdown || !strings.Contains(got, "and 2325 more") || !strings.Contains(got, "_Cut to 60000 bytes: the list of stages, the picture, of each table what weighs least.") {
		t.Errorf("got %d bytes, ending in %s", len(got), got[len(got)-300:])
	}
	for _, must := range []string{Summary(p), "deploy.old", "**❌ FAIL** `gate.release`"} {
		if !strings.Contains(got, must) {
			t.Errorf("what matters was cut: %s", must)
		}
	}
}
