package registry

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/registry/registrytest"
)

// layer writes a layer of one file.
func layer(t *testing.T, path, name string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(f)
	err = w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644})
	if err = errors.Join(err, w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestPush holds that an image that a stage made comes into a registry as it is, whole or on another one that an archive or a registry has, is sent once, and is refused
// with words where the user may not push.
func TestPush(t *testing.T) {
	host := registrytest.Start(t)
	ctx := context.Background()
	to := host + "/team/mlp"
	registrytest.Login(t, host, registrytest.User, registrytest.Password)
	dir := t.TempDir()
	layer(t, filepath.Join(dir, "layer-0.tar"), "a")
	whole := &executor.Made{Dir: dir, Layers: []string{"layer-0.tar"}, Digest: "blake3:" + strings.Repeat("ab", 32), Platform: "linux/arm64", Config: json.RawMessage(`{"Env":["A=b"],"User":"7"}`)}
	first, err := Push(ctx, to, whole, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, below := range []string{"", "nowhere"} { // the second time nothing is read
		if again, err := Push(ctx, to, whole, below); err != nil || again != first {
			t.Errorf("pushed again: got %s, %v, want %s", again, err, first)
		}
	}
	archive := filepath.Join(t.TempDir(), "below.tar")
	if err := tarball.WriteToFile(archive, nil, image(t, "amd64")); err != nil {
		t.Fatal(err)
	}
	upper := *whole
	upper.Base, upper.Platform, upper.Config = "sha256:1 linux/arm64", "", nil
	for i, tt := range []struct {
		below, platform, user string
		layers                int
	}{{first, "arm64", "7", 2}, {archive, "amd64", "", 2}} {
		upper.Digest = "blake3:" + strings.Repeat([]string{"cd", "ef"}[i], 32)
		ref, err := Push(ctx, to, &upper, tt.below)
		if err != nil {
			t.Fatal(err)
		}
		got, err := remote.Image(parsed(t, ref), options(ctx, "")...)
		if err != nil {
			t.Fatal(err)
		}
		c, err := got.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if c.Architecture != tt.platform || c.Config.User != tt.user || len(c.RootFS.DiffIDs) != tt.layers || c.Created.Unix() != 0 {
			t.Errorf("on %s: got %+v", tt.below, c)
		}
	}
	registrytest.Login(t, host, "", "")
	upper.Digest = "blake3:" + strings.Repeat("01", 32)
	var refused *Refused
	if _, err := Push(ctx, to, &upper, ""); !errors.As(err, &refused) {
		t.Errorf("without credentials: got %v", err)
	}
	for to, ok := range map[string]bool{host + "/team/mlp": true, "registry.example/mlp": true, "team/mlp": false, host + "/team/mlp:1": false, host + "/Team": false} {
		if err := Repository(to); (err == nil) != ok {
			t.Errorf("%s: got %v", to, err)
		}
	}
}
