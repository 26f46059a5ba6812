package syntax

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// maxRestarts is how many times parsing starts again in one file: a binary that is named x.mlp is not to give a
// thousand errors.
const maxRestarts = 25

// parseFile returns the file's blocks that could be parsed, the headers of those that could not, and what is wrong.
//
// HCL's parser stops telling errors after the first. So the blocks before an error are kept, and parsing starts again
// at the next line that begins like a block of a known kind.
func parseFile(f *File, cat *schema.Catalog) (good []*hclsyntax.Block, attrs []*hclsyntax.Attribute, broken []*hclsyntax.Block, ds source.Diagnostics) {
	if ds = CheckText(f.Name, f.Bytes); ds.HasErrors() {
		return nil, nil, nil, ds
	}
	// first is where the parser stopped to be sure. A block that ends before it is good; of one that begins before it the
	// header is kept, so that references to it are not told as mistakes too.
	start := 0
	for range maxRestarts {
		if _, refused := measure(f, start); refused != nil {
			return good, attrs, broken, append(ds, refused...)
		}
		body, hds := parseFrom(f, start)
		first := firstError(hds, len(f.Bytes)+1)
		for _, b := range body.Blocks {
			if closed(b) && b.Range().Start.Byte < first && b.CloseBraceRange.End.Byte <= first && !touched(hds, b) {
				good = append(good, b)
			} else if b.TypeRange.Start.Byte <= first {
				broken = append(broken, b)
			}
		}
		for _, a := range body.Attributes {
			if a.SrcRange.End.Byte <= first {
				attrs = append(attrs, a)
			}
		}
		for _, d := range told(hds) {
			ds = append(ds, f.beginsInside(f.Diagnostic(d, ""), cat))
		}
		if len(hds) == 0 {
			break
		}
		if start = nextBlock(f.Bytes, max(lastError(hds), start)+1, cat); start < 0 {
			break
		}
	}
	return good, attrs, broken, ds
}

// beginsInside adds to what is told of a block that is not closed which block begins in it: the brace is missing before.
// HCL tells of the end of the file, which is where it noticed, and may be a thousand lines below the missing brace. The
// next line that begins like a block at the top level is nearly always where the brace should have stood.
func (f *File) beginsInside(d source.Diagnostic, cat *schema.Catalog) source.Diagnostic {
	if d.Summary != openBlock {
		return d
	}
	at := nextBlock(f.Bytes, d.Subject.End.Byte, cat)
	if at < 0 {
		return d
	}
	pos := f.Pos(at)
	line, _, _ := bytes.Cut(f.Bytes[at:], []byte("\n"))
	d.Detail = "There is no closing brace for this block before the end of the file."
	d.Hint = fmt.Sprintf("add } before line %d, where another block begins", pos.Line)
	end := source.Pos{Line: pos.Line, Column: pos.Column + utf8.RuneCount(line), Byte: at + len(line)}
	d.Related = append(d.Related, source.Related{Message: "this block begins inside of it", Range: source.Range{File: f.Name, Start: pos, End: end}})
	return d
}

// openBlock is the summary for a block without its closing brace.
const openBlock = "unclosed configuration block"

// CheckFile returns the syntax errors of a file, without looking at what its blocks mean. Of several HCL's parser tells
// what it does in one go; parsing does not start again behind the first.
func CheckFile(name string, text []byte) source.Diagnostics {
	f := NewFile(name, bytes.TrimPrefix(text, byteOrderMark))
	if ds := CheckText(name, f.Bytes); ds.HasErrors() {
		return ds
	}
	if _, ds := measure(f, 0); ds != nil {
		return ds
	}
	var ds source.Diagnostics
	_, hds := parseFrom(f, 0)
	for _, d := range told(hds) {
		ds = append(ds, f.Diagnostic(d, ""))
	}
	return ds.Sort()
}

// parseFrom parses the file from the beginning of a line.
func parseFrom(f *File, start int) (*hclsyntax.Body, hcl.Diagnostics) {
	pos := f.Pos(start)
	file, ds := hclsyntax.ParseConfig(f.Bytes[start:], f.Name, hcl.Pos{Line: pos.Line, Column: 1, Byte: start})
	return file.Body.(*hclsyntax.Body), ds
}

// firstError is the first byte that an error is at, none if there is none.
func firstError(hds hcl.Diagnostics, none int) int {
	for _, d := range hds {
		if d.Subject != nil {
			none = min(none, d.Subject.Start.Byte)
		}
	}
	return none
}

// told leaves out what follows from a string that is not closed, since every quote after it opens where it should close, and
// from a character that there is none of, in its line.
func told(hds hcl.Diagnostics) hcl.Diagnostics {
	var out hcl.Diagnostics
	line := 0
	for _, d := range hds {
		if d.Subject != nil && d.Subject.Start.Line == line {
			continue
		}
		out = append(out, d)
		switch d.Summary {
		case openString:
			return out
		case badCharacter:
			line = d.Subject.Start.Line
		}
	}
	return out
}

// badCharacter is HCL's summary for a character that is part of no token.
const badCharacter = "Invalid character"

// openString is HCL's summary for a string that goes on over the end of its line.
const openString = "Invalid multi-line string"

// lastError is the last byte that an error begins at: parsing goes on behind it.
func lastError(hds hcl.Diagnostics) int {
	last := 0
	for _, d := range hds {
		if d.Subject != nil {
			last = max(last, d.Subject.Start.Byte)
		}
	}
	return last
}

// touched reports whether an error lies within the block; such an error may be about a place before the block's end,
// and what was read between both is a guess of HCL's.
func touched(hds hcl.Diagnostics, b *hclsyntax.Block) bool {
	for _, d := range hds {
		if d.Subject != nil && d.Subject.Start.Byte >= b.TypeRange.Start.Byte && d.Subject.Start.Byte < b.CloseBraceRange.End.Byte {
			return true
		}
	}
	return false
}

// closed reports whether the parser reached the block's braces. Of one whose header it could not read it gives the first
// word for them.
func closed(b *hclsyntax.Block) bool { return b.OpenBraceRange.Start.Byte > b.TypeRange.Start.Byte }

// nextBlock returns the offset of the first line at or after from that begins with the name of a kind and a quote or
// brace, -1 if there is none.
func nextBlock(src []byte, from int, cat *schema.Catalog) int {
	for {
		if from >= len(src) {
			return -1
		}
		if from == 0 || src[from-1] == '\n' {
			if beginsBlock(src[from:], cat) {
				return from
			}
		}
		i := bytes.IndexByte(src[from:], '\n')
		if i < 0 {
			return -1
		}
		from += i + 1
	}
}

// beginsBlock reports whether a line begins like a block of a known kind, from its first byte on: indented lines are inside
// of one.
func beginsBlock(src []byte, cat *schema.Catalog) bool {
	n := 0
	for n < len(src) && (src[n] >= 'a' && src[n] <= 'z' || src[n] == '_') {
		n++
	}
	if n == 0 || cat.Kind(string(src[:n])) == nil {
		return false
	}
	rest := bytes.TrimLeft(src[n:], " \t")
	return len(rest) > 0 && (rest[0] == '"' || rest[0] == '{')
}

// codes of HCL's own diagnostics, by the beginning of their summary. HCL's diagnostics have no codes. The first that
// fits is taken, so that longer beginnings stand before shorter ones.
var codes = []struct{ summary, code, hint string }{
	{"Invalid single-argument block definition", source.CodeOneLine, "give each argument a line of its own"},
	{"Argument definition required", source.CodeOneLine, "give each argument and nested block a line of its own"},
	{"Attribute redefined", source.CodeSetTwice, ""},
	{"Invalid block definition", source.CodeSyntax, ""},
	{openString, source.CodeUnclosed, `close it with "; a text of several lines is a heredoc: <<-END`},
	{"Missing item separator", source.CodeSyntax, "a comma is missing before it, or the closing ]"},
	{"Missing attribute separator", source.CodeSyntax, "a comma or the end of the line is missing before it, or the closing }"},
	{"Invalid template interpolation value", source.CodeEvaluation, ""},
	{"Invalid template", source.CodeTemplate, templateHint},
	{"Extra characters after interpolation", source.CodeTemplate, templateHint},
	{"Unclosed template interpolation", source.CodeTemplate, templateHint},
	{"Unexpected end of template", source.CodeTemplate, templateHint},
	{"Unexpected else directive", source.CodeTemplate, templateHint},
	{"Invalid 'for' directive", source.CodeTemplate, templateHint},
	{"Unclosed", source.CodeUnclosed, ""},
	{"Unterminated", source.CodeUnclosed, ""},
	{"Unbalanced parentheses", source.CodeUnclosed, ""},
	{"Missing closing parenthesis", source.CodeUnclosed, ""},
	{"Call to unknown function", source.CodeFunction, ""},
	{"Not enough function arguments", source.CodeFunction, ""},
	{"Too many function arguments", source.CodeFunction, ""},
	{"Invalid function argument", source.CodeFunction, ""},
	{"Error in function call", source.CodeFunction, ""},
}

// hclPlace is a range as HCL writes it: main.mlp:9,3-9 or main.mlp:9,3-10,4.
var hclPlace = lazyregexp.New(`(\S+):(\d+),(\d+)-(?:\d+,)?\d+`)

const templateHint = "write $${ or %%{ where the characters ${ or %{ themselves are meant"

// Diagnostic translates one of HCL's. Its code is found by its summary; what is not known there has the code given, or
// that of a syntax error.
func (f *File) Diagnostic(d *hcl.Diagnostic, code string) source.Diagnostic {
	out := source.Diagnostic{Severity: source.Error, Code: code, Summary: lowerFirst(d.Summary), Detail: d.Detail}
	if d.Severity == hcl.DiagWarning {
		out.Severity = source.Warning
	}
	if out.Code == "" {
		out.Code = source.CodeSyntax
	}
	if d.Subject != nil {
		out.Subject = f.Range(*d.Subject)
	}
	if d.Context != nil {
		out.Context = f.Range(*d.Context)
	}
	for _, c := range codes {
		if strings.HasPrefix(d.Summary, c.summary) {
			out.Code, out.Hint = c.code, c.hint
			break
		}
	}
	if d.Subject != nil {
		f.foreign(d, &out)
	}
	out.Detail = hclPlace().ReplaceAllString(out.Detail, "$1:$2:$3")
	switch {
	case strings.HasPrefix(d.Detail, "The equals sign"):
		out.Code, out.Hint = source.CodeEqualsBlock, "leave the = out"
	case d.Summary == "Argument or block definition required" && d.Subject != nil:
		if name := f.beforeColon(d.Subject.Start.Byte); name != "" {
			out.Hint = fmt.Sprintf("write %s = …", name)
		}
	}
	return out
}

// foreign says what is written here instead of what other languages write, where an error of HCL's has it: curly and
// single quotes, percent signs, lines of a program.
func (f *File) foreign(d *hcl.Diagnostic, out *source.Diagnostic) {
	at := min(d.Subject.Start.Byte, len(f.Bytes))
	line := f.Bytes[bytes.LastIndexByte(f.Bytes[:at], '\n')+1 : at]
	switch word, _, _ := strings.Cut(strings.TrimLeft(string(line), " \t"), " "); {
	case d.Summary == badCharacter && strings.HasPrefix(d.Detail, "\"Curly quotes\""):
		out.Summary, out.Detail, out.Hint = "curly quotes are no quotes", "They come from text processors, chats and mails.", "write straight ones: \"…\""
	case d.Summary == badCharacter && strings.HasPrefix(d.Detail, "Single quotes"):
		out.Summary, out.Detail, out.Hint = "single quotes are no quotes", "", "write double ones: \"…\""
	case percentage().Match(line):
		number := percentage().FindSubmatch(line)[1]
		out.Summary, out.Detail = "there is no % in numbers", "Shares are fractions of 1."
		start := f.Pos(at - len(bytes.TrimLeft(line[percentage().FindSubmatchIndex(line)[2]:], "")))
		out.Subject.Start, out.Subject.End = start, f.Pos(start.Byte+len(number)+1)
		if x, err := strconv.ParseFloat(string(number), 64); err == nil {
			out.Hint = "write " + strconv.FormatFloat(x/100, 'g', -1, 64)
		}
	case d.Summary == "Invalid block definition" && programWords[word]:
		start := at - len(strings.TrimLeft(string(line), " \t"))
		out.Subject.Start, out.Subject.End = f.Pos(start), f.Pos(start+len(word))
		out.Context = source.Range{}
		out.Summary, out.Detail = "this is no program", "A file holds blocks, which say what there is and not what to do."
		out.Hint = "write kind \"name\" { … }; code of your own runs in a stage: train \"container\""
	}
}

// percentage is a number with a percent sign at the end of a line, or what of it is before an error.
var percentage = lazyregexp.New(`([0-9]+(?:\.[0-9]+)?)%\s*$`)

// programWords begin lines of programs.
var programWords = map[string]bool{"import": true, "from": true, "def": true, "class": true, "for": true, "if": true, "while": true, "with": true,
	"return": true, "print": true, "let": true, "const": true, "function": true, "select": true, "create": true, "library": true}

// beforeColon is the word at a place of the file, if a colon follows.
func (f *File) beforeColon(at int) string {
	rest := f.Bytes[min(at, len(f.Bytes)):]
	n := bytes.IndexFunc(rest, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if n <= 0 || !bytes.HasPrefix(bytes.TrimLeft(rest[n:], " \t"), []byte(":")) {
		return ""
	}
	return string(rest[:n])
}

// lowerFirst begins a summary as ours begin.
func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}
