package cli

import (
	"bytes"
	"fmt"
	"os"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/diagnostics"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/source"
)

// annotate repeats diagnostics as workflow commands, by which GitHub Actions shows them at their lines of the pull
// request. They go to standard error, so that formats on standard output stay whole. Elsewhere it does nothing.
// See https://docs.github.com/actions/reference/workflow-commands-for-github-actions for their form:
//
//	::error file=fraud.mlp,line=12,endLine=12,col=3,endColumn=9,title=MLP1203::there is no source.payment
func (a *app) annotate(diags source.Diagnostics) {
	if os.Getenv("GITHUB_ACTIONS") != "true" {
		return
	}
	for _, d := range diags {
		fmt.Fprintln(a.err, diagnostics.WorkflowCommand(d, a.InRepository))
	}
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

// appendTo adds to the end of a file, which is made if need be: other steps of a job write into the same summary.
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
