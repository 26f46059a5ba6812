package docker

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// Server is an image that runs a command of the binary over files.
type Server struct {
	Binary string // the path of a static executable
	Name   string // with a tag: "scorer:0123456789ab"
	Files  string // a folder, which containers find under Mounted
	Args   []string
	More   []string // arguments behind these, in place of which a container may be given others
	Port   int
}

// Mounted is where a server's image has its files.
const Mounted = "/files"

// WriteArchive writes the image as a docker archive, for `docker load`. The same binary and files give the same bytes.
func (s Server) WriteArchive(w io.Writer) error {
	b, err := openBinary(s.Binary)
	if err != nil {
		return err
	}
	defer b.file.Close()
	config := func(diffID string) imageConfig {
		c := b.config(diffID)
		c.Config = imageRunConfig{User: fmt.Sprintf("%d:%d", nobody, nobody), Entrypoint: append([]string{"/" + binaryPath}, s.Args...), Cmd: s.More,
			ExposedPorts: map[string]struct{}{strconv.Itoa(s.Port) + "/tcp": {}}, Labels: map[string]string{binaryLabel + ".server": string(b.digest)}}
		return c
	}
	return writeArchive(w, []string{s.Name}, config, func(w io.Writer) error { return s.layer(w, b) })
}

// layer writes the one layer of the image: the binary, a folder for what is passing, and the files, in the order of their names.
func (s Server) layer(w io.Writer, b *binary) error {
	t := tar.NewWriter(w)
	for _, h := range []*tar.Header{entry("bin/", 0o755, 0), entry("tmp/", 0o1777, 0)} {
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
	err := filepath.WalkDir(s.Files, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(s.Files, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(filepath.Join(Mounted[1:], name))
		if e.IsDir() {
			return t.WriteHeader(entry(name+"/", 0o755, 0))
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		return writeEntry(t, name, 0o644, info.Size(), file)
	})
	if err != nil {
		return err
	}
	return t.Close()
}
