package rule

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// Cache remembers environments and the rules compiled in them, for those that compile the same module again and again, as
// an editor does. It is safe for concurrent use.
type Cache struct {
	mu    sync.Mutex
	envs  map[string]*Env // by their type as JSON
	rules map[ruleKey]compiled
}

// ruleKey tells rules apart: the same text at the same place of the same environment is the same rule.
type ruleKey struct {
	env   *Env
	value string
	at    source.Range
}

type compiled struct {
	rule *Rule
	ds   source.Diagnostics
}

// What a cache holds at most, before it starts again with nothing.
const (
	maxEnvs  = 256
	maxRules = 20_000
)

// NewCache returns a cache without anything.
func NewCache() *Cache {
	return &Cache{envs: map[string]*Env{}, rules: map[ruleKey]compiled{}}
}

// Env does what NewEnv does.
func (c *Cache) Env(root *schema.FigureType) (*Env, error) {
	key, err := json.Marshal(root)
	if err != nil {
		return nil, fmt.Errorf("making a rule environment: %w", err)
	}
	for _, name := range sortedKeys(root.Fields) {
		key = fmt.Append(key, root.Fields[name].Withheld)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.envs[string(key)]; e != nil {
		return e, nil
	}
	e, err := NewEnv(root)
	if err != nil {
		return nil, err
	}
	if len(c.envs) >= maxEnvs {
		clear(c.envs)
		clear(c.rules)
	}
	c.envs[string(key)] = e
	return e, nil
}

// Compile does what the environment's Compile does.
func (c *Cache) Compile(e *Env, t source.Text) (*Rule, source.Diagnostics) {
	key := ruleKey{env: e, value: t.Value, at: t.Range}
	c.mu.Lock()
	r, ok := c.rules[key]
	c.mu.Unlock()
	if ok {
		return r.rule, r.ds
	}
	r.rule, r.ds = e.Compile(t) // side by side with others
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.rules) >= maxRules {
		clear(c.rules)
	}
	c.rules[key] = r
	return r.rule, r.ds
}
