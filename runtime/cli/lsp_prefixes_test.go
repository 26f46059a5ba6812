package cli

import (
	"context"
	"os"
	"strings"
	"testing"

	"go.lsp.dev/protocol"

	"github.com/mlp-lang/mlp/lang/token"
)

// TestPrefixesInTheEditor opens half-written files in an editor, texts of the examples and of the conformance suite that stop at a token or
// lack one: every question is answered, the server goes on, and what is told stands at places that the text has. With
// MLP_SOAK=1 it is all of them.
func TestPrefixesInTheEditor(t *testing.T) {
	c := newClient(t, map[string]string{"main.mlp": ""})
	oneIn := 170
	if os.Getenv("MLP_SOAK") != "" {
		oneIn = 1
	}
	seen, asked := 0, 0
	for _, text := range texts(t) {
		for _, k := range token.Scan([]byte(text.text)) {
			for _, half := range []struct {
				text string
				at   int
			}{{text.text[:k.End], int(k.End)}, {text.text[:k.Start] + text.text[k.End:], int(k.Start)}} {
				if seen++; seen%oneIn == 0 {
					asked++
					c.holds(text.name, strings.TrimPrefix(half.text, "\ufeff"), min(half.at, len(strings.TrimPrefix(half.text, "\ufeff"))))
				}
			}
		}
	}
	if asked < 50 {
		t.Errorf("only %d texts were opened", asked)
	}
	t.Logf("%d texts of %d", asked, seen)
}

// holds opens a text, and asks what an editor asks while somebody writes at a place.
func (c *client) holds(name, text string, at int) {
	c.t.Helper()
	ctx := context.Background()
	c.open("main.mlp", text)
	c.diagnostics("main.mlp")
	end := endOf(text)
	inside := func(what string, r protocol.Range) {
		after := func(a, b protocol.Position) bool {
			return a.Line > b.Line || a.Line == b.Line && a.Character > b.Character
		}
		if after(r.Start, r.End) || after(r.End, end) {
			c.t.Errorf("%s: %q: %s stands at %s, and the text ends at %s", name, tail(text), what, showRange(r), showPosition(end))
		}
	}
	c.mu.Lock()
	for _, d := range c.published["main.mlp"].Diagnostics {
		inside(d.Message, d.Range)
	}
	c.mu.Unlock()
	place, doc := c.at("main.mlp", endOf(text[:at])), c.document("main.mlp")
	answered := func(what string, err error) {
		if err != nil && strings.Contains(err.Error(), "defect") {
			c.t.Errorf("%s: %q: %s: %v", name, tail(text[:at]), what, err)
		}
	}
	hover, err := c.server.Hover(ctx, &protocol.HoverParams{TextDocumentPositionParams: place})
	if answered("hover", err); err == nil && hover != nil && hover.Range != nil {
		inside("hover", *hover.Range)
	}
	_, err = c.server.Completion(ctx, &protocol.CompletionParams{TextDocumentPositionParams: place})
	answered("completion", err)
	_, err = c.server.SignatureHelp(ctx, &protocol.SignatureHelpParams{TextDocumentPositionParams: place})
	answered("signature help", err)
	_, err = c.server.Definition(ctx, &protocol.DefinitionParams{TextDocumentPositionParams: place})
	answered("definition", err)
	edits, err := c.server.Formatting(ctx, &protocol.DocumentFormattingParams{TextDocument: doc})
	answered("formatting", err)
	for _, e := range edits {
		inside("formatting", e.Range)
	}
	folds, err := c.server.FoldingRanges(ctx, &protocol.FoldingRangeParams{TextDocumentPositionParams: place})
	answered("folding", err)
	for _, f := range folds {
		if f.StartLine > f.EndLine || f.EndLine > end.Line {
			c.t.Errorf("%s: %q: a fold of lines %d to %d", name, tail(text), f.StartLine, f.EndLine)
		}
	}
	_, err = c.server.SemanticTokensFull(ctx, &protocol.SemanticTokensParams{TextDocument: doc})
	answered("tokens", err)
	_, err = c.server.DocumentSymbol(ctx, &protocol.DocumentSymbolParams{TextDocument: doc})
	answered("symbols", err)
}
