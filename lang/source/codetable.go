package source

import "slices"

// Codes returns cause and cure of all codes, sorted by code: what mlp explain, spec/errors.md and SARIF tell of them.
func Codes() []Code {
	return slices.Concat(syntaxCodes(), blocksCodes(), valuesCodes(), rulesCodes(), checksCodes(), queriesCodes(), plansCodes(), outsideCodes(), peopleCodes(), testsCodes())
}

// syntaxCodes are MLP10xx.
func syntaxCodes() []Code {
	return []Code{
		{CodeEncoding, "A file is not valid UTF-8, or holds a NUL.", "Save it as UTF-8 text."},
		{CodeFileSize, "A file is larger than 16 MB, or the files of a module are larger than 64 MB or have more than five million tokens together.", "Keep data out of `.mlp` files: name its files in a `source` block."},
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

// blocksCodes are MLP11xx.
func blocksCodes() []Code {
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

// valuesCodes are MLP12xx.
func valuesCodes() []Code {
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
		{CodeApproverName, "An approval is asked of nobody, of somebody twice, or by a name with blanks, unseen letters or letters of two alphabets.", "Write the names of people or groups as they are given."},
		{CodeStore, "The store of a pipeline is no URL that is known when the file is read.", "Write `store = \"s3://bucket/prefix?region=eu-central-1\"`, without credentials, variables and functions."},
	}
}

// rulesCodes are MLP13xx.
func rulesCodes() []Code {
	return []Code{
		{CodeRuleSyntax, "The rule cannot be read as CEL.", "Look at the place marked: `==` compares, `&&` and `||` join conditions, strings stand in quotes."},
		{CodeRuleName, "The rule starts from a name that it does not see.", "Rules see the blocks they may read, `variable`, `local` and, in gates, `champion`."},
		{CodeRuleFigure, "The block yields no such figure, or the map has no such key.", "Use one of the names listed, or compute the figure: add the metric to the evaluation, the slice to its block."},
		{CodeRuleType, "Values of different or unfitting types are put together.", "Compare numbers with numbers and strings with strings; name the figure inside a group of figures."},
		{CodeRuleBool, "The rule gives a value, not true or false.", "Compare the value with something: `evaluate.holdout.metrics.auc >= 0.8`."},
		{CodeRuleSize, "The rule is too long or too deeply nested.", "Split it into several rules; all of them must hold."},
		{CodeRuleFunction, "There is no such function in rules, or it does not take these arguments.", "Rules know size, min, max, mean, sum, quantile, abs, contains, startsWith, endsWith, matches and has."},
		{CodeRuleMacro, "A macro is written in another form than it has, or its variable hides another name.", "Write `list.all(x, x > 0.5)` with a name that is not used yet, and `has(a.b)`."},
		{CodeRuleDialect, "A part of CEL is used that rules do without: null, bytes, map or message literals, a leading dot.", "Ask with `has(a.b)` whether a figure is there; write names without a dot in front."},
		{CodeRuleLimits, "The limits are not comparisons of a metric with a number, joined by `&&`.", "Write `fpr <= 0.01 && recall >= 0.7`."},
		{CodeRuleNever, "A comparison, or several joined by `&&`, never hold, whatever the figures are: a share is not above 1, a count not below 0, and nothing both above 0.9 and below 0.8.", "Compare with a number that the figure can reach; 80 % is 0.8. If nothing is to pass, write `false`."},
		{CodeRuleAlways, "A comparison, or one of several joined by `||`, always holds, whatever the figures are, so that it guards nothing.", "Compare with a number in between. To ask whether a figure is there, write `has(a.b)`."},
		{CodeRuleInexact, "A number in a rule is none that a double can be: a whole number beyond 2^53, one of more digits than a double keeps, or one that is too large.", "Write one of the numbers that the message names."},
	}
}

// checksCodes are MLP14xx.
func checksCodes() []Code {
	return []Code{
		{CodeBlockCycle, "Blocks need each other in a circle.", "Take one of the references shown away."},
		{CodeUnfit, "A block does not fit what flows into it: a column, type or port that its component cannot use.", "Change the attribute shown, or what it refers to."},
		{CodeUntyped, "A source declares no columns, and they could not be found out: its files cannot be looked at, or lie elsewhere and `mlp.lock` does not pin their columns.", "Declare the columns, make the files readable, or run `mlp init`, which looks elsewhere."},
		{CodeUnverified, "A requirement names no gate, check or monitor that verifies it.", "Add verified_by."},
		{CodeFittedOnTest, "A model is fitted, stopped or decided on the test side of a split.", "Give it the train side, or the validation side."},
		{CodeMeasuredOnFitted, "A model is measured, or compared with others, on rows that it was fitted or chosen on.", "Evaluate it on the test side of a split; compare candidates on its selection side."},
		{CodeEmptyGate, "A gate has no rule, asks for no approval and comes after no check.", "Add a rule, or remove the gate."},
		{CodeOtherModel, "A monitor compares the predictions of a model with an evaluation of another one, or a candidate is chosen by figures of others.", "Name the evaluation of the model that made the predictions, or of models that were fitted as the candidate is."},
		{CodeRollbackRule, "A gate's `rollback` names a rule that the gate does not have, or asks for nothing.", "Name rules of the same gate, or who may roll back; or leave the block out."},
		{CodeUnmeasured, "A gate releases a model of which it has measured nothing: all evaluations that its rules read are of other models.", "Evaluate the model that is deployed and let a rule read that, or deploy the one that is measured."},
		{CodeUnknownRows, "A model that was trained elsewhere is measured, and nothing says on which rows it was trained.", "Name the tables of the pipeline that it was trained on in trained_on; if it was trained on none of their rows, say trained_elsewhere = true."},
		{CodeProtectedDecision, "A protected column is one that rows are treated by, as a feature or by a threshold or curve of its group, and the pipeline refuses that.", "Take the column out, or have whoever answers for the pipeline allow it: `protected_in_decisions`."},
		{CodeOtherRows, "Models are compared by figures on different rows.", "Evaluate all candidates on the same windows or folds, under the same names."},
	}
}

// queriesCodes are MLP15xx.
func queriesCodes() []Code {
	return []Code{
		{CodeSQL, "An SQL query or expression does not bind on its input tables.", "Change the SQL at the place shown."},
	}
}

// plansCodes are MLP16xx.
func plansCodes() []Code {
	return []Code{
		{CodeStage, "A block's attributes cannot be read as its stage needs them.", "Correct the attribute shown."},
		{CodeImage, "The image of a container stage is not there, or no engine answers: a warning, since an apply asks again; with `--refresh` an error.", "Build or load the image; start the engine."},
		{CodeFiles, "The files of a source are not there or cannot be read.", "Correct `path`, or put the files there."},
		{CodeRecord, "A recorded result cannot be read.", "Make the store readable; a record that is removed is made again by running its stage."},
		{CodeNoPredict, "An opaque model is to be scored, and its trainer names no command for that.", "Add `predict` to the `train \"container\"` block."},
		{CodeRules, "Rules of a gate, a check or a canary cannot be put together, or nothing that a canary comes to could change them.", "Correct the rule shown."},
		{CodeSecret, "A secret says neither where it is, or two places.", "Give it `env` or `file`."},
		{CodePart, "The targets of a plan rest on a gate, and something that the gate decides over is left out.", "Make the deployments behind the gate targets too."},
		{CodeSample, "Nothing says which rows of the sources of a sample belong together: they meet in a table, or what is made of them goes by several entities.", "Say in the sources by which columns they are sampled: `sample_by`."},
		{CodeMovedNothing, "A `moved` block does not do what it seems to: its new address has results of its own, or nothing is recorded under the old one.", "Correct `from`; remove the block if both addresses were in use."},
		{CodeAcceptUnlike, "A result cannot be accepted: what the stage yields by now has other columns, features or marks.", "Remove the `accept` block and let the stage run."},
		{CodeAcceptStale, "An `accept` block does not hold any more: the definition or the inputs have moved on, or the stage never ran here.", "Remove the block, or accept the definition of now if the result is as good for it."},
	}
}

// outsideCodes are MLP17xx.
func outsideCodes() []Code {
	return []Code{
		{CodeUnpinned, "A source declares no columns, and mlp.lock does not pin them, or pins them for another address, table or query.", "Run `mlp init` and commit mlp.lock."},
		{CodeFilesElsewhere, "The files of a source are not on this machine; the plan takes the version that is recorded of them.", "None is needed. `--refresh` demands the files."},
		{CodeFilesUnlike, "The files of a source are not those that mlp.lock pins.", "Run `mlp init --upgrade` and commit mlp.lock, so that others plan with the same data."},
		{CodeNotFetched, "A module from a git repository is not pinned by mlp.lock, or not fetched on this machine.", "Run `mlp init`, and commit mlp.lock."},
		{CodeAltered, "What was fetched of a module's repository was changed in `.mlp/modules`.", "Run `mlp init`, which fetches it anew. To change a module, change its repository, or call a folder of your own."},
		{CodeCannotFetch, "A module's repository cannot be fetched, or no longer has what is pinned.", "See what git says. Where the commit is gone, `mlp init --upgrade` pins another."},
		{CodeDamaged, "The record of a result, in `.mlp/actions`, is not what was written: a failing disk, or somebody changed it. It is taken for missing.", "Apply: the stage runs again and must give the same result; the damaged record is moved to `.mlp/quarantine`. Or restore the file from a copy of the store."},
		{CodeOutside, "What a source reads elsewhere is not there, refuses, or says nothing that tells one version of it from another.", "Correct `path`, or what opens it, as the message says."},
		{CodeOutsideRecord, "What a source reads elsewhere did not answer when the plan was made, or was not to be asked; the plan takes the version that is recorded of it.", "None is needed. `--refresh` demands an answer."},
		{CodeOutsideUnknown, "What a source reads elsewhere did not answer when the plan was made, and nothing is recorded of it: what the plan says of all behind it is not known either.", "Plan where it answers, and where its secrets are; an apply asks again."},
	}
}

// peopleCodes are MLP18xx.
func peopleCodes() []Code {
	return []Code{
		{CodeApprover, "An approval was given by somebody who may not give it: not in `from`, or, where the operator gives a file of approvers, in no group of it that is.", "Have it given by one of those whom it is asked of; or have the operator correct the file of `--approvers`."},
		{CodeRolledBack, "A warning: a release was rolled back, and the module still asks for it. An apply leaves the former release live.", "Change what was wrong: another candidate is released as ever. To have this one again, through its gate: `mlp rollback ADDRESS --lift`."},
		{CodeUndecided, "A step of a canary cannot decide its rules: with the traffic that is expected they take longer than the step lasts, or no number of rows decides them.", "Leave room between what is as good and the limit, or give the step a larger share or more time."},
		{CodeOtherPipelines, "A warning: nothing is recorded of this pipeline in this workspace, and the store has other pipelines or workspaces with something live.", "If one of them is meant, give the pipeline its former name, or name the workspace: `--workspace NAME`. Else nothing: it is another pipeline."},
		{CodeBehind, "A warning: the state that the plan is made against was recorded at a commit that the checkout does not contain. What was changed there and is not here, the plan takes back.", "Merge that commit into the branch, or rebase on it, and plan again."},
	}
}

// testsCodes are MLP19xx.
func testsCodes() []Code {
	return []Code{
		{CodeTest, "A test asks for what does not go together.", "See the message."},
		{CodeTestAfter, "A test goes on from one that the file does not have, or from itself.", "Name another test of the file."},
		{CodeTestAddress, "A test names a block or port that the module does not have.", "Correct the address."},
		{CodeTestGiven, "A test gives something that the block does not yield, or in two ways.", "Give rows of a table, or figures by their names in rules."},
		{CodeTestColumns, "Rows of a test lack a column of the table, or have one that it does not have.", "Write all columns, or give the others a value with `defaults`."},
		{CodeTestCell, "A value in the rows of a test is not of its column's type.", "Correct the value."},
		{CodeTestFigure, "A figure given by a test does not exist, or is of another type.", "Take a figure of the block, as rules read it."},
		{CodeTestFailures, "A test expects the failure of something that cannot fail.", "Name a gate, check, stage or variable of the module, or a code of an error."},
		{CodeSameRows, "A model is measured, or stopped, on rows that it was fitted on: they come of one table by way of datasets, or of two files of one content.", "Split the table first, and make a dataset of each side; evaluate on other files."},
	}
}
