// Package lsp is the language server: what editors ask about .mlp files, over the Language Server Protocol.
//
// A file being written is rarely whole, so there are two views of a module. The outline (tree.go, outline.go) is made of tokens
// alone and knows every place of every file; what stands at a position is found in it, in one place for all features
// (place.go). The types come from the compiler, handed in as a Compiler, which tells of each block what it could work
// out; of a block that is broken at the moment, what it yielded before stays known (module.go). Text in open editors
// goes before that on disk.
package lsp

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

// Analysis is what the compiler knows of a module.
type Analysis struct {
	Diagnostics source.Diagnostics
	Blocks      map[string]*Block // by address; those with mistakes may be missing
	// Values are those of variables and locals by address, as text to show. Secret ones are left out.
	Values map[string]string
}

// Block is what is known of one.
type Block struct {
	Out     map[string]schema.Shape // by port
	Figures *schema.FigureType      // nil if it has none
	Env     *schema.FigureType      // what its rules see; nil without rules
}

// Options of a server.
type Options struct {
	Compiler Compiler
	Catalog  *schema.Catalog
	Version  string
	// Debounce is how long the typing must pause before diagnostics are worked out.
	Debounce time.Duration
}
