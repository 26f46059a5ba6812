package syntax

import (
	"bytes"
	"sync"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// Cache parses the same files again and again, as an editor does; files that have not changed since the last call are not decoded
// again. Several results then share their blocks, so that callers must not change them. A cache is for one module; it is not safe for
// concurrent use.
type Cache struct {
	cat   *schema.Catalog
	files map[string]remembered
}

// remembered is a file as it was parsed; another text is parsed anew. Texts are compared and not hashed: they are at
// hand.
type remembered struct {
	text   []byte
	parsed *parsedFile
}

// NewCache returns a cache without any files.
func NewCache(cat *schema.Catalog) *Cache {
	return &Cache{cat: cat, files: map[string]remembered{}}
}

// Parse does what the function Parse does, and decodes only files whose text differs from that of the call before; files that are no
// longer handed in are forgotten. It must not be called twice at the same time. Texts must not be changed afterwards.
func (c *Cache) Parse(files map[string][]byte) (*Module, source.Diagnostics) {
	var mu sync.Mutex
	next := make(map[string]remembered, len(files))
	m, ds := parseFiles(files, c.cat, func(name string, text []byte) *parsedFile {
		r, ok := c.files[name]
		if !ok || !bytes.Equal(r.text, text) {
			r = remembered{text: text, parsed: decodeFile(NewFile(name, text), c.cat)}
		}
		mu.Lock()
		defer mu.Unlock()
		next[name] = r
		return r.parsed
	})
	c.files = next
	return m, ds
}
