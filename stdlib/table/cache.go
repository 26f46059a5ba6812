package table

import (
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/zeebo/blake3"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// cacheFormat moves when the meaning of cached answers does, for the same engine.
const cacheFormat = 1

// request is all that an answer depends on.
type request struct {
	Kind   string                   `json:"kind"`
	SQL    string                   `json:"sql"`
	Tables map[string]*schema.Table `json:"-"`
}

// answer is what the binder says to a request.
type answer struct {
	Columns  []schema.Column  `json:"columns,omitempty"`
	Problems []schema.Problem `json:"problems,omitempty"`
	// Flows answer requests of the kind "lineage", by column.
	Flows map[string]component.Flow `json:"flows,omitempty"`
}

func (r request) key() string {
	type column struct{ Name, Type string }
	tables := map[string][]column{}
	for name, t := range r.Tables {
		for _, c := range t.Columns {
			tables[name] = append(tables[name], column{c.Name, c.Type})
		}
		if len(t.Columns) == 0 {
			tables[name] = []column{}
		}
	}
	text, err := json.Marshal([]any{EngineVersion, cacheFormat, r, tables})
	if err != nil {
		return "" // strings and maps of strings always marshal
	}
	sum := blake3.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// cache keeps answers in memory and, where it has a folder, on disk. A file that cannot be read counts as absent, one
// that cannot be written is done without.
type cache struct {
	dir     string
	memory  map[string]answer
	written map[string]bool // folders that entries were added to
}

// mostInFolder bounds each of the 256 folders of a cache on disk, and so the whole: 262,144 answers, each of a few hundred
// bytes. Beyond it the oldest go.
const mostInFolder = 1024

func (c *cache) path(key string) string { return filepath.Join(c.dir, key[:2], key+".json") }

func (c *cache) get(key string) (answer, bool) {
	if a, ok := c.memory[key]; ok {
		return a, true
	}
	if c.dir == "" {
		return answer{}, false
	}
	text, err := os.ReadFile(c.path(key))
	if err != nil {
		return answer{}, false
	}
	var stored struct {
		Key    string
		Answer answer
	}
	if json.Unmarshal(text, &stored) != nil || stored.Key != key {
		return answer{}, false
	}
	c.memory[key] = stored.Answer
	return stored.Answer, true
}

func (c *cache) put(key string, a answer) {
	c.memory[key] = a
	if c.dir == "" {
		return
	}
	text, err := json.Marshal(map[string]any{"Key": key, "Answer": a})
	if err != nil {
		return
	}
	path := c.path(key)
	if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	if c.written == nil {
		c.written = map[string]bool{}
	}
	c.written[filepath.Dir(path)] = true
	writeWhole(path, text)
}

// prune removes the oldest answers of folders that have grown beyond bounds, and what was left half written by a process
// that died. What is removed is asked anew.
func (c *cache) prune(most int) {
	for dir := range c.written {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) <= most {
			continue
		}
		infos := make([]fs.FileInfo, 0, len(entries))
		for _, e := range entries {
			if info, err := e.Info(); err == nil {
				infos = append(infos, info)
			}
		}
		slices.SortFunc(infos, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
		for _, info := range infos[:max(len(infos)-most*3/4, 0)] {
			os.Remove(filepath.Join(dir, info.Name()))
		}
	}
	c.written = nil
}

// writeWhole makes a file appear with all its content or not at all.
func writeWhole(path string, text []byte) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return
	}
	_, err = f.Write(text)
	if f.Close() != nil || err != nil || os.Rename(f.Name(), path) != nil {
		os.Remove(f.Name())
	}
}
