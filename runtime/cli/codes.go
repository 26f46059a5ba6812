package cli

import "github.com/mlp-lang/mlp/lang/source"

// codes of this package and what they mean; spec/errors.md is made of them.
func codes() []source.Code {
	return []source.Code{
		{Code: "MLP1701", Cause: "A source declares no columns, and mlp.lock does not pin them.", Cure: "Run `mlp init` and commit mlp.lock."},
	}
}
