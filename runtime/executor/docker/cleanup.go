package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/registry"
)

// Cleanup removes the containers that dead applies of the workspace left behind, and returns how many there were. The
// caller holds the workspace's lock, so that no other apply is alive; none of this executor's own tasks may run.
func (e *Executor) Cleanup(ctx context.Context, pipeline, workspace string) (int, error) {
	return e.removeLabelled(ctx, e.scope(pipeline, workspace))
}

// removeAttempts removes what earlier attempts at a task left when the engine went away under them.
func (e *Executor) removeAttempts(ctx context.Context, t executor.Task) error {
	labels := e.scope(t.Pipeline, t.Workspace)
	labels[labelApply], labels[labelAddress] = t.Apply, t.Address
	_, err := e.removeLabelled(ctx, labels)
	return err
}

// removeLabelled removes the containers that have all of the labels, running or not, and returns how many. One that is gone
// or going counts as removed.
func (e *Executor) removeLabelled(ctx context.Context, labels map[string]string) (int, error) {
	args := filters.NewArgs()
	for k, v := range labels {
		args.Add("label", k+"="+v)
	}
	left, err := e.api.ContainerList(ctx, container.ListOptions{All: true, Filters: args})
	if err != nil {
		return 0, engineError("looking for containers that were left behind", err)
	}
	for _, c := range left {
		err := e.api.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true})
		if err != nil && !cerrdefs.IsNotFound(err) && !cerrdefs.IsConflict(err) {
			return 0, engineError("removing a container that was left behind", err)
		}
	}
	return len(left), e.removeNetworks(ctx, args)
}

// Resolve returns the id of an image and its platform, "linux/amd64": of a local one, else of that in the registry which the name says, for the engine's architecture.
// An image that isn't there is ErrImage: nothing is pulled.
func (e *Executor) Resolve(ctx context.Context, image string) (id, platform string, err error) {
	found, err := e.api.ImageInspect(ctx, image)
	switch {
	case cerrdefs.IsNotFound(err) && registry.Named(image):
		eng, err := e.engine.get(ctx, e.findEngine)
		if err != nil {
			return "", "", err
		}
		there, err := registry.Find(ctx, image, eng.arch)
		return there.ID, there.Platform, err
	case cerrdefs.IsNotFound(err):
		return "", "", fmt.Errorf("looking for image %s: %w on this machine", image, executor.ErrImage)
	case err != nil:
		return "", "", engineError("looking for image "+image, err)
	}
	platform = found.Os + "/" + found.Architecture
	if found.Variant != "" {
		platform += "/" + found.Variant
	}
	return found.ID, platform, nil
}

// Save writes an image into a file, as an archive.
func (e *Executor) Save(ctx context.Context, id, file string) (err error) {
	body, err := e.api.ImageSave(ctx, []string{id})
	if err != nil {
		return engineError("saving image "+id, err)
	}
	defer body.Close()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.Copy(f, body); err != nil {
		return engineError("saving image "+id, err)
	}
	return nil
}

// Reference is a name with a digest that a registry has an image under, by its ID, as the engine remembers it from a pull or push. Empty: it is of this machine
// only. One that is not there is an executor.ErrImage.
func (e *Executor) Reference(ctx context.Context, id string) (string, error) {
	found, err := e.api.ImageInspect(ctx, id)
	switch {
	case cerrdefs.IsNotFound(err):
		return "", fmt.Errorf("looking for image %s: %w on this machine", id, executor.ErrImage)
	case err != nil:
		return "", engineError("looking for image "+id, err)
	case len(found.RepoDigests) == 0:
		return "", nil
	}
	return slices.Min(found.RepoDigests), nil
}
