// Package image is the form of an image that a stage makes (spec/protocol.md): layers in a folder, and a file beside them that says what they are.
package image

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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
