package cli

import (
	"fmt"
	"os"

	"github.com/mlp-lang/mlp/compiler/render/diagnostics"
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
