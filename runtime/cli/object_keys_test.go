package cli

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// objectKeys says of every place that takes any value what becomes of the keys of an object there. A key that means
// nothing must be an error; so a place that is new to the catalog is to be written down here, with a module that shows
// it, or with the reason why all keys are right.
var objectKeys = map[string]struct {
	anyKey string // why every key means something
	module string // with a misspelt key
	want   string // in the mistake that is told of it
}{
	"variable.default":                                       {module: "variable \"v\" {\n type = object({ low = number })\n default = { lwo = 1 }\n}\n", want: `"lwo"`},
	"variable.validation.condition":                          {module: "variable \"v\" {\n default = 1\n validation {\n condition = { lwo = 1 }\n message = \"m\"\n }\n}\n", want: "condition takes a bool"},
	"variable.validation.message":                            {anyKey: "what is no string is left out for a message of our own"},
	"output.value":                                           {anyKey: "it is shown as it is"},
	"module.*":                                               {anyKey: "the arguments are variables of the module; the keys of their objects are checked like those of a default: conformance 0536"},
	"check.expect.between":                                   {module: checkOf("between = { min = 0 }"), want: "a list of values is expected"},
	"check.expect.in_set":                                    {module: checkOf("in_set = { a = 0 }"), want: "a list of values is expected"},
	"dataset/sql.from":                                       {anyKey: "the keys are names of tables"},
	"dataset/sql.params.*":                                   {anyKey: "the arguments are parameters of the query, which must read each"},
	"image/build.args":                                       {module: "image \"build\" \"x\" {\n args = { lwo = 1 }\n}\n", want: "args is no map of strings"},
	"image/build.images":                                     {anyKey: "the keys are names of images in the Dockerfile, which must use each"},
	"train/container.env":                                    {anyKey: "the keys are variables of the environment"},
	"train/container.params.*":                               {anyKey: "they are for the command"},
	"train/python.env":                                       {anyKey: "the keys are variables of the environment"},
	"train/python.params.*":                                  {anyKey: "they are for the script"},
	"source/container.env":                                   {anyKey: "the keys are variables of the environment"},
	"source/container.params.*":                              {anyKey: "they are for the program"},
	"source/python.env":                                      {anyKey: "the keys are variables of the environment"},
	"source/python.params.*":                                 {anyKey: "they are for the program"},
	"dataset/container.env":                                  {anyKey: "the keys are variables of the environment"},
	"dataset/container.params.*":                             {anyKey: "they are for the program"},
	"dataset/python.env":                                     {anyKey: "the keys are variables of the environment"},
	"dataset/python.params.*":                                {anyKey: "they are for the program"},
	"feature/container.env":                                  {anyKey: "the keys are variables of the environment"},
	"feature/container.params.*":                             {anyKey: "they are for the program"},
	"feature/python.env":                                     {anyKey: "the keys are variables of the environment"},
	"feature/python.params.*":                                {anyKey: "they are for the program"},
	"evaluate/container.env":                                 {anyKey: "the keys are variables of the environment"},
	"evaluate/container.params.*":                            {anyKey: "they are for the program"},
	"evaluate/python.env":                                    {anyKey: "the keys are variables of the environment"},
	"evaluate/python.params.*":                               {anyKey: "they are for the program"},
	"stage/container.env":                                    {anyKey: "the keys are variables of the environment"},
	"stage/container.params.*":                               {anyKey: "they are for the program"},
	"stage/python.env":                                       {anyKey: "the keys are variables of the environment"},
	"stage/python.params.*":                                  {anyKey: "they are for the program"},
	"dataset/container.from":                                 {anyKey: "the keys are names of tables"},
	"dataset/python.from":                                    {anyKey: "the keys are names of tables"},
	"stage/container.from":                                   {anyKey: "the keys are names of inputs"},
	"stage/python.from":                                      {anyKey: "the keys are names of inputs"},
	"evaluate/backtest.of":                                   {anyKey: "the keys are names of evaluations"},
	"select.backtests":                                       {anyKey: "the keys are names of candidates"},
	"select.candidates":                                      {anyKey: "the keys are names of candidates"},
	"model.trained_on":                                       {anyKey: "the keys are names of tables"},
	"train/ensemble.models":                                  {anyKey: "the keys are names of members"},
	"train/ensemble.weights":                                 {module: treesWith("} \ntrain \"ensemble\" \"e\" {\n models = { a = train.t, b = train.t }\n weights = { lwo = 2 }"), want: `no member "lwo"`},
	"profile.parts":                                          {anyKey: "the keys are names of parts"},
	"train/gradient_boosting.tune.space.trees":               {module: spaceOf("gradient_boosting", "trees"), want: `"lwo"`},
	"train/gradient_boosting.tune.space.learning_rate":       {module: spaceOf("gradient_boosting", "learning_rate"), want: `"lwo"`},
	"train/gradient_boosting.tune.space.max_depth":           {module: spaceOf("gradient_boosting", "max_depth"), want: `"lwo"`},
	"train/gradient_boosting.tune.space.max_leaves":          {module: spaceOf("gradient_boosting", "max_leaves"), want: `"lwo"`},
	"train/gradient_boosting.tune.space.min_child_weight":    {module: spaceOf("gradient_boosting", "min_child_weight"), want: `"lwo"`},
	"train/gradient_boosting.tune.space.lambda":              {module: spaceOf("gradient_boosting", "lambda"), want: `"lwo"`},
	"train/gradient_boosting.tune.space.gamma":               {module: spaceOf("gradient_boosting", "gamma"), want: `"lwo"`},
	"train/gradient_boosting.tune.space.max_cat_to_onehot":   {module: spaceOf("gradient_boosting", "max_cat_to_onehot"), want: `"lwo"`},
	"train/gradient_boosting.tune.space.max_cat_threshold":   {module: spaceOf("gradient_boosting", "max_cat_threshold"), want: `"lwo"`},
	"train/gradient_boosting.tune.space.subsample":           {module: spaceOf("gradient_boosting", "subsample"), want: `"lwo"`},
	"train/gradient_boosting.tune.space.column_sample":       {module: spaceOf("gradient_boosting", "column_sample"), want: `"lwo"`},
	"train/gradient_boosting.tune.space.alpha":               {module: spaceOf("gradient_boosting", "alpha"), want: `"lwo"`},
	"train/gradient_boosting.tune.space.colsample_bylevel":   {module: spaceOf("gradient_boosting", "colsample_bylevel"), want: `"lwo"`},
	"train/gradient_boosting.tune.space.colsample_bynode":    {module: spaceOf("gradient_boosting", "colsample_bynode"), want: `"lwo"`},
	"train/gradient_boosting.class_weight":                   {module: treesWith("class_weight = { lwo = 2 }"), want: `no class "lwo"`},
	"train/gradient_boosting.params.monotone_constraints":    {module: treesWith("params {\n monotone_constraints = { lwo = 1 }\n}"), want: `"lwo" is not among the features`},
	"train/gradient_boosting.params.interaction_constraints": {module: treesWith("params {\n interaction_constraints = { lwo = 1 }\n}"), want: "no list of groups"},
	"train/random_forest.tune.space.trees":                   {module: spaceOf("random_forest", "trees"), want: `"lwo"`},
	"train/random_forest.tune.space.max_depth":               {module: spaceOf("random_forest", "max_depth"), want: `"lwo"`},
	"train/random_forest.tune.space.min_samples_leaf":        {module: spaceOf("random_forest", "min_samples_leaf"), want: `"lwo"`},
	"train/random_forest.tune.space.max_features":            {module: spaceOf("random_forest", "max_features"), want: `"lwo"`},
	"train/random_forest.tune.space.max_samples":             {module: spaceOf("random_forest", "max_samples"), want: `"lwo"`},
	"train/random_forest.class_weight":                       {module: strings.Replace(treesWith("class_weight = { lwo = 2 }"), "gradient_boosting", "random_forest", 1), want: `no class "lwo"`},
	"train/k_nearest_neighbors.tune.space.k":                 {module: spaceOf("k_nearest_neighbors", "k"), want: `"lwo"`},
	"train/k_nearest_neighbors.class_weight":                 {module: strings.Replace(treesWith("class_weight = { lwo = 2 }"), "gradient_boosting", "k_nearest_neighbors", 1), want: `no class "lwo"`},
	"train/linear_regression.tune.space.l2":                  {module: spaceOf("linear_regression", "l2"), want: `"lwo"`},
	"train/linear_regression.tune.space.l1":                  {module: spaceOf("linear_regression", "l1"), want: `"lwo"`},
	"train/linear_regression.tune.space.epsilon":             {module: spaceOf("linear_regression", "epsilon"), want: `"lwo"`},
	"train/logistic_regression.class_weight":                 {module: strings.Replace(treesWith("class_weight = { lwo = 2 }"), "gradient_boosting", "logistic_regression", 1), want: `no class "lwo"`},
	"train/logistic_regression.tune.space.l1":                {module: spaceOf("logistic_regression", "l1"), want: `"lwo"`},
	"train/logistic_regression.tune.space.l2":                {module: spaceOf("logistic_regression", "l2"), want: `"lwo"`},
	"train/logistic_regression.tune.space.max_iterations":    {module: spaceOf("logistic_regression", "max_iterations"), want: `"lwo"`},
}

// treesWith is a trainer of trees with something more in its block.
func treesWith(text string) string {
	return "source \"csv\" \"s\" {\n path = \"s.csv\"\n column \"x\" { type = \"double\" }\n column \"y\" { type = \"boolean\" }\n}\n" +
		"train \"gradient_boosting\" \"t\" {\n data = source.s\n target = \"y\"\n features = [\"x\"]\n " + text + "\n}\n"
}

// spaceOf is a trainer whose space has a range of a parameter with a misspelt end.
func spaceOf(trainer, parameter string) string {
	return "source \"csv\" \"s\" {\n path = \"s.csv\"\n column \"x\" { type = \"double\" }\n column \"y\" { type = \"boolean\" }\n column \"z\" { type = \"double\" }\n}\n" +
		"split \"hash\" \"p\" {\n from = source.s\n test = 0.2\n validation = 0.2\n}\nmetric \"m\" { type = \"" + map[bool]string{true: "root_mean_squared_error", false: "roc_auc"}[trainer == "linear_regression"] + "\" }\n" +
		"train \"" + trainer + "\" \"t\" {\n data = split.p.train\n selection = split.p.validation\n target = \"" + map[bool]string{true: "z", false: "y"}[trainer == "linear_regression"] +
		"\"\n features = [\"x\"]\n tune {\n metric = metric.m\n space { " + parameter + " = { lwo = 0.1, max = 1 } }\n }\n}\n"
}

func checkOf(expectation string) string {
	return "source \"csv\" \"s\" {\n path = \"s.csv\"\n column \"amount\" { type = \"double\" }\n}\ncheck \"c\" {\n on = source.s\n expect \"amount\" { " + expectation + " }\n}\n"
}

// TestObjectKeys walks the catalog: whatever takes an object says what it thinks of keys that it does not know.
func TestObjectKeys(t *testing.T) {
	seen := map[string]bool{}
	catalog := stdlib.Catalog()
	for _, k := range catalog.Kinds {
		for _, ty := range k.Types {
			at := k.Name
			if ty.Name != "" && len(k.Types) > 1 {
				at += "/" + ty.Name
			}
			if k.FreeAttrs {
				takesObjects(t, at+".*", seen)
			}
			eachPlace(at, &ty.Body, func(path string, a *schema.Attr) {
				switch {
				case a == nil, a.Type == schema.Any, a.Type == schema.RefMap:
					takesObjects(t, path, seen)
				default:
					refusesObjects(t, k.Name, ty.Name, path, at, a)
				}
			})
		}
	}
	for path := range objectKeys {
		if !seen[path] {
			t.Errorf("%s takes no objects, or does not exist", path)
		}
	}
}

// eachPlace calls f with every argument of a body, and with nil for blocks that take any argument.
func eachPlace(at string, body *schema.Body, f func(path string, a *schema.Attr)) {
	for i := range body.Attrs {
		f(at+"."+body.Attrs[i].Name, &body.Attrs[i])
	}
	for i := range body.Blocks {
		b := &body.Blocks[i]
		if b.FreeAttrs {
			f(at+"."+b.Name+".*", nil)
		}
		eachPlace(at+"."+b.Name, &b.Body, f)
	}
}

func takesObjects(t *testing.T, path string, seen map[string]bool) {
	t.Helper()
	seen[path] = true
	place, ok := objectKeys[path]
	switch {
	case !ok:
		t.Errorf("%s takes objects: what of a key that it does not know? Write it down in objectKeys", path)
	case place.module != "":
		if got := saidOf(t, place.module); !strings.Contains(got, place.want) {
			t.Errorf("%s: got %q, want %q in it", path, got, place.want)
		}
	}
}

// refusesObjects: a place of another type takes no object at all.
func refusesObjects(t *testing.T, kind, typ, path, at string, a *schema.Attr) {
	t.Helper()
	nested := strings.Split(strings.TrimPrefix(path, at+"."), ".")
	text := a.Name + " = { zzz = 1 }"
	for i := len(nested) - 2; i >= 0; i-- {
		label := ""
		if labelled(t, kind, typ, nested[:i+1]) {
			label = " \"x\""
		}
		text = nested[i] + label + " {\n" + text + "\n}"
	}
	head := kind
	if kind != "locals" {
		if typ != "" {
			head += fmt.Sprintf(" %q", typ)
		}
		head += ` "a"`
	}
	if kind == "pipeline" {
		return // every module has one already; its arguments are strings
	}
	lines := strings.Count(text[:strings.Index(text, a.Name+" = { zzz")], "\n") + 2
	got := saidOf(t, head+" {\n"+text+"\n}\n")
	if !strings.Contains(got, fmt.Sprintf("case.mlp:%d:", lines)) {
		t.Errorf("%s takes an object without a word; told was %s", path, got)
	}
}

func labelled(t *testing.T, kind, typ string, path []string) bool {
	t.Helper()
	body := &stdlib.Catalog().Kind(kind).Type(typ).Body
	var b *schema.Block
	for _, name := range path {
		b = body.Block(name)
		body = &b.Body
	}
	return b.Labelled
}

// saidOf is what mlp validate says of a module, with the places.
func saidOf(t *testing.T, module string) string {
	t.Helper()
	binder := table.NewBinder(nil)
	defer binder.Close()
	c := conformanceCase{files: []txtar.File{{Name: "base.mlp", Data: []byte("pipeline \"p\" {}\n")}, {Name: "case.mlp", Data: []byte(module)}}}
	var out strings.Builder
	for _, d := range c.diagnose(t, binder) {
		fmt.Fprintf(&out, "%s:%d: %s %s | ", d.Subject.File, d.Subject.Start.Line, d.Code, d.Summary)
	}
	return out.String()
}
