package workspace

import (
	"github.com/mlp-lang/mlp/lang/source"
)

// Codes of modules that are fetched.
const (
	codeNotFetched  = "MLP1704"
	codeAltered     = "MLP1705"
	codeCannotFetch = "MLP1706"
)

// codeDamaged is of records of results that cannot be relied on.
const codeDamaged = "MLP1707"

// codeOthers is of a store that has other pipelines than the one that nothing is recorded of.
const codeOthers = "MLP1811"

// Codes of this package and what they mean; spec/errors.md is made of them.
func Codes() []source.Code {
	return []source.Code{
		{Code: "MLP1701", Cause: "A source declares no columns, and mlp.lock does not pin them.", Cure: "Run `mlp init` and commit mlp.lock."},
		{Code: "MLP1702", Cause: "The files of a source are not on this machine; the plan takes the version that is recorded of them.", Cure: "None is needed. `--refresh` demands the files."},
		{Code: "MLP1703", Cause: "The files of a source are not those that mlp.lock pins.", Cure: "Run `mlp init --upgrade` and commit mlp.lock, so that others plan with the same data."},
		{Code: codeNotFetched, Cause: "A module from a git repository is not pinned by mlp.lock, or not fetched on this machine.", Cure: "Run `mlp init`, and commit mlp.lock."},
		{Code: codeAltered, Cause: "What was fetched of a module's repository was changed in `.mlp/modules`.", Cure: "Run `mlp init`, which fetches it anew. To change a module, change its repository, or call a folder of your own."},
		{Code: codeCannotFetch, Cause: "A module's repository cannot be fetched, or no longer has what is pinned.", Cure: "See what git says. Where the commit is gone, `mlp init --upgrade` pins another."},
		{Code: codeDamaged, Cause: "The record of a result, in `.mlp/actions`, is not what was written: a failing disk, or somebody changed it. It is taken for missing.",
			Cure: "Apply: the stage runs again and must give the same result; the damaged record is moved to `.mlp/quarantine`. Or restore the file from a copy of the store."},
		{Code: codeOthers, Cause: "A warning: nothing is recorded of this pipeline in this workspace, and the store has other pipelines or workspaces with something live.",
			Cure: "If one of them is meant, give the pipeline its former name, or name the workspace: `--workspace NAME`. Else nothing: it is another pipeline."},
	}
}
