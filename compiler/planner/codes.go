package planner

import "github.com/mlp-lang/mlp/lang/source"

// Codes of this package and what they mean; spec/errors.md is made of them.
func Codes() []source.Code {
	return []source.Code{
		{Code: "MLP1601", Cause: "A block's attributes cannot be read as its stage needs them.", Cure: "Correct the attribute shown."},
		{Code: "MLP1602", Cause: "The image of a container stage is not there, or no engine answers.", Cure: "Build or load the image; start the engine."},
		{Code: "MLP1603", Cause: "The files of a source are not there or cannot be read.", Cure: "Correct `path`, or put the files there."},
		{Code: "MLP1604", Cause: "A recorded result cannot be read.", Cure: "Make the store readable; a record that is removed is made again by running its stage."},
		{Code: "MLP1605", Cause: "An opaque model is to be scored, and its trainer names no command for that.", Cure: "Add `predict` to the `train \"container\"` block."},
		{Code: "MLP1606", Cause: "A gate's or check's rules cannot be put together.", Cure: "Correct the rule shown."},
		{Code: "MLP1607", Cause: "A secret says neither where it is, or two places.", Cure: "Give it `env` or `file`."},
		{Code: "MLP1611", Cause: "A `moved` block does not do what it seems to: its new address has results of its own, or nothing is recorded under the old one.", Cure: "Correct `from`; remove the block if both addresses were in use."},
		{Code: "MLP1612", Cause: "A result cannot be accepted: what the stage yields by now has other columns, features or marks.", Cure: "Remove the `accept` block and let the stage run."},
		{Code: "MLP1613", Cause: "An `accept` block does not hold any more: the definition or the inputs have moved on, or the stage never ran here.", Cure: "Remove the block, or accept the definition of now if the result is as good for it."},
		{Code: "MLP1801", Cause: "An approval was given by somebody who may not give it: not in `from`, or, where the operator gives a file of approvers, in no group of it that is.", Cure: "Have it given by one of those whom it is asked of; or have the operator correct the file of `--approvers`."},
	}
}
