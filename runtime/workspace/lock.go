package workspace

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/fetch"
)

// LockName is the file beside the .mlp files that pins are kept in. It belongs into version control.
const LockName = "mlp.lock"

// LockFile pins what was found outside: the columns of sources that declare none, which data sources had, and the
// commits of modules that are fetched. It is kept with the .mlp files, so that everybody plans with the same:
//
//	{
//	  "format": 1,
//	  "schemas": {"source.payments": [{"name": "id", "type": "bigint"}]},
//	  "versions": {"source.payments": {"path": "data/*.csv", "digest": "blake3:…", "files": […]}},
//	  "modules": {"git::https://…": {"commit": "…", "digest": "…"}}
//	}
//
// Maps are never nil. Keys are written sorted, so that a change is seen in version control as what it is.
type LockFile struct {
	Format   int                        `json:"format"`
	Schemas  map[string][]schema.Column `json:"schemas"`            // by address
	Versions map[string]dataVersion     `json:"versions,omitempty"` // by address
	Modules  map[string]fetch.Pin       `json:"modules,omitempty"`  // by repository, as fetch.Source names it
}

// lockFormat is the format that is written, and the only one that is read.
const lockFormat = 1

// NewLock is a lock file that pins nothing.
func NewLock() *LockFile {
	return &LockFile{Format: lockFormat, Schemas: map[string][]schema.Column{}, Versions: map[string]dataVersion{}, Modules: map[string]fetch.Pin{}}
}

// ReadLock reads the lock file of a module's folder; an empty one if there is none.
// A file that is damaged is an error and not an empty one: without pins every source would be looked at again and pinned
// to what is there today.
func ReadLock(dir string) (*LockFile, error) {
	data, err := ReadDocument(filepath.Join(dir, LockName))
	if errors.Is(err, fs.ErrNotExist) {
		return NewLock(), nil
	}
	if err != nil {
		return nil, err
	}
	l, err := parseLock(data)
	if err != nil {
		return nil, &Failure{Err: fmt.Errorf("reading %s: %w", LockName, err), Hint: "Take it from version control, or make it anew: mlp init --upgrade"}
	}
	return l, nil
}

// parseLock reads a lock file. What is not known in it is refused: a misspelt pin would pin nothing, and nobody would notice.
// A file of another format is refused as a whole; this program does not guess what a later one means.
func parseLock(data []byte) (*LockFile, error) {
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, source.JSONError(data, err)
	}
	if version.Format != lockFormat {
		return nil, fmt.Errorf("it has format %d; this mlp knows format %d", version.Format, lockFormat)
	}
	l := &LockFile{}
	if err := source.DecodeJSON(data, l); err != nil {
		return nil, err
	}
	// An empty section is left out of the file, and is read as an empty map.
	empty := NewLock()
	if l.Schemas == nil {
		l.Schemas = empty.Schemas
	}
	if l.Versions == nil {
		l.Versions = empty.Versions
	}
	if l.Modules == nil {
		l.Modules = empty.Modules
	}
	return l, l.check()
}

// move takes for sources that are moved what is pinned under their former address. The former pins are left, and a pin
// of the new address comes first.
func (l *LockFile) move(m *resolve.Module) {
	for _, b := range m.Blocks {
		for _, x := range m.Formers(b.Address) {
			if columns, ok := l.Schemas[x.From]; ok && l.Schemas[b.Address] == nil {
				l.Schemas[b.Address] = columns
			}
			if _, ok := l.Versions[b.Address]; !ok {
				if v, ok := l.Versions[x.From]; ok {
					l.Versions[b.Address] = v
				}
			}
		}
	}
}

// write replaces the file as a whole; true if it changed. A file that says the same is not touched, so that its time
// stays.
func (l *LockFile) write(dir string) (bool, error) {
	data, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return false, err
	}
	data = append(data, '\n')
	path := filepath.Join(dir, LockName)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return false, nil
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return false, err
	}
	return true, os.Rename(tmp, path)
}

// Pinned says in words what is pinned: "the columns of source.a; the data of source.a, source.b".
func (l *LockFile) Pinned() string {
	var parts []string
	add := func(what string, names []string) {
		if len(names) > 0 {
			parts = append(parts, what+strings.Join(names, ", "))
		}
	}
	add("the columns of ", sortedKeys(l.Schemas))
	add("the data of ", slices.DeleteFunc(sortedKeys(l.Versions), func(address string) bool { return l.Versions[address].Remote }))
	add("the commits of ", sortedKeys(l.Modules))
	return cmp.Or(strings.Join(parts, "; "), "nothing needs a pin")
}
