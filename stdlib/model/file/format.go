package file

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/lightgbm"
	"github.com/mlp-lang/mlp/stdlib/model/onnx"
)

// format is a kind of files that models lie in.
type format struct {
	name string
	// looks reports whether a file looks like one of them.
	looks func(data []byte) bool
	read  func(data []byte) (foreign, error)
}

// formats there are, in the order in which a file is held against them.
func formats() []format {
	return []format{{"xgboost", looksXGBoost, readXGBoost}, {"lightgbm", lightgbm.Looks, readLightGBM}, {"onnx", onnx.Looks, readONNX}}
}

func formatNames() []string {
	var out []string
	for _, f := range formats() {
		out = append(out, f.name)
	}
	return out
}

// parse reads a file of the format that is named, or that it looks like.
func parse(data []byte, named string) (foreign, error) {
	for _, f := range formats() {
		if f.name == named || named == "" && f.looks(data) {
			return f.read(data)
		}
	}
	return nil, fmt.Errorf("it looks like no model in a format that is known: %s", strings.Join(formatNames(), ", "))
}

// foreign is a model as its file has it.
type foreign interface {
	// about is what the file says of itself and of what its trees ask.
	about() *about
	// cut leaves the first rounds of boosting.
	cut(rounds int) error
	// outputs are how many scores a row has.
	outputs() int
	// fits says why the scores are not those of a task with so many classes; nil if they are.
	fits(s *model.Signature) error
	// estimator is the model with other features: at has the new place of each of the file's, -1 of those that no tree asks for.
	estimator(at []int, s *model.Signature) (model.Kind, model.Estimator, error)
}

// about is what a file says of its model.
type about struct {
	from     string // "XGBoost 1.7.4"
	rounds   int
	trees    int
	best     int      // rounds up to the best, where the file says that there are more; else 0
	names    []string // of the features; nil where the file has none, or those that it gives to columns without one
	features []asked
	classes  []string  // as the file names them; nil where it does not
	gains    []float64 // of the splits, by feature; nil where the file does not say
}

// asked is what trees ask of a feature.
type asked struct {
	used bool
	// categories are how many codes there are at least where it is split by category; 0: it is not.
	categories int
	levels     []string // the names of its categories, as the file has them; nil: it does not
}

// generic reports whether names say nothing but places: f0, f1, … of XGBoost and Column_0, Column_1, … of LightGBM.
func generic(names []string, prefix string) bool {
	for i, name := range names {
		if name != fmt.Sprintf("%s%d", prefix, i) {
			return false
		}
	}
	return true
}

// wrongTask is what is said of a file whose scores are others than those of the block's task.
func wrongTask(what string, s *model.Signature) error {
	if s.Task == schema.Multiclass {
		return fmt.Errorf("it yields %s, and the task of the block is %s with %d classes", what, s.Task, len(s.Classes))
	}
	return fmt.Errorf("it yields %s, and the task of the block is %s", what, s.Task)
}
