// Package hashcache digests files outside of a store, and remembers the digests by what the files look like. It is of one
// machine and may be lost: then the files are read again.
package hashcache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store/seal"
)

// hashed is a file's digest and what the file was like then.
type hashed struct {
	scratch.Stamp
	Digest plan.Digest `json:"digest"`
}

// Cache are the digests of files outside by absolute path. They are read once and written seldom: a pipeline may have
// thousands of sources. A Cache is safe for concurrent use, also by several processes.
type Cache struct {
	place *scratch.Place

	mu    sync.Mutex
	known map[string]hashed // nil until asked for
	fresh map[string]hashed // not written yet
	bytes int64             // that were read for those
}

// New returns the cache that a place has.
func New(place *scratch.Place) *Cache { return &Cache{place: place} }

// Save writes down what was hashed since, however little it was.
func (c *Cache) Save() error { return c.writeHashes(0) }

// racy is how close to its hashing a file may have been changed so that a second change could hide in the same
// reading of the clock.
const racy = 2 * time.Second

// HashFiles digests files outside, given by names (with forward slashes) below root, which is relative to dir or
// absolute. The digest covers names and contents. Files hashed before and untouched since are not read again. A file
// that is not there is an error that is os.ErrNotExist.
func (c *Cache) HashFiles(ctx context.Context, dir, root string, names []string) (plan.External, plan.Digest, error) {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	base := root
	if !filepath.IsAbs(base) {
		base = filepath.Join(dir, root)
	}
	base, err := filepath.Abs(base)
	if err != nil {
		return plan.External{}, "", fmt.Errorf("hashing files: %w", err)
	}
	ext := plan.External{Root: root, Files: make([]plan.ExternalFile, 0, len(names))}
	for _, name := range names {
		path := filepath.Join(base, filepath.FromSlash(name))
		if target, err := os.Readlink(path); err == nil && filepath.IsAbs(target) {
			path = target // remembered by what it is, whatever leads to it
		}
		h, fresh, err := hashFile(ctx, path, c.rememberedHash(path))
		if err != nil {
			return plan.External{}, "", fmt.Errorf("hashing files: %w", err)
		}
		if fresh && time.Since(time.Unix(0, max(h.Mtime, h.Ctime))) > racy {
			c.remember(path, h)
		}
		ext.Files = append(ext.Files, plan.ExternalFile{Name: name, Size: h.Size, Digest: h.Digest})
	}
	if err := c.writeHashes(worthWriting); err != nil {
		return plan.External{}, "", err
	}
	digest, err := plan.ExternalDigest(ext.Files)
	return ext, digest, err
}

// hashFile returns the file's digest, from the cache where it is trusted; fresh tells that the file was read.
func hashFile(ctx context.Context, path string, known hashed) (h hashed, fresh bool, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe is not waited for
	if err != nil {
		return hashed{}, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return hashed{}, false, err
	}
	if !info.Mode().IsRegular() {
		return hashed{}, false, fmt.Errorf("%s is not a regular file", path)
	}
	for range 5 {
		before, err := scratch.StampOf(f)
		if err != nil {
			return hashed{}, false, err
		}
		if known.Digest != "" && known.Stamp == before {
			return known, fresh, nil
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return hashed{}, false, err
		}
		digest, err := seal.Copy(ctx, io.Discard, f)
		if err != nil {
			return hashed{}, false, fmt.Errorf("reading %s: %w", path, err)
		}
		known, fresh = hashed{before, digest}, true // returned if the next look finds it untouched
	}
	return hashed{}, false, fmt.Errorf("%s is being written to while it is read", path)
}

func (c *Cache) hashesPath() string { return c.place.Path("cache", "files.json") }

// sealedHashes is what they are called in their file.
const sealedHashes = "files"

// worthWriting is from how many bytes on it would hurt to read them again, should the process be killed.
const worthWriting = 64 << 20

// rememberedHash is what is known of a file, from this run or an earlier one; zero if nothing is. The caller compares the
// stamp.
func (c *Cache) rememberedHash(path string) hashed {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h, ok := c.fresh[path]; ok {
		return h
	}
	if c.known == nil {
		c.known = c.readHashes()
	}
	return c.known[path]
}

func (c *Cache) remember(path string, h hashed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fresh == nil {
		c.fresh = map[string]hashed{}
	}
	c.fresh[path] = h
	c.bytes += h.Size
}

// readHashes returns what is remembered on disk. It may be lost: then files are read again.
func (c *Cache) readHashes() map[string]hashed {
	known := map[string]hashed{}
	data, err := os.ReadFile(c.hashesPath())
	if err != nil {
		return known
	}
	if body, _, err := seal.Unseal(sealedHashes, data); err != nil || json.Unmarshal(body, &known) != nil {
		return map[string]hashed{}
	}
	return known
}

// writeHashes adds what was hashed to what is remembered on disk, if it was as many bytes, and forgets files that are
// gone. Two processes at once may lose each other's additions, never mix them. A store that cannot be written to goes
// without.
func (c *Cache) writeHashes(atLeast int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.fresh) == 0 || c.bytes < atLeast {
		return nil
	}
	known := c.readHashes()
	for path := range known {
		if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
			delete(known, path)
		}
	}
	maps.Copy(known, c.fresh)
	c.known, c.fresh, c.bytes = known, nil, 0
	body, err := json.Marshal(known)
	if err != nil {
		return fmt.Errorf("remembering digests of files: %w", err)
	}
	data, _ := seal.Seal(sealedHashes, body)
	if err := c.place.Replace(c.hashesPath(), data); err != nil && !errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("remembering digests of files: %w", err)
	}
	return nil
}
