package workspace

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/docker"
	"github.com/mlp-lang/mlp/runtime/executor/registry"
)

// Images says what the images of foreign stages are, as the local engine has them, or registries. The engine is connected to at the first image, so that a plan
// without any needs none, and is asked once for each: within a command a name means one image. It is safe for concurrent use. Close it.
type Images struct {
	mu     sync.Mutex
	engine *docker.Executor
	absent error // why there is no engine
	asked  map[string]meaning
}

// meaning is what a name means, or why that is not known.
type meaning struct {
	version string
	err     error
}

// open connects to the engine, once. The lock is held.
func (i *Images) open(ctx context.Context) error {
	if i.engine == nil && i.absent == nil {
		i.asked = map[string]meaning{}
		i.engine, i.absent = docker.New(ctx, docker.Options{})
	}
	return i.absent
}

// Version is what an image's name means: the digest of its content and the platform. One that the engine does not have is asked for in the registry that its name says.
// One that is not there is an executor.ErrImage, an engine that does not answer an executor.ErrUnavailable, which is found once and stays; errors of registries are
// those of registry.Find.
func (i *Images) Version(ctx context.Context, name string) (version string, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	absent := i.open(ctx)
	if absent != nil && !registry.Named(name) {
		return "", absent
	}
	m, asked := i.asked[name]
	if !asked {
		m = i.ask(ctx, name)
		i.asked[name] = m
	}
	return m.version, m.err
}

// ask asks the engine, or where there is none the registry that the name says, for an image of this machine's architecture. The lock is held.
func (i *Images) ask(ctx context.Context, name string) (m meaning) {
	var id, platform string
	if i.engine != nil {
		id, platform, m.err = i.engine.Resolve(ctx, name)
	} else {
		var found registry.Found
		found, m.err = registry.Find(ctx, name, runtime.GOARCH)
		id, platform = found.ID, found.Platform
	}
	if m.err == nil {
		m.version = plan.ImageVersion(id, platform)
	}
	return m
}

// Resolve is Version in two parts.
func (i *Images) Resolve(ctx context.Context, name string) (id, platform string, err error) {
	version, err := i.Version(ctx, name)
	return plan.ImageID(version), plan.ImagePlatform(version), err
}

// Reference is the name that a registry has an image under, as the engine remembers it (docker.Executor.Reference), or as the registry of its name says.
func (i *Images) Reference(ctx context.Context, name, id string) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	reference, err := "", i.open(ctx)
	if err == nil {
		if reference, err = i.engine.Reference(ctx, id); err == nil && reference != "" || !registry.Named(name) {
			return reference, err
		}
	} else if !registry.Named(name) {
		return "", err
	}
	found, err := registry.Find(ctx, name, runtime.GOARCH)
	if err == nil && found.ID != id {
		err = fmt.Errorf("%w: %s is %s in its registry now, and was %s when the plan was made; plan again", executor.ErrImage, name, found.ID, id)
	}
	return found.Reference, err
}

// Save writes an image that the engine has into a file.
func (i *Images) Save(ctx context.Context, id, file string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := i.open(ctx); err != nil {
		return err
	}
	return i.engine.Save(ctx, id, file)
}

// Close ends the connection to the engine, if there is one.
func (i *Images) Close() error {
	if i.engine == nil {
		return nil
	}
	return i.engine.Close()
}
