// Package file takes a model that was trained elsewhere into a pipeline: a file of trees that XGBoost or LightGBM saved, or one of ONNX, read as what it is and written
// as the bundle that every trainer here writes. From there on nothing tells it from a model of a train block: it is evaluated, compared, chosen,
// deployed and explained the same way.
//
// # What a file says, and what the block must
//
//	                    the file                                   the block
//	trees, leaves       all of it                                  rounds, where early stopping left more than the best
//	features            their names, or only their number          features: the columns, by name or in the file's order
//	types               q, int, c, or nothing                      data: a table that has the columns
//	categories          their names, or only their codes           feature "c" { levels = […] }, in the order of the codes
//	classes             their number                               positive, classes
//	rows it has seen    nothing                                    trained_on, or trained_elsewhere
//
// A file whose features are f0 and f1 (Column_0 and Column_1) is taken by their order, one that says ["tenure", "contract"] by name, so that the columns may be listed in
// any order. Where a file leaves open what a value means (a category whose code is 3, a class whose number is 1) and the block does not say,
// nothing is guessed: the stage fails, and says what to write.
package file

import (
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/source/remote"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// Ports besides those of trainers.
const (
	filesPort     = "files"
	trainedOnPort = "trained_on"
)

// Component is model "file".
var Component = component.Component{
	Kind: "model",
	Type: schema.Type{
		Name:     "file",
		Version:  2,
		Engine:   table.Engine,
		External: true,
		Summary:  "Trees that were trained elsewhere, from a file of XGBoost, LightGBM or ONNX",
		Doc:      doc,
		Body: schema.Body{
			Attrs:  attrs(),
			Blocks: []schema.Block{featureBlock},
		},
		Out: []schema.Port{{Name: train.ModelPort, Type: schema.ModelPort, Doc: "The model, with its threshold."}},
		Examples: []schema.Example{{Title: "The model of another team, measured and released by rules", Code: example,
			Files: []schema.ExampleFile{{Name: "models/churn.json", Code: exampleFile}}}},
	},
	Shape:  shape,
	Derive: remote.Derive,
	Source: &component.Source{Files: files},
	Run:    run,
}

// attrs are those of trainers that say what a model takes and yields, and those of a file.
func attrs() []schema.Attr {
	out := []schema.Attr{
		{Name: "path", Type: schema.String, Required: true, Doc: "The file, relative to the module: `models/churn.json`. Or its address: `https://example.com/churn.ubj`."},
		{Name: "format", Type: schema.String, OneOf: formatNames(), Doc: "What the file is. Left out: what it looks like."},
	}
	for _, a := range train.Attrs(tasks, true) {
		switch a.Name {
		case train.DataPort:
			a.Rows = ""
			a.Doc = "A table with the columns that the model reads: what it is to score. The features are of the types that they have there, and its rows are scored once, so that what does not fit is told at once."
		case "features":
			a.Doc = "The columns that the model reads: by name where the file names its features, in any order; else all, in the order of the file."
		case "target":
			a.Doc = "The column that is predicted."
		case train.ValidationPort, "weight":
			continue
		}
		out = append(out, a)
	}
	return append(append(out,
		schema.Attr{Name: "classes", Type: schema.StringList,
			Doc: "The values of the target in the order of the model's scores; of two the positive one last. Left out: of two classes those in the data, of several whole numbers 0, 1, 2, …"},
		schema.Attr{Name: "threshold", Type: schema.Number, Doc: "The score from which on a row is predicted positive. Left out: 0.5."},
		schema.Attr{Name: "rounds", Type: schema.Integer,
			Doc: "How many of the file's rounds of boosting count. It must be said of a file that early stopping left with more rounds than the best (`best_iteration`): XGBoost's scikit-learn classes score with those up to the best, `Booster.predict` with all. Left out: all."},
		schema.Attr{Name: trainedOnPort, Type: schema.RefMap, Ports: []schema.PortType{schema.TablePort}, Rows: schema.FittedRows,
			Doc: "The tables that the model was trained on, where they are of this pipeline: `[split.parts.train]`, or with names `{ train = split.parts.train, stop = split.parts.validation }`. To measure it on their rows is an error."},
		schema.Attr{Name: "trained_elsewhere", Type: schema.Bool, Default: false,
			Doc: "Whether you vouch that the model was trained on none of this pipeline's rows. Without it and `trained_on` every measurement is warned of."},
	), remote.Attrs()...)
}

// featureBlock says of one feature what the file does not.
var featureBlock = schema.Block{Name: "feature", Labelled: true, Repeated: true, Unordered: true,
	Doc: "What the file calls a column, and which categories its codes mean. A feature for which the file says it needs none.",
	Body: schema.Body{Attrs: []schema.Attr{
		{Name: "called", Type: schema.String, Doc: "What the file calls the column. Left out: the same."},
		{Name: "levels", Type: schema.StringList,
			Doc: "The categories in the order of their codes, 0, 1, 2, …: of a column of pandas `list(frame[\"contract\"].cat.categories)`. Any other value counts as missing."},
	}}}

const doc = "The file is one of these:\n\n" +
	"- what `Booster.save_model` of XGBoost 1.0 to 3.x wrote, `model.json` or `model.ubj`. Scores are XGBoost's, to the bit before the last step of probabilities. Of objectives those of `train \"gradient_boosting\"` are read: `binary:logistic`, `multi:softprob`, " +
	"`reg:squarederror` and the others of amounts. Boosters other than gbtree are refused.\n" +
	"- the text that `Booster.save_model` of LightGBM wrote: `binary`, `multiclass`, `cross_entropy`, `regression` and the other objectives of amounts. Scores are LightGBM's, in 64 bits. Linear trees, one class against all others, and orders are refused. Where the frame was one of pandas the file names the categories.\n" +
	"- an ONNX file whose graph is a `TreeEnsembleClassifier` or `TreeEnsembleRegressor` and nothing that changes values before or scores after. Scores are added up in 64 bits. Such a file does not say how many training rows went which way, so the rows of `data` are counted instead: path-dependent explanations start from the mean over these.\n\n" +
	"Its version is its content, like a source's. Which rows a model has seen no file says: name them in `trained_on`, so that measuring on them is an error; if they are not of this pipeline, say `trained_elsewhere`.\n\n" +
	"A row whose category is none of `levels` has it missing. The table of `data` is scored once: a text feature of which no value is a level, and rows without a prediction, are warned of.\n\n" +
	"Figures: `rounds`, `trees`, `threshold`, `rows` (of the data, scored), `unscored`, `unknown[\"contract\"]` (the share of its values that are no level) and `importance`, the share of each feature in the gain of all splits."

const example = `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "customer" { type = "varchar" }
  column "tenure"   { type = "integer" }
  column "contract" { type = "varchar" }
  column "churned"  { type = "boolean" }
}

metric "auc" { type = "roc_auc" }

model "file" "theirs" {
  path              = "models/churn.json"
  data              = source.customers
  target            = "churned"
  features          = ["tenure", "contract"]
  trained_elsewhere = true
  feature "contract" {
    levels = ["month", "year", "two years"]
  }
}

evaluate "theirs" {
  model   = model.theirs
  data    = source.customers
  metrics = [metric.auc]
}

gate "release" {
  rule "ranks" { assert = "evaluate.theirs.metrics.auc > 0.5" }
}

deploy "http" "scorer" {
  model = model.theirs
  gate  = gate.release
}
`

// exampleFile is a model of one tree: short tenure leaves, unless by a contract of two years.
const exampleFile = `{"learner": {"attributes": {}, "feature_names": ["tenure", "contract"], "feature_types": ["int", "c"],
  "gradient_booster": {"name": "gbtree", "model": {"gbtree_model_param": {"num_parallel_tree": "1", "num_trees": "1", "size_leaf_vector": "1"},
    "iteration_indptr": [0, 1], "tree_info": [0], "trees": [{"id": 0, "tree_param": {"num_deleted": "0", "num_feature": "2", "num_nodes": "5", "size_leaf_vector": "1"},
      "left_children": [1, 3, -1, -1, -1], "right_children": [2, 4, -1, -1, -1], "parents": [2147483647, 0, 0, 1, 1],
      "split_indices": [0, 1, 0, 0, 0], "split_conditions": [2.4E1, 0E0, -6E-1, 9E-1, -3E-1], "split_type": [0, 1, 0, 0, 0], "default_left": [1, 1, 0, 0, 0],
      "categories": [2], "categories_nodes": [1], "categories_segments": [0], "categories_sizes": [1],
      "base_weights": [0E0, 3E-1, -6E-1, 9E-1, -3E-1], "loss_changes": [3.2E1, 1.1E1, 0E0, 0E0, 0E0], "sum_hessian": [1.2E2, 5E1, 7E1, 3E1, 2E1]}]}},
  "learner_model_param": {"base_score": "5E-1", "boost_from_average": "1", "num_class": "0", "num_feature": "2", "num_target": "1"},
  "objective": {"name": "binary:logistic", "reg_loss_param": {"scale_pos_weight": "1"}}}, "version": [2, 0, 3]}
`
