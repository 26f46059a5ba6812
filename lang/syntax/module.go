// Package syntax reads the files of a module into blocks that match the language's catalog.
//
// It knows which blocks, arguments and labels there may be, and leaves expressions unevaluated, with their ranges. All
// mistakes of all files are told at once: after a syntax error, reading goes on at the next block.
package syntax

// From text to blocks.
//
//	step                  where         what it refuses
//	read the folder       read.go       links out of it, pipes, files that are too large
//	look at the bytes     read.go       other encodings, NUL
//	count tokens          nesting.go    what would exhaust the parser's stack or memory
//	parse as HCL          hcl.go        what is no HCL, block by block
//	hold to the catalog   decode.go,    unknown kinds, types, arguments and nested blocks, missing ones,
//	                      content.go    labels that are too many or too few
//	hold names            names.go      names that are no names, or a word of SQL or of rules
//	all files together    parse.go      one address twice
//
// Each step hands on what it could read. A file with one broken block yields its other blocks, and says that it is
// Incomplete, so that a reference into the broken part is not a second mistake. The rest of the compiler rests on that:
// it sees fewer blocks than were written, never other ones.
//
// # What a message says
//
// A mistake is told in the words of the text (the argument, the block, the label as written), with the range of what is
// wrong and not of the whole block, and where there is a remedy, with that: "did you mean" for what is misspelt, the
// form for what is missing, the word of this language for that of another tool. What was meant then counts as given: an
// argument that is misspelt is not told as missing too.

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// Module is what the files of a folder say: blocks and arguments that the catalog has, with expressions that are not
// evaluated yet. It is not changed by those that read it; Override makes another one.
type Module struct {
	Files map[string][]byte // by name, as parsed: without byte order marks
	// Blocks at the top level, in the order of file names and of their places. Those of unknown kind or type, or
	// without a valid name, are not among them.
	Blocks []*Block
	Kinds  []string // the names of all kinds of the catalog, sorted
	// Invalid holds the addresses of blocks that are written but could not be read, so that references to them
	// are not told as mistakes once more.
	Invalid map[string]bool
	// Incomplete says that some text could not be parsed: a block that seems to be missing may stand there, so that references to
	// unknown names are not reported.
	Incomplete bool
}

// Block is a block, or one nested in another. What is wrong in it has been left out. Slices and maps are the block's
// own.
type Block struct {
	Kind string // the first word
	Type string // of a top-level block: as written, or the kind's default; "" where the kind has no types
	Name string // of a top-level block; of a nested one, its label
	// Address is "kind.name"; "" for nested blocks and those of unlabelled kinds.
	Address string

	KindSpec *schema.Kind  // of a top-level block
	TypeSpec *schema.Type  // of a top-level block
	Spec     *schema.Block // of a nested block
	Body     *schema.Body  // what may stand in it, attributes common to all stages included

	Attrs  map[string]*Attr
	Blocks []*Block // nested, in the order of the file

	Raw *Raw // what stands in a block whose schema says that it is read by another one's

	Header     source.Range // from the first word to the last label
	Range      source.Range // from the first word to the closing brace
	NameRange  source.Range // of the label that is the name; of the first word if there is none
	CloseRange source.Range // of the closing brace
}

// Attr is an argument of a block, such as `trees = variable.trees`. Its type is not checked yet. Expr is HCL's, with
// places relative to File.
type Attr struct {
	Name string
	Spec *schema.Attr // nil for a free argument
	Expr hclsyntax.Expression
	File *File

	NameRange source.Range
	Range     source.Range // of the value
}

// Raw is what stands between the braces of a block, not looked at yet.
type Raw struct {
	body *hclsyntax.Body
	file *File
}

// Sorted returns the arguments in the order of the file.
func (b *Block) Sorted() []*Attr {
	out := make([]*Attr, 0, len(b.Attrs))
	for _, a := range b.Attrs {
		out = append(out, a)
	}
	sortAttrs(out)
	return out
}

// Nested returns the nested blocks of that kind, in the order of the file; of a kind that stands once, at most one is
// right.
func (b *Block) Nested(kind string) []*Block {
	var out []*Block
	for _, n := range b.Blocks {
		if n.Kind == kind {
			out = append(out, n)
		}
	}
	return out
}

// File is one file of a module, with what is needed to translate places in it.
type File struct {
	Name  string
	Bytes []byte
	lines *source.Lines
}

// NewFile returns a file of that name and text, which must not be changed afterwards.
func NewFile(name string, text []byte) *File {
	return &File{Name: name, Bytes: text, lines: source.NewLines(text)}
}

// Pos returns the place of the byte at offset: lines from 1, columns in code points from 1. An offset outside of the
// file is taken to its nearer end.
func (f *File) Pos(offset int) source.Pos { return f.lines.Pos(offset) }

// Range translates a range of the HCL parser, whose columns count grapheme clusters. Of text that it could not read, that
// parser also has ranges that end before they start, or at no byte: they end where they start.
func (f *File) Range(r hcl.Range) source.Range {
	return source.Range{File: f.Name, Start: f.Pos(r.Start.Byte), End: f.Pos(max(r.Start.Byte, r.End.Byte))}
}

// Text is what stands at a range of the HCL parser.
func (f *File) Text(r hcl.Range) []byte { return f.Between(r.Start.Byte, r.End.Byte) }

// Between is what stands between two offsets; nothing where the second is not after the first. What is not in the file is left out.
func (f *File) Between(start, end int) []byte {
	start = max(0, min(start, len(f.Bytes)))
	return f.Bytes[start:max(start, min(end, len(f.Bytes)))]
}
