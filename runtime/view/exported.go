package view

import (
	"fmt"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/mlflow"
)

// ExportHelp is the help of `mlp export`.
const ExportHelp = `Sends every recorded result of blocks to an MLflow tracking server, each as a run of an experiment: parameters, those of the
model that was measured too, figures with their intervals, versions of data, commit, and the report as an artifact. What was
sent before is not sent again, so the command can follow each apply.

BLOCK is an address, one with * for any text, or a kind for all of its blocks. MLFLOW_TRACKING_USERNAME and
MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, say who one is there.`

// Exported tells what an export has sent, also before it failed.
func (s *Screen) Exported(sent *mlflow.Sent, err error) error {
	if sent == nil {
		return err
	}
	fmt.Fprintf(s.Out, "%d %s sent, %d there before.\n", sent.Created, render.Plural(sent.Created, "run", "runs"), sent.There)
	for _, name := range sent.Cut {
		fmt.Fprintf(s.Err, "Cut, as MLflow takes no longer values: %s\n", render.Line(name))
	}
	if sent.NoReports != "" {
		fmt.Fprintf(s.Err, "Reports were not sent: the server keeps artifacts at %s and does not take them itself (mlflow server --serve-artifacts).\n", render.Line(sent.NoReports))
	}
	return err
}
