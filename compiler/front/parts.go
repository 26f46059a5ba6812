package front

import (
	"bytes"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// Parts cuts files into one part for each block of the file, so that after a keystroke only the block that changed is
// parsed again, and all others stay where they are: a part is to the compiler a file of its own. What the compiler says
// of parts is put back into the files.
type Parts struct {
	files  map[string][]byte
	starts map[string]source.Pos // of each part in its file; lines and bytes count from 0
}

// partMark stands between a file's name and the number of the part. No file's name has it.
const partMark = "\x00"

// cut takes the files apart, block by block. A part is named after its file and its ordinal; six digits keep the order of
// names that of the file.
func cut(files map[string][]byte, cat *schema.Catalog) *Parts {
	p := &Parts{files: map[string][]byte{}, starts: map[string]source.Pos{}}
	for name, text := range files {
		line, from := 0, 0
		for n := 0; from < len(text) || n == 0; n++ {
			to := from // what stands before the first block is a part as well, so that a comment there moves no other
			if n > 0 || !beginsPart(text, cat) {
				to = nextPart(text, from, cat)
			}
			part := fmt.Sprintf("%s%s%06d", name, partMark, n)
			p.files[part], p.starts[part] = text[from:to:to], source.Pos{Line: line, Byte: from}
			line += bytes.Count(text[from:to], []byte("\n"))
			from = to
		}
	}
	return p
}

// PartsParser parses modules by parts, again and again. It is not for several goroutines.
type PartsParser struct {
	catalog *schema.Catalog
	caches  map[string]*syntax.Cache // by folder
}

// NewPartsParser returns a parser for the kinds of a catalog, which remembers the parts of every folder that it parsed.
func NewPartsParser(catalog *schema.Catalog) *PartsParser {
	return &PartsParser{catalog: catalog, caches: map[string]*syntax.Cache{}}
}

// Parse reads a module by its parts. Where text is broken the parts are not good, for the next block may be inside of
// one that is not closed: then the files are read whole.
func (e *PartsParser) Parse(dir string, files map[string][]byte) (*syntax.Module, source.Diagnostics, *Parts) {
	if e.caches[dir] == nil {
		e.caches[dir] = syntax.NewCache(e.catalog)
	}
	p := cut(files, e.catalog)
	m, ds := e.caches[dir].Parse(p.files)
	if m.Incomplete {
		m, ds = syntax.Parse(files, e.catalog)
		return m, ds, &Parts{}
	}
	m.Files = maps.Clone(files)
	return m, ds, p
}

// nextPart is where the next block of the file begins behind the one at from: at a line that begins with the name of a
// kind, a space, and a quote or brace.
func nextPart(text []byte, from int, cat *schema.Catalog) int {
	for at := from; ; {
		i := bytes.IndexByte(text[at:], '\n')
		if i < 0 {
			return len(text)
		}
		if at += i + 1; beginsPart(text[at:], cat) {
			return at
		}
	}
}

// beginsPart reports whether a text begins with the header of a block, as `train "gradient_boosting" "model" {`. Only lines
// without indentation are asked about; the tokens are not needed for that.
func beginsPart(text []byte, cat *schema.Catalog) bool {
	word, rest, _ := bytes.Cut(text[:min(len(text), 80)], []byte(" "))
	return len(rest) > 0 && (rest[0] == '"' || rest[0] == '{') && cat.Kind(string(word)) != nil
}

// Whole translates diagnostics about parts into diagnostics about the files that they were cut from: ranges, and names in the texts. ds is
// changed, sorted and returned.
func (p *Parts) Whole(ds source.Diagnostics) source.Diagnostics {
	for i := range ds {
		d := &ds[i]
		d.Summary, d.Detail, d.Hint = p.text(d.Summary), p.text(d.Detail), p.text(d.Hint)
		d.Subject, d.Context = p.place(d.Subject), p.place(d.Context)
		related := make([]source.Related, len(d.Related))
		for j, r := range d.Related {
			related[j] = source.Related{Message: p.text(r.Message), Range: p.place(r.Range)}
		}
		d.Related = related
	}
	return ds.Sort()
}

// place moves a range in a part to where it stands in the file. Ranges of other files stay.
func (p *Parts) place(r source.Range) source.Range {
	start, ok := p.starts[r.File]
	if !ok {
		return r
	}
	r.File, _, _ = strings.Cut(r.File, partMark)
	for _, pos := range []*source.Pos{&r.Start, &r.End} {
		pos.Line += start.Line
		pos.Byte += start.Byte
	}
	return r
}

// partPlace is a place of a part in a message: "main.mlp\x00000003:2".
var partPlace = lazyregexp.New(`[^\s"]+\x00\d{6}(:\d+)?`)

// text writes places in a message, "main.mlp#000003:2", as those of the file.
func (p *Parts) text(s string) string {
	if !strings.Contains(s, partMark) {
		return s
	}
	return partPlace().ReplaceAllStringFunc(s, func(at string) string {
		file, part, _ := strings.Cut(at, partMark)
		_, line, ok := strings.Cut(part, ":")
		n, err := strconv.Atoi(line)
		if !ok || err != nil {
			return file
		}
		name, _, _ := strings.Cut(at, ":")
		return fmt.Sprintf("%s:%d", file, n+p.starts[name].Line)
	})
}
