package stdlib

import "github.com/mlp-lang/mlp/lang/schema"

// kinds of blocks that components stand behind, sorted by name, without their types, which Catalog adds. What the compiler does with
// blocks of a kind follows from these fields and from its types' schemas, and never from the name: a Passive kind has no result
// of its own, as a metric is computed by whoever refers to it; DefaultType is the type of a block with one label.
var kinds = []schema.Kind{
	{
		Name: "check", Phase: schema.Design, Summary: "Expectations that data must meet",
		Doc: "A failing check stops what lists it: gates by `after`, any block by `requires`. Its rules see `table.rows`, " +
			"`table.columns.<name>` and `failed`.",
	},
	{
		Name: "dataset", Phase: schema.Design, DefaultType: "sql", Summary: "A table made of others: cleaned, joined, deduplicated",
		Doc: "The query is bound on typed empty tables when the file is loaded. With a `key`, rows are unique by it and stored in its order.",
	},
	{
		Name: "deploy", Phase: schema.Operations, Summary: "Where a model goes once its gate lets it pass",
		Doc: "A release is a record: which model, by which gate, since when. `http` is served by `mlp serve`, `batch` scores a table.",
	},
	{
		Name: "evaluate", Phase: schema.Development, DefaultType: "model", Summary: "Figures of a model on data it was not trained on",
		Doc: "Rules read them at `evaluate.<name>.metrics.<m>`, `.intervals.<m>.low|high`, `.slices.<s>.<m>` and, against the gate's " +
			"champion, `.delta.<m>.value|low|high`. A figure that cannot be computed is undefined, and no rule passes on it.",
	},
	{
		Name: "feature", Phase: schema.Development, Summary: "Columns computed of an entity's rows, now or in windows of time",
		Doc: "A window sees rows of the same entity strictly before the row's own time.",
	},
	{
		Name: "image", Phase: schema.Development, DefaultType: "build", Summary: "What programs run in, where it is made",
		Doc: "It is made once, and kept by what it was made of: `image = image.<name>` of any block whose program runs in it, `base` of Python, `images` of further builds.",
	},
	{
		Name: "label", Phase: schema.Design, Summary: "What is to be predicted, and when it became known",
		Doc: "A row that is too young to be trusted and has no label yet is unknown, never negative.",
	},
	{
		Name: "metric", Phase: schema.Design, Passive: true, Summary: "What good means",
		Doc: "A metric by scikit-learn's name, or an SQL aggregate over predictions.",
	},
	{
		Name: "model", Phase: schema.Development, Summary: "A model that was trained elsewhere",
		Doc: "It yields a model, like a trainer: to evaluate, compare, choose, deploy and explain. `mlp report model.<name>` shows where it comes from.",
	},
	{
		Name: "monitor", Phase: schema.Operations, DefaultType: "drift", Summary: "Whether data still looks as it did, and the model is still as good",
		Doc: "Rules read `monitor.<name>.drift.share` and `.drift.columns.<c>`, or `monitor.<name>.performance.<m>.value|low|high` and " +
			"`.delta.<m>.value|low|high`. A gate that reads a monitor of a deployment is another than the one that the deployment waits for.",
	},
	{
		Name: "profile", Phase: schema.Design, Summary: "What the rows of a table are like",
		Doc: "Rules read what was found at `profile.<name>.columns.<c>.mean`, `.related.<c>.spearman`, `.target.<c>`, `.drift.<part>.share`; `mlp report profile.<name>` shows " +
			"all of it. Nothing that is found fails the stage.",
	},
	{
		Name: "select", Phase: schema.Development, Summary: "One model chosen among several",
		Doc: "It yields a model, like a trainer. Rules read `select.<name>.chosen`, `.value` and `.candidates[\"<c>\"].value|low|high`.",
	},
	{
		Name: "source", Phase: schema.Design, Summary: "Data from outside, read into a typed table",
		Doc: "Its version is its content. Declared columns are the whole schema; where none are declared they are found by looking at " +
			"the files, and pinned in mlp.lock by `mlp init`.",
	},
	{
		Name: "split", Phase: schema.Development, Summary: "Which rows train, validate, choose and test",
		Doc: "It has three ports, `split.<name>.train`, `.validation` and `.test`, and with a `selection` a fourth, `.selection`. A model is fitted on train, stopped and decided on validation; " +
			"of several models one is chosen on selection, and measured on test.",
	},
	{
		Name: "stage", Phase: schema.Development, Summary: "A program of your own that is of no other kind",
		Doc: "It reads what others yield and writes files, and a table where it declares one.",
	},
	{
		Name: "train", Phase: schema.Development, Summary: "A model fitted to data",
		Doc: "`features` is a list of what is allowed: a new column upstream never becomes a feature by itself.",
	},
	{
		Name: "training_set", Phase: schema.Development, Summary: "Labels and features joined as of a time",
		Doc: "One row for each of the spine's, always; of each feature what was known strictly before the row's time.",
	},
}
