package beside

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/executortest"
)

// TestConformance holds programs beside this process to the laws of executors. A container of the local engine stands for that of a pod: it shares the
// folder, and has a network, as a pod's containers have, which a program must not see unless it asks. Built-in components are run as programs
// too, so that all laws are tried.
func TestConformance(t *testing.T) {
	if err := exec.Command("docker", "version").Run(); err != nil {
		if os.Getenv("MLP_REQUIRE_DOCKER") == "1" {
			t.Fatalf("MLP_REQUIRE_DOCKER=1, and no container engine answers: %v", err)
		}
		t.Skip("no container engine answers")
	}
	_ = exec.Command("docker", "rmi", imageName).Run() // of an earlier binary
	executortest.Run(t, executortest.Subject{Walled: true, Image: image, Done: func(string) { _ = exec.Command("docker", "rmi", imageName).Run() },
		New: func(t *testing.T, self string) executor.Executor { return &pods{t, self, image(t, self)} }})
}

const imageName = "mlp-beside-test:1"

// image is one with the binary, and a folder to mount each folder on. It is made once.
func image(t *testing.T, self string) string {
	t.Helper()
	if id, err := exec.Command("docker", "inspect", "-f", "{{.Id}}", imageName).Output(); err == nil {
		return strings.TrimSpace(string(id))
	}
	root := t.TempDir()
	const do = `mkdir -p "$0/bin" "$0/mlp" "$0/run-mlp" && install -m 755 "$1" "$0/bin/mlp" && tar -C "$0" -c . | docker import -c 'ENV PATH=/bin' - ` + imageName
	if out, err := exec.Command("sh", "-c", do, root, self).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	id, err := exec.Command("docker", "inspect", "-f", "{{.Id}}", imageName).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(id))
}

// pods makes a folder and a container for each attempt.
type pods struct {
	t     *testing.T
	self  string
	image string
}

func (p *pods) Name() string { return "beside" }
func (p *pods) Close() error { return nil }

func (p *pods) Run(ctx context.Context, task executor.Task) (executor.Result, error) {
	var none executor.Result
	if task.Container == nil {
		task.Container = &executor.Container{ImageID: p.image, Command: []string{"/bin/mlp", "stage", "--root", "/mlp"}}
	}
	if exec.Command("docker", "image", "inspect", task.Container.ImageID).Run() != nil {
		return none, executor.ErrImage
	}
	dir := p.t.TempDir()
	if out, err := exec.Command(p.self, "beside", "install", dir).CombinedOutput(); err != nil {
		return none, fmt.Errorf("%w: %s", err, out)
	}
	for _, s := range task.Secrets { // which a pod has mounted
		text, err := os.ReadFile(s.Path)
		if err = errors.Join(err, os.WriteFile(filepath.Join(dir, RootFolder, "secrets", s.Name), text, 0o444)); err != nil {
			return none, err
		}
	}
	e, err := New(dir)
	if err != nil {
		return none, err
	}
	defer e.Close()
	memory := "0"
	if task.MemoryMB > 0 {
		memory = fmt.Sprintf("%dm", task.MemoryMB+64)
	}
	root := filepath.Join(dir, RootFolder)
	cmd := exec.Command("docker", "run", "--rm", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", memory, "--memory-swap", memory,
		"--user", fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid()), "--hostname", "stage", "--tmpfs", "/tmp", "-e", "KUBERNETES_PORT=1",
		"-v", root+":/mlp:ro", "-v", root+"/out:/mlp/out", "-v", root+"/checkpoint:/mlp/checkpoint", "-v", filepath.Join(dir, RunFolder)+":/run-mlp:ro",
		"--entrypoint", "/run-mlp/mlp", task.Container.ImageID, "beside", "run", "/run-mlp")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return none, err
	}
	// Run fails before it asks where there is no input: nobody comes for the container then.
	result, err := e.Run(ctx, task)
	_ = e.Close()
	if err != nil {
		_ = cmd.Process.Signal(os.Interrupt)
	}
	if ended := cmd.Wait(); err == nil && ended != nil {
		return none, fmt.Errorf("the container: %w: %s", ended, said.String())
	}
	return result, err
}
