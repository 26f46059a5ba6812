package view

import "strings"

// commandWords are commands of other tools (Terraform, DVC, MLflow, dbt, Docker), with what takes their place here.
// Each is a whole sentence, shown as the hint of "there is no command". Words have underscores in place of dashes.
var commandWords = []struct{ words, instead string }{
	{"destroy delete remove rm uninstall", "Take the blocks out and apply: the plan shows what is removed. Results stay in .mlp until that folder is deleted."},
	{"train fit execute start build materialize up", "'mlp apply' runs what has changed, and 'mlp plan' shows what that is."},
	{"state status st ls list inspect describe log experiments models", "'mlp show' lists what is recorded, 'mlp show ADDRESS' shows one block, 'mlp runs ADDRESS' all that it ever yielded."},
	{"revert undo", "'mlp rollback' makes a former release live again. For all else, take the change back in the files (git revert) and apply. What ran before on the same data is found again; where the data has moved on, it runs anew."},
	{"prune clean cleanup cache", "'mlp gc' deletes results that nothing needs any more; without the folder .mlp everything is made anew."},
	{"ui web dashboard open server", "'mlp plan --format html' and 'mlp graph --format svg' write pages; 'mlp serve' answers with the model that is live."},
	{"console repl sql shell eval", "'mlp query SELECT' reads recorded tables by their addresses; 'mlp show --save DIR ADDRESS' gives them as Parquet files."},
	{"import mv move rename", "A block that was renamed is said by moved { from = … to = … }; results are found by their fingerprint."},
	{"taint untaint replace force refresh", "'mlp apply --force ADDRESS' runs a stage anew."},
	{"workspaces env environment", "A workspace is named by a flag: mlp --workspace dev plan. 'mlp workspace list' lists all."},
	{"output outputs", "'mlp show' prints the outputs of the last apply."},
	{"get install download fetch pull sync", "'mlp init' fetches modules and pins them."},
	{"push publish promote deploy release", "'mlp apply' releases what its gates let pass; 'mlp approve' gives an approval that is asked for."},
	{"check lint verify compile parse", "'mlp validate' finds mistakes before anything runs; 'mlp test' runs the files of tests."},
	{"format", "'mlp fmt' lays out files."},
	{"dag lineage viz visualize", "'mlp graph' draws the pipeline."},
	{"doc man reference", "'mlp docs' prints the language's reference, 'mlp docs KIND' a kind of block."},
	{"providers provider plugin plugins", "There are no providers: all kinds of blocks are in mlp, and 'mlp docs' lists them."},
	{"login logout", "There is no account: the state lies in .mlp beside the pipeline."},
	{"unlock force_unlock", "A lock goes with the command that holds it; of one that was killed the next command takes it over."},
	{"experiment exp", "'mlp compare BLOCK…' sets results side by side; 'mlp diff' compares the pipeline with a revision, 'mlp plan' with what is live."},
	{"tune sweep hpo search", "A block tune in train tries parameters; candidates of several kinds are written out, with for_each or one by one, and compared."},
	{"predict score infer", "'mlp serve' answers with the model that is live; deploy \"batch\" scores a table."},
	{"monitor schedule", "mlp runs when it is called: let cron or CI call 'mlp apply'."},
}

// CommandInstead is what takes the place of another tool's command; "" if the word is not known. Letter case does not
// matter.
func CommandInstead(word string) string {
	word = strings.ToLower(strings.ReplaceAll(word, "-", "_"))
	for _, c := range commandWords {
		for _, w := range strings.Fields(c.words) {
			if w == word {
				return c.instead
			}
		}
	}
	return ""
}

// flagWords are flags of other tools, without dashes, with what takes their place here. A flag that a command has never
// comes here, so "--refresh" of plan and a "refresh" of another tool do not collide.
var flagWords = map[string]string{
	"target":       "'mlp plan' and 'mlp apply' take --target, and 'mlp run ADDRESS' tries one block. In a test file, targets names the blocks that a test runs.",
	"destroy":      "Take the blocks out and apply: the plan shows what is removed.",
	"replace":      "'--force ADDRESS' runs a stage anew.",
	"refresh-only": "'mlp plan' reads the files as they are; 'mlp plan --refresh' fails where they are not here.",
	"yes":          "It is called --auto-approve.",
	"y":            "It is called --auto-approve.",
	"dry-run":      "'mlp plan' shows what an apply would do.",
	"json":         "It is called --format json.",
	"output":       "It is called --format, or --out for the file of a plan.",
	"o":            "It is called --format, or --out for the file of a plan.",
	"no-color":     "Colours are left out where NO_COLOR=1 is set, and where no terminal reads.",
	"verbose":      "'mlp logs ADDRESS' prints what a stage printed.",
	"debug":        "'mlp logs ADDRESS' prints what a stage printed.",
	"lock":         "The state is locked by itself.",
	"lock-timeout": "The state is locked by itself; a second apply says that it is.",
	"backend":      "The state lies in .mlp beside the pipeline.",
	"env":          "A workspace is named by --workspace, a variable given by --var name=value.",
	"param":        "It is called --var name=value.",
	"set":          "It is called --var name=value.",
	"vars":         "It is called --var name=value, or --var-file.",
	"file":         "It is called -C for the folder of the pipeline, --var-file for values.",
	"dir":          "It is called -C.",
	"jobs":         "It is called --parallelism.",
	"j":            "It is called --parallelism.",
}

// FlagInstead is what takes the place of another tool's flag, which is named without dashes; "" if the flag is not known.
func FlagInstead(name string) string { return flagWords[name] }
