package initfrom

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/format"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// pipeline is the module over a table, in the canonical layout. What was guessed stands as a comment where it takes effect.
func (f *tableFile) pipeline(name string, g *guess) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Begun from %s, %d rows. What was guessed is said where it stands: read it, and change what is wrong.\n# 'mlp plan' shows what runs, 'mlp apply' runs it, 'mlp report' has the figures.\n\n", comment(f.path), f.profile.Rows)
	fmt.Fprintf(&b, "pipeline %q {\n  description = %s\n}\n\n", name, syntax.Quote("Predicts "+g.target+"."))
	f.source(&b, g)
	rows := "source.data"
	if g.key != "" {
		fmt.Fprintf(&b, "# No two rows have the same %s.\ndataset \"data\" {\n  from = [source.data]\n  key = [%s]\n}\n\n", comment(g.key), syntax.Quote(g.key))
		rows = "dataset.data"
	}
	g.split(&b, rows)
	g.metrics(&b)
	g.models(&b)
	g.gate(&b)
	if laid, diags := format.Format([]byte(b.String()), "pipeline.mlp"); !diags.HasErrors() {
		return string(laid)
	}
	return b.String()
}

// source is the source block with every column.
func (f *tableFile) source(b *strings.Builder, g *guess) {
	for _, c := range g.pii {
		fmt.Fprintf(b, "# %s seems to be personal: %s. No model, report or export gets what pii lists.\n", comment(c), g.because[c])
	}
	if len(g.texts) > 0 {
		fmt.Fprintf(b, "# Free text: %s. Where it names people, list it in pii, too, and in allow_pii of the models that may read it all the same.\n", comment(strings.Join(g.texts, ", ")))
	}
	if len(g.protected) > 0 {
		fmt.Fprintf(b, "# Protected by the names of columns: models do not learn from these, and results can be compared by them.\n")
	}
	fmt.Fprintf(b, "source %q \"data\" {\n  path = %s\n", f.form, syntax.Quote(f.path))
	if f.delimiter != "" {
		fmt.Fprintf(b, "  delimiter = %s\n", syntax.Quote(f.delimiter))
	}
	if f.trim {
		b.WriteString("  trim = true\n")
	}
	list(b, "null_values", f.nulls)
	list(b, "pii", g.pii)
	list(b, "protected", g.protected)
	b.WriteString("\n")
	for _, c := range f.columns {
		fmt.Fprintf(b, "  column %s { type = %s }\n", syntax.Quote(c.Name), syntax.Quote(c.Type))
	}
	b.WriteString("}\n\n")
}

// widest is how wide a line is that is written.
const widest = 100

// list writes an attribute that is a list of texts, on lines that are full; nothing of none.
func list(b *strings.Builder, name string, values []string) {
	if len(values) == 0 {
		return
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = syntax.Quote(v)
	}
	if line := "  " + name + " = [" + strings.Join(quoted, ", ") + "]\n"; len(line) <= widest {
		b.WriteString(line)
		return
	}
	fmt.Fprintf(b, "  %s = [\n", name)
	line := "   "
	for _, q := range quoted {
		if len(line)+len(q)+2 > widest && line != "   " {
			b.WriteString(line + "\n")
			line = "   "
		}
		line += " " + q + ","
	}
	b.WriteString(line + "\n  ]\n")
}

// split is the block that parts the rows: as the file says, else by time, else exactly by class, else by a hash.
func (g *guess) split(b *strings.Builder, rows string) {
	switch {
	case g.side != "":
		fmt.Fprintf(b, "# The file says which rows are for testing.\nsplit \"column\" \"parts\" {\n  from = %s\n  by = %s\n", rows, syntax.Quote(g.side))
		list(b, "test", g.tests)
	case g.time != "":
		fmt.Fprintf(b, "# Trained on the past and tested on what came after, by %s.\nsplit \"time\" \"parts\" {\n  from = %s\n  by = %s\n  test = 0.2\n", comment(g.time), rows, syntax.Quote(g.time))
	case g.task != "regression":
		fmt.Fprintf(b, "# No column says when a row came about, so the same share of each class is on each side. Rows of one person, or in the\n# order of time, need 'split \"group\"' or 'split \"time\"' instead.\nsplit \"stratified\" \"parts\" {\n  from = %s\n  by = [%s]\n  test = 0.2\n", rows, syntax.Quote(g.target))
	default:
		fmt.Fprintf(b, "# No column says when a row came about. Rows of one person, or in the order of time, need 'split \"group\"' or\n# 'split \"time\"' instead.\nsplit \"hash\" \"parts\" {\n  from = %s\n  test = 0.2\n", rows)
	}
	b.WriteString("  validation = 0.15\n")
	if g.selects() {
		b.WriteString("  selection = 0.15\n")
	}
	b.WriteString("}\n\n")
}

// selects reports whether trials are measured on a side of the split. Where the file says which rows are for testing there is none.
func (g *guess) selects() bool { return g.tune && g.side == "" }

// begunMetrics are the metrics of each task: name, type. The first is what the gate goes by.
var begunMetrics = map[string][][2]string{
	"binary_classification":     {{"log_loss", "log_loss"}, {"auc", "roc_auc"}},
	"multiclass_classification": {{"log_loss", "log_loss"}, {"accuracy", "accuracy"}},
	"regression":                {{"rmse", "root_mean_squared_error"}, {"mae", "mean_absolute_error"}, {"r2", "r2"}},
}

// metrics are those that the task is begun with, a block each.
func (g *guess) metrics(b *strings.Builder) {
	for _, m := range begunMetrics[g.task] {
		fmt.Fprintf(b, "metric %q { type = %q }\n", m[0], m[1])
	}
	b.WriteString("\n")
}

// tuning is the block with which the trees try parameters: those that matter most for boosted trees, in ranges that are customary.
func (g *guess) tuning(b *strings.Builder, metric string) {
	fmt.Fprintf(b, "  tune {\n    metric = metric.%s\n    trials = 30\n    space {\n      learning_rate = { min = 0.02, max = 0.3, scale = \"log\" }\n      max_depth = { min = 3, max = 9 }\n", metric)
	b.WriteString("      min_child_weight = { min = 1, max = 30, scale = \"log\" }\n      subsample = { min = 0.6, max = 1 }\n      column_sample = { min = 0.5, max = 1 }\n    }\n")
	if !g.selects() {
		b.WriteString("    folds {}\n")
	}
	b.WriteString("  }\n")
}

// gate asks that the model knows more than the baseline.
func (g *guess) gate(b *strings.Builder) {
	first := begunMetrics[g.task][0][0]
	fmt.Fprintf(b, "# What a release must pass. Add what the use asks for; a block 'deploy \"http\"' with this gate serves the model.\ngate \"release\" {\n  rule \"knows more than nothing\" { assert = \"evaluate.model.metrics.%s < 0.95 * evaluate.nothing.metrics.%s\" }\n", first, first)
	if slices.ContainsFunc(begunMetrics[g.task], func(m [2]string) bool { return m[0] == "auc" }) {
		b.WriteString("  rule \"better than chance\" { assert = \"evaluate.model.intervals.auc.low > 0.5\" }\n")
	}
	b.WriteString("}\n")
}
