package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/mlp-lang/mlp/runtime/component"
)

// archive is one that is open: its files by name, of a tar where they lie in it.
type archive struct {
	folder fs.FS // nil: a tar
	tar    io.ReaderAt
	at     map[string]span
	links  map[string]string
	undo   []func() error
}

// span is where a file lies in a tar.
type span struct{ from, size int64 }

// open opens an archive. A tar that is compressed is written to a file in tmp first, or with tmp empty to one of the system's folder.
func open(files fs.FS, name, tmp string) (*archive, error) {
	name = path.Clean(name)
	if info, err := fs.Stat(files, name); err != nil {
		return nil, err
	} else if info.IsDir() {
		sub, err := fs.Sub(files, name)
		return &archive{folder: sub}, err
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	a := &archive{at: map[string]span{}, links: map[string]string{}, undo: []func() error{f.Close}}
	plain, err := a.uncompressed(f, tmp)
	if err == nil {
		err = a.index(plain)
	}
	if err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// uncompressed is the file itself where it is a plain tar.
func (a *archive) uncompressed(f fs.File, tmp string) (*os.File, error) {
	plain, ok := f.(*os.File)
	if !ok {
		return nil, fmt.Errorf("%T is no file of a disk", f)
	}
	r, packed, err := unpacked(plain)
	if err != nil {
		return nil, err
	}
	if !packed {
		_, err := plain.Seek(0, io.SeekStart)
		return plain, err
	}
	to, err := os.CreateTemp(tmp, "archive-*.tar")
	if err != nil {
		return nil, err
	}
	a.undo = append(a.undo, to.Close, func() error { return os.Remove(to.Name()) })
	if _, err := io.Copy(to, r); err != nil {
		return nil, err
	}
	_, err = to.Seek(0, io.SeekStart)
	return to, err
}

// unpacked is what a reader has without its compression, and whether it had any: gzip and zstd, by their first bytes.
func unpacked(from io.Reader) (r io.Reader, packed bool, err error) {
	b := bufio.NewReader(from)
	head, _ := b.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		r, err := gzip.NewReader(b)
		return r, true, err
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		r, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1))
		return r, true, err
	}
	return b, false, nil
}

// index finds where the files of a tar lie.
func (a *archive) index(f *os.File) error {
	a.tar = f
	for t := tar.NewReader(f); ; {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, tar.ErrHeader):
			return &component.InputError{Summary: "this is no tar archive", Detail: "It is made by docker save, or as an OCI image layout."}
		case err != nil:
			return err
		}
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeReg:
			from, err := f.Seek(0, io.SeekCurrent)
			if err != nil {
				return err
			}
			a.at[name] = span{from, h.Size}
		case tar.TypeSymlink:
			a.links[name] = path.Join(path.Dir(name), h.Linkname)
		case tar.TypeLink:
			a.links[name] = path.Clean(h.Linkname)
		}
	}
}

func (a *archive) close() {
	for _, undo := range slices.Backward(a.undo) {
		_ = undo() // what was read is read
	}
}

// file opens one by its name.
func (a *archive) file(name string) (io.ReadCloser, error) {
	name = path.Clean(name)
	if a.folder != nil {
		return a.folder.Open(name)
	}
	for range 10 { // links of links, and none without end
		if s, ok := a.at[name]; ok {
			return io.NopCloser(io.NewSectionReader(a.tar, s.from, s.size)), nil
		}
		to, ok := a.links[name]
		if !ok {
			break
		}
		name = to
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// mostJSON bounds manifests and configurations.
const mostJSON = 16 << 20

// json reads a file, of a name or a digest, which it is held to.
func (a *archive) json(name, digest string, v any) error {
	if digest != "" {
		name = blob(digest)
	}
	f, err := a.file(name)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, mostJSON))
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(data); digest != "" && digest != "sha256:"+hex.EncodeToString(sum[:]) {
		return &component.InputError{Summary: name + " has another content than its name says", Detail: "Save the image anew."}
	}
	if err := json.Unmarshal(data, v); err != nil {
		return &component.InputError{Summary: fmt.Sprintf("%s: %v", name, err), Detail: "Save the image anew."}
	}
	return nil
}

// blob is where an OCI layout has what a digest names.
func blob(digest string) string { return "blobs/" + strings.Replace(digest, ":", "/", 1) }

// config is what is read of an image's configuration.
type config struct {
	Architecture string          `json:"architecture"`
	OS           string          `json:"os"`
	Variant      string          `json:"variant"`
	Config       json.RawMessage `json:"config"`
	RootFS       struct {
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

func (c config) platform() string {
	return strings.TrimSuffix(c.OS+"/"+c.Architecture+"/"+c.Variant, "/")
}

// find is the image of an archive: its configuration, and the files of its layers.
func (a *archive) find(architecture string) (c config, layers []string, err error) {
	var saved []struct {
		Config string
		Layers []string
		Tags   []string `json:"RepoTags"`
	}
	var index descriptor
	err = a.json("manifest.json", "", &saved)
	switch {
	case err == nil && len(saved) != 1:
		var tags []string
		for _, s := range saved {
			tags = append(tags, s.Tags...)
		}
		return c, nil, &component.InputError{Summary: fmt.Sprintf("the archive has %d images: %s", len(saved), strings.Join(tags, ", ")), Detail: "Save one by itself."}
	case err == nil:
		layers = saved[0].Layers
		err = a.json(saved[0].Config, "", &c)
	case errors.Is(err, fs.ErrNotExist):
		if err = a.json("index.json", "", &index); errors.Is(err, fs.ErrNotExist) {
			return c, nil, &component.InputError{Summary: "there is neither a manifest.json nor an index.json in it", Detail: "An archive is what docker save writes, or an OCI image layout."}
		}
		if err == nil {
			c, layers, err = a.choose(index, architecture)
		}
	}
	switch {
	case err != nil:
		return c, nil, err
	case architecture != "" && c.Architecture != architecture:
		return c, nil, &component.InputError{Summary: fmt.Sprintf("its image is for %s, and the block asks for %s", c.platform(), architecture), Detail: "Build it for that, or change architecture."}
	case c.OS != "linux":
		return c, nil, &component.InputError{Summary: fmt.Sprintf("its image is for %q, and stages run on linux", c.platform())}
	case len(layers) == 0 || len(layers) != len(c.RootFS.DiffIDs):
		return c, nil, &component.InputError{Summary: fmt.Sprintf("it lists %d layers, and its configuration %d", len(layers), len(c.RootFS.DiffIDs)), Detail: "Save the image anew."}
	}
	if c.Config == nil {
		c.Config = json.RawMessage("{}")
	}
	return c, layers, nil
}

// descriptor is an index of an OCI layout, a manifest, or what either names.
type descriptor struct {
	Digest    string
	Platform  *struct{ Architecture, OS string }
	Manifests []descriptor
	Config    *descriptor
	Layers    []descriptor
}

// choose finds the one image of an index, or of several that for the architecture. What is for no machine, such as attestations, is none.
func (a *archive) choose(index descriptor, architecture string) (c config, layers []string, err error) {
	type found struct {
		config
		layers []string
	}
	var all []found
	var walk func(d descriptor, deep int) error
	walk = func(d descriptor, deep int) error {
		if deep > 4 {
			return &component.InputError{Summary: "its indexes are nested too deep"}
		}
		for _, m := range d.Manifests {
			if p := m.Platform; p != nil && (p.OS == "unknown" || architecture != "" && p.Architecture != "" && p.Architecture != architecture) {
				continue
			}
			var next descriptor
			if err := a.json("", m.Digest, &next); err != nil {
				return err
			}
			if next.Config == nil {
				if err := walk(next, deep+1); err != nil {
					return err
				}
				continue
			}
			f := found{}
			if err := a.json("", next.Config.Digest, &f.config); err != nil {
				return err
			}
			for _, l := range next.Layers {
				f.layers = append(f.layers, blob(l.Digest))
			}
			all = append(all, f)
		}
		return nil
	}
	if err := walk(index, 0); err != nil {
		return c, nil, err
	}
	if architecture != "" && len(all) > 1 {
		all = slices.DeleteFunc(all, func(f found) bool { return f.Architecture != architecture })
	}
	var platforms []string
	for _, f := range all {
		platforms = append(platforms, f.platform())
	}
	switch {
	case len(all) == 0 && architecture != "":
		return c, nil, &component.InputError{Summary: "it has no image for " + architecture, Detail: "Build it for that, or change architecture."}
	case len(all) == 0:
		return c, nil, &component.InputError{Summary: "its index names no image", Detail: "Save the image anew."}
	case len(all) > 1:
		return c, nil, &component.InputError{Summary: fmt.Sprintf("it has %d images, for %s", len(all), strings.Join(platforms, ", ")), Detail: `Say which one by architecture = "amd64", or save one by itself.`}
	}
	return all[0].config, all[0].layers, nil
}

// unpack writes a layer to a file, uncompressed, and holds it to its digest.
func (a *archive) unpack(layer, to, digest string) (err error) {
	f, err := a.file(layer)
	if err != nil {
		return err
	}
	defer f.Close()
	r, _, err := unpacked(f)
	if err != nil {
		return err
	}
	w, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, h), r); err != nil {
		return err
	}
	if got := "sha256:" + hex.EncodeToString(h.Sum(nil)); got != digest {
		return &component.InputError{Summary: fmt.Sprintf("the layer %s has another content than the image's configuration says", layer), Detail: "It may have been cut short: save it anew."}
	}
	return nil
}
