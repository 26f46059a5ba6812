package lsp

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/lang/source"
)

// echo is a compiler that has a warning for each file: its first line. So a test sees which texts it was given.
type echo struct{}

func (echo) Analyse(_ context.Context, _ string, files map[string][]byte) *Analysis {
	out := &Analysis{Values: map[string]string{"variable.v": "5"}, Blocks: map[string]*Block{}}
	for _, name := range sortedKeys(files) {
		line, _, _ := strings.Cut(string(files[name]), "\n")
		out.Diagnostics = append(out.Diagnostics, source.Diagnostic{Severity: source.Warning, Summary: line, Subject: source.Range{File: name}})
	}
	return out
}

// conversation is an editor that speaks with a server of its own.
type conversation struct {
	t   *testing.T
	dir string
	to  io.Writer
	in  *bufio.Reader
	end chan error
}

func converse(t *testing.T, debounce time.Duration) *conversation {
	fromClient, toServer := io.Pipe()
	fromServer, toClient := io.Pipe()
	c := &conversation{t: t, dir: t.TempDir(), to: toServer, in: bufio.NewReader(fromServer), end: make(chan error, 1)}
	go func() {
		c.end <- Serve(t.Context(), fromClient, toClient, Options{Catalog: vocabulary(), Compiler: echo{}, Debounce: debounce, Version: "1.2"})
		toClient.Close()
	}()
	return c
}

// say sends a message, with DIR for the folder.
func (c *conversation) say(method, params string) {
	c.t.Helper()
	id := ""
	if !strings.Contains(method, "/did") && method != "exit" {
		id = `"id":1,`
	}
	body := strings.ReplaceAll(fmt.Sprintf(`{"jsonrpc":"2.0",%s"method":%q,"params":%s}`, id, method, params), "DIR", "file://"+c.dir)
	if _, err := fmt.Fprintf(c.to, "Content-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		c.t.Fatal(err)
	}
}

// hears reads the next message: the diagnostics of a file, an answer or an error.
func (c *conversation) hears(want string) {
	c.t.Helper()
	m := readAnswer[struct {
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
		}
		Params publishParams
	}](c.t, c.in)
	got := string(m.Result)
	if m.Error != nil {
		got = fmt.Sprintf("%d %s", m.Error.Code, m.Error.Message)
	}
	if m.Params.URI != "" {
		version := ""
		if m.Params.Version != nil {
			version = fmt.Sprintf(" at %d", *m.Params.Version)
		}
		got = filepath.Base(m.Params.URI) + version + ":"
		for _, d := range m.Params.Diagnostics {
			got += " " + d.Message
		}
	}
	if got = strings.ReplaceAll(got, c.dir, "DIR"); !strings.HasPrefix(got, want) {
		c.t.Errorf("got %s, want %s", got, want)
	}
}

func (c *conversation) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

const open = `{"textDocument":{"uri":"DIR/a.mlp","languageId":"mlp","version":%d,"text":%q}}`

// TestConversation: what an editor is told when it opens, changes, saves and closes files, and when others change them.
func TestConversation(t *testing.T) {
	c := converse(t, 0)
	c.write("b.mlp", "metric \"b\" {}")
	c.say("textDocument/hover", `{}`)
	c.hears("-32002 the server is not initialized")
	c.say("initialize", `{"rootUri":"DIR"}`)
	c.hears(`{"capabilities":`)
	c.say("textDocument/didChange", `{"textDocument":{"uri":"DIR/a.mlp","version":1},"contentChanges":[]}`) // is not open: nobody is told
	c.say("workspace/didUnknown", `{}`)
	for _, m := range []string{"didOpen", "didChange", "didClose", "didSave"} {
		c.say("textDocument/"+m, `[]`)
	}
	c.say("workspace/didChangeWatchedFiles", `[]`)
	c.say("workspace/didChangeWatchedFiles", `{"changes":[{"uri":"file:///elsewhere/x.mlp"}]}`)
	c.say("textDocument/didOpen", fmt.Sprintf(open, 1, "variable \"v\" {}\n"))
	c.hears("a.mlp at 1: variable \"v\" {}")
	c.hears("b.mlp: metric \"b\" {}")
	c.say("textDocument/didChange", `{"textDocument":{"uri":"DIR/a.mlp","version":2},"contentChanges":[{"range":{"start":{"line":0,"character":0},"end":{"line":0,"character":0}},"text":"# one\n"},`+
		`{"range":{"start":{"line":0,"character":2},"end":{"line":0,"character":5}},"text":"two"}]}`)
	c.hears("a.mlp at 2: # two")
	c.hears("b.mlp: metric")
	c.say("textDocument/didChange", `{"textDocument":{"uri":"DIR/a.mlp","version":3},"contentChanges":[{"range":{"start":{"line":0,"character":2},"end":{"line":0,"character":0}},"text":"no"}]}`)
	c.say("textDocument/hover", `{"textDocument":{"uri":"DIR/a.mlp"},"position":{"line":1,"character":11}}`)
	c.hears(`{"contents":{"kind":"markdown","value":"**variable.v** = ` + "`5`")
	c.write("b.mlp", "metric \"other\" {}")
	c.say("textDocument/didSave", `{"textDocument":{"uri":"DIR/a.mlp"}}`)
	c.hears("a.mlp at 2: # two")
	c.hears("b.mlp: metric \"other\" {}")
	c.write("b.mlp", "metric \"third\" {}")
	c.say("workspace/didChangeWatchedFiles", `{"changes":[{"uri":"DIR/b.mlp"}]}`)
	c.hears("a.mlp at 2: # two")
	c.hears("b.mlp: metric \"third\" {}")
	c.say("textDocument/didClose", `{"textDocument":{"uri":"DIR/a.mlp"}}`)
	c.hears("a.mlp:") // which is not on disk: nothing is wrong with it any more
	c.hears("b.mlp: metric \"third\" {}")
	c.say("textDocument/rename", `{"textDocument":{"uri":"DIR/b.mlp"},"newName":"x"}`)
	c.hears("-32602 ")
	c.say("workspace/symbol", `{"query":"third"}`)
	c.hears(`[{"name":"metric.third"`)
	c.say("textDocument/unknown", `{}`)
	c.hears("-32601 there is no method textDocument/unknown")
	c.say("shutdown", `null`)
	c.hears("null")
	c.say("workspace/symbol", `{"query":""}`)
	c.hears("-32600 the server is shut down")
	c.say("exit", `null`)
	if err := <-c.end; err != nil {
		t.Error(err)
	}
}

// TestFirstQuestion: what is asked before the typing has paused waits for the first look at the module, and renames go on while it is
// looked at.
func TestFirstQuestion(t *testing.T) {
	c := converse(t, time.Hour)
	c.say("initialize", `{"workspaceFolders":[{"uri":"DIR/x"}],"rootUri":"DIR"}`)
	c.hears(`{"capabilities":`)
	c.write("z.mlp", "metric \"z\" {}")
	c.say("workspace/symbol", `{"query":""}`) // the root is no folder of the workspace where there are others
	c.hears(`[]`)
	c.say("textDocument/didOpen", fmt.Sprintf(open, 1, "variable \"v\" {}\n"))
	c.say("textDocument/hover", `{"textDocument":{"uri":"DIR/a.mlp"},"position":{"line":0,"character":11}}`)
	c.hears("a.mlp at 1: variable \"v\" {}")
	c.hears("z.mlp: metric \"z\" {}")
	c.hears(`{"contents":{"kind":"markdown","value":"**variable.v** = ` + "`5`")
	c.say("textDocument/hover", `{"textDocument":{"uri":"DIR/a.mlp"},"position":{"line":0,"character":11}}`) // is not looked at again
	c.hears(`{"contents":`)
	c.say("textDocument/rename", `{"textDocument":{"uri":"DIR/a.mlp"},"position":{"line":0,"character":11},"newName":"w"}`)
	c.hears(`{"changes":{"file://DIR/a.mlp":[{"range"`)
	c.say("exit", `null`)
	if err := <-c.end; err == nil {
		t.Error("an editor that leaves without a shutdown request has crashed, and its server says nothing of it")
	}
}
