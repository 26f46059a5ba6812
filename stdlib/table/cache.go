package table

import (
	"maps"
	"slices"
	"sync"

	"github.com/zeebo/blake3"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// cacheFormat moves when the meaning of cached answers does, for the same engine.
const cacheFormat = "5"

// Answers keeps what was found out before, by a digest of all that it depends on. It may forget any of it, and is safe for
// concurrent use. Bytes handed over in either direction are not changed.
type Answers interface {
	Get(key [32]byte) ([]byte, bool)
	Put(key [32]byte, value []byte)
}

// request is all that an answer depends on, beside the engine's version. Two requests of one digest have the same answer on every
// machine.
type request struct {
	Kind   string
	SQL    string
	Tables map[string]*schema.Table
	Key    []string // of requests of the kind lineage: the columns that tell the rows of the result apart
}

// lineageKind is the kind of requests for flows; others ask for columns.
const lineageKind = "lineage"

// answer is what the binder says to a request.
type answer struct {
	Columns  []schema.Column // names and types
	Problems []schema.Problem
	Flows    component.Flows // of requests of the kind lineage
}

// key is the digest of the request, of each part with its length so that no two are alike.
func (r request) key() [32]byte {
	w := writers.Get().(*answerWriter)
	defer writers.Put(w)
	w.out = w.out[:0]
	for _, s := range []string{"query", cacheFormat, EngineVersion, r.Kind, r.SQL} {
		w.text(s)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Tables)) {
		w.text(name)
		w.columns(r.Tables[name].Columns)
		if r.Kind == lineageKind {
			w.texts(r.Tables[name].Key)
		}
	}
	w.texts(r.Key)
	return blake3.Sum256(w.out)
}

// writers are used again: a plan asks for two keys a query.
var writers = sync.Pool{New: func() any { return new(answerWriter) }}

// memory keeps answers as they are, and what is behind it keeps them as bytes. It is safe for concurrent use. Slices and maps of an
// answer are shared by all who ask: they copy what they change.
type memory struct {
	behind Answers // nil: nothing

	mu      sync.RWMutex
	answers map[[32]byte]answer
}

// get finds an answer in this process or in the file behind it. What the file has is remembered. An answer of another format
// counts as none.
func (m *memory) get(key [32]byte) (answer, bool) {
	m.mu.RLock()
	a, ok := m.answers[key]
	m.mu.RUnlock()
	if ok || m.behind == nil {
		return a, ok
	}
	text, ok := m.behind.Get(key)
	if !ok {
		return answer{}, false
	}
	if a, ok = decodeAnswer(text); !ok {
		return answer{}, false
	}
	m.keep(key, a)
	return a, true
}

// keep remembers an answer in this process.
func (m *memory) keep(key [32]byte, a answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[key] = a
}

// Problems are kept like columns: a query with a mistake is not typed again until its text changes.
func (m *memory) put(key [32]byte, a answer) {
	m.keep(key, a)
	if m.behind != nil {
		m.behind.Put(key, encodeAnswer(a))
	}
}
