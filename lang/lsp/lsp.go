// Package lsp is the language server: what editors ask about .mlp files, over the Language Server Protocol.
//
// A file being written is rarely whole, so there are two views of a module. The outline (tree.go, outline.go) is made of tokens
// alone and knows every place of every file; what stands at a position is found in it, in one place for all features
// (place.go). The types come from the compiler, handed in as a Compiler, which tells of each block what it could work
// out; of a block that is broken at the moment, what it yielded before stays known (module.go). Text in open editors
// goes before that on disk.
package lsp

// A worked example. The editor holds
//
//	train "logistic_regression" "m" {
//	  data   = dataset.payments
//	  target = "is_fr|
//
// with the cursor at |. There is neither a closing quote nor a closing brace, so no parser can read the file.
//
// The outline reads it from tokens: the block train.m, open at its end, with the arguments data and target. tree.at then says of the
// offset of the cursor that it stands in a string (atString) of the argument target of that block; completion, hover, navigation and rename all
// begin with such a place and never look at the text on their own.
//
// What target may be is said by the catalog: a column of the table that data refers to. The types of dataset.payments come from the
// compiler. It analyses the module when typing has paused (Options.Debounce), one analysis at a time, on the texts as they were at that
// moment; a change that is made meanwhile starts another one. For blocks that an analysis could not type, the outputs and figures of
// the analysis before are kept (module.learn), so that completion goes on while a line is half written.
//
// Files of the folder that are not open are read from disk, again when size or time of change differ. A file of tests is a module of its own.
//
// Concurrency: the server's mutex guards documents and modules and is not held while the compiler runs. Offsets are bytes of the text in the
// editor; positions of the protocol are lines and UTF-16 units, and are translated where messages come in and go out (text.go).

import (
	"context"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// Compiler types modules. It is called by one goroutine at a time.
type Compiler interface {
	// Analyse compiles the module in the folder dir, which consists of these files, by name and without byte order marks.
	// For a file of tests dir is its path, and the module that it tests is the one beside it on disk.
	// It is called for every change, and goes on where something is wrong.
	Analyse(ctx context.Context, dir string, files map[string][]byte) *Analysis
}

// Analysis is what the compiler knows of a module. The server keeps it until the next one and does not change it.
type Analysis struct {
	Diagnostics source.Diagnostics
	Blocks      map[string]*Block // by address; those with mistakes may be missing
	// Values are those of variables and locals by address, as text to show. Secret ones are left out.
	Values map[string]string
}

// Block is what is known of one block of the module. Any field may be missing where the block has mistakes.
type Block struct {
	Out     map[string]schema.Shape // by port
	Figures *schema.FigureType      // nil if it has none
	Env     *schema.FigureType      // what its rules see; nil without rules
}

// Options of a server. Compiler and Catalog are required.
type Options struct {
	Compiler Compiler
	Catalog  *schema.Catalog
	Version  string // told to the client, which shows it in its log
	// Debounce is how long the typing must pause before diagnostics are worked out.
	Debounce time.Duration
}
