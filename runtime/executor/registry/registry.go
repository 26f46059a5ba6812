// Package registry asks container registries what they have, with the user's Docker credentials: ~/.docker/config.json, or the one in DOCKER_CONFIG, and the
// credential helpers that it names, as `docker login` writes them.
package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// Named reports whether a name says in which registry the image is: registry.example:5000/team/trainer:1, and not team/trainer:1. No registry is taken for granted.
func Named(image string) bool {
	host, _, ok := strings.Cut(image, "/")
	return ok && (strings.ContainsAny(host, ".:") || host == "localhost")
}

// Found is an image that a registry has.
type Found struct {
	ID        string // of its configuration, as engines name it
	Platform  string // "linux/amd64"
	Reference string // by which it can be pulled, and no other: registry.example/trainer@sha256:…
}

// ErrNoAnswer: a registry cannot be reached, or is overloaded.
var ErrNoAnswer = errors.New("it does not answer")

// Find asks the registry of an image's name for it; of several for different machines for that of an architecture. One that it does not have is an executor.ErrImage,
// a registry that does not answer an ErrNoAnswer, and one that refuses an *Refused.
func Find(ctx context.Context, image, architecture string) (f Found, err error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return f, fmt.Errorf("%w: %w", executor.ErrImage, err)
	}
	about := func(err error) error { return told(ref, err) }
	d, err := remote.Get(ref, options(ctx, architecture)...)
	if err != nil {
		return f, about(err)
	}
	if d.MediaType.IsIndex() {
		if err := forMachine(d, ref, architecture); err != nil {
			return f, err
		}
	}
	img, err := d.Image()
	if err != nil {
		return f, about(err)
	}
	id, err := img.ConfigName()
	if err != nil {
		return f, about(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return f, about(err)
	}
	digest, err := img.Digest()
	if err != nil {
		return f, about(err)
	}
	f = Found{ID: id.String(), Platform: strings.TrimSuffix(config.OS+"/"+config.Architecture+"/"+config.Variant, "/"), Reference: ref.Context().Digest(digest.String()).Name()}
	return f, nil
}

// forMachine fails where an index has no image for an architecture.
func forMachine(d *remote.Descriptor, ref name.Reference, architecture string) error {
	index, err := d.ImageIndex()
	if err != nil {
		return told(ref, err)
	}
	all, err := index.IndexManifest()
	if err != nil {
		return told(ref, err)
	}
	var has []string
	for _, m := range all.Manifests {
		if p := m.Platform; p != nil && p.OS != "unknown" {
			if p.OS == "linux" && p.Architecture == architecture {
				return nil
			}
			has = append(has, p.OS+"/"+p.Architecture)
		}
	}
	slices.Sort(has)
	return fmt.Errorf("%w: the registry has %s for %s, and none for linux/%s", executor.ErrImage, ref, strings.Join(slices.Compact(has), ", "), architecture)
}

func options(ctx context.Context, architecture string) []remote.Option {
	out := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithUserAgent("mlp")}
	if architecture != "" {
		out = append(out, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: architecture}))
	}
	return out
}

// Refused is a registry that does not let the user in.
type Refused struct {
	Registry string
	Known    bool // there are credentials for it, which it does not take, or which may not do this
	Err      error
}

func (e *Refused) Unwrap() error { return e.Err }

func (e *Refused) Error() string {
	if e.Known {
		return fmt.Sprintf("the registry %s does not take the Docker credentials that there are for it, or lets them not do this: log in by docker login %s", e.Registry, e.Registry)
	}
	return fmt.Sprintf("the registry %s wants credentials, and there are none for it: log in by docker login %s, or name a credential helper in ~/.docker/config.json", e.Registry, e.Registry)
}

// told says what an answer of a registry means.
func told(ref name.Reference, err error) error {
	host := ref.Context().RegistryStr()
	var answer *transport.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case !errors.As(err, &answer):
		return fmt.Errorf("the registry %s: %w: %w", host, ErrNoAnswer, err)
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
		auth, failed := authn.DefaultKeychain.Resolve(ref.Context())
		if failed != nil {
			return fmt.Errorf("the Docker credentials for %s cannot be read: %w", host, failed)
		}
		return &Refused{Registry: host, Known: auth != authn.Anonymous, Err: err}
	case answer.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%w: the registry %s has no %s", executor.ErrImage, host, strings.TrimPrefix(ref.String(), host+"/"))
	case answer.Temporary():
		return fmt.Errorf("the registry %s: %w: %w", host, ErrNoAnswer, err)
	}
	return fmt.Errorf("the registry %s: %w", host, err)
}

// Authorization is what an engine is handed to pull an image with the user's credentials: the value of the header X-Registry-Auth. Empty: there are none.
func Authorization(image string) (string, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return "", err
	}
	auth, err := authn.DefaultKeychain.Resolve(ref.Context())
	if err != nil {
		return "", fmt.Errorf("the Docker credentials for %s cannot be read: %w", ref.Context().RegistryStr(), err)
	}
	if auth == authn.Anonymous {
		return "", nil
	}
	c, err := auth.Authorization()
	if err != nil {
		return "", fmt.Errorf("the Docker credentials for %s cannot be read: %w", ref.Context().RegistryStr(), err)
	}
	text, err := json.Marshal(map[string]string{"username": c.Username, "password": c.Password, "identitytoken": c.IdentityToken, "registrytoken": c.RegistryToken,
		"serveraddress": ref.Context().RegistryStr()})
	return base64.URLEncoding.EncodeToString(text), err
}
