package lsp

import "encoding/json"

// The parts of the Language Server Protocol 3.17 that the server speaks. Lines and characters count from 0, characters in
// UTF-16 code units. Fields that the server does not read or write are left out.

// See https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/.
type position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// span is the protocol's Range: from Start to before End. One with both alike is a place between two characters, where
// an edit inserts.
type span struct {
	Start position `json:"start"`
	End   position `json:"end"`
}

// location is a stretch of a file, which need not be open.
type location struct {
	URI   string `json:"uri"`
	Range span   `json:"range"`
}

// textEdit puts NewText in the place of Range. All edits of one answer are in terms of the text as it was before any of
// them; they do not overlap.
type textEdit struct {
	Range   span   `json:"range"`
	NewText string `json:"newText"`
}

// workspaceEdit are edits by the file's URI.
type workspaceEdit struct {
	Changes map[string][]textEdit `json:"changes"`
}

// documentID names a document, by the URI that the editor chose for it. Only didChange gives a version; in other
// messages Version is 0, and not read.
type documentID struct {
	URI     string `json:"uri"`
	Version int    `json:"version"`
}

// openParams has the whole text of a document that is opened. From then on the text on disk does not count, until the
// document is closed.
type openParams struct {
	TextDocument struct {
		URI     string `json:"uri"`
		Version int    `json:"version"`
		Text    string `json:"text"`
	} `json:"textDocument"`
}

// changeParams are edits in their order, each in terms of the text that the one before left. Without a Range, Text is
// the whole document.
type changeParams struct {
	TextDocument   documentID `json:"textDocument"`
	ContentChanges []struct {
		Range *span  `json:"range"`
		Text  string `json:"text"`
	} `json:"contentChanges"`
}

// documentParams are those of every request about a document; what a request has besides is in the other fields, which
// are zero for others.
type documentParams struct {
	TextDocument documentID `json:"textDocument"`
	Position     position   `json:"position"`
	Range        span       `json:"range"`
	NewName      string     `json:"newName"`
	Context      struct {
		IncludeDeclaration bool `json:"includeDeclaration"`
	} `json:"context"`
}

// watchedParams names the files that have changed on disk. What happened to them, which the protocol tells too, makes
// no difference: the folder is read again.
type watchedParams struct {
	Changes []struct {
		URI string `json:"uri"`
	} `json:"changes"`
}

// symbolParams asks for blocks of all modules; Query is what the user has typed so far, and "" is all.
type symbolParams struct {
	Query string `json:"query"`
}

// initializeParams begins a conversation. RootURI is how editors named the one folder before there were several, and is
// read only where WorkspaceFolders is empty.
type initializeParams struct {
	RootURI          string `json:"rootUri"`
	WorkspaceFolders []struct {
		URI string `json:"uri"`
	} `json:"workspaceFolders"`
	Capabilities struct {
		TextDocument struct {
			Completion struct {
				CompletionItem struct {
					SnippetSupport bool `json:"snippetSupport"`
				} `json:"completionItem"`
			} `json:"completion"`
		} `json:"textDocument"`
	} `json:"capabilities"`
}

// initializeResult tells what the server can do. Capabilities are a map, since their values are of many types: a bool,
// a number, an object of options.
type initializeResult struct {
	Capabilities map[string]any    `json:"capabilities"`
	ServerInfo   map[string]string `json:"serverInfo"`
}

// publishParams are all diagnostics of a file; they replace those published before, so that an empty list, which is not
// null, takes them away. Version is that of the text they were found in, and nil for a file that is not open.
type publishParams struct {
	URI         string       `json:"uri"`
	Version     *int         `json:"version,omitempty"`
	Diagnostics []diagnostic `json:"diagnostics"`
}

// diagnostic is a source.Diagnostic in the protocol's form. The protocol has one Message, in which summary, detail and
// hint are lines.
type diagnostic struct {
	Range    span      `json:"range"`
	Severity int       `json:"severity"` // 1: error; 2: warning
	Code     string    `json:"code,omitempty"`
	Source   string    `json:"source"`
	Message  string    `json:"message"`
	Related  []related `json:"relatedInformation,omitempty"`
}

// related is another place that a diagnostic speaks of: where a name was declared first.
type related struct {
	Location location `json:"location"`
	Message  string   `json:"message"`
}

// completionList is what may stand at a place. IsIncomplete is false always: the editor narrows the items itself as
// more of the word is typed, and need not ask again.
type completionList struct {
	IsIncomplete bool             `json:"isIncomplete"`
	Items        []completionItem `json:"items"`
}

// completionItem is one proposal. Editors sort by SortText and filter by FilterText; where either is empty, Label is
// used. TextEdit replaces the word that is being typed.
type completionItem struct {
	Label            string    `json:"label"`
	Kind             int       `json:"kind"`
	Detail           string    `json:"detail,omitempty"`
	Documentation    *markup   `json:"documentation,omitempty"`
	SortText         string    `json:"sortText,omitempty"`
	FilterText       string    `json:"filterText,omitempty"`
	InsertTextFormat int       `json:"insertTextFormat,omitempty"`
	TextEdit         *textEdit `json:"textEdit,omitempty"`
}

// Kinds of completion items.
const (
	functionItem = 3
	fieldItem    = 5
	variableItem = 6
	classItem    = 7
	moduleItem   = 9
	propertyItem = 10
	valueItem    = 12
	keywordItem  = 14
	typeItem     = 22
)

// snippetFormat is InsertTextFormat.Snippet; 0, which is left out, means plain text.
const snippetFormat = 2

// markup is a text of a kind that is named, "markdown" here throughout.
type markup struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// markdown is text as Markdown; nil, which is left out, of "".
func markdown(text string) *markup {
	if text == "" {
		return nil
	}
	return &markup{Kind: "markdown", Value: text}
}

// hover is what is shown of the word in Range.
type hover struct {
	Contents markup `json:"contents"`
	Range    span   `json:"range"`
}

// renamePlace answers whether there is something to rename: the word, and what stands in the input box at first.
type renamePlace struct {
	Range       span   `json:"range"`
	Placeholder string `json:"placeholder"`
}

// documentSymbol is one entry of a file's outline. Range is the whole block; SelectionRange, which must lie in Range,
// is the name that the cursor goes to.
type documentSymbol struct {
	Name           string           `json:"name"`
	Detail         string           `json:"detail,omitempty"`
	Kind           int              `json:"kind"`
	Range          span             `json:"range"`
	SelectionRange span             `json:"selectionRange"`
	Children       []documentSymbol `json:"children,omitempty"`
}

// workspaceSymbol is a block or local of some module. ContainerName is the name of the module's folder, which tells
// train.model of one module from train.model of another.
type workspaceSymbol struct {
	Name          string   `json:"name"`
	Kind          int      `json:"kind"`
	Location      location `json:"location"`
	ContainerName string   `json:"containerName,omitempty"`
}

// Kinds of symbols.
const (
	classSymbol    = 5
	propertySymbol = 7
	variableSymbol = 13
)

// foldingRange is a run of whole lines, both ends included. The first stays visible.
type foldingRange struct {
	StartLine int    `json:"startLine"`
	EndLine   int    `json:"endLine"`
	Kind      string `json:"kind,omitempty"`
}

// signatureHelp has one signature here always: functions are not overloaded. ActiveParameter counts from 0; editors
// take a number for which there is no parameter for 0.
type signatureHelp struct {
	Signatures      []signature `json:"signatures"`
	ActiveParameter int         `json:"activeParameter"`
}

// signature is how a function is called, such as "max(list)". Each parameter's label stands in Label, so that editors
// find what to highlight.
type signature struct {
	Label         string      `json:"label"`
	Documentation *markup     `json:"documentation,omitempty"`
	Parameters    []parameter `json:"parameters"`
}

// parameter is one parameter of a signature, by the words that stand for it there.
type parameter struct {
	Label string `json:"label"`
}

// codeAction is an edit that is offered. Diagnostics are those that it cures; an editor offers it at their light bulb.
type codeAction struct {
	Title       string        `json:"title"`
	Kind        string        `json:"kind"` // "quickfix" or "source.fixAll"
	Diagnostics []diagnostic  `json:"diagnostics,omitempty"`
	Preferred   bool          `json:"isPreferred,omitempty"` // what the editor's key for "fix this" takes
	Edit        workspaceEdit `json:"edit"`
}

// semanticTokens are five numbers for each token, as encode writes them.
type semanticTokens struct {
	Data []uint32 `json:"data"`
}

// decode reads the parameters of a message; without any, the zero value.
func decode[T any](raw *json.RawMessage) (T, error) {
	var v T
	if raw == nil {
		return v, nil
	}
	err := json.Unmarshal(*raw, &v)
	return v, err
}
