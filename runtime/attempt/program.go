package attempt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component/image"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store"
)

// container describes what a foreign stage runs in: an image that the executor has by its ID, or one that a stage made.
func (a *Attempt) container(ctx context.Context) error {
	c, in := a.node.Container, a.node.Image()
	if a.node.Builds() {
		return a.build(ctx)
	}
	if in == nil || in.Version == "" && a.node.Input(plan.ImagePort).From == "" {
		return Failuref(ImageFailure, "it is not said in which image %s runs", a.node.Address)
	}
	a.task.Container = &executor.Container{Image: in.Root, ImageID: plan.ImageID(in.Version), Library: c.Library, Command: c.Command, Env: c.Env, Network: c.Network, Replicas: c.Replicas}
	from := a.node.Input(plan.ImagePort).From
	if from == "" || a.Pushed {
		return nil
	}
	made, err := a.made(ctx, plan.ImagePort, from)
	if err != nil {
		return err
	}
	a.task.Container.Image, a.task.Container.ImageID, a.task.Container.Made = "", plan.ImageID(made.Base), made
	return nil
}

// made lays out the image that a stage made, which comes in at a port.
func (a *Attempt) made(ctx context.Context, port, from string) (*executor.Made, error) {
	digest := a.Inputs[port]
	dir := filepath.Join(a.work, "images", port)
	err := a.withObject(ctx, from, func() error {
		if err := scratch.Bare(dir); err != nil {
			return err
		}
		return a.Store.Materialize(ctx, digest, dir)
	})
	if err != nil {
		return nil, fmt.Errorf("the image of %s: %w", a.node.Address, err)
	}
	made, err := readMade(dir)
	if err != nil {
		return nil, Failuref(ImageFailure, "what %s made is no image: %v", from, err)
	}
	name := ""
	if a.Named != nil && made.Base != "" {
		name = a.Named(from, made.Base)
	}
	return &executor.Made{Dir: dir, Base: made.Base, Name: name, Layers: made.Layers, Digest: string(digest), Platform: made.Platform, Config: made.Config}, nil
}

// build describes what the engine builds, and the images that it rests on.
func (a *Attempt) build(ctx context.Context) error {
	c := a.node.Container
	b := &executor.Build{Dockerfile: c.Build.Dockerfile, Context: c.Build.Context, Target: c.Build.Target, Args: c.Build.Args, Images: map[string]executor.Image{}}
	a.task.Container = &executor.Container{Network: c.Network, Build: b}
	for _, in := range a.node.Inputs {
		switch {
		case in.From != "":
			made, err := a.made(ctx, in.Port, in.From)
			if err != nil {
				return err
			}
			_, name, _ := strings.Cut(in.Port, ".")
			b.Images[name] = executor.Image{ID: plan.ImageID(made.Base), Made: made}
		case in.External.Remote && in.External.Version == "":
			return Failuref(ImageFailure, "it is not said what the image %s is, which %s is built upon", in.External.Root, a.node.Address)
		case in.External.Remote:
			b.Images[in.External.Root] = executor.Image{ID: plan.ImageID(in.External.Version), Version: in.External.Version}
		}
	}
	return nil
}

// onMade puts a layer that a stage made onto the image that it ran in, where that was made by a stage itself: what is stored lies on nothing that was made.
func (a *Attempt) onMade(dir string) error {
	if a.node.Role != schema.ImageRole || a.task.Container == nil || a.task.Container.Made == nil {
		return nil
	}
	m := a.task.Container.Made
	return image.Onto(dir, image.Made{Base: m.Base, Platform: m.Platform, Layers: m.Layers, Config: m.Config}, m.Dir)
}

// imageFile says in the folder of an image what it is (spec/protocol.md).
const imageFile = image.File

// readMade reads it, and refuses a layer that does not lie beside it.
func readMade(dir string) (m image.Made, err error) {
	data, err := os.ReadFile(filepath.Join(dir, imageFile))
	if err != nil {
		return m, err
	}
	if m, err = image.Parse(data); err != nil {
		return m, err
	}
	for _, layer := range m.Layers {
		if _, err := os.Stat(filepath.Join(dir, layer)); err != nil {
			return m, err
		}
	}
	return m, nil
}

// mostKept is how long a file of code is that is kept, so that a later plan says which line was edited.
const mostKept = 1 << 20

// layOutCode copies the files of code that the plan names, and no others: what lies beside them in the module's folder is no part of the
// stage's fingerprint. Short ones are kept as objects besides, for plans to compare with.
func (a *Attempt) layOutCode(ctx context.Context, in plan.Input) (string, error) {
	dest := a.own(in)
	if err := scratch.Bare(dest); err != nil {
		return "", err
	}
	for _, f := range in.External.Files {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		to := filepath.Join(dest, filepath.FromSlash(f.Name))
		if a.Stored {
			if err := a.copyStored(ctx, f, to); err != nil {
				return "", err
			}
			continue
		}
		if err := copyFile(filepath.Join(externalRoot(a.Dir, in.External), filepath.FromSlash(f.Name)), to); err != nil {
			return "", err
		}
		if f.Size > mostKept {
			continue
		}
		digest, err := a.Store.PutFile(ctx, to)
		if err == nil && digest != f.Digest {
			err = Failuref(StaleFailure, "%s changed after the plan was made; plan again", f.Name)
		}
		if err != nil {
			return "", err
		}
	}
	return dest, nil
}

// copyStored copies a file of code that is an object of the store.
func (a *Attempt) copyStored(ctx context.Context, f plan.ExternalFile, to string) error {
	from, err := a.Store.Whole(ctx, f.Digest)
	if err != nil {
		return fmt.Errorf("the code %s: %w", f.Name, err)
	}
	return copyFile(from, to)
}

// storeCode makes the files of code that a stage reads objects of the store, for whoever runs the stage elsewhere.
func storeCode(ctx context.Context, s *store.Store, dir string, e *plan.External) error {
	for _, f := range e.Files {
		digest, err := s.PutFile(ctx, filepath.Join(externalRoot(dir, e), filepath.FromSlash(f.Name)))
		if err == nil && digest != f.Digest {
			err = Failuref(StaleFailure, "%s changed after the plan was made; plan again", f.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isCode reports whether an input is code of the module, or what an image is made of.
func isCode(in plan.Input) bool { return in.Port == schema.CodePort && in.External != nil }

// checkImage holds what a stage yields at an image port to the form.
func checkImage(dir string) error {
	_, err := readMade(dir)
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("it lacks " + imageFile + " or a layer that this names")
	}
	return err
}
