// Package image is the form of an image that a stage makes (spec/protocol.md): layers in a folder, and a file beside them that says what they are.
package image

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File says in the folder what it is.
const File = "image.json"

// Made is that file.
type Made struct {
	// Image is the version of the form: 2 where there is a Config, else 1.
	Image    int             `json:"image"`
	Base     string          `json:"base,omitempty"`     // the version of the image that the layers lie on; empty: they are the whole image
	Platform string          `json:"platform,omitempty"` // of a whole image, "linux/amd64"
	Layers   []string        `json:"layers"`             // tar archives beside it, from the lowest
	Config   json.RawMessage `json:"config,omitempty"`   // how containers of it run, "config" of an OCI image's configuration; absent: as the base says
}

// Parse reads the file, and refuses a layer that does not lie beside it.
func Parse(data []byte) (m Made, err error) {
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("%s: %w", File, err)
	}
	switch {
	case m.Image != 1 && m.Image != 2:
		return m, fmt.Errorf("%s has the form %d, and this mlp knows 1 and 2", File, m.Image)
	case m.Base == "" && (len(m.Layers) == 0 || m.Platform == "" || m.Image == 1), len(m.Layers) == 0 && m.Config == nil:
		return m, fmt.Errorf("%s names neither a base with layers nor a whole image with its platform", File)
	case (m.Image == 2) != (m.Config != nil):
		return m, fmt.Errorf("%s has a config in the form 2, and none in the form 1", File)
	}
	for _, layer := range m.Layers {
		if layer == "" || strings.ContainsAny(layer, `/\`) {
			return m, fmt.Errorf("%s names the layer %q, which lies elsewhere", File, layer)
		}
	}
	return m, nil
}

// Onto puts the layers of the image in dir onto those of another one, which the image says that it lies on. What dir has then rests on what the other one rests on.
// Layers of the other one are linked.
func Onto(dir string, below Made, from string) error {
	data, err := os.ReadFile(filepath.Join(dir, File))
	if err != nil {
		return err
	}
	m, err := Parse(data)
	if err != nil {
		return err
	}
	var layers []string
	for i, layer := range append(slices.Clone(m.Layers), below.Layers...) {
		name := fmt.Sprintf("upper-%d.tar", i) // no layer has the name of one that is still to be moved
		if i < len(m.Layers) {
			err = os.Rename(filepath.Join(dir, layer), filepath.Join(dir, name))
		} else {
			name = fmt.Sprintf("lower-%d.tar", i-len(m.Layers))
			err = os.Link(filepath.Join(from, layer), filepath.Join(dir, name))
		}
		if err != nil {
			return err
		}
		layers = append(layers, name)
	}
	m.Base, m.Platform, m.Layers = below.Base, below.Platform, nil
	if m.Config == nil {
		m.Config = below.Config
	}
	for i, name := range append(layers[len(layers)-len(below.Layers):], layers[:len(layers)-len(below.Layers)]...) {
		m.Layers = append(m.Layers, fmt.Sprintf("layer-%d.tar", i))
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, m.Layers[i])); err != nil {
			return err
		}
	}
	return m.Write(dir)
}

// Write writes the file into the folder of the layers.
func (m Made) Write(dir string) error {
	m.Image = 1
	if m.Config != nil {
		m.Image = 2
	}
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, File), append(data, '\n'), 0o644)
}
