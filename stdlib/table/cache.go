package table

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"

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
	dir    string
	memory map[string]answer
}

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
	writeWhole(path, text)
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
