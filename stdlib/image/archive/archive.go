// Package archive makes an image of an archive of one: what `docker save` writes, or an OCI image layout, as a tar or a folder. No engine has a part in it, and
// no registry. Blocks are of it, and blocks whose program runs in an archive derive a stage of it.
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
	"path"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/component/image"
)

// Component is image.archive.
var Component = component.Component{
	Kind: schema.ImageKind,
	Type: schema.Type{Name: "archive", Version: 1, Summary: "An image of an archive", Doc: doc,
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "path", Type: schema.String, Required: true,
				Doc: "The archive, a file of the module: `trainer.tar`, as `docker save` writes it (also `.tar.gz`), or the tar or folder of an OCI image layout. Its content is an input of the stage, which needs no registry and no engine."},
			{Name: "architecture", Type: schema.String, OneOf: []string{"amd64", "arm64"}, Doc: "What the image must be built for. Of an archive with images for several machines it says which. A plan is refused whose archive has none for it."},
		}},
		Out:      []schema.Port{{Name: string(schema.ImagePort), Type: schema.ImagePort, Doc: "The image, for `image` and `base` of blocks that run in it, and for `images` of builds upon it."}},
		Examples: []schema.Example{{Title: "An image that was saved elsewhere", Code: example, Files: []schema.ExampleFile{{Name: "docker/Dockerfile", Code: exampleFile}, {Name: "docker/train.py", Code: "print(\"trained\")\n"}}}}},
	Shape:   shape,
	Program: program,
	Inspect: inspect,
	Run:     run,
}

// Config is the stage's configuration.
type Config struct {
	Path         string `json:"path"`                   // the file, or the folder, below in/code
	Architecture string `json:"architecture,omitempty"` // of several images the one for this; empty: there is one
}

// shape yields the image.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	res := schema.ShapeResult{Out: map[string]schema.Shape{string(schema.ImagePort): {Type: schema.ImagePort}}}
	c, err := component.Decode[Config](req.Config)
	if err != nil {
		res.Problems = append(res.Problems, schema.Problem{Summary: "The block cannot be read: " + err.Error()})
	} else if !filepath.IsLocal(filepath.FromSlash(c.Path)) {
		res.Problems = append(res.Problems, schema.Problem{Path: "path", Summary: fmt.Sprintf("%q is no path below the folder of the module", c.Path)})
	}
	return res
}

// program is what a block means: no command, and the archive as its code.
func program(config json.RawMessage) (*schema.Program, error) {
	c, err := component.Decode[Config](config)
	return &schema.Program{Code: []schema.Files{{Path: "path", Patterns: files(path.Clean(c.Path))}}}, err
}

// files are those of an archive: itself where its name has the ending of a tar, else all below the folder of the name.
func files(archive string) []string {
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
		Program: schema.Program{Code: []schema.Files{{Path: "archive", Patterns: files(c.Path)}}}}, err
}

// inspect looks whether the archive has an image, and for which machine it is. What is wrong is wrong with the attribute that names the archive, whose name depends on
// the block.
func inspect(config json.RawMessage, files fs.FS) []schema.Problem {
	c, err := component.Decode[Config](config)
	if err != nil {
		return []schema.Problem{{Summary: err.Error()}}
	}
	a, err := open(files, c.Path, "")
	if err == nil {
		defer a.close()
		_, _, err = a.find(c.Architecture)
	}
	if err == nil {
		return nil
	}
	err = told(c.Path, err)
	p := schema.Problem{Summary: err.Error()}
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
	a, err := open(os.DirFS(s.Input(schema.CodePort)), c.Path, tmp)
	if err != nil {
		return told(c.Path, err)
	}
	defer a.close()
	config, layers, err := a.find(c.Architecture)
	if err != nil {
		return told(c.Path, err)
	}
	made := image.Made{Platform: config.platform(), Config: config.Config}
	for i, layer := range layers {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := fmt.Sprintf("layer-%d.tar", i)
		if err := a.unpack(layer, filepath.Join(out, name), config.RootFS.DiffIDs[i]); err != nil {
			return told(c.Path, err)
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

const doc = `What ` + "`docker save`" + ` writes, or an OCI image layout, as skopeo and buildah write it. Blocks run in it by ` + "`image = image.<name>`" + `, and ` + "`image \"build\"`" + ` builds upon it by ` + "`images`" + `.

The stage takes the archive apart once, and holds each layer and the configuration to the digests that the archive names: one that was cut short or edited is an error. An archive that is absent, is none of an image,
or has none for ` + "`architecture`" + ` is refused when the plan is made.

Where one block alone runs in it, its own ` + "`archive`" + ` says the same.`

const example = `pipeline "churn" {}

image "archive" "vendor" {
  path = "vendor.tar"
}

image "build" "trainer" {
  dockerfile = "docker/Dockerfile"
  context    = "docker"
  images     = { vendor = image.vendor }
}

stage "container" "report" {
  image   = image.trainer
  command = ["python3", "/app/train.py"]
}
`

const exampleFile = `FROM vendor
COPY train.py /app/
`
