package rule

import "github.com/mlp-lang/mlp/lang/source"

const (
	syntaxCode   = "MLP1301"
	nameCode     = "MLP1302"
	fieldCode    = "MLP1303"
	typeCode     = "MLP1304"
	boolCode     = "MLP1305"
	sizeCode     = "MLP1306"
	functionCode = "MLP1307"
	macroCode    = "MLP1308"
	dialectCode  = "MLP1309"
	limitsCode   = "MLP1310"
	neverCode    = "MLP1311"
	alwaysCode   = "MLP1312"
	inexactCode  = "MLP1313"
)

// Codes lists the mistakes that this package finds, by code.
func Codes() []source.Code {
	return []source.Code{
		{Code: syntaxCode, Cause: "The rule cannot be read as CEL.", Cure: "Look at the place marked: `==` compares, `&&` and `||` join conditions, strings stand in quotes."},
		{Code: nameCode, Cause: "The rule starts from a name that it does not see.", Cure: "Rules see the blocks they may read, `variable`, `local` and, in gates, `champion`."},
		{Code: fieldCode, Cause: "The block yields no such figure, or the map has no such key.", Cure: "Use one of the names listed, or compute the figure: add the metric to the evaluation, the slice to its block."},
		{Code: typeCode, Cause: "Values of different or unfitting types are put together.", Cure: "Compare numbers with numbers and strings with strings; name the figure inside a group of figures."},
		{Code: boolCode, Cause: "The rule gives a value, not true or false.", Cure: "Compare the value with something: `evaluate.holdout.metrics.auc >= 0.8`."},
		{Code: sizeCode, Cause: "The rule is too long or too deeply nested.", Cure: "Split it into several rules; all of them must hold."},
		{Code: functionCode, Cause: "There is no such function in rules, or it does not take these arguments.", Cure: "Rules know size, min, max, mean, sum, quantile, abs, contains, startsWith, endsWith, matches and has."},
		{Code: macroCode, Cause: "A macro is written in another form than it has, or its variable hides another name.", Cure: "Write `list.all(x, x > 0.5)` with a name that is not used yet, and `has(a.b)`."},
		{Code: dialectCode, Cause: "A part of CEL is used that rules do without: null, bytes, map or message literals, a leading dot.", Cure: "Ask with `has(a.b)` whether a figure is there; write names without a dot in front."},
		{Code: limitsCode, Cause: "The limits are not comparisons of a metric with a number, joined by `&&`.", Cure: "Write `fpr <= 0.01 && recall >= 0.7`."},
		{Code: neverCode, Cause: "A comparison never holds, whatever the figures are: a share is not above 1, a count not below 0.", Cure: "Compare with a number that the figure can reach; 80 % is 0.8."},
		{Code: alwaysCode, Cause: "A comparison always holds, whatever the figures are, so that it guards nothing.", Cure: "Compare with a number in between. To ask whether a figure is there, write `has(a.b)`."},
		{Code: inexactCode, Cause: "A number in a rule is none that a double can be: a whole number beyond 2^53, one of more digits than a double keeps, or one that is too large.", Cure: "Write one of the numbers that the message names."},
	}
}
