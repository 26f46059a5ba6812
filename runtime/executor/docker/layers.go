package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/jsonmessage"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// An image that a stage made is layers on top of another image, in a folder of the store. The engine gets it when the first stage is to run in it:
// the archive that it loads has a configuration and the new layers, and names those of the base by their digests, which the engine has. So nothing of the
// base is copied: 0.2 s for one of 900 MB. The image is found again by a label that has the digest of the folder; one that somebody
// removed is loaded again.

// madeLabel is the label of such an image: the digest of the folder of its layers.
const madeLabel = "mlp.image"

// findMade returns the id of an image that a stage made, which it loads into the engine if it isn't there. What it lies on is pulled where that is gone and a registry
// has it.
func (e *Executor) findMade(ctx context.Context, base string, made *executor.Made, log io.Writer) (string, error) {
	// What is built upon it has its label too, and another name.
	labels := filters.NewArgs(filters.Arg("label", madeLabel+"="+made.Digest), filters.Arg("reference", madeName(made.Digest)))
	found, err := e.api.ImageList(ctx, image.ListOptions{Filters: labels})
	if err != nil {
		return "", engineError("looking for the image of the program", err)
	}
	if len(found) > 0 {
		return found[0].ID, nil
	}
	if base != "" {
		if base, err = e.present(ctx, made.Name, base, log); err != nil {
			return "", err
		}
	}
	m, err := e.onBase(ctx, base, made)
	if err != nil {
		return "", err
	}
	doing := "loading the image of the program"
	r, w := io.Pipe()
	go func() { w.CloseWithError(m.archive(w)) }()
	defer r.Close()
	resp, err := e.api.ImageLoad(ctx, r, client.ImageLoadWithQuiet(true))
	if err != nil {
		return "", engineError(doing, err)
	}
	defer resp.Body.Close()
	if err := jsonmessage.DisplayJSONMessagesStream(resp.Body, io.Discard, 0, false, nil); err != nil {
		return "", engineError(doing, err)
	}
	if found, err = e.api.ImageList(ctx, image.ListOptions{Filters: labels}); err != nil || len(found) == 0 {
		return "", errors.Join(err, errors.New(doing+": the engine took it and does not have it"))
	}
	return found[0].ID, nil
}

// madeName is what people see the image under: "mlp-image:7f9c0d2e1a3b".
func madeName(digest string) string { return "mlp-image:" + digest[len(digest)-64:][:12] }

// madeImage is an image that is put together of another one's configuration and layers of its own.
type madeImage struct {
	config []byte
	layers []string // of the base, by their digests, then files
	name   string
}

// below is what a made image lies on: nothing of one that is whole, but a platform.
type below struct {
	OS, Architecture, Variant string
	Config                    map[string]any
	RootFS                    struct{ Layers []string }
}

// findBelow asks the engine for it. One that is not there is an executor.ErrImage.
func (e *Executor) findBelow(ctx context.Context, base string, made *executor.Made) (b below, err error) {
	if base != "" {
		var raw bytes.Buffer
		_, err = e.api.ImageInspect(ctx, base, client.ImageInspectWithRawResponse(&raw))
		switch {
		case cerrdefs.IsNotFound(err):
			return b, fmt.Errorf("%w: %s, which the program's image is made of", executor.ErrImage, strings.TrimSpace(made.Name+" "+base))
		case err != nil:
			return b, engineError("looking for the image "+base, err)
		}
		if err := json.Unmarshal(raw.Bytes(), &b); err != nil {
			return b, fmt.Errorf("reading what the engine says of %s: %w", base, err)
		}
	} else {
		parts := append(strings.Split(made.Platform, "/"), "", "", "")
		b.OS, b.Architecture, b.Variant = parts[0], parts[1], parts[2]
	}
	if made.Config != nil {
		b.Config = nil
		if err := json.Unmarshal(made.Config, &b.Config); err != nil {
			return b, fmt.Errorf("reading how the program's image runs: %w", err)
		}
	}
	return b, nil
}

// onBase puts it together.
func (e *Executor) onBase(ctx context.Context, id string, made *executor.Made) (*madeImage, error) {
	base, err := e.findBelow(ctx, id, made)
	if err != nil {
		return nil, err
	}
	if base.Config == nil {
		base.Config = map[string]any{}
	}
	labels, ok := base.Config["Labels"].(map[string]any)
	if !ok {
		labels = map[string]any{}
	}
	labels[madeLabel] = made.Digest
	base.Config["Labels"] = labels
	m := &madeImage{name: madeName(made.Digest)}
	diffs := append([]string{}, base.RootFS.Layers...)
	m.layers = append(m.layers, base.RootFS.Layers...)
	for _, name := range made.Layers {
		file := filepath.Join(made.Dir, name)
		sum, err := sha256Of(file)
		if err != nil {
			return nil, fmt.Errorf("reading a layer of the program's image: %w", err)
		}
		diffs, m.layers = append(diffs, sum), append(m.layers, file)
	}
	epoch := time.Unix(0, 0).UTC()
	history := make([]imageHistory, len(diffs))
	for i := range history {
		history[i] = imageHistory{Created: epoch, CreatedBy: "mlp"}
	}
	m.config, err = json.Marshal(map[string]any{
		"architecture": base.Architecture, "os": base.OS, "variant": base.Variant, "created": epoch,
		"config": base.Config, "history": history, "rootfs": imageRootFS{Type: "layers", DiffIDs: diffs},
	})
	return m, err
}

// sha256Of is the digest of a file, as images name layers.
func sha256Of(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// archive writes the image as a docker archive without the layers that the engine has.
func (m *madeImage) archive(w io.Writer) error {
	sum := sha256.Sum256(m.config)
	config := hex.EncodeToString(sum[:]) + ".json"
	names := make([]string, len(m.layers))
	for i, layer := range m.layers {
		names[i] = fmt.Sprintf("layer-%d.tar", i)
		if !strings.HasPrefix(layer, "/") {
			names[i] = strings.TrimPrefix(layer, "sha256:") + "/layer.tar"
		}
	}
	manifest, err := json.Marshal([]imageManifest{{Config: config, RepoTags: []string{m.name}, Layers: names}})
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	for _, f := range []struct {
		name string
		data []byte
	}{{config, m.config}, {"manifest.json", manifest}} {
		if err := writeEntry(t, f.name, 0o644, int64(len(f.data)), bytes.NewReader(f.data)); err != nil {
			return err
		}
	}
	for i, layer := range m.layers {
		if !strings.HasPrefix(layer, "/") {
			continue
		}
		if err := writeFile(t, names[i], layer); err != nil {
			return err
		}
	}
	return t.Close()
}

// writeFile writes a file of the disk.
func writeFile(t *tar.Writer, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return writeEntry(t, name, 0o644, info.Size(), f)
}
