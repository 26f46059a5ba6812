// Package stdlib lists the components: every type of every kind of block that computes something. The list is explicit
// and sorted; adding a component is adding its folder and its line here.
package stdlib

// How a block finds its component.
//
// A block `train "linear_regression" "m"` has the kind train and the type linear_regression; its component is the value
// of these two in the list below. There is no other registry, and nothing registers itself: what mlp knows is what this
// file imports, in an order that anybody can read, and a test of all components walks this list.
//
// The compiler never imports a component. It gets the catalog that is made of the list (their schemas, ports and
// documentation) and asks the rest through an interface: what a block yields (Shape), what it derives (Derive). Run is
// called by the executor alone, in a process of its own or in a container, so that a component which hangs or takes too
// much memory ends by itself.

import (
	"slices"
	"strings"
	"sync"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	checktable "github.com/mlp-lang/mlp/stdlib/check/table"
	datasetcontainer "github.com/mlp-lang/mlp/stdlib/dataset/container"
	datasetpython "github.com/mlp-lang/mlp/stdlib/dataset/python"
	"github.com/mlp-lang/mlp/stdlib/dataset/sql"
	"github.com/mlp-lang/mlp/stdlib/deploy/batch"
	"github.com/mlp-lang/mlp/stdlib/deploy/http"
	evaluatebacktest "github.com/mlp-lang/mlp/stdlib/evaluate/backtest"
	evaluatecontainer "github.com/mlp-lang/mlp/stdlib/evaluate/container"
	evaluatefile "github.com/mlp-lang/mlp/stdlib/evaluate/file"
	evaluatemodel "github.com/mlp-lang/mlp/stdlib/evaluate/model"
	"github.com/mlp-lang/mlp/stdlib/evaluate/policy"
	evaluatepython "github.com/mlp-lang/mlp/stdlib/evaluate/python"
	featurecontainer "github.com/mlp-lang/mlp/stdlib/feature/container"
	featurepython "github.com/mlp-lang/mlp/stdlib/feature/python"
	"github.com/mlp-lang/mlp/stdlib/feature/window"
	fetchhttp "github.com/mlp-lang/mlp/stdlib/fetch/http"
	fetchpostgres "github.com/mlp-lang/mlp/stdlib/fetch/postgres"
	imagearchive "github.com/mlp-lang/mlp/stdlib/image/archive"
	imagebuild "github.com/mlp-lang/mlp/stdlib/image/build"
	imagepython "github.com/mlp-lang/mlp/stdlib/image/python"
	"github.com/mlp-lang/mlp/stdlib/label/maturity"
	"github.com/mlp-lang/mlp/stdlib/metric"
	modelfile "github.com/mlp-lang/mlp/stdlib/model/file"
	"github.com/mlp-lang/mlp/stdlib/monitor/drift"
	"github.com/mlp-lang/mlp/stdlib/monitor/performance"
	profiletable "github.com/mlp-lang/mlp/stdlib/profile/table"
	"github.com/mlp-lang/mlp/stdlib/sample/rows"
	"github.com/mlp-lang/mlp/stdlib/select/best"
	sourcecontainer "github.com/mlp-lang/mlp/stdlib/source/container"
	"github.com/mlp-lang/mlp/stdlib/source/csv"
	"github.com/mlp-lang/mlp/stdlib/source/json"
	"github.com/mlp-lang/mlp/stdlib/source/parquet"
	"github.com/mlp-lang/mlp/stdlib/source/postgres"
	"github.com/mlp-lang/mlp/stdlib/source/predictions"
	sourcepython "github.com/mlp-lang/mlp/stdlib/source/python"
	"github.com/mlp-lang/mlp/stdlib/source/sqlite"
	splitbacktest "github.com/mlp-lang/mlp/stdlib/split/backtest"
	"github.com/mlp-lang/mlp/stdlib/split/column"
	"github.com/mlp-lang/mlp/stdlib/split/group"
	"github.com/mlp-lang/mlp/stdlib/split/hash"
	"github.com/mlp-lang/mlp/stdlib/split/stratified"
	splittime "github.com/mlp-lang/mlp/stdlib/split/time"
	stagecontainer "github.com/mlp-lang/mlp/stdlib/stage/container"
	stagepython "github.com/mlp-lang/mlp/stdlib/stage/python"
	"github.com/mlp-lang/mlp/stdlib/train/baseline"
	traincontainer "github.com/mlp-lang/mlp/stdlib/train/container"
	"github.com/mlp-lang/mlp/stdlib/train/ensemble"
	"github.com/mlp-lang/mlp/stdlib/train/gradient_boosting"
	"github.com/mlp-lang/mlp/stdlib/train/k_nearest_neighbors"
	"github.com/mlp-lang/mlp/stdlib/train/linear_regression"
	"github.com/mlp-lang/mlp/stdlib/train/logistic_regression"
	trainpython "github.com/mlp-lang/mlp/stdlib/train/python"
	"github.com/mlp-lang/mlp/stdlib/train/random_forest"
	"github.com/mlp-lang/mlp/stdlib/training_set/asof"
)

// Components returns all of them, sorted by kind and type.
func Components() []*component.Component {
	return []*component.Component{
		&checktable.Component,
		&datasetcontainer.Component,
		&datasetpython.Component,
		&sql.Component,
		&batch.Component,
		&http.Component,
		&evaluatebacktest.Component,
		&evaluatecontainer.Component,
		&evaluatefile.Component,
		&evaluatemodel.Component,
		&policy.Component,
		&evaluatepython.Component,
		&window.Component,
		&featurecontainer.Component,
		&featurepython.Component,
		&imagearchive.Component,
		&imagebuild.Component,
		&maturity.Component,
		&metric.Component,
		&modelfile.Component,
		&drift.Component,
		&performance.Component,
		&profiletable.Component,
		&best.Component,
		&sourcecontainer.Component,
		&csv.Component,
		&json.Component,
		&parquet.Component,
		&predictions.Component,
		&postgres.Component,
		&sourcepython.Component,
		&sqlite.Component,
		&splitbacktest.Component,
		&column.Component,
		&group.Component,
		&hash.Component,
		&stratified.Component,
		&splittime.Component,
		&stagecontainer.Component,
		&stagepython.Component,
		&baseline.Component,
		&traincontainer.Component,
		&ensemble.Component,
		&gradient_boosting.Component,
		&k_nearest_neighbors.Component,
		&linear_regression.Component,
		&logistic_regression.Component,
		&trainpython.Component,
		&random_forest.Component,
		&asof.Component,
	}
}

// Fetches returns the components that get what lies elsewhere, sorted by type. No block is of them: sources derive them.
func Fetches() []*component.Component {
	return []*component.Component{&fetchhttp.Component, &fetchpostgres.Component}
}

// Images returns the components that make images for blocks that derive them, sorted by type. No block is of them: their programs run in the images.
func Images() []*component.Component { return []*component.Component{&imagepython.Component} }

// Sample returns the component that samples the rows of sources. No block is of it: plans of a sample have it behind each source.
func Sample() *component.Component { return &rows.Component }

// Component returns the one of that name ("train.gradient_boosting", "label", "fetch.http"), nil if there is none.
func Component(name string) *component.Component { return byName()[name] }

// byName are all components, also those that no block names. A plan asks for one several times a stage.
var byName = sync.OnceValue(func() map[string]*component.Component {
	out := map[string]*component.Component{}
	for _, c := range append(slices.Concat(Components(), Fetches(), Images()), Sample()) {
		out[c.Name()] = c
	}
	return out
})

// Catalog is the language's vocabulary: the core kinds and those of the components. What it holds is shared with them: read
// it, do not change it.
// A kind with one type has that as its default, so that label "fraud" need not say which. The kinds are sorted by name.
func Catalog() *schema.Catalog {
	all := append(schema.CoreKinds(), kinds...)
	for i := range all {
		k := &all[i]
		for _, c := range Components() {
			if c.Kind == k.Name {
				k.Types = append(k.Types, c.Type)
			}
		}
		if k.DefaultType == "" && len(k.Types) == 1 {
			k.DefaultType = k.Types[0].Name
		}
	}
	slices.SortFunc(all, func(a, b schema.Kind) int { return strings.Compare(a.Name, b.Name) })
	return &schema.Catalog{Kinds: all}
}
