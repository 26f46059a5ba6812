package reference

import (
	"fmt"
	"html"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// page is HTML made of the Markdown that the reference is written in: headings, paragraphs, lists, tables, fenced code
// and foldable examples. Everything else in it is text, and escaped. It is no reader of Markdown in general: what the
// reference does not use is not known.
// That is enough, and a library would be too much: the only author of this Markdown is this package, and a test reads
// the page as XML, so that what is not closed or leads nowhere fails.
type page struct {
	b        strings.Builder
	headings []heading
	lines    []string
	ids      map[string]int
}

// A heading of level 1 is the page's title; 2 a kind, 3 a type of it, which the contents indent.
type heading struct {
	level    int
	text, id string
}

func escapeHTML(s string) string { return html.EscapeString(s) }

var (
	headingLine = lazyregexp.New("^(#{1,4}) (.+)$")
	summaryLine = lazyregexp.New("^<details><summary>(.*)</summary>$")
	nonWord     = lazyregexp.New("[^a-z0-9_]+")
	codeOrBold  = lazyregexp.New("`[^`]+`|\\*\\*[^*]+\\*\\*")
)

// markdown turns Markdown into HTML, block by block: each step takes its lines from the front of p.lines. What begins like none of the
// others is a paragraph.
func (p *page) markdown(text string) {
	p.ids = map[string]int{}
	p.lines = strings.Split(text, "\n")
	for len(p.lines) > 0 {
		line := p.lines[0]
		switch {
		case strings.TrimSpace(line) == "":
			p.lines = p.lines[1:]
		case headingLine().MatchString(line):
			p.heading(headingLine().FindStringSubmatch(line))
		case strings.HasPrefix(line, "```"):
			p.code()
		case summaryLine().MatchString(line):
			fmt.Fprintf(&p.b, "<details><summary>%s</summary>\n", escapeHTML(summaryLine().FindStringSubmatch(line)[1]))
			p.lines = p.lines[1:]
		case line == "</details>":
			p.b.WriteString("</details>\n")
			p.lines = p.lines[1:]
		case strings.HasPrefix(line, "|"):
			p.table()
		case strings.HasPrefix(line, "- "):
			p.list()
		default:
			p.paragraph()
		}
	}
}

// heading gives a heading an anchor of its words, lowered and joined by hyphens; of several alike the second ends in -2.
func (p *page) heading(m []string) {
	h := heading{level: len(m[1]), text: strings.ReplaceAll(m[2], "`", "")}
	h.id = strings.Trim(nonWord().ReplaceAllString(strings.ToLower(h.text), "-"), "-")
	if p.ids[h.id]++; p.ids[h.id] > 1 {
		h.id = fmt.Sprintf("%s-%d", h.id, p.ids[h.id])
	}
	p.headings = append(p.headings, h)
	fmt.Fprintf(&p.b, "<h%d id=\"%s\">%s</h%d>\n", h.level, h.id, inline(m[2]), h.level)
	p.lines = p.lines[1:]
}

// code is a fence. Its language is left out: nothing is highlighted.
func (p *page) code() {
	p.b.WriteString("<pre><code>")
	for p.lines = p.lines[1:]; len(p.lines) > 0; p.lines = p.lines[1:] {
		if strings.HasPrefix(p.lines[0], "```") {
			p.lines = p.lines[1:]
			break
		}
		p.b.WriteString(escapeHTML(p.lines[0]) + "\n")
	}
	p.b.WriteString("</code></pre>\n")
}

// table writes rows; the second one, of dashes, parts the head from the others.
func (p *page) table() {
	p.b.WriteString("<div class=\"table\"><table>\n")
	for i := 0; len(p.lines) > 0 && strings.HasPrefix(p.lines[0], "|"); i, p.lines = i+1, p.lines[1:] {
		if i == 1 {
			continue
		}
		tag := map[bool]string{true: "th", false: "td"}[i == 0]
		p.b.WriteString("<tr>")
		for _, c := range tableCells(p.lines[0]) {
			fmt.Fprintf(&p.b, "<%s>%s</%s>", tag, inline(c), tag)
		}
		p.b.WriteString("</tr>\n")
	}
	p.b.WriteString("</table></div>\n")
}

// tableCells parts a row at bars that no backslash stands before.
func tableCells(row string) []string {
	row = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(row), "|"), "|")
	const bar = "\x00"
	var out []string
	for _, c := range strings.Split(strings.ReplaceAll(row, `\|`, bar), "|") {
		out = append(out, strings.TrimSpace(strings.ReplaceAll(c, bar, "|")))
	}
	return out
}

// list writes a list; lines that are indented go on with the item before.
func (p *page) list() {
	p.b.WriteString("<ul>\n")
	for len(p.lines) > 0 && strings.HasPrefix(p.lines[0], "- ") {
		item := strings.TrimPrefix(p.lines[0], "- ")
		for p.lines = p.lines[1:]; len(p.lines) > 0 && strings.HasPrefix(p.lines[0], "  "); p.lines = p.lines[1:] {
			item += " " + strings.TrimSpace(p.lines[0])
		}
		p.b.WriteString("<li>" + inline(item) + "</li>\n")
	}
	p.b.WriteString("</ul>\n")
}

// paragraph takes lines up to a blank one, a table or a list.
func (p *page) paragraph() {
	var text []string
	for len(p.lines) > 0 && strings.TrimSpace(p.lines[0]) != "" && !strings.HasPrefix(p.lines[0], "|") && !strings.HasPrefix(p.lines[0], "- ") {
		text = append(text, p.lines[0])
		p.lines = p.lines[1:]
	}
	p.b.WriteString("<p>" + inline(strings.Join(text, "\n")) + "</p>\n")
}

// inline writes a text with its `code` and **emphasis**, escaped.
func inline(s string) string {
	var b strings.Builder
	at := 0
	for _, m := range codeOrBold().FindAllStringIndex(s, -1) {
		b.WriteString(escapeHTML(s[at:m[0]]))
		tag, text := "code", s[m[0]+1:m[1]-1]
		if s[m[0]] == '*' {
			tag, text = "strong", s[m[0]+2:m[1]-2]
		}
		fmt.Fprintf(&b, "<%s>%s</%s>", tag, escapeHTML(text), tag)
		at = m[1]
	}
	b.WriteString(escapeHTML(s[at:]))
	return b.String()
}
