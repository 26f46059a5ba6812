// Package archive makes an image of an archive of one: what `docker save` writes, or an OCI image layout, as a tar or a folder. No engine has a part in it, and
// no registry.
//
// # How
//
// The stage takes the image apart into its layers, uncompressed, and the part of its configuration that says how containers of it run. Both are held to the
// digests that the archive itself names, so that one which was cut short is an error and no image.
//
//	trainer.tar    manifest.json   [{"Config": "33a6….json", "Layers": ["4ca7…/layer.tar"]}]      docker save
//	trainer/       index.json      {"manifests": [{"digest": "sha256:…", "platform": …}]}         an OCI layout, as skopeo and buildah write it
//	out/image/     image.json, layer-0.tar, …
package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/component/image"
)

// Component is image.archive. No block is of it: blocks whose image is an archive derive it.
var Component = component.Component{
	Kind: schema.ImageKind,
	Type: schema.Type{Name: "archive", Version: 1, Summary: "An image of an archive",
		Doc: "What `docker save` writes, or an OCI image layout."},
	Inspect: inspect,
	Run:     run,
}

// Config is the stage's configuration.
type Config struct {
	Archive      string `json:"archive"`                // the file, or the folder, below in/code
	Architecture string `json:"architecture,omitempty"` // of several images the one for this; empty: there is one
}

// Files are those of an archive: itself where its name has the ending of a tar, else all below the folder of the name.
func Files(archive string) []string {
	for _, ending := range []string{".tar", ".tar.gz", ".tgz"} {
		if strings.HasSuffix(archive, ending) {
			return []string{archive}
		}
	}
	return []string{strings.TrimSuffix(archive, "/") + "/**/*"}
}

// Make is the stage that makes an image of an archive.
func Make(c Config) (*schema.Making, error) {
	config, err := json.Marshal(c)
	return &schema.Making{Type: Component.Type.Name, Version: Component.Type.Version, Config: config,
		Program: schema.Program{Code: []schema.Files{{Path: "archive", Patterns: Files(c.Archive)}}}}, err
}

// inspect looks whether the archive has an image, and for which machine it is.
func inspect(config json.RawMessage, files fs.FS) []schema.Problem {
	c, err := component.Decode[Config](config)
	if err != nil {
		return []schema.Problem{{Summary: err.Error()}}
	}
	a, err := open(files, c.Archive, "")
	if err == nil {
		defer a.close()
		_, _, err = a.find(c.Architecture)
	}
	if err == nil {
		return nil
	}
	err = told(c.Archive, err)
	p := schema.Problem{Path: "archive", Summary: err.Error()}
	var wrong *component.InputError
	if errors.As(err, &wrong) {
		p.Summary, p.Hint = wrong.Summary, wrong.Detail
	}
	return []schema.Problem{p}
}

// run takes the archive apart.
func run(ctx context.Context, s *component.Stage) error {
	c, err := component.Decode[Config](s.Config)
	if err != nil {
		return err
	}
	out, err := s.Output(string(schema.ImagePort))
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "archive-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	a, err := open(os.DirFS(s.Input(schema.CodePort)), c.Archive, tmp)
	if err != nil {
		return told(c.Archive, err)
	}
	defer a.close()
	config, layers, err := a.find(c.Architecture)
	if err != nil {
		return told(c.Archive, err)
	}
	made := image.Made{Platform: config.platform(), Config: config.Config}
	for i, layer := range layers {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := fmt.Sprintf("layer-%d.tar", i)
		if err := a.unpack(layer, filepath.Join(out, name), config.RootFS.DiffIDs[i]); err != nil {
			return told(c.Archive, err)
		}
		made.Layers = append(made.Layers, name)
	}
	return made.Write(out)
}

// told says of an error of an archive which one it is.
func told(archive string, err error) error {
	var wrong *component.InputError
	if errors.As(err, &wrong) {
		return &component.InputError{Summary: archive + ": " + wrong.Summary, Detail: wrong.Detail, Err: err}
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &component.InputError{Summary: fmt.Sprintf("%s is no whole image: %v", archive, err), Detail: "It may have been cut short: save it anew.", Err: err}
	}
	return fmt.Errorf("%s: %w", archive, err)
}
