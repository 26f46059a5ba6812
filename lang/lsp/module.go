package lsp

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// document is a file that is open in the editor. text is replaced and never changed, so an analysis may go on with the
// one that it was given.
type document struct {
	uri     string // as the client wrote it, for answers: clients compare addresses by their letters
	version int    // counted by the client, and given back with diagnostics
	name    string
	text    *text
	cat     *schema.Catalog
	outline *tree // of the text; nil until somebody asks
}

// tree is the outline of the file. Diagnostics do without, so it is made when it is first asked for.
func (d *document) tree() *tree {
	if d.outline == nil {
		d.outline = newTree(d.name, d.text, d.cat)
	}
	return d.outline
}

// module is a folder of files, of which some are open, with what was last found out of it.
type module struct {
	dir  string
	cat  *schema.Catalog
	open map[string]*document // by name
	disk map[string]*saved    // by name

	changed  bool // since the analysis //
	analysis *Analysis
	// known holds what each block was last seen to yield, for those that are broken at the moment.
	known map[string]*Block
	// published are the files that the client has diagnostics of.
	published map[string]bool
}

// saved is a file on disk, as last read.
type saved struct {
	size    int64
	changed time.Time
	tree    *tree
}

// newModule is a folder, or one file of tests, which has kinds of its own. dir may also be the address of a text that
// is no file, such as untitled:Untitled-1.
func newModule(dir string, cat *schema.Catalog) *module {
	if strings.HasSuffix(dir, syntax.TestExtension) {
		cat = schema.TestCatalog()
	}
	return &module{dir: dir, cat: cat, open: map[string]*document{}, disk: map[string]*saved{}, known: map[string]*Block{}, published: map[string]bool{}}
}

// split takes a document's address into folder and name. An address that is no file's is a module of its own; so is a
// file of tests, under its own path, for it is no part of the module that it tests.
//
//	file:///home/a/fraud/train.mlp      /home/a/fraud             train.mlp
//	file:///c:/fraud/train.mlp          c:\fraud                  train.mlp       on Windows
//	file:///home/a/fraud/x.mlptest      /home/a/fraud/x.mlptest   x.mlptest
//	untitled:Untitled-1                 untitled:Untitled-1       untitled.mlp
func split(uri string) (dir, name string) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" {
		return uri, "untitled.mlp"
	}
	path := u.Path
	if len(path) > 2 && path[0] == '/' && path[2] == ':' {
		path = path[1:] // /c:/folder
	}
	path = filepath.FromSlash(path)
	if dir, name = filepath.Dir(path), filepath.Base(path); strings.HasSuffix(name, syntax.TestExtension) {
		return path, name
	}
	return dir, name
}

// uri of a file of the module: as the client names it if it is open, else made of the path, with what needs it escaped.
func (m *module) uri(name string) string {
	if d := m.open[name]; d != nil {
		return d.uri
	}
	path := filepath.ToSlash(filepath.Join(m.dir, name))
	if strings.HasSuffix(m.dir, syntax.TestExtension) {
		path = filepath.ToSlash(m.dir)
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// trees are the outlines of all files, sorted by name: open ones as they are in the editor, others as on disk.
func (m *module) trees() []*tree {
	m.refresh()
	out := make([]*tree, 0, len(m.open)+len(m.disk))
	for _, d := range m.open {
		out = append(out, d.tree())
	}
	for name, s := range m.disk {
		if m.open[name] == nil {
			out = append(out, s.tree)
		}
	}
	slices.SortFunc(out, func(a, b *tree) int { return strings.Compare(a.name, b.name) })
	return out
}

// refresh looks at the folder for files that are new, gone or changed. It is called by every request that needs the
// other files, since not all editors watch folders; the files are read only where size or time differ.
func (m *module) refresh() {
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		m.disk = map[string]*saved{}
		return
	}
	// A file counts as unchanged by its size and time. Files that are open are taken from the editor.
	found := map[string]bool{}
	for _, e := range entries {
		name := e.Name()
		if filepath.Ext(name) != syntax.Extension || strings.HasPrefix(name, ".") || m.open[name] != nil {
			continue
		}
		info, err := os.Stat(filepath.Join(m.dir, name))
		if err != nil || !info.Mode().IsRegular() || info.Size() > syntax.MaxFileSize {
			continue
		}
		found[name] = true
		if s := m.disk[name]; s != nil && s.size == info.Size() && s.changed.Equal(info.ModTime()) {
			continue
		}
		src, ds := syntax.ReadFile(filepath.Join(m.dir, name), name)
		if ds.HasErrors() {
			delete(found, name)
			continue
		}
		m.disk[name] = &saved{size: info.Size(), changed: info.ModTime(), tree: newTree(name, newText(string(src)), m.cat)}
	}
	for name := range m.disk {
		if !found[name] {
			delete(m.disk, name)
		}
	}
}

// texts are those of all files by name, open ones as they are in the editor. The map is the caller's.
func (m *module) texts() map[string]*text {
	m.refresh()
	out := map[string]*text{}
	for name, s := range m.disk {
		out[name] = s.tree.text
	}
	for name, d := range m.open {
		out[name] = d.text
	}
	return out
}

// files are the texts for the compiler, without byte order marks.
func files(texts map[string]*text) map[string][]byte {
	out := map[string][]byte{}
	for name, t := range texts {
		out[name] = []byte(t.src)
	}
	return out
}

// learn takes what the compiler has found. What an analysis could not tell of a block that it names stays as it was
// before: a train block whose target is half written has no figures now, and its evaluation is still completed by the
// former ones. Blocks that an analysis does not name at all stay known too, for most of them are broken and come back.
func (m *module) learn(a *Analysis) {
	m.analysis = a
	for address, b := range a.Blocks {
		old := m.known[address]
		kept := *b
		if old != nil && len(kept.Out) == 0 {
			kept.Out = old.Out
		}
		if old != nil && kept.Figures == nil {
			kept.Figures = old.Figures
		}
		if old != nil && kept.Env == nil {
			kept.Env = old.Env
		}
		m.known[address] = &kept
	}
}

// definitions of the whole module by address. Of two of one address the first by file and place counts.
func (m *module) definitions() map[string]*definition {
	out := map[string]*definition{}
	for _, t := range m.trees() {
		for address, d := range t.definitions() {
			if out[address] == nil {
				out[address] = d
			}
		}
	}
	return out
}

// block is what is known of the block at address; of repeated blocks, of the first instance by name, since all have the
// same ports. Nil if nothing is known.
func (m *module) block(address string) *Block {
	if b := m.known[address]; b != nil {
		return b
	}
	first := ""
	for a := range m.known {
		if strings.HasPrefix(a, address+"[") && (first == "" || a < first) {
			first = a
		}
	}
	return m.known[first]
}

// table is the schema of a table that is referred to, by port or as the block's own; nil if it is not known.
func (m *module) table(u *use, defs map[string]*definition) *schema.Table {
	b, d := m.block(u.address), defs[u.address]
	if b == nil || d == nil || d.block.typeSpec == nil {
		return nil
	}
	port := u.port.text
	if port == "" {
		own := schema.OwnPort(d.block.typeSpec.Out)
		if own == nil {
			return nil
		}
		port = own.Name
	}
	return b.Out[port].Table
}

// inputs are the tables that an argument of a block refers to, by the name that queries give them: the block's name, or
// the key in `from = { p = source.payments }`. References that lead nowhere are left out.
func (m *module) inputs(b *block, attr string) map[string]*schema.Table {
	out := map[string]*schema.Table{}
	a := b.top().attr(attr)
	if a == nil {
		return out
	}
	defs := m.definitions()
	for _, t := range m.trees() {
		if t.owns(b.top()) {
			for _, u := range t.references(a, m.cat) {
				name := u.name.text
				if u.key.text != "" {
					name = u.key.text
				}
				if table := m.table(u, defs); table != nil {
					out[name] = table
				}
			}
		}
	}
	return out
}

// owns reports whether b is a block of this file.
func (t *tree) owns(b *block) bool { return slices.Contains(t.blocks, b) }

// tables are those in the scope of an SQL argument: of from, unless its schema names another argument.
func (m *module) tables(a *attr) map[string]*schema.Table {
	from := "from"
	if a.spec != nil && a.spec.Tables != "" {
		from = a.spec.Tables
	}
	return m.inputs(a.block, from)
}

// env is what the rules of a block see. Where the compiler could not tell, because the gate is new or broken, it is
// what the first other block of rules sees: gates of a module see much the same. Checks see their own table alone, and
// have no such stand-in, nor are one. Nil if nothing is known.
func (m *module) env(b *block) *schema.FigureType {
	top := b.top()
	if k := m.block(top.address()); k != nil && k.Env != nil {
		return k.Env
	}
	if top.kind.text == "check" {
		return nil
	}
	first := ""
	for address, k := range m.known {
		if k.Env != nil && !strings.HasPrefix(address, "check.") && (first == "" || address < first) {
			first = address
		}
	}
	if first == "" {
		return nil
	}
	return m.known[first].Env
}
