package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/pkg/jsonmessage"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/registry"
)

// imageOf is what the engine knows the image of a program by. One that a stage made is loaded, and one that a registry has by its name is pulled, where the engine does
// not have it.
func (e *Executor) imageOf(ctx context.Context, c *executor.Container, log io.Writer) (string, error) {
	if c.Made != nil {
		return e.findMade(ctx, c.ImageID, c.Made, log)
	}
	return e.present(ctx, c.Image, c.ImageID, log)
}

// present sees to it that the engine has an image: by its ID, or where that is not there from the registry that its name says, if it is still that image there. It
// returns what the engine knows it by. Of an image without such a name it is the ID, whether it is there or not.
func (e *Executor) present(ctx context.Context, name, id string, log io.Writer) (string, error) {
	if _, err := e.api.ImageInspect(ctx, id); err == nil || !registry.Named(name) {
		return id, nil
	} else if !cerrdefs.IsNotFound(err) {
		return "", engineError("looking for image "+name, err)
	}
	eng, err := e.engine.get(ctx, e.findEngine)
	if err != nil {
		return "", err
	}
	found, err := registry.Find(ctx, name, eng.arch)
	switch {
	case err != nil:
		return "", err
	case found.ID != id:
		return "", fmt.Errorf("%w: %s is %s in its registry now, and was %s when the plan was made; plan again", executor.ErrImage, name, found.ID, id)
	}
	if err := e.pull(ctx, name, found.Reference, log); err != nil {
		return "", err
	}
	if _, err := e.api.ImageInspect(ctx, id); cerrdefs.IsNotFound(err) {
		return found.Reference, nil // an engine that names images by their manifests
	}
	return id, nil
}

// pull pulls an image by its digest, with the user's credentials, and tells the log.
func (e *Executor) pull(ctx context.Context, name, reference string, log io.Writer) error {
	auth, err := registry.Authorization(reference)
	if err != nil {
		return err
	}
	if log == nil {
		log = io.Discard
	}
	fmt.Fprintf(log, "pulling %s\n", name)
	body, err := e.api.ImagePull(ctx, reference, image.PullOptions{RegistryAuth: auth})
	if err != nil {
		return engineError("pulling "+name, err)
	}
	defer body.Close()
	layers := map[string]bool{}
	for messages := json.NewDecoder(body); ; {
		var m jsonmessage.JSONMessage
		switch err := messages.Decode(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return engineError("pulling "+name, err)
		case m.Error != nil:
			return fmt.Errorf("pulling %s: %s", name, m.Error.Message)
		}
		switch m.Status {
		case "Pulling fs layer":
			layers[m.ID] = false
		case "Pull complete", "Already exists":
			layers[m.ID] = true
			done := 0
			for _, is := range layers {
				if is {
					done++
				}
			}
			fmt.Fprintf(log, "{\"mlp\":\"progress\",\"done\":%d,\"total\":%d}\n", done, len(layers))
		}
	}
}
