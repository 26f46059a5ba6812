package docker

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// removeImage removes the image made of a test's binary, where there is an engine that has it.
func removeImage(path string) {
	ctx := context.Background()
	e, err := New(ctx, Options{})
	if err != nil {
		return
	}
	defer e.Close()
	b, err := openBinary(path)
	if err != nil {
		return
	}
	defer b.file.Close()
	if id, err := e.imageByLabel(ctx, string(b.digest)); err == nil && id != "" {
		_, _ = e.api.ImageRemove(ctx, id, image.RemoveOptions{Force: true})
	}
}

func TestDockerForeignImageMissing(t *testing.T) {
	e := newExecutor(t, Options{})
	task, _ := newTask(t, "foreign")
	task.Container = &executor.Container{ImageID: "sha256:" + strings.Repeat("ab", 32), Command: []string{"/x"}}
	if _, err := e.Run(context.Background(), task); !errors.Is(err, executor.ErrImage) {
		t.Errorf("got %v, want %v", err, executor.ErrImage)
	}
	if _, _, err := e.Resolve(context.Background(), "mlp-no-such-image:9"); !errors.Is(err, executor.ErrImage) {
		t.Errorf("Resolve: got %v, want %v", err, executor.ErrImage)
	}
}

func TestDockerResolve(t *testing.T) {
	e := newExecutor(t, Options{})
	ctx := context.Background()
	want, err := e.image.get(ctx, e.findImage)
	if err != nil {
		t.Fatal(err)
	}
	b, err := openBinary(e.opts.SelfPath)
	if err != nil {
		t.Fatal(err)
	}
	defer b.file.Close()
	id, platform, err := e.Resolve(ctx, b.name())
	if err != nil || id != want || platform != "linux/"+b.arch {
		t.Errorf("got %s %s, %v, want %s linux/%s", id, platform, err, want, b.arch)
	}
}

func TestDockerImageIsLoadedAgain(t *testing.T) {
	e := newExecutor(t, Options{})
	e.image.done, e.image.value = true, "sha256:"+strings.Repeat("cd", 32)
	e.binds.done = true
	task, _ := newTask(t, "nothing")
	if got, err := e.Run(context.Background(), task); err != nil || got.ExitCode != 0 {
		t.Errorf("got %+v, %v, want the image found anew", got, err)
	}
}

// TestDockerLoadsAtOnce has two applies find that the image is not there at the same moment.
func TestDockerLoadsAtOnce(t *testing.T) {
	executors := []*Executor{newExecutor(t, Options{}), newExecutor(t, Options{})}
	removeImage(executors[0].opts.SelfPath)
	ids := make([]string, len(executors))
	var wg sync.WaitGroup
	for i, e := range executors {
		wg.Go(func() {
			var err error
			if ids[i], err = e.image.get(context.Background(), e.findImage); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if ids[0] != ids[1] || ids[0] == "" {
		t.Errorf("got %q, want the same image twice", ids)
	}
}

func TestArchiveIsTheSameTwice(t *testing.T) {
	path, err := stageBinary()
	if err != nil {
		t.Fatal(err)
	}
	var sums []string
	for range 2 {
		b, err := openBinary(path)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := b.archive(&out); err != nil {
			t.Fatal(err)
		}
		b.file.Close()
		sums = append(sums, out.String())
		if err := os.Chtimes(path, time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if sums[0] != sums[1] {
		t.Error("two archives of one binary differ")
	}
}

func TestOpenBinaryRefuses(t *testing.T) {
	dynamic, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh here, which is dynamically linked elsewhere")
	}
	text := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dynamic: "is dynamically linked and cannot run in an empty image; build a static one with `make build`",
		text:    "is no Linux executable",
		"/none": "no such file or directory",
	} {
		if _, err := openBinary(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
}

// TestDockerRunsWholeImages: an image that lies on no other is loaded from its layers and runs as its configuration says; one that somebody removed is loaded
// again, and a program that fails in one for another machine is told so.
func TestDockerRunsWholeImages(t *testing.T) {
	e := newExecutor(t, Options{})
	eng, err := e.engine.get(t.Context(), e.findEngine)
	if err != nil {
		t.Fatal(err)
	}
	b, err := openBinary(e.opts.SelfPath)
	if err != nil {
		t.Fatal(err)
	}
	defer b.file.Close()
	dir := t.TempDir()
	layer, err := os.Create(filepath.Join(dir, "layer-0.tar"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.layer(layer), layer.Close()); err != nil {
		t.Fatal(err)
	}
	sum, err := sha256Of(layer.Name())
	if err != nil {
		t.Fatal(err)
	}
	run := func(name, platform string) (executor.Result, string) {
		task, log := newTask(t, name)
		made := &executor.Made{Dir: dir, Layers: []string{"layer-0.tar"}, Digest: "blake3:" + strings.TrimPrefix(sum, "sha256:"), Platform: platform, Config: []byte(`{"Env":["FROM_THE_IMAGE=yes"]}`)}
		task.Container = &executor.Container{Made: made, Command: []string{"/" + binaryPath, "stage", "--root", root}}
		got, err := e.Run(t.Context(), task)
		if err != nil {
			t.Fatal(err)
		}
		return got, log.String()
	}
	label := filters.NewArgs(filters.Arg("label", madeLabel+"=blake3:"+strings.TrimPrefix(sum, "sha256:")))
	remove := func() {
		found, err := e.api.ImageList(t.Context(), image.ListOptions{Filters: label})
		if err != nil || len(found) != 1 {
			t.Fatalf("got the images %v, %v, want one", found, err)
		}
		if _, err := e.api.ImageRemove(t.Context(), found[0].ID, image.RemoveOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		got, log := run("env", "linux/"+eng.arch)
		if got.ExitCode != 0 || !strings.Contains(log, "FROM_THE_IMAGE=yes\n") {
			t.Errorf("got %+v, and the log %s", got, log)
		}
		remove()
	}
	got, log := run("bad", "linux/other")
	if got.ExitCode == 0 || !strings.Contains(log, "note: the image is for linux/other, and the engine runs linux/"+eng.arch) {
		t.Errorf("got %+v, and the log %s", got, log)
	}
	remove()
}
