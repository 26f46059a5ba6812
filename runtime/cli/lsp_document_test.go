package cli

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.lsp.dev/protocol"
)

// TestLSPCapabilities holds that the server offers what the tests here use, and answers other requests with an error.
func TestLSPCapabilities(t *testing.T) {
	c := newClient(t, nil)
	var got struct {
		Capabilities map[string]json.RawMessage `json:"capabilities"`
	}
	if _, err := c.conn.Call(context.Background(), "initialize", &protocol.InitializeParams{}, &got); err != nil {
		t.Fatal(err)
	}
	want := "codeActionProvider completionProvider definitionProvider documentFormattingProvider documentSymbolProvider foldingRangeProvider hoverProvider " +
		"positionEncoding referencesProvider renameProvider semanticTokensProvider signatureHelpProvider textDocumentSync workspaceSymbolProvider"
	if keys := strings.Join(sortedKeys(got.Capabilities), " "); keys != want {
		t.Errorf("got %s, want %s", keys, want)
	}
	_, err := c.server.CodeLens(context.Background(), &protocol.CodeLensParams{TextDocument: c.document("x.mlp")})
	if err == nil || !strings.Contains(err.Error(), "no method textDocument/codeLens") {
		t.Errorf("got %v, want that there is no such method", err)
	}
	_, err = c.server.Hover(context.Background(), &protocol.HoverParams{TextDocumentPositionParams: c.at("x.mlp", protocol.Position{})})
	if err == nil || !strings.Contains(err.Error(), "is not open") {
		t.Errorf("got %v, want that the file is not open", err)
	}
}

func TestLSPFormatting(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"laid out", "metric \"m\" {\n type=\"auc\"\n   description =  \"🙂\"\n}\n", "metric \"m\" {\n  type        = \"auc\"\n  description = \"🙂\"\n}\n"},
		{"as it is", "metric \"m\" { type = \"auc\" }\n", "metric \"m\" { type = \"auc\" }\n"},
		{"one line in the middle", "locals {\n  a = 1\n}\n\nlocals {\n b = 2\n}\n\nlocals {\n  c = 3\n}\n", "locals {\n  a = 1\n}\n\nlocals {\n  b = 2\n}\n\nlocals {\n  c = 3\n}\n"},
		{"CRLF", "locals {\r\n  a = 1\r\n}\r\n", "locals {\n  a = 1\n}\n"},
		{"broken", "locals {\n a=\n}\n", "locals {\n a=\n}\n"},
	}
	c := newClient(t, nil)
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			c.open("main.mlp", tt.text)
			edits, err := c.server.Formatting(context.Background(), &protocol.DocumentFormattingParams{TextDocument: c.document("main.mlp")})
			if err != nil {
				t.Fatal(err)
			}
			if got := apply(t, tt.text, edits); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	c.open("main.mlp", cases[2].text)
	edits, err := c.server.Formatting(context.Background(), &protocol.DocumentFormattingParams{TextDocument: c.document("main.mlp")})
	if err != nil || len(edits) != 1 || showRange(edits[0].Range) != "5:0-6:0" {
		t.Errorf("got %v (%v), want an edit of line 5 alone", edits, err)
	}
}

func TestLSPSymbols(t *testing.T) {
	c := openAll(t)
	var symbols []protocol.DocumentSymbol
	params := &protocol.DocumentSymbolParams{TextDocument: c.document("model.mlp")}
	if _, err := c.conn.Call(context.Background(), "textDocument/documentSymbol", params, &symbols); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range symbols {
		got = append(got, s.Name+" "+s.Detail+" "+showRange(s.SelectionRange))
		for _, n := range s.Children {
			got = append(got, "  "+n.Name)
		}
	}
	want := []string{"metric.auc  0:8-0:11", "metric.recall  2:8-2:14", "train.model logistic_regression 4:29-4:34", "evaluate.holdout  10:10-10:17",
		"  slice large", "gate.release  17:6-17:13", "  rule catches", "  rule slices"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	found, err := c.server.Symbols(context.Background(), &protocol.WorkspaceSymbolParams{Query: "pay"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range found {
		names = append(names, s.Name+" "+filepath.Base(s.Location.URI.Filename())+" "+showPosition(s.Location.Range.Start))
	}
	if d := cmp.Diff([]string{"dataset.payments data.mlp 19:9", "source.payments data.mlp 11:14"}, names); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestLSPSymbolsOnDisk holds that the workspace's files are found that nobody has opened.
func TestLSPSymbolsOnDisk(t *testing.T) {
	c := newClient(t, editorModule)
	found, err := c.server.Symbols(context.Background(), &protocol.WorkspaceSymbolParams{Query: "trainmodel"})
	if err != nil || len(found) != 1 || found[0].Name != "train.model" {
		t.Errorf("got %v (%v), want train.model", found, err)
	}
}

func TestLSPSemanticTokens(t *testing.T) {
	const text = `dataset "d" {
  from = [source.payments] # 🙂
  sql  = <<-SQL
    select '🙂' as x, sum(p.amount) -- all
    from payments as p where amount > 1.5
  SQL
}
split "hash" "s" { from = dataset.d }
gate "g" {
  rule "r" { assert = "evaluate.holdout.slices.all(s, true) && size(variable.x) > 2" }
}
`
	want := []string{
		"dataset keyword", "d variable declaration", "from property", "source namespace", "payments variable", "sql property",
		"select keyword", "'🙂' string", "as keyword", "x property", "sum function", "p class", "amount property", "-- all comment",
		"from keyword", "payments class", "as keyword", "p class", "where keyword", "amount property", "1.5 number",
		"split keyword", "hash type", "s variable declaration", "from property", "dataset namespace", "d variable",
		"gate keyword", "g variable declaration", "rule keyword", "r enumMember declaration", "assert property",
		"evaluate namespace", "holdout property", "slices property", "all function", "s variable", "true keyword",
		"size function", "variable namespace", "x property", "2 number",
	}
	c := newClient(t, editorModule)
	c.open("main.mlp", text)
	var init struct {
		Capabilities struct {
			SemanticTokensProvider struct {
				Legend struct{ TokenTypes, TokenModifiers []string }
			}
		}
	}
	ctx := context.Background()
	if _, err := c.conn.Call(ctx, "initialize", &protocol.InitializeParams{}, &init); err != nil {
		t.Fatal(err)
	}
	legend := init.Capabilities.SemanticTokensProvider.Legend
	tokens, err := c.server.SemanticTokensFull(ctx, &protocol.SemanticTokensParams{TextDocument: c.document("main.mlp")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	at := protocol.Position{}
	for d := tokens.Data; len(d) >= 5; d = d[5:] {
		if d[0] > 0 {
			at.Character = 0
		}
		at.Line, at.Character = at.Line+d[0], at.Character+d[1]
		end := protocol.Position{Line: at.Line, Character: at.Character + d[2]}
		word := text[offsetOf(text, at):offsetOf(text, end)] + " " + legend.TokenTypes[d[3]]
		if d[4] == 1 {
			word += " " + legend.TokenModifiers[0]
		}
		got = append(got, word)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestLSPFilesOnDisk holds that open text goes before that on disk, that a file is read again when it changes, and that a
// closed one counts as it was saved.
func TestLSPFilesOnDisk(t *testing.T) {
	c := newClient(t, editorModule)
	c.open("model.mlp", strings.Replace(editorModule["model.mlp"], "split.sides.train", "split.parts.train", 1))
	if got := c.diagnostics("model.mlp"); len(got) != 1 || !strings.Contains(got[0], "there is no split.parts") {
		t.Errorf("got %q, want that there is no split.parts", got)
	}
	path := filepath.Join(c.dir, "data.mlp")
	if err := os.WriteFile(path, []byte(strings.Replace(editorModule["data.mlp"], `"sides"`, `"parts"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	delete(c.published, "model.mlp")
	c.mu.Unlock()
	ctx := context.Background()
	c.must(c.server.DidChangeWatchedFiles(ctx, &protocol.DidChangeWatchedFilesParams{Changes: []*protocol.FileEvent{{URI: c.uri("data.mlp"), Type: protocol.FileChangeTypeChanged}}}))
	if got := c.diagnostics("model.mlp"); len(got) != 1 || !strings.Contains(got[0], "there is no split.sides") {
		t.Errorf("after a change on disk: got %q, want that there is no split.sides", got)
	}
	c.mu.Lock()
	delete(c.published, "model.mlp")
	c.mu.Unlock()
	c.must(c.server.DidClose(ctx, &protocol.DidCloseTextDocumentParams{TextDocument: c.document("model.mlp")}))
	c.versions["model.mlp"] = 0
	if got := c.diagnostics("model.mlp"); len(got) != 2 {
		t.Errorf("as saved: got %q, want two references to split.sides told", got)
	}
}
