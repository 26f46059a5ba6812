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
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/client"

	made "github.com/mlp-lang/mlp/runtime/component/image"
	"github.com/mlp-lang/mlp/runtime/component/image/dockerfile"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// runs is how containers of an image run: what an OCI image's configuration says of that, and no more. The builder notes in it which image lay below, which differs
// each time.
type runs struct {
	User         string              `json:"User,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	Cmd          []string            `json:"Cmd,omitempty"`
	Volumes      map[string]struct{} `json:"Volumes,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
	Labels       map[string]string   `json:"Labels,omitempty"`
	StopSignal   string              `json:"StopSignal,omitempty"`
	Shell        []string            `json:"Shell,omitempty"`
	OnBuild      []string            `json:"OnBuild,omitempty"`
}

// takeBuilt takes a built image out of the engine, into a folder, in the form that images of stages have: the layers that do not lie in the image below.
func (e *Executor) takeBuilt(ctx context.Context, t executor.Task, id string, below executor.Image, out string) error {
	is, err := e.api.ImageInspect(ctx, id)
	if err != nil {
		return engineError("looking at the image", err)
	}
	var lower []string
	if below.ID != "" || below.Made != nil {
		base := below.ID
		if below.Made != nil {
			if base, err = e.findMade(ctx, below.ID, below.Made, t.Log); err != nil {
				return err
			}
		}
		under, err := e.api.ImageInspect(ctx, base)
		if err != nil {
			return engineError("looking at the image below", err)
		}
		if lower = under.RootFS.Layers; len(lower) > len(is.RootFS.Layers) || !slices.Equal(lower, is.RootFS.Layers[:len(lower)]) {
			return fmt.Errorf("the image does not lie on %s", base)
		}
	}
	if err := os.MkdirAll(t.Scratch, 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(t.Scratch, "built-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	config, err := e.save(ctx, id, dir, lower)
	if err != nil {
		return err
	}
	m := made.Made{Base: below.Version, Config: config}
	if m.Base == "" {
		m.Platform = strings.TrimSuffix(is.Os+"/"+is.Architecture+"/"+is.Variant, "/")
	}
	for i, diff := range is.RootFS.Layers[len(lower):] {
		m.Layers = append(m.Layers, fmt.Sprintf("layer-%d.tar", i))
		if err := timeless(filepath.Join(dir, strings.TrimPrefix(diff, "sha256:")), filepath.Join(out, m.Layers[i])); err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
	}
	if err := m.Write(out); err != nil || below.Made == nil {
		return err
	}
	return made.Onto(out, made.Made{Base: below.Made.Base, Platform: below.Made.Platform, Layers: below.Made.Layers, Config: below.Made.Config}, below.Made.Dir)
}

// save reads the archive of an image out of the engine: its layers into files in dir that have their digests for names, but for those that are known; and how it runs.
func (e *Executor) save(ctx context.Context, id, dir string, known []string) (json.RawMessage, error) {
	var all struct{ Config runs }
	body, err := e.api.ImageSave(ctx, []string{id})
	if err != nil {
		return nil, engineError("reading the image", err)
	}
	defer body.Close()
	for entries := tar.NewReader(body); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, engineError("reading the image", err)
		}
		isLayer := path.Base(h.Name) == "layer.tar" || strings.HasPrefix(h.Name, "blobs/")
		if h.Typeflag != tar.TypeReg || !isLayer {
			continue
		}
		if err := keepLayer(entries, dir, known); err != nil {
			return nil, err
		}
	}
	var raw bytes.Buffer
	if _, err := e.api.ImageInspect(ctx, id, client.ImageInspectWithRawResponse(&raw)); err != nil {
		return nil, engineError("looking at the image", err)
	}
	if err := json.Unmarshal(raw.Bytes(), &all); err != nil {
		return nil, fmt.Errorf("reading what the engine says of %s: %w", id, err)
	}
	delete(all.Config.Labels, madeLabel) // of the image below
	return json.Marshal(all.Config)
}

// keepLayer writes what may be a layer to a file of its digest's name.
func keepLayer(from io.Reader, dir string, known []string) error {
	f, err := os.CreateTemp(dir, "layer-")
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), from)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	digest := hex.EncodeToString(h.Sum(nil))
	if slices.Contains(known, "sha256:"+digest) {
		return os.Remove(f.Name())
	}
	return os.Rename(f.Name(), filepath.Join(dir, digest))
}

// timeless copies a layer such that what was made while it was built has the time dockerfile.Epoch. Files of an earlier time keep it.
func timeless(from, to string) (err error) {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	out, latest := tar.NewWriter(w), time.Unix(dockerfile.Epoch, 0)
	for entries := tar.NewReader(f); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return out.Close()
		}
		if err != nil {
			return err
		}
		if h.ModTime.After(latest) {
			h.ModTime = latest
		}
		h.ModTime = h.ModTime.Truncate(time.Second)
		h.AccessTime, h.ChangeTime, h.Format = time.Time{}, time.Time{}, tar.FormatUnknown
		for _, name := range []string{"mtime", "atime", "ctime"} {
			delete(h.PAXRecords, name)
		}
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.Copy(out, entries); err != nil {
			return err
		}
	}
}
