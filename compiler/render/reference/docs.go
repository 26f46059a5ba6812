package reference

import (
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Docs is the reference of the language or of one kind of it, for readers. It is made from the catalog that files are
// checked with, so that it cannot say otherwise.
type Docs struct {
	Catalog *schema.Catalog
	Kind    string           // one kind of the catalog; "" for all, and the functions
	Lists   []FunctionsTable // what expressions can call
}

// FunctionsTable is a table of functions under a heading.
type FunctionsTable struct {
	Title, Doc string
	Rows       []FunctionRow
}

// FunctionRow is a function: a call of it, and what it gives, as Markdown. Example is a call with values; it may be empty.
type FunctionRow struct{ Form, Doc, Example string }

// Markdown writes the reference as one document. A kind that the catalog has not is taken for none.
// One kind is a document of its own, with the attributes that all stages take behind it where the kind has any, so that
// a reader needs no other page for it.
func (d Docs) Markdown() string {
	if k := d.Catalog.Kind(d.Kind); k != nil {
		r := &reference{}
		r.line("# Kind %s\n", k.Name)
		r.kind(k)
		if computes(k) {
			r.common()
		}
		return r.b.String()
	}
	r := &reference{}
	r.b.WriteString(Reference(d.Catalog))
	for _, t := range d.Lists {
		r.functions(t)
	}
	return r.b.String()
}

// functions writes a table of functions, of HCL or of rules.
func (r *reference) functions(t FunctionsTable) {
	r.line("## %s\n", t.Title)
	r.line("%s\n", t.Doc)
	r.line("| function | |\n|---|---|")
	for _, f := range t.Rows {
		example := ""
		if f.Example != "" {
			example = " Example: `" + cell(f.Example) + "`."
		}
		r.line("| `%s` | %s%s |", cell(f.Form), cell(f.Doc), example)
	}
	r.line("")
}

// computes reports whether blocks of the kind run as stages.
func computes(k *schema.Kind) bool {
	for i := range k.Types {
		if k.Types[i].Version > 0 {
			return true
		}
	}
	return false
}

// HTML writes the reference as one page without scripts or requests, with links to its parts. It is made of the
// Markdown, so that both say the same.
// A reader may open it from a file, in a network without the internet, or as an artifact of CI under a strict policy of
// content: hence no script, no font, no image from elsewhere. It follows the reader's choice of light or dark, and can
// be read on a phone.
func (d Docs) HTML() string {
	var title, nav strings.Builder
	body := page{}
	body.markdown(d.Markdown())
	for _, h := range body.headings {
		if h.level == 1 {
			title.WriteString(h.text)
			continue
		}
		class := map[bool]string{true: ` class="type"`}[h.level > 2]
		nav.WriteString(`<li` + class + `><a href="#` + h.id + `">` + escapeHTML(h.text) + "</a></li>\n")
	}
	return strings.NewReplacer("{{title}}", escapeHTML(title.String()), "{{nav}}", nav.String(), "{{body}}", body.b.String()).Replace(docsPage)
}

// docsPage is the frame of the page, with its style; on small screens a table becomes a list of its rows.
const docsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" />
<title>{{title}}</title>
<style>
:root { --text: #1c2128; --quiet: #57606a; --ground: #ffffff; --raised: #f3f4f6; --line: #d0d7de; --link: #0a58a8 }
@media (prefers-color-scheme: dark) {
  :root { --text: #e3e7ec; --quiet: #9aa4b0; --ground: #12161c; --raised: #1c222b; --line: #363e49; --link: #7ab7ff }
}
* { box-sizing: border-box }
body { margin: 0; color: var(--text); background: var(--ground); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
a { color: var(--link) }
main { max-width: 60rem; padding: 1rem; margin: 0 auto }
nav { border-bottom: 1px solid var(--line); padding: 1rem }
nav ul { list-style: none; margin: .5rem 0 0; padding: 0; columns: 14rem }
nav .type { padding-left: 1rem; font-size: .875rem }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line) }
h3 { margin-top: 2rem }
code, pre { font: .875em/1.5 ui-monospace, monospace; background: var(--raised); border-radius: 3px }
code { padding: 0 .2em }
pre { padding: .75rem; white-space: pre-wrap }
pre code { padding: 0; font-size: 1em }
.table { overflow-x: auto }
table { border-collapse: collapse; min-width: 100% }
th, td { border-bottom: 1px solid var(--line); padding: .4rem .75rem .4rem 0; text-align: left; vertical-align: top; overflow-wrap: normal }
td:last-child { min-width: 14rem }
th { color: var(--quiet); font-weight: 600 }
summary { cursor: pointer; color: var(--link) }
@media (max-width: 40rem) {
  tr { display: block; border-bottom: 1px solid var(--line); padding: .5rem 0 }
  tr:has(th) { display: none }
  td { display: block; border: 0; padding: 0; overflow-wrap: anywhere }
  td:empty { display: none }
  table { width: 100% }
}
@media (min-width: 70rem) {
  body { display: grid; grid-template-columns: 18rem minmax(0, 1fr) }
  nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; border: 0; border-right: 1px solid var(--line) }
  nav ul { columns: 1 }
  main { margin: 0; padding: 1rem 2rem }
}
</style>
</head>
<body>
<nav aria-label="Contents"><strong>Contents</strong>
<ul>
{{nav}}</ul>
</nav>
<main>
{{body}}</main>
</body>
</html>
`
