package workspace

import (
	"context"
	"encoding/json"

	"github.com/zeebo/blake3"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/scratch/hashcache"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// looking finds the columns of files that nothing declares or pins, which takes as long as to read them all. What was
// found is kept by the files' contents, so that a second plan over a file of 200 MB costs what one over a pinned one
// does.
type looking struct {
	of     *component.Component //
	dir    string               // of the files
	names  []string
	config json.RawMessage
}

// columns looks at the files, or knows them from before. Whatever goes wrong with keeping is passed over: the files are
// looked at. A file that changes while it is hashed has another digest the next time.
func (l *Library) columns(ctx context.Context, look looking) ([]schema.Column, error) {
	sniff := func() ([]schema.Column, error) { return look.of.Source.Sniff(ctx, look.dir, look.names, look.config) }
	if l.answers == nil {
		return sniff()
	}
	hashes := hashcache.New(scratch.At(l.storeDir))
	files, digest, err := hashes.HashFiles(ctx, l.dir, look.dir, look.names)
	if err != nil {
		return sniff() // which tells what is wrong with them
	}
	_ = hashes.Save() // else they are hashed again
	key, err := look.key(files, digest)
	if err != nil {
		return nil, err
	}
	if data, ok := l.answers.Get(key); ok {
		var columns []schema.Column
		if json.Unmarshal(data, &columns) == nil {
			return columns, nil
		}
	}
	columns, err := sniff()
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(columns)
	if err == nil {
		l.answers.Put(key, data)
	}
	return columns, err
}

// key is the digest of all that the columns depend on. The version of the engine is part of it, since another one may
// guess other types of the same bytes.
func (look looking) key(files plan.External, digest plan.Digest) ([32]byte, error) {
	data, err := json.Marshal(struct {
		Question, Engine, Component string
		Version                     int
		Config                      json.RawMessage
		Files                       []plan.ExternalFile
		Digest                      plan.Digest
	}{"columns", table.EngineVersion, look.of.Name(), look.of.Type.Version, look.config, files.Files, digest})
	return blake3.Sum256(data), err
}
