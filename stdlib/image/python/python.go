// Package python makes images that have a requirements file or a lock file installed: a layer on top of a base image, of wheels that are taken by their hashes.
//
// # How
//
// The stage is a program like any other: mlp_install (runtime/component/python) runs in the base image, with the requirements and the wheels as its code, and writes a layer.
// The layer has what pip installs for the base's Python, compiled, with no time, no owner and a fixed order, so that the same requirements on the same base are
// the same bytes; the executor puts it on top of the base where the image is to run. No registry and no builder has a part in it.
//
//	requirements.txt   numpy==1.24.2 --hash=sha256:…          in/code
//	wheels/            numpy-1.24.2-cp311-….whl               in/code; an index with an address is asked by pip, with a network
//	base               sha256:4ca7d7… linux/amd64              what it runs in
//	                   /opt/mlp/python/numpy/…                out/image/layer.tar
package python

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/component/python"
)

// Component is image.python. No block is of it: blocks of type python derive it.
var Component = component.Component{
	Kind: schema.ImageKind,
	Type: schema.Type{Name: "python", Version: 1, Summary: "An image with the wheels of a requirements file installed",
		Doc: "Made of a base image, a requirements file and an index, by `pip` of the base."},
	Inspect: inspect,
}

// Config is the stage's configuration.
type Config struct {
	Python       string `json:"python,omitempty"`       // that the base must have; empty: any
	Requirements string `json:"requirements,omitempty"` // the file, below in/code
	Lock         string `json:"lock,omitempty"`         // or a lock file
	Index        string `json:"index,omitempty"`        // the folder of wheels, below in/code
	IndexURL     string `json:"index_url,omitempty"`    // or the index's address
	Network      bool   `json:"network,omitempty"`
}

// Make is the stage that makes an image of a base. c.Index is a folder, or an address.
func Make(c Config, base schema.Image) (*schema.Making, error) {
	code := []schema.Files{{Path: "requirements", Patterns: []string{c.Requirements}}}
	if c.Lock != "" {
		code = []schema.Files{{Path: "lock", Patterns: []string{c.Lock}}}
	}
	if strings.Contains(c.Index, "://") {
		c.Index, c.IndexURL, c.Network = "", c.Index, true
	} else {
		c.Index = path.Clean(c.Index)
		code = append(code, schema.Files{Path: "index", Patterns: []string{c.Index + "/*.whl"}})
	}
	config, err := json.Marshal(c)
	return &schema.Making{Type: Component.Type.Name, Version: Component.Type.Version, Config: config, Program: schema.Program{
		Image: base, Command: []string{"python3", "/mlp/" + python.Folder + "/mlp_install.py"}, Code: code, Library: python.Installer, Network: c.Network,
		Env: map[string]string{"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
	}}, err
}

// pinned is a requirement with one version, and hashed one of its hashes.
var (
	pinned = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._ -]+\])? *==[^=*;, ]+ *(;[^#]*)?$`)
	hashed = lazyregexp.New(`--hash=sha256:[0-9a-f]{64}\b`)
)

// inspect reads the requirements: each is pinned and has a hash, and nothing else stands there that would have pip read other files or indexes.
func inspect(config json.RawMessage, files fs.FS) []schema.Problem {
	var c Config
	if err := json.Unmarshal(config, &c); err != nil {
		return []schema.Problem{{Summary: err.Error()}}
	}
	if c.Lock != "" {
		return nil // which the stage reads, by its Python's version
	}
	text, err := fs.ReadFile(files, path.Clean(c.Requirements))
	if err != nil {
		return []schema.Problem{{Path: "requirements", Summary: err.Error()}}
	}
	for _, r := range requirements(text) {
		where := fmt.Sprintf("%s:%d", c.Requirements, r.line)
		name, _, _ := strings.Cut(strings.TrimSpace(r.text), " --hash")
		name = strings.TrimSpace(strings.TrimRight(name, `\ `))
		switch {
		case strings.HasPrefix(r.text, "-"):
			return []schema.Problem{{Path: "requirements", Summary: fmt.Sprintf("%s: the option %s is not for this place", where, strings.Fields(r.text)[0]),
				Detail: "The file lists what is installed, each with its hashes; where the wheels are is said by index."}}
		case !pinned().MatchString(name):
			return []schema.Problem{{Path: "requirements", Summary: fmt.Sprintf("%s: %s has no single version", where, name),
				Hint: "pin it by ==, and with its hash: pip-compile --generate-hashes and uv export write such a file."}}
		case !hashed().MatchString(r.text):
			return []schema.Problem{{Path: "requirements", Summary: fmt.Sprintf("%s: %s has no --hash", where, name), Detail: "Without one an index could give other bytes under the same version.",
				Hint: "pip-compile --generate-hashes and uv export write them."}}
		}
	}
	return nil
}

// requirement is one logical line.
type requirement struct {
	line int // of its beginning
	text string
}

// requirements are the logical lines of a requirements file: comments left out, those that end in a backslash joined with the next.
func requirements(text []byte) []requirement {
	var out []requirement
	lines, n, open := bufio.NewScanner(bytes.NewReader(text)), 0, false
	for lines.Scan() {
		n++
		line := lines.Text()
		if at := strings.Index(" "+line, " #"); at >= 0 {
			line = line[:max(0, at-1)]
		}
		line = strings.TrimSpace(line)
		body, more := strings.CutSuffix(line, `\`)
		switch {
		case open:
			out[len(out)-1].text += " " + strings.TrimSpace(body)
		case line == "":
			continue
		default:
			out = append(out, requirement{n, strings.TrimSpace(body)})
		}
		open = more
	}
	return out
}
