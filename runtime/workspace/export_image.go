package workspace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor/docker"
	"github.com/mlp-lang/mlp/runtime/predlog"
	"github.com/mlp-lang/mlp/runtime/serve"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// A folder of released models is what a server needs of a pipeline: releases.json, by address, and each model's folder below models, named by its digest.
const (
	releasedFile   = "releases.json"
	releasedModels = "models"
	serverPort     = 8080
)

// ExportImage writes an image that serves the model that a deployment has live, as a docker archive: this binary, the model, and what the server knows of the
// release. The same binary and model give the same bytes.
func (s *Session) ExportImage(ctx context.Context, address, file string) (*ExportedModel, error) {
	if file == "" {
		return nil, unnamedExport
	}
	if !strings.HasSuffix(file, ".tar") {
		return nil, &Failure{Err: fmt.Errorf("the ending of %s stands for no archive of an image", file), Hint: "Name a file that ends in .tar, for 'docker load --input'."}
	}
	x, err := s.Find(AddressOf(address))
	if err != nil {
		return nil, err
	}
	if x.Release == nil {
		return nil, &Failure{Err: fmt.Errorf("nothing is live in %s", AddressOf(address)), Hint: "Name a deployment that has a model live: an image serves it under the deployment's name."}
	}
	r := x.Release
	live := plan.ReleaseState{Type: r.Type, Model: r.Model, From: r.From, Config: r.Config, Signature: r.Signature}
	return s.exportModel(ctx, address, file, func(dir string, d plan.Digest) ([]byte, error) {
		if _, err := model.ServeModel(dir); errors.Is(err, component.ErrOpaque) {
			return nil, &Failure{Err: fmt.Errorf("the model of %s is scored by a program of its own, and by no server", AddressOf(address)), Hint: "Write to an archive with 'mlp export bundle'."}
		} else if err != nil {
			return nil, err
		}
		files, err := os.MkdirTemp("", "mlp-export-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(files)
		text, err := json.MarshalIndent(map[string]plan.ReleaseState{AddressOf(address): live}, "", "  ")
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(files, releasedFile), append(text, '\n'), 0o600); err != nil {
			return nil, err
		}
		hex, err := d.Hex()
		if err != nil {
			return nil, err
		}
		if err := os.CopyFS(filepath.Join(files, releasedModels, hex), os.DirFS(dir)); err != nil {
			return nil, err
		}
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		_, name, _ := strings.Cut(AddressOf(address), ".")
		image := docker.Server{Binary: self, Name: strings.ToLower(name) + ":" + serve.VersionOf(d), Files: files, Args: []string{"serve", "--released", docker.Mounted},
			More: []string{"--addr", fmt.Sprint("0.0.0.0:", serverPort)}, Port: serverPort}
		var b bytes.Buffer
		if err := image.WriteArchive(&b); err != nil {
			return nil, &Failure{Err: fmt.Errorf("writing an image with this program: %w", err), Hint: "An image is of Linux: run a static build of mlp for Linux, such as that of its own releases."}
		}
		return b.Bytes(), nil
	})
}

// fixedReleases are those of such a folder, which stay as they are.
type fixedReleases map[string]plan.ReleaseState

// Current implements serve.Releases.
func (r fixedReleases) Current(context.Context) (map[string]plan.ReleaseState, error) { return r, nil }

// ServeReleased answers requests for the models of a folder of released models, without their pipeline.
func ServeReleased(ctx context.Context, dir string, o serve.Options, p Predictions) error {
	if p.ToStore {
		return &Failure{Err: errors.New("a folder of released models has no store"), Hint: "Leave out --predictions-to-store, or serve from the pipeline, without --released."}
	}
	f, err := os.Open(filepath.Join(dir, releasedFile))
	if err != nil {
		return &Failure{Err: fmt.Errorf("%s is no folder of released models: %w", dir, err), Hint: "'mlp export image' writes one, into an image."}
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	var all fixedReleases
	if err := json.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	o.Releases = all
	o.Open = func(_ context.Context, d plan.Digest) (string, error) {
		hex, err := d.Hex()
		return filepath.Join(dir, releasedModels, hex), err
	}
	return serveLogged(ctx, o, p, predlog.Options{})
}
