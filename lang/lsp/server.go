package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Serve answers one client until it says exit or the connection ends. It returns an error if the client leaves without
// asking to shut down first, as the protocol has it: an editor then starts the server anew. Serve does not wait for an
// analysis that still runs; ctx tells the compiler to end.
func Serve(ctx context.Context, in io.Reader, out io.Writer, opts Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &server{opts: opts, cat: opts.Catalog, modules: map[string]*module{}, timers: map[string]*time.Timer{}, ctx: ctx, exit: make(chan struct{})}
	conn := jsonrpc2.NewConn(ctx, newStream(in, out), jsonrpc2.HandlerWithError(s.handle), jsonrpc2.SetLogger(silent{}))
	select {
	case <-conn.DisconnectNotify():
	case <-s.exit:
	case <-ctx.Done():
	}
	s.stop()
	if !s.down {
		return errors.New("the editor left without a shutdown request")
	}
	return nil
}

// pipe makes one stream of standard input and output. Closing it closes neither: they end with the process.
type pipe struct {
	io.Reader
	io.Writer
}

func (pipe) Close() error { return nil }

// silent is a logger that drops everything: standard error of a language server is shown to nobody, or in a panel that
// opens by itself.
type silent struct{}

func (silent) Printf(string, ...any) {}

// server is one conversation. Messages are handled one by one, in their order, as their edits build on each other;
// diagnostics are worked out beside them, by timers.
//
// There are two locks. mu guards the texts and what is known of modules, and is held for the length of a request.
// compile is held while the compiler runs, which can be long, and mu is not. Where both are taken compile goes first:
// diagnose takes mu only for moments within compile, and a rename, which compiles with mu held, takes compile before it
// takes mu.
type server struct {
	opts  Options
	cat   *schema.Catalog
	conn  *jsonrpc2.Conn // of the first message on: reading begins before NewConn returns
	ctx   context.Context
	exit  chan struct{} // closed by the client's exit
	once  sync.Once     // sets conn
	ended sync.Once     // closes exit

	mu      sync.Mutex // guards all below
	modules map[string]*module
	timers  map[string]*time.Timer // of diagnostics that are due, by folder
	folders []string               // of the workspace
	snippet bool                   // the client takes snippets
	ready   bool                   // the client has said initialize
	down    bool                   // and shutdown

	compile sync.Mutex // guards the compiler
}

// stop ends the timers. An analysis that has begun goes on; its result meets a closed connection.
func (s *server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.timers {
		t.Stop()
	}
}

// handle answers a message. A panic is answered as an error, so that the editor keeps its server.
func (s *server) handle(_ context.Context, conn *jsonrpc2.Conn, r *jsonrpc2.Request) (result any, err error) {
	s.once.Do(func() { s.conn = conn })
	defer func() {
		if p := recover(); p != nil {
			result, err = nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInternalError, Message: fmt.Sprintf("mlp has a defect: %v\n%s", p, debug.Stack())}
		}
	}()
	switch {
	case r.Method == "exit":
		s.ended.Do(func() { close(s.exit) })
		return nil, nil
	case r.Method == "initialize":
		return s.initialize(r.Params)
	// ServerNotInitialized
	case !s.is(&s.ready):
		return nil, &jsonrpc2.Error{Code: -32002, Message: "the server is not initialized"}
	case s.is(&s.down):
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidRequest, Message: "the server is shut down"}
	case r.Method == "shutdown":
		s.mu.Lock()
		s.down = true
		s.mu.Unlock()
		return nil, nil
	}
	if f := notifications[r.Method]; f != nil {
		return nil, f(s, r.Params)
	}
	if f := requests[r.Method]; f != nil {
		s.settle(r.Params)
		if r.Method == "textDocument/rename" { // compiles, and so goes first where both locks are taken
			s.compile.Lock()
			defer s.compile.Unlock()
		}
		return s.answer(r.Method, f, r.Params)
	}
	// There is nobody to answer to: an unknown notification is passed over, as the protocol asks.
	if r.Notif {
		return nil, nil
	}
	return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeMethodNotFound, Message: "there is no method " + r.Method}
}

// is reads one of the flags that mu guards.
func (s *server) is(flag *bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *flag
}

// badParams is the error of a message whose parameters do not fit its method, such as a document that is not open.
func badParams(err error) error {
	return &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidParams, Message: err.Error()}
}

// notifications are messages that are not answered. Those without effect are listed so that they are not unknown.
var notifications = map[string]func(*server, *json.RawMessage) error{
	"initialized":                         func(*server, *json.RawMessage) error { return nil },
	"textDocument/didOpen":                (*server).didOpen,
	"textDocument/didChange":              (*server).didChange,
	"textDocument/didClose":               (*server).didClose,
	"textDocument/didSave":                (*server).didSave,
	"workspace/didChangeWatchedFiles":     (*server).didChangeWatched,
	"workspace/didChangeConfiguration":    func(*server, *json.RawMessage) error { return nil },
	"workspace/didChangeWorkspaceFolders": func(*server, *json.RawMessage) error { return nil },
}

// request is one about a document, or about the workspace. Its methods run with mu held.
type request struct {
	s      *server
	params documentParams
	query  string // of workspace/symbol alone
	module *module
	doc    *document // nil with module for requests about the workspace
	offset int       // in bytes, of params.Position
}

// place is what stands at the position asked about. The outline is made anew after each edit, when first asked for.
func (r *request) place() *place { return r.doc.tree().at(r.offset) }

// requests are answered, each by one method, with null where there is nothing to say.
var requests = map[string]func(*request) (any, error){
	"textDocument/completion":          func(r *request) (any, error) { return r.completion(), nil },
	"textDocument/hover":               func(r *request) (any, error) { return r.hover(), nil },
	"textDocument/definition":          func(r *request) (any, error) { return r.definition(), nil },
	"textDocument/references":          func(r *request) (any, error) { return r.references(), nil },
	"textDocument/prepareRename":       func(r *request) (any, error) { return r.prepareRename() },
	"textDocument/rename":              func(r *request) (any, error) { return r.rename() },
	"textDocument/formatting":          func(r *request) (any, error) { return r.formatting(), nil },
	"textDocument/codeAction":          func(r *request) (any, error) { return r.codeActions(), nil },
	"textDocument/foldingRange":        func(r *request) (any, error) { return r.foldingRanges(), nil },
	"textDocument/signatureHelp":       func(r *request) (any, error) { return r.signatureHelp(), nil },
	"textDocument/documentSymbol":      func(r *request) (any, error) { return r.documentSymbols(), nil },
	"textDocument/semanticTokens/full": func(r *request) (any, error) { return r.semanticTokens(), nil },
	"workspace/symbol":                 func(r *request) (any, error) { return r.workspaceSymbols(), nil },
}

// answer finds the document that a request is about, and what the compiler knows of its module, and calls f with mu
// held. A document that the client has not opened is refused: its text on disk may be another than the editor shows.
func (s *server) answer(method string, f func(*request) (any, error), raw *json.RawMessage) (any, error) {
	params, err := decode[documentParams](raw)
	if err != nil {
		return nil, badParams(err)
	}
	symbols, err := decode[symbolParams](raw)
	if err != nil {
		return nil, badParams(err)
	}
	if params.TextDocument.URI == "" && strings.HasPrefix(method, "textDocument/") {
		return nil, badParams(errors.New("textDocument.uri is missing"))
	}
	r := &request{s: s, params: params, query: symbols.Query}
	if params.TextDocument.URI != "" {
		dir, name := split(params.TextDocument.URI)
		s.mu.Lock()
		defer s.mu.Unlock()
		if m := s.modules[dir]; m != nil {
			r.module, r.doc = m, m.open[name]
		}
		if r.doc == nil {
			return nil, badParams(fmt.Errorf("%s is not open", params.TextDocument.URI))
		}
		r.offset = r.doc.text.offset(params.Position)
		return f(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return f(r)
}

// initialize notes what the editor can do, and its folders; without any, the root.
func (s *server) initialize(raw *json.RawMessage) (any, error) {
	p, err := decode[initializeParams](raw)
	if err != nil {
		return nil, badParams(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = true
	s.snippet = p.Capabilities.TextDocument.Completion.CompletionItem.SnippetSupport
	for _, f := range p.WorkspaceFolders {
		s.addFolder(f.URI)
	}
	if len(s.folders) == 0 && p.RootURI != "" {
		s.addFolder(p.RootURI)
	}
	return initializeResult{Capabilities: capabilities(), ServerInfo: map[string]string{"name": "mlp", "version": s.opts.Version}}, nil
}

// addFolder adds a folder of the workspace, whose modules are searched for symbols even if nothing in them is open.
func (s *server) addFolder(uri string) {
	dir, name := split(uri)
	s.folders = append(s.folders, filepath.Join(dir, name))
}

// capabilities are what the server can do, and no more: an editor offers its user what stands here. change 2 means that
// edits are sent as changed stretches and not as whole texts.
func capabilities() map[string]any {
	return map[string]any{
		"positionEncoding":           "utf-16",
		"textDocumentSync":           map[string]any{"openClose": true, "change": 2, "save": true},
		"completionProvider":         map[string]any{"triggerCharacters": []string{".", "\"", "'", "["}},
		"hoverProvider":              true,
		"definitionProvider":         true,
		"referencesProvider":         true,
		"renameProvider":             map[string]any{"prepareProvider": true},
		"documentFormattingProvider": true,
		"codeActionProvider":         map[string]any{"codeActionKinds": []string{"quickfix", "source.fixAll"}},
		"foldingRangeProvider":       true,
		"signatureHelpProvider":      map[string]any{"triggerCharacters": []string{"(", ","}},
		"documentSymbolProvider":     true,
		"workspaceSymbolProvider":    true,
		"semanticTokensProvider": map[string]any{
			"legend": map[string]any{"tokenTypes": tokenTypes, "tokenModifiers": tokenModifiers},
			"full":   true,
		},
	}
}
