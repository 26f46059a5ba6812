package cli

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/mlflow/mlflowtest"
)

// TestExportMLflow sends an example's results to a tracking server, twice, and once more after a change.
func TestExportMLflow(t *testing.T) {
	dir, server := exampleCopy(t, "wine"), mlflowtest.New(t)
	server.Token = "a token"
	export := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(mlp, append([]string{"-C", dir, "export", "mlflow"}, args...)...)
		cmd.Env = append(os.Environ(), "MLFLOW_TRACKING_URI="+server.URL, "MLFLOW_TRACKING_TOKEN=a token")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	edit(t, dir+"/wine.mlp", "trials = 10", "trials = 2")
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	if got, want := export("evaluate", "train.linear"), "5 runs sent, 0 there before.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := export("evaluate", "train.linear"), "0 runs sent, 5 there before.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	edit(t, dir+"/wine.mlp", "metrics = [metric.accuracy, metric.weakest, metric.log_loss, metric.auc]", "metrics = [metric.accuracy]", `  rule "no weak one" { assert = "evaluate.linear.metrics.weakest >= 2.0 / 3" }`, "")
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	if got, want := export("evaluate", "--experiment", "wine"), "3 runs sent, 4 there before.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var linear *mlflowtest.Run
	for _, r := range server.Runs {
		if r.Name == "evaluate.linear" && linear == nil {
			linear = r
		}
	}
	if linear == nil || linear.Status != "FINISHED" || linear.Metrics["accuracy"] < 0.9 || linear.Metrics["accuracy.low"] >= linear.Metrics["accuracy"] || linear.Start == 0 ||
		!strings.HasPrefix(linear.Params["model.component"], "train.logistic_regression@") || !strings.Contains(linear.Artifacts["report.html"], "Evaluation on 43 rows") || linear.Tags["mlp.data.data"] == "" {
		t.Errorf("got %.2000v", linear)
	}
	for _, c := range []struct{ args, want string }{
		{"export mlflow evaluate", "Name its URL"},
		{"export mlflow evaluate --to http://me:secret@localhost:5000", "MLFLOW_TRACKING_TOKEN"},
		{"export wandb evaluate", `there is no command "wandb"`},
		{"export mlflow evaluate --to " + server.URL, "UNAUTHENTICATED"},
		{"export mlflow nothing.there --to " + server.URL, "nothing.there"},
	} {
		if _, stderr, code := run(t, dir, strings.Fields(c.args)...); code != exitError || !strings.Contains(stderr, c.want) || strings.Contains(stderr, "secret") {
			t.Errorf("%s: got exit code %d and %q, want %s", c.args, code, stderr, c.want)
		}
	}
}
