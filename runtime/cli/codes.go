package cli

import "github.com/mlp-lang/mlp/lang/source"

// codes of this package and what they mean; spec/errors.md is made of them.
func codes() []source.Code {
	return []source.Code{
		{Code: "MLP1701", Cause: "A source declares no columns, and mlp.lock does not pin them.", Cure: "Run `mlp init` and commit mlp.lock."},
		{Code: "MLP1702", Cause: "The files of a source are not on this machine; the plan takes the version that is recorded of them.", Cure: "None is needed. `--refresh` demands the files."},
		{Code: "MLP1703", Cause: "The files of a source are not those that mlp.lock pins.", Cure: "Run `mlp init --upgrade` and commit mlp.lock, so that others plan with the same data."},
	}
}
