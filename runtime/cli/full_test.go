package cli

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestFullDisk: a command whose output cannot be written has failed, and says so.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("SKIPPED: there is no /dev/full here")
	}
	dir := exampleCopy(t, "churn")
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	for _, args := range [][]string{
		{"validate"}, {"validate", "--format", "json"}, {"validate", "--format", "sarif"}, {"plan"}, {"plan", "--format", "json"}, {"plan", "--format", "markdown"}, {"plan", "--format", "html"},
		{"apply", "--auto-approve", "--executor", "process"}, {"show"}, {"show", "--format", "json"}, {"show", "train.trees"}, {"logs", "train.trees"}, {"graph"}, {"graph", "--format", "svg"},
		{"explain", "train.trees"}, {"explain", "MLP1404"}, {"docs"}, {"docs", "train"}, {"version"}, {"--help"}, {"plan", "--help"}, {"completion", "bash"}, {"store", "verify"},
		{"store", "verify", "--format", "json"}, {"store"},
	} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(mlp, append([]string{"-C", dir}, args...)...)
		var said strings.Builder
		cmd.Stdout, cmd.Stderr = full, &said
		_ = cmd.Run() // its exit code is asked for
		full.Close()
		if cmd.ProcessState.ExitCode() != exitError || !strings.Contains(said.String(), "no space left on device") {
			t.Errorf("%v: got %v and %q, want exit code %d and why", args, cmd.ProcessState, said.String(), exitError)
		}
	}
}
