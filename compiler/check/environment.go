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

// environment is what the rules of a block see. Blocks that see the same share one, since cel-go's part of it takes
// long to make.
type environment struct {
	root *schema.FigureType // nil where its own figures are not known
	env  *rule.Env
	err  error
}

// environment of a block. The blocks of one module see the same figures and share it, but for checks and deployments, which see their own,
// and instances of repeated blocks, which see what each is for: of those, the ones that see it with the same types.
func (c *checker) environment(b *Block) *environment {
	key := b.Module
	switch {
	case b.TypeSpec.IsCheck(), b.TypeSpec.IsDeployment():
		key = b.Address
	case b.Each != nil:
		each, err := json.Marshal(valuesType(b.Each, nil))
		if err != nil {
			return &environment{err: err}
		}
		key += " " + string(each)
	case b.KindSpec.Poses, b.KindSpec.Retrains:
		key += " no champion"
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

// moduleValues are the types of a module's variables and locals.
type moduleValues struct{ variables, locals *schema.FigureType }

// valuesOf are the types of what rules of a module see as variable and local, worked out once for all its blocks.
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
