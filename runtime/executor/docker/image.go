package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/jsonmessage"

	"github.com/mlp-lang/mlp/lang/digest"
)

// The image of built-in components is the binary of mlp that runs, in an otherwise empty file system: nothing is pulled, and a
// stage in a container runs the very code that a stage in a process does. It is made here, byte for byte the same for the same
// binary.
//
// Labels of the built-in image: the digest of the binary that it is made of, and how it is made of it. The layout is
// to be raised when archive changes, else an image that is already loaded would stay.
const (
	binaryLabel = "mlp.binary"
	layoutLabel = "mlp.layout"
	layout      = "1"
)

// binaryPath is where the built-in image has the binary.
const binaryPath = "bin/mlp"

// findImage returns the id of the built-in image, which it loads into the engine if it isn't there. Two callers who do
// so at once load the same bytes, which does no harm.
// A binary of another architecture than the engine's is an error here, and not an "exec format error" of each stage.
func (e *Executor) findImage(ctx context.Context) (string, error) {
	eng, err := e.engine.get(ctx, e.findEngine)
	if err != nil {
		return "", err
	}
	b, err := openBinary(e.opts.SelfPath)
	if err != nil {
		return "", fmt.Errorf("making the image for built-in components: %w", err)
	}
	defer b.file.Close()
	if b.arch != eng.arch {
		return "", fmt.Errorf("making the image for built-in components: %s is for %s, the engine runs %s", b.file.Name(), b.arch, eng.arch)
	}
	if id, err := e.imageByLabel(ctx, string(b.digest)); err != nil || id != "" {
		return id, err
	}
	if err := e.loadImage(ctx, b); err != nil {
		return "", err
	}
	id, err := e.imageByLabel(ctx, string(b.digest))
	if err != nil {
		return "", err
	}
	if id == "" {
		return "", errors.New("loading the image for built-in components: the engine took it and does not have it")
	}
	// The name is for people; but naming an image is what the engine remembers the time of.
	if err := e.api.ImageTag(ctx, id, b.name()); err != nil {
		return "", engineError("naming the image for built-in components", err)
	}
	e.pruneImages(ctx, id)
	return id, nil
}

// imageByLabel finds an image that was loaded for the same binary and layout; its id, empty if there is none.
func (e *Executor) imageByLabel(ctx context.Context, digest string) (string, error) {
	labels := filters.NewArgs(filters.Arg("label", binaryLabel+"="+digest), filters.Arg("label", layoutLabel+"="+layout))
	found, err := e.api.ImageList(ctx, image.ListOptions{Filters: labels})
	if err != nil {
		return "", engineError("looking for the image of built-in components", err)
	}
	// What is built upon it has its labels too, and a parent.
	i := slices.IndexFunc(found, func(s image.Summary) bool { return s.ParentID == "" })
	if i < 0 {
		return "", nil
	}
	return found[i].ID, nil
}

// loadImage streams the archive into the engine while it is written.
func (e *Executor) loadImage(ctx context.Context, b *binary) error {
	const doing = "loading the image for built-in components"
	r, w := io.Pipe()
	go func() { w.CloseWithError(b.archive(w)) }()
	defer r.Close()
	resp, err := e.api.ImageLoad(ctx, r, client.ImageLoadWithQuiet(true))
	if err != nil {
		return engineError(doing, err)
	}
	defer resp.Body.Close()
	// An error in the middle comes as a message of the answer.
	if err := jsonmessage.DisplayJSONMessagesStream(resp.Body, io.Discard, 0, false, nil); err != nil {
		return engineError(doing, err)
	}
	return nil
}

// binary is a static executable that an image is made of.
type binary struct {
	file   *os.File
	size   int64
	arch   string // as Go names it
	digest digest.Digest
}

// openBinary opens and digests an executable. One that needs a dynamic linker is refused: the image has none.
func openBinary(path string) (_ *binary, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	arch, err := staticArch(file)
	if err != nil {
		return nil, err
	}
	d, size, err := digest.Read(file)
	if err != nil {
		return nil, err
	}
	return &binary{file: file, size: size, arch: arch, digest: d}, nil
}

// staticArch is the architecture of a static executable, in Docker's words. A dynamic one has an interpreter (PT_INTERP),
// which an empty image lacks.
func staticArch(file *os.File) (string, error) {
	f, err := elf.NewFile(file)
	if err != nil {
		return "", fmt.Errorf("%s is no Linux executable: %w", file.Name(), err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return "", fmt.Errorf("%s is dynamically linked and cannot run in an empty image; build a static one with `make build`", file.Name())
		}
	}
	switch f.Machine {
	case elf.EM_X86_64:
		return "amd64", nil
	case elf.EM_AARCH64:
		return "arm64", nil
	}
	return strings.ToLower(strings.TrimPrefix(f.Machine.String(), "EM_")), nil
}

// name is what `docker images` shows for the image.
func (b *binary) name() string {
	return "mlp-stage:" + strings.TrimPrefix(string(b.digest), digest.Prefix)[:12]
}

// imageConfig is an image's configuration as the OCI image specification has it.
type imageConfig struct {
	Architecture string         `json:"architecture"`
	Config       imageRunConfig `json:"config"`
	Created      time.Time      `json:"created"`
	History      []imageHistory `json:"history"`
	OS           string         `json:"os"`
	RootFS       imageRootFS    `json:"rootfs"`
}

// imageRunConfig is the part of it that says how containers are run. Those of stages say that themselves, so that labels are all.
type imageRunConfig struct {
	Labels       map[string]string   `json:"Labels"`
	User         string              `json:",omitempty"`
	Entrypoint   []string            `json:",omitempty"`
	Cmd          []string            `json:",omitempty"`
	ExposedPorts map[string]struct{} `json:",omitempty"`
}

// imageHistory says what made a layer, for `docker history`.
type imageHistory struct {
	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by"`
}

// imageRootFS names the layers by their digests, uncompressed.
type imageRootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

// imageManifest is an entry of manifest.json of a docker archive.
type imageManifest struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// archive writes the image as a docker archive. The bytes, and so the image's id, depend on the binary alone.
func (b *binary) archive(w io.Writer) error { return writeArchive(w, nil, b.config, b.layer) }

// writeArchive writes an image of one layer as a docker archive, with these names. The layer is written twice, since the configuration, which
// holds its digest, and its size come first.
func writeArchive(w io.Writer, names []string, configOf func(diffID string) imageConfig, layer func(io.Writer) error) error {
	digest, size := sha256.New(), new(counter)
	if err := layer(io.MultiWriter(digest, size)); err != nil {
		return err
	}
	config, err := json.Marshal(configOf("sha256:" + hex.EncodeToString(digest.Sum(nil))))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(config)
	name := hex.EncodeToString(sum[:]) + ".json"
	manifest, err := json.Marshal([]imageManifest{{Config: name, RepoTags: names, Layers: []string{"layer.tar"}}})
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	for _, f := range []struct {
		name string
		data []byte
	}{{name, config}, {"manifest.json", manifest}} {
		if err := writeEntry(t, f.name, 0o644, int64(len(f.data)), bytes.NewReader(f.data)); err != nil {
			return err
		}
	}
	if err := t.WriteHeader(entry("layer.tar", 0o644, int64(*size))); err != nil {
		return err
	}
	if err := layer(t); err != nil {
		return err
	}
	return t.Close()
}

// config is the image's configuration. It is of the year 1970, for a time of its own would make another image each time.
func (b *binary) config(diffID string) imageConfig {
	epoch := time.Unix(0, 0).UTC()
	return imageConfig{
		Architecture: b.arch, OS: "linux", Created: epoch,
		Config:  imageRunConfig{Labels: map[string]string{binaryLabel: string(b.digest), layoutLabel: layout}},
		History: []imageHistory{{Created: epoch, CreatedBy: "mlp"}},
		RootFS:  imageRootFS{Type: "layers", DiffIDs: []string{diffID}},
	}
}

// layer writes the one layer of the image: the binary and empty folders to mount on.
func (b *binary) layer(w io.Writer) error {
	t := tar.NewWriter(w)
	// A tmpfs takes the mode of the folder that it is mounted on, whatever its options say.
	for _, h := range []*tar.Header{entry("bin/", 0o755, 0), entry("mlp/", 0o755, 0), entry("tmp/", 0o1777, 0)} {
		if err := t.WriteHeader(h); err != nil {
			return err
		}
	}
	if _, err := b.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := writeEntry(t, binaryPath, 0o755, b.size, io.LimitReader(b.file, b.size)); err != nil {
		return err
	}
	return t.Close()
}

// entry is the header of a file, or of a folder where the name ends in a slash; owned by root, without a time.
func entry(name string, mode, size int64) *tar.Header {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: size, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
	if strings.HasSuffix(name, "/") {
		h.Typeflag = tar.TypeDir
	}
	return h
}

// writeEntry writes a file of a size that r must have.
func writeEntry(t *tar.Writer, name string, mode, size int64, r io.Reader) error {
	if err := t.WriteHeader(entry(name, mode, size)); err != nil {
		return err
	}
	_, err := io.Copy(t, r)
	return err
}

// counter counts the bytes written to it.
type counter int64

// Write counts, and never fails.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
