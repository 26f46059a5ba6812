package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
)

// dataVersion is what the files of a source were: each by name, size and digest, and one digest over all. Path is what
// the block said of where they are, Asks which of their tables it reads, where they hold several. In mlp.lock:
//
//	"source.payments": {"path": "data/*.csv", "digest": "blake3:0a1b…", "root": "data",
//	  "files": [{"name": "2026-01.csv", "size": 1734232, "digest": "blake3:77c2…"}]}
//
// The digest over all is of the names and digests of the files, so that a file that is renamed is another version.
type dataVersion struct {
	Path   string      `json:"path"`
	Asks   string      `json:"asks,omitempty"`
	Digest plan.Digest `json:"digest"`
	plan.External
}

// summary is a version in a few words: "12 files, 1734232 bytes, blake3:0a1b2c3d".
func (v dataVersion) summary() string {
	var size int64
	for _, f := range v.Files {
		size += f.Size
	}
	digest := string(v.Digest)
	return fmt.Sprintf("%s, %s, %s", counted(len(v.Files), "file"), counted(int(size), "byte"), digest[:min(len(digest), len("blake3:")+8)])
}

// check makes sure that the versions are whole: a digest that a hand has changed would name data that never was. And that
// pins are pins: a commit names a folder.
func (l *LockFile) check() error {
	for _, repository := range sortedKeys(l.Modules) {
		if err := l.Modules[repository].Check(); err != nil {
			return fmt.Errorf("the pin of %s: %w", repository, err)
		}
	}
	for _, address := range sortedKeys(l.Versions) {
		v := l.Versions[address]
		if v.Remote {
			if v.Digest != plan.VersionDigest(v.Version) || len(v.Files) > 0 {
				return fmt.Errorf("the digest of %s is not that of its version", address)
			}
			continue
		}
		for _, name := range v.Names() {
			if !filepath.IsLocal(filepath.FromSlash(name)) {
				return fmt.Errorf("%s reads %q, which is not below its folder", address, name)
			}
		}
		digest, err := plan.ExternalDigest(v.Files)
		if err != nil {
			return err
		}
		if digest != v.Digest {
			return fmt.Errorf("the digest of %s is not that of the files listed", address)
		}
	}
	return nil
}

// fetched reports whether what a block reads lies elsewhere: its version is in the state alone, since it is asked anew
// for each plan, and a pin in a file would hold it back.
func fetched(b *check.Block) bool {
	return slices.ContainsFunc(b.Derived, func(d schema.Derivation) bool { return d.Role == schema.FetchRole })
}

// fetches reports whether the address is that of the fetch of a block.
func (s *Session) fetches(stage string) bool {
	of, role := address.Of(stage)
	b := s.Module.Blocks[of]
	return role == string(schema.FetchRole) && b != nil && fetched(b)
}

// makesImage reports whether a stage's address is that of one which makes the image of a block's program, such as "train.model@image".
func (s *Session) makesImage(stage string) bool {
	of, role := address.Of(stage)
	b := s.Module.Blocks[of]
	return role == string(schema.ImageRole) && b != nil && b.Program != nil && b.Program.Image.Made != nil
}

// pinVersions adds the versions of sources and of models from files that have none yet, or none of their path, and forgets those of blocks that
// are gone. Sources whose files are not here keep what they had, also before an upgrade; those whose files are not the
// pinned ones are returned: a pin is not moved unless that is asked for.
func (s *Session) pinVersions(ctx context.Context, before map[string]dataVersion) (other []string, err error) {
	lock := s.Library.lock
	for _, address := range sortedKeys(lock.Versions) {
		if b := s.Module.Blocks[address]; b == nil || lock.Versions[address].Remote && !fetched(b) {
			delete(lock.Versions, address)
		}
	}
	for _, address := range s.Module.Order {
		b := s.Module.Blocks[address]
		if !b.TypeSpec.Pinned() || fetched(b) {
			continue
		}
		found, err := s.probe(ctx, b)
		if errors.Is(err, fs.ErrNotExist) {
			if old, ok := before[address]; ok {
				lock.Versions[address] = old
			}
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
		pin, ok := lock.Versions[address]
		switch {
		case !ok || pin.Path != found.Path || pin.Asks != found.Asks:
			lock.Versions[address] = found
		case pin.Digest != found.Digest:
			other = append(other, address)
		}
	}
	return other, nil
}
