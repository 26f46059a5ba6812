package workspace

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/stdlib"
)

// madeEdit is one change of one place of a file.
type madeEdit struct {
	// place is where it is made in the language, "train.gradient_boosting params.trees", and what is done there: "number".
	// Edits of one place and sort in several blocks are alike.
	place, sort string
	block       string // the block's address
	file        string
	from, to    int // bytes that text is put in place of
	text        string
	first, last int      // lines of what is edited: in the file that it gives, of what is dropped in the one before
	named       []string // what tells of it names one of these
	gone        bool     // the block is dropped
	passive     bool     // the block is a value that others read
	reads       string   // how others read what is edited, of a passive one
	ofAttr      bool     // an attribute is edited
	repeats     bool     // it says how often the block stands
	about       []string // addresses of other blocks that the block speaks of, and is told at: accept { block = dataset.a }
	attr, value string   // of an attribute that is added
}

func (e *madeEdit) String() string {
	return fmt.Sprintf("%s:%d: %s %s → %.60q", e.file, e.first, e.block, e.sort, e.text)
}

// apply is the text with the edit.
func (e *madeEdit) apply(text string) string { return text[:e.from] + e.text + text[e.to:] }

// editMaker makes the edits of one file.
type editMaker struct {
	catalog *schema.Catalog
	file    string
	text    string
	// words are the strings of the file, references the references, in their order: what may stand in one attribute often may in
	// another.
	words, references []string
	columns           map[string]string // types of the columns that sources declare, by name in quotes
	files             []string          // what lies in the folder, in quotes
	out               []*madeEdit
	passive           bool // of the block
	label             string
	about             []string // of the block
	header, end       int      // lines of the block
}

// aNumber is one that stands in a text.
var aNumber = regexp.MustCompile(`\b[0-9]+(\.[0-9]+)?\b`)

// aDigest is a checksum, or the beginning of one.
var aDigest = regexp.MustCompile(`[0-9a-f]{16,}`)

// madeEdits are the edits of a file: of every attribute and block that is there, and of every attribute that could be.
func (w *editing) madeEdits(file, text string) []*madeEdit {
	w.t.Helper()
	parsed, diags := hclsyntax.ParseConfig([]byte(text), file, hcl.InitialPos)
	if diags.HasErrors() {
		w.t.Fatal(diags)
	}
	body := parsed.Body.(*hclsyntax.Body)
	e := &editMaker{catalog: stdlib.Catalog(), file: file, text: text, columns: map[string]string{}}
	e.collect(body)
	for _, address := range w.recorded() {
		if !slices.Contains(e.references, address) {
			e.references = append(e.references, address)
		}
	}
	e.files = w.files()
	for _, b := range body.Blocks {
		kind := e.catalog.Kind(b.Type)
		typ := kind.Type(kind.DefaultType)
		address := b.Type
		if len(b.Labels) > 0 {
			address += "." + b.Labels[len(b.Labels)-1]
		}
		if len(b.Labels) > 1 {
			typ = kind.Type(b.Labels[0])
		}
		e.passive, e.label = kind.Passive, ""
		e.about = e.aboutOf(b, kind, address)
		e.header, e.end = b.TypeRange.Start.Line, b.CloseBraceRange.End.Line
		e.block(b, syntax.BodyOf(typ), placeOf(kind, typ), address, nil)
	}
	return e.out
}

// collect notes what stands in the file.
func (e *editMaker) collect(body *hclsyntax.Body) {
	add := func(list *[]string, s string) {
		if !slices.Contains(*list, s) {
			*list = append(*list, s)
		}
	}
	_ = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		switch x := n.(type) {
		case *hclsyntax.TemplateExpr:
			if s := e.at(x.Range()); len(s) < 80 && strings.HasPrefix(s, `"`) {
				add(&e.words, s)
			}
		case *hclsyntax.ScopeTraversalExpr:
			add(&e.references, e.at(x.Range()))
		case *hclsyntax.Block:
			switch {
			case x.Type == "column" || x.Type == "window":
				add(&e.words, strconv.Quote(x.Labels[0]))
				if typ := x.Body.Attributes["type"]; typ != nil {
					e.columns[strconv.Quote(x.Labels[0])] = e.at(typ.Expr.Range())
				}
			case len(x.Labels) > 0 && e.catalog.Kind(x.Type) != nil:
				add(&e.references, x.Type+"."+x.Labels[len(x.Labels)-1])
			}
		}
		return nil
	})
}

func (e *editMaker) at(r hcl.Range) string { return e.text[r.Start.Byte:r.End.Byte] }

func (e *editMaker) line(at int) int { return strings.Count(e.text[:at], "\n") + 1 }

// put adds an edit.
func (e *editMaker) put(x madeEdit) {
	x.file, x.passive, x.about = e.file, e.passive, slices.Concat(x.about, e.about)
	if e.passive {
		x.reads = x.block
		if x.reads == "locals" {
			x.reads = "local." + x.named[0]
		}
	}
	if x.first == 0 {
		x.first = e.line(x.from)
		x.last = x.first + strings.Count(x.text, "\n")
	}
	e.out = append(e.out, &x)
}

// readers are the lines of a text that read what is edited.
func (e *madeEdit) readers(text string) []int {
	var out []int
	for i, line := range strings.Split(text, "\n") {
		if e.passive && strings.Contains(line, e.reads) {
			out = append(out, i+1)
		}
	}
	return out
}

// block edits a block: what it says, what it could say, its being there.
func (e *editMaker) block(b *hclsyntax.Block, body *schema.Body, place, address string, outer *schema.Block) {
	label := b.Type
	if len(b.Labels) > 0 {
		label = b.Labels[len(b.Labels)-1]
	}
	e.label = label
	from, to := b.TypeRange.Start.Byte, b.CloseBraceRange.End.Byte
	whole := e.text[from:to]
	e.put(madeEdit{place: place, sort: "dropped", block: address, from: from, to: to, first: e.line(from), last: e.line(to), named: []string{label}, gone: true})
	if (outer == nil || outer.Labelled) && len(b.Labels) > 0 {
		head := b.LabelRanges[len(b.LabelRanges)-1]
		twin := e.text[from:head.Start.Byte] + `"twin"` + e.text[head.End.Byte:to]
		e.put(madeEdit{place: place, sort: "doubled", block: address, from: to, to: to, text: "\n" + twin, first: e.line(to) + 1, last: e.line(to) + 1 + strings.Count(whole, "\n"), named: []string{"twin"}})
	}
	for _, name := range slices.Sorted(maps.Keys(b.Body.Attributes)) {
		e.attribute(b.Body.Attributes[name], body.Attr(name), place, address)
	}
	for i := range body.Attrs {
		if spec := &body.Attrs[i]; b.Body.Attributes[spec.Name] == nil {
			e.absent(b, spec, place, address)
		}
	}
	for i := range body.Blocks {
		if spec := &body.Blocks[i]; !slices.ContainsFunc(b.Body.Blocks, func(x *hclsyntax.Block) bool { return x.Type == spec.Name }) {
			e.absentBlock(b, spec, place, address)
		}
	}
	for _, in := range b.Body.Blocks {
		if spec := body.Block(in.Type); spec != nil {
			e.block(in, &spec.Body, place+" "+in.Type, address, spec)
		}
	}
}

// attribute edits one that is there.
func (e *editMaker) attribute(a *hclsyntax.Attribute, spec *schema.Attr, place, address string) {
	whole := a.SrcRange
	at := madeEdit{ofAttr: true, place: place + "." + a.Name, block: address, named: []string{a.Name}, first: whole.Start.Line, last: whole.End.Line}
	switch { // which are called by what they belong to
	case e.passive:
		at.named = append(at.named, e.label)
	case a.Name == "assert" && !strings.HasSuffix(place, "hypothesis"): // a rule is told by its own name, a hypothesis by the attribute
		at.named = []string{"rule[" + e.label + "]"}
	}
	if spec == nil || !e.isDefault(a.Expr, spec) {
		gone := at
		gone.sort, gone.from, gone.to = "dropped", whole.Start.Byte, whole.End.Byte
		e.put(gone)
	}
	in := func(r hcl.Range, sort, text string) {
		if text == e.at(r) { // it stands there
			return
		}
		x := at
		x.sort, x.from, x.to, x.text = sort, r.Start.Byte, r.End.Byte, text
		if spec != nil && spec.Type == schema.Address {
			x.about = []string{text}
		}
		e.put(x)
	}
	e.leaves(a.Expr, spec, in)
	if spec == nil {
		return
	}
	said := e.at(a.Expr.Range())
	for _, other := range spec.OneOf {
		if strconv.Quote(other) != said {
			in(a.Expr.Range(), "another of its words", strconv.Quote(other))
		}
	}
}

// leaves edits the values that an expression is written with.
func (e *editMaker) leaves(x hclsyntax.Expression, spec *schema.Attr, put func(hcl.Range, string, string)) {
	r := x.Range()
	said := e.at(r)
	switch x := x.(type) {
	case *hclsyntax.LiteralValueExpr:
		e.literal(said, r, put)
	case *hclsyntax.TemplateExpr:
		e.template(said, r, spec, put)
	case *hclsyntax.ScopeTraversalExpr:
		for _, other := range e.siblings(said) {
			put(r, "another reference", other)
		}
	case *hclsyntax.ParenthesesExpr:
		e.leaves(x.Expression, spec, put)
	case *hclsyntax.TupleConsExpr:
		e.list(x, spec, put)
	case *hclsyntax.ObjectConsExpr:
		for _, item := range x.Items {
			e.leaves(item.ValueExpr, spec, put)
		}
	case *hclsyntax.BinaryOpExpr:
		e.leaves(x.RHS, spec, put)
	}
}

func (e *editMaker) literal(said string, r hcl.Range, put func(hcl.Range, string, string)) {
	switch said {
	case "true":
		put(r, "flipped", "false")
	case "false":
		put(r, "flipped", "true")
	case "number":
		put(r, "another type", "string")
	default:
		if n, err := strconv.ParseFloat(said, 64); err == nil {
			if n != 0 {
				put(r, "another number", strconv.FormatFloat(n*0.9, 'g', 6, 64))
			}
			put(r, "a greater number", strconv.FormatFloat(n+1, 'g', 6, 64))
		}
	}
}

// template edits a text: another word, and whatever number stands in it.
func (e *editMaker) template(said string, r hcl.Range, spec *schema.Attr, put func(hcl.Range, string, string)) {
	if at := aDigest.FindStringIndex(said); at != nil {
		put(r, "another digest", said[:at[0]]+"0123"+said[at[0]+4:])
	}
	if at := aNumber.FindStringIndex(said); at != nil {
		other := "2"
		if said[at[0]:at[1]] == other {
			other = "3"
		}
		put(r, "another number in it", said[:at[0]]+other+said[at[1]:])
	}
	if !strings.HasPrefix(said, `"`) {
		put(r, "another text", strings.Replace(said, "\n", "\n    /* */ ", 1)) // a comment in SQL: kept as it is written
		return
	}
	put(r, "another text", strings.TrimSuffix(said, `"`)+`x"`)
	if spec != nil && spec.Type == schema.Duration {
		put(r, "another duration", `"46d"`)
	}
	if spec != nil && spec.Type == schema.SQLExpr {
		put(r, "another value", `"(`+strings.Trim(said, `"`)+`) + 0"`)
		put(r, "another condition", `"(`+strings.Trim(said, `"`)+`) and true"`)
	}
	if spec != nil && (spec.Type == schema.CEL || spec.Type == schema.Limits) {
		put(r, "another condition", `"(`+strings.Trim(said, `"`)+`) && 1.0 < 2.0"`)
	}
	if slices.Contains(e.files, said) {
		for _, other := range e.files {
			if other != said && filepath.Ext(strings.Trim(other, `"`)) == filepath.Ext(strings.Trim(said, `"`)) {
				put(r, "another file", other)
			}
		}
	}
	tried := 0
	for _, word := range e.likely(spec, said) {
		if word != said && tried < 40 {
			tried++
			put(r, "another word", word)
		}
	}
}

func (e *editMaker) list(x *hclsyntax.TupleConsExpr, spec *schema.Attr, put func(hcl.Range, string, string)) {
	r := x.Range()
	var parts []string
	for _, in := range x.Exprs {
		parts = append(parts, e.at(in.Range()))
		e.leaves(in, spec, put)
	}
	join := func(p []string) string { return "[" + strings.Join(p, ", ") + "]" }
	for i := range parts {
		put(r, "an element dropped", join(slices.Delete(slices.Clone(parts), i, i+1)))
	}
	if len(parts) > 1 && (spec == nil || !spec.Unordered) {
		swapped := slices.Clone(parts)
		swapped[0], swapped[1] = swapped[1], swapped[0]
		put(r, "reordered", join(swapped))
	}
	others := e.likely(spec, "")
	if len(parts) > 0 && !strings.HasPrefix(parts[0], `"`) {
		others = e.siblings(parts[0])
	}
	for _, other := range others {
		if !slices.Contains(parts, other) {
			put(r, "an element added", join(append(slices.Clone(parts), other)))
		}
	}
}

// likely are the words of the file, those first that the attribute may mean: where it names columns, these, and of them those of the type of
// the one that it names.
func (e *editMaker) likely(spec *schema.Attr, said string) []string {
	if spec == nil || spec.ColumnOf == "" {
		return e.words
	}
	rank := func(word string) int {
		typ, is := e.columns[word]
		switch {
		case is && typ == e.columns[said]:
			return 0
		case is:
			return 1
		}
		return 2
	}
	out := slices.Clone(e.words)
	slices.SortStableFunc(out, func(a, b string) int { return rank(a) - rank(b) })
	return out
}

// meant are the references that an attribute may have: of its kinds, where it says any.
func (e *editMaker) meant(spec *schema.Attr) []string {
	if len(spec.Kinds) == 0 {
		return e.references
	}
	return slices.DeleteFunc(slices.Clone(e.references), func(r string) bool {
		kind, _, _ := strings.Cut(r, ".")
		return !slices.Contains(spec.Kinds, kind)
	})
}

// siblings are references of the same kind.
func (e *editMaker) siblings(said string) []string {
	kind, _, _ := strings.Cut(said, ".")
	var out []string
	for _, other := range e.references {
		if other != said && strings.HasPrefix(other, kind+".") {
			out = append(out, other)
		}
	}
	return out
}

func (e *editMaker) isDefault(x hclsyntax.Expression, spec *schema.Attr) bool {
	return spec.Default != nil && fmt.Sprint(spec.Default) == strings.Trim(e.at(x.Range()), `"`)
}
