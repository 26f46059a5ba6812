package lsp

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// TestBadMessages holds that what is no message is answered with the code that JSON-RPC has for it, and that the server goes
// on: each case is followed by a request that is answered.
func TestBadMessages(t *testing.T) {
	framed := func(body string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body) }
	const asked = `{"jsonrpc":"2.0","id":1,"method":"workspace/symbol","params":{"query":""}}`
	cases := map[string]struct {
		send string
		code int
		id   string
	}{
		"no JSON":               {framed(`{"jsonrpc":`), -32700, "null"},
		"nothing":               {framed(``), -32700, "null"},
		"no UTF-8 in JSON":      {framed("\xff"), -32700, "null"},
		"nested too deeply":     {framed(strings.Repeat("[", 200000)), -32700, "null"},
		"a length that is none": {"Content-Length: many\r\n\r\n", -32700, "null"},
		"no length":             {"Content-Type: x\r\n\r\n{\"jsonrpc\":\"2.0\"}", -32700, "null"},
		"a batch":               {framed("[" + asked + "]"), -32600, "null"},
		"an empty batch":        {framed(`[]`), -32600, "null"},
		"a number":              {framed(`7`), -32600, "null"},
		"null":                  {framed(`null`), -32600, "null"},
		"no version":            {framed(`{"id":7,"method":"shutdown"}`), -32600, "7"},
		"another version":       {framed(`{"jsonrpc":"1.0","id":"a","method":"shutdown"}`), -32600, `"a"`},
		"no method":             {framed(`{"jsonrpc":"2.0","id":7}`), -32600, "7"},
		"a method that is none": {framed(`{"jsonrpc":"2.0","id":7,"method":5}`), -32600, "7"},
		"an id that is none":    {framed(`{"jsonrpc":"2.0","id":{},"method":"shutdown"}`), -32600, "null"},
		"params that are none":  {framed(`{"jsonrpc":"2.0","id":7,"method":"shutdown","params":5}`), -32600, "7"},
		"an unknown method":     {framed(`{"jsonrpc":"2.0","id":7,"method":"textDocument/moniker","params":{}}`), -32601, "7"},
		"params of other types": {framed(`{"jsonrpc":"2.0","id":7,"method":"textDocument/hover","params":{"position":5}}`), -32602, "7"},
		"a list of params":      {framed(`{"jsonrpc":"2.0","id":7,"method":"textDocument/hover","params":[]}`), -32602, "7"},
		"no document":           {framed(`{"jsonrpc":"2.0","id":7,"method":"textDocument/hover","params":{}}`), -32602, "7"},
		"no params":             {framed(`{"jsonrpc":"2.0","id":7,"method":"textDocument/rename"}`), -32602, "7"},
		"not open":              {framed(`{"jsonrpc":"2.0","id":7,"method":"textDocument/hover","params":{"textDocument":{"uri":"file:///a.mlp"}}}`), -32602, "7"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fromClient, toServer := io.Pipe()
			fromServer, toClient := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				ended <- Serve(t.Context(), fromClient, toClient, Options{Catalog: vocabulary(), Compiler: known{}, Debounce: time.Hour})
			}()
			go func() {
				_, _ = io.WriteString(toServer, framed(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}`)+c.send+framed(asked)+
					framed(`{"jsonrpc":"2.0","id":2,"method":"shutdown"}`)+framed(`{"jsonrpc":"2.0","method":"exit"}`))
			}()
			in := bufio.NewReader(fromServer)
			type answer struct {
				ID     json.RawMessage
				Error  *struct{ Code int }
				Result json.RawMessage
			}
			var got []answer
			for range 4 { // initialize, the case, asked, shutdown
				got = append(got, readAnswer[answer](t, in))
			}
			if bad := got[1]; bad.Error == nil || bad.Error.Code != c.code || string(bad.ID) != c.id {
				t.Errorf("got id %s, %+v; want id %s, code %d", bad.ID, bad.Error, c.id, c.code)
			}
			if next := got[2]; string(next.ID) != "1" || next.Error != nil || string(next.Result) != "[]" {
				t.Errorf("the request behind it is answered %+v", next)
			}
			if err := <-ended; err != nil {
				t.Errorf("the server ended with %v", err)
			}
		})
	}
}

// readAnswer reads one framed message.
func readAnswer[T any](t *testing.T, in *bufio.Reader) (v T) {
	t.Helper()
	var length int
	if _, err := fmt.Fscanf(in, "Content-Length: %d\r\n\r\n", &length); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}
