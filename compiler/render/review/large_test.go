package review

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// TestLargePlans stay readable in every form: what is too much is counted.
func TestLargePlans(t *testing.T) {
	const stages = 20_000
	p := &plan.Plan{Pipeline: "large", Workspace: "default"}
	for i := range stages {
		n := &plan.Node{Address: fmt.Sprintf("dataset.d%05d", i), Kind: "dataset", Type: "sql", Phase: "development", Verdict: plan.Cached}
		if i > 0 {
			n.Inputs = []plan.Input{{Port: "from", From: p.Nodes[i-1].Address, FromPort: "table"}}
		}
		if i >= stages/2 {
			n.Verdict = plan.Run
			p.Changes = append(p.Changes, plan.Change{Address: n.Address, Category: plan.Rebuild, Cause: plan.Cause{Kind: plan.NeverRanCause}, Runs: []string{n.Address}})
		}
		p.Nodes = append(p.Nodes, n)
	}
	var text, markdown, html, whole bytes.Buffer
	for _, err := range []error{Text(&text, p, render.Options{}), Markdown(&markdown, p, render.Options{}), HTML(&html, p, render.Options{}), HTML(&whole, p, render.Options{All: true})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if text.Len() > 2_000 || markdown.Len() > MostMarkdown || html.Len() > 1<<20 {
		t.Errorf("got %d bytes of text, %d of Markdown, %d of HTML", text.Len(), markdown.Len(), html.Len())
	}
	page := html.String()
	if !strings.Contains(page, "and 18000 more") || !strings.Contains(page, "and 9500 more") || !strings.Contains(page, "<td><code>dataset.d10000</code></td>") {
		t.Error("the page does not count what it leaves out, or leaves out what runs before what does not")
	}
	if !strings.Contains(whole.String(), "<td><code>dataset.d00001</code></td>") || strings.Contains(whole.String(), "18000 more") {
		t.Error("with all, something is left out")
	}
}
