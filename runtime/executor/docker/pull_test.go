package docker

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/registry"
	"github.com/mlp-lang/mlp/runtime/executor/registry/registrytest"
)

// pushed builds an image that no other test has, pushes it under a name, and removes it from the engine. It returns its ID.
func pushed(t *testing.T, e *Executor, name, word string) string {
	t.Helper()
	ctx := context.Background()
	task, log := buildTask(t, e, map[string]string{"Dockerfile": "FROM base\nENV WORD=" + word + "\n"})
	task.Fingerprint = "blake3:" + word
	built(t, e, task, log)
	own := buildName + ":" + tag(task.Fingerprint)
	is, err := e.api.ImageInspect(ctx, own)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.api.ImageTag(ctx, own, name); err != nil {
		t.Fatal(err)
	}
	auth, err := registry.Authorization(name)
	if err != nil {
		t.Fatal(err)
	}
	body, err := e.api.ImagePush(ctx, name, image.PushOptions{RegistryAuth: auth})
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(body)
	body.Close()
	if err != nil || strings.Contains(string(text), "error") {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, n := range []string{name, own} {
		if _, err := e.api.ImageRemove(ctx, n, image.RemoveOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
	}
	return is.ID
}

// upon is an image of one empty layer upon another one.
func upon(t *testing.T, name, id string) *executor.Made {
	t.Helper()
	dir := t.TempDir()
	layer, err := os.Create(filepath.Join(dir, "layer-0.tar"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tar.NewWriter(layer).Close(), layer.Close()); err != nil {
		t.Fatal(err)
	}
	return &executor.Made{Dir: dir, Base: id + " linux/amd64", Name: name, Layers: []string{"layer-0.tar"}, Digest: "blake3:" + strings.TrimPrefix(id, "sha256:")}
}

// TestDockerPulls holds that an image which the engine does not have is found in the registry of its name, with the user's credentials, and pulled when a stage runs in
// it: that image, and no other that the name means since.
func TestDockerPulls(t *testing.T) {
	e := newExecutor(t, Options{})
	host := registrytest.Start(t)
	name := host + "/team/trainer:1"
	ctx := context.Background()
	registrytest.Login(t, host, registrytest.User, registrytest.Password)
	want := pushed(t, e, name, "first")
	id, platform, err := e.Resolve(ctx, name)
	if err != nil || id != want || !strings.HasPrefix(platform, "linux/") {
		t.Fatalf("got %s %s, %v, want %s", id, platform, err, want)
	}
	task, log := newTask(t, "copy")
	task.Container = &executor.Container{Image: name, ImageID: id, Command: []string{"/bin/mlp", "stage", "--root", "/mlp"}}
	registrytest.Login(t, host, "", "")
	var refused *registry.Refused
	if _, err := e.Run(ctx, task); !errors.As(err, &refused) || refused.Known {
		t.Errorf("without credentials: got %v", err)
	}
	registrytest.Login(t, host, registrytest.User, "guess")
	if _, err := e.Run(ctx, task); !errors.As(err, &refused) || !refused.Known {
		t.Errorf("with wrong credentials: got %v", err)
	}
	registrytest.Login(t, host, registrytest.User, registrytest.Password)
	if res, err := e.Run(ctx, task); err != nil || res.ExitCode != 0 || !strings.Contains(log.String(), "pulling "+name) {
		t.Errorf("got %+v, %v\n%s", res, err, log)
	}
	gone := func(id string) {
		if _, err := e.api.ImageRemove(ctx, id, image.RemoveOptions{Force: true, PruneChildren: true}); err != nil {
			t.Error(err)
		}
	}
	gone(id)
	// What a stage made upon it is found by its name, too.
	made, log := newTask(t, "copy")
	made.Container = &executor.Container{ImageID: id, Made: upon(t, name, id), Command: task.Container.Command}
	if res, err := e.Run(ctx, made); err != nil || res.ExitCode != 0 || !strings.Contains(log.String(), "pulling "+name) {
		t.Errorf("in an image that was made upon it: got %+v, %v\n%s", res, err, log)
	}
	gone(madeName(made.Container.Made.Digest))
	gone(id)
	made.Container.Made.Name = ""
	if _, err := e.Run(ctx, made); !errors.Is(err, executor.ErrImage) {
		t.Errorf("without the name of what it was made upon: got %v", err)
	}
	pushed(t, e, name, "second")
	if _, err := e.Run(ctx, task); !errors.Is(err, executor.ErrImage) || !strings.Contains(err.Error(), "plan again") {
		t.Errorf("with another image under the name: got %v", err)
	}
	if _, _, err := e.Resolve(ctx, host+"/team/trainer:9"); !errors.Is(err, executor.ErrImage) {
		t.Errorf("a tag that is not there: got %v", err)
	}
}
