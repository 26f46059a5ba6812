package gradient_boosting_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/file"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	gb "github.com/mlp-lang/mlp/stdlib/train/gradient_boosting"
)

// made is what a block made, to go on with.
func made(t *testing.T, c component.Component, b stagetest.Block) stagetest.Model {
	t.Helper()
	r := stagetest.Run(t, c, b)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return stagetest.Model{Dir: filepath.Join(r.Root, "out", "model"), Shape: r.Shape.Out["model"].Model}
}

// from is a block that goes on with a model.
func from(m stagetest.Model, b stagetest.Block) stagetest.Block {
	b.Models = map[string]stagetest.Model{"init_model": m}
	return b
}

// boosted reads the trees of a model.
func boosted(t *testing.T, dir string) *xgboost.Model {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, model.ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	m, err := xgboost.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func rounds(n string) string {
	return `{"target": "churned", "features": ["tenure", "contract", "noise"], "params": {"trees": ` + n + `, "early_stopping_rounds": 0, "max_depth": 3}}`
}

// TestGoesOn: 20 rounds, and 30 more, are the model of 50, in XGBoost's format to the byte; figures tell the rounds that were added and all trees.
func TestGoesOn(t *testing.T) {
	first := made(t, gb.Component, block(rounds("20")))
	r := stagetest.Run(t, gb.Component, from(first, block(rounds("30"))))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	whole := made(t, gb.Component, block(rounds("50")))
	got, err := os.ReadFile(filepath.Join(r.Root, "out", "model", model.ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(whole.Dir, model.ModelFile))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the model is not that of 50 rounds (%v)", err)
	}
	if f := r.Figures(t); f["rounds"] != 30.0 || f["trees"] != 50.0 {
		t.Errorf("got figures %v", f)
	}
}

// TestGoesOnWithOtherRows: categories are those of the model that is gone on with; one that it does not know counts as missing.
func TestGoesOnWithOtherRows(t *testing.T) {
	first := made(t, gb.Component, block(rounds("5")))
	b := block(rounds("5"))
	newer := between(3000, 5000)
	newer.SQL = "select * replace (if(id % 3 = 0, 'new', contract) as contract) from (" + newer.SQL + ")"
	b.Tables = map[string]stagetest.Table{"data": newer}
	second := made(t, gb.Component, from(first, b))
	was, is := boosted(t, first.Dir), boosted(t, second.Dir)
	if len(is.Trees) != 10 || !slices.EqualFunc(is.Trees[:5], was.Trees, func(a, b xgboost.Tree) bool { return slices.EqualFunc(a.Nodes, b.Nodes, sameNode) }) || is.BaseScore[0] != was.BaseScore[0] {
		t.Errorf("the trees that were gone on with are not those before: %d trees", len(is.Trees))
	}
	one, err := model.Read(first.Dir)
	if err != nil {
		t.Fatal(err)
	}
	two, err := model.Read(second.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(one.Signature().Features[1].Levels, two.Signature().Features[1].Levels) {
		t.Errorf("got the levels %v", two.Signature().Features[1].Levels)
	}
}

func sameNode(a, b xgboost.Node) bool {
	return a.Left == b.Left && a.Right == b.Right && a.Feature == b.Feature && a.Value == b.Value && a.DefaultLeft == b.DefaultLeft && slices.Equal(a.Categories, b.Categories)
}

// TestGoesOnWithXGBoost: a model that Debian's XGBoost 1.7.4 saved keeps its trees, its base score and what it says before the first new round.
func TestGoesOnWithXGBoost(t *testing.T) {
	data, err := os.ReadFile("../../model/xgboost/testdata/binary-1.7.4.json")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]stagetest.Table{"data": {SQL: `select i as id, (i * 7 % 40) / 10.0 as a, 'k' || (i % 8) as c, (hash(i) % 10 < 3 + i % 4) as y from range(400) t(i)`}}
	first := made(t, file.Component, stagetest.Block{Address: "model.m", Tables: table, Files: map[string]string{"m.json": string(data)},
		Config: `{"path": "m.json", "target": "y", "features": ["a", "c"], "feature": [{"name": "c", "levels": ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"]}]}`})
	second := made(t, gb.Component, from(first, stagetest.Block{Address: "train.m", Tables: table, Config: `{"target": "y", "features": ["a", "c"], "params": {"trees": 8}}`}))
	was, is := boosted(t, first.Dir), boosted(t, second.Dir)
	if len(was.Trees) != 2 || len(is.Trees) != 10 || is.BaseScore[0] != 0.3 {
		t.Fatalf("%d trees before, %d after, from %v", len(was.Trees), len(is.Trees), is.BaseScore)
	}
	for i := range was.Trees {
		if !slices.EqualFunc(is.Trees[i].Nodes, was.Trees[i].Nodes, sameNode) {
			t.Errorf("tree %d is another", i)
		}
	}
}

// TestGoesOnRefuses: what is known before it runs, each at its attribute.
func TestGoesOnRefuses(t *testing.T) {
	first := made(t, gb.Component, block(rounds("2")))
	for _, tt := range []struct{ config, path, want string }{
		{`{"target": "churned", "features": ["contract", "tenure", "noise"]}`, "init_model", "number 1 is tenure, and here it is contract"},
		{`{"target": "churned", "features": ["tenure", "contract"]}`, "init_model", "it has noise, too"},
		{`{"target": "churned", "features": ["tenure", "contract", "noise", "same"]}`, "init_model", "it has no same"},
		{`{"target": "spend", "task": "regression", "features": ["tenure", "contract", "noise"]}`, "init_model", "does binary_classification, and this block regression"},
		{`{"target": "churned", "positive": "false", "features": ["tenure", "contract", "noise"]}`, "init_model", `how likely "true" is`},
		{`{"target": "churned", "features": ["tenure", "contract", "noise"], "out_of_fold": {"count": 3}}`, "out_of_fold", "no predictions out of fold"},
		{`{"target": "churned", "features": ["tenure", "contract", "noise"], "k_means": [{"name": "k", "clusters": 3, "starts": 2}]}`, "init_model", "derived of several"},
		{`{"target": "churned", "features": ["tenure", "contract", "noise"], "preprocess": [{"name": "contract", "encode": "target"}]}`, "init_model", "encoded by the target"},
	} {
		out := stagetest.Shape(t, gb.Component, from(first, block(tt.config)))
		if !slices.ContainsFunc(out.Problems, func(p schema.Problem) bool { return p.Path == tt.path && strings.Contains(p.Summary, tt.want) }) {
			t.Errorf("%s: got %+v", tt.config, out.Problems)
		}
	}
}

// TestGoesOnRefusesWhatItReads: what only the model itself can say.
func TestGoesOnRefusesWhatItReads(t *testing.T) {
	features := `"features": ["tenure", "contract", "noise"], "params": {"trees": 2}`
	calibrated := block(`{"target": "churned", ` + features + `}`)
	calibrated.Tables["calibration"] = between(3000, 3600)
	regression := `{"target": "spend", "task": "regression", "features": ["tenure", "contract", "noise"], "params": {"trees": 2, "objective": "`
	for _, tt := range []struct {
		name  string
		first stagetest.Block
		next  stagetest.Block
		want  string
	}{
		{"calibrated", calibrated, block(`{"target": "churned", ` + features + `}`), "it is calibrated"},
		{"derived", block(`{"target": "churned", ` + features + `, "k_means": [{"name": "k", "clusters": 3, "starts": 2}]}`), block(`{"target": "churned", ` + features + `}`), "derives inputs"},
		{"objective", block(regression + `squared_error"}}`), block(regression + `absolute_error"}}`), "its objective is reg:squarederror"},
		{"categories", block(`{"target": "churned", "categorical_features": ["noise"], ` + features + `}`), block(`{"target": "churned", ` + features + `}`), `categorical_features names "noise"`},
		{"class", block(`{"target": "age", "task": "multiclass_classification", ` + features + `}`),
			block(`{"target": "age", "task": "multiclass_classification", ` + features + `}`), `no row of data has its class "old"`},
	} {
		if tt.name == "class" {
			some := between(0, 2000)
			some.SQL = "select * from (" + some.SQL + ") where age <> 'old'"
			tt.next.Tables = map[string]stagetest.Table{"data": some}
		}
		r := stagetest.Run(t, gb.Component, from(made(t, gb.Component, tt.first), tt.next))
		var input *component.InputError
		if !errors.As(r.Err, &input) || !strings.Contains(input.Summary, tt.want) {
			t.Errorf("%s: got %v", tt.name, r.Err)
		}
	}
}

// TestGoesOnIsCancelled: a fit that is cancelled leaves nothing.
func TestGoesOnIsCancelled(t *testing.T) {
	first := made(t, gb.Component, block(rounds("2")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := stagetest.RunContext(ctx, t, gb.Component, from(first, block(rounds("2")))); !errors.Is(r.Err, context.Canceled) {
		t.Errorf("got %v", r.Err)
	}
}
