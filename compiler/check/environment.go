package check

import (
	"encoding/json"

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
// and instances of repeated blocks, which see what each is for: of those, the ones that see figures of the same types.
func (c *checker) environment(b *Block) *environment {
	key := b.Module
	if b.Kind == "check" || b.Each != nil {
		own, err := json.Marshal(c.own(b))
		if err != nil {
			return &environment{err: err}
		}
		key += " " + string(own)
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

// own are the types of what the rules of a block see and those of others do not.
func (c *checker) own(b *Block) [2]*schema.FigureType {
	var out [2]*schema.FigureType
	if b.Kind == "check" {
		out[0] = schema.Object(map[string]*schema.FigureType{"check": b.Figures})
	}
	if b.Each != nil {
		out[1] = valuesType(b.Each, nil)
	}
	return out
}

// moduleValues are the types of a module's variables and locals.
type moduleValues struct{ variables, locals *schema.FigureType }

func (c *checker) valuesOf(module string) moduleValues {
	v, ok := c.values[module]
	if !ok {
		in := c.m.Scopes[module]
		v = moduleValues{valuesType(in.Variables, in.SensitiveVariables), valuesType(in.Locals, in.SensitiveLocals)}
		c.values[module] = v
	}
	return v
}

// cacheOf is the library's cache of rules, or else a new one.
func cacheOf(lib Library) *rule.Cache {
	if r, ok := lib.(Rules); ok {
		return r.Rules()
	}
	return rule.NewCache()
}
