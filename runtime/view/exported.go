package view

import (
	"fmt"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/mlflow"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// ExportHelp is the help of `mlp export`.
const ExportHelp = `Sends every recorded result of blocks to an MLflow tracking server, each as a run of an experiment: parameters, those of the
model that was measured too, figures with their intervals, versions of data, commit, and the report as an artifact. What was
sent before is not sent again, so the command can follow each apply.

BLOCK is an address, one with * for any text, or a kind for all of its blocks. MLFLOW_TRACKING_USERNAME and
MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, say who one is there.`

// ExportBundleHelp is the help of `mlp export bundle`.
const ExportBundleHelp = `Writes the model that a deployment has live, or that a block yields, as an archive of the folder that 'mlp serve' reads: bundle.json, which says what it
takes and yields, model.json and, of an ensemble, its members. A model that a program of its own scores is whatever that wrote. The ending
of the file says which archive: .tar or .tar.gz. The same model gives the same bytes.`

// ExportImageHelp is the help of `mlp export image`.
const ExportImageHelp = `Writes an image that serves the model that a deployment has live, as an archive for 'docker load' or 'podman load': this program, which is the server,
the model, and what 'mlp serve' knows of the release. Its name is that of the deployment, its tag the model's version. The server listens on port
8080, is nobody, and needs nothing but memory: no pipeline, no store, no network.

  docker run --rm --read-only --tmpfs /tmp --publish 127.0.0.1:8080:8080 scorer:0123456789ab

What stands behind the image's name takes the place of --addr 0.0.0.0:8080: flags of 'mlp serve', such as --tokens. The same program and model give the
same bytes. A model that a program of its own scores is refused.`

// ExportC99Help is the help of `mlp export c99`.
const ExportC99Help = `Writes the model that a deployment has live, or that a block yields, as one file of C99 that needs nothing but the C library, and scores rows as
'mlp serve' does: trees, linear models and baselines, with their categories, encodings, calibrations and thresholds. The comment at the top
says how it is called, in which order features are, and what counts as missing. The digest and version of the model are symbols of the program.

What cannot be written is refused with the reason: n-grams of texts, clusters and isolation forests among the inputs, ensembles, neighbors,
seasonal models, and programs.`

// ExportPrometheusHelp is the help of `mlp export prometheus`.
const ExportPrometheusHelp = `Writes alerting rules over the metrics that 'mlp serve' has at /metrics, to standard output: that nobody answers, requests and rows fail, a release
cannot be served, answers are slow or turned away, a model meets categories that it has not seen, servers cannot read the releases, and of a canary,
shadow or blue_green that the candidate stays for a week or fails more. Each has the command to run next. They are of what is recorded of the deployment, and the
same for the same; flags set limits.`

// ExportGrafanaHelp is the help of `mlp export grafana`.
const ExportGrafanaHelp = `Writes a dashboard over the metrics that 'mlp serve' has at /metrics, to standard output: requests, latency, failures, rows by version, categories and missing values by feature,
what is served, servers, and the share of a candidate. Lines show the limits of 'mlp export prometheus'. It is imported as JSON; whoever looks at it chooses the datasource.`

// ExportedModel tells what was written.
func (s *Screen) ExportedModel(x *workspace.ExportedModel) error {
	_, err := fmt.Fprintf(s.Out, "Wrote %s: the model of %s, %s, in %s.\n", render.Line(x.File), render.Line(x.Of), x.Digest.Short(), render.Bytes(int64(x.Bytes)))
	return err
}

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
