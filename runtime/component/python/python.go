// Package python has the Python modules that lie beside a program under the stage protocol: mlp_stage, with which a script reads and writes what its
// stage takes and yields, and mlp_install with mlp_lock, which make the layer of an image that has a requirements file or a lock file installed.
package python

import (
	"embed"
	"fmt"
)

// Library is the version of mlp_stage, and Installer that of what makes layers. They are part of the definition of whatever runs with them, so they move when what
// these do does: a test holds their text to it.
const (
	Library   = "python.2"
	Installer = "install.1"
)

// Folder is where a program finds the modules, below its root folder.
const Folder = "lib"

// Packages is where an image has what was installed into it.
const Packages = "/opt/mlp/python"

// Layer is the file that mlp_install writes the layer to, in the folder of the image.
const Layer = "layer.tar"

//go:embed mlp_stage.py mlp_install.py mlp_lock.py
var modules embed.FS

// Modules are the files of a version of the library, by name. An unknown version is an error: a plan of another mlp asks for it.
func Modules(library string) (map[string][]byte, error) {
	names, ok := map[string][]string{Library: {"mlp_stage.py"}, Installer: {"mlp_install.py", "mlp_lock.py"}}[library]
	if !ok {
		return nil, fmt.Errorf("this mlp has %s and %s beside programs, and not %s: plan again", Library, Installer, library)
	}
	out := map[string][]byte{}
	for _, name := range names {
		text, err := modules.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out[name] = text
	}
	return out, nil
}
