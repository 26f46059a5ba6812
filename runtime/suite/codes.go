package suite

import "github.com/mlp-lang/mlp/lang/source"

const (
	codeTest     = "MLP1901"
	codeAfter    = "MLP1902"
	codeAddress  = "MLP1903"
	codeGiven    = "MLP1904"
	codeColumns  = "MLP1905"
	codeCell     = "MLP1906"
	codeFigure   = "MLP1907"
	codeFailures = "MLP1908"
)

// Codes of this package and what they mean; spec/errors.md is made of them.
func Codes() []source.Code {
	return []source.Code{
		{Code: codeTest, Cause: "A test asks for what does not go together.", Cure: "See the message."},
		{Code: codeAfter, Cause: "A test goes on from one that the file does not have, or from itself.", Cure: "Name another test of the file."},
		{Code: codeAddress, Cause: "A test names a block or port that the module does not have.", Cure: "Correct the address."},
		{Code: codeGiven, Cause: "A test gives something that the block does not yield, or in two ways.", Cure: "Give rows of a table, or figures by their names in rules."},
		{Code: codeColumns, Cause: "Rows of a test lack a column of the table, or have one that it does not have.", Cure: "Write all columns, or give the others a value with `defaults`."},
		{Code: codeCell, Cause: "A value in the rows of a test is not of its column's type.", Cure: "Correct the value."},
		{Code: codeFigure, Cause: "A figure given by a test does not exist, or is of another type.", Cure: "Take a figure of the block, as rules read it."},
		{Code: codeFailures, Cause: "A test expects the failure of something that cannot fail.", Cure: "Name a gate, check, stage or variable of the module, or a code of an error."},
	}
}
