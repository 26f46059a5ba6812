package docker

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
)

// probeBinds makes sure that the engine sees this machine's files: that a container with a folder of ours bound into it
// has a file of a name that nobody can guess. The container is never started.
// An engine in a virtual machine or on another host would make an empty folder in place of one that it does not see, and stages would
// find empty inputs.
func (e *Executor) probeBinds(ctx context.Context, image, dir string) error {
	nonce := rand.Text()
	folder := filepath.Join(dir, "probe")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := os.WriteFile(filepath.Join(folder, nonce), nil, 0o644); err != nil {
		return err
	}
	return e.checkFolder(ctx, image, folder, nonce)
}

// checkFolder reports whether the engine finds a file of that name in that folder.
func (e *Executor) checkFolder(ctx context.Context, image, folder, name string) error {
	const target = root + "/probe"
	id, err := e.createContainer(ctx, &container.Config{Image: image, Entrypoint: []string{"/none"}}, &container.HostConfig{
		NetworkMode: network.NetworkNone,
		LogConfig:   container.LogConfig{Type: "none"},
		Mounts:      []mount.Mount{{Type: mount.TypeBind, Source: folder, Target: target, ReadOnly: true}},
	})
	if err != nil {
		if strings.Contains(err.Error(), "bind source path does not exist") {
			return e.remoteError(folder)
		}
		return err
	}
	defer e.remove(ctx, id)
	if _, err := e.api.ContainerStatPath(ctx, id, target+"/"+name); err != nil {
		if isLost(err) || ctx.Err() != nil {
			return engineError("looking into a container", err)
		}
		return e.remoteError(folder)
	}
	return nil
}

// remoteError says what is wrong with such an engine, and what to do.
func (e *Executor) remoteError(folder string) error {
	return fmt.Errorf("the engine at %s does not see this machine's files (%s is not there for it): stages get their inputs as bind mounts, "+
		"so the engine must run on the same machine; unset DOCKER_HOST, or use the process executor", e.api.DaemonHost(), folder)
}
