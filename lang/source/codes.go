package source

// Codes of diagnostics are stable: scripts and documentation may rely on them. A code that is no longer used is not
// given again. MLP10xx are about syntax, MLP11xx about blocks, MLP12xx about references and values.
const (
	CodeEncoding    = "MLP1001"
	CodeFileSize    = "MLP1002"
	CodeNoFiles     = "MLP1003"
	CodeSyntax      = "MLP1004"
	CodeTemplate    = "MLP1005"
	CodeNesting     = "MLP1006"
	CodeOneLine     = "MLP1007"
	CodeUnclosed    = "MLP1008"
	CodeSetTwice    = "MLP1009"
	CodeUnreadable  = "MLP1010"
	CodeEqualsBlock = "MLP1011"
	CodeUnformatted = "MLP1012"
	CodeValuesBlock = "MLP1013"

	CodeUnknownKind     = "MLP1101"
	CodeUnknownType     = "MLP1102"
	CodeLabels          = "MLP1103"
	CodeName            = "MLP1104"
	CodeDuplicate       = "MLP1105"
	CodeUnknownAttr     = "MLP1106"
	CodeUnknownBlock    = "MLP1107"
	CodeMissingAttr     = "MLP1108"
	CodeMissingBlock    = "MLP1109"
	CodeRepeatedBlock   = "MLP1110"
	CodeDuplicateLabel  = "MLP1111"
	CodeAttrIsBlock     = "MLP1112"
	CodeBlockIsAttr     = "MLP1113"
	CodeTopLevelAttr    = "MLP1114"
	CodePipeline        = "MLP1115"
	CodeMissingLabel    = "MLP1116"
	CodeUnexpectedLabel = "MLP1117"
	CodeDuplicateKey    = "MLP1118"

	CodeUnknownAddress  = "MLP1201"
	CodeUnknownPort     = "MLP1202"
	CodeUnknownVariable = "MLP1203"
	CodeUnknownLocal    = "MLP1204"
	CodeUnknownName     = "MLP1205"
	CodeEvaluation      = "MLP1206"
	CodeType            = "MLP1207"
	CodeOneOf           = "MLP1208"
	CodeDuration        = "MLP1209"
	CodeNotLiteral      = "MLP1210"
	CodeInterpolation   = "MLP1211"
	CodeNotReference    = "MLP1212"
	CodePortType        = "MLP1213"
	CodeTargetKind      = "MLP1214"
	CodeNoOwnPort       = "MLP1215"
	CodeRefName         = "MLP1216"
	CodeRefComputed     = "MLP1217"
	CodeVariableValue   = "MLP1218"
	CodeVariableUnknown = "MLP1219"
	CodeVariableType    = "MLP1220"
	CodeLocalCycle      = "MLP1221"
	CodeDefinitionCycle = "MLP1222"
	CodeUnknownMetric   = "MLP1223"
	CodeNumberRange     = "MLP1224"
	CodeNotConstant     = "MLP1225"
	CodeFunction        = "MLP1226"
	CodeValidation      = "MLP1227"
	CodeSensitive       = "MLP1228"
	CodeForEach         = "MLP1229"
	CodeInstance        = "MLP1230"
	CodeModule          = "MLP1231"
	CodeBudget          = "MLP1232"
	CodeAddress         = "MLP1241"
	CodeMoved           = "MLP1242"
	CodeAccept          = "MLP1243"
)

// Code explains one code: why it comes up and what cures it.
type Code struct {
	Code  string
	Cause string
	Cure  string
}

// Codes returns the explanations of all codes of this package, sorted by code.
func Codes() []Code {
	return append(append(syntaxCodes(), blockCodes()...), valueCodes()...)
}

func syntaxCodes() []Code {
	return []Code{
		{CodeEncoding, "A file is not valid UTF-8, or holds a NUL.", "Save it as UTF-8 text."},
		{CodeFileSize, "A file is larger than 16 MB or has more than a million tokens, or the files of a module 64 MB or five million together.", "Keep data out of `.mlp` files: name its files in a `source` block."},
		{CodeNoFiles, "The folder holds no `.mlp` file.", "Run in the module's folder, or name it with `-C`."},
		{CodeSyntax, "The text is not HCL.", "Write an argument as `name = value` and a block as `kind \"name\" { … }`."},
		{CodeTemplate, "`${` or `%{` begins a template sequence that is not one.", "Write `$${` and `%%{` where the characters themselves are meant."},
		{CodeNesting, "Brackets are nested too deeply, or one expression has too many operators.", "Split it up with `locals`."},
		{CodeOneLine, "A block on one line holds more than one argument.", "Give each argument a line of its own."},
		{CodeUnclosed, "A block, bracket, string or heredoc is not closed.", "Close it; look for a brace missing further up."},
		{CodeSetTwice, "An argument is set twice in one block.", "Keep one of them."},
		{CodeUnreadable, "A file or folder cannot be read.", "Check its path and permissions."},
		{CodeEqualsBlock, "A block is written with `=`.", "Leave the `=` out: `params { … }`."},
		{CodeUnformatted, "A file cannot be laid out without changing what it says.", "Lay it out by hand; the layout changes nothing."},
		{CodeValuesBlock, "A file of values holds a block.", "Write `name = value` for each variable; blocks stand in `.mlp` files."},
	}
}

func blockCodes() []Code {
	return []Code{
		{CodeUnknownKind, "There is no kind of block of that name.", "Take one of the kinds in the language's reference."},
		{CodeUnknownType, "The kind has no type of that name.", "Take one of the types listed."},
		{CodeLabels, "A block has too many labels, or too few.", "Write `kind \"name\"`, or `kind \"type\" \"name\"` where the kind has types."},
		{CodeName, "A name is not of the form `[a-z][a-z0-9_]*`, or is a reserved word of SQL or CEL.", "Choose another name."},
		{CodeDuplicate, "Two blocks have the same address.", "Rename one; types are no part of the address."},
		{CodeUnknownAttr, "The block takes no argument of that name.", "Take one of the arguments in the reference."},
		{CodeUnknownBlock, "The block takes no nested block of that name.", "Take one of the blocks in the reference."},
		{CodeMissingAttr, "A required argument is missing.", "Add it."},
		{CodeMissingBlock, "A required nested block is missing.", "Add it."},
		{CodeRepeatedBlock, "A nested block that may stand once stands twice.", "Merge them."},
		{CodeDuplicateLabel, "Two nested blocks of one kind have the same label.", "Rename one."},
		{CodeAttrIsBlock, "A nested block is set like an argument.", "Leave the `=` out: `params { … }`."},
		{CodeBlockIsAttr, "An argument is written like a block.", "Write `name = value`."},
		{CodeTopLevelAttr, "An argument stands outside of all blocks.", "Move it into a block; values for the whole module go into `locals`."},
		{CodePipeline, "A module has no `pipeline` block, or more than one.", "Have exactly one."},
		{CodeMissingLabel, "A nested block lacks its label.", "Write `rule \"name\" { … }`."},
		{CodeUnexpectedLabel, "A nested block has a label and takes none.", "Remove the label."},
		{CodeDuplicateKey, "A key stands twice in one object, so that one of its values would be lost.", "Keep one of them."},
	}
}

func valueCodes() []Code {
	return []Code{
		{CodeUnknownAddress, "A reference names a block that does not exist.", "Correct the address, or add the block."},
		{CodeUnknownPort, "A reference names a port that the block does not have.", "Take one of the ports listed."},
		{CodeUnknownVariable, "There is no variable of that name.", "Declare it with a `variable` block."},
		{CodeUnknownLocal, "There is no local of that name.", "Add it to a `locals` block."},
		{CodeUnknownName, "An expression begins with a word that means nothing.", "Quote it if it is a string; references begin with a kind, `variable` or `local`."},
		{CodeEvaluation, "An expression cannot be evaluated.", "See the message."},
		{CodeType, "A value has the wrong type.", "Write a value of the type expected."},
		{CodeOneOf, "A value is not one of those allowed.", "Take one of the values listed."},
		{CodeDuration, "A value is no duration.", "Write a number and a unit of ms, s, m, h, d, w: \"45d\", \"1h30m\"."},
		{CodeNotLiteral, "SQL or a rule is not written as a string.", "Write it in quotes or as a heredoc, where it is used."},
		{CodeInterpolation, "SQL or a rule has `${` or `%{` in it.", "Rules see `variable.*` and `local.*` themselves; write `$${` for the characters."},
		{CodeNotReference, "A value stands where a reference to a block is expected.", "Write `kind.name` or `kind.name.port`, without quotes."},
		{CodePortType, "A reference is to something of the wrong type.", "Refer to a port of the type expected."},
		{CodeTargetKind, "A reference is to a block of the wrong kind.", "Refer to a block of a kind listed."},
		{CodeNoOwnPort, "A reference to a block does not say which of its ports is meant.", "Add the port: `split.holdout.train`."},
		{CodeRefName, "Two references in one list have the same name.", "Name them: `{ a = source.x, b = dataset.x }`."},
		{CodeRefComputed, "A reference is used in a computation.", "References can only be passed on; figures can be read in rules."},
		{CodeVariableValue, "A variable has no value, or one of the wrong type.", "Give it with `--var name=value`, `--var-file`, `default.mlpvars` or `MLP_VAR_name`, or add a `default`."},
		{CodeVariableUnknown, "A value is given for a variable that does not exist.", "Correct the name, or declare the variable."},
		{CodeVariableType, "The type of a variable is not one.", "Write `string`, `number`, `bool`, `list(string)`, `map(number)`, `object({ a = string })` or `any`."},
		{CodeLocalCycle, "Locals depend on each other in a circle.", "Break the circle at one of the hops shown."},
		{CodeDefinitionCycle, "Blocks are defined by each other in a circle.", "Break the circle."},
		{CodeUnknownMetric, "A limit names a metric that does not exist.", "Declare it with a `metric` block."},
		{CodeNumberRange, "A number is out of range, or not whole where it must be.", "Write a number in range."},
		{CodeNotConstant, "A value that must be constant refers to something.", "Write the value itself."},
		{CodeFunction, "A function does not exist, or is called wrongly.", "See the functions in the language's reference."},
		{CodeValidation, "The value of a variable does not hold its `validation`.", "Give another value; the message says which are good."},
		{CodeSensitive, "A sensitive value stands where it would be written into plans and records, or a rule reads one.", "Hand secrets to a stage through a `secret` block, or drop `sensitive`."},
		{CodeForEach, "A `for_each` is no map, nor a set of strings, or a key is no name.", "Write a map or `toset([…])`, with keys of small letters, digits and underscores."},
		{CodeInstance, "A reference to a repeated block does not say which instance, or names one that there is not.", "Write `kind.name[\"key\"]`, or pass on the map of all."},
		{CodeModule, "A module cannot be called: its folder cannot be read, its source is no address of a git repository or holds a password, or it would be a part of itself.", "Name a folder of `.mlp` files relative to this one, `./features`, or one of a git repository, `git::https://example.com/team/modules.git//features?ref=v1.2.0`."},
		{CodeBudget, "The expressions of a module make more values than a machine should hold, such as lists that double from local to local.", "Keep what is large in files, and name those in `source` blocks."},
		{CodeAddress, "What stands where an address is expected is none.", "Write `kind.name`, `kind.name[\"key\"]` or `module.name.kind.name`, without quotes."},
		{CodeMoved, "A `moved` block says what cannot be: the old address is still there, the new one is not, or moves contradict each other.", "Correct the addresses; the message says what is in the way."},
		{CodeAccept, "An `accept` block names what cannot be accepted, or does not say which definition it accepts and why.", "Name a stage whose result is data or a model, with the digest that `mlp explain` prints and a reason."},
	}
}
