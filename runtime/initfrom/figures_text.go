package initfrom

import (
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/format"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// brownfield is the pipeline over a team's figures. It has the canonical layout.
// It is a beginning that passes on the figures of today, and each line that needs a decision says so in a comment.
func brownfield(name string, r *repository, figures []foundFigure, container bool) string {
	var b strings.Builder
	by := "a script"
	if r.script != "" {
		by = r.script
	}
	fmt.Fprintf(&b, "# What %s yields, and what it must hold to. 'mlp plan' shows what a change means; 'mlp apply' reads the\n# figures and decides the gate. Neither needs the data.\n\n", comment(by))
	fmt.Fprintf(&b, "pipeline %q {\n  description = \"What it is for.\"\n}\n\n", name)
	if container {
		b.WriteString(trainBlock(r))
	}
	fmt.Fprintf(&b, "evaluate \"file\" \"script\" {\n  path = %s\n  metrics = [\n", syntax.Quote(r.figures))
	for _, f := range figures {
		fmt.Fprintf(&b, "    %q,\n", f.name)
	}
	b.WriteString("  ]\n}\n\ngate \"release\" {\n" + rules("evaluate.script", "", figures) + "}\n")
	if laid, diags := format.Format([]byte(b.String()), "pipeline.mlp"); !diags.HasErrors() {
		return string(laid)
	}
	return b.String()
}

// rules holds each figure of an evaluation whose good direction is known to its value now, less some slack.
// The direction is known by the figure's name (auc up, rmse down). A rule with a limit of today's value would fail half
// of all retrainings by chance alone; hence the slack. prefix is what names of rules begin with, where a gate has several evaluations.
func rules(of, prefix string, figures []foundFigure) string {
	// A rule that always holds is written where nothing else can be, for a gate needs one; the figures without a rule are
	// listed as comments.
	var b, rest strings.Builder
	for _, f := range figures {
		if f.better == unknownDirection {
			fmt.Fprintf(&rest, "  #   %s = %s\n", f.name, plain(f.value))
			continue
		}
		op, limit := f.limit()
		less := "less"
		if f.better == lower {
			less = "and"
		}
		fmt.Fprintf(&b, "  # %s now, %s %g %% for chance. Set what the use asks for.\n  rule %q { assert = \"%s.metrics.%s %s %s\" }\n",
			plain(f.value), less, 100*slack, prefix+f.name, of, f.name, op, limit)
	}
	switch {
	case b.Len() == 0:
		f := figures[0]
		return fmt.Sprintf("  # Which way is better is not known of any figure. This rule only asks that it is there; say what it must be. Now:\n%s  rule %q { assert = \"%s.metrics.%s == %s.metrics.%s\" }\n",
			rest.String(), prefix+f.name, of, f.name, of, f.name)
	case rest.Len() > 0:
		b.WriteString("\n  # Without a rule, since their names do not say which way is better:\n" + rest.String())
	}
	return b.String()
}

// trainBlock is commented out: it needs to be told data, target and features, and an image that is built. Its steps are
// in the order in which a person takes them.
func trainBlock(r *repository) string {
	interpreter := "python3"
	if strings.EqualFold(path.Ext(r.script), ".r") {
		interpreter = "Rscript"
	}
	return fmt.Sprintf(`# Training by mlp too: %s in an image of its own. To have it,
#   1. say in source, target and features what it learns from,
#   2. have the script read $MLP_IN_DATA/table.csv and write the model to $MLP_OUT_MODEL,
#   3. docker build -t %[2]s -f %[3]s .
#   4. and take away the # in front of these lines.
#
# source "csv" "data" { path = "data/*.csv" }
#
# train "container" "model" {
#   data     = source.data
#   target   = "target"
#   features = ["a", "b"]
#   task     = "binary_classification"
#   image    = %[2]q
#   command  = [%[4]q, %[5]q]
#   format   = "csv"
# }

`, comment(r.script), "training:1", comment(r.dockerfile), interpreter, "/app/"+filepath.ToSlash(r.script))
}

// comment is text that cannot leave its line: a file name may have a line feed in it, and what follows would be read as
// language.
func comment(s string) string {
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// dockerfile is an image of the script and what it needs. Requirements are installed when the image is built; nothing is
// installed when a stage runs.
func dockerfile(r *repository) string {
	if strings.EqualFold(path.Ext(r.script), ".r") {
		install := ""
		if path.Base(r.requirements) == "renv.lock" {
			install = fmt.Sprintf("COPY %s renv.lock\nRUN R -e 'install.packages(\"renv\"); renv::restore(lockfile = \"renv.lock\", library = .libPaths()[1])'\n", r.requirements)
		}
		return "FROM r-base:4.4.1\nWORKDIR /app\n" + install + fmt.Sprintf("COPY %s %s\n", r.script, r.script)
	}
	install := "# No requirements file was found: install here what the script imports.\n"
	switch path.Base(r.requirements) {
	case "requirements.txt":
		install = fmt.Sprintf("COPY %s requirements.txt\nRUN pip install --no-cache-dir -r requirements.txt\n", r.requirements)
	case "pyproject.toml":
		install = fmt.Sprintf("COPY %s pyproject.toml\nRUN pip install --no-cache-dir .\n", r.requirements)
	}
	return "FROM python:3.12-slim\nENV PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0\nWORKDIR /app\n" + install + fmt.Sprintf("COPY %s %s\n", r.script, r.script)
}
