package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/fetch"
)

const lockName = "mlp.lock"

// lockFile pins what was found outside: the columns of sources that declare none, which data sources had, and the commits of
// modules that are fetched. It is kept with the .mlp files.
type lockFile struct {
	Format   int                        `json:"format"`
	Schemas  map[string][]schema.Column `json:"schemas"`            // by address
	Versions map[string]dataVersion     `json:"versions,omitempty"` // by address
	Modules  map[string]fetch.Pin       `json:"modules,omitempty"`  // by repository, as fetch.Source names it
}

const lockFormat = 1

func newLock() *lockFile {
	return &lockFile{Format: lockFormat, Schemas: map[string][]schema.Column{}, Versions: map[string]dataVersion{}, Modules: map[string]fetch.Pin{}}
}

func readLock(dir string) (*lockFile, error) {
	data, err := readDocument(filepath.Join(dir, lockName))
	if errors.Is(err, fs.ErrNotExist) {
		return newLock(), nil
	}
	if err != nil {
		return nil, err
	}
	l, err := parseLock(data)
	if err != nil {
		return nil, &failure{err: fmt.Errorf("reading %s: %w", lockName, err), hint: "Take it from version control, or make it anew: mlp init --upgrade"}
	}
	return l, nil
}

// parseLock reads a lock file. What is not known in it is refused: a misspelt pin would pin nothing, and nobody would notice.
func parseLock(data []byte) (*lockFile, error) {
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, source.JSONError(data, err)
	}
	if version.Format != lockFormat {
		return nil, fmt.Errorf("it has format %d; this mlp knows format %d", version.Format, lockFormat)
	}
	l := &lockFile{}
	if err := source.DecodeJSON(data, l); err != nil {
		return nil, err
	}
	empty := newLock()
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

// move takes for sources that are moved what is pinned under their former address.
func (l *lockFile) move(m *resolve.Module) {
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

// write replaces the file as a whole; true if it changed.
func (l *lockFile) write(dir string) (bool, error) {
	data, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return false, err
	}
	data = append(data, '\n')
	path := filepath.Join(dir, lockName)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return false, nil
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return false, err
	}
	return true, os.Rename(tmp, path)
}
