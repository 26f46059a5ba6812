package syntax

import (
	"bytes"
	"maps"
	"slices"
	"sort"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/mlp-lang/mlp/lang/parallel"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// Parse reads the files of a module, by name, against the catalog. The module is never nil and holds what is right even
// where something is wrong. The result does not depend on the order of anything: files are decoded side by side and put
// together by name. The maps and texts given are not changed and must not be later.
func Parse(files map[string][]byte, cat *schema.Catalog) (*Module, source.Diagnostics) {
	return parseFiles(files, cat, func(name string, text []byte) *parsedFile { return decodeFile(NewFile(name, text), cat) })
}

// parseFiles reads files with decode, which is called for several of them at a time.
// Files are decoded on all cores and put together in the order of their names, so that diagnostics and blocks come in
// one order on every machine.
func parseFiles(files map[string][]byte, cat *schema.Catalog, decode func(name string, text []byte) *parsedFile) (*Module, source.Diagnostics) {
	m := &Module{Files: make(map[string][]byte, len(files)), Kinds: kindNames(cat), Invalid: map[string]bool{}}
	names := slices.Sorted(maps.Keys(files))
	if d := tooMany(names, files); d != nil {
		m.Incomplete = true
		for _, name := range names {
			m.Files[name] = bytes.TrimPrefix(files[name], byteOrderMark)
		}
		return m, d
	}
	parsed := make([]*parsedFile, len(names))
	for _, name := range names {
		m.Files[name] = bytes.TrimPrefix(files[name], byteOrderMark)
	}
	parallel.Range(len(names), 1, func(i int) { parsed[i] = decode(names[i], m.Files[names[i]]) })
	var ds source.Diagnostics
	for _, p := range parsed {
		m.Blocks = append(m.Blocks, p.blocks...)
		m.Incomplete = m.Incomplete || p.incomplete
		for _, a := range p.invalid {
			m.Invalid[a] = true
		}
		ds = append(ds, p.ds...)
	}
	ds = append(ds, checkDuplicates(m.Blocks)...)
	return m, ds.Sort()
}

// tooMany reports whether files that are sound one by one have too many tokens together.
// The sizes are added up first: a token has at least one byte, so that a module of fewer bytes than MaxTokens need not
// be counted. That is nearly all of them.
func tooMany(names []string, files map[string][]byte) source.Diagnostics {
	size, tokens := 0, 0
	for _, text := range files {
		size += len(text)
	}
	if size <= MaxTokens {
		return nil
	}
	for _, name := range names {
		f := NewFile(name, bytes.TrimPrefix(files[name], byteOrderMark))
		if CheckText(name, f.Bytes).HasErrors() {
			continue
		}
		n, ds := measure(f, 0)
		if tokens += n; ds == nil && tokens > MaxTokens {
			return tooManyTokens("the module", MaxTokens, source.Range{File: name})
		}
	}
	return nil
}

// parsedFile is what one file says.
type parsedFile struct {
	blocks     []*Block
	invalid    []string // addresses
	incomplete bool
	ds         source.Diagnostics
}

// decodeFile decodes one file. invalid are the addresses of blocks that have mistakes, as far as they can be guessed.
// A block of a misspelt kind is invalid under both addresses, as written and as meant: references use the right word.
func decodeFile(f *File, cat *schema.Catalog) *parsedFile {
	good, attrs, broken, ds := parseFile(f, cat)
	d := &decoder{file: f, cat: cat, bodies: map[*schema.Type]*schema.Body{}}
	p := &parsedFile{incomplete: ds.HasErrors(), ds: ds}
	for _, a := range sortedBySource(attrs) {
		p.ds = append(p.ds, d.topLevelAttr(a))
	}
	for _, hb := range good {
		b, ok := d.block(hb)
		if ok {
			p.blocks = append(p.blocks, b)
		} else {
			p.invalid = append(p.invalid, guessAddress(hb))
			if near := suggest.Near(hb.Type, kindNames(cat)); near != "" && cat.Kind(hb.Type) == nil {
				hb.Type = near // what was meant, so that references to it are not told as mistakes too
				p.invalid = append(p.invalid, guessAddress(hb))
			}
		}
	}
	for _, hb := range broken {
		p.invalid = append(p.invalid, guessAddress(hb))
	}
	p.ds = append(p.ds, d.ds...)
	return p
}

// guessAddress is the address of a block that has something wrong, for all that is known: by its last label, which is
// the name of a block whose header is whole.
func guessAddress(b *hclsyntax.Block) string {
	if len(b.Labels) == 0 {
		return b.Type
	}
	return b.Type + "." + b.Labels[len(b.Labels)-1]
}

// sortedBySource sorts arguments in place by where they stand.
func sortedBySource(attrs []*hclsyntax.Attribute) []*hclsyntax.Attribute {
	sort.Slice(attrs, func(i, j int) bool { return attrs[i].NameRange.Start.Byte < attrs[j].NameRange.Start.Byte })
	return attrs
}

func sortAttrs(attrs []*Attr) {
	sort.Slice(attrs, func(i, j int) bool { return attrs[i].NameRange.Start.Byte < attrs[j].NameRange.Start.Byte })
}

// checkDuplicates adds a diagnostic for each address that stands twice, at the later place in the order of files.
// The first keeps the address, whichever was meant. Blocks without an address, such as locals, may stand as often as one
// likes.
func checkDuplicates(blocks []*Block) source.Diagnostics {
	first := map[string]*Block{}
	var ds source.Diagnostics
	for _, b := range blocks {
		if b.Address == "" {
			continue
		}
		if other, ok := first[b.Address]; ok {
			ds = append(ds, source.Diagnostic{
				Severity: source.Error, Code: source.CodeDuplicate, Subject: b.Header,
				Summary: "there are two blocks " + b.Address,
				Detail:  "Names are unique within their kind, whatever the type.",
				Related: []source.Related{{Message: "the other one is here", Range: other.Header}},
			})
			continue
		}
		first[b.Address] = b
	}
	return ds
}
