// Package python has the Python modules that lie beside a program under the stage protocol: mlp_stage, with which a script reads and writes what its
// stage takes and yields, and mlp_install, which makes the layer of an image that has a requirements file installed.
package python

import (
	"embed"
	"fmt"
)

// Library is the version of the modules. It is part of the definition of whatever runs with them, so it moves when what they do does: a test
// holds their text to it.
const Library = "python.1"

// Folder is where a program finds the modules, below its root folder.
const Folder = "lib"

// Packages is where an image has what was installed into it.
const Packages = "/opt/mlp/python"

//go:embed mlp_stage.py mlp_install.py
var modules embed.FS

// Modules are the files of a version of the library, by name. An unknown version is an error: a plan of another mlp asks for it.
func Modules(library string) (map[string][]byte, error) {
	if library != Library {
		return nil, fmt.Errorf("this mlp has %s beside programs, and not %s: plan again", Library, library)
	}
	out := map[string][]byte{}
	for _, name := range []string{"mlp_stage.py", "mlp_install.py"} {
		text, err := modules.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out[name] = text
	}
	return out, nil
}
