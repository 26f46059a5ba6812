package lsp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sourcegraph/jsonrpc2"
)

// stream reads messages as the base protocol frames them. One that is no message is answered with the error that JSON-RPC
// has for it, and reading goes on: an editor's slip, say a batch, is no reason to lose the server. What is written goes
// through the library's stream.
type stream struct {
	jsonrpc2.ObjectStream
	in *bufio.Reader
}

// newStream reads and writes messages. in is read ahead: nothing else may read from it.
func newStream(in io.Reader, out io.Writer) *stream {
	return &stream{jsonrpc2.NewBufferedStream(pipe{in, out}, jsonrpc2.VSCodeObjectCodec{}), bufio.NewReader(in)}
}

// maxMessage is the most bytes that a message may have: 16 MB are the largest file, with its escapes in JSON.
const maxMessage = 128 << 20

// ReadObject reads the next message that is one. An error is the connection's end. It is called by one goroutine.
func (s *stream) ReadObject(v any) error {
	for {
		// A message that cannot be read is answered by why; only an error of the connection ends it.
		body, why, err := s.frame()
		if err != nil {
			return err
		}
		id := json.RawMessage("null")
		if why == nil {
			if id, why = checkMessage(body); why == nil {
				if err := json.Unmarshal(body, v); err == nil {
					return nil
				}
				why = invalidRequest("the message is neither a request nor a response")
			}
		}
		if err := s.WriteObject(refusal{"2.0", id, why}); err != nil {
			return err
		}
	}
}

// refusal is an answer to what is no request, so that there may be no id to answer to.
type refusal struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Error   *jsonrpc2.Error `json:"error"`
}

const lengthHeader = "Content-Length:"

// frame reads one message's headers and bytes. Headers without a length are refused, and what follows is skipped up to
// the next length. A message that is too long is read to its end and refused, so that the next one is found.
func (s *stream) frame() (body []byte, why *jsonrpc2.Error, err error) {
	length, header := int64(-1), false
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			return nil, nil, err
		}
		if i := strings.LastIndex(line, lengthHeader); i >= 0 { // behind the rest of a message that was skipped
			if length, err = strconv.ParseInt(strings.TrimSpace(line[i+len(lengthHeader):]), 10, 64); err != nil {
				length = -1
			}
		}
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			header = true
			continue
		}
		switch {
		case length > maxMessage:
			_, err := io.CopyN(io.Discard, s.in, length)
			return nil, invalidRequest(fmt.Sprintf("a message of %d bytes is longer than %d", length, maxMessage)), err
		case length >= 0:
			body = make([]byte, length)
			_, err := io.ReadFull(s.in, body)
			return body, nil, err
		case header:
			return nil, parseError("the headers have no Content-Length that is a number"), nil
		}
	}
}

// checkMessage holds a message to JSON-RPC 2.0 (https://www.jsonrpc.org/specification), and returns its id where it has
// one that can be answered to, else null. why is nil for a message that is well formed.
func checkMessage(body []byte) (id json.RawMessage, why *jsonrpc2.Error) {
	id = json.RawMessage("null")
	var value json.RawMessage
	if err := json.Unmarshal(body, &value); err != nil { // also of what is nested too deeply
		return id, parseError("the message is no JSON: " + err.Error())
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(body, &m) != nil || m == nil {
		if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
			return id, invalidRequest("batches are not taken: send one message at a time")
		}
		return id, invalidRequest("a message is an object")
	}
	if raw, ok := m["id"]; ok {
		var text string
		var number int64
		if json.Unmarshal(raw, &text) != nil && json.Unmarshal(raw, &number) != nil {
			return id, invalidRequest("id is no whole number, string or null")
		}
		id = raw
	}
	var version, method string
	if json.Unmarshal(m["jsonrpc"], &version) != nil || version != "2.0" {
		return id, invalidRequest(`jsonrpc is not "2.0"`)
	}
	if raw, ok := m["method"]; ok && (json.Unmarshal(raw, &method) != nil || method == "") {
		return id, invalidRequest("method is no name")
	}
	if raw := bytes.TrimSpace(m["params"]); len(raw) > 0 && raw[0] != '{' && raw[0] != '[' && string(raw) != "null" {
		return id, invalidRequest("params is no object or list")
	}
	return id, nil
}

// parseError is of bytes in which no JSON is found, be it for headers without a length, invalidRequest of JSON that is
// no message. JSON-RPC has a code for each.
func parseError(message string) *jsonrpc2.Error {
	return &jsonrpc2.Error{Code: jsonrpc2.CodeParseError, Message: message}
}

func invalidRequest(message string) *jsonrpc2.Error {
	return &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidRequest, Message: message}
}
