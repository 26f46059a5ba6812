package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// Repository holds a name under which images are pushed to what can be one: "registry.example/team/mlp", without a tag.
func Repository(to string) error {
	if !Named(to) {
		return fmt.Errorf("%q names no registry: write registry.example/team/mlp", to)
	}
	_, err := name.NewRepository(to)
	return err
}

// Push puts an image that a stage made into a repository, under the digest of its folder as the tag, and returns by which name and digest it can be pulled. below is an
// archive of the image that it lies on, as docker save writes it, or the name with a digest that a registry has it under; empty of one that is whole. What the
// repository has is not sent again.
func Push(ctx context.Context, to string, m *executor.Made, below string) (reference string, err error) {
	repository, err := name.NewRepository(to)
	if err != nil {
		return "", err
	}
	tag := repository.Tag(strings.ReplaceAll(m.Digest, ":", "-"))
	if d, err := remote.Head(tag, options(ctx, "")...); err == nil {
		return repository.Digest(d.Digest.String()).Name(), nil
	} else if answer := (*transport.Error)(nil); !errors.As(err, &answer) || answer.StatusCode != http.StatusNotFound {
		return "", told(tag, err)
	}
	img, err := base(ctx, below)
	if err != nil {
		return "", err
	}
	if img, err = onto(img, m); err != nil {
		return "", err
	}
	if err := remote.Write(tag, img, options(ctx, "")...); err != nil {
		return "", told(tag, err)
	}
	digest, err := img.Digest()
	return repository.Digest(digest.String()).Name(), err
}

// base is the image below.
func base(ctx context.Context, below string) (v1.Image, error) {
	if below == "" {
		return empty.Image, nil
	}
	if ref, err := name.NewDigest(below); err == nil {
		img, err := remote.Image(ref, options(ctx, "")...)
		if err != nil {
			return nil, told(ref, err)
		}
		return img, nil
	}
	return tarball.ImageFromPath(below, nil)
}

// onto puts the layers of a made image onto the one below, with its configuration. Nothing of it says when that was.
func onto(img v1.Image, m *executor.Made) (v1.Image, error) {
	var layers []v1.Layer
	for _, file := range m.Layers {
		layer, err := tarball.LayerFromFile(filepath.Join(m.Dir, file))
		if err != nil {
			return nil, err
		}
		layers = append(layers, layer)
	}
	img, err := mutate.AppendLayers(img, layers...)
	if err != nil {
		return nil, err
	}
	c, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	c = c.DeepCopy()
	c.Created = v1.Time{Time: time.Unix(0, 0).UTC()}
	if m.Base == "" {
		p, err := v1.ParsePlatform(m.Platform)
		if err != nil {
			return nil, err
		}
		c.OS, c.Architecture, c.Variant = p.OS, p.Architecture, p.Variant
	}
	if m.Config != nil {
		c.Config = v1.Config{}
		if err := json.Unmarshal(m.Config, &c.Config); err != nil {
			return nil, fmt.Errorf("reading how the image runs: %w", err)
		}
	}
	return mutate.ConfigFile(img, c)
}
