package initfrom

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// models are what is known without one, and what learns: boosted trees; where there is free text a linear model that reads it, and with other features beside it an ensemble of both. The one that a
// release is of is train.model. Each has an evaluation.
func (g *guess) models(b *strings.Builder) {
	b.WriteString("# What is known without a model.\ntrain \"baseline\" \"nothing\" {\n  data = split.parts.train\n")
	g.answers(b)
	b.WriteString("}\n\n")
	fmt.Fprintf(b, "# The target is %q, taken %s; %s, as it has %d values.\n", g.target, comment(g.why), strings.ReplaceAll(g.task, "_", " "), g.classes)
	if g.positive != "" {
		fmt.Fprintf(b, "# The score is the chance of %s, %s.\n", comment(g.positive), g.chosen)
	}
	for _, l := range g.left {
		fmt.Fprintf(b, "# No feature: %s.\n", comment(l))
	}
	if len(g.protected) > 0 {
		fmt.Fprintf(b, "# No features, as they are protected: %s. To learn from one all the same, name it in features and in allow_protected.\n", comment(strings.Join(g.protected, ", ")))
	}
	learned := "model"
	if g.parts() {
		learned = "trees"
	}
	if len(g.features) > 0 {
		g.trees(b, learned)
	}
	if len(g.texts) > 0 {
		if learned = "model"; g.parts() {
			learned = "text"
		}
		g.reader(b, learned)
	}
	if g.parts() {
		b.WriteString("# Both, put together by what each predicts of rows that it was not fitted on.\ntrain \"ensemble\" \"model\" {\n  models = { text = train.text, trees = train.trees }\n  method = \"stacking\"\n}\n\n")
	}
	g.evaluations(b)
}

// parts reports whether the model is made of two: of trees, which do not read text, and of a line, which does.
func (g *guess) parts() bool { return len(g.features) > 0 && len(g.texts) > 0 }

// learns begins a trainer: what it learns from, and what.
func (g *guess) learns(b *strings.Builder, trainer, name string, selects bool) {
	fmt.Fprintf(b, "train %q %q {\n  data = split.parts.train\n  validation = split.parts.validation\n", trainer, name)
	if selects {
		b.WriteString("  selection = split.parts.selection\n")
	}
	g.answers(b)
}

// answers are the attributes that say what is predicted.
func (g *guess) answers(b *strings.Builder) {
	fmt.Fprintf(b, "  target = %s\n  task = %q\n", syntax.Quote(g.target), g.task)
	if g.positive != "" {
		fmt.Fprintf(b, "  positive = %s\n", syntax.Quote(g.positive))
	}
}

// trees are boosted ones, of all features but free text.
func (g *guess) trees(b *strings.Builder, name string) {
	g.learns(b, "gradient_boosting", name, g.selects())
	list(b, "features", g.features)
	b.WriteString("  seed = 7\n  params {\n    trees = 500\n    learning_rate = 0.05\n  }\n")
	if g.tune {
		g.tuning(b, begunMetrics[g.task][0][0])
	}
	if g.parts() {
		b.WriteString("  out_of_fold {}\n")
	}
	b.WriteString("}\n\n")
}

// reader is a linear model that reads free text, beside what else it takes as it is.
func (g *guess) reader(b *strings.Builder, name string) {
	b.WriteString("# Reads free text by its words and pairs of words. Buckets and weights are in the model, and no word.\n")
	if len(g.wide) > 0 {
		fmt.Fprintf(b, "# Without %s: a linear model keeps %d categories of each.\n", comment(strings.Join(g.wide, ", ")), train.MaxLevels)
	}
	trainer := "logistic_regression"
	if g.task == "regression" {
		trainer = "linear_regression"
	}
	g.learns(b, trainer, name, false)
	list(b, "features", append(g.narrow(), g.texts...))
	for _, c := range g.texts {
		fmt.Fprintf(b, "  preprocess %s {\n    encode = \"ngrams\"\n    ngram_range = [1, 2]\n    tf_idf = true\n  }\n", syntax.Quote(c))
	}
	b.WriteString("  params {\n    l2 = 1\n  }\n")
	if g.parts() {
		b.WriteString("  out_of_fold {}\n")
	}
	b.WriteString("}\n\n")
}

// evaluations are of what is known without a model, of the model, and of its parts.
func (g *guess) evaluations(b *strings.Builder) {
	first := begunMetrics[g.task][0][0]
	brief := []string{"nothing"}
	if g.parts() {
		brief = append(brief, "text", "trees")
	}
	for _, name := range brief {
		fmt.Fprintf(b, "evaluate %q {\n  model = train.%[1]s\n  data = split.parts.test\n  metrics = [metric.%s]\n}\n\n", name, first)
	}
	var all []string
	for _, m := range begunMetrics[g.task] {
		all = append(all, "metric."+m[0])
	}
	explain := "  explain {}\n"
	if g.parts() && g.task != "regression" { // the parts of classes' scores are no sum
		explain = "  explain {\n    method = \"none\"\n    permutation {}\n  }\n"
	}
	fmt.Fprintf(b, "evaluate \"model\" {\n  model = train.model\n  data = split.parts.test\n  metrics = [%s]\n\n%s", strings.Join(all, ", "), explain)
	if g.task == "binary_classification" && len(g.fair) > 0 {
		b.WriteString("\n")
		for _, c := range g.fair {
			fmt.Fprintf(b, "  fairness %s { metrics = [\"equalized_odds_difference\"] }\n", syntax.Quote(c))
		}
	}
	b.WriteString("}\n\n")
}
