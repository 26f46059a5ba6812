package cli

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
	"go.uber.org/zap"
)

// client is an editor: a client library of the protocol that speaks with the built binary over its standard input and
// output.
type client struct {
	protocol.Client // of which the server calls only what is below
	t               testing.TB
	dir             string
	conn            jsonrpc2.Conn
	server          protocol.Server
	versions        map[string]int32

	mu        sync.Mutex
	published map[string]*protocol.PublishDiagnosticsParams
	news      chan struct{}
}

type processPipe struct {
	io.Reader
	io.WriteCloser
}

// newClient starts a server for a folder with these files.
func newClient(t testing.TB, files map[string]string) *client {
	t.Helper()
	c := &client{t: t, dir: t.TempDir(), versions: map[string]int32{}, published: map[string]*protocol.PublishDiagnosticsParams{}, news: make(chan struct{}, 1)}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(mlp, "lsp", "--stdio")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	_, c.conn, c.server = protocol.NewClient(ctx, c, jsonrpc2.NewStream(processPipe{out, in}), zap.NewNop())
	t.Cleanup(func() {
		if err := c.server.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := c.server.Exit(ctx); err != nil {
			t.Errorf("exit: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	params := &protocol.InitializeParams{RootURI: uri.File(c.dir)}
	params.Capabilities.TextDocument = &protocol.TextDocumentClientCapabilities{Completion: &protocol.CompletionTextDocumentClientCapabilities{
		CompletionItem: &protocol.CompletionTextDocumentClientCapabilitiesItem{SnippetSupport: true}}}
	if _, err := c.server.Initialize(ctx, params); err != nil {
		t.Fatal(err)
	}
	if err := c.server.Initialized(ctx, &protocol.InitializedParams{}); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *client) PublishDiagnostics(_ context.Context, p *protocol.PublishDiagnosticsParams) error {
	c.mu.Lock()
	c.published[filepath.Base(p.URI.Filename())] = p
	c.mu.Unlock()
	select {
	case c.news <- struct{}{}:
	default:
	}
	return nil
}

func (c *client) uri(name string) protocol.DocumentURI { return uri.File(filepath.Join(c.dir, name)) }

func (c *client) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// open opens a file with this text, or puts the text in place of what it had.
func (c *client) open(name, text string) {
	c.t.Helper()
	c.versions[name]++
	c.must(c.server.DidOpen(context.Background(), &protocol.DidOpenTextDocumentParams{
		TextDocument: protocol.TextDocumentItem{URI: c.uri(name), LanguageID: "mlp", Version: c.versions[name], Text: text}}))
}

// change replaces a stretch of an open file.
func (c *client) change(name string, r protocol.Range, text string) {
	c.t.Helper()
	c.versions[name]++
	id := protocol.VersionedTextDocumentIdentifier{TextDocumentIdentifier: c.document(name), Version: c.versions[name]}
	c.must(c.server.DidChange(context.Background(), &protocol.DidChangeTextDocumentParams{
		TextDocument: id, ContentChanges: []protocol.TextDocumentContentChangeEvent{{Range: r, Text: text}}}))
}

func (c *client) document(name string) protocol.TextDocumentIdentifier {
	return protocol.TextDocumentIdentifier{URI: c.uri(name)}
}

// diagnostics waits for those of a file's current version: "line:character-line:character severity message".
func (c *client) diagnostics(name string) []string {
	c.t.Helper()
	late := time.After(30 * time.Second)
	for {
		c.mu.Lock()
		p := c.published[name]
		c.mu.Unlock()
		if p != nil && int32(p.Version) == c.versions[name] {
			var out []string
			for _, d := range p.Diagnostics {
				out = append(out, showRange(d.Range)+" "+strings.ToLower(d.Severity.String())+" "+d.Message)
			}
			return out
		}
		select {
		case <-c.news:
		case <-late:
			c.t.Fatalf("no diagnostics of %s at version %d", name, c.versions[name])
		}
	}
}

func showRange(r protocol.Range) string {
	return showPosition(r.Start) + "-" + showPosition(r.End)
}

func showPosition(p protocol.Position) string {
	return strings.Join([]string{itoa(p.Line), itoa(p.Character)}, ":")
}

func itoa(n uint32) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

// cursor takes the mark ‸ out of a text and tells where it stood.
func cursor(t testing.TB, text string) (string, protocol.Position) {
	t.Helper()
	before, after, ok := strings.Cut(text, "‸")
	if !ok {
		t.Fatal("the text has no cursor")
	}
	return before + after, endOf(before)
}

// endOf is the position behind a text, in UTF-16.
func endOf(text string) protocol.Position {
	last := text[strings.LastIndex(text, "\n")+1:]
	return protocol.Position{Line: uint32(strings.Count(text, "\n")), Character: uint32(len(utf16.Encode([]rune(last))))}
}

// positionOf finds the first place of a text's part, a number of characters into it.
func positionOf(t testing.TB, text, part string, into int) protocol.Position {
	t.Helper()
	i := strings.Index(text, part)
	if i < 0 {
		t.Fatalf("%q is not in the text", part)
	}
	return endOf(text[:i+into])
}

func (c *client) at(name string, p protocol.Position) protocol.TextDocumentPositionParams {
	return protocol.TextDocumentPositionParams{TextDocument: c.document(name), Position: p}
}

// apply gives a text with edits, which must not overlap.
func apply(t testing.TB, text string, edits []protocol.TextEdit) string {
	t.Helper()
	for i := len(edits) - 1; i >= 0; i-- {
		start, end := offsetOf(text, edits[i].Range.Start), offsetOf(text, edits[i].Range.End)
		if start > end || i > 0 && offsetOf(text, edits[i-1].Range.End) > start {
			t.Fatalf("edits overlap or are out of order: %v", edits)
		}
		text = text[:start] + edits[i].NewText + text[end:]
	}
	return text
}

func offsetOf(text string, p protocol.Position) int {
	at := 0
	for range p.Line {
		at += strings.Index(text[at:], "\n") + 1
	}
	left := int(p.Character)
	for _, r := range text[at:] {
		if left <= 0 {
			break
		}
		left -= len(utf16.Encode([]rune{r}))
		at += len(string(r))
	}
	return at
}

// editorModule is a small pipeline with everything that the server speaks of.
var editorModule = map[string]string{
	"data.mlp": `pipeline "fraud" {}

variable "min_recall" {
  type    = number
  default = 0.7
}

locals {
  day = "1d"
}

source "csv" "payments" {
  path = "payments.csv"
  column "payment_id" { type = "varchar" }
  column "paid_at"    { type = "timestamp" }
  column "amount"     { type = "double" }
  column "is_fraud"   { type = "boolean" }
}

dataset "payments" {
  description = "Payments that happened."
  from        = [source.payments]
  key         = ["payment_id"]
  sql         = "select * from payments where amount > 0"
}

split "hash" "sides" {
  from = dataset.payments
  test = 0.25
}
`,
	"model.mlp": `metric "auc" { type = "roc_auc" }

metric "recall" { type = "recall" }

train "logistic_regression" "model" {
  data     = split.sides.train
  target   = "is_fraud"
  features = ["amount"]
}

evaluate "holdout" {
  model   = train.model
  data    = split.sides.test
  metrics = [metric.auc, metric.recall]
  slice "large" { where = "amount > 1000" }
}

gate "release" {
  rule "catches" { assert = "evaluate.holdout.metrics.recall >= variable.min_recall" }
  rule "slices" { assert = "evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].auc > 0.8)" }
}
`,
}

// openAll opens all files of the module, after changing some text in them.
func openAll(t testing.TB, replacements ...string) *client {
	t.Helper()
	c := newClient(t, editorModule)
	for name, text := range editorModule {
		c.open(name, strings.NewReplacer(replacements...).Replace(text))
	}
	return c
}

func TestLSPDiagnostics(t *testing.T) {
	c := openAll(t)
	for name := range editorModule {
		if got := c.diagnostics(name); got != nil {
			t.Errorf("%s: got %v, want none", name, got)
		}
	}
	text := editorModule["data.mlp"]
	start := positionOf(t, text, "amount > 0", 0)
	c.change("data.mlp", protocol.Range{Start: start, End: start}, "'🙂' = '🙂' and foo and ")
	want := []string{"23:62-23:65 error there is no column \"foo\"\nThe nearest is amount"}
	got := c.diagnostics("data.mlp")
	if len(got) != 1 || !strings.HasPrefix(got[0], want[0]) {
		t.Errorf("got %q, want %q", got, want)
	}
	back := start
	back.Character += uint32(len(utf16.Encode([]rune("'🙂' = '🙂' and foo and "))))
	c.change("data.mlp", protocol.Range{Start: start, End: back}, "")
	if got := c.diagnostics("data.mlp"); got != nil {
		t.Errorf("after taking it back: got %q, want none", got)
	}
}

func TestLSPDiagnosticsPositions(t *testing.T) {
	cases := []struct {
		name, text string
		want       []string
	}{
		{"syntax error and what is behind it", "metric \"m\" {\n  type =\n}\npipeline \"p\" { ownr = \"me\" }\n", []string{
			"1:8-2:0 error invalid expression", "3:15-3:19 error pipeline.p has no argument \"ownr\""}},
		{"CRLF", "pipeline \"p\" {\r\n  ownr = 1\r\n}\r\n", []string{"1:2-1:6 error pipeline.p has no argument \"ownr\""}},
		{"characters outside of the BMP before it", "pipeline \"p\" {}\nlocals {\n  a = [\"🙂\", \"é\", local.b]\n}\n", []string{
			"2:18-2:25 error there is no local \"b\""}},
		{"heredoc with CRLF", "pipeline \"p\" {}\r\nsource \"csv\" \"s\" {\r\n  path = \"s.csv\"\r\n  column \"a\" { type = \"double\" }\r\n}\r\n" +
			"dataset \"d\" {\r\n  from = [source.s]\r\n  sql = <<-SQL\r\n    select a,\r\n      '🙂' as x, b\r\n    from s\r\n  SQL\r\n}\r\n", []string{
			"9:17-9:18 error there is no column \"b\""}},
		{"byte order mark", "\ufeffpipeline \"p\" { ownr = 1 }\n", []string{"0:16-0:20 error pipeline.p has no argument \"ownr\""}},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, nil)
			c.open("main.mlp", tt.text)
			got := c.diagnostics("main.mlp")
			for i := range got {
				got[i], _, _ = strings.Cut(got[i], "\n")
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}
