package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/source"
)

// annotate repeats diagnostics as workflow commands, by which GitHub Actions shows them at their lines of the pull
// request. They go to standard error, so that formats on standard output stay whole. Elsewhere it does nothing.
func (a *app) annotate(diags source.Diagnostics) {
	if os.Getenv("GITHUB_ACTIONS") != "true" {
		return
	}
	for _, d := range diags {
		level, text := "error", d.Summary
		if d.Severity == source.Warning {
			level = "warning"
		}
		for _, more := range []string{d.Detail, d.Hint} {
			if more != "" {
				text += "\n" + more
			}
		}
		fmt.Fprintln(a.err, workflowCommand(level, a.inRepository(d.Subject.File), d.Subject, d.Code, source.Masked(text)))
	}
}

// annotatePlan shows a plan's warnings, policy that gets weaker, what was found, and the checks and gates that fail.
func (a *app) annotatePlan(p *plan.Plan) {
	var diags source.Diagnostics
	for _, d := range p.Diagnostics {
		diags = append(diags, source.Diagnostic{Severity: source.Warning, Code: d.Code, Summary: d.Summary, Detail: d.Detail, Hint: d.Hint, Subject: d.Subject})
	}
	for _, c := range p.Changes {
		if c.Cause.Weaker != "" {
			diags = append(diags, source.Diagnostic{Severity: source.Warning, Summary: review.Weakened(c), Subject: c.Range})
		}
	}
	for _, f := range review.Found(p) {
		diags = append(diags, source.Diagnostic{Severity: source.Warning, Summary: f.Text, Subject: f.Range})
	}
	for _, n := range p.Nodes {
		if sum, failed := review.FailedCheck(n); failed {
			diags = append(diags, source.Diagnostic{Severity: source.Error, Summary: n.Address + " " + sum, Subject: n.Range})
		}
	}
	for _, g := range p.Gates {
		if g.Verdict != plan.Fail && g.Verdict != plan.RuleError {
			continue
		}
		var lines []string
		for _, r := range g.Rules.Rules {
			if r.Severity != "warn" && (r.Verdict == plan.Fail || r.Verdict == plan.RuleError) {
				lines = append(lines, fmt.Sprintf("%s: %s", r.Name, r.Assert))
			}
		}
		diags = append(diags, source.Diagnostic{Severity: source.Error, Summary: g.Address + " does not let pass", Detail: strings.Join(lines, "\n"), Subject: g.Range})
	}
	a.annotate(diags)
}

// summarize adds a plan to the summary of the job, where GitHub Actions gives a file for it. That the file cannot be
// written is told and fails nothing.
func (a *app) summarize(p *plan.Plan) {
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return
	}
	var text bytes.Buffer
	err := review.Markdown(&text, p, render.Options{})
	if err == nil {
		err = appendTo(path, text.Bytes())
	}
	if err != nil {
		fmt.Fprintf(a.err, "The summary of the job is left out: %v\n", err)
	}
}

func appendTo(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// inRepository is a file of the module as seen from the root of the repository, with forward slashes: what GitHub and
// readers of SARIF know it by. The root is GITHUB_WORKSPACE, or else where the command was started.
func (a *app) inRepository(file string) string {
	if file == "" {
		return ""
	}
	root := os.Getenv("GITHUB_WORKSPACE")
	if root == "" {
		var err error
		if root, err = os.Getwd(); err != nil {
			return file
		}
	}
	rel, err := filepath.Rel(root, filepath.Join(a.Dir, filepath.FromSlash(file)))
	if err != nil {
		return file
	}
	return filepath.ToSlash(rel)
}

// workflowCommand is one workflow command. What users wrote can neither end it nor begin another.
func workflowCommand(level, file string, at source.Range, title, text string) string {
	var properties []string
	add := func(name, value string) { properties = append(properties, name+"="+propertyEscapes.Replace(value)) }
	if file != "" {
		add("file", file)
		add("line", fmt.Sprint(at.Start.Line))
		add("endLine", fmt.Sprint(at.End.Line))
		if at.Start.Line == at.End.Line { // columns are refused for more than one line
			add("col", fmt.Sprint(at.Start.Column))
			add("endColumn", fmt.Sprint(at.End.Column))
		}
	}
	if title != "" {
		add("title", title)
	}
	head := "::" + level
	if len(properties) > 0 {
		head += " " + strings.Join(properties, ",")
	}
	return head + "::" + textEscapes.Replace(strings.Join(render.Clean(strings.Split(text, "\n")), "\n"))
}

var (
	textEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
