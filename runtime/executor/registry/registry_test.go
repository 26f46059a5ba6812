package registry

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/registry/registrytest"
)

// image is one of a layer, for a machine.
func image(t *testing.T, architecture string) v1.Image {
	t.Helper()
	img, err := random.Image(256, 1)
	if err == nil {
		var c *v1.ConfigFile
		if c, err = img.ConfigFile(); err == nil {
			c = c.DeepCopy()
			c.OS, c.Architecture = "linux", architecture
			img, err = mutate.ConfigFile(img, c)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestFind holds what a registry says of images, with the user's credentials, and what it means where it says no.
func TestFind(t *testing.T) {
	host := registrytest.Start(t)
	owner := remote.WithAuth(authn.FromConfig(authn.AuthConfig{Username: registrytest.User, Password: registrytest.Password}))
	one, arm, amd := image(t, "amd64"), image(t, "arm64"), image(t, "amd64")
	of := func(architecture string, img v1.Image) mutate.IndexAddendum {
		return mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}}}
	}
	for tag, index := range map[string]v1.ImageIndex{"both": mutate.AppendManifests(empty.Index, of("arm64", arm), of("amd64", amd)), "arm": mutate.AppendManifests(empty.Index, of("arm64", arm))} {
		if err := remote.WriteIndex(parsed(t, host+"/team/trainer:"+tag), index, owner); err != nil {
			t.Fatal(err)
		}
	}
	if err := remote.Write(parsed(t, host+"/team/trainer:1"), one, owner); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, tag, user, password string
		want                      v1.Image
		is                        error
		says                      string
	}{
		{"one", "1", registrytest.User, registrytest.Password, one, nil, ""},
		{"that of several for the machine", "both", registrytest.User, registrytest.Password, amd, nil, ""},
		{"none for the machine", "arm", registrytest.User, registrytest.Password, nil, executor.ErrImage, "for linux/arm64, and none for linux/amd64"},
		{"missing", "2", registrytest.User, registrytest.Password, nil, executor.ErrImage, "the registry " + host + " has no team/trainer:2"},
		{"no credentials", "1", "", "", nil, nil, "the registry " + host + " wants credentials, and there are none for it: log in by docker login " + host},
		{"wrong credentials", "1", registrytest.User, "guess", nil, nil, "the registry " + host + " does not take the Docker credentials"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			registrytest.Login(t, host, tt.user, tt.password)
			got, err := Find(context.Background(), host+"/team/trainer:"+tt.tag, "amd64")
			if tt.want == nil {
				var refused *Refused
				if err == nil || !strings.Contains(err.Error(), tt.says) || tt.is != nil && !errors.Is(err, tt.is) || tt.is == nil && !errors.As(err, &refused) {
					t.Errorf("got %+v, %v, want %s", got, err, tt.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			id, err := tt.want.ConfigName()
			if err != nil {
				t.Fatal(err)
			}
			digest, err := tt.want.Digest()
			if err != nil {
				t.Fatal(err)
			}
			if want := (Found{ID: id.String(), Platform: "linux/amd64", Reference: host + "/team/trainer@" + digest.String()}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestNoAnswer(t *testing.T) {
	if _, err := Find(context.Background(), "127.0.0.1:1/team/a:1", "amd64"); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("got %v", err)
	}
}

func TestNamed(t *testing.T) {
	for image, want := range map[string]bool{
		"trainer:1": false, "team/trainer:1": false, "python:3.11-slim": false, "sha256:abcd": false,
		"registry.example/trainer": true, "localhost/a": true, "host:5000/a:1": true, "docker.io/library/python:3.11": true,
	} {
		if got := Named(image); got != want {
			t.Errorf("%s: got %t", image, got)
		}
	}
}

func parsed(t *testing.T, image string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(image)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}
