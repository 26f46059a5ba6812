package rule

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/google/cel-go/common/ast"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// Answers keeps which rules were found to be sound, by a digest of all that this depends on. It may forget any of it, and
// is safe for concurrent use. Bytes handed over in either direction are not changed.
type Answers interface {
	Get(key [32]byte) ([]byte, bool)
	Put(key [32]byte, value []byte)
}

// Cache remembers environments and the rules compiled in them, for those that compile the same module again and again,
// as an editor does. It is safe for concurrent use. What Compile returns is shared: neither rules nor diagnostics may
// be changed.
type Cache struct {
	answers Answers // nil: none are kept
	version string

	mu    sync.Mutex
	envs  map[[32]byte]*Env // by the digest of their type
	rules map[ruleKey]compiled
	// types are the digests of what stood at the top of an environment: many have the same variables.
	types map[*schema.FigureType][32]byte
}

// ruleKey tells rules apart: the same text at the same place of the same environment is the same rule.
type ruleKey struct {
	env   *Env
	value string
	at    source.Range
}

// compiled is what Compile answered. Its ranges are those of the first text; the cache's key has the place.
type compiled struct {
	rule *Rule
	ds   source.Diagnostics
}

// What a cache holds at most, before it starts again with nothing.
const (
	maxEnvs  = 256
	maxRules = 20_000
)

// NewCache returns an empty cache, which keeps no answers beyond the process.
func NewCache() *Cache {
	return &Cache{envs: map[[32]byte]*Env{}, rules: map[ruleKey]compiled{}, types: map[*schema.FigureType][32]byte{}}
}

// NewKeptCache returns a cache that also keeps in answers which rules are sound, for other processes of the same
// version. version must differ wherever another program might judge rules otherwise. A kept rule is parsed when it is
// first decided; that saves the environment of cel-go, which takes longer to make than most rules take to check.
func NewKeptCache(answers Answers, version string) *Cache {
	c := NewCache()
	c.answers, c.version = answers, version
	return c
}

// Env does what NewEnv does. Types that say the same give the same environment, wherever they come from. They must not
// be changed afterwards.
func (c *Cache) Env(root *schema.FigureType) (*Env, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	digest, err := c.digest(root)
	if err != nil {
		return nil, fmt.Errorf("making a rule environment: %w", err)
	}
	if e := c.envs[digest]; e != nil {
		return e, nil
	}
	if len(c.envs) >= maxEnvs {
		clear(c.envs)
		clear(c.rules)
		clear(c.types)
	}
	e := newEnv(root)
	e.digest = digest
	c.envs[digest] = e
	return e, nil
}

// digest of a sound type that rules may see the fields of. The digests of the fields are remembered by their pointers:
// the types of variables and of called modules stand in the environments of all gates.
func (c *Cache) digest(root *schema.FigureType) ([32]byte, error) {
	if err := isRoot(root); err != nil {
		return [32]byte{}, err
	}
	text := addStrings(nil, root.Withheld)
	for _, name := range sortedKeys(root.Fields) {
		t := root.Fields[name]
		digest, known := c.types[t]
		if !known {
			if err := sound(name, t); err != nil {
				return [32]byte{}, err
			}
			digest = sha256.Sum256(describe(nil, t))
			c.types[t] = digest
		}
		text = append(addString(text, name), digest[:]...)
	}
	return sha256.Sum256(text), nil
}

// Compile does what the environment's Compile does. The environment is one of the cache's.
// Two goroutines may compile one rule at a time; both results are the same. When the cache is full it is emptied, since
// the oldest rules of an editor's session are of texts that are gone.
func (c *Cache) Compile(e *Env, t source.Text) (*Rule, source.Diagnostics) {
	key := ruleKey{env: e, value: t.Value, at: t.Range}
	c.mu.Lock()
	r, ok := c.rules[key]
	c.mu.Unlock()
	if ok {
		return r.rule, r.ds
	}
	r.rule, r.ds = c.compile(e, t) // side by side with others
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.rules) >= maxRules {
		clear(c.rules)
	}
	c.rules[key] = r
	return r.rule, r.ds
}

// compile takes the answer of an earlier run if version, environment and text are the same. Only rules without any
// diagnostic are kept: then what the rule reads is all there is to know, and the text is parsed once it is evaluated.
// The place of the text is no part of the key, since what is kept is relative to the text.
func (c *Cache) compile(e *Env, t source.Text) (*Rule, source.Diagnostics) {
	if c.answers == nil {
		return e.Compile(t)
	}
	text := addString(nil, "rule")
	text = addString(text, c.version)
	text = append(text, e.digest[:]...)
	key := sha256.Sum256(append(text, t.Value...))
	if kept, ok := c.answers.Get(key); ok {
		if refs, err := decodeRefs(kept, t); err == nil {
			return &Rule{root: e.root, text: t.Value, refs: refs, expr: sync.OnceValues(func() (ast.Expr, error) { return parsed(t.Value) })}, nil
		}
	}
	r, ds := e.Compile(t)
	if len(ds) == 0 {
		c.answers.Put(key, encodeRefs(r.refs))
	}
	return r, ds
}

// describe appends all that a type says, each part with its length, so that no two types give the same bytes.
// Keys come in the order that the type has; fields are sorted, since a map has none.
func describe(b []byte, t *schema.FigureType) []byte {
	if t == nil {
		return append(b, 0)
	}
	b = addString(append(b, 1), string(t.Kind))
	b = describe(b, t.Elem)
	for _, words := range [][]string{t.Keys, t.OneOf, t.Withheld} {
		b = addStrings(b, words)
	}
	for _, bound := range []*float64{t.Low, t.High} {
		if b = append(b, 0); bound != nil {
			b = binary.BigEndian.AppendUint64(append(b, 1), math.Float64bits(*bound))
		}
	}
	if b = append(b, 0); t.Closed {
		b = append(b, 1)
	}
	b = binary.AppendUvarint(b, uint64(len(t.Fields)))
	for _, name := range sortedKeys(t.Fields) {
		b = describe(addString(b, name), t.Fields[name])
	}
	return b
}

// addString appends a string with its length before it.
func addString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// addStrings appends a list with its number before it.
func addStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = addString(b, s)
	}
	return b
}

// encodeRefs writes what a rule reads: for each its place in the text, in bytes, and its path.
func encodeRefs(refs []Ref) []byte {
	b := binary.AppendUvarint(nil, uint64(len(refs)))
	for _, r := range refs {
		b = binary.AppendUvarint(b, uint64(r.start))
		b = binary.AppendUvarint(b, uint64(r.end))
		b = addStrings(b, r.Path)
	}
	return slices.Clip(b)
}

var errRefs = errors.New("these are no references")

// decodeRefs reads what encodeRefs wrote, for the same text wherever it stands. Bytes that are no such thing are an
// error, and never a panic or much memory: answers come from a file that may be damaged. No number may be larger than
// the text.
func decodeRefs(b []byte, t source.Text) (refs []Ref, err error) {
	number := func() int {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(t.Value)) {
			b, err = nil, errRefs
			return 0
		}
		b = b[size:]
		return int(n)
	}
	for count := number(); count > 0 && err == nil; count-- {
		r := Ref{start: number(), end: number()}
		for range number() {
			size := number()
			if size > len(b) {
				return nil, errRefs
			}
			r.Path = append(r.Path, string(b[:size]))
			b = b[size:]
		}
		r.Range = t.Sub(r.start, r.end)
		refs = append(refs, r)
	}
	return refs, err
}
