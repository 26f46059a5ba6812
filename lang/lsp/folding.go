package lsp

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// foldingRanges are the stretches of lines that an editor can hide: blocks and values in brackets without the line that
// closes them, heredocs, and comments of several lines.
func (r *request) foldingRanges() []foldingRange {
	f := &folder{text: r.doc.tree().text, out: []foldingRange{}}
	f.blocks(r.doc.tree().blocks)
	first, last := -1, -1 // lines of the comments that stand one below the other
	for _, t := range r.doc.tree().tokens {
		if t.Type != hclsyntax.TokenComment {
			continue
		}
		from := f.line(t.Range.Start.Byte)
		to := f.line(t.Range.End.Byte - len(t.Bytes) + len(strings.TrimRight(string(t.Bytes), "\r\n")))
		if from != last+1 || first < 0 {
			f.add(first, last, "comment")
			first = from
		}
		last = to
	}
	f.add(first, last, "comment")
	return f.out
}

// folder gathers the stretches that can be folded, in lines from 0.
type folder struct {
	text *text
	out  []foldingRange
}

// line is the line of an offset in bytes.
func (f *folder) line(offset int) int { return f.text.position(offset).Line }

// add folds lines from the first to the last; one alone is none.
func (f *folder) add(first, last int, kind string) {
	if first >= 0 && last > first {
		f.out = append(f.out, foldingRange{StartLine: first, EndLine: last, Kind: kind})
	}
}

// blocks folds from the header to the line before the closing brace, and values over several lines.
func (f *folder) blocks(blocks []*block) {
	for _, b := range blocks {
		if b.body >= 0 {
			last := f.line(b.end)
			if b.ended {
				last--
			}
			f.add(f.line(b.kind.start), last, "")
		}
		for _, a := range b.attrs {
			if a.equals && a.end > a.start {
				f.add(f.line(a.name.start), f.line(a.end)-1, "")
			}
		}
		f.blocks(b.blocks)
	}
}
