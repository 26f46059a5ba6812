// Package cache keeps in a file what was worked out before and can be worked out again at any time: answers by key.
//
// A file that is damaged or cannot be read counts as empty, one that cannot be written is done without. Several processes
// may share it: each reads it whole and replaces it whole, and what only another one found out meanwhile is kept.
//
// The answers that one process asked for can be handed to others elsewhere as a pack, see pack.go.
package cache

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/zeebo/blake3"
)

// Key tells answers apart: a digest of all that an answer depends on.
type Key = [32]byte

// maxSize is how large the file becomes, in bytes. Beyond it the answers go that were not asked for the longest.
const maxSize = 64 << 20

// The file: magic, the BLAKE3 sum of all that follows, and the answers, those asked for last in front. Each is its key, its
// length as a varint, and its bytes.
const magic = "mlp cache 1\n"

// File is a cache. It is safe for concurrent use.
type File struct {
	path string

	mu      sync.Mutex
	read    bool
	entries map[Key]*entry
	added   bool

	behind func() map[Key]*entry // nil: nothing
	asked  sync.Once             // of what is behind
}

// entry is an answer in memory. rank orders those that were not asked for, as they stood in the file.
type entry struct {
	value []byte
	asked bool // since the file was read
	rank  int  // in the file
}

// At returns the cache that is kept at path. It is read when it is first asked.
func At(path string) *File { return &File{path: path} }

// Read reads the file now, so that who asks first need not wait for it.
func (f *File) Read() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.load()
}

// Get returns the answer to a key. The bytes must not be changed. The first key that the file does not have waits for what
// is behind it.
func (f *File) Get(key Key) ([]byte, bool) {
	if value, ok := f.get(key); ok || f.behind == nil {
		return value, ok
	}
	f.asked.Do(f.takeBehind)
	return f.get(key)
}

func (f *File) get(key Key) ([]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.load()
	e := f.entries[key]
	if e == nil {
		return nil, false
	}
	e.asked = true
	return e.value, true
}

// Put remembers an answer; the bytes must not be changed afterwards. It is in the file once that is saved.
func (f *File) Put(key Key, value []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.load()
	f.entries[key] = &entry{value: value, asked: true}
	f.added = true
}

// Save writes the file if anything is new. The cache can be used on.
func (f *File) Save() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.added {
		return
	}
	f.added = false
	for key, e := range decode(f.path) {
		if f.entries[key] == nil {
			f.entries[key] = e
		}
	}
	if os.MkdirAll(filepath.Dir(f.path), 0o755) == nil {
		writeWhole(f.path, encode(f.entries))
	}
}

// load reads the file, once. A later change by another process is seen when this one saves.
func (f *File) load() {
	if !f.read {
		f.entries, f.read = decode(f.path), true
	}
}

// decode reads a file's answers; none if anything is wrong with it.
func decode(path string) map[Key]*entry {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSize {
		return map[Key]*entry{}
	}
	text, err := os.ReadFile(path)
	body, ok := opened(magic, text)
	if err != nil || !ok {
		return map[Key]*entry{}
	}
	return entriesOf(body)
}

// opened returns what stands behind a magic word and the sum of it; false if either is wrong.
func opened(magic string, text []byte) ([]byte, bool) {
	body, ok := bytes.CutPrefix(text, []byte(magic))
	if !ok || len(body) < len(Key{}) {
		return nil, false
	}
	sum, rest := body[:len(Key{})], body[len(Key{}):]
	got := blake3.Sum256(rest)
	return rest, bytes.Equal(got[:], sum)
}

// entriesOf reads answers one after the other; none if anything is wrong with one.
func entriesOf(rest []byte) map[Key]*entry {
	out := map[Key]*entry{}
	for rank := 0; len(rest) > 0; rank++ {
		if len(rest) < len(Key{}) {
			return map[Key]*entry{}
		}
		key := Key(rest)
		size, n := binary.Uvarint(rest[len(key):])
		if n <= 0 || size > uint64(len(rest)-len(key)-n) {
			return map[Key]*entry{}
		}
		rest = rest[len(key)+n:]
		out[key] = &entry{value: rest[:size:size], rank: rank}
		rest = rest[size:]
	}
	return out
}

// encode writes a file. What was asked for in this run stands first, by key, then the rest in the order that it had in the
// file, until the file is full; so what is not asked for any more falls off the end.
func encode(entries map[Key]*entry) []byte {
	return seal(magic, nil, inOrder(entries), maxSize)
}

// record is an answer with its key.
type record struct {
	key Key
	*entry
}

// inOrder are the answers as they stand in a file.
func inOrder(entries map[Key]*entry) []record {
	all := make([]record, 0, len(entries))
	for key, e := range entries {
		all = append(all, record{key, e})
	}
	slices.SortFunc(all, func(a, b record) int {
		switch {
		case a.asked && b.asked:
			return bytes.Compare(a.key[:], b.key[:])
		case a.asked:
			return -1
		case b.asked:
			return 1
		}
		return cmp.Or(cmp.Compare(a.rank, b.rank), bytes.Compare(a.key[:], b.key[:]))
	})
	return all
}

// seal writes a magic word, a BLAKE3 digest of the rest, a head, and key, length and value of each answer, as many as fit.
func seal(magic string, head []byte, all []record, limit int) []byte {
	out := make([]byte, len(magic)+len(Key{}))
	copy(out, magic)
	out = append(out, head...)
	for _, r := range all {
		if len(out)+len(r.key)+binary.MaxVarintLen64+len(r.value) > limit {
			break
		}
		out = append(out, r.key[:]...)
		out = binary.AppendUvarint(out, uint64(len(r.value)))
		out = append(out, r.value...)
	}
	sum := blake3.Sum256(out[len(magic)+len(Key{}):])
	copy(out[len(magic):], sum[:])
	return out
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
