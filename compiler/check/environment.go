package check

import (
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Rules may be implemented by a Library that checks the same module again and again: what it compiled is then kept.
type Rules interface {
	Rules() *rule.Cache
}

// environment is what the rules of a block see.
type environment struct {
	root *schema.FigureType // nil where its own figures are not known
	env  *rule.Env
	err  error
}

// environment of a block. The blocks of one module see the same figures and share it, but for checks, which see their own,
// and instances of a repeated block, which see what each is for.
func (c *checker) environment(b *Block) *environment {
	key := b.Module
	if b.Kind == "check" || b.Each != nil {
		key = b.Address
	}
	e := c.envs[key]
	if e == nil {
		e = &environment{root: c.root(b)}
		if e.root != nil {
			e.env, e.err = c.cache.Env(e.root)
		}
		c.envs[key] = e
	}
	return e
}

// cacheOf is the library's cache of rules, or else a new one.
func cacheOf(lib Library) *rule.Cache {
	if r, ok := lib.(Rules); ok {
		return r.Rules()
	}
	return rule.NewCache()
}
