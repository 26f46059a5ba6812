package reference

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

func docs(kind string) Docs {
	const hostile = "<script>alert(1)</script> & \"x\" | `a<b` **c<d**"
	return Docs{
		Kind: kind,
		Catalog: &schema.Catalog{Kinds: []schema.Kind{
			{Name: "locals", Summary: "Values", Phase: schema.Design, Types: []schema.Type{{}}},
			{Name: "train", Summary: hostile, Phase: schema.Development, Doc: "- one\n  more\n- two", Types: []schema.Type{{
				Name: "trees", Version: 1, Summary: hostile, Doc: hostile,
				Body: schema.Body{
					Attrs:  []schema.Attr{{Name: "depth", Type: schema.Integer, Default: 6.0, Doc: hostile}},
					Blocks: []schema.Block{{Name: "params", Doc: hostile, FreeAttrs: true}},
				},
				Out:      []schema.Port{{Name: "model", Type: schema.ModelPort, Doc: hostile}},
				Examples: []schema.Example{{Title: hostile, Code: "a = \"<b>\" # " + hostile}},
			}}},
		}},
		Lists: []FunctionsTable{{Title: "Functions", Doc: hostile, Rows: []FunctionRow{{Form: "f(a|b)", Doc: hostile}}}},
	}
}

func TestDocsMarkdown(t *testing.T) {
	tests := []struct {
		name, kind string
		has, hasNo []string
	}{
		{"all", "", []string{"## locals", "### train \"trees\"", "## Functions", "`f(a\\|b)`", "| `depth` | integer | `6` |"}, nil},
		{"one that computes", "train", []string{"# Kind train", "### train \"trees\"", "## Attributes of every stage", "`timeout`"}, []string{"## locals", "## Functions"}},
		{"one that does not", "locals", []string{"# Kind locals"}, []string{"train", "Attributes of every stage"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := docs(tt.kind).Markdown()
			for _, s := range tt.has {
				if !strings.Contains(got, s) {
					t.Errorf("got no %q in:\n%s", s, got)
				}
			}
			for _, s := range tt.hasNo {
				if strings.Contains(got, s) {
					t.Errorf("got %q in:\n%s", s, got)
				}
			}
		})
	}
}

func TestDocsHTML(t *testing.T) {
	got := docs("").HTML()
	for _, want := range []string{
		`<li><a href="#train">train</a></li>`, `<li class="type"><a href="#train-trees">train &#34;trees&#34;</a></li>`,
		`<h3 id="train-trees">`, "<li>one more</li>\n<li>two</li>", "<code>f(a|b)</code>", "<code>a&lt;b</code>", "<strong>c&lt;d</strong>",
		"<details><summary>Example: &lt;script&gt;", "<td><code>depth</code></td><td>integer</td>", "prefers-color-scheme: dark", `name="viewport"`,
		"<code>a = &#34;&lt;b&gt;&#34; # &lt;script&gt;",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got no %s", want)
		}
	}
	if strings.Contains(got, "<script") || strings.Contains(got, "http") {
		t.Error("got a script or a request; want neither")
	}
	checkPage(t, got)
}

// checkPage reads the page's elements: each is closed where it should be, and every link leads somewhere in the page.
func checkPage(t *testing.T, text string) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(text))
	dec.Strict = true
	ids, links := map[string]bool{}, []string{}
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		for i := 0; ok && i < len(start.Attr); i++ {
			switch a := start.Attr[i]; a.Name.Local {
			case "id":
				if ids[a.Value] {
					t.Errorf("two elements have the id %s", a.Value)
				}
				ids[a.Value] = true
			case "href":
				links = append(links, strings.TrimPrefix(a.Value, "#"))
			}
		}
	}
	for _, l := range links {
		if !ids[l] {
			t.Errorf("the link #%s leads nowhere", l)
		}
	}
}
