package docker

import (
	"errors"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// TestDockerHandsOutNoGPUs: an engine without GPUs refuses a program that asks for one, by the attribute's name.
func TestDockerHandsOutNoGPUs(t *testing.T) {
	e := newExecutor(t, Options{})
	task, _ := newTask(t, "echo")
	image, err := e.image.get(t.Context(), e.findImage)
	if err != nil {
		t.Fatal(err)
	}
	task.Container = &executor.Container{ImageID: image, Command: []string{"/" + binaryPath}}
	task.Resources = &schema.Resources{GPUs: 1}
	_, err = e.Run(t.Context(), task)
	if err == nil {
		t.Skip("the engine has GPUs")
	}
	if !errors.Is(err, executor.ErrUnsupported) || !strings.Contains(err.Error(), "the block's gpus") {
		t.Errorf("got %v", err)
	}
}

// TestDockerExplainsImages: a program that failed is told what image it was in, and that it is not root, and one that did not is told nothing.
func TestDockerExplainsImages(t *testing.T) {
	e := newExecutor(t, Options{})
	image, err := e.image.get(t.Context(), e.findImage)
	if err != nil {
		t.Fatal(err)
	}
	eng, err := e.engine.get(t.Context(), e.findEngine)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, arch, line, want string }{
		{"another machine's", "other", "hello", "note: the image is for linux/" + eng.arch + ", and the engine runs linux/other"},
		{"not root", eng.arch, "open /etc/shadow: permission denied", "note: a program runs as no root"},
		{"another machine's program", eng.arch, "exec /app/run: exec format error", "note: a file that was to be run is no program for linux/" + eng.arch},
		{"neither", eng.arch, "ValueError", ""},
	} {
		task, log := newTask(t, "echo")
		task.Container = &executor.Container{ImageID: image}
		task.Log = &walls{to: log}
		if _, err := task.Log.Write([]byte(tt.line + "\n")); err != nil {
			t.Fatal(err)
		}
		e.explainImage(t.Context(), engine{arch: tt.arch}, task)
		got := strings.TrimPrefix(log.b.String(), tt.line+"\n")
		if tt.want == "" && got != "" || !strings.HasPrefix(got, tt.want) || strings.Count(got, "note:") > 1 {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
